//! What the two processes say to each other: one JSON object a line. The listener sends a
//! [`Setup`], then [`Order`]s, to the voice process's standard input, and reads [`Report`]s from
//! its standard output. When standard input ends without [`Order::Finish`], the listener is gone,
//! and the voice process ends at once.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::message::{Earcon, RequestId, UtteranceId};

/// Where sound goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A sound device: the default one, or the one of that name.
    Device(Option<String>),
    /// A WAV file.
    File(PathBuf),
    /// Nowhere: as a file, but nothing is kept.
    #[default]
    Null,
}

/// What the voice process is started with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The engine's name.
    pub engine: String,
    /// The voice to start with, checked before anything is spoken.
    pub voice: String,
    /// Where sound goes.
    pub target: Target,
    /// A process before this one wrote into the file already: what it wrote stays.
    #[serde(default)]
    pub appends: bool,
    /// Half of the device's buffer in frames; an eighth of it where streams open slowly and one is
    /// kept, whose buffer the next line has to wait for.
    pub buffer_frames: u32,
    /// After how long without speech the device is closed, in milliseconds.
    pub close_after_ms: u64,
    /// Whether text on which the engine is known to crash is rewritten.
    pub guard: bool,
    /// The engine that speaks on where the first one crashes again and again.
    pub fallback: Option<String>,
}

impl Setup {
    /// The same with the fallback engine; none where there is none, or none that could do: an
    /// engine that makes its sound itself writes no file.
    pub fn fallen_back(&self) -> Option<Self> {
        let engine = self.fallback.clone().filter(|it| *it != self.engine)?;
        let is_heard = matches!(self.target, Target::Device(_));
        is_heard.then(|| Self { engine, fallback: None, ..self.clone() })
    }

    /// What is used where nothing is configured.
    pub fn default_device() -> Self {
        Self { target: Target::Device(None), ..Self::default() }
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
            fallback: cfg!(feature = "system-voice").then(|| "system".to_owned()),
        }
    }
}

/// What the voice process may be started for instead of speaking: a line in the place of the
/// [`Setup`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum First {
    /// Answer with a [`Checked`], and end.
    Check(Check),
}

/// Names that are to be looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The engine's name.
    pub engine: String,
    /// Voices of that engine.
    pub voices: Vec<String>,
    /// The sound device.
    pub device: Option<String>,
}

/// What is wrong with a [`Check`], as sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// About each voice; nothing where it is right.
    pub voices: Vec<Option<String>>,
    /// About the device.
    pub device: Option<String>,
}

/// Something to speak, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpeakRequest {
    /// The utterance it is.
    pub id: UtteranceId,
    /// The words; no NUL, one line. Empty where the earcon is all.
    pub text: String,
    /// The voice, as the engine names it.
    pub voice: String,
    /// Words a minute.
    pub rate: u32,
    /// 0 to 100; 50 is the voice's own.
    pub pitch: u8,
    /// 0 to 200 per cent.
    pub volume: u8,
    /// Where it comes from: -100 is left, 100 is right.
    pub pan: i8,
    /// The sound before the words.
    pub earcon: Option<Earcon>,
    /// The silence before it where another one has just ended, in milliseconds.
    pub gap_ms: u32,
}

impl SpeakRequest {
    /// `text` in the default voice settings.
    pub fn of(text: &str) -> Self {
        Self {
            id: UtteranceId(1),
            text: text.to_owned(),
            voice: "en-us".to_owned(),
            rate: 220,
            pitch: 50,
            volume: 100,
            pan: 0,
            earcon: None,
            gap_ms: 100,
        }
    }
}

/// What the listener asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Speak, after what was ordered before.
    Speak(SpeakRequest),
    /// Play this sound, after what was ordered before.
    Cue(Earcon),
    /// Tell how long this sounds, without a sound, when there is nothing else to do.
    Measure {
        /// The number that the answer is to have.
        request: RequestId,
        /// The speech; its earcon and its gap do not count.
        speech: SpeakRequest,
    },
    /// Be silent at once, and forget what was ordered before.
    Stop,
    /// Speak what was ordered to the last sample, then report [`Report::Done`] and end.
    Finish,
}

/// What the voice process has to tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Report {
    /// Engine and output are there.
    Ready,
    /// Engine or output are not to be had; the process ends.
    Refused {
        /// The reason, as a sentence for the user.
        why: String,
        /// Whether the configuration is at fault (else the machine).
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
        /// The word's first character in the speech's text.
        start: usize,
        /// Its length in characters.
        length: usize,
        /// How much of the utterance is before it, in milliseconds.
        ms: u32,
        /// How far the ear is behind this report, in milliseconds.
        behind_ms: u32,
    },
    /// The engine is done with it, though it may still sound: what kills the process from now on is
    /// not this text.
    Made {
        /// The utterance.
        id: UtteranceId,
    },
    /// The last sample went to the device.
    Finished {
        /// The utterance.
        id: UtteranceId,
        /// How long it sounded, in milliseconds; 0 where the engine makes the sound itself.
        ms: u32,
    },
    /// The engine has spoken it, and there was nothing to hear.
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
    /// The engine is at this measurement: if the process dies now, it died of that.
    Measuring {
        /// The number of the request.
        request: RequestId,
    },
    /// So long it sounds at its rate.
    Measured {
        /// The number of the request.
        request: RequestId,
        /// In milliseconds; none where the engine does not tell.
        ms: Option<u32>,
    },
    /// The engine has left this measurement for something to be spoken; it will try again.
    MeasuredLater {
        /// The number of the request.
        request: RequestId,
    },
    /// The output is gone; the process ends.
    Lost {
        /// The reason.
        why: String,
        /// How long it had stood still before, in milliseconds.
        stood_ms: u64,
    },
    /// The output takes no sound, or does not answer, and is waited for.
    Late {
        /// What it does not do, as a sentence for the user.
        why: String,
    },
    /// Sound is to go to another device from now on; the process ends.
    Moved,
    /// The engine makes no progress in an utterance.
    Hung,
    /// The process lives. Sent several times a second while there is work, whatever engine and
    /// output do.
    Alive,
    /// All that was ordered before [`Order::Finish`] has been heard.
    Done,
}

/// `value` as a line.
pub fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("orders and reports are plain data");
    line.push(b'\n');
    line
}

#[test]
fn hostile_text_stays_on_its_line() {
    let order = Order::Speak(SpeakRequest::of("a\nb\r\"}\u{2028}"));
    let line = line(&order);
    assert_eq!(memchr::memchr_iter(b'\n', &line).count(), 1);
    assert_eq!(serde_json::from_slice::<Order>(&line).expect("reads back"), order);
}

#[test]
fn only_a_device_and_another_engine_have_a_fallback() {
    let device = Setup { fallback: Some("system".to_owned()), ..Setup::default_device() };
    assert_eq!(device.fallen_back().map(|it| it.engine).as_deref(), Some("system"));
    let file = Setup { target: Target::File("a.wav".into()), ..device.clone() };
    assert_eq!(file.fallen_back(), None);
    assert_eq!(Setup { engine: "system".to_owned(), ..device.clone() }.fallen_back(), None);
    assert_eq!(Setup { fallback: None, ..device }.fallen_back(), None);
}
