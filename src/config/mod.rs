//! TOML and the command line into checked settings.
#![forbid(unsafe_code)]

pub mod earcons;
pub mod error;
pub mod file;
pub mod saved;
pub mod set;
pub mod settings;
mod sources;
mod speakers;
pub mod voices;

pub use error::ConfigError;
