//! Gives each sender a voice of their own: a pitch, a place between left and right, and, where the
//! engine has variants, one of those. They are derived from the nick, so that they are the same
//! tomorrow; a sender who would sound like a recent one gets others until both were silent. Pure:
//! the time is handed in. Nicks come from outside: any number of them takes the same memory.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::text::hash;
use crate::wire::SpeakRequest;

/// A sender who was silent for so long may sound different the next time.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// The most speakers that are kept apart; more cannot be distinguished anyway.
const MOST_ACTIVE: usize = 64;

/// Pitches relative to the configured one: a step is a semitone. Lower ones are understood as well;
/// at those 10 and 20 higher, 2 to 4 words in 100 more are lost (`make bench-understood`).
const PITCHES: [i16; 4] = [-20, -14, -7, 0];

/// Places from left to right.
const PANS: [i8; 5] = [-50, -25, 0, 25, 50];

/// How many places one voice has.
const PER_VOICE: usize = PITCHES.len() * PANS.len();

/// How many voices, the plain one and the first variants, are assigned before the others.
const CLEAREST: usize = 4;

/// The least distance at which two places are not confused: another timbre, two steps of one
/// setting, or a step of each of two.
const APART: u32 = 2;

/// The configured voice settings of one sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SenderVoice {
    /// The voice, as the engine names it.
    pub voice: Option<String>,
    /// 0 to 100.
    pub pitch: Option<u8>,
    /// -100 to 100.
    pub pan: Option<i8>,
    /// Per cent of the configured volume.
    pub volume: Option<u8>,
}

/// Variants of a voice and their timbres; the voice itself has timbre 0.
pub(crate) type Variants = &'static [(&'static str, u8)];

/// The configuration of all senders' voices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// Whether everybody has a voice of their own.
    pub own_voices: bool,
    /// The variants of the configured voice, the best understood first, with their timbres.
    pub variants: Variants,
    /// Nicks and their configured settings.
    pub named: Vec<(String, SenderVoice)>,
}

/// How a sender differs from the configured voice: indices into the tables above. Variants count
/// from 1; 0 is the voice without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    pitch: u8,
    pan: u8,
    variant: u8,
    timbre: u8,
}

impl Place {
    /// How many steps lie between two places; another timbre counts as two, another variant of the
    /// same timbre as one.
    fn distance(self, other: Self) -> u32 {
        let variant = match (self.timbre == other.timbre, self.variant == other.variant) {
            (false, _) => 2,
            (true, false) => 1,
            (true, true) => 0,
        };
        u32::from(self.pitch.abs_diff(other.pitch))
            + u32::from(self.pan.abs_diff(other.pan))
            + variant
    }
}

/// A recent speaker. Only the nick's number is kept: two nicks with the same number sound the same.
#[derive(Clone, Copy, Debug)]
struct Active {
    number: u64,
    place: Place,
    spoke: Instant,
}

/// The voices of all senders.
#[derive(Debug, Default)]
pub(crate) struct Speakers {
    config: Config,
    active: Vec<Active>,
}

impl Speakers {
    /// No recent speakers yet.
    pub(crate) fn new(mut config: Config) -> Self {
        for (nick, _) in &mut config.named {
            *nick = folded(nick);
        }
        Self { config, active: Vec::new() }
    }

    /// Changes the configuration; recent speakers keep their places unless the variants changed.
    pub(crate) fn configure(&mut self, config: Config) {
        if config.variants != self.config.variants {
            self.active.clear();
        }
        self.config = Self::new(config).config;
    }

    /// Whether everybody has a voice of their own.
    pub(crate) fn own_voices(&self) -> bool {
        self.config.own_voices
    }

    /// Turns own voices on or off; configured settings stay.
    pub(crate) fn set_own_voices(&mut self, own_voices: bool) {
        self.config.own_voices = own_voices;
    }

    /// Applies the voice settings of `sender` to `speech`, which has the default ones, or the voice
    /// of another language: then the sender's own voice could not read it.
    pub(crate) fn apply(
        &mut self,
        speech: &mut SpeakRequest,
        sender: &str,
        is_foreign: bool,
        now: Instant,
    ) {
        let nick = folded(sender);
        if self.config.own_voices {
            let place = self.place(number(&nick), now);
            let pitch = i16::from(speech.pitch) + PITCHES[usize::from(place.pitch)];
            speech.pitch = u8::try_from(pitch.clamp(0, 100)).unwrap_or(speech.pitch);
            speech.pan = PANS[usize::from(place.pan)];
            let variant = usize::from(place.variant).checked_sub(1);
            if let Some((variant, _)) = variant.and_then(|at| self.config.variants.get(at)) {
                speech.voice = format!("{}+{variant}", speech.voice);
            }
        }
        if let Some((_, own)) = self.config.named.iter().find(|(named, _)| *named == nick) {
            own.apply(speech, is_foreign);
        }
    }

    /// The place of the nick with that number: its last one, or else a free one.
    fn place(&mut self, number: u64, now: Instant) -> Place {
        self.active.retain(|it| now.saturating_duration_since(it.spoke) <= FORGOTTEN);
        if let Some(known) = self.active.iter_mut().find(|it| it.number == number) {
            known.spoke = now;
            return known.place;
        }
        let place = self.free_place(number);
        if self.active.len() >= MOST_ACTIVE
            && let Some(at) = (0..self.active.len()).min_by_key(|&at| self.active[at].spoke)
        {
            self.active.swap_remove(at);
        }
        self.active.push(Active { number, place, spoke: now });
        place
    }

    /// The first place, from the nick's own on, that is apart from all recent ones; else the
    /// furthest. Starting at the nick's own makes the order of arrival matter least. The best
    /// understood voices come before the others.
    fn free_place(&self, number: u64) -> Place {
        let places = places(self.config.variants);
        let (clearest, others) = places.split_at(places.len().min(CLEAREST * PER_VOICE));
        let from_own = rotated(clearest, number).chain(rotated(others, number));
        let mut best = (Place::default(), None);
        for place in from_own {
            let nearest = self.active.iter().map(|it| it.place.distance(place)).min();
            let distance = nearest.unwrap_or(u32::MAX);
            if distance >= APART {
                return place;
            }
            if best.1.is_none_or(|most| distance > most) {
                best = (place, Some(distance));
            }
        }
        best.0
    }
}

impl SenderVoice {
    fn apply(&self, speech: &mut SpeakRequest, is_foreign: bool) {
        if let Some(voice) = self.voice.as_ref().filter(|_| !is_foreign) {
            speech.voice.clone_from(voice);
        }
        speech.pitch = self.pitch.unwrap_or(speech.pitch);
        speech.pan = self.pan.unwrap_or(speech.pan);
        let volume = u32::from(speech.volume) * u32::from(self.volume.unwrap_or(100)) / 100;
        speech.volume = u8::try_from(volume.min(200)).unwrap_or(200);
    }
}

/// Every place of the plain voice and of its variants.
fn places(variants: Variants) -> Vec<Place> {
    let timbres = (0..).zip([0].into_iter().chain(variants.iter().map(|it| it.1)));
    let at = |(variant, timbre)| {
        let pans =
            move |pitch| (0..).zip(PANS).map(move |(pan, _)| Place { pitch, pan, variant, timbre });
        (0..).zip(PITCHES).flat_map(move |(pitch, _)| pans(pitch))
    };
    timbres.flat_map(at).collect()
}

/// `places` from that index on, wrapping around.
fn rotated(places: &[Place], number: u64) -> impl Iterator<Item = Place> {
    let start = number.checked_rem(places.len() as u64).unwrap_or_default();
    let (before, from) = places.split_at(usize::try_from(start).unwrap_or_default());
    from.iter().chain(before).copied()
}

/// A nick without the suffixes that clients and users append, for a nick in use or while away:
/// `Kim_`, `kim|away` and `kim` are one.
fn folded(nick: &str) -> String {
    let head = nick.char_indices().find(|&(at, c)| at > 0 && c == '|');
    let head = head.map_or(nick, |(at, _)| &nick[..at]);
    let bare = head.trim_end_matches(['_', '`']);
    (if bare.is_empty() { head } else { bare }).to_lowercase()
}

/// A number for a nick, the same in every run: a hash, its bits mixed at the end.
fn number(nick: &str) -> u64 {
    let hash = hash(nick.as_bytes());
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::test_now;
    use crate::engine::espeak::VARIANTS;

    fn speakers(variants: Variants) -> Speakers {
        Speakers::new(Config { own_voices: true, variants, named: Vec::new() })
    }

    fn sound(speakers: &mut Speakers, nick: &str, now: Instant) -> (String, u8, i8) {
        let mut speech = SpeakRequest::of("");
        speakers.apply(&mut speech, nick, false, now);
        (speech.voice, speech.pitch, speech.pan)
    }

    #[test]
    fn a_sender_sounds_the_same_in_every_run_and_with_every_suffix() {
        let now = test_now();
        let kim = sound(&mut speakers(VARIANTS), "kim", now);
        for nick in ["kim", "Kim", "kim_", "KIM__", "kim`", "kim|away", "kim_|lunch"] {
            assert_eq!(sound(&mut speakers(VARIANTS), nick, now), kim, "{nick}");
        }
        for (nick, bare) in [("|", "|"), ("_", "_"), ("||x", "|"), ("___|x", "___"), ("", "")] {
            assert_eq!(folded(nick), bare, "{nick:?}");
        }
    }

    #[test]
    fn recent_speakers_are_apart() {
        for variants in [&[] as Variants, VARIANTS] {
            let (mut speakers, now) = (speakers(variants), test_now());
            let nicks: Vec<_> = (0..8).map(|n| format!("user{n}")).collect();
            let first: Vec<_> = nicks.iter().map(|it| sound(&mut speakers, it, now)).collect();
            for (n, one) in speakers.active.iter().enumerate() {
                for other in &speakers.active[..n] {
                    assert!(one.place.distance(other.place) >= APART, "{one:?} {other:?}");
                }
            }
            let again: Vec<_> = nicks.iter().map(|it| sound(&mut speakers, it, now)).collect();
            assert_eq!(first, again);
        }
    }

    #[test]
    fn the_first_speakers_have_the_voices_that_are_understood_best() {
        let (mut speakers, now) = (speakers(VARIANTS), test_now());
        let mut voices: Vec<_> =
            (0..MOST_ACTIVE).map(|n| sound(&mut speakers, &format!("user{n}"), now).0).collect();
        let others = voices.split_off(24);
        let named = |variants: Variants| -> Vec<_> {
            variants.iter().map(|(name, _)| format!("en-us+{name}")).collect()
        };
        let (clear, rest) = VARIANTS.split_at(CLEAREST - 1);
        let clear = [vec!["en-us".to_owned()], named(clear)].concat();
        assert!(voices.iter().all(|it| clear.contains(it)), "{voices:?}");
        assert!(clear.iter().all(|it| voices.contains(it)), "{voices:?}");
        assert!(named(rest).iter().any(|it| others.contains(it)), "{others:?}");
    }

    #[test]
    fn a_long_silent_speaker_is_forgotten() {
        let (mut speakers, start) = (speakers(&[]), test_now());
        for n in 0..25 {
            sound(&mut speakers, &format!("user{n}"), start);
        }
        assert_eq!(speakers.active.len(), 25);
        let late = start + FORGOTTEN + Duration::from_secs(1);
        let alone = sound(&mut self::speakers(&[]), "visitor", late);
        assert_eq!(sound(&mut speakers, "visitor", late), alone);
        assert_eq!(speakers.active.len(), 1);
    }

    #[test]
    fn configured_settings_of_a_sender_are_applied() {
        let own = SenderVoice { pitch: Some(90), volume: Some(50), pan: Some(-100), voice: None };
        let named = vec![("Kim".to_owned(), own)];
        let config = Config { own_voices: false, variants: VARIANTS, named };
        let (mut speakers, now) = (Speakers::new(config), test_now());
        let mut speech = SpeakRequest::of("");
        speakers.apply(&mut speech, "al", false, now);
        assert_eq!(speech, SpeakRequest::of(""));
        speakers.apply(&mut speech, "kim_", false, now);
        let expected = SpeakRequest { pitch: 90, volume: 50, pan: -100, ..SpeakRequest::of("") };
        assert_eq!(speech, expected);
    }

    proptest! {
        #[test]
        fn any_number_of_nicks_is_in_bounds(
            nicks in proptest::collection::vec(".{0,12}", 0..300),
            pitch in 0..=100u8,
        ) {
            let (mut speakers, now) = (speakers(VARIANTS), test_now());
            for (n, nick) in (0..).zip(nicks) {
                let mut speech = SpeakRequest { pitch, ..SpeakRequest::of("") };
                speakers.apply(&mut speech, &nick, false, now + Duration::from_secs(n));
                prop_assert!(speech.pitch <= 100 && speech.pitch.abs_diff(pitch) <= 20);
                prop_assert!(speech.pan.unsigned_abs() <= 50);
                prop_assert!(speakers.active.len() <= MOST_ACTIVE);
            }
        }
    }
}
