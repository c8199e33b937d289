//! TOML and the command line into checked settings.
#![forbid(unsafe_code)]

pub mod error;
pub mod file;
pub mod set;
pub mod settings;

pub use error::ConfigError;
