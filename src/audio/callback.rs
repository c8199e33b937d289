//! What the sound card calls when it wants sound: it takes what is in the ring, never waits, and
//! tells what has gone out.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use cpal::OutputCallbackInfo;
use rtrb::Consumer;

use super::report::Reporter;
use crate::voice::wire::Report;

/// No device is further behind than this, whatever it says.
const MOST_BEHIND: Duration = Duration::from_secs(5);

/// A place among the frames, and what is to be told when it has been heard.
pub(super) struct Mark {
    pub(super) position: u64,
    pub(super) report: Report,
}

/// What the callback, the stream's thread and the engine's thread share.
#[derive(Default)]
pub(super) struct Shared {
    /// Frames that went to the device.
    pub(super) consumed: AtomicU64,
    /// Frames that the device has asked for, with the silence that it got; and how many these were
    /// when it got the last one that was no silence.
    pub(super) asked: AtomicU64,
    pub(super) asked_at_last: AtomicU64,
    /// The engine's thread waits for room, or for the end: it wants to be woken.
    pub(super) is_awaited: AtomicBool,
    /// How far the device is behind its callback, in microseconds.
    pub(super) behind_us: AtomicU64,
    pub(super) has_failed: AtomicBool,
    /// What is left is not wanted any more: the stream is to end.
    pub(super) is_over: AtomicBool,
}

impl Shared {
    /// Reports that there is no more sound, the first time. A dead server can report a million
    /// errors a second, and a stream that is being closed that it is gone.
    pub(super) fn fail(&self, reporter: &Reporter, report: Report) {
        let is_over = self.is_over.load(Ordering::Acquire);
        if !is_over && !self.has_failed.swap(true, Ordering::AcqRel) {
            reporter.report(report);
        }
    }

    /// How far the ear is behind the callback: at least by what the stream took at its start, of
    /// which the device knows nothing at first.
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
    /// Fills `frames` with what there is, and silence after it.
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
            self.tell(before + n_frames as u64);
        }
        self.shared.asked.store(asked, Ordering::Release); // nobody else counts it
        if self.shared.is_awaited.swap(false, Ordering::AcqRel) {
            self.waiter.unpark();
        }
    }

    /// Reports the marks that were passed.
    fn tell(&mut self, consumed: u64) {
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
