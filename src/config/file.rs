//! The configuration file: its keys and how it is read.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Unexpected, Visitor};
use toml::Spanned;

use super::earcons::Earcons;
use crate::cli::Speaker;
use crate::diagnostics::{ConfigError, quoted, reason};
use crate::filter::RawRule;
use crate::phrase::{LinkMode, Options, Step};
use crate::units::Wpm;

/// A configuration file's keys, all optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// Words a minute.
    pub rate: Option<Spanned<Wpm>>,
    /// The highest rate, in words a minute.
    pub max_rate: Option<Spanned<Wpm>>,
    /// How far behind live the listener may get.
    pub max_lag: Option<Spanned<String>>,
    /// The voice.
    pub voice: Option<Spanned<String>>,
    /// 0 to 100.
    pub pitch: Option<Spanned<u8>>,
    /// Per cent, 0 to 200.
    pub volume: Option<Spanned<u8>>,
    /// The engine's name.
    pub engine: Option<Spanned<String>>,
    /// `device`, `null` or a WAV file.
    pub output: Option<PathBuf>,
    /// The device's name.
    pub device: Option<Spanned<String>>,
    /// Frames in half the device's buffer.
    pub buffer_frames: Option<Spanned<u32>>,
    /// A time without speech.
    pub close_after: Option<Spanned<String>>,
    /// When the sender is named.
    pub speaker: Option<Spanned<String>>,
    /// The log format.
    pub format: Option<Spanned<String>>,
    /// Rule sets, in order.
    pub filters: Option<Vec<Spanned<String>>>,
    /// The user's own rules, applied before the sets.
    pub rule: Vec<RawRule>,
    /// What to listen to.
    pub source: Vec<Source>,
    /// The speakers' voices.
    pub speakers: Speakers,
    /// What is known of channels.
    pub channels: Channels,
    /// The voice of each language, by its code; empty for none.
    pub languages: BTreeMap<String, Spanned<String>>,
    /// Which earcons are played.
    pub earcons: Earcons,
    /// How text is phrased.
    pub phrase: Phrase,
    /// Settings for eSpeak NG only.
    pub espeak: Espeak,
}

/// Which steps of phrasing there are; all, unless they are turned off.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Phrase {
    /// What is said for links; false leaves them as they are.
    pub links: Option<Links>,
    /// Whom a line answers, and what it quotes.
    pub quotes: Option<bool>,
    /// Markdown and its like.
    pub markup: Option<bool>,
    /// What developers write.
    pub code: Option<bool>,
    /// Numbers, money, dates, times, units.
    pub numbers: Option<bool>,
    /// Abbreviations.
    pub words: Option<bool>,
    /// Emoji, smileys and signs.
    pub emoji: Option<bool>,
    /// Text that the voice cannot read.
    pub scripts: Option<bool>,
    /// Rulers and repetitions.
    pub runs: Option<bool>,
}

/// What is said for links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// By this mode.
    Mode(LinkMode),
    /// As always, or nothing else than what is written.
    Is(bool),
}

impl<'de> Deserialize<'de> for Links {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadLinks)
    }
}

/// Reads the name of a mode, true or false.
struct ReadLinks;

impl Visitor<'_> for ReadLinks {
    type Value = Links;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = LinkMode::ALL.map(|(name, _)| format!("\"{name}\""));
        write!(f, "{}, true or false", names.join(", "))
    }

    fn visit_bool<E: serde::de::Error>(self, is_on: bool) -> Result<Links, E> {
        Ok(Links::Is(is_on))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Links, E> {
        let mode = LinkMode::ALL.iter().find(|(known, _)| *known == name);
        let unknown = || E::invalid_value(Unexpected::Str(name), &self);
        mode.map(|(_, mode)| Links::Mode(*mode)).ok_or_else(unknown)
    }
}

impl Phrase {
    /// The options of the chain.
    pub(crate) fn options(&self) -> Options {
        let has_links = match self.links {
            Some(Links::Is(is)) => Some(is),
            Some(Links::Mode(_)) | None => None,
        };
        let steps = [
            (Step::Quotes, self.quotes),
            (Step::Markup, self.markup),
            (Step::Links, has_links),
            (Step::Code, self.code),
            (Step::Numbers, self.numbers),
            (Step::Words, self.words),
            (Step::Emoji, self.emoji),
            (Step::Scripts, self.scripts),
            (Step::Runs, self.runs),
        ];
        let off = steps.iter().filter(|(_, is_on)| *is_on == Some(false));
        let links = match self.links {
            Some(Links::Mode(mode)) => mode,
            Some(Links::Is(_)) | None => LinkMode::default(),
        };
        Options { off: off.map(|(step, _)| *step).collect(), links, folder: None }
    }
}

#[cfg(test)]
impl Phrase {
    /// How many of its keys are set.
    pub(crate) fn n_set(&self) -> usize {
        let Self { links, quotes, markup, code, numbers, words, emoji, scripts, runs } = self;
        let steps = [quotes, markup, code, numbers, words, emoji, scripts, runs];
        usize::from(links.is_some()) + steps.iter().filter(|it| it.is_some()).count()
    }
}

/// The speakers' voices.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Speakers {
    /// Whether each speaker has a voice of their own.
    pub own_voices: Option<bool>,
    /// Settings for single speakers, by nick.
    pub voice: BTreeMap<String, SpeakerVoice>,
    /// How nicks are spoken.
    pub name: BTreeMap<String, String>,
    /// The languages that speakers write, by nick.
    pub language: BTreeMap<String, Spanned<String>>,
}

/// What is known of channels.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Channels {
    /// The languages that are written there.
    pub language: BTreeMap<String, Spanned<String>>,
}

/// One speaker's voice.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SpeakerVoice {
    /// The voice, as the engine names it.
    pub voice: Option<Spanned<String>>,
    /// 0 to 100.
    pub pitch: Option<Spanned<i64>>,
    /// -100 to 100.
    pub pan: Option<Spanned<i64>>,
    /// Per cent of the volume, 0 to 200.
    pub volume: Option<Spanned<i64>>,
}

/// Settings for eSpeak NG only.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Espeak {
    /// Rewrite text on which it is known to crash.
    pub guard: Option<bool>,
}

/// A source: exactly one of `tail`, `connect` and `run`, and its options.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Source {
    /// A file to follow.
    pub tail: Option<Spanned<PathBuf>>,
    /// How many existing lines to speak first.
    pub lines: Option<u64>,
    /// Poll instead of using file events.
    pub poll: bool,
    /// Resume where it was last heard.
    pub resume: bool,
    /// A server, `host:port`.
    pub connect: Option<Spanned<String>>,
    /// Its channels.
    pub channels: Option<Vec<Spanned<String>>>,
    /// The nick to take there.
    pub nick: Option<Spanned<String>>,
    /// Whether to use TLS.
    pub tls: Option<bool>,
    /// A command and its arguments.
    pub run: Option<Spanned<Vec<String>>>,
    /// The language that is written there, by its code.
    pub language: Option<Spanned<String>>,
    /// Restart it when it fails.
    pub retry: bool,
    /// Give it a terminal.
    pub pty: bool,
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Where it is.
    pub path: PathBuf,
    /// Its text, which errors point into.
    pub text: String,
    /// Its keys.
    pub file: File,
}

impl Loaded {
    /// Reads and parses the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |why: String| ConfigError::Unreadable { path: path.to_owned(), why };
        let bytes = std::fs::read(path).map_err(|error| unreadable(reason(&error)))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            unreadable(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to() + 1))
        })?;
        let file = crate::toml_file::parse(path, &text)?;
        Ok(Self { path: path.to_owned(), text, file })
    }

    /// An error at the value `at`.
    pub(crate) fn error<T>(&self, at: &Spanned<T>, problem: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.path, &self.text, at.span().start, problem)
    }
}

/// `always`, `change` or `never`.
pub(crate) fn speaker(name: &str) -> Option<Speaker> {
    match name {
        "always" => Some(Speaker::Always),
        "change" => Some(Speaker::Change),
        "never" => Some(Speaker::Never),
        _ => None,
    }
}

/// The path of the configuration file unless one is given.
pub(crate) fn default_path() -> Option<PathBuf> {
    Some(folder()?.join("config.toml"))
}

/// The user's folder of formats and rule sets.
pub(crate) fn filters_folder() -> Option<PathBuf> {
    Some(folder()?.join("filters"))
}

/// The user's folder of lexicons.
pub(crate) fn lexicons_folder() -> Option<PathBuf> {
    Some(folder()?.join("lexicons"))
}

/// The user's folder for this program.
pub(crate) fn folder() -> Option<PathBuf> {
    below("XDG_CONFIG_HOME", ".config")
}

/// The folder of the bookmarks.
pub(crate) fn state_folder() -> Option<PathBuf> {
    below("XDG_STATE_HOME", ".local/state")
}

/// This program's folder in the one that the variable `name` names, or in `usual` at home.
fn below(name: &str, usual: &str) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Some(set(name).or_else(|| Some(set("HOME")?.join(usual)))?.join("irc-speak"))
}

/// Writes the commented example, unless the file exists.
pub(crate) fn init(path: &Path) -> Result<(), ConfigError> {
    let failed = |error: std::io::Error| {
        let why = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "it is there already".to_owned(),
            _ => reason(&error),
        };
        ConfigError::Wrong(format!("cannot write {}: {why}", quoted(path)))
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    std::io::Write::write_all(&mut file, EXAMPLE.as_bytes()).map_err(failed)
}

/// The commented example, which holds every default.
pub(crate) const EXAMPLE: &str = include_str!("../../config.example.toml");
