//! The stream to the sound card, on a thread of its own from opening to closing: a sound server
//! that hangs blocks the thread that opens, queries or closes, and no other thread waits for this
//! one.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, Thread};
use std::time::Duration;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{ErrorKind, OutputCallbackInfo, StreamConfig};

use super::OutputError;
use super::callback::{Callback, Shared};
use super::cards::{Sound, clause};
use super::report::Reporter;
use crate::wire::Report;

/// How often to check, while there is sound, whether the default device has changed.
const LOOK: Duration = Duration::from_secs(1);

/// What is needed to open a stream.
pub(super) struct Opening {
    pub(super) sound: Sound,
    pub(super) config: StreamConfig,
    pub(super) callback: Callback,
    pub(super) shared: Arc<Shared>,
    pub(super) reporter: Reporter,
    /// The thread that may be waiting for the stream to take something, or to fail.
    pub(super) waiter: Thread,
}

/// The thread that owns the stream. Dropping this ends it, and discards the server's buffer.
pub(super) struct Stream {
    owner: Thread,
    shared: Arc<Shared>,
}

impl Stream {
    /// Opens a stream, which takes frames as soon as it is open.
    pub(super) fn open(opening: Opening) -> Result<Self, OutputError> {
        let shared = Arc::clone(&opening.shared);
        let spawned = thread::Builder::new().name("stream".to_owned()).spawn(move || opening.run());
        let owner = spawned.map_err(|error| OutputError::Device(error.to_string()))?;
        Ok(Self { owner: owner.thread().clone(), shared })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.owner.unpark();
    }
}

impl Opening {
    /// Opens the stream, and owns it until it is over.
    fn run(self) {
        let Self { sound, config, callback, shared, reporter, waiter } = self;
        // The device found when the process started may be gone or replaced.
        let fresh = sound.fresh();
        let opened = fresh.and_then(|sound| {
            let stream = open(&sound, config, callback, &shared, &reporter)?;
            Ok((sound, stream))
        });
        match opened {
            Ok((mut sound, _stream)) => {
                while !shared.is_over.load(Ordering::Acquire) {
                    thread::park_timeout(LOOK);
                    if !shared.is_over.load(Ordering::Acquire) && sound.has_moved() {
                        shared.fail(&reporter, Report::Moved);
                    }
                }
            }
            Err(error) => {
                shared.fail(&reporter, Report::Lost { why: error.to_string(), stood_ms: 0 });
            }
        }
        waiter.unpark();
    }
}

/// Opens the stream: its first callback comes before this returns, and takes frames.
fn open(
    sound: &Sound,
    config: StreamConfig,
    mut callback: Callback,
    shared: &Arc<Shared>,
    reporter: &Reporter,
) -> Result<cpal::Stream, OutputError> {
    let failed = |error: cpal::Error| OutputError::Device(clause(&error.to_string()));
    let (shared, reporter) = (Arc::clone(shared), reporter.clone());
    let on_error = move |error: cpal::Error| {
        let harmless = [ErrorKind::Xrun, ErrorKind::RealtimeDenied, ErrorKind::DeviceChanged];
        if !harmless.contains(&error.kind()) {
            let why = OutputError::Device(clause(&error.to_string())).to_string();
            shared.fail(&reporter, Report::Lost { why, stood_ms: 0 });
        }
    };
    let fill = move |frames: &mut [f32], info: &OutputCallbackInfo| callback.fill(frames, info);
    let stream = sound.device.build_output_stream(config, fill, on_error, None).map_err(failed)?;
    stream.play().map_err(failed)?;
    Ok(stream)
}
