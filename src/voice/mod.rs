//! The listener's side of the voice process.
#![forbid(unsafe_code)]

pub mod wire;
