//! The sound outputs, in the voice process. An output takes mono samples and reports when an
//! utterance's first and last were played; it knows nothing of text or engines.
#![forbid(unsafe_code)]

mod callback;
pub(crate) mod cards;
pub(crate) mod device;
pub(crate) mod earcon;
pub(crate) mod file;
pub(crate) mod report;
pub(crate) mod resample;
pub(crate) mod sink;
mod stall;
mod stream;
pub(crate) mod trim;

use std::time::Duration;

use crate::message::UtteranceId;
use crate::wire::Report;

/// Takes the sound of one utterance after the other.
pub(crate) trait Output {
    /// The sample rate it takes, in Hz, where the engine's is `engine_rate`.
    fn sample_rate(&self, engine_rate: u32) -> u32;

    /// Begins the utterance `id`, after at least `gap` of silence where another one has just
    /// ended, at `pan` (-100 is left, 100 is right) where the output is stereo. Blocks as `write`
    /// does.
    fn begin(&mut self, id: Option<UtteranceId>, gap: Duration, pan: i8)
    -> Result<(), OutputError>;

    /// Takes samples between -1 and 1; blocks while the buffer is full. `false`: they are no longer
    /// wanted.
    fn write(&mut self, samples: &[f32]) -> Result<bool, OutputError>;

    /// Sends `report` when sample `at` of the utterance is played, which the next `write` brings.
    /// Marks come in order.
    fn mark(&mut self, at: u64, report: Report);

    /// Ends the current utterance.
    fn end(&mut self, id: Option<UtteranceId>) -> Result<(), OutputError>;

    /// Discards what has not been heard yet.
    fn clear(&mut self);

    /// Waits until everything written has been heard.
    fn drain(&mut self) -> Result<(), OutputError>;

    /// Called when there is nothing to write. Returns the time after which to call again if that is
    /// still so; none where nothing is left to do.
    fn rest(&mut self) -> Option<std::time::Duration>;
}

/// How many samples last for `time`, at `rate` in Hz.
fn samples(time: Duration, rate: u32) -> usize {
    usize::try_from(time.as_millis()).unwrap_or(usize::MAX).saturating_mul(rate as usize) / 1_000
}

/// How long `n_samples` sound at `rate` Hz, in milliseconds.
pub(crate) fn milliseconds(n_samples: u64, rate: u32) -> u32 {
    u32::try_from(n_samples * 1_000 / u64::from(rate.max(1))).unwrap_or(u32::MAX)
}

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// No device of that name.
    #[error("no audio device \"{name}\"; \"irc-speak devices\" lists {n_known}")]
    UnknownDevice {
        /// The name asked for.
        name: String,
        /// How many there are.
        n_known: usize,
    },
    /// No device at all.
    #[error("no sound device: {why}; --output FILE.wav writes the speech, --text prints it")]
    NoDevice {
        /// The sound system's reason.
        why: String,
    },
    /// The device went away or failed.
    #[error("the sound device failed: {0}")]
    Device(String),
    /// The service that plays the sound is gone.
    #[error("{0}")]
    Gone(String),
    /// The sound server does not answer, nor refuse.
    #[error("the sound server does not answer")]
    NoAnswer,
    /// The device has stalled.
    #[error("the sound device takes no sound")]
    Stalled {
        /// How long.
        stood: Duration,
    },
    /// The WAV file cannot be written.
    #[error("cannot write {path}: {why}")]
    File {
        /// The file, in quotes.
        path: String,
        /// The system's reason.
        why: String,
    },
}

impl OutputError {
    /// The report that the output is lost.
    pub fn lost(&self) -> Report {
        let stood = match self {
            Self::Stalled { stood } => *stood,
            Self::UnknownDevice { .. }
            | Self::NoDevice { .. }
            | Self::NoAnswer
            | Self::Device(_)
            | Self::Gone(_)
            | Self::File { .. } => Duration::ZERO,
        };
        let stood_ms = u64::try_from(stood.as_millis()).unwrap_or(u64::MAX);
        Report::Lost { why: self.to_string(), stood_ms }
    }
}
