//! The desktop's own voice, by the crate `tts`: Speech Dispatcher on Linux. It makes the sound
//! itself and tells when an utterance begins and ends. Messages go out one at a time, at the
//! priority that `tts` uses ("important"), which other programs' messages do not cut off.
#![forbid(unsafe_code)]

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tts::{Backends, Tts};

use super::{Engine, EngineError, Stage, VoiceInfo};
use crate::voice::wire::{Setup, Speech};

const NAME: &str = "system";

/// How often a sign of life is given, and a stop looked for, while the system speaks.
const LOOK: Duration = Duration::from_millis(20);

/// How long an utterance may take to begin. A module of Speech Dispatcher that has died swallows
/// messages without a word.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// The system's voice.
pub struct System {
    tts: Tts,
    told: Receiver<Told>,
    /// Listed once, at the start: Speech Dispatcher takes a second for its 13,000, and while an
    /// utterance waits that would pass for a hang.
    voices: Vec<tts::Voice>,
    voice: String,
}

enum Told {
    Begun,
    Ended,
}

impl System {
    /// Connects to the system's speech service, which may start it, and takes the voice of `setup`:
    /// the first request after a start can take seconds, which no line is to wait for.
    pub fn open(setup: &Setup) -> Result<Self, EngineError> {
        let tts = connect()?;
        let (tell, told) = mpsc::channel();
        for (register, tell) in
            [(begun as fn(&Tts, Sender<Told>) -> _, tell.clone()), (ended, tell)]
        {
            register(&tts, tell).map_err(|error| start(&error))?;
        }
        let voices = tts.voices().map_err(|error| start(&error))?;
        let mut system = Self { tts, told, voices, voice: String::new() };
        let manner = Speech { voice: setup.voice.clone(), ..Speech::of("") };
        system.prepare(&manner).map_err(|error| start(&error))?;
        Ok(system)
    }

    fn prepare(&mut self, speech: &Speech) -> Result<(), tts::Error> {
        if speech.voice != self.voice {
            self.voice.clone_from(&speech.voice);
            let wanted = |voice: &&tts::Voice| {
                voice.name() == speech.voice
                    || voice.language().as_str().eq_ignore_ascii_case(&speech.voice)
            };
            // The default voice serves where there is no such one: the names are the system's.
            if let Some(voice) = self.voices.iter().find(wanted) {
                self.tts.set_voice(voice)?;
            }
        }
        self.tts.set_rate(rate(speech.rate))?;
        self.tts.set_pitch(f32::from(speech.pitch) * 2.0 - 100.0)?;
        self.tts.set_volume((f32::from(speech.volume) - 100.0).clamp(-100.0, 100.0))?;
        Ok(())
    }

    /// Waits for the end, or for a stop.
    fn attend(&mut self, stage: &mut dyn Stage) -> Result<(), EngineError> {
        let mut waited = Some(Duration::ZERO);
        loop {
            match self.told.recv_timeout(LOOK) {
                Ok(Told::Begun) => {
                    stage.begin();
                    waited = None;
                }
                Ok(Told::Ended) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(speech("it is gone")),
            }
            stage.alive();
            if !stage.wanted() {
                return self.tts.stop().map(|_| ()).map_err(|error| speech(&error.to_string()));
            }
            waited = waited.map(|time| time + LOOK);
            if waited.is_some_and(|time| time > BEGIN_WITHIN) {
                return Err(speech("it did not begin within 5 seconds"));
            }
        }
    }
}

impl Engine for System {
    fn sample_rate(&self) -> Option<u32> {
        None
    }

    fn speak(&mut self, speech_: &Speech, stage: &mut dyn Stage) -> Result<(), EngineError> {
        while self.told.try_recv().is_ok() {} // what an utterance before had still to say
        self.prepare(speech_).map_err(|error| speech(&error.to_string()))?;
        self.tts.speak(speech_.text.as_str(), false).map_err(|error| speech(&error.to_string()))?;
        self.attend(stage)
    }
}

/// The system's voices. Speech Dispatcher lists 13,000 of them, and takes a second for it.
pub fn voices() -> Result<Vec<VoiceInfo>, EngineError> {
    let voices = connect()?.voices().map_err(|error| start(&error))?;
    Ok(voices
        .into_iter()
        .map(|voice| VoiceInfo {
            name: voice.name(),
            language: voice.language().to_string(),
            about: voice.id(),
        })
        .collect())
}

fn connect() -> Result<Tts, EngineError> {
    #[cfg(target_os = "linux")]
    let tts = Tts::new(Backends::SpeechDispatcher);
    #[cfg(not(target_os = "linux"))]
    let tts = Tts::default();
    tts.map_err(|error| start(&error))
}

fn begun(tts: &Tts, tell: Sender<Told>) -> Result<(), tts::Error> {
    // A receiver that is gone belongs to an engine that is gone.
    tts.on_utterance_begin(Some(Box::new(move |_| drop(tell.send(Told::Begun)))))
}

fn ended(tts: &Tts, tell: Sender<Told>) -> Result<(), tts::Error> {
    let stopped = tell.clone();
    tts.on_utterance_stop(Some(Box::new(move |_| drop(stopped.send(Told::Ended)))))?;
    tts.on_utterance_end(Some(Box::new(move |_| drop(tell.send(Told::Ended)))))
}

/// Words a minute into Speech Dispatcher's -100 to 100. Its eSpeak module makes of 0 a parameter
/// of 170 (200 words a minute, measured), of -100 one of 80 and of 100 one of 449.
#[expect(clippy::cast_precision_loss, reason = "rates are small")]
fn rate(wpm: u32) -> f32 {
    let parameter = wpm as f32 / 1.17;
    let above = if parameter < 170.0 { 90.0 } else { 279.0 };
    ((parameter - 170.0) / above * 100.0).clamp(-100.0, 100.0)
}

fn start(error: &tts::Error) -> EngineError {
    EngineError::Start { engine: NAME, why: error.to_string() }
}

fn speech(why: &str) -> EngineError {
    EngineError::Speech { engine: NAME, why: why.to_owned() }
}

#[test]
fn rates_stay_within_the_systems_range() {
    for (wpm, least, most) in
        [(0, -100.0, -100.0), (199, -0.5, 0.5), (220, 5.0, 8.0), (9_999, 100.0, 100.0)]
    {
        assert!((least..=most).contains(&rate(wpm)), "{wpm}: {}", rate(wpm));
    }
}
