//! One kind of line: how it is told from others, and what its parts are. What can be read from
//! left to right is; for the rest there are regular expressions, which are made when the first line
//! comes that may match: to make those of all formats takes longer than a start may.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::{CaptureLocations, Regex};

use super::fields::{Fields, Parsed};
use super::literal;
use super::shape::{Found, Shape};
use crate::config::set;
use crate::message::Kind;

/// The pattern's end that takes the rest of the line.
const TAIL: &str = "(?P<text>.*)";

/// The named groups a pattern may have; [`Pattern::read`] takes them in this order. What is in
/// `same` has to be what is in `sender`.
const GROUPS: [&str; 6] = ["channel", "sender", "text", "time", "victim", "same"];

/// Where `same` is among them.
const SAME: usize = 5;

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

/// One kind of line.
#[derive(Debug)]
pub(super) struct Pattern {
    kind: Kind,
    /// It matches what others write as well: it counts for less, and not at all in a log that has
    /// no lines that are told surely.
    pub(super) is_weak: bool,
    matcher: Matcher,
    /// The text is what follows the match; else it is a group.
    tail: bool,
}

/// How a pattern is matched.
#[derive(Debug)]
enum Matcher {
    Shape(Shape),
    Regex(Lazy),
    Fields(Fields),
}

/// A regular expression that is made when it is needed.
#[derive(Debug)]
struct Lazy {
    source: String,
    /// What a line that matches begins with, as far as that is a shape.
    head: Option<Shape>,
    /// What is in it anywhere, where the expression was not made yet.
    needed: OnceLock<String>,
    made: OnceLock<Made>,
}

/// With the place of each of [`GROUPS`] among the groups of the expression.
#[derive(Debug)]
struct Made {
    regex: Regex,
    places: [Option<usize>; GROUPS.len()],
}

impl Pattern {
    /// The pattern of `expression`, in which `{name}` stands for a part of that name. It has to
    /// describe the whole line but for blanks at its end. Whether it is right tells
    /// [`Self::check`].
    pub(super) fn new(
        kind: Kind,
        is_weak: bool,
        expression: &str,
        parts: &BTreeMap<String, String>,
    ) -> Self {
        let whole = expanded(expression, parts);
        // As far as its parts go a line is short, but the text may be long: it is not walked
        // through. With alternatives the end may belong to the last alone.
        let head = whole.strip_suffix(TAIL).filter(|head| !has_alternatives(head));
        let tail = head.is_some();
        let matcher = match Shape::parse(head.unwrap_or(&whole), &GROUPS) {
            Some(shape) => Matcher::Shape(shape),
            None => Matcher::Regex(Lazy {
                head: (!has_alternatives(&whole)).then(|| Shape::head(&whole, &GROUPS)),
                source: match head {
                    Some(head) => format!("^(?:{head})"),
                    None => format!(r"^(?:{whole})\s*$"),
                },
                needed: OnceLock::new(),
                made: OnceLock::new(),
            }),
        };
        Self { kind, is_weak, matcher, tail }
    }

    /// The pattern of lines that are named fields.
    pub(super) fn of_fields(kind: Kind, is_weak: bool, fields: Fields) -> Self {
        Self { kind, is_weak, matcher: Matcher::Fields(fields), tail: false }
    }

    /// Whether `expression`, which this pattern was made of, is right. An error is half a sentence.
    pub(super) fn check(&self, expression: &str) -> Result<(), String> {
        let Matcher::Regex(lazy) = &self.matcher else { return Ok(()) };
        let made = Made::new(&lazy.source)
            .map_err(|problem| format!("pattern {} {problem}", set::shown(expression)))?;
        let mut names = made.regex.capture_names().flatten();
        if let Some(name) = names.find(|name| !GROUPS.contains(name)) {
            return Err(format!("unknown group \"{name}\"; {}", set::hint(name, &GROUPS)));
        }
        drop(names);
        // A second check would find another's, which is the same.
        lazy.made.set(made).or(Ok(()))
    }

    pub(super) fn describes(&self, line: &str, parsed: &mut Parsed) -> bool {
        match &self.matcher {
            Matcher::Shape(_) => self.shape(line).is_some(),
            Matcher::Fields(fields) => fields.read(self.kind, line, parsed).is_some(),
            Matcher::Regex(lazy) => match lazy.made_for(line) {
                Some(made) if made.places[SAME].is_some() => {
                    self.read(line, &mut None, parsed).is_some()
                }
                made => made.is_some_and(|made| made.regex.is_match(line)),
            },
        }
    }

    pub(super) fn read<'a>(
        &self,
        line: &'a str,
        slots: &mut Option<CaptureLocations>,
        parsed: &mut Parsed,
    ) -> Option<Parts<'a>> {
        let (end, found) = match &self.matcher {
            Matcher::Shape(_) => self.shape(line)?,
            Matcher::Fields(fields) => return fields.read(self.kind, line, parsed),
            Matcher::Regex(lazy) => {
                let Made { regex, places } = lazy.made_for(line)?;
                let slots = slots.get_or_insert_with(|| regex.capture_locations());
                let end = regex.captures_read(slots, line)?.end();
                let range = |place: Option<usize>| slots.get(place?).map(|(from, to)| from..to);
                (end, places.map(range))
            }
        };
        let [channel, sender, text, time, victim, same] =
            found.map(|range| line.get(range?).filter(|part| !part.is_empty()));
        if same.is_some_and(|same| Some(same) != sender) {
            return None;
        }
        let text = if self.tail { line.get(end..) } else { text };
        let sender = sender.map(str::trim).filter(|sender| !sender.is_empty());
        Some(Parts {
            kind: self.kind,
            channel: channel.map(Cow::Borrowed),
            sender: sender.map(Cow::Borrowed),
            victim: victim.map(Cow::Borrowed),
            text: Cow::Borrowed(text.unwrap_or_default()),
            stamp: time.map(Cow::Borrowed),
        })
    }

    /// The end and the groups of a match by the shape, if there is one: of the whole line but for
    /// blanks, unless the text follows.
    fn shape(&self, line: &str) -> Option<(usize, Found<{ GROUPS.len() }>)> {
        let Matcher::Shape(shape) = &self.matcher else { return None };
        let (end, found) = shape.read(line)?;
        let is_whole = self.tail || line.get(end..)?.trim_start().is_empty();
        is_whole.then_some((end, found))
    }
}

impl Lazy {
    /// The expression, unless `line` begins with what cannot match.
    fn made_for(&self, line: &str) -> Option<&Made> {
        if let Some(head) = &self.head {
            head.read::<{ GROUPS.len() }>(line)?;
        }
        if self.made.get().is_none() {
            let needed = self.needed.get_or_init(|| literal::needed(&self.source));
            line.contains(&**needed).then_some(())?;
        }
        Some(self.made.get_or_init(|| {
            Made::new(&self.source).expect("patterns in the program are tested, others checked")
        }))
    }
}

impl Made {
    fn new(source: &str) -> Result<Self, String> {
        let regex = set::regex(source)?;
        let place = |name| regex.capture_names().position(|known| known == Some(name));
        Ok(Self { places: GROUPS.map(place), regex })
    }
}

/// `pattern` with each `{name}` replaced by the part of that name, which may have others in it.
fn expanded(pattern: &str, parts: &BTreeMap<String, String>) -> String {
    let once = expanded_once(pattern, parts);
    if parts.keys().any(|name| once.contains(&format!("{{{name}}}"))) {
        return expanded_once(&once, parts);
    }
    once
}

fn expanded_once(pattern: &str, parts: &BTreeMap<String, String>) -> String {
    let replace = |pattern: String, (name, part): (&String, &String)| {
        pattern.replace(&format!("{{{name}}}"), part)
    };
    parts.iter().fold(pattern.to_owned(), replace)
}

/// Whether `pattern` is one or another, not only a group in it.
fn has_alternatives(pattern: &str) -> bool {
    let (mut depth, mut in_class, mut escaped) = (0_u32, false, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' => in_class = false,
            '[' => in_class = true,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth = depth.saturating_sub(1),
            '|' if !in_class && depth == 0 => return true,
            _ => {}
        }
    }
    false
}
