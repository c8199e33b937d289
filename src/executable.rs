//! The path of this program, to start it as another process.
#![forbid(unsafe_code)]

use std::io;
use std::path::PathBuf;

/// The running program, even after its file was replaced.
pub(crate) fn own() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}
