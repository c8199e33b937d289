//! The result for one line.
#![forbid(unsafe_code)]

use std::io::{self, Write};

use serde::Serialize;

use crate::filter::{Effect, Rule};
use crate::message::Kind;

/// A line, its parts and its outcome. Serialised, it is the object of `--json`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Row<'a> {
    pub(super) line: u64,
    pub(super) format: &'a str,
    pub(super) kind: Kind,
    /// As written in the log.
    pub(super) time: Option<&'a str>,
    pub(super) channel: Option<&'a str>,
    pub(super) sender: Option<&'a str>,
    /// Before any rule changed it.
    pub(super) text: &'a str,
    pub(super) fate: Fate,
    /// The label of what decided.
    pub(super) rule: Option<&'a str>,
    pub(super) spoken: Option<&'a str>,
    /// The rule that decided, where it was one.
    #[serde(skip)]
    pub(super) by: Option<&'a Rule>,
    /// The rules that changed something and did not decide.
    #[serde(skip)]
    pub(super) also: &'a [(Effect, &'a Rule)],
}

/// The outcome of a line in the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fate {
    Spoken,
    Dropped,
}

impl Fate {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Spoken => "spoken",
            Self::Dropped => "dropped",
        }
    }
}

/// The outcome under the rules before the change.
#[derive(Serialize)]
struct Before<'a> {
    fate: Fate,
    rule: Option<&'a str>,
    spoken: Option<&'a str>,
}

#[derive(Serialize)]
struct Changed<'a> {
    #[serde(flatten)]
    after: &'a Row<'a>,
    before: Before<'a>,
}

/// Writes `row` as an object on a line of its own, with the outcome `before`, if given.
pub(super) fn json(row: &Row<'_>, before: Option<&Row<'_>>, mut out: impl Write) -> io::Result<()> {
    match before {
        None => serde_json::to_writer(&mut out, row)?,
        Some(&Row { fate, rule, spoken, .. }) => {
            let before = Before { fate, rule, spoken };
            serde_json::to_writer(&mut out, &Changed { after: row, before })?;
        }
    }
    out.write_all(b"\n")
}

impl Row<'_> {
    /// Whether the outcome of `other` differs. A rule that only moved to another line of its file
    /// is the same rule.
    pub(super) fn differs(&self, other: &Self) -> bool {
        self.fate != other.fate || self.spoken != other.spoken || self.rule_differs(other)
    }

    fn rule_differs(&self, other: &Self) -> bool {
        match (self.by, other.by) {
            (Some(by), Some(other)) if !by.written().is_empty() => by.written() != other.written(),
            _ => self.rule != other.rule,
        }
    }
}
