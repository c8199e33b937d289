//! Reads the lines of one source: recognises their format on the way, parses each at once.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

use regex::CaptureLocations;

use super::codes::{self, CTCP};
use super::grammar::{Grammar, Grammars};
use super::parts::Parts;
use super::pattern::Strength;
use crate::diagnostics::ConfigError;
use crate::message::{Kind, Line, Message, SourceId};
use crate::source::lines::Lines;

/// The lines by which a format is recognised; blank ones do not count.
const SAMPLE: u32 = 200;

/// Once a format is recognised, it and the second best are tried: a log may change half-way.
const TRIED: usize = 2;

/// The format of lines that no grammar describes.
pub const PLAIN: &str = "plain";

/// Lines of a loose format that are seen before one is read as such.
const LOOSE: u32 = 3;

/// Reads the lines of one source.
#[derive(Clone, Debug)]
pub struct Reader {
    grammars: Arc<Grammars>,
    candidates: Vec<Candidate>,
    /// Lines still to recognise by.
    unsure: u32,
    /// Lines that it was recognised by.
    seen: u32,
    /// The grammar that the last line was read by; none where none described it.
    last: Option<usize>,
}

/// A format that the source's lines may have; the best so far comes first.
#[derive(Clone, Debug)]
struct Candidate {
    grammar: usize,
    /// Lines that hardly anything else writes.
    strong: u32,
    /// Lines that others write, too.
    weak: u32,
    /// Lines that nothing else of the format describes.
    rest: u32,
    /// How sure a line must be to be read by this grammar; none where none is.
    least: Option<Strength>,
    slots: Vec<Option<CaptureLocations>>,
}

impl Reader {
    /// A reader that recognises the format by the lines.
    pub fn recognising(grammars: Arc<Grammars>) -> Self {
        let candidates = (0..grammars.len()).map(|grammar| Candidate::new(grammar, None)).collect();
        Self { grammars, candidates, unsure: SAMPLE, seen: 0, last: None }
    }

    /// A reader of the format `name`.
    pub fn named(grammars: Arc<Grammars>, name: &str) -> Result<Self, ConfigError> {
        let named = Candidate::new(grammars.position(name)?, Some(Strength::Weak));
        Ok(Self { grammars, candidates: vec![named], unsure: 0, seen: 0, last: None })
    }

    /// Recognises the format by `lines`, which are not spoken.
    pub fn sample(&mut self, lines: &Lines) {
        for line in lines.iter() {
            if self.unsure == 0 {
                return;
            }
            self.learn(&codes::strip(line.text));
        }
    }

    /// Whether the format is final: reading a line changes nothing for the next.
    pub fn is_sure(&self) -> bool {
        self.unsure == 0
    }

    /// The format recognised so far; plain where hardly a line is described.
    pub fn format(&self) -> &str {
        // A reader of a given format has not counted lines.
        let best = self
            .candidates
            .first()
            .filter(|best| best.least.is_some() && best.described() * 10 >= self.seen);
        best.and_then(|best| self.grammars.get(best.grammar)).map_or(PLAIN, Grammar::name)
    }

    /// The share of the lines so far that [`Self::format`] describes, from 0 to 1; 1 where the
    /// format was given.
    pub fn sureness(&self) -> f32 {
        match self.candidates.first() {
            Some(best) if best.least.is_some() && self.seen > 0 => {
                best.described() as f32 / self.seen as f32
            }
            Some(Candidate { least: Some(_), .. }) => 1.0,
            Some(_) | None => 0.0,
        }
    }

    /// The format of the last line: differs from [`Self::format`] where a log changes half-way, or
    /// no grammar describes the line.
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
                return message(parts, source, received);
            }
        }
        Message::plain(source, line.trim_end(), received)
    }

    /// Counts which formats describe `line`, and puts the best first.
    fn learn(&mut self, line: &str) {
        if line.trim_start().is_empty() {
            return;
        }
        self.seen += 1;
        let seen = self.seen;
        for candidate in &mut self.candidates {
            if let Some(grammar) = self.grammars.get(candidate.grammar) {
                candidate.learn(grammar, line, seen);
            }
        }
        self.candidates.sort_by_key(|c| (Reverse(c.score(&self.grammars)), c.grammar));
        self.unsure -= 1;
        if self.unsure == 0 {
            self.candidates.retain(|candidate| candidate.least.is_some());
        }
    }
}

impl Candidate {
    fn new(grammar: usize, least: Option<Strength>) -> Self {
        Self { grammar, strong: 0, weak: 0, rest: 0, least, slots: Vec::new() }
    }

    /// Counts `line`, the last of `seen`.
    fn learn(&mut self, grammar: &Grammar, line: &str, seen: u32) {
        match grammar.describes(line) {
            Some(Strength::Strong) => self.strong += 1,
            Some(Strength::Weak) => self.weak += 1,
            Some(Strength::Rest) => self.rest += 1,
            None => {}
        }
        if self.strong == 0 {
            return;
        }
        // A weak line counts where enough strong lines do.
        let is_known = (self.strong >= 2 || seen <= 2) && self.strong * 20 >= seen;
        let is_loose = grammar.is_loose();
        let described = self.described();
        self.least = match (is_known, is_loose) {
            (_, true) if self.strong < LOOSE || described * 2 < seen => None,
            (true, _) => Some(Strength::Weak),
            (false, true) => None,
            (false, false) => Some(Strength::Strong),
        };
    }

    /// The lines that it describes.
    fn described(&self) -> u32 {
        self.strong + self.weak + self.rest
    }

    /// What the formats are ordered by.
    fn score(&self, grammars: &Grammars) -> u32 {
        let others = if self.least == Some(Strength::Weak) { self.weak * 3 + self.rest } else { 0 };
        let score = self.strong * 4 + others;
        match grammars.get(self.grammar) {
            Some(grammar) if score > 0 && grammar.is_loose() => score / 2,
            Some(_) | None => score,
        }
    }

    fn read<'a>(&mut self, grammars: &Grammars, line: &'a str) -> Option<Parts<'a>> {
        let least = self.least?;
        let grammar = grammars.get(self.grammar)?;
        if self.slots.is_empty() {
            self.slots = grammar.slots();
        }
        grammar.read(line, least, &mut self.slots)
    }
}

fn message(parts: Parts<'_>, source: SourceId, received: Instant) -> Message<'_> {
    let text = match parts.text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end()),
        Cow::Owned(text) => Cow::Owned(text.trim_end().to_owned()),
    };
    let text = match parts.victim {
        Some(victim) if text.is_empty() => victim,
        Some(victim) => format!("{victim} {text}").into(),
        None => text,
    };
    let (kind, text) = ctcp(parts.kind, text);
    Message {
        source,
        channel: parts.channel,
        sender: parts.sender,
        kind,
        text,
        stamp: parts.stamp,
        highlight: false,
        received,
    }
}

/// What is between two [`CTCP`] marks is meant for a client, not for people; except an action.
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

/// `message` as [`Reader::read`] would return it: for sources that know the parts.
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
