//! The parts of a line.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use crate::message::Kind;

/// What a pattern found in a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) kind: Kind,
    pub(super) channel: Option<Cow<'a, str>>,
    pub(super) sender: Option<Cow<'a, str>>,
    pub(super) victim: Option<Cow<'a, str>>,
    pub(super) text: Cow<'a, str>,
    pub(super) stamp: Option<Cow<'a, str>>,
}
