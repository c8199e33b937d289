//! A log's line into a [`Message`](crate::message::Message): who said what where, by grammars that
//! are data (`filters/*.toml`). It does not know which source a line is from, nor that it is spoken.
#![forbid(unsafe_code)]

pub mod cases;
pub mod codes;
mod fields;
pub mod grammar;
mod html;
mod literal;
mod parts;
mod pattern;
mod reader;
mod shape;
mod stamp;
pub mod time;

pub use grammar::{Grammar, Grammars};
pub use reader::{PLAIN, Reader, tidy};

#[cfg(test)]
mod tests;
