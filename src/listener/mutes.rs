//! The senders and channels that the user has muted.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use crate::control::Who;
use crate::message::Message;

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
            Who::Sender(nick) => self.senders.remove(&nick.to_lowercase()),
            Who::Channel(channel) => self.channels.remove(&channel.to_lowercase()),
            Who::AllBut(_) => self.all_but.take().is_some(),
            Who::All => {
                *self = Self::default();
                true
            }
        }
    }

    /// Whether `message` is muted. "All but" does not mute messages without a sender.
    pub(super) fn covers(&self, message: &Message<'_>) -> bool {
        let has = |set: &BTreeSet<String>, name: Option<&str>| {
            !set.is_empty() && name.is_some_and(|name| set.contains(&name.to_lowercase()))
        };
        let is_other = match (&self.all_but, message.sender.as_deref()) {
            (Some(but), Some(sender)) => !but.contains(&sender.to_lowercase()),
            // Everybody is muted, not all but some: so is what nobody said.
            (Some(but), None) => but.is_empty(),
            (None, _) => false,
        };
        is_other
            || has(&self.senders, message.sender.as_deref())
            || has(&self.channels, message.channel.as_deref())
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
