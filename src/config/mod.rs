//! TOML and the command line into checked settings.
#![forbid(unsafe_code)]

pub mod error;
pub mod set;

pub use error::ConfigError;
