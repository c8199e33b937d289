//! irc-speak turns a stream of text into speech as it arrives.
//!
//! Lines come in, speech goes out, nothing waits, and nothing is lost without being counted. The
//! way of a line, and what each module may know, is drawn in `docs/ARCHITECTURE.md`.

pub mod audio;
pub mod clock;
pub mod config;
pub mod engine;
pub mod filter;
pub mod format;
pub mod message;
pub mod phrase;
pub mod source;
pub mod voice;
