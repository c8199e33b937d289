//! The wire format between the two processes: one JSON object per line. The listener writes a
//! [`Setup`], then [`Request`]s, to the voice process's standard input, and reads [`Report`]s from
//! its standard output. When standard input ends without [`Request::Finish`], the listener is gone,
//! and the voice process exits at once.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::message::{Earcon, RequestId, UtteranceId};
use crate::units::Wpm;

/// Where sound goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    /// A sound device: the default one, or the one of that name.
    Device(Option<String>),
    /// A WAV file.
    File(PathBuf),
    /// Discarded, but otherwise as with a file.
    #[default]
    Null,
}

/// What the voice process is started with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// The engine's name.
    pub engine: String,
    /// The voice to start with, checked before anything is spoken.
    pub voice: String,
    /// Where sound goes.
    pub target: Target,
    /// Append to the file: an earlier voice process has written to it.
    #[serde(default)]
    pub appends: bool,
    /// Only a sound server will do: the last voice process used one, which may be restarting. What
    /// else plays meanwhile would take the sound card from it, or fail when it is back.
    #[serde(default)]
    pub wants_server: bool,
    /// Half of the device's buffer, in frames. Where streams open slowly, the buffer is an eighth
    /// of that: the stream stays open there, and the next line waits for what is in the buffer.
    pub buffer_frames: u32,
    /// After how long without speech the device is closed, in milliseconds.
    pub close_after_ms: u64,
    /// Whether text that is known to crash the engine is rewritten.
    pub guard: bool,
    /// The engine that takes over when the first one crashes repeatedly.
    pub fallback: Option<String>,
}

impl Setup {
    /// The same with the fallback engine; none where there is none that can do it: an engine that
    /// plays its own sound cannot write a file.
    pub(crate) fn fallen_back(&self) -> Option<Self> {
        let engine = self.fallback.clone().filter(|it| *it != self.engine)?;
        let is_heard = matches!(self.target, Target::Device(_));
        is_heard.then(|| Self { engine, fallback: None, ..self.clone() })
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            engine: "espeak".to_owned(),
            voice: "en-us".to_owned(),
            target: Target::Null,
            buffer_frames: 2_048,
            close_after_ms: 10_000,
            guard: true,
            appends: false,
            wants_server: false,
            fallback: cfg!(feature = "system-voice").then(|| "system".to_owned()),
        }
    }
}

/// A first line other than [`Setup`]: the voice process does this instead of speaking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum First {
    /// Answer with a [`Checked`], and end.
    Check(Check),
}

/// Names to look up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    /// The engine's name.
    pub engine: String,
    /// Voices of that engine.
    pub voices: Vec<String>,
    /// The sound device.
    pub device: Option<String>,
}

/// The problems found by a [`Check`], as messages for the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checked {
    /// For each voice; none where it exists.
    pub voices: Vec<Option<String>>,
    /// For the device.
    pub device: Option<String>,
}

/// The silence between two utterances, at every rate: without it, of 100 words of
/// a meeting a recogniser gets 13 more wrong.
pub(crate) const GAP: Duration = Duration::from_millis(100);

/// Something to speak, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpeakRequest {
    /// The utterance, as the queue numbers it. On the pipe to the voice process: the supervisor's
    /// number for this attempt to speak it, which the reports repeat.
    pub id: UtteranceId,
    /// The text: one line, no NUL. Empty for an earcon alone.
    pub text: String,
    /// The engine's name for the voice.
    pub voice: String,
    /// The bytes of "kim: " before what the sender says, which are said faster; 0 for none.
    #[serde(default)]
    pub head_len: usize,
    /// Words a minute.
    pub rate: Wpm,
    /// 0 to 100; 50 is the voice's own.
    pub pitch: u8,
    /// 0 to 200 per cent.
    pub volume: u8,
    /// -100 is left, 100 is right.
    pub pan: i8,
    /// Played before the text.
    pub earcon: Option<Earcon>,
}

impl SpeakRequest {
    /// `text` in the default voice settings.
    pub(crate) fn of(text: &str) -> Self {
        Self {
            id: UtteranceId(1),
            text: text.to_owned(),
            voice: "en-us".to_owned(),
            head_len: 0,
            rate: Wpm(220),
            pitch: 50,
            volume: 100,
            pan: 0,
            earcon: None,
        }
    }
}

/// A request to the voice process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Request {
    /// Speak, after earlier requests.
    Speak(SpeakRequest),
    /// Play this earcon, after earlier requests.
    Earcon(Earcon),
    /// Measure silently, when idle, how long this sounds.
    Measure {
        /// The number for the answer.
        request: RequestId,
        /// What to measure; its earcon does not count.
        speech: SpeakRequest,
    },
    /// Stop at once, and drop all earlier requests.
    Stop,
    /// Play earlier requests to the last sample, then report [`Report::Done`] and exit.
    Finish,
}

/// A report of the voice process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Report {
    /// The output is a sound server's.
    OnServer,
    /// Engine and output are open.
    Ready,
    /// Engine or output cannot be opened; the process exits.
    Refused {
        /// The reason, as a message for the user.
        why: String,
        /// Whether the configuration is at fault (otherwise the machine).
        configuration: bool,
    },
    /// The first sample went to the device.
    Started {
        /// The utterance.
        id: UtteranceId,
    },
    /// This word is heard now.
    Word {
        /// The utterance.
        id: UtteranceId,
        /// The word's first character in the text.
        start: usize,
        /// Its length in characters.
        length: usize,
        /// How much of the utterance was played before it, in milliseconds.
        ms: u32,
        /// How long after this report it is heard, in milliseconds.
        behind_ms: u32,
    },
    /// The engine has finished it, though it may still be playing: a later crash is not caused by
    /// this text.
    Made {
        /// The utterance.
        id: UtteranceId,
    },
    /// The last sample went to the device.
    Finished {
        /// The utterance.
        id: UtteranceId,
        /// How long it sounded, in milliseconds; 0 where the engine plays the sound itself.
        ms: u32,
    },
    /// The engine has spoken it, without any sound.
    Silent {
        /// The utterance.
        id: UtteranceId,
    },
    /// The engine did not speak it.
    Failed {
        /// The utterance.
        id: UtteranceId,
        /// The reason.
        why: String,
    },
    /// The engine begins this measurement: a crash from now on is caused by it.
    Measuring {
        /// The number of the request.
        request: RequestId,
    },
    /// The result of a measurement.
    Measured {
        /// The number of the request.
        request: RequestId,
        /// How long it sounds, in milliseconds; none where the engine cannot measure it.
        ms: Option<u32>,
    },
    /// The engine interrupted this measurement to speak; it will try again.
    MeasuredLater {
        /// The number of the request.
        request: RequestId,
    },
    /// The output is gone; the process exits.
    Lost {
        /// The reason.
        why: String,
        /// How long it had stalled before, in milliseconds.
        stood_ms: u64,
    },
    /// The output takes no sound, or does not answer; the process waits for it.
    Late {
        /// The problem, as a message for the user.
        why: String,
    },
    /// The default device has changed; the process exits.
    Moved,
    /// The engine makes no progress.
    Hung,
    /// The heartbeat, sent several times a second while there is work, whatever engine and output
    /// do.
    Alive,
    /// All requests before [`Request::Finish`] have been heard.
    Done,
}

/// `value` as JSON and a line feed.
pub(crate) fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("names are strings, and no map has other keys");
    line.push(b'\n');
    line
}

#[test]
fn hostile_text_stays_on_its_line() {
    let order = Request::Speak(SpeakRequest::of("a\nb\r\"}\u{2028}"));
    let line = line(&order);
    assert_eq!(memchr::memchr_iter(b'\n', &line).count(), 1);
    assert_eq!(serde_json::from_slice::<Request>(&line).expect("reads back"), order);
}

#[test]
fn only_a_device_and_another_engine_have_a_fallback() {
    let device = Setup {
        fallback: Some("system".to_owned()),
        target: Target::Device(None),
        ..Setup::default()
    };
    assert_eq!(device.fallen_back().map(|it| it.engine).as_deref(), Some("system"));
    let file = Setup { target: Target::File("a.wav".into()), ..device.clone() };
    assert_eq!(file.fallen_back(), None);
    assert_eq!(Setup { engine: "system".to_owned(), ..device.clone() }.fallen_back(), None);
    assert_eq!(Setup { fallback: None, ..device }.fallen_back(), None);
}
