//! What is said for the text of a message in the language of the voice. It depends on nothing but
//! the text, so that another thread can find it ahead, while messages before it are phrased.
#![forbid(unsafe_code)]

use std::sync::Arc;

use super::chain::Chain;
use super::{address, clean};
use crate::language::Language;
use crate::message::{Kind, Message};

/// What is said for the text of a message, behind whom it is said to.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// The text, as it is written.
    Plain,
    /// This; empty where nothing can be spoken.
    Said(String),
}

/// Prepares messages.
#[derive(Clone, Debug)]
pub(crate) struct Preparer {
    pub(super) chain: Arc<Chain>,
    pub(super) language: Language,
}

impl Preparer {
    /// What is said for the text of `message`; none where more than the text must be known.
    pub(crate) fn prepare(&self, message: &Message<'_>) -> Option<Prepared> {
        if !matches!(message.kind, Kind::Say | Kind::Plain) {
            return None;
        }
        let (chain, language) = (&*self.chain, self.language);
        let text = match message.sender {
            Some(_) => addressed(&message.text, chain, language).1,
            None => &message.text,
        };
        if leaves(text, chain, language) {
            return Some(Prepared::Plain);
        }
        let mut said = String::with_capacity(text.len());
        chain.say(text, language, &mut said);
        Some(Prepared::Said(clean::cleaned(said)))
    }
}

/// Whether `text` is spoken as it is written.
pub(super) fn leaves(text: &str, chain: &Chain, language: Language) -> bool {
    chain.leaves(text, language) && clean::leaves_plain(text)
}

/// Whom somebody's text is said to, and the rest of it: "alice: yes" is said to alice.
pub(super) fn addressed<'a>(
    text: &'a str,
    chain: &Chain,
    language: Language,
) -> (Vec<&'a str>, &'a str) {
    let text = without_bullet(text);
    if memchr::memchr(b':', text.as_bytes()).is_none() {
        return (Vec::new(), text);
    }
    address::split(text, chain.lexicon(language)).unwrap_or((Vec::new(), text))
}

/// What somebody says without the dash of a list. A line of code keeps it: there it says that the
/// line is removed.
fn without_bullet(text: &str) -> &str {
    let is_code = |c: char| c.is_ascii_digit() || "(){}[];=_<>\"`/\\".contains(c);
    match text.strip_prefix("- ") {
        Some(rest) if rest.contains(' ') && !rest.contains(is_code) => rest,
        _ => text,
    }
}
