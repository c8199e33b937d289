//! The program as its users run it: with a real IRC server, a real client, and a private sound
//! server whose monitor is recorded. Each test has its own directory, ports and null sink.
//!
//! What they need is installed by `make test`; a missing program fails the test that wants it.

mod harness;

mod bad_input;
mod commands;
mod connect;
mod control;
mod faults;
mod flood;
mod follow;
mod hurry;
mod limits;
mod load;
mod media_keys;
mod output;
mod resume;
mod run;
mod saved;
mod signals;
mod simulate;
mod stdin;
mod tail;
mod terminal;
mod voice;
mod writers;
