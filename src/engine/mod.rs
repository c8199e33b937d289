//! The speech engines, in the voice process. An engine turns clean text into samples, or plays the
//! sound itself; it knows nothing of lines, queues or devices.

mod check;
pub mod espeak;
pub mod guard;
mod idle;
pub mod measure;
pub mod player;
pub mod process;
#[cfg(feature = "system-voice")]
pub mod system;

use crate::wire::{Setup, SpeakRequest};

/// Where an engine's sound goes, and where it learns that the rest is not wanted.
pub trait Stage {
    /// The sound has begun. Engines that give samples need not call this.
    fn begin(&mut self);

    /// This word begins at sample `at` of the utterance. Called before its samples come.
    fn word(&mut self, at: u64, word: Word);

    /// Takes mono samples at the engine's rate; blocks while the output's buffer is full. `false`:
    /// stop, the rest is not wanted.
    fn samples(&mut self, samples: &[i16]) -> bool;

    /// Whether to go on; for engines that play the sound themselves.
    fn wanted(&self) -> bool;

    /// The engine makes progress: it is not hung.
    fn alive(&self);
}

/// A word's place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its first character, from 0.
    pub start: usize,
    /// Its length in characters.
    pub length: usize,
}

/// A speech engine.
pub trait Engine {
    /// The rate of its samples, in Hz; none where it plays the sound itself.
    fn sample_rate(&self) -> Option<u32>;

    /// Speaks `speech` to its end, or until `stage` stops it.
    fn speak(&mut self, speech: &SpeakRequest, stage: &mut dyn Stage) -> Result<(), EngineError>;
}

/// Why an engine cannot be used, or did not speak.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no engine of that name in this program.
    #[error("no engine \"{name}\"; there are: {known}", known = names().join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// The engine does not start.
    #[error("{engine} does not start: {why}")]
    Start {
        /// The engine's name.
        engine: &'static str,
        /// The engine's reason.
        why: String,
    },
    /// The engine has no such voice.
    #[error("{engine} has no voice \"{voice}\"; \"irc-speak voices\" lists what it has")]
    Voice {
        /// The engine's name.
        engine: &'static str,
        /// The voice asked for.
        voice: String,
    },
    /// The voice is known, but its data are not installed.
    #[error("the voice \"{voice}\" makes no sound here; its dictionary is not installed")]
    Dictionary {
        /// The voice asked for.
        voice: String,
    },
    /// The speech service, outside this process, is gone.
    #[error("{why}")]
    Gone {
        /// What happened.
        why: String,
    },
    /// The engine refused this text.
    #[error("{engine} did not speak it: {why}")]
    Synthesis {
        /// The engine's name.
        engine: &'static str,
        /// The engine's reason.
        why: String,
    },
}

impl EngineError {
    /// Whether the configuration is at fault, not the machine.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Unknown { .. } | Self::Voice { .. } | Self::Dictionary { .. } => true,
            Self::Start { .. } | Self::Gone { .. } | Self::Synthesis { .. } => false,
        }
    }
}

/// What is known of an engine before it starts.
#[derive(Debug, Clone, Copy)]
pub struct EngineInfo {
    /// Its name, as `--engine` takes it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// The highest rate at which it is still understood, in words a minute: of 60 chat lines a
    /// speech recogniser gets about two words in five wrong (`make bench-understood`).
    pub understood_wpm: u32,
    open: fn(&Setup) -> Result<Box<dyn Engine>, EngineError>,
    voices: fn() -> Result<Vec<VoiceInfo>, EngineError>,
    check: fn(&[String]) -> Result<Judged, EngineError>,
}

/// For each voice, whether the engine has it.
type Judged = Vec<Result<(), EngineError>>;

/// A voice an engine offers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct VoiceInfo {
    /// The name that `--voice` takes.
    pub name: String,
    /// The language it speaks, as an engine names it (`en-us`).
    pub language: String,
    /// What it calls itself.
    pub about: String,
}

/// Every engine in this program.
pub const ENGINES: &[EngineInfo] = &[
    EngineInfo {
        name: "espeak",
        about: "eSpeak NG: built in, starts at once, more than 100 languages",
        // Wrong words in 100 of chat (and of meetings): 20 (20) at 220, 26 (28) at 286, 36 (35) at
        // 300, 40 (40) at 330, 60 at 400, 76 at 450. Of a meeting as a whole, names and all: 28 at
        // 220, 35 at 251, 41 at 286, 61 at 330.
        understood_wpm: 286,
        open: |setup| Ok(Box::new(espeak::Espeak::open(setup)?)),
        voices: espeak::voices,
        check: espeak::check,
    },
    #[cfg(feature = "system-voice")]
    EngineInfo {
        name: "system",
        about: "the desktop's own voice (Speech Dispatcher on Linux)",
        // Usually eSpeak NG is behind it, and it writes no file whose sound could be measured.
        understood_wpm: 286,
        open: |setup| Ok(Box::new(system::System::open(setup)?)),
        voices: system::voices,
        // An unknown name gets its default voice.
        check: |names| Ok(names.iter().map(|_| Ok(())).collect()),
    },
];

/// The names of all engines.
pub fn names() -> Vec<&'static str> {
    ENGINES.iter().map(|engine| engine.name).collect()
}

fn find(name: &str) -> Result<&'static EngineInfo, EngineError> {
    ENGINES
        .iter()
        .find(|engine| engine.name == name)
        .ok_or_else(|| EngineError::Unknown { name: name.to_owned() })
}

/// The highest rate at which the engine `name` is still understood, in words a minute.
pub fn understood_wpm(name: &str) -> Result<u32, EngineError> {
    Ok(find(name)?.understood_wpm)
}

/// Starts the engine that `setup` names, with its voice.
pub fn open(setup: &Setup) -> Result<Box<dyn Engine>, EngineError> {
    (find(&setup.engine)?.open)(setup)
}

/// The voices of the engine `name`.
pub fn voices(name: &str) -> Result<Vec<VoiceInfo>, EngineError> {
    (find(name)?.voices)()
}
