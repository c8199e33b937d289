//! What a search finds.
#![forbid(unsafe_code)]

use std::ops::Range;

/// What is said in place of a part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The bytes of the text.
    pub(crate) range: Range<usize>,
    /// Words without blanks around; empty where nothing is said.
    pub(crate) spoken: String,
}
