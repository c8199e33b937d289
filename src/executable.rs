//! Where this program is, for those who start it again as another process.
#![forbid(unsafe_code)]

use std::io;
use std::path::PathBuf;

/// This program, also after its file was replaced by a newer one.
pub(crate) fn own() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}
