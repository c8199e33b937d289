//! The speech engines, in the voice process. An engine turns clean text into samples, or plays the
//! sound itself; it knows nothing of lines, queues or devices.

mod check;
pub(crate) mod espeak;
pub(crate) mod guard;
mod idle;
pub(crate) mod measure;
pub(crate) mod player;
pub(crate) mod process;
#[cfg(feature = "system-voice")]
pub(crate) mod system;
mod traits;

pub(crate) use traits::{Engine, EngineError, VoiceInfo};

use crate::units::Wpm;
use crate::wire::Setup;
use traits::Judged;

/// What is known of an engine before it starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EngineInfo {
    /// Its name, as `--engine` takes it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// The highest rate at which it is still understood, in words a minute: of 60 chat lines a
    /// speech recogniser gets about two words in five wrong (`make bench-understood`).
    pub understood_wpm: Wpm,
    open: fn(&Setup) -> Result<Box<dyn Engine>, EngineError>,
    voices: fn() -> Result<Vec<VoiceInfo>, EngineError>,
    check: fn(&[String]) -> Result<Judged, EngineError>,
}

/// Every engine in this program.
pub(crate) const ENGINES: &[EngineInfo] = &[
    EngineInfo {
        name: "espeak",
        about: "eSpeak NG: built in, starts at once, more than 100 languages",
        // Wrong words in 100 of chat (and of meetings): 20 (20) at 220, 26 (28) at 286, 36 (35) at
        // 300, 40 (40) at 330, 60 at 400, 76 at 450. Of a meeting as a whole, names and all: 28 at
        // 220, 35 at 251, 41 at 286, 61 at 330.
        understood_wpm: Wpm(286),
        open: |setup| Ok(Box::new(espeak::Espeak::open(setup)?)),
        voices: espeak::voices,
        check: espeak::check,
    },
    #[cfg(feature = "system-voice")]
    EngineInfo {
        name: "system",
        about: "the desktop's own voice (Speech Dispatcher on Linux)",
        // Usually eSpeak NG is behind it, and it writes no file whose sound could be measured.
        understood_wpm: Wpm(286),
        open: |setup| Ok(Box::new(system::System::open(setup)?)),
        voices: system::voices,
        // An unknown name gets its default voice.
        check: |names| Ok(names.iter().map(|_| Ok(())).collect()),
    },
];

/// The names of all engines.
pub(crate) fn names() -> Vec<&'static str> {
    ENGINES.iter().map(|engine| engine.name).collect()
}

fn find(name: &str) -> Result<&'static EngineInfo, EngineError> {
    ENGINES
        .iter()
        .find(|engine| engine.name == name)
        .ok_or_else(|| EngineError::Unknown { name: name.to_owned(), known: names().join(", ") })
}

/// The highest rate at which the engine `name` is still understood, in words a minute.
pub(crate) fn understood_wpm(name: &str) -> Result<Wpm, EngineError> {
    Ok(find(name)?.understood_wpm)
}

/// Starts the engine that `setup` names, with its voice.
pub(crate) fn open(setup: &Setup) -> Result<Box<dyn Engine>, EngineError> {
    (find(&setup.engine)?.open)(setup)
}

/// The voices of the engine `name`.
pub(crate) fn voices(name: &str) -> Result<Vec<VoiceInfo>, EngineError> {
    (find(name)?.voices)()
}
