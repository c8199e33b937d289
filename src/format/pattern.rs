//! One kind of line: how it is recognised, and what its parts are. What can be read from left to
//! right is; the rest is matched by regular expressions, which are compiled when the first line
//! comes that may match: compiling those of all formats would make the start too slow.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::{CaptureLocations, Regex};

use super::fields::{Fields, Parsed};
use super::literal;
use super::parts::Parts;
use super::shape::{Found, Reading, Shape, TIME};
use crate::diagnostics::hint;
use crate::message::Kind;
use crate::toml_file;

/// The pattern's end that takes the rest of the line.
const TAIL: &str = "(?P<text>.*)";

/// The named groups a pattern may have; [`Pattern::read`] takes them in this order. What is in
/// `same` has to be what is in `sender`.
const GROUPS: [&str; 6] = ["channel", "sender", "text", "time", "victim", "same"];

/// Where `same` is among them.
const SAME: usize = 5;

/// How strongly a line indicates a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// A fallback when nothing else describes it: almost no sign of the format.
    Rest,
    /// Others write such lines, too.
    Weak,
    /// Hardly anything else writes such lines.
    Strong,
}

/// One kind of line.
#[derive(Debug)]
pub(super) struct Pattern {
    kind: Kind,
    /// Other formats have such lines, too: a match counts for less, and not at all in a log
    /// without lines of strong patterns.
    pub(super) is_weak: bool,
    matcher: Matcher,
    /// The text is what follows the match; else it is a group.
    tail: bool,
    /// How many steps the shape of the pattern before begins with as well.
    n_shared: usize,
}

/// How far a pattern that is a shape was read.
pub(super) type PatternReading = Reading<{ GROUPS.len() }>;

/// How a pattern is matched.
#[derive(Debug)]
enum Matcher {
    Shape(Shape),
    Regex(Lazy),
    Fields(Fields),
}

/// A regular expression that is compiled when it is needed.
#[derive(Debug)]
struct Lazy {
    source: String,
    /// The part before the expression, up to a time stamp, which is no regular expression.
    lead: Option<Shape>,
    /// Whether the stamp may be missing.
    is_optional: bool,
    /// The beginning of a matching line, as far as that is a shape.
    head: Option<Shape>,
    /// A text that every match contains; used until the expression is compiled.
    needed: OnceLock<String>,
    made: OnceLock<Made>,
}

/// With the place of each of [`GROUPS`] among the groups of the expression.
#[derive(Debug)]
struct Made {
    regex: Regex,
    places: [Option<usize>; GROUPS.len()],
}

/// A line whose part before the expression matched.
struct Begun<'a, 'p> {
    /// Where `rest` begins.
    start: usize,
    /// The groups in front of it.
    front: Found<{ GROUPS.len() }>,
    rest: &'a str,
    made: &'p Made,
}

impl Pattern {
    /// The pattern of `expression`, in which `{name}` stands for a part of that name. It must
    /// describe the whole line except blanks at its end. [`Self::check`] validates it.
    pub(super) fn new(
        kind: Kind,
        is_weak: bool,
        expression: &str,
        parts: &BTreeMap<String, String>,
    ) -> Self {
        let whole = expanded(expression, parts);
        // The parts of a line are short, but the text may be long: it is not scanned. With
        // alternatives, the end may belong to the last one only.
        let head = whole.strip_suffix(TAIL).filter(|head| !has_alternatives(head));
        let tail = head.is_some();
        let matcher = match Shape::parse(head.unwrap_or(&whole), &GROUPS) {
            Some(shape) => Matcher::Shape(shape),
            None => Matcher::Regex(Lazy::new(&whole, tail)),
        };
        Self { kind, is_weak, matcher, tail, n_shared: 0 }
    }

    /// The pattern of lines that are named fields.
    pub(super) fn of_fields(kind: Kind, is_weak: bool, fields: Fields) -> Self {
        Self { kind, is_weak, matcher: Matcher::Fields(fields), tail: false, n_shared: 0 }
    }

    /// Notes that `before` is tried before this one.
    pub(super) fn follow(&mut self, before: &Self) {
        if let (Matcher::Shape(shape), Matcher::Shape(before)) = (&self.matcher, &before.matcher) {
            self.n_shared = shape.n_shared(before);
        }
    }

    /// Whether `expression`, the source of this pattern, is valid. An error is half a sentence.
    pub(super) fn check(&self, expression: &str) -> Result<(), String> {
        let Matcher::Regex(lazy) = &self.matcher else { return Ok(()) };
        if lazy.source.contains(TIME) {
            let shown = toml_file::shown(expression);
            return Err(format!("pattern {shown} has no plain beginning up to {TIME}"));
        }
        let made = Made::new(&lazy.source)
            .map_err(|problem| format!("pattern {} {problem}", toml_file::shown(expression)))?;
        let mut names = made.regex.capture_names().flatten();
        if let Some(name) = names.find(|name| !GROUPS.contains(name)) {
            return Err(format!("unknown group \"{name}\"; {}", hint(name, &GROUPS)));
        }
        drop(names);
        // Another check may have set it already, to the same.
        lazy.made.set(made).or(Ok(()))
    }

    /// How strongly a match indicates the format. Server lines and unparsed events match hardly
    /// more than a stamp.
    pub(super) fn strength(&self) -> Strength {
        match (self.is_weak, self.kind) {
            (false, _) => Strength::Strong,
            (true, Kind::Server) => Strength::Rest,
            (true, _) => Strength::Weak,
        }
    }

    pub(super) fn describes(&self, line: &str, parsed: &mut Parsed) -> bool {
        match &self.matcher {
            Matcher::Shape(shape) => {
                self.shape(shape, line, &mut PatternReading::default()).is_some()
            }
            Matcher::Fields(fields) => fields.read(self.kind, line, parsed).is_some(),
            Matcher::Regex(lazy) => lazy.begun(line).is_some_and(|begun| {
                if begun.made.places[SAME].is_some() {
                    let reading = &mut PatternReading::default();
                    return self.read(line, reading, &mut None, parsed).is_some();
                }
                begun.made.regex.is_match(begun.rest)
            }),
        }
    }

    /// The parts of `line`. `reading` is how far the pattern before this one was read, if that was
    /// tried.
    pub(super) fn read<'a>(
        &self,
        line: &'a str,
        reading: &mut PatternReading,
        slots: &mut Option<CaptureLocations>,
        parsed: &mut Parsed,
    ) -> Option<Parts<'a>> {
        let (end, found) = match &self.matcher {
            Matcher::Shape(shape) => {
                let end = self.shape(shape, line, reading)?;
                (end, std::mem::take(&mut reading.found))
            }
            Matcher::Fields(fields) => return fields.read(self.kind, line, parsed),
            Matcher::Regex(lazy) => lazy.read(line, slots)?,
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

    /// The end of a match by `shape`: of the whole line except blanks, unless the text follows.
    fn shape(&self, shape: &Shape, line: &str, reading: &mut PatternReading) -> Option<usize> {
        let end = shape.read_on(line, self.n_shared, reading)?;
        let is_whole = self.tail || line.get(end..)?.trim_start().is_empty();
        is_whole.then_some(end)
    }
}

impl Lazy {
    /// The expression `whole`; a text that is its end is left out where it is a `tail`.
    fn new(whole: &str, tail: bool) -> Self {
        let head = (!has_alternatives(whole)).then(|| Shape::head(whole, &GROUPS));
        let (lead, rest) = split(whole);
        let inner = lead.strip_prefix("(?:").and_then(|lead| lead.strip_suffix(")?"));
        let is_optional = inner.is_some();
        let lead = Shape::parse(inner.unwrap_or(lead), &GROUPS).filter(|_| !lead.is_empty());
        let rest = if lead.is_some() { rest } else { whole };
        let source = match rest.strip_suffix(TAIL).filter(|_| tail) {
            Some(rest) => format!("^(?:{rest})"),
            None => format!(r"^(?:{rest})\s*$"),
        };
        Self { source, lead, is_optional, head, needed: OnceLock::new(), made: OnceLock::new() }
    }

    /// The end of a match, and its groups.
    fn read(
        &self,
        line: &str,
        slots: &mut Option<CaptureLocations>,
    ) -> Option<(usize, Found<{ GROUPS.len() }>)> {
        let Begun { start, front, rest, made: Made { regex, places } } = self.begun(line)?;
        let slots = slots.get_or_insert_with(|| regex.capture_locations());
        let end = start + regex.captures_read(slots, rest)?.end();
        let group = |i: usize| {
            let place = places[i].and_then(|place| slots.get(place));
            place.map(|(from, to)| start + from..start + to).or(front[i].clone())
        };
        Some((end, std::array::from_fn(group)))
    }

    /// The rest of `line` for the expression, unless its beginning cannot match.
    fn begun<'a>(&self, line: &'a str) -> Option<Begun<'a, '_>> {
        if let Some(head) = &self.head {
            head.read::<{ GROUPS.len() }>(line)?;
        }
        let nothing = (0, [const { None }; GROUPS.len()]);
        let (start, front) = match &self.lead {
            Some(lead) => match lead.read(line) {
                Some(read) => read,
                None if self.is_optional => nothing,
                None => return None,
            },
            None => nothing,
        };
        let rest = line.get(start..)?;
        if self.made.get().is_none() {
            let needed = self.needed.get_or_init(|| literal::needed(&self.source));
            rest.contains(&**needed).then_some(())?;
        }
        let made = self.made.get_or_init(|| {
            Made::new(&self.source).expect("patterns in the program are tested, others checked")
        });
        Some(Begun { start, front, rest, made })
    }
}

impl Made {
    fn new(source: &str) -> Result<Self, String> {
        let regex = toml_file::regex(source)?;
        let place = |name| regex.capture_names().position(|known| known == Some(name));
        Ok(Self { places: GROUPS.map(place), regex })
    }
}

/// `pattern` up to its time stamp and the group that this is in, and the rest.
fn split(pattern: &str) -> (&str, &str) {
    let Some(at) = pattern.find(TIME) else { return ("", pattern) };
    let at = at + TIME.len();
    let is_in_group = pattern.starts_with("(?:") && !pattern[..at].contains(')');
    let end = pattern[at..].find(")?").filter(|_| is_in_group);
    pattern.split_at(end.map_or(at, |end| at + end + ")?".len()))
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

/// Whether `pattern` has alternatives outside its groups.
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
