//! TOML and the command line into checked settings.
#![forbid(unsafe_code)]

pub mod error;

pub use error::ConfigError;
