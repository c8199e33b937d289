//! The sound card, through cpal. Samples go through a ring to the device's callback, which never
//! waits: where the ring is empty, it plays silence.
//!
//! A sound server opens a stream in two milliseconds, and plays its first sample at once, however
//! large its buffer: so each burst of speech gets a new stream. The buffer of a stream kept open is
//! full of silence, for which the next line has to wait: it had to be small, and a busy machine
//! made it stutter. Other sound systems open slowly: there the stream is kept open for a while.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use cpal::traits::DeviceTrait;
use cpal::{BufferSize, StreamConfig};
use rtrb::{Producer, RingBuffer};

use super::callback::{Callback, Mark, Shared};
use super::cards::{Sound, no_device};
use super::report::Reporter;
use super::stall::{GIVEN_UP, LATE, Look, StallDetector};
use super::stream::{Opening, Stream};
use super::{Output, OutputError, samples};
use crate::clock;
use crate::message::UtteranceId;
use crate::wire::Report;

/// How much speech the ring holds: an utterance and the beginning of the next. It can no longer be
/// changed there, only discarded.
const RING: Duration = Duration::from_secs(3);

/// Places in the ring that are reported: three seconds of the fastest speech have sixty words.
const N_MARKS: usize = 256;

/// Of these, how many are reserved for the begin and end of utterances.
const N_KEPT: usize = 64;

/// Added to a time by the device's clock when it is measured by this program's clock.
const MARGIN: Duration = Duration::from_millis(20);

/// A sound device.
pub(crate) struct Device {
    sound: Sound,
    config: StreamConfig,
    close_after: Duration,
    reporter: Reporter,
    burst: Option<Burst>,
}

/// A burst of speech: a ring, and the stream that takes from it once there is enough to begin.
struct Burst {
    /// The callback, until the stream has it.
    callback: Option<Callback>,
    stream: Option<Stream>,
    /// Left and right, panned here and not by the callback: two utterances with different pans may
    /// be in the ring.
    frames: Producer<[f32; 2]>,
    marks: Producer<Mark>,
    shared: Arc<Shared>,
    still: StallDetector,
    /// The utterance's gains, left and right.
    gains: [f32; 2],
    /// Frames written in all, and before the utterance.
    written: u64,
    begun_at: u64,
    /// What a stream takes at its start, in frames and as a time.
    n_buffered: u64,
    buffered: Duration,
    /// The ring was empty at the last check, and its last frames may not be heard yet.
    is_dry: bool,
}

/// A device that was found, and its default configuration.
type Found = (Sound, cpal::SupportedStreamConfig);

impl Device {
    /// The device of that name, or the default one, with buffers of `buffer_frames`; with
    /// `wants_server` only on a sound server.
    pub(crate) fn open(
        name: Option<&str>,
        wants_server: bool,
        buffer_frames: u32,
        close_after: Duration,
        reporter: Reporter,
    ) -> Result<Self, OutputError> {
        let (sound, default) = answered(name, wants_server, &reporter)?;
        if sound.opens_fast() {
            reporter.report(Report::OnServer);
        }
        let (close_after, buffer_frames) = if sound.opens_fast() {
            (Duration::ZERO, buffer_frames)
        } else {
            (close_after, buffer_frames / 8)
        };
        let config = StreamConfig {
            channels: default.channels().clamp(1, 2),
            sample_rate: default.sample_rate(),
            buffer_size: BufferSize::Fixed(buffer_frames),
        };
        Ok(Self { sound, config, close_after, reporter, burst: None })
    }

    /// Starts the stream, without waiting for it: it may be late.
    fn start(&mut self) -> Result<(), OutputError> {
        let Some(burst) = &mut self.burst else { return Ok(()) };
        let Some(callback) = burst.callback.take() else { return Ok(()) };
        burst.still.begin(clock::now());
        burst.stream = Some(Stream::open(Opening {
            sound: self.sound.clone(),
            config: self.config,
            callback,
            shared: Arc::clone(&burst.shared),
            reporter: self.reporter.clone(),
            waiter: thread::current(),
        })?);
        Ok(())
    }

    /// Ends the stream, and discards the server's buffer.
    fn close(&mut self) {
        self.burst = None;
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

/// Looks for the device on a thread of its own, which is abandoned if it gets no answer.
fn answered(
    name: Option<&str>,
    wants_server: bool,
    reporter: &Reporter,
) -> Result<Found, OutputError> {
    let (sender, receiver) = mpsc::channel();
    let name = name.map(str::to_owned);
    let look = move || {
        let mut found = Err(OutputError::NoAnswer);
        let end = clock::now() + GIVEN_UP;
        while matches!(found, Err(OutputError::NoAnswer)) && clock::now() < end {
            found = Sound::find(name.as_deref(), wants_server).and_then(|sound| {
                let default = sound.device.default_output_config().map_err(|e| no_device(&e))?;
                Ok((sound, default))
            });
        }
        drop(sender.send(found)); // the receiver may have given up
    };
    let spawned = thread::Builder::new().name("device".to_owned()).spawn(look);
    spawned.map_err(|error| OutputError::Device(error.to_string()))?;
    let answer = receiver.recv_timeout(LATE).or_else(|late| {
        if late == RecvTimeoutError::Timeout {
            reporter.report(Report::Late { why: OutputError::NoAnswer.to_string() });
        }
        receiver.recv_timeout(GIVEN_UP.saturating_sub(LATE))
    });
    answer.unwrap_or(Err(OutputError::NoAnswer))
}

impl Output for Device {
    fn sample_rate(&self, _engine_rate: u32) -> u32 {
        self.config.sample_rate
    }

    fn begin(
        &mut self,
        id: Option<UtteranceId>,
        gap: Duration,
        pan: i8,
    ) -> Result<(), OutputError> {
        if self.burst.is_none() {
            self.burst = Some(Burst::new(self));
        }
        let Some(burst) = &mut self.burst else { return Ok(()) };
        burst.is_dry = false;
        if burst.consumed() < burst.written {
            // Blocks while the ring is full.
            let n_gap = samples(gap, self.config.sample_rate);
            self.write(&vec![0.0; n_gap])?;
        } else {
            burst.still.begin(clock::now()); // the ring was empty: silent already
        }
        let n_channels = self.config.channels;
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
            self.write(&[0.0])?; // without a sample, its marks would wait for the next utterance
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
        while !burst.has_passed() && self.reporter.is_wanted() {
            burst.wait(&self.reporter)?;
        }
        // What has left the stream is not heard yet.
        self.reporter.wait(burst.beyond() + MARGIN, || false);
        Ok(())
    }

    fn rest(&mut self) -> Option<Duration> {
        let burst = self.burst.as_mut()?;
        if !burst.has_passed() {
            if let Err(error) = burst.look(&self.reporter) {
                burst.shared.fail(&self.reporter, error.lost());
                return None;
            }
            let n_left = burst.written.saturating_sub(burst.consumed());
            let (buffered, beyond) = (burst.buffered, burst.beyond());
            let still = burst.still.next(burst.behind(), clock::now());
            return Some((self.duration(n_left) + buffered + beyond).min(still) + MARGIN);
        }
        if !std::mem::replace(&mut burst.is_dry, true) {
            return Some(burst.beyond() + MARGIN + self.close_after);
        }
        self.close();
        None
    }
}

impl Burst {
    fn new(device: &Device) -> Self {
        let n_ring = RING.as_millis() as usize * device.config.sample_rate as usize / 1_000;
        let (frames, frames_out) = RingBuffer::new(n_ring);
        let (marks, marks_out) = RingBuffer::new(N_MARKS);
        let shared = Arc::new(Shared::default());
        let buffered = device.duration(device.n_to_start());
        let callback = Callback {
            frames: frames_out,
            marks: marks_out,
            shared: Arc::clone(&shared),
            n_channels: usize::from(device.config.channels),
            buffered,
            waiter: thread::current(),
            reporter: device.reporter.clone(),
        };
        Self {
            callback: Some(callback),
            stream: None,
            frames,
            marks,
            shared,
            still: StallDetector::new(clock::now()),
            gains: [1.0; 2],
            written: 0,
            begun_at: 0,
            n_buffered: device.n_to_start(),
            buffered,
            is_dry: false,
        }
    }

    fn consumed(&self) -> u64 {
        self.shared.consumed.load(Ordering::Acquire)
    }

    /// How long after the callback sound is heard.
    fn behind(&self) -> Duration {
        self.shared.behind(self.buffered)
    }

    /// How long after leaving the stream's buffer sound is heard.
    fn beyond(&self) -> Duration {
        self.behind().saturating_sub(self.buffered)
    }

    /// Whether the stream has played everything written: the server asks for more only as it plays,
    /// so by then it has asked for one buffer beyond the last frame.
    fn has_passed(&self) -> bool {
        let asked = self.shared.asked.load(Ordering::Acquire);
        self.consumed() >= self.written
            && asked >= self.shared.asked_at_last.load(Ordering::Acquire) + self.n_buffered
    }

    fn mark(&mut self, position: u64, report: Report) {
        // The 64 reserved are 32 utterances; at most two are requested at once.
        if self.marks.push(Mark { position, report }).is_err() {
            tracing::error!("no room for another mark in the ring");
        }
    }

    /// Waits until the device has asked for frames, or the sound is not wanted any more.
    fn wait(&mut self, reporter: &Reporter) -> Result<(), OutputError> {
        let shared = Arc::clone(&self.shared);
        let before = shared.asked.load(Ordering::Acquire);
        let has_moved = || {
            let asked = shared.asked.load(Ordering::Acquire);
            asked != before || shared.has_failed.load(Ordering::Acquire)
        };
        shared.is_awaited.store(true, Ordering::Release);
        reporter.wait(self.still.next(self.behind(), clock::now()), has_moved);
        shared.is_awaited.store(false, Ordering::Release);
        self.look(reporter)
    }

    /// Checks the device.
    fn look(&mut self, reporter: &Reporter) -> Result<(), OutputError> {
        if self.shared.has_failed.load(Ordering::Acquire) {
            return Err(OutputError::Device("it is gone".to_owned()));
        }
        let asked = self.shared.asked.load(Ordering::Acquire);
        match self.still.look(asked, self.behind(), clock::now()) {
            Look::Well => Ok(()),
            Look::Late => {
                let why = OutputError::Stalled { stood: LATE }.to_string();
                reporter.report(Report::Late { why });
                Ok(())
            }
            Look::GivenUp(stood) => Err(OutputError::Stalled { stood }),
        }
    }
}

/// The gains of `pan`, left and right, as of a balance knob: the middle is full on both sides, and
/// turning to one side only lowers the other.
fn gains(pan: i8) -> [f32; 2] {
    let pan = f32::from(pan.clamp(-100, 100)) / 100.0;
    [(1.0 - pan).min(1.0), (1.0 + pan).min(1.0)]
}

#[test]
#[expect(clippy::float_cmp, reason = "the ends and the middle are exact")]
fn pan_lowers_only_the_other_side() {
    for (pan, left, right) in
        [(0, 1.0, 1.0), (-100, 1.0, 0.0), (100, 0.0, 1.0), (50, 0.5, 1.0), (i8::MIN, 1.0, 0.0)]
    {
        assert_eq!(gains(pan), [left, right], "{pan}");
    }
}
