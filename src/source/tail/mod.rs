//! Follows log files.
//!
//! [`Follower`] handles one file and everything that happens to it, without a clock; `watch` wakes
//! it; [`run`] drives the two. A line is sent as soon as the system reports the write: there is no
//! batching and no delay.
#![forbid(unsafe_code)]

mod bookmark;
mod change;
mod file_set;
mod follow;
#[cfg(test)]
mod model;
mod one;
mod pattern;
mod reading;
mod rest;
mod rotation;
#[cfg(test)]
mod scenarios;
mod shared_watcher;
pub(super) mod spec;
#[cfg(test)]
mod tests;
mod watch;

use tokio_util::sync::CancellationToken;

use super::inbox::Inbox;
use pattern::Pattern;
use spec::Age;
pub use spec::{TailError, TailSpec};

/// Sends the lines of `spec` until `stop`.
pub async fn run(spec: TailSpec, inbox: Inbox, stop: CancellationToken) -> Result<(), TailError> {
    if let Ok(Some(pattern)) = Pattern::of(&spec.path) {
        return file_set::run(pattern, &spec, &inbox, &stop).await;
    }
    // An invalid pattern may be the name of a file.
    rest::count(1);
    one::run(spec, inbox, stop, Age::Old).await
}
