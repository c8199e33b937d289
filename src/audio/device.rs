//! The sound card, by cpal. Samples go through a ring to the device's callback, which never waits:
//! it takes what there is, and silence else. Between utterances the stream is corked, so that
//! nothing wakes up; after a longer while it is closed.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, OutputCallbackInfo, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};

use super::report::Reporter;
use super::{Output, OutputError};
use crate::config::error::escaped;
use crate::message::UtteranceId;
use crate::voice::wire::Report;

/// How much speech may wait in the ring. An utterance and the next one's beginning fit: what is
/// here cannot be changed any more, only forgotten.
const RING: Duration = Duration::from_secs(3);

/// Utterances whose begin or end is in the ring.
const N_MARKS: usize = 64;

/// After how long without speech the stream is corked.
const CORK_AFTER: Duration = Duration::from_millis(300);

/// How long to wait for the server when a stream is opened: it may hang, and then it says nothing.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a full or draining ring may stand still before the device counts as lost.
const STALL: Duration = Duration::from_millis(1_500);

/// A place among the samples, and what is to be told when it has been heard.
struct Mark {
    position: u64,
    report: Report,
}

/// What the callback and the engine's thread share.
#[derive(Default)]
struct Shared {
    /// Samples that went to the device or were forgotten.
    consumed: AtomicU64,
    /// Samples before this one are to be forgotten.
    forget_to: AtomicU64,
    /// The engine's thread waits for room, or for the end: it wants to be woken.
    is_awaited: AtomicBool,
    /// How far the device is behind its callback, in microseconds.
    behind_us: AtomicU64,
    has_failed: AtomicBool,
}

/// A sound device.
pub struct Device {
    device: cpal::Device,
    config: StreamConfig,
    close_after: Duration,
    reporter: Reporter,
    open: Option<Open>,
}

/// A device with a stream.
struct Open {
    stream: cpal::Stream,
    samples: Producer<f32>,
    marks: Producer<Mark>,
    shared: Arc<Shared>,
    /// Samples written, in all.
    written: u64,
    rest: Rest,
}

/// How far a stream without work has come to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// It plays.
    Awake,
    /// The callback has taken everything; the ear may not have heard it yet.
    PlayedOut,
    /// It is corked: no callbacks.
    Corked,
    /// It cannot be corked, and plays silence.
    Silent,
}

impl Device {
    /// The device of that name, or the default one, with buffers of `buffer_frames`. It is opened
    /// at once, so that a missing one is known and the first line does not wait for it.
    pub fn open(
        name: Option<&str>,
        buffer_frames: u32,
        close_after: Duration,
        reporter: Reporter,
    ) -> Result<Self, OutputError> {
        let device = find(name)?;
        let default = device.default_output_config().map_err(|e| no_device(&e))?;
        let config = StreamConfig {
            channels: default.channels().min(2),
            sample_rate: default.sample_rate(),
            buffer_size: BufferSize::Fixed(buffer_frames),
        };
        let mut device = Self { device, config, close_after, reporter, open: None };
        device.open_stream()?;
        Ok(device)
    }

    fn open_stream(&mut self) -> Result<&mut Open, OutputError> {
        let n_samples = RING.as_millis() as usize * self.config.sample_rate as usize / 1_000;
        let (samples, samples_out) = RingBuffer::new(n_samples);
        let (marks, marks_out) = RingBuffer::new(N_MARKS);
        let shared = Arc::new(Shared::default());
        let mut callback = Callback {
            samples: samples_out,
            marks: marks_out,
            shared: Arc::clone(&shared),
            n_channels: usize::from(self.config.channels),
            waiter: std::thread::current(),
            reporter: self.reporter.clone(),
        };
        let failed = Arc::clone(&shared);
        let reporter = self.reporter.clone();
        let on_error = move |error: cpal::Error| {
            let harmless = [ErrorKind::Xrun, ErrorKind::RealtimeDenied, ErrorKind::DeviceChanged];
            // A dead server can report a million errors a second: the first one counts.
            if !harmless.contains(&error.kind()) && !failed.has_failed.swap(true, Ordering::SeqCst)
            {
                reporter.report(Report::Lost { why: clause(&error.to_string()) });
            }
        };
        let stream = self
            .device
            .build_output_stream(
                self.config,
                move |frames: &mut [f32], info: &OutputCallbackInfo| callback.fill(frames, info),
                on_error,
                Some(OPEN_TIMEOUT),
            )
            .map_err(|error| OutputError::Device(clause(&error.to_string())))?;
        Ok(self.open.insert(Open {
            stream,
            samples,
            marks,
            shared,
            written: 0,
            rest: Rest::Corked,
        }))
    }

    fn opened(&mut self) -> Result<&mut Open, OutputError> {
        match self.open {
            Some(ref mut open) => Ok(open),
            None => Err(OutputError::Device("it is closed".to_owned())),
        }
    }
}

impl Output for Device {
    fn sample_rate(&self, _engine_rate: u32) -> u32 {
        self.config.sample_rate
    }

    fn wake(&mut self) -> Result<(), OutputError> {
        if self.open.is_none() {
            self.open_stream()?;
        }
        let open = self.opened()?;
        if open.rest == Rest::Corked {
            open.stream.play().map_err(|error| OutputError::Device(clause(&error.to_string())))?;
        }
        open.rest = Rest::Awake;
        Ok(())
    }

    fn begin(&mut self, id: Option<UtteranceId>, gap_ms: u32) {
        let rate = u64::from(self.config.sample_rate);
        let Ok(open) = self.opened() else { return };
        // Where the ring ran dry there was silence already.
        let is_dry = open.consumed() >= open.written;
        let n_gap = if is_dry { 0 } else { rate * u64::from(gap_ms) / 1_000 };
        for _ in 0..n_gap {
            if open.samples.push(0.0).is_ok() {
                open.written += 1;
            }
        }
        if let Some(id) = id {
            open.mark(open.written + 1, Report::Started { id });
        }
    }

    fn write(&mut self, mut samples: &[f32]) -> Result<bool, OutputError> {
        let reporter = self.reporter.clone();
        let open = self.opened()?;
        while !samples.is_empty() {
            if !reporter.is_wanted() {
                return Ok(false);
            }
            let n_now = samples.len().min(open.samples.slots());
            if n_now == 0 {
                open.wait(&reporter)?;
                continue;
            }
            let (now, later) = samples.split_at(n_now);
            let chunk = open.samples.write_chunk_uninit(n_now).expect("the slots were counted");
            chunk.fill_from_iter(now.iter().copied());
            open.written += n_now as u64;
            samples = later;
        }
        Ok(true)
    }

    fn end(&mut self, id: Option<UtteranceId>) {
        let Ok(open) = self.opened() else { return };
        if let Some(id) = id {
            open.mark(open.written, Report::Finished { id });
        }
    }

    fn clear(&mut self) {
        if let Some(open) = &mut self.open {
            open.shared.forget_to.store(open.written, Ordering::Release);
        }
    }

    fn drain(&mut self) -> Result<(), OutputError> {
        let reporter = self.reporter.clone();
        let Some(open) = &mut self.open else { return Ok(()) };
        while open.consumed() < open.written && reporter.is_wanted() {
            open.wait(&reporter)?;
        }
        // What the callback gave is still on its way to the ear.
        reporter.wait(open.behind() + Duration::from_millis(20), || false);
        Ok(())
    }

    fn rest(&mut self) -> Option<Duration> {
        let open = self.open.as_mut()?;
        if open.consumed() < open.written {
            return Some(CORK_AFTER);
        }
        open.rest = match open.rest {
            Rest::Awake => Rest::PlayedOut,
            Rest::PlayedOut => {
                // A stream that cannot be corked (ALSA's plugins) goes on with silence.
                if open.stream.pause().is_ok() { Rest::Corked } else { Rest::Silent }
            }
            Rest::Corked | Rest::Silent => {
                self.open = None;
                return None;
            }
        };
        match open.rest {
            Rest::Awake | Rest::PlayedOut => Some(CORK_AFTER.max(open.behind())),
            Rest::Corked | Rest::Silent => Some(self.close_after),
        }
    }
}

impl Open {
    fn consumed(&self) -> u64 {
        self.shared.consumed.load(Ordering::Acquire)
    }

    /// How far the ear is behind the callback.
    fn behind(&self) -> Duration {
        let behind = Duration::from_micros(self.shared.behind_us.load(Ordering::Acquire));
        behind.min(Duration::from_secs(2))
    }

    fn mark(&mut self, position: u64, report: Report) {
        // 64 marks are 32 utterances; at most two are ordered at once.
        if self.marks.push(Mark { position, report }).is_err() {
            tracing::error!("more utterances in the ring than can be");
        }
    }

    /// Waits until the callback has taken something, or nobody wants the sound any more.
    fn wait(&self, reporter: &Reporter) -> Result<(), OutputError> {
        let before = self.consumed();
        let has_failed = || self.shared.has_failed.load(Ordering::Acquire);
        self.shared.is_awaited.store(true, Ordering::Release);
        let moved = reporter.wait(STALL, || self.consumed() != before || has_failed());
        self.shared.is_awaited.store(false, Ordering::Release);
        match moved {
            _ if has_failed() => Err(OutputError::Device("it is gone".to_owned())),
            false if reporter.is_wanted() => {
                Err(OutputError::Device("it takes no sound".to_owned()))
            }
            true | false => Ok(()),
        }
    }
}

/// The device's side of the ring.
struct Callback {
    samples: Consumer<f32>,
    marks: Consumer<Mark>,
    shared: Arc<Shared>,
    n_channels: usize,
    waiter: Thread,
    reporter: Reporter,
}

impl Callback {
    /// Fills `frames` with what there is, and silence after it.
    fn fill(&mut self, frames: &mut [f32], info: &OutputCallbackInfo) {
        let mut consumed = self.shared.consumed.load(Ordering::Relaxed);
        let before = consumed;
        consumed += self.forget(consumed);
        let n_frames = if self.reporter.is_wanted() {
            (frames.len() / self.n_channels).min(self.samples.slots())
        } else {
            0
        };
        let (filled, silent) = frames.split_at_mut(n_frames * self.n_channels);
        if let Ok(chunk) = self.samples.read_chunk(n_frames) {
            for (frame, sample) in filled.chunks_exact_mut(self.n_channels).zip(chunk) {
                frame.fill(sample);
            }
        }
        silent.fill(0.0);
        consumed += n_frames as u64;
        if consumed == before {
            return;
        }
        let stamp = info.timestamp();
        if let Some(behind) = stamp.playback.checked_duration_since(stamp.callback) {
            self.shared.behind_us.store(behind.as_micros() as u64, Ordering::Release);
        }
        self.shared.consumed.store(consumed, Ordering::Release);
        self.tell(consumed);
    }

    /// Drops what is not wanted any more; gives the number of samples.
    fn forget(&mut self, consumed: u64) -> u64 {
        let forget_to = self.shared.forget_to.load(Ordering::Acquire);
        let n_stale = usize::try_from(forget_to.saturating_sub(consumed)).unwrap_or(usize::MAX);
        let n_stale = n_stale.min(self.samples.slots());
        if let Ok(chunk) = self.samples.read_chunk(n_stale) {
            chunk.commit_all();
        }
        while forget_to > 0 && self.marks.peek().is_ok_and(|mark| mark.position <= forget_to) {
            let _forgotten = self.marks.pop();
        }
        n_stale as u64
    }

    /// Reports the marks that were passed, and wakes the engine's thread where it waits.
    fn tell(&mut self, consumed: u64) {
        self.reporter.progress();
        while self.marks.peek().is_ok_and(|mark| mark.position <= consumed) {
            if let Ok(mark) = self.marks.pop() {
                self.reporter.report(mark.report);
            }
        }
        if self.shared.is_awaited.swap(false, Ordering::AcqRel) {
            self.waiter.unpark();
        }
    }
}

/// A device as `irc-speak devices` shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DeviceInfo {
    /// The name that `--device` takes.
    pub name: String,
    /// What it calls itself.
    pub about: String,
    /// Whether it is the one taken without `--device`.
    pub is_default: bool,
}

/// The devices that sound can go to.
pub fn devices() -> Result<Vec<DeviceInfo>, OutputError> {
    let default = find(None).ok().and_then(|device| name_of(&device));
    let mut known = Vec::new();
    for device in host()?.output_devices().map_err(|error| no_device(&error))? {
        let Some(name) = name_of(&device).filter(|name| !is_converter(name)) else { continue };
        let about = device.description().map(|it| it.name().to_owned()).unwrap_or_default();
        let is_default = Some(&name) == default.as_ref();
        known.push(DeviceInfo { name, about, is_default });
    }
    Ok(known)
}

/// ALSA lists its converters as if they were devices.
fn is_converter(name: &str) -> bool {
    const CONVERTERS: [&str; 8] =
        ["null", "lavrate", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "oss"];
    CONVERTERS.contains(&name)
}

/// PulseAudio's host where a server answers (PipeWire's counts), else the system's own.
fn host() -> Result<cpal::Host, OutputError> {
    let mut why = None;
    for id in cpal::available_hosts() {
        match cpal::host_from_id(id) {
            Ok(host) => return Ok(host),
            Err(error) => why = Some(error),
        }
    }
    Err(why.map_or(OutputError::NoDevice { why: "no sound system".to_owned() }, |e| no_device(&e)))
}

fn find(name: Option<&str>) -> Result<cpal::Device, OutputError> {
    let host = host()?;
    let Some(name) = name else {
        return host
            .default_output_device()
            .ok_or_else(|| OutputError::NoDevice { why: "the sound system has none".to_owned() });
    };
    let mut n_known = 0;
    for device in host.output_devices().map_err(|error| no_device(&error))? {
        n_known += 1;
        let about = device.description().map(|it| it.name().to_owned()).unwrap_or_default();
        if name_of(&device).as_deref() == Some(name) || about == name {
            return Ok(device);
        }
    }
    Err(OutputError::UnknownDevice { name: name.to_owned(), n_known })
}

fn name_of(device: &cpal::Device) -> Option<String> {
    device.id().ok().map(|id| id.id().to_owned())
}

fn no_device(error: &cpal::Error) -> OutputError {
    OutputError::NoDevice { why: clause(&error.to_string()) }
}

/// The sound system's sentence as a part of one: its first, in lower case, without a full stop.
fn clause(sentence: &str) -> String {
    let first = sentence.split(". ").next().unwrap_or(sentence).trim_end_matches('.');
    let is_name = first.chars().nth(1).is_some_and(char::is_uppercase);
    let mut letters = first.chars();
    let begin = letters.next().map(|c| if is_name { c } else { c.to_ascii_lowercase() });
    escaped(&begin.into_iter().chain(letters).collect::<String>())
}

#[test]
fn the_sound_systems_words_fit_into_a_sentence() {
    for (sentence, expected) in [
        ("The device is gone. It may have been unplugged.", "the device is gone"),
        ("I/O error: refused", "I/O error: refused"),
        ("", ""),
    ] {
        assert_eq!(clause(sentence), expected);
    }
}
