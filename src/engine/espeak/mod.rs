//! eSpeak NG, in-process: the voice process's default engine.

mod dictionary;
mod ffi;
mod rate;
mod said;
mod variants;
mod words;

use std::borrow::Cow;
use std::collections::HashSet;

use super::guard;
use super::traits::{Engine, EngineError, Judged, Stage, VoiceInfo};
use crate::wire::{Setup, SpeakRequest};
use ffi::{Library, Parameter, WordEvent};
use said::Said;
pub(crate) use variants::VARIANTS;
use words::Words;

const NAME: &str = "espeak";

/// eSpeak NG with a voice.
pub(crate) struct Espeak {
    library: Library,
    /// The voice that is set, not to set it again for each line.
    voice: Option<String>,
    /// Languages that were checked to make a sound. Setting another voice or variant of them takes
    /// 0.1 ms.
    checked: HashSet<String>,
    /// Missing variants that were reported.
    missing: HashSet<String>,
    guarded: bool,
}

impl Espeak {
    /// Starts the library with the voice of `setup`.
    pub(crate) fn open(setup: &Setup) -> Result<Self, EngineError> {
        let mut espeak = Self::start(setup.guard)?;
        if !espeak.has_variant(&setup.voice) {
            return Err(unknown(&setup.voice));
        }
        espeak.set_voice(&setup.voice)?;
        Ok(espeak)
    }

    fn start(guarded: bool) -> Result<Self, EngineError> {
        let library = Library::open().map_err(|why| EngineError::Start { engine: NAME, why })?;
        let (checked, missing) = (HashSet::new(), HashSet::new());
        Ok(Self { library, voice: None, checked, missing, guarded })
    }

    /// Whether the variant in `voice` (`en-us+f3`) exists, if it names one: eSpeak silently ignores
    /// an unknown one.
    fn has_variant(&self, voice: &str) -> bool {
        let Some((_, variant)) = voice.split_once('+') else { return true };
        let is_plain = !variant.is_empty() && !variant.contains(['/', '.', '\0']);
        let variants = || self.library.data_folder().join("voices").join("!v");
        is_plain
            && (VARIANTS.iter().any(|it| it.0 == variant) || variants().join(variant).is_file())
    }

    /// Sets `voice`, without its variant where that is missing: the speaker then sounds like the
    /// others, but is heard.
    fn take(&mut self, voice: &str) -> Result<(), EngineError> {
        if self.voice.as_deref() == Some(voice) {
            return Ok(());
        }
        if self.missing.contains(voice) || !self.has_variant(voice) {
            if self.missing.insert(voice.to_owned()) {
                // The listener logs stderr; this process has no log of its own.
                eprintln!("no variant {voice:?}; the voice speaks without it");
            }
            let language = voice.split_once('+').map_or(voice, |(language, _)| language);
            return self.take(language);
        }
        self.set_voice(voice)
    }

    /// Sets `voice`, and checks it: in eSpeak, a voice without its dictionary succeeds silently.
    fn set_voice(&mut self, voice: &str) -> Result<(), EngineError> {
        self.voice = None; // until it succeeds
        if voice.is_empty() || !self.library.set_voice(voice) {
            return Err(unknown(voice));
        }
        let language = voice.split('+').next().unwrap_or(voice);
        if !self.checked.contains(language) {
            if self.is_silent() {
                return Err(EngineError::Dictionary { voice: voice.to_owned() });
            }
            self.checked.insert(language.to_owned());
        }
        self.voice = Some(voice.to_owned());
        Ok(())
    }

    fn judged(&mut self, voices: &[String]) -> Judged {
        let mut judge = |voice: &String| {
            if self.has_variant(voice) { self.set_voice(voice) } else { Err(unknown(voice)) }
        };
        voices.iter().map(&mut judge).collect()
    }

    /// Whether the voice makes no sound, because its dictionary is missing. Takes a millisecond.
    /// All 131 voices of 1.51 speak a letter; seven have no rules for numbers and speak no digit
    /// (`he`, `cv`, `nog`, `tk`, ...).
    fn is_silent(&mut self) -> bool {
        let mut n_loud = 0;
        let listen = &mut |_: &[WordEvent], samples: &[i16]| {
            n_loud += samples.iter().filter(|sample| sample.unsigned_abs() > 32).count();
            n_loud < 200
        };
        self.library.synthesize("a", listen).is_err() || n_loud < 200
    }
}

fn unknown(voice: &str) -> EngineError {
    EngineError::Voice { engine: NAME, voice: voice.to_owned() }
}

impl Engine for Espeak {
    fn sample_rate(&self) -> Option<u32> {
        Some(self.library.sample_rate)
    }

    fn speak(&mut self, speech: &SpeakRequest, stage: &mut dyn Stage) -> Result<(), EngineError> {
        self.take(&speech.voice)?;
        let rate = rate::parameter(speech.rate);
        self.library.set(Parameter::Rate, rate);
        self.library.set(Parameter::Pitch, i32::from(speech.pitch));
        let text = if self.guarded { guard::espeak(&speech.text) } else { Cow::from(&speech.text) };
        // In a rewritten text, words and the name have other places: none are reported.
        let is_whole = matches!(text, Cow::Borrowed(_));
        let mut words = is_whole.then(|| Words::of(&text));
        let said = Said::new(&text, if is_whole { speech.head_len } else { 0 }, rate);
        let sink = &mut |events: &[WordEvent], samples: &[i16]| {
            for event in events {
                let (position, length) = said.place(event.position, event.length);
                let word = words.as_mut().and_then(|it| it.next(position, length));
                if let (Some(word), Ok(at)) = (word, u64::try_from(event.sample)) {
                    stage.word(at, word);
                }
            }
            stage.samples(samples)
        };
        self.library
            .synthesize(&said.text, sink)
            .map_err(|why| EngineError::Synthesis { engine: NAME, why })
    }
}

/// Checks that each of these voices exists, with its variant, and makes sound.
pub(super) fn check(voices: &[String]) -> Result<Judged, EngineError> {
    Ok(Espeak::start(true)?.judged(voices))
}

/// The voices, and the variants, which go after any voice and a `+`. A voice whose name another has
/// is listed by its identifier, such as `sit/yue-Latn-jyutping`.
pub(crate) fn voices() -> Result<Vec<VoiceInfo>, EngineError> {
    let library = Library::open().map_err(|why| EngineError::Start { engine: NAME, why })?;
    Ok(listed(&library))
}

fn listed(library: &Library) -> Vec<VoiceInfo> {
    let data = library.data_folder();
    let mut names = HashSet::new();
    let mut info = |(about, language, identifier): (String, String, String)| {
        if let Some(variant) = identifier.strip_prefix("!v/") {
            let about = format!("variant {about}, after any voice: en-us+{variant}");
            let (name, language) = (format!("+{variant}"), String::new());
            return VoiceInfo { name, language, about, has_dictionary: true };
        }
        let has_dictionary = dictionary::is_installed(&data, &identifier);
        let name = if names.insert(language.clone()) { language.clone() } else { identifier };
        VoiceInfo { name, language, about: about.trim().to_owned(), has_dictionary }
    };
    let mut voices: Vec<_> = library.voices().into_iter().map(&mut info).collect();
    voices.sort_by(|a, b| a.name.cmp(&b.name));
    voices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::traits::Word;
    use crate::language::Language;
    use crate::units::Wpm;

    /// Counts samples and records words.
    #[derive(Default)]
    struct Count(usize, Vec<(u64, String)>, Vec<char>);

    impl Stage for Count {
        fn begin(&mut self) {}
        fn word(&mut self, at: u64, word: Word) {
            let letters = self.2[word.start..word.start + word.length].iter().collect();
            self.1.push((at, letters));
        }
        fn samples(&mut self, samples: &[i16]) -> bool {
            self.0 += samples.len();
            true
        }
        fn wanted(&self) -> bool {
            true
        }
        fn alive(&self) {}
    }

    /// Records the loudest sample.
    #[derive(Default)]
    struct Loudest(u16);

    impl Stage for Loudest {
        fn begin(&mut self) {}
        fn word(&mut self, _at: u64, _word: Word) {}
        fn samples(&mut self, samples: &[i16]) -> bool {
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max();
            self.0 = self.0.max(loudest.unwrap_or_default());
            true
        }
        fn wanted(&self) -> bool {
            true
        }
        fn alive(&self) {}
    }

    fn speech(text: &str, voice: &str, rate: u32) -> SpeakRequest {
        SpeakRequest { voice: voice.to_owned(), rate: Wpm(rate), ..SpeakRequest::of(text) }
    }

    /// One test: the library's state is global, and tests run on many threads.
    #[test]
    fn speaks_in_the_voice_and_at_the_rate_that_are_asked_for() {
        let setup = Setup { voice: "en-us".to_owned(), ..Setup::default() };
        let mut engine = Espeak::open(&setup).expect("eSpeak NG starts");
        let mut length = |text: &str, voice: &str, rate: u32| {
            let mut count = Count(0, vec![], text.chars().collect());
            engine.speak(&speech(text, voice, rate), &mut count).map(|()| count.0)
        };
        let text = "a line of several words, spoken twice";
        let slow = length(text, "en-us", 150).expect("spoken");
        let fast = length(text, "en-us", 300).expect("spoken");
        let ratio = slow as f64 / fast as f64;
        assert!((1.7..2.3).contains(&ratio), "150 against 300 words a minute: {ratio}");
        assert!(length(text, "en-gb", 220).is_ok(), "found by its language");
        assert!(length(text, "en-us+f3", 220).is_ok(), "a variant");
        let [own, other] = ["en-gb", "en-gb+Alicia"].map(|it| length(text, it, 220).expect(it));
        assert!(other > own + 2_000, "a variant of what is found by its language");
        for nobody in ["en-us+nonsense", "en-us+../../passwd", "en-us+", "en-us+f\0"] {
            assert!(length(text, nobody, 220).is_ok(), "spoken by the voice: {nobody}");
        }
        for (variant, _) in VARIANTS {
            assert!(length(text, &format!("en-us+{variant}"), 450).expect(variant) > 20_000);
        }
        // These speak no digits; the last is listed under a name that eSpeak does not find.
        for terse in ["he", "tk", "cv", "nog", "qya", "sjn", "chr-US-Qaaa-x-west"] {
            assert!(length(text, terse, 220).expect(terse) > 2_000, "{terse}");
        }
        for wrong in ["xx-nowhere", "", "en\0us"] {
            let error = length(text, wrong, 220).expect_err(wrong);
            assert!(error.is_configuration(), "{wrong}: {error}");
        }
        // An echo of the line before would be heard where the next one begins.
        for (variant, _) in VARIANTS {
            let mut after = |volume| {
                engine.library.set(Parameter::Volume, volume);
                let said = speech(text, &format!("en-us+{variant}"), 220);
                let mut loudest = Loudest::default();
                engine.speak(&said, &mut loudest).expect(variant);
                loudest.0
            };
            assert!(after(100) > 1_000, "{variant}");
            assert_eq!(after(0), 0, "{variant} has an echo");
        }
        engine.library.set(Parameter::Volume, 100);
        let heard = "Grüße aus Köln, 日本 naïve cafés 👍 v1.2 of 2013-09-12 — ok";
        let mut count = Count(0, vec![], heard.chars().collect());
        engine.speak(&speech(heard, "en-us", 220), &mut count).expect("spoken");
        let words = count.1.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>();
        for word in ["Grüße", "aus", "Köln", "日本", "naïve", "cafés", "👍", "of", "ok"] {
            assert!(words.contains(&word), "{word} of {words:?}");
        }
        assert!(count.1.windows(2).all(|it| it[0].0 < it[1].0), "{:?}", count.1);
        assert!(count.1.iter().all(|(at, _)| *at < count.0 as u64), "{:?}", count.1);
        let crash = format!("{}, still here", "s'".repeat(70));
        let mut count = Count::default();
        engine.speak(&speech(&crash, "en-us", 220), &mut count).expect("guarded");
        assert!(count.0 > 0 && count.1.is_empty(), "rewritten: no words");
        assert!(Library::open().is_err(), "one at a time");
        every_voice_is_taken(&mut engine);
    }

    /// Every voice that is listed speaks, if its dictionary is there; so do those that the
    /// languages have.
    fn every_voice_is_taken(engine: &mut Espeak) {
        let voices = listed(&engine.library);
        assert!(voices.len() > 100, "{} voices", voices.len());
        let distinct: HashSet<_> = voices.iter().map(|it| &it.name).collect();
        assert_eq!(distinct.len(), voices.len(), "a name is one voice's");
        let own: Vec<_> = Language::all().map(|it| it.espeak_voice().to_owned()).collect();
        let listed: Vec<_> = voices.iter().map(|it| it.name.clone()).collect();
        let is_there = voices.iter().map(|it| it.has_dictionary);
        let expected: Vec<_> = is_there.chain(own.iter().map(|_| true)).collect();
        let names = [listed, own].concat();
        for ((judged, name), is_taken) in engine.judged(&names).iter().zip(&names).zip(expected) {
            assert_eq!(judged.is_ok(), is_taken, "{name}: {judged:?}");
        }
        for voice in voices {
            let known = Language::from_code(&voice.language);
            assert!(known.is_some(), "{} is in no language", voice.name);
        }
    }
}
