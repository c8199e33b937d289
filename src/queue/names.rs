//! The names of senders as they are spoken, for the lines in which none is.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use crate::message::Utterance;

/// So many names are kept: nicks come from outside, and any number of them takes the same memory.
const MOST: usize = 512;

/// The longest nick that is spoken unchanged.
const NICK: usize = 32;

/// Nicks, and their spoken names.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// Learns the name with which `utterance` begins.
    pub(super) fn learn(&mut self, utterance: &Utterance) {
        let name = utterance.text.get(..utterance.name_len).filter(|name| !name.is_empty());
        let sender = utterance.message.as_ref().and_then(|it| it.sender.as_deref());
        let (Some(name), Some(sender)) = (name, sender) else { return };
        if self.0.get(sender).is_some_and(|known| known == name) {
            return;
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(sender.to_owned(), name.to_owned());
    }

    /// The name of the sender of `utterance`; none where it is not known how to say it.
    pub(super) fn of<'a>(&'a self, utterance: &'a Utterance) -> Option<&'a str> {
        let sender = utterance.message.as_ref()?.sender.as_deref()?;
        let spoken = (utterance.name_len > 0).then(|| &utterance.text[..utterance.name_len]);
        let known = || self.0.get(sender).map(String::as_str);
        spoken.or_else(known).or(Some(sender).filter(|nick| is_plain(nick)))
    }
}

/// Whether a nick is spoken as it is written: nothing of it is changed.
fn is_plain(nick: &str) -> bool {
    let is_clean = nick.bytes().all(|byte| byte.is_ascii_graphic());
    (1..=NICK).contains(&nick.len()) && is_clean && !nick.starts_with('-') && !nick.contains("[[")
}
