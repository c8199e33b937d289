//! The tables: what each emoji is called in a language.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::OnceLock;

use super::plural::plural;

/// The CLDR's names, a file a language, in the order of [`Language`].
const CLDR: [&str; 4] = [
    include_str!("en.tsv"),
    include_str!("de.tsv"),
    include_str!("fr.tsv"),
    include_str!("es.tsv"),
];

/// Our own, which come first: a column a language.
const OWN: &str = include_str!("own.tsv");

/// A language that has names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Also for all that have none.
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

/// How a run of the same emoji is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// As one.
    Once,
    /// With its number.
    Counted,
    /// One by one.
    Each,
}

/// What an emoji is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: &'static str,
    pub(super) run: Run,
}

/// From each emoji, without tones and variation selectors, to its name.
type Names = HashMap<&'static str, Name>;

impl Language {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    /// The one whose names a voice of the language `code` ("de", "de-AT") says.
    pub(super) fn of(code: &str) -> Self {
        match code.split(['-', '_']).next() {
            Some("de") => Self::German,
            Some("fr") => Self::French,
            Some("es") => Self::Spanish,
            Some(_) | None => Self::English,
        }
    }

    /// The name of `emoji`, which has neither tone nor variation selector.
    pub(super) fn name(self, emoji: &str) -> Option<Name> {
        self.names().get(emoji).copied()
    }

    /// "3 fires", "3 mal Feuer".
    pub(super) fn count(self, count: usize, name: &str) -> String {
        let times = match self {
            Self::English => match plural(name) {
                Some(names) => return format!("{count} {names}"),
                None => "times",
            },
            Self::German => "mal",
            Self::French => "fois",
            Self::Spanish => "veces",
        };
        format!("{count} {times} {name}")
    }

    /// Its table, which is made when the first emoji is met.
    pub(super) fn names(self) -> &'static Names {
        static NAMES: [OnceLock<Names>; 4] = [const { OnceLock::new() }; 4];
        NAMES[self as usize].get_or_init(|| self.make_names())
    }

    pub(super) fn make_names(self) -> Names {
        let mut names = Names::with_capacity(4096);
        let mut run = Run::Once;
        for line in lines(CLDR[self as usize]) {
            if let Some(section) = line.strip_prefix('[') {
                run = Run::of(section.trim_end_matches(']')).unwrap_or(run);
            } else if let Some((emoji, text)) = line.split_once('\t') {
                names.insert(emoji, Name { text, run });
            }
        }
        for line in lines(OWN) {
            let mut fields = line.split('\t');
            let (emoji, run) = (fields.next(), fields.next().and_then(Run::of));
            if let (Some(emoji), Some(run), Some(text)) = (emoji, run, fields.nth(self as usize)) {
                names.insert(emoji, Name { text, run });
            }
        }
        names
    }
}

impl Run {
    /// What the tables call it.
    fn of(word: &str) -> Option<Self> {
        match word {
            "once" => Some(Self::Once),
            "counted" => Some(Self::Counted),
            "each" => Some(Self::Each),
            _ => None,
        }
    }
}

/// The lines of a table, without its comments: those begin with "# ", an emoji may begin with "#".
pub(super) fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with("# "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::sequence::{MAX_KEY, is_hint, is_unseen};
    use super::*;

    /// The emoji of a table with their names, checked to be sorted inside each section.
    fn rows(table: &'static str) -> Vec<(&'static str, &'static str)> {
        let mut rows: Vec<(&str, &str)> = Vec::new();
        let mut last = "";
        for line in lines(table) {
            if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                assert!(Run::of(section).is_some(), "section: {line}");
                last = "";
                continue;
            }
            let (emoji, name) = line.split_once('\t').expect("an emoji and its name");
            assert!(last < emoji, "{last} before {emoji}");
            last = emoji;
            rows.push((emoji, name));
        }
        rows
    }

    fn assert_speakable(emoji: &str, name: &str) {
        assert!(!name.is_empty() && name.trim() == name, "{emoji}: {name:?}");
        let fits = |c: char| c.is_alphanumeric() || " '’,-./!".contains(c);
        assert!(name.chars().all(fits) || ["#", "*"].contains(&name), "{emoji}: {name:?}");
    }

    #[test]
    fn the_tables_are_sorted_and_name_the_same_emoji() {
        let english: BTreeSet<_> = rows(CLDR[0]).into_iter().map(|(emoji, _)| emoji).collect();
        assert!(english.len() > 2000);
        for table in CLDR {
            let rows = rows(table);
            assert_eq!(rows.iter().map(|&(emoji, _)| emoji).collect::<BTreeSet<_>>(), english);
            for (emoji, name) in rows {
                assert_speakable(emoji, name);
            }
        }
    }

    #[test]
    fn our_own_names_are_complete() {
        let mut seen = BTreeSet::new();
        for line in lines(OWN) {
            let fields: Vec<_> = line.split('\t').collect();
            assert_eq!(fields.len(), 6, "line: {line}");
            assert!(Run::of(fields[1]).is_some(), "line: {line}");
            assert!(seen.insert(fields[0]), "twice: {line}");
            for name in &fields[2..] {
                assert_speakable(fields[0], name);
            }
        }
    }

    #[test]
    fn each_emoji_can_be_found() {
        for language in Language::ALL {
            for emoji in language.names().keys() {
                assert!(emoji.chars().count() <= MAX_KEY, "{emoji}");
                assert!(!emoji.contains(is_unseen), "{emoji}");
                let mut chars = emoji.chars();
                let first = chars.next().expect("a character");
                assert!(is_hint(first) || chars.next() == Some('\u{20e3}'), "{emoji}");
            }
        }
    }

    #[test]
    fn languages_have_codes() {
        for (code, language) in [
            ("en", Language::English),
            ("en-GB", Language::English),
            ("de-AT", Language::German),
            ("fr_FR", Language::French),
            ("es", Language::Spanish),
            ("ru", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of(code), language, "code: {code}");
        }
    }
}
