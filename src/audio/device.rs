//! The sound card, by cpal. Samples go through a ring to the device's callback, which never waits:
//! it takes what there is, and silence else.
//!
//! A sound server opens a stream in two milliseconds, and begins to play it with its first sample,
//! however large its buffer: so there is a stream for each burst of speech. A running stream has
//! its buffer full of silence, which the next line would have to wait for, so that its buffer had
//! to be small, and a busy machine made it stutter. Other sound systems open slowly: there the
//! stream is kept for a while.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, OutputCallbackInfo, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};

use super::cards::{clause, find, no_device};
use super::report::Reporter;
use super::{Output, OutputError};
use crate::message::UtteranceId;
use crate::voice::wire::Report;

/// How much speech may wait in the ring. An utterance and the next one's beginning fit: what is
/// here cannot be changed any more, only forgotten.
const RING: Duration = Duration::from_secs(3);

/// Places in the ring at which something is told: three seconds of the fastest speech have sixty
/// words.
const N_MARKS: usize = 256;

/// Of these, how many words must leave to the begin and the end of utterances.
const N_KEPT: usize = 64;

/// What is added to a time that the device's clock keeps, when this program's clock measures it.
const MARGIN: Duration = Duration::from_millis(20);

/// How long to wait for the server when a stream is opened: it may hang, and then it says nothing.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a full or draining ring may stand still before the device counts as lost.
const STALL: Duration = Duration::from_millis(1_500);

/// A place among the frames, and what is to be told when it has been heard.
struct Mark {
    position: u64,
    report: Report,
}

/// What the callback and the engine's thread share.
#[derive(Default)]
struct Shared {
    /// Frames that went to the device or were forgotten.
    consumed: AtomicU64,
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
    burst: Option<Burst>,
}

/// The sound of a while: a ring, and the stream that takes from it once there is enough to begin.
struct Burst {
    /// The callback, until the stream has it.
    callback: Option<Callback>,
    stream: Option<cpal::Stream>,
    /// Left and right, made here and not by the callback: two utterances from two places may wait
    /// one behind the other.
    frames: Producer<[f32; 2]>,
    marks: Producer<Mark>,
    shared: Arc<Shared>,
    /// How much of the utterance goes to the left and the right.
    gains: [f32; 2],
    /// Frames written, in all, and before the utterance.
    written: u64,
    begun_at: u64,
    /// The ring was dry, and the last of it on its way to the ear, when last looked at.
    is_dry: bool,
}

impl Device {
    /// The device of that name, or the default one, with buffers of `buffer_frames`.
    pub fn open(
        name: Option<&str>,
        buffer_frames: u32,
        close_after: Duration,
        reporter: Reporter,
    ) -> Result<Self, OutputError> {
        let device = find(name)?;
        let default = device.default_output_config().map_err(|e| no_device(&e))?;
        let opens_fast = device.id().is_ok_and(|id| id.host() == cpal::HostId::PulseAudio);
        let (close_after, buffer_frames) = if opens_fast {
            (Duration::ZERO, buffer_frames)
        } else {
            (close_after, buffer_frames / 8)
        };
        let config = StreamConfig {
            channels: default.channels().clamp(1, 2),
            sample_rate: default.sample_rate(),
            buffer_size: BufferSize::Fixed(buffer_frames),
        };
        Ok(Self { device, config, close_after, reporter, burst: None })
    }

    /// Starts the stream: its first callback comes before this returns, and takes what is there.
    fn start(&mut self) -> Result<(), OutputError> {
        let failed = |error: cpal::Error| OutputError::Device(clause(&error.to_string()));
        let Some(burst) = &mut self.burst else { return Ok(()) };
        let Some(mut callback) = burst.callback.take() else { return Ok(()) };
        let shared = Arc::clone(&burst.shared);
        let reporter = self.reporter.clone();
        let on_error = move |error: cpal::Error| {
            let harmless = [ErrorKind::Xrun, ErrorKind::RealtimeDenied, ErrorKind::DeviceChanged];
            // A dead server can report a million errors a second: the first one counts.
            if !harmless.contains(&error.kind()) && !shared.has_failed.swap(true, Ordering::SeqCst)
            {
                reporter.report(Report::Lost { why: clause(&error.to_string()) });
            }
        };
        let fill = move |frames: &mut [f32], info: &OutputCallbackInfo| callback.fill(frames, info);
        let stream = self
            .device
            .build_output_stream(self.config, fill, on_error, Some(OPEN_TIMEOUT))
            .map_err(failed)?;
        stream.play().map_err(failed)?;
        burst.stream = Some(stream);
        Ok(())
    }

    /// Ends the stream, with what the server has of it.
    fn close(&mut self) {
        if let Some(burst) = self.burst.take() {
            // A stream that is being closed may report that it is gone.
            burst.shared.has_failed.store(true, Ordering::SeqCst);
        }
    }

    /// What a stream takes at its start: two buffers.
    fn n_to_start(&self) -> u64 {
        match self.config.buffer_size {
            BufferSize::Fixed(n_frames) => 2 * u64::from(n_frames),
            BufferSize::Default => 0,
        }
    }

    fn duration(&self, n_samples: u64) -> Duration {
        Duration::from_micros(n_samples * 1_000_000 / u64::from(self.config.sample_rate.max(1)))
    }
}

impl Output for Device {
    fn sample_rate(&self, _engine_rate: u32) -> u32 {
        self.config.sample_rate
    }

    fn begin(&mut self, id: Option<UtteranceId>, gap_ms: u32, pan: i8) -> Result<(), OutputError> {
        let n_ring = RING.as_millis() as usize * self.config.sample_rate as usize / 1_000;
        let (reporter, n_channels) = (&self.reporter, usize::from(self.config.channels));
        let burst = self.burst.get_or_insert_with(|| Burst::new(n_ring, n_channels, reporter));
        burst.is_dry = false;
        // Where the ring ran dry there was silence already. Where it is full, the gap has to wait.
        if burst.consumed() < burst.written {
            let n_gap = self.config.sample_rate as usize * gap_ms as usize / 1_000;
            self.write(&vec![0.0; n_gap])?;
        }
        let Some(burst) = &mut self.burst else { return Ok(()) };
        burst.begun_at = burst.written;
        burst.gains = if n_channels == 1 { [1.0; 2] } else { gains(pan) };
        if let Some(id) = id {
            burst.mark(burst.written + 1, Report::Started { id });
        }
        Ok(())
    }

    fn write(&mut self, mut samples: &[f32]) -> Result<bool, OutputError> {
        let n_to_start = self.n_to_start();
        while !samples.is_empty() {
            if !self.reporter.is_wanted() {
                return Ok(false);
            }
            let Some(burst) = &mut self.burst else { return Ok(false) };
            let n_now = samples.len().min(burst.frames.slots());
            if n_now == 0 {
                burst.wait(&self.reporter)?;
                continue;
            }
            let (now, later) = samples.split_at(n_now);
            let chunk = burst.frames.write_chunk_uninit(n_now).expect("the slots were counted");
            let gains = burst.gains;
            chunk.fill_from_iter(now.iter().map(|sample| gains.map(|gain| gain * sample)));
            burst.written += n_now as u64;
            samples = later;
            if burst.written >= n_to_start {
                self.start()?;
            }
        }
        Ok(true)
    }

    fn mark(&mut self, at: u64, report: Report) {
        let Some(burst) = &mut self.burst else { return };
        if burst.marks.slots() > N_KEPT {
            burst.mark(burst.begun_at + at + 1, report);
        }
    }

    fn end(&mut self, id: Option<UtteranceId>) -> Result<(), OutputError> {
        if self.burst.as_ref().is_some_and(|burst| burst.written == burst.begun_at) {
            self.write(&[0.0])?; // without a sample to pass, its marks would wait for the next one
        }
        if let (Some(burst), Some(id)) = (&mut self.burst, id) {
            let n_samples = burst.written - burst.begun_at;
            let ms = super::milliseconds(n_samples, self.config.sample_rate);
            burst.mark(burst.written, Report::Finished { id, ms });
        }
        self.start()
    }

    fn clear(&mut self) {
        self.close();
    }

    fn drain(&mut self) -> Result<(), OutputError> {
        let Some(burst) = &mut self.burst else { return Ok(()) };
        while burst.consumed() < burst.written && self.reporter.is_wanted() {
            burst.wait(&self.reporter)?;
        }
        // What the callback gave is still on its way to the ear.
        self.reporter.wait(burst.behind() + MARGIN, || false);
        Ok(())
    }

    fn rest(&mut self) -> Option<Duration> {
        let burst = self.burst.as_mut()?;
        let n_left = burst.written.saturating_sub(burst.consumed());
        if n_left > 0 {
            let behind = burst.behind();
            return Some(self.duration(n_left) + behind + MARGIN);
        }
        if !std::mem::replace(&mut burst.is_dry, true) {
            return Some(burst.behind() + MARGIN + self.close_after);
        }
        self.close();
        None
    }
}

impl Burst {
    fn new(n_ring: usize, n_channels: usize, reporter: &Reporter) -> Self {
        let (frames, frames_out) = RingBuffer::new(n_ring);
        let (marks, marks_out) = RingBuffer::new(N_MARKS);
        let shared = Arc::new(Shared::default());
        let callback = Callback {
            frames: frames_out,
            marks: marks_out,
            shared: Arc::clone(&shared),
            n_channels,
            waiter: std::thread::current(),
            reporter: reporter.clone(),
        };
        Self {
            callback: Some(callback),
            stream: None,
            frames,
            marks,
            shared,
            gains: [1.0; 2],
            written: 0,
            begun_at: 0,
            is_dry: false,
        }
    }

    fn consumed(&self) -> u64 {
        self.shared.consumed.load(Ordering::Acquire)
    }

    /// How far the ear is behind the callback.
    fn behind(&self) -> Duration {
        let behind = Duration::from_micros(self.shared.behind_us.load(Ordering::Acquire));
        behind.min(Duration::from_secs(2))
    }

    fn mark(&mut self, position: u64, report: Report) {
        // The 64 kept are 32 utterances; at most two are ordered at once.
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

/// How loud `pan` is to the left and the right, by the law of a balance knob: the middle is full on
/// both sides, and each side goes only as the other is turned to.
fn gains(pan: i8) -> [f32; 2] {
    let pan = f32::from(pan.clamp(-100, 100)) / 100.0;
    [(1.0 - pan).min(1.0), (1.0 + pan).min(1.0)]
}

/// The device's side of the ring.
struct Callback {
    frames: Consumer<[f32; 2]>,
    marks: Consumer<Mark>,
    shared: Arc<Shared>,
    n_channels: usize,
    waiter: Thread,
    reporter: Reporter,
}

impl Callback {
    /// Fills `frames` with what there is, and silence after it.
    fn fill(&mut self, frames: &mut [f32], info: &OutputCallbackInfo) {
        let n_frames = if self.reporter.is_wanted() {
            (frames.len() / self.n_channels).min(self.frames.slots())
        } else {
            0
        };
        let (filled, silent) = frames.split_at_mut(n_frames * self.n_channels);
        if let Ok(chunk) = self.frames.read_chunk(n_frames) {
            for (frame, sides) in filled.chunks_exact_mut(self.n_channels).zip(chunk) {
                frame.copy_from_slice(&sides[..self.n_channels]); // one or two: see `open`
            }
        }
        silent.fill(0.0);
        if n_frames == 0 {
            return;
        }
        let stamp = info.timestamp();
        if let Some(behind) = stamp.playback.checked_duration_since(stamp.callback) {
            let behind = u64::try_from(behind.as_micros()).unwrap_or(u64::MAX);
            self.shared.behind_us.store(behind, Ordering::Release);
        }
        let before = self.shared.consumed.fetch_add(n_frames as u64, Ordering::AcqRel);
        let consumed = before + n_frames as u64;
        self.tell(consumed);
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

#[test]
#[expect(clippy::float_cmp, reason = "the ends and the middle are exact")]
fn the_middle_is_full_on_both_sides_and_an_end_silent_on_the_other() {
    for (pan, left, right) in
        [(0, 1.0, 1.0), (-100, 1.0, 0.0), (100, 0.0, 1.0), (50, 0.5, 1.0), (i8::MIN, 1.0, 0.0)]
    {
        assert_eq!(gains(pan), [left, right], "{pan}");
    }
}
