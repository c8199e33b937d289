//! Parses TOML files and the command line into checked settings.
#![forbid(unsafe_code)]

pub(crate) mod earcons;
pub(crate) mod file;
pub(crate) mod languages;
pub(crate) mod settings;
pub(crate) mod sources;
mod speakers;
pub(crate) mod voices;
pub(crate) mod watcher;
