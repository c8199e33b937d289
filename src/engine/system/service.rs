//! The connection to the system's speech service, on a thread of its own, so that waiting for it
//! is bounded.
#![forbid(unsafe_code)]

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use tts::{Backends, Tts};

use crate::engine::traits::VoiceInfo;
use crate::units::Wpm;
use crate::wire::SpeakRequest;

/// The message where the service does not answer.
pub(super) const NO_ANSWER: &str = "Speech Dispatcher does not answer";

/// How often progress is reported, and a stop checked for, while the system speaks.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// A request to the service.
pub(super) enum Ask {
    /// Set voice, rate, pitch and volume.
    Prepare(SpeakRequest),
    /// Speak this.
    Speak(String),
    Stop,
    /// Check that it still answers.
    Ping,
}

/// What the service reports about an utterance.
pub(super) enum SpeechEvent {
    Begun,
    Ended,
}

/// Success, or the reason of a failure.
pub(super) type Answer = Result<(), String>;

/// A handle to the thread. Dropping it ends the thread, once the service has answered.
pub(super) struct Service {
    asks: Sender<Ask>,
    answers: Receiver<Answer>,
    pub(super) events: Receiver<SpeechEvent>,
    /// Answers still expected.
    n_owed: usize,
}

impl Service {
    /// Starts to connect; the first answer is the result.
    pub(super) fn start() -> io::Result<Self> {
        Self::run_by(run)
    }

    /// The same, with `run` on the thread.
    pub(super) fn run_by(
        run: impl FnOnce(&Receiver<Ask>, &Sender<Answer>, &Sender<SpeechEvent>) + Send + 'static,
    ) -> io::Result<Self> {
        let (asks, asked) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let (sender, events) = mpsc::channel();
        let run = move || run(&asked, &answer, &sender);
        thread::Builder::new().name("service".to_owned()).spawn(run)?;
        Ok(Self { asks, answers, events, n_owed: 1 })
    }

    /// Sends a request; answers come in order.
    pub(super) fn ask(&mut self, ask: Ask) {
        self.n_owed += usize::from(self.asks.send(ask).is_ok());
    }

    /// Waits for all answers, for at most `limit`; `false` where `go_on` ended the wait.
    pub(super) fn wait(
        &mut self,
        limit: Duration,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, String> {
        let mut waited = Duration::ZERO;
        while self.n_owed > 0 {
            match self.answers.recv_timeout(LOOK) {
                Ok(answer) => {
                    self.n_owed -= 1;
                    answer?;
                }
                Err(RecvTimeoutError::Timeout) => waited += LOOK,
                Err(RecvTimeoutError::Disconnected) => return Err("it is gone".to_owned()),
            }
            if !go_on() {
                return Ok(false);
            }
            if waited > limit {
                return Err(format!("{NO_ANSWER} within {} seconds", limit.as_secs()));
            }
        }
        Ok(true)
    }

    /// Whether all answers have come; an error where one was a failure.
    pub(super) fn answered(&mut self) -> Result<bool, String> {
        while let Ok(answer) = self.answers.try_recv() {
            self.n_owed -= 1;
            answer?;
        }
        Ok(self.n_owed == 0)
    }
}

/// The thread. It ends when a channel is closed.
fn run(asked: &Receiver<Ask>, answer: &Sender<Answer>, events: &Sender<SpeechEvent>) {
    let mut connected = match Connected::new(events) {
        Ok(connected) => connected,
        Err(why) => return drop(answer.send(Err(why))),
    };
    let mut answered = answer.send(Ok(()));
    while let (Ok(()), Ok(ask)) = (answered, asked.recv()) {
        answered = answer.send(connected.obey(&ask));
    }
}

struct Connected {
    tts: Tts,
    /// Listed once, for the first voice that is set.
    voices: Vec<tts::Voice>,
    voice: String,
    volume: f32,
}

impl Connected {
    fn new(events: &Sender<SpeechEvent>) -> Result<Self, String> {
        let tts = connect()?;
        begun(&tts, events.clone()).and_then(|()| ended(&tts, events.clone())).map_err(why)?;
        Ok(Self { tts, voices: Vec::new(), voice: String::new(), volume: 0.0 })
    }

    fn obey(&mut self, ask: &Ask) -> Answer {
        match ask {
            Ask::Prepare(speech) => self.prepare(speech),
            Ask::Speak(text) => self.tts.speak(text.as_str(), false).map(|_| ()),
            Ask::Stop => self.tts.stop().map(|_| ()),
            // Answers at once, and changes nothing.
            Ask::Ping => self.tts.set_volume(self.volume).map(|_| ()),
        }
        .map_err(why)
    }

    fn prepare(&mut self, speech: &SpeakRequest) -> Result<(), tts::Error> {
        if speech.voice != self.voice {
            if self.voices.is_empty() {
                self.voices = self.tts.voices()?;
            }
            self.voice.clone_from(&speech.voice);
            let wanted = |voice: &&tts::Voice| {
                voice.name() == speech.voice
                    || voice.language().as_str().eq_ignore_ascii_case(&speech.voice)
            };
            // An unknown name gets the default voice: the names are the system's.
            if let Some(voice) = self.voices.iter().find(wanted) {
                self.tts.set_voice(voice)?;
            }
        }
        self.volume = (f32::from(speech.volume) - 100.0).clamp(-100.0, 100.0);
        self.tts.set_rate(rate(speech.rate))?;
        self.tts.set_pitch(f32::from(speech.pitch) * 2.0 - 100.0)?;
        self.tts.set_volume(self.volume)?;
        Ok(())
    }
}

/// The system's voices. Speech Dispatcher lists 13,000 of them, which takes a second.
pub(super) fn voices() -> Result<Vec<VoiceInfo>, String> {
    let voices = connect()?.voices().map_err(why)?;
    let info = |voice: tts::Voice| VoiceInfo {
        name: voice.name(),
        language: voice.language().to_string(),
        about: voice.id(),
        has_dictionary: true,
    };
    Ok(voices.into_iter().map(info).collect())
}

fn connect() -> Result<Tts, String> {
    #[cfg(target_os = "linux")]
    let tts = Tts::new(Backends::SpeechDispatcher);
    #[cfg(not(target_os = "linux"))]
    let tts = Tts::default();
    tts.map_err(why)
}

/// Replaces the library's vague messages ("Operation failed", "Value not received").
fn why(error: tts::Error) -> String {
    match error {
        tts::Error::NoneError | tts::Error::OperationFailed => {
            "Speech Dispatcher has ended, or refuses".to_owned()
        }
        error => error.to_string(),
    }
}

fn begun(tts: &Tts, events: Sender<SpeechEvent>) -> Result<(), tts::Error> {
    // Where the receiver is gone, the engine is gone, too.
    tts.on_utterance_begin(Some(Box::new(move |_| drop(events.send(SpeechEvent::Begun)))))
}

fn ended(tts: &Tts, events: Sender<SpeechEvent>) -> Result<(), tts::Error> {
    let stopped = events.clone();
    tts.on_utterance_stop(Some(Box::new(move |_| drop(stopped.send(SpeechEvent::Ended)))))?;
    tts.on_utterance_end(Some(Box::new(move |_| drop(events.send(SpeechEvent::Ended)))))
}

/// Words a minute as Speech Dispatcher's -100 to 100. Its eSpeak module turns 0 into a parameter of
/// 170 (200 words a minute, measured), -100 into 80 and 100 into 449.
#[expect(clippy::cast_precision_loss, reason = "rates are small")]
fn rate(wpm: Wpm) -> f32 {
    let parameter = wpm.0 as f32 / 1.17;
    let above = if parameter < 170.0 { 90.0 } else { 279.0 };
    ((parameter - 170.0) / above * 100.0).clamp(-100.0, 100.0)
}

#[test]
fn rates_stay_within_the_systems_range() {
    for (wpm, least, most) in
        [(0, -100.0, -100.0), (199, -0.5, 0.5), (220, 5.0, 8.0), (9_999, 100.0, 100.0)]
    {
        assert!((least..=most).contains(&rate(Wpm(wpm))), "{wpm}: {}", rate(Wpm(wpm)));
    }
}
