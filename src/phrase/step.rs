//! The steps of the chain, and where a match must stand.
#![forbid(unsafe_code)]

use serde::Deserialize;

/// The step that a pattern belongs to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Whom a line answers, and what it quotes.
    Quotes,
    /// Markdown and its like.
    Markup,
    /// Links.
    Links,
    /// What developers write: hashes, paths, versions, signs.
    Code,
    /// Numbers, money, dates, times, units.
    Numbers,
    /// Abbreviations, and the user's words.
    Words,
    /// Emoji, smileys and symbols.
    Emoji,
    /// Text in a script that the voice cannot read.
    Scripts,
    /// Rulers, and runs of letters and words.
    Runs,
}

impl Step {
    /// Every step, in their order.
    pub const ALL: [Self; 9] = [
        Self::Quotes,
        Self::Markup,
        Self::Links,
        Self::Code,
        Self::Numbers,
        Self::Words,
        Self::Emoji,
        Self::Scripts,
        Self::Runs,
    ];

    /// Its name, as the configuration and the lexicons spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quotes => "quotes",
            Self::Markup => "markup",
            Self::Links => "links",
            Self::Code => "code",
            Self::Numbers => "numbers",
            Self::Words => "words",
            Self::Emoji => "emoji",
            Self::Scripts => "scripts",
            Self::Runs => "runs",
        }
    }
}

/// Where a match must stand.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Edge {
    /// Between blanks, brackets, quotes and punctuation.
    #[default]
    Token,
    /// At the beginning of the line.
    Start,
    /// It is the whole line.
    Line,
    /// Anywhere.
    Any,
}
