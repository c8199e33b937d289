//! How long an engine speaks: it does, and nobody hears it.
#![forbid(unsafe_code)]

use super::{Engine, EngineError, Stage, Word};
use crate::audio::trim::Trim;
use crate::voice::wire::{Setup, Speech};

/// An engine whose samples are counted.
pub struct Measure {
    engine: Box<dyn Engine>,
    rate: u32,
}

/// The samples that would be heard.
#[derive(Default)]
struct Counted {
    trim: Trim,
    heard: Vec<i16>,
}

impl Measure {
    /// Starts the engine that `setup` names. One that makes its sound itself cannot be measured.
    pub fn open(setup: &Setup) -> Result<Self, EngineError> {
        let engine = super::open(setup)?;
        let rate = engine.sample_rate().ok_or_else(|| EngineError::Start {
            engine: "it",
            why: "it makes its sound itself, and tells nobody how long that takes".to_owned(),
        })?;
        Ok(Self { engine, rate })
    }

    /// How long `speech` sounds, in seconds; nothing where the engine refuses it.
    pub fn seconds(&mut self, speech: &Speech) -> f64 {
        let mut counted = Counted::default();
        if let Err(error) = self.engine.speak(speech, &mut counted) {
            tracing::debug!(%error, "not measured");
        }
        #[expect(clippy::cast_precision_loss, reason = "an utterance is some minutes long")]
        let n_samples = counted.heard.len() as f64;
        n_samples / f64::from(self.rate)
    }
}

impl Stage for Counted {
    fn begin(&mut self) {}

    fn word(&mut self, _at: u64, _word: Word) {}

    fn samples(&mut self, samples: &[i16]) -> bool {
        self.trim.push(samples, &mut self.heard);
        true
    }

    fn wanted(&self) -> bool {
        true
    }

    fn alive(&self) {}
}
