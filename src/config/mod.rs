//! Parses TOML files and the command line into checked settings.
#![forbid(unsafe_code)]

pub mod earcons;
pub mod file;
pub mod settings;
mod sources;
mod speakers;
pub mod voices;
pub mod watcher;
