//! Measures how long an engine speaks, by synthesis without output.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use super::traits::{Engine, EngineError, Stage, Word};
use crate::audio::trim::Trim;
use crate::units::Wpm;
use crate::wire::{Setup, SpeakRequest};

/// Counts the samples of `speech` that would be heard; none where `wanted` interrupted it.
pub(super) fn count(
    engine: &mut dyn Engine,
    speech: &SpeakRequest,
    wanted: &mut dyn FnMut() -> bool,
) -> Result<Option<u64>, EngineError> {
    let mut counted =
        Counted { trim: Trim::default(), heard: Vec::new(), n_heard: 0, is_left: false, wanted };
    engine.speak(speech, &mut counted)?;
    Ok((!counted.is_left).then_some(counted.n_heard))
}

/// Counts the samples that would be heard.
struct Counted<'a> {
    trim: Trim,
    heard: Vec<i16>,
    n_heard: u64,
    is_left: bool,
    wanted: &'a mut dyn FnMut() -> bool,
}

impl Stage for Counted<'_> {
    fn begin(&mut self) {}

    fn word(&mut self, _at: u64, _word: Word) {}

    fn samples(&mut self, samples: &[i16]) -> bool {
        self.heard.clear();
        self.trim.push(samples, &mut self.heard);
        self.n_heard += self.heard.len() as u64;
        self.is_left = !(self.wanted)();
        !self.is_left
    }

    fn wanted(&self) -> bool {
        !self.is_left
    }

    fn alive(&self) {}
}

/// An engine whose samples are counted.
pub(crate) struct Measure {
    engine: Box<dyn Engine>,
    rate: u32,
    /// Cached results: the same text at the same rate is measured again and again.
    known: HashMap<(String, Wpm), f64>,
}

impl Measure {
    /// Starts the engine that `setup` names. One that plays its own sound cannot be measured.
    pub(crate) fn open(setup: &Setup) -> Result<Self, EngineError> {
        let engine = super::open(setup)?;
        let rate = engine.sample_rate().ok_or_else(|| EngineError::Start {
            engine: "it",
            why: "it plays its own sound, and does not report how long that takes".to_owned(),
        })?;
        Ok(Self { engine, rate, known: HashMap::new() })
    }

    /// How long `speech` sounds, in seconds; 0 where the engine refuses it. All calls must use the
    /// same voice settings, except for the rate.
    pub(crate) fn seconds(&mut self, speech: &SpeakRequest) -> f64 {
        let key = (speech.text.clone(), speech.rate);
        if let Some(seconds) = self.known.get(&key) {
            return *seconds;
        }
        let n_samples = count(self.engine.as_mut(), speech, &mut || true).unwrap_or_else(|error| {
            tracing::debug!(%error, "not measured");
            None
        });
        #[expect(clippy::cast_precision_loss, reason = "an utterance is some minutes long")]
        let n_samples = n_samples.unwrap_or(0) as f64;
        let seconds = n_samples / f64::from(self.rate);
        self.known.insert(key, seconds);
        seconds
    }
}
