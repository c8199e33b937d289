//! How a text becomes spoken text, step by step: what `irc-speak say-as` prints.
#![forbid(unsafe_code)]

use std::io::Write;
use std::sync::Arc;

use crate::config::languages::LanguageVoices;
use crate::diagnostics::escaped;
use crate::message::Message;
use crate::phrase::Chain;
use crate::pipeline::Outcome;
use crate::wire::SpeakRequest;

/// The width of the names: that of the longest.
const NAME_WIDTH: usize = "formatting".len();

/// Prints the steps of texts, one below the other.
#[derive(Debug, Default)]
pub(super) struct Steps {
    has_printed: bool,
}

impl Steps {
    /// The rows for some messages, in the voices of languages and the `usual` one.
    pub(super) fn rows<'a>(
        &'a mut self,
        chain: Arc<Chain>,
        voices: &'a LanguageVoices,
        usual: &'a SpeakRequest,
    ) -> Rows<'a> {
        Rows { steps: self, chain, voices, usual, out: Vec::new() }
    }
}

/// The rows for some messages.
pub(super) struct Rows<'a> {
    steps: &'a mut Steps,
    chain: Arc<Chain>,
    voices: &'a LanguageVoices,
    usual: &'a SpeakRequest,
    out: Vec<u8>,
}

impl Rows<'_> {
    /// Adds a row for each step that changes the text of `message`, and what comes of it.
    pub(super) fn add(&mut self, message: &Message<'_>, outcome: &Outcome<'_>) {
        let out = &mut self.out;
        if self.steps.has_printed {
            out.push(b'\n');
        }
        self.steps.has_printed = true;
        match outcome {
            Outcome::Dropped(rule) => {
                row(out, "text", &message.text);
                row(out, "dropped", rule);
            }
            Outcome::Words(words, phrased, _) => {
                let language = phrased.language;
                for (name, text) in self.chain.trace(&message.text, language) {
                    row(out, name, &text);
                }
                row(out, "spoken", words);
                row(out, "language", &format!("{} ({})", language.name(), language.code()));
                row(out, "voice", self.voices.voice(language).unwrap_or(&self.usual.voice));
            }
        }
    }

    /// All rows.
    pub(super) fn into_text(self) -> Vec<u8> {
        self.out
    }
}

fn row(out: &mut Vec<u8>, name: &str, text: &str) {
    let row = format!("{name:NAME_WIDTH$}  {}", escaped(text));
    writeln!(out, "{}", row.trim_end()).expect("a vector takes all");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::test_now;
    use crate::language::Language;
    use crate::message::SourceId;
    use crate::phrase::Phrased;

    #[test]
    fn each_step_is_a_row() {
        let (chain, voices) = (Arc::new(Chain::embedded()), LanguageVoices::default());
        let (mut steps, usual) = (Steps::default(), SpeakRequest::of(""));
        let mut rows = steps.rows(chain, &voices, &usual);
        let phrased = Phrased { language: Language::ENGLISH, name_len: 0, name_end: 0 };
        for (text, outcome) in [
            ("\u{2}afaik\u{2} 2h", Outcome::Words("as far as I know 2 hours", phrased, None)),
            ("x\u{1b}[2J", Outcome::Dropped("mine:1")),
        ] {
            let message = Message::plain(SourceId(0), text, test_now());
            rows.add(&message, &outcome);
        }
        let expected = "\
text        \\u{2}afaik\\u{2} 2h
formatting  afaik 2h
numbers     afaik 2 hours
words       as far as I know 2 hours
spoken      as far as I know 2 hours
language    English (en)
voice       en-us

text        x\\u{1b}[2J
dropped     mine:1
";
        assert_eq!(String::from_utf8(rows.into_text()).expect("UTF-8"), expected);
    }
}
