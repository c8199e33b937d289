//! What was found in the logs.
#![forbid(unsafe_code)]

use std::path::Path;

use crate::meeting::Minutes;

/// Minutes, and the log that they are of.
pub(super) struct Found<'a> {
    pub(super) log: &'a Path,
    pub(super) minutes: Minutes,
}
