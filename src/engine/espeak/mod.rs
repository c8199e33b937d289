//! eSpeak NG, in-process: the voice process's default engine.

mod ffi;
mod rate;

use super::{Engine, EngineError, Stage, VoiceInfo, guard};
use crate::voice::wire::{Setup, Speech};
use ffi::{Library, Parameter};

const NAME: &str = "espeak";

/// eSpeak NG with a voice.
pub struct Espeak {
    library: Library,
    /// The voice that is set, so that it is not set again for each line.
    voice: String,
    guarded: bool,
}

impl Espeak {
    /// Starts the library with the voice of `setup`.
    pub fn open(setup: &Setup) -> Result<Self, EngineError> {
        let library = Library::open().map_err(|why| EngineError::Start { engine: NAME, why })?;
        let mut espeak = Self { library, voice: String::new(), guarded: setup.guard };
        espeak.set_voice(&setup.voice)?;
        Ok(espeak)
    }

    /// Takes `voice` (`en-us`, `en-us+f3`), checked where eSpeak does not: an unknown variant is
    /// passed over in silence, and a voice without its dictionary says nothing and succeeds.
    fn set_voice(&mut self, voice: &str) -> Result<(), EngineError> {
        if voice == self.voice {
            return Ok(());
        }
        let unknown = || EngineError::Voice { engine: NAME, voice: voice.to_owned() };
        let variant = voice.split_once('+').map(|(_, variant)| variant);
        if let Some(variant) = variant {
            let variants = self.library.data_folder().join("voices").join("!v");
            let plain = !variant.is_empty() && !variant.contains(['/', '.']);
            if !plain || !variants.join(variant).is_file() {
                return Err(unknown());
            }
        }
        if voice.is_empty() || !self.library.set_voice(voice) {
            return Err(unknown());
        }
        voice.clone_into(&mut self.voice);
        if self.is_silent() {
            return Err(EngineError::Dictionary { voice: voice.to_owned() });
        }
        Ok(())
    }

    /// Whether the voice says nothing. Costs a millisecond.
    fn is_silent(&mut self) -> bool {
        let mut n_loud = 0;
        let listen = &mut |samples: &[i16]| {
            n_loud += samples.iter().filter(|sample| sample.unsigned_abs() > 32).count();
            n_loud < 200
        };
        self.library.synthesize("1", listen).is_err() || n_loud < 200
    }
}

impl Engine for Espeak {
    fn sample_rate(&self) -> Option<u32> {
        Some(self.library.sample_rate)
    }

    fn speak(&mut self, speech: &Speech, stage: &mut dyn Stage) -> Result<(), EngineError> {
        self.set_voice(&speech.voice)?;
        self.library.set(Parameter::Rate, rate::parameter(speech.rate));
        self.library.set(Parameter::Pitch, i32::from(speech.pitch));
        self.library.set(Parameter::Volume, i32::from(speech.volume));
        let guarded = self.guarded.then(|| guard::espeak(&speech.text));
        let text = guarded.as_deref().unwrap_or(&speech.text);
        self.library
            .synthesize(text, &mut |samples| stage.samples(samples))
            .map_err(|why| EngineError::Speech { engine: NAME, why })
    }
}

/// The voices, and the variants that each can be given after a `+`.
pub fn voices() -> Result<Vec<VoiceInfo>, EngineError> {
    let library = Library::open().map_err(|why| EngineError::Start { engine: NAME, why })?;
    let mut voices: Vec<_> = library
        .voices()
        .into_iter()
        .map(|(about, language, identifier)| match identifier.strip_prefix("!v/") {
            Some(variant) => VoiceInfo {
                name: format!("+{variant}"),
                language: String::new(),
                about: format!("variant {about}, after any voice: en-us+{variant}"),
            },
            None => VoiceInfo { name: language.clone(), language, about },
        })
        .collect();
    voices.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(voices)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(usize);

    impl Stage for Count {
        fn begin(&mut self) {}
        fn samples(&mut self, samples: &[i16]) -> bool {
            self.0 += samples.len();
            true
        }
        fn wanted(&self) -> bool {
            true
        }
        fn alive(&self) {}
    }

    fn speech(text: &str, voice: &str, rate: u32) -> Speech {
        Speech { voice: voice.to_owned(), rate, ..Speech::of(text) }
    }

    /// One test: the library's state is global, and tests run on many threads.
    #[test]
    fn speaks_in_the_voice_and_at_the_rate_that_are_asked_for() {
        let setup = Setup { voice: "en-us".to_owned(), ..Setup::default() };
        let mut engine = Espeak::open(&setup).expect("eSpeak NG starts");
        let mut length = |text: &str, voice: &str, rate: u32| {
            let mut count = Count(0);
            engine.speak(&speech(text, voice, rate), &mut count).map(|()| count.0)
        };
        let text = "a line of several words, spoken twice";
        let slow = length(text, "en-us", 150).expect("spoken");
        let fast = length(text, "en-us", 300).expect("spoken");
        let ratio = slow as f64 / fast as f64;
        assert!((1.7..2.3).contains(&ratio), "150 against 300 words a minute: {ratio}");
        assert!(length(text, "en-gb", 220).is_ok(), "found by its language");
        assert!(length(text, "en-us+f3", 220).is_ok(), "a variant");
        for wrong in ["xx-nowhere", "en-us+nonsense", "en-us+../../passwd", "", "en\0us"] {
            let error = length(text, wrong, 220).expect_err(wrong);
            assert!(error.is_configuration(), "{wrong}: {error}");
        }
        let crash = format!("{}, still here", "s'".repeat(70));
        assert!(length(&crash, "en-us", 220).is_ok(), "guarded");
        assert!(Library::open().is_err(), "one at a time");
    }
}
