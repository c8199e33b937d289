//! A log's line into a [`Message`](crate::message::Message): who said what where, by grammars that
//! are data (`filters/*.toml`). Knows nothing of sources or speech.
#![forbid(unsafe_code)]

pub mod cases;
pub mod codes;
mod fields;
pub mod grammar;
mod html;
mod literal;
mod pattern;
mod reader;
mod shape;
mod stamp;
pub mod time;

pub use grammar::{Grammar, Grammars};
pub use reader::{PLAIN, Reader, tidy};

#[cfg(test)]
mod tests;
