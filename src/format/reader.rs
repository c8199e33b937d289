//! Reads the lines of one source: recognises their format while they come, parses each at once.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

use regex::CaptureLocations;

use super::codes::{self, CTCP};
use super::grammar::{Grammar, Grammars, Parts};
use crate::config::ConfigError;
use crate::message::{Kind, Line, Message, SourceId};
use crate::source::lines::Lines;

/// The lines by which a format is recognised; blank ones do not count.
const SAMPLE: u32 = 200;

/// Once a format is recognised, it and the second best are tried: a log may change half-way.
const TRIED: usize = 2;

/// The format of what no grammar describes.
const PLAIN: &str = "plain";

/// Reads the lines of one source.
#[derive(Clone, Debug)]
pub struct Reader {
    grammars: Arc<Grammars>,
    candidates: Vec<Candidate>,
    /// Lines still to recognise by.
    unsure: u32,
    /// The grammar that the last line was read by; none where none described it.
    last: Option<usize>,
}

/// A format that the source's lines may have; the best so far comes first.
#[derive(Clone, Debug)]
struct Candidate {
    grammar: usize,
    described: u32,
    slots: Vec<Option<CaptureLocations>>,
}

impl Reader {
    /// A reader that recognises the format by the lines.
    pub fn recognising(grammars: Arc<Grammars>) -> Self {
        let candidates = (0..grammars.len()).map(Candidate::new).collect();
        Self { grammars, candidates, unsure: SAMPLE, last: None }
    }

    /// A reader of the format `name`.
    pub fn named(grammars: Arc<Grammars>, name: &str) -> Result<Self, ConfigError> {
        let candidates = vec![Candidate::new(grammars.position(name)?)];
        Ok(Self { grammars, candidates, unsure: 0, last: None })
    }

    /// Recognises by `lines`, which are not to be heard.
    pub fn sample(&mut self, lines: &Lines) {
        for line in lines.iter() {
            if self.unsure == 0 {
                return;
            }
            self.learn(&codes::strip(line.text));
        }
    }

    /// Whether the format is settled: reading a line changes nothing for the next.
    pub fn is_sure(&self) -> bool {
        self.unsure == 0
    }

    /// The format as far as it is recognised.
    pub fn format(&self) -> &str {
        // Once the reader is sure, or was told, only formats that it reads by are left.
        let best = self.candidates.first().filter(|best| best.described > 0 || self.unsure == 0);
        best.and_then(|best| self.grammars.get(best.grammar)).map_or(PLAIN, Grammar::name)
    }

    /// The format that the last line was read by: of a log that changes half-way, or of a line that
    /// no grammar describes, not the one of [`Self::format`].
    pub fn line_format(&self) -> &str {
        self.last.and_then(|last| self.grammars.get(last)).map_or(PLAIN, Grammar::name)
    }

    /// The parts of `line`. Allocates only where codes had to be removed.
    pub fn read<'a>(&mut self, line: Line<'a>) -> Message<'a> {
        let Line { source, text, received, continued } = line;
        self.last = None;
        match codes::strip(text) {
            text if continued => Message::plain(source, text, received),
            Cow::Borrowed(text) => self.parse(source, text, received),
            Cow::Owned(text) => self.parse(source, &text, received).into_owned(),
        }
    }

    fn parse<'a>(&mut self, source: SourceId, line: &'a str, received: Instant) -> Message<'a> {
        if self.unsure > 0 {
            self.learn(line);
        }
        let tried = if self.unsure > 0 { self.candidates.len() } else { TRIED };
        for candidate in self.candidates.iter_mut().take(tried) {
            if let Some(parts) = candidate.read(&self.grammars, line) {
                self.last = Some(candidate.grammar);
                return message(&parts, source, received);
            }
        }
        Message::plain(source, line.trim_end(), received)
    }

    /// Counts which formats describe `line`, and puts the best first.
    fn learn(&mut self, line: &str) {
        if line.trim_start().is_empty() {
            return;
        }
        for candidate in &mut self.candidates {
            let grammar = self.grammars.get(candidate.grammar);
            candidate.described += u32::from(grammar.is_some_and(|g| g.describes(line)));
        }
        self.candidates.sort_by_key(|c| (Reverse(c.described), c.grammar));
        self.unsure -= 1;
        if self.unsure == 0 {
            self.candidates.retain(|candidate| candidate.described > 0);
        }
    }
}

impl Candidate {
    fn new(grammar: usize) -> Self {
        Self { grammar, described: 0, slots: Vec::new() }
    }

    fn read<'a>(&mut self, grammars: &Grammars, line: &'a str) -> Option<Parts<'a>> {
        let grammar = grammars.get(self.grammar)?;
        if self.slots.is_empty() {
            self.slots = grammar.slots();
        }
        grammar.read(line, &mut self.slots)
    }
}

fn message<'a>(parts: &Parts<'a>, source: SourceId, received: Instant) -> Message<'a> {
    let text = parts.text.trim_end();
    let text = match parts.victim {
        Some(victim) if text.is_empty() => victim.into(),
        Some(victim) => format!("{victim} {text}").into(),
        None => text.into(),
    };
    let (kind, text) = ctcp(parts.kind, text);
    Message {
        source,
        channel: parts.channel.map(Cow::Borrowed),
        sender: parts.sender.map(Cow::Borrowed),
        kind,
        text,
        stamp: parts.stamp.map(Cow::Borrowed),
        highlight: false,
        received,
    }
}

/// What is between two [`CTCP`] marks is said to a client, not to people; but for an action.
fn ctcp(kind: Kind, text: Cow<'_, str>) -> (Kind, Cow<'_, str>) {
    if kind != Kind::Say || !text.starts_with(CTCP) {
        return (kind, text);
    }
    match text {
        Cow::Borrowed(text) => {
            let (kind, inner) = inside(text);
            (kind, Cow::Borrowed(inner))
        }
        Cow::Owned(text) => {
            let (kind, inner) = inside(&text);
            (kind, Cow::Owned(inner.to_owned()))
        }
    }
}

fn inside(marked: &str) -> (Kind, &str) {
    let inner = marked.trim_matches(CTCP);
    match inner.strip_prefix("ACTION") {
        Some(action) => (Kind::Action, action.trim()),
        None => (Kind::Server, inner),
    }
}

/// `message` as [`Reader::read`] would give it: for sources that know the parts of what they say.
pub fn tidy(message: Message<'_>) -> Message<'_> {
    let (kind, text) = ctcp(message.kind, codes::strip(message.text));
    Message {
        kind,
        text,
        channel: message.channel.map(codes::strip),
        sender: message.sender.map(codes::strip).filter(|sender| !sender.is_empty()),
        ..message
    }
}
