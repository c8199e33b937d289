//! The senders and channels that the user has muted.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use crate::control::Who;
use crate::message::Message;
use crate::names::same_name;

/// Senders and channels that are muted; names in lower case.
#[derive(Debug, Default)]
pub(super) struct Mutes {
    senders: BTreeSet<String>,
    channels: BTreeSet<String>,
    /// All senders except these are muted.
    all_but: Option<BTreeSet<String>>,
}

impl Mutes {
    pub(super) fn add(&mut self, who: Who) {
        match who {
            Who::Sender(nick) => drop(self.senders.insert(nick.to_lowercase())),
            Who::Channel(channel) => drop(self.channels.insert(channel.to_lowercase())),
            Who::AllBut(nicks) => {
                self.all_but = Some(nicks.iter().map(|nick| nick.to_lowercase()).collect());
            }
            Who::All => self.all_but = Some(BTreeSet::new()),
        }
    }

    /// Returns whether there was something to remove.
    pub(super) fn remove(&mut self, who: &Who) -> bool {
        match who {
            Who::Sender(nick) => remove(&mut self.senders, nick),
            Who::Channel(channel) => remove(&mut self.channels, channel),
            Who::AllBut(_) => self.all_but.take().is_some(),
            Who::All => {
                *self = Self::default();
                true
            }
        }
    }

    /// Whether `message` is muted. "All but" does not mute messages without a sender.
    pub(super) fn covers(&self, message: &Message<'_>) -> bool {
        let (sender, channel) = (message.sender.as_deref(), message.channel.as_deref());
        let is_other = match (&self.all_but, sender) {
            (Some(but), Some(sender)) => !has(but, sender),
            // Everybody is muted, not all but some: so is what nobody said.
            (Some(but), None) => but.is_empty(),
            (None, _) => false,
        };
        is_other
            || sender.is_some_and(|sender| has(&self.senders, sender))
            || channel.is_some_and(|channel| has(&self.channels, channel))
    }

    /// What is muted, in words.
    pub(super) fn names(&self) -> Vec<String> {
        let all_but = self.all_but.as_ref().map(|but| {
            let but: Vec<_> = but.iter().map(String::as_str).collect();
            if but.is_empty() {
                "everybody".to_owned()
            } else {
                format!("all but {}", but.join(", "))
            }
        });
        all_but.into_iter().chain(self.senders.iter().chain(&self.channels).cloned()).collect()
    }
}

/// Whether `name` is in `set`, in any case: that of its own alphabet, as people write it, and that
/// of IRC.
fn has(set: &BTreeSet<String>, name: &str) -> bool {
    if set.is_empty() {
        return false;
    }
    let name = name.to_lowercase();
    set.iter().any(|known| same_name(known, &name))
}

fn remove(set: &mut BTreeSet<String>, name: &str) -> bool {
    let (n_before, name) = (set.len(), name.to_lowercase());
    set.retain(|known| !same_name(known, &name));
    set.len() < n_before
}

#[test]
fn senders_channels_and_everybody_else_are_muted() {
    let mut message =
        Message::plain(crate::message::SourceId(0), "hello", crate::clock::test_now());
    message.sender = Some("Kim".into());
    message.channel = Some("#Lxc".into());
    for (who, is_covered) in [
        (Who::Sender("kim".to_owned()), true),
        (Who::Sender("al".to_owned()), false),
        (Who::Channel("#LXC".to_owned()), true),
        (Who::AllBut(vec!["kim".to_owned()]), false),
        (Who::AllBut(vec!["al".to_owned()]), true),
        (Who::All, true),
    ] {
        let mut muted = Mutes::default();
        muted.add(who.clone());
        assert_eq!(muted.covers(&message), is_covered, "{who:?}");
        assert!(muted.remove(&who) || who == Who::All);
        assert!(!muted.covers(&message), "{who:?}");
    }
}

#[test]
fn a_name_is_muted_in_any_case() {
    let mut message =
        Message::plain(crate::message::SourceId(0), "hello", crate::clock::test_now());
    for (muted, sender, is_covered) in [
        ("Kim", "kIM", true),
        ("zoë", "ZOË", true),
        ("k[im]", "K{im}", true), // one nick, to a server
        ("kim", "kim_", false),
    ] {
        message.sender = Some(sender.into());
        let mut mutes = Mutes::default();
        mutes.add(Who::Sender(muted.to_owned()));
        assert_eq!(mutes.covers(&message), is_covered, "{muted}, {sender}");
        assert_eq!(mutes.remove(&Who::Sender(sender.to_owned())), is_covered, "{muted}, {sender}");
    }
}
