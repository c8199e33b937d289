//! Which language each sender wrote lately. Nicks come from outside: any number of them takes the
//! same memory.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::code::Language;
use crate::text::hash_of;

/// A sender who was silent for so long is a new one.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// The most senders that are remembered, those of another than the default language.
const MOST: usize = 128;

/// The most lines that count: so many in another language end it.
const STRONGEST: u8 = 3;

/// A sender, by the number of the nick.
#[derive(Clone, Copy, Debug)]
struct Sender {
    number: u64,
    language: Language,
    /// Lines in that language, less those in the default one.
    strength: u8,
    wrote: Instant,
}

/// The senders who lately wrote another than the default language.
#[derive(Debug, Default)]
pub(super) struct Recent(Vec<Sender>);

impl Recent {
    /// The language that `sender` wrote lately, and in how many lines, at most three.
    pub(super) fn of(&self, sender: Option<&str>, now: Instant) -> Option<(Language, u8)> {
        if self.0.is_empty() {
            return None; // the common case: no hash
        }
        let number = number(sender?);
        let known = self.0.iter().find(|it| it.number == number)?;
        let is_recent = now.saturating_duration_since(known.wrote) <= FORGOTTEN;
        is_recent.then_some((known.language, known.strength))
    }

    /// Remembers that `sender` wrote a line that is surely in `language`.
    pub(super) fn wrote(
        &mut self,
        sender: Option<&str>,
        language: Language,
        default: Language,
        now: Instant,
    ) {
        let Some(sender) = sender else { return };
        if language == default && self.0.is_empty() {
            return;
        }
        let number = number(sender);
        self.0.retain(|it| now.saturating_duration_since(it.wrote) <= FORGOTTEN);
        let Some(at) = self.0.iter().position(|it| it.number == number) else {
            if language != default {
                self.insert(Sender { number, language, strength: 1, wrote: now });
            }
            return;
        };
        let known = &mut self.0[at];
        known.wrote = now;
        if known.language == language {
            known.strength = (known.strength + 1).min(STRONGEST);
        } else if language != default {
            (known.language, known.strength) = (language, 1);
        } else if known.strength > 1 {
            known.strength -= 1;
        } else {
            self.0.swap_remove(at);
        }
    }

    fn insert(&mut self, sender: Sender) {
        if self.0.len() >= MOST
            && let Some(at) = (0..self.0.len()).min_by_key(|&at| self.0[at].wrote)
        {
            self.0.swap_remove(at);
        }
        self.0.push(sender);
    }

    /// The bytes that it takes at most.
    pub(super) const fn most_size() -> usize {
        MOST * size_of::<Sender>()
    }
}

/// A nick's number, the same for `Kim` and `kim`.
fn number(sender: &str) -> u64 {
    hash_of(sender.bytes().map(|it| it.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::test_now;

    const DE: Language = Language::known("de");
    const EN: Language = Language::ENGLISH;

    #[test]
    fn a_sender_is_remembered_and_forgotten() {
        let (mut recent, start) = (Recent::default(), test_now());
        let kim = Some("kim");
        recent.wrote(kim, EN, EN, start);
        assert!(recent.0.is_empty(), "nothing to remember");
        for strength in [1, 2, 3, 3] {
            recent.wrote(kim, DE, EN, start);
            assert_eq!(recent.of(Some("Kim"), start), Some((DE, strength)));
        }
        assert_eq!(recent.of(Some("bob"), start), None);
        assert_eq!(recent.of(None, start), None);
        for left in [Some(2), Some(1), None] {
            recent.wrote(kim, EN, EN, start);
            assert_eq!(recent.of(kim, start).map(|it| it.1), left);
        }
        recent.wrote(kim, DE, EN, start);
        assert_eq!(recent.of(kim, start + FORGOTTEN + Duration::from_secs(1)), None);
    }

    #[test]
    fn any_number_of_senders_takes_the_same_memory() {
        let (mut recent, start) = (Recent::default(), test_now());
        for n in 0..1_000 {
            let now = start + Duration::from_millis(n);
            recent.wrote(Some(&format!("user{n}")), DE, EN, now);
        }
        assert_eq!(recent.0.len(), MOST);
        assert!(recent.of(Some("user999"), start).is_some(), "the last ones");
    }
}
