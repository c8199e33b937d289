//! Replays a time-stamped log on a virtual clock through the queue that speaks: how far behind live
//! a listener would have been, how fast it had to speak, and what was lost, compared with other
//! policies on the same lines.
#![forbid(unsafe_code)]

mod heard;
mod lag_rule;
mod optimum;
mod pause;
mod policies;
mod replay;
pub(crate) mod report;

use crate::queue::estimate::Estimate;
use crate::units::Wpm;

pub(crate) use pause::Pause;
pub(crate) use replay::read;
pub(crate) use report::Report;

/// The queue's own estimate for an English voice, before it has learned anything.
#[cfg(test)]
fn estimated(text: &str, _: usize, rate: Wpm) -> f64 {
    estimated_for("en-us", text, rate)
}

/// The queue's own estimate for a voice, before it has learned anything.
pub(crate) fn estimated_for(voice: &str, text: &str, rate: Wpm) -> f64 {
    let estimate = Estimate::with_voice(voice);
    estimate.seconds(estimate.work(text), rate)
}
