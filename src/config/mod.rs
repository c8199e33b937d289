//! Parses TOML files and the command line into checked settings.
#![forbid(unsafe_code)]

pub mod earcons;
pub mod error;
pub mod file;
pub mod settings;
mod sources;
mod speakers;
pub mod toml_file;
pub mod voices;
pub mod watcher;

pub use error::ConfigError;
