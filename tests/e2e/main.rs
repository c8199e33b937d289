//! The program as its users run it: a real IRC server, a real client, a sound server of the test's
//! own whose monitor is recorded. Each test has a directory, ports and a null sink to itself.
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
