//! From what a source hands on to words: format, filter and phrase, line by line, in one pass and
//! without a wait.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::filter::{Effect, Expires, Filter, Verdict};
use crate::format::{Grammars, Reader, tidy};
use crate::message::{Line, Message, SourceId};
use crate::phrase::{Naming, Phraser};
use crate::source::lines::Lines;

/// The rule that is named where a line held nothing that can be spoken.
const NOTHING_TO_SAY: &str = "nothing to say";

/// So many bytes in one read are a backlog, not a conversation: two threads share the reading of
/// them. Starting one takes as long as 50 lines.
const BACKLOG: usize = 32 * 1024;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Heard<'a> {
    /// These are its words, and for how long they are worth hearing.
    Words(&'a str, Option<Expires<'a>>),
    /// This rule took it out.
    Dropped(&'a str),
}

/// A line as it was read, and what becomes of it.
#[derive(Debug)]
pub struct Explained<'a> {
    /// Its number in the source, from 1.
    pub number: u64,
    /// The grammar that it was read by.
    pub format: &'a str,
    /// Its parts, before any rule changed them.
    pub message: Message<'a>,
    /// The rules that did something to it, by their number in the filter, in order.
    pub effects: &'a [(usize, Effect)],
    /// What becomes of it.
    pub heard: Heard<'a>,
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
    effects: Vec<(usize, Effect)>,
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
        Self {
            filter,
            phraser: Phraser::new(naming),
            ears,
            words: String::new(),
            effects: Vec::new(),
        }
    }

    /// Goes on with other rules and another way of naming, from the next line on.
    pub fn configure(&mut self, filter: Filter, naming: Naming) {
        self.filter = filter;
        self.phraser = Phraser::new(naming);
    }

    /// The name of a source.
    pub fn name(&self, source: SourceId) -> &str {
        &self.ears[usize::from(source.0)].name
    }

    /// How many lines of a source were heard.
    pub fn n_lines(&self, source: SourceId) -> u64 {
        self.ears[usize::from(source.0)].n_lines
    }

    /// Takes lines that are not to be heard, but to recognise the format by.
    pub fn sample(&mut self, lines: &Lines) {
        self.ears[usize::from(lines.source().0)].reader.sample(lines);
    }

    /// Hears `lines`: tells `take` of each, with its number in the source.
    pub fn lines(&mut self, lines: &Lines, mut take: impl FnMut(Message<'_>, u64, Heard<'_>)) {
        let ear = &mut self.ears[usize::from(lines.source().0)];
        let (filter, phraser, words) = (&self.filter, &mut self.phraser, &mut self.words);
        let name = ear.name.as_str();
        let mut hear = |verdict| {
            ear.n_lines += 1;
            tell(phraser, words, verdict, ear.n_lines, &mut take);
        };
        if lines.n_bytes() < BACKLOG || !ear.reader.is_sure() {
            let reader = &mut ear.reader;
            return lines.iter().map(|line| judge(reader, filter, name, line)).for_each(hear);
        }
        let [first, second] = lines.parts();
        let mut other_reader = ear.reader.clone();
        std::thread::scope(|scope| {
            let second = scope.spawn(move || judged(&mut other_reader, filter, name, second));
            judged(&mut ear.reader, filter, name, first).into_iter().for_each(&mut hear);
            match second.join() {
                Ok(verdicts) => verdicts.into_iter().for_each(&mut hear),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
    }

    /// Hears `line`, and tells `take` all that there is to know of it.
    pub fn explain<R>(&mut self, line: Line<'_>, take: impl FnOnce(Explained<'_>) -> R) -> R {
        self.effects.clear();
        let tell = |number, effect| self.effects.push((number, effect));
        let ear = &mut self.ears[usize::from(line.source.0)];
        ear.n_lines += 1;
        let blank = is_blank(&line);
        let message = ear.reader.read(line);
        let verdict = if blank {
            Verdict::Drop { message: message.clone(), rule: NOTHING_TO_SAY }
        } else {
            self.filter.judge_telling(message.clone(), &ear.name, tell)
        };
        let heard = match &verdict {
            Verdict::Drop { rule, .. } => Heard::Dropped(rule),
            Verdict::Keep(message, expires) => {
                words_for(message, *expires, &mut self.phraser, &mut self.words)
            }
        };
        let format = ear.reader.line_format();
        let effects = &self.effects;
        take(Explained { number: ear.n_lines, format, message, effects, heard })
    }

    /// Hears a message whose parts are known.
    pub fn message(
        &mut self,
        message: Message<'_>,
        mut take: impl FnMut(Message<'_>, u64, Heard<'_>),
    ) {
        let ear = &mut self.ears[usize::from(message.source.0)];
        ear.n_lines += 1;
        let verdict = self.filter.judge(tidy(message), &ear.name);
        tell(&mut self.phraser, &mut self.words, verdict, ear.n_lines, &mut take);
    }
}

fn is_blank(line: &Line<'_>) -> bool {
    line.text.trim_ascii().is_empty()
}

/// What the rules say of a line.
fn judge<'r, 'm>(
    reader: &mut Reader,
    filter: &'r Filter,
    source_name: &str,
    line: Line<'m>,
) -> Verdict<'r, 'm> {
    if is_blank(&line) {
        let message = Message::plain(line.source, "", line.received);
        return Verdict::Drop { message, rule: NOTHING_TO_SAY };
    }
    filter.judge(reader.read(line), source_name)
}

fn judged<'r, 'm>(
    reader: &mut Reader,
    filter: &'r Filter,
    source_name: &str,
    lines: impl Iterator<Item = Line<'m>>,
) -> Vec<Verdict<'r, 'm>> {
    lines.map(|line| judge(reader, filter, source_name, line)).collect()
}

/// Tells `take` the words for a message, or the rule that took it out.
fn tell(
    phraser: &mut Phraser,
    words: &mut String,
    verdict: Verdict<'_, '_>,
    line: u64,
    take: &mut impl FnMut(Message<'_>, u64, Heard<'_>),
) {
    match verdict {
        Verdict::Drop { message, rule } => take(message, line, Heard::Dropped(rule)),
        Verdict::Keep(message, expires) => {
            let heard = words_for(&message, expires, phraser, words);
            take(message, line, heard);
        }
    }
}

/// The words for a message that is kept, if anything in it can be spoken.
fn words_for<'a>(
    message: &Message<'_>,
    expires: Option<Expires<'a>>,
    phraser: &mut Phraser,
    words: &'a mut String,
) -> Heard<'a> {
    words.clear();
    if phraser.phrase(message, words) {
        Heard::Words(words, expires)
    } else {
        Heard::Dropped(NOTHING_TO_SAY)
    }
}
