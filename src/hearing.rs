//! From what a source hands on to words: format, filter and phrase, line by line, in one pass and
//! without a wait.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::filter::{Filter, Verdict};
use crate::format::{Grammars, Reader};
use crate::message::{Message, SourceId};
use crate::phrase::{Naming, Phraser};
use crate::source::lines::Lines;

/// The rule that is named where a line held nothing that can be spoken.
const NOTHING_TO_SAY: &str = "nothing to say";

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Heard<'a> {
    /// These are its words.
    Words(&'a str),
    /// This rule took it out.
    Dropped(&'a str),
}

/// A source as it is heard: its name, its format, its lines so far.
struct Ear {
    name: String,
    reader: Reader,
    n_lines: u64,
}

/// Turns lines into words.
pub struct Hearing {
    filter: Filter,
    phraser: Phraser,
    ears: Vec<Ear>,
    words: String,
}

impl Hearing {
    /// Hears the sources of those `names`, in the order of their ids.
    pub fn new(
        names: impl IntoIterator<Item = String>,
        grammars: &Arc<Grammars>,
        format: Option<&str>,
        filter: Filter,
        naming: Naming,
    ) -> Self {
        let reader = || match format {
            Some(name) => Reader::named(Arc::clone(grammars), name)
                .unwrap_or_else(|_| Reader::recognising(Arc::clone(grammars))),
            None => Reader::recognising(Arc::clone(grammars)),
        };
        let ears =
            names.into_iter().map(|name| Ear { name, reader: reader(), n_lines: 0 }).collect();
        Self { filter, phraser: Phraser::new(naming), ears, words: String::new() }
    }

    /// The name of a source.
    pub fn name(&self, source: SourceId) -> &str {
        &self.ears[usize::from(source.0)].name
    }

    /// Takes lines that are not to be heard, but to recognise the format by.
    pub fn sample(&mut self, lines: &Lines) {
        self.ears[usize::from(lines.source().0)].reader.sample(lines);
    }

    /// Hears `lines`: tells `take` of each that is not blank, with its number in the source.
    pub fn lines(&mut self, lines: &Lines, mut take: impl FnMut(Message<'_>, u64, Heard<'_>)) {
        let ear = &mut self.ears[usize::from(lines.source().0)];
        for line in lines.iter() {
            ear.n_lines += 1;
            if line.text.trim_ascii().is_empty() {
                continue; // nothing was said: no line for the ear, the journal or the filter
            }
            let message = ear.reader.read(line);
            judge(&self.filter, &mut self.phraser, &mut self.words, ear, message, &mut take);
        }
    }

    /// Hears a message whose parts are known.
    pub fn message(
        &mut self,
        message: Message<'_>,
        mut take: impl FnMut(Message<'_>, u64, Heard<'_>),
    ) {
        let ear = &mut self.ears[usize::from(message.source.0)];
        ear.n_lines += 1;
        judge(&self.filter, &mut self.phraser, &mut self.words, ear, message, &mut take);
    }
}

fn judge(
    filter: &Filter,
    phraser: &mut Phraser,
    words: &mut String,
    ear: &Ear,
    message: Message<'_>,
    take: &mut impl FnMut(Message<'_>, u64, Heard<'_>),
) {
    match filter.judge(message, &ear.name) {
        Verdict::Drop { message, rule } => take(message, ear.n_lines, Heard::Dropped(rule)),
        Verdict::Keep(message) => {
            words.clear();
            if phraser.phrase(&message, words) {
                take(message, ear.n_lines, Heard::Words(words));
            } else {
                take(message, ear.n_lines, Heard::Dropped(NOTHING_TO_SAY));
            }
        }
    }
}
