//! The configuration file: its keys and how it is read.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::earcons::Earcons;
use crate::cli::Speaker;
use crate::diagnostics::{ConfigError, quoted, reason};
use crate::filter::RawRule;
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
    /// Which earcons are played.
    pub earcons: Earcons,
    /// Settings for eSpeak NG only.
    pub espeak: Espeak,
}

/// The speakers' voices.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Speakers {
    /// Whether each speaker has a voice of their own.
    pub own_voices: Option<bool>,
    /// Settings for single speakers, by nick.
    pub voice: BTreeMap<String, SpeakerVoice>,
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
