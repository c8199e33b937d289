//! A [`Snapshot`] as player properties, in the units and the clean text that D-Bus requires.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use zbus::zvariant::{ObjectPath, Value};

use super::super::{Entry, Snapshot};
use crate::text::is_invisible;
use crate::units::Wpm;

/// The rate that MPRIS calls 1.0, in words a minute: the program's default.
const NORMAL: f64 = 220.0;

/// The longest text, in characters: a widget shows less, and the bus sends it to every client.
const LONGEST: usize = 256;

/// The highest volume, in per cent.
const MAX_VOLUME: f64 = 200.0;

/// The properties that change; all others are constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlayerProperties {
    pub(super) status: &'static str,
    pub(super) rate: f64,
    pub(super) volume: f64,
    track: Option<Track>,
}

/// The line being spoken.
#[derive(Clone, Debug, PartialEq)]
struct Track {
    id: String,
    title: String,
    artist: Option<String>,
    album: String,
}

impl PlayerProperties {
    pub(super) fn of(state: &Snapshot) -> Self {
        Self {
            // Never "Stopped": desktops send the media keys to a player that plays or is paused.
            status: if state.paused { "Paused" } else { "Playing" },
            rate: ratio(state.rate),
            volume: f64::from(state.volume) / 100.0,
            track: state.current.as_ref().map(Track::of),
        }
    }

    /// The properties that differ from those of `before`, by their names.
    pub(super) fn since(&self, before: &Self) -> HashMap<&'static str, Value<'static>> {
        let mut changed = HashMap::new();
        if self.status != before.status {
            changed.insert("PlaybackStatus", self.status.into());
        }
        if self.rate.to_bits() != before.rate.to_bits() {
            changed.insert("Rate", self.rate.into());
        }
        if self.volume.to_bits() != before.volume.to_bits() {
            changed.insert("Volume", self.volume.into());
        }
        if self.track != before.track {
            changed.insert("Metadata", self.metadata().into());
        }
        changed
    }

    /// The line being spoken, in the vocabulary of <https://xesam.org>.
    pub(super) fn metadata(&self) -> HashMap<&'static str, Value<'static>> {
        let Some(track) = &self.track else {
            let none =
                ObjectPath::from_static_str_unchecked("/org/mpris/MediaPlayer2/TrackList/NoTrack");
            return HashMap::from([("mpris:trackid", none.into())]);
        };
        let mut metadata = HashMap::from([
            ("xesam:title", track.title.clone().into()),
            ("xesam:album", track.album.clone().into()),
        ]);
        if let Ok(id) = ObjectPath::try_from(track.id.clone()) {
            metadata.insert("mpris:trackid", id.into());
        }
        if let Some(artist) = &track.artist {
            metadata.insert("xesam:artist", vec![artist.clone()].into());
        }
        metadata
    }
}

impl Track {
    fn of(entry: &Entry) -> Self {
        Self {
            id: format!("/org/irc_speak/{}/{}", path_element(&entry.source), entry.line),
            title: clean(&entry.text),
            artist: entry.sender.as_deref().map(clean),
            album: clean(entry.channel.as_deref().unwrap_or(&entry.source)),
        }
    }
}

/// A rate in words a minute as an MPRIS ratio.
pub(super) fn ratio(wpm: Wpm) -> f64 {
    f64::from(wpm) / NORMAL
}

/// The valid rate in words a minute that is nearest to `ratio`.
pub(super) fn wpm(ratio: f64) -> Wpm {
    Wpm::rounded(ratio * NORMAL).clamped()
}

/// The valid volume in per cent that is nearest to `volume`, where 1.0 is normal.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 200")]
pub(super) fn percent(volume: f64) -> u8 {
    (volume * 100.0).round().clamp(0.0, MAX_VOLUME) as u8
}

/// At most [`LONGEST`] characters of `text`, with spaces for control characters and without
/// invisible ones: bidirectional ones would affect the widget's own text.
fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect()
}

/// A name as one element of an object path, which may contain ASCII letters, digits and `_` only:
/// other bytes become `_` and two hexadecimal digits. Of a long name, the end, where paths differ.
fn path_element(name: &str) -> String {
    use std::fmt::Write;
    let bytes = name.as_bytes();
    let mut element = String::from("_");
    for &byte in &bytes[bytes.len().saturating_sub(64)..] {
        if byte.is_ascii_alphanumeric() {
            element.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(element, "_{byte:02x}").unwrap_or_default();
        }
    }
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: &str, channel: Option<&str>, sender: Option<&str>, text: &str) -> Entry {
        Entry {
            line: 7,
            source: source.to_owned(),
            channel: channel.map(str::to_owned),
            sender: sender.map(str::to_owned),
            text: text.to_owned(),
            ..Entry::default()
        }
    }

    #[test]
    fn texts_are_clean_and_bounded() {
        for (text, shown) in [
            ("plain", "plain"),
            ("größer 日本 🎉", "größer 日本 🎉"),
            ("a\0b\tc\nd\u{1b}e\u{85}f", "a b c d e f"),
            ("a\u{202e}b\u{2066}c", "abc"),
            ("", ""),
        ] {
            assert_eq!(clean(text), shown, "text: {text:?}");
        }
        assert_eq!(clean(&"é".repeat(70_000)), "é".repeat(256));
    }

    #[test]
    fn a_line_becomes_a_track() {
        let of = |entry: &Entry| Track::of(entry);
        let track = of(&entry("libera", Some("#ubuntu"), Some("kim"), "hello"));
        assert_eq!(
            (track.id.as_str(), track.title.as_str(), track.artist.as_deref(), &*track.album),
            ("/org/irc_speak/_libera/7", "hello", Some("kim"), "#ubuntu")
        );
        let track = of(&entry("-", None, None, "hello"));
        assert_eq!((&*track.id, &*track.album), ("/org/irc_speak/__2d/7", "-"));
    }

    #[test]
    fn every_source_name_makes_an_object_path() {
        for name in ["", "/", "a//b/", "log of ü.txt", "\0", &"日".repeat(2_000)] {
            let id = Track::of(&entry(name, None, None, "")).id;
            assert!(ObjectPath::try_from(id.as_str()).is_ok(), "{name:?}: {id}");
        }
    }

    #[test]
    fn rates_and_volumes_are_brought_into_range() {
        for (asked, taken) in
            [(1.0, 220), (1.5, 330), (0.001, 60), (1e300, 1_000), (f64::INFINITY, 1_000)]
        {
            assert_eq!(wpm(asked), Wpm(taken), "rate: {asked}");
        }
        for (asked, taken) in [(1.0, 100), (0.456, 46), (-3.0, 0), (2.0, 200), (1e9, 200)] {
            assert_eq!(percent(asked), taken, "volume: {asked}");
        }
    }

    #[test]
    fn only_changed_properties_are_reported() {
        let before = Snapshot { rate: Wpm(220), volume: 100, waiting: 1, ..Snapshot::default() };
        let changed = |now: Snapshot| {
            let changed = PlayerProperties::of(&now).since(&PlayerProperties::of(&before));
            let mut names: Vec<_> = changed.keys().copied().collect();
            names.sort_unstable();
            names
        };
        let current = Some(entry("-", None, None, "hello"));
        for (now, names) in [
            (Snapshot { waiting: 9, lag_s: 3.0, lines: 8, ..before.clone() }, vec![]),
            (Snapshot { paused: true, ..before.clone() }, vec!["PlaybackStatus"]),
            (Snapshot { rate: Wpm(330), volume: 50, ..before.clone() }, vec!["Rate", "Volume"]),
            (Snapshot { current, ..before.clone() }, vec!["Metadata"]),
        ] {
            assert_eq!(changed(now), names);
        }
    }
}
