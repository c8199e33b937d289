//! The sound card's callback: it takes frames from the ring, never waits, and reports what it has
//! played.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use cpal::OutputCallbackInfo;
use rtrb::Consumer;

use super::report::Reporter;
use crate::wire::Report;

/// The highest latency that is believed of a device.
const MOST_BEHIND: Duration = Duration::from_secs(5);

/// A place among the frames, and what to report when it is passed.
pub(super) struct Mark {
    pub(super) position: u64,
    pub(super) report: Report,
}

/// The state that the callback, the stream's thread and the engine's thread share.
#[derive(Default)]
pub(super) struct Shared {
    /// Frames that went to the device.
    pub(super) consumed: AtomicU64,
    /// Frames that the device has asked for, including silence; and that count at the last frame
    /// that was not silence.
    pub(super) asked: AtomicU64,
    pub(super) asked_at_last: AtomicU64,
    /// The engine's thread waits for room, or for the end, and is to be woken.
    pub(super) is_awaited: AtomicBool,
    /// The device's latency after its callback, in microseconds.
    pub(super) behind_us: AtomicU64,
    pub(super) has_failed: AtomicBool,
    /// The rest is not wanted: the stream is to end.
    pub(super) is_over: AtomicBool,
}

impl Shared {
    /// Reports a failure, only once. A dead server can report a million errors a second, and a
    /// stream that is being closed reports that it is gone.
    pub(super) fn fail(&self, reporter: &Reporter, report: Report) {
        let is_over = self.is_over.load(Ordering::Acquire);
        if !is_over && !self.has_failed.swap(true, Ordering::AcqRel) {
            reporter.report(report);
        }
    }

    /// How long after the callback sound is heard: at least what the stream took at its start,
    /// which the device does not report at first.
    pub(super) fn behind(&self, buffered: Duration) -> Duration {
        let behind = Duration::from_micros(self.behind_us.load(Ordering::Acquire));
        behind.min(MOST_BEHIND).max(buffered)
    }
}

/// The device's side of the ring.
pub(super) struct Callback {
    pub(super) frames: Consumer<[f32; 2]>,
    pub(super) marks: Consumer<Mark>,
    pub(super) shared: Arc<Shared>,
    pub(super) n_channels: usize,
    pub(super) buffered: Duration,
    pub(super) waiter: Thread,
    pub(super) reporter: Reporter,
}

impl Callback {
    /// Fills `frames` from the ring, and the rest with silence.
    pub(super) fn fill(&mut self, frames: &mut [f32], info: &OutputCallbackInfo) {
        let is_wanted = self.reporter.is_wanted() && !self.shared.is_over.load(Ordering::Acquire);
        let n_asked = frames.len() / self.n_channels;
        let n_frames = if is_wanted { n_asked.min(self.frames.slots()) } else { 0 };
        let (filled, silent) = frames.split_at_mut(n_frames * self.n_channels);
        if let Ok(chunk) = self.frames.read_chunk(n_frames) {
            for (frame, sides) in filled.chunks_exact_mut(self.n_channels).zip(chunk) {
                frame.copy_from_slice(&sides[..self.n_channels]); // one or two: see `open`
            }
        }
        silent.fill(0.0);
        let asked = self.shared.asked.load(Ordering::Acquire) + n_asked as u64;
        if n_frames > 0 {
            let stamp = info.timestamp();
            if let Some(behind) = stamp.playback.checked_duration_since(stamp.callback) {
                let behind = u64::try_from(behind.as_micros()).unwrap_or(u64::MAX);
                self.shared.behind_us.store(behind, Ordering::Release);
            }
            self.shared.asked_at_last.store(asked, Ordering::Release);
            let before = self.shared.consumed.fetch_add(n_frames as u64, Ordering::AcqRel);
            self.report_passed(before + n_frames as u64);
        }
        self.shared.asked.store(asked, Ordering::Release); // only the callback writes it
        if self.shared.is_awaited.swap(false, Ordering::AcqRel) {
            self.waiter.unpark();
        }
    }

    /// Reports the marks that were passed.
    fn report_passed(&mut self, consumed: u64) {
        while self.marks.peek().is_ok_and(|mark| mark.position <= consumed) {
            if let Ok(Mark { mut report, .. }) = self.marks.pop() {
                if let Report::Word { behind_ms, .. } = &mut report {
                    let behind = self.shared.behind(self.buffered);
                    *behind_ms = u32::try_from(behind.as_millis()).unwrap_or(u32::MAX);
                }
                self.reporter.report(report);
            }
        }
    }
}
