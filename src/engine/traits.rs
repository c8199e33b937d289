//! What every engine is, and how it fails.
#![forbid(unsafe_code)]

use crate::wire::SpeakRequest;

/// Where an engine's sound goes, and where it learns that the rest is not wanted.
#[cfg_attr(not(feature = "system-voice"), allow(dead_code, reason = "for engines with own sound"))]
pub(crate) trait Stage {
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
pub(crate) struct Word {
    /// Its first character, from 0.
    pub start: usize,
    /// Its length in characters.
    pub length: usize,
}

/// A speech engine.
pub(crate) trait Engine {
    /// The rate of its samples, in Hz; none where it plays the sound itself.
    fn sample_rate(&self) -> Option<u32>;

    /// Speaks `speech` to its end, or until `stage` stops it.
    fn speak(&mut self, speech: &SpeakRequest, stage: &mut dyn Stage) -> Result<(), EngineError>;
}

/// Why an engine cannot be used, or did not speak.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no engine of that name in this program.
    #[error("no engine \"{name}\"; there are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
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

/// For each voice, whether the engine has it.
pub(super) type Judged = Vec<Result<(), EngineError>>;

/// A voice an engine offers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct VoiceInfo {
    /// The name that `--voice` takes.
    pub name: String,
    /// The language it speaks, as an engine names it (`en-us`).
    pub language: String,
    /// What it calls itself.
    pub about: String,
    /// Whether the data that it needs are installed; without, it is silent, and refused.
    pub has_dictionary: bool,
}
