//! Most lines of a log begin with parts that can be read from left to right without backtracking: a
//! stamp, a nick up to `>`. Patterns of only such parts are matched here, as the regex crate took
//! about 200 ns to find the groups in a line of sic. Such a pattern may have ASCII characters,
//! classes, `{time}`, `?`, `*`, `+`, `{n}`, `{n,m}`, groups, and `?` behind a group, where the next
//! character always decides how to continue.
#![forbid(unsafe_code)]

use std::ops::Range;

use super::stamp;

/// Stands for a time stamp, as the group `time`.
pub(super) const TIME: &str = "{time}";

/// Where each group was found, in the order of the names.
pub(super) type Found<const N: usize> = [Option<Range<usize>>; N];

/// A pattern that is read from left to right.
#[derive(Debug)]
pub(super) struct Shape {
    steps: Vec<Step>,
}

/// A set of bytes; all bytes of characters that are not ASCII are in it, or none.
type Set = [bool; 256];

#[derive(Debug, PartialEq)]
enum Step {
    /// One character.
    Byte(u8),
    /// Between `min` and `max` characters of a set.
    Run { set: Box<Set>, min: usize, max: usize },
    /// A group begins.
    Open(usize),
    /// A group ends.
    Close(usize),
    /// A time stamp.
    Stamp,
    /// The next `steps` are skipped unless the next byte is in the set that they begin with.
    Maybe { set: Box<Set>, steps: usize },
}

impl Shape {
    /// Parses `pattern`, whose groups are some of `names`. None when it is no shape.
    pub(super) fn parse(pattern: &str, names: &[&str]) -> Option<Self> {
        let mut parser = Parser { rest: pattern, names, steps: Vec::new() };
        parser.sequence()?;
        let Parser { rest: "", steps, .. } = parser else { return None };
        is_deterministic(&steps).then_some(Self { steps })
    }

    /// The longest beginning of `pattern` that is a shape; every match begins with it.
    pub(super) fn head(pattern: &str, names: &[&str]) -> Self {
        let mut parser = Parser { rest: pattern, names, steps: Vec::new() };
        let mut ends = Vec::new();
        while !parser.rest.is_empty() {
            let read =
                if parser.rest.starts_with('(') { parser.group() } else { parser.characters() };
            if read.is_none() {
                break;
            }
            ends.push(parser.steps.len());
        }
        let Parser { mut steps, .. } = parser;
        let is_head = |end: &&usize| is_deterministic(&steps[..**end]);
        let end = ends.iter().rev().find(is_head).copied().unwrap_or(0);
        steps.truncate(end);
        Self { steps }
    }

    /// Where the match at the beginning of `line` ends, and its groups.
    pub(super) fn read<const N: usize>(&self, line: &str) -> Option<(usize, Found<N>)> {
        let mut reading = Reading::default();
        let end = self.read_on(line, 0, &mut reading)?;
        Some((end, reading.found))
    }

    /// How many steps both begin with.
    pub(super) fn n_shared(&self, other: &Self) -> usize {
        self.steps.iter().zip(&other.steps).take_while(|(a, b)| a == b).count()
    }

    /// Where the match at the beginning of `line` ends. `reading` is how far the shape before this one
    /// was read, which begins with the same `n_shared` steps: they are not read again. It gets the
    /// groups.
    pub(super) fn read_on<const N: usize>(
        &self,
        line: &str,
        n_shared: usize,
        reading: &mut Reading<N>,
    ) -> Option<usize> {
        match reading.stopped {
            Some(step) if step < n_shared => return None,
            Some(step) if step == n_shared => {}
            Some(_) | None => *reading = Reading::default(),
        }
        let bytes = line.as_bytes();
        let mut i = reading.stopped.unwrap_or(0);
        while let Some(step) = self.steps.get(i) {
            reading.stopped = Some(i);
            let Reading { at, found, .. } = reading;
            i += 1;
            match step {
                Step::Byte(byte) if bytes.get(*at) == Some(byte) => *at += 1,
                Step::Byte(_) => return None,
                Step::Run { set, min, max } => *at = run(bytes, *at, set, *min, *max)?,
                Step::Open(group) => *found.get_mut(*group)? = Some(*at..*at),
                Step::Close(group) => found.get_mut(*group)?.as_mut()?.end = *at,
                Step::Stamp => *at = stamp::end(bytes, *at)?,
                Step::Maybe { set, steps } => {
                    if !bytes.get(*at).is_some_and(|&byte| set[usize::from(byte)]) {
                        i += steps;
                    }
                }
            }
        }
        reading.stopped = None;
        Some(reading.at)
    }
}

/// How far a line was read.
#[derive(Debug)]
pub(super) struct Reading<const N: usize> {
    /// The step that was no match; none where nothing was read, or all of a shape.
    stopped: Option<usize>,
    /// The bytes that were read.
    at: usize,
    /// The groups in them.
    pub(super) found: Found<N>,
}

impl<const N: usize> Default for Reading<N> {
    fn default() -> Self {
        Self { stopped: None, at: 0, found: [const { None }; N] }
    }
}

/// The end of as many characters of `set` as there are from `at`, `max` at most.
fn run(bytes: &[u8], mut at: usize, set: &Set, min: usize, max: usize) -> Option<usize> {
    let is_in = |at: usize| bytes.get(at).is_some_and(|&byte| set[usize::from(byte)]);
    let start = at;
    if max == usize::MAX {
        let rest = bytes.get(at..).unwrap_or_default();
        at += rest.iter().take_while(|&&byte| set[usize::from(byte)]).count();
        // Bytes are not characters, but there is one of these if there is one of those.
        return (min == 0 || (min == 1 && at > start)).then_some(at);
    }
    let mut n = 0;
    while n < max && is_in(at) {
        at += 1;
        while bytes.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
            at += 1;
        }
        n += 1;
    }
    (n >= min).then_some(at)
}

/// Whether the next byte always decides how to continue.
fn is_deterministic(steps: &[Step]) -> bool {
    let apart =
        |set: &Set, after: usize| !set.iter().zip(begins(steps, after)).any(|(a, b)| *a && b);
    steps.iter().enumerate().all(|(i, step)| match step {
        Step::Run { set, min, max } => min == max || apart(set, i + 1),
        // Once inside there is no backtracking, so what follows must begin otherwise.
        Step::Maybe { set, steps: inside } => {
            let after = i + 1 + inside;
            apart(set, after) && steps[after..].iter().any(is_needed)
        }
        Step::Byte(_) | Step::Stamp | Step::Open(_) | Step::Close(_) => true,
    })
}

/// Whether `step` takes at least one byte.
fn is_needed(step: &Step) -> bool {
    match step {
        Step::Byte(_) | Step::Stamp => true,
        Step::Run { min, .. } => *min > 0,
        Step::Open(_) | Step::Close(_) | Step::Maybe { .. } => false,
    }
}

/// The bytes with which the steps from `from` can begin.
fn begins(steps: &[Step], from: usize) -> Set {
    let mut all = [false; 256];
    let add = |all: &mut Set, set: &Set| all.iter_mut().zip(set).for_each(|(all, one)| *all |= one);
    let mut i = from;
    while let Some(step) = steps.get(i) {
        i += 1;
        match step {
            Step::Byte(byte) => {
                all[usize::from(*byte)] = true;
                break;
            }
            Step::Stamp => {
                (0..=u8::MAX).for_each(|byte| all[usize::from(byte)] |= stamp::may_begin(byte));
                break;
            }
            Step::Run { set, min, .. } => {
                add(&mut all, set);
                if *min > 0 {
                    break;
                }
            }
            Step::Maybe { set, steps } => {
                add(&mut all, set);
                i += steps;
            }
            Step::Open(_) | Step::Close(_) => {}
        }
    }
    all
}

struct Parser<'p> {
    rest: &'p str,
    names: &'p [&'p str],
    steps: Vec<Step>,
}

impl Parser<'_> {
    /// Reads up to the end or a closing bracket.
    fn sequence(&mut self) -> Option<()> {
        while !self.rest.is_empty() && !self.rest.starts_with(')') {
            if self.rest.starts_with('(') { self.group()? } else { self.characters()? }
        }
        Some(())
    }

    fn group(&mut self) -> Option<()> {
        let start = self.steps.len();
        let named = self.rest.strip_prefix("(?P<").and_then(|rest| rest.split_once('>'));
        let group = if let Some((name, rest)) = named {
            self.rest = rest;
            Some(self.names.iter().position(|known| *known == name)?)
        } else {
            self.rest = self.rest.strip_prefix("(?:")?;
            None
        };
        self.steps.extend(group.map(Step::Open));
        self.sequence()?;
        self.steps.extend(group.map(Step::Close));
        self.rest = self.rest.strip_prefix(')')?;
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            let (set, steps) = (Box::new(begins(&self.steps, start)), self.steps.len() - start);
            // What can be empty may also begin with what follows it.
            let solid = self.steps[start..].iter().any(is_needed);
            self.steps.insert(start, Step::Maybe { set, steps });
            return (solid && !self.is_repeated()).then_some(());
        }
        (!self.is_repeated()).then_some(())
    }

    fn is_repeated(&self) -> bool {
        self.rest.starts_with(['*', '+', '?', '{']) && !self.rest.starts_with(TIME)
    }

    /// Reads a character or a class with its quantifier, or a time stamp.
    fn characters(&mut self) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix(TIME) {
            self.rest = rest;
            let group = self.names.iter().position(|known| *known == "time")?;
            self.steps.extend([Step::Open(group), Step::Stamp, Step::Close(group)]);
            return (!self.is_repeated()).then_some(());
        }
        let set = if let Some(rest) = self.rest.strip_prefix('[') {
            self.rest = rest;
            self.class()?
        } else if let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            let mut set = [true; 256];
            set[usize::from(b'\n')] = false;
            set
        } else {
            if self.rest.starts_with(['^', '$', '|', '*', '+', '?', '{', '}', ']']) {
                return None;
            }
            let byte = self.character()?;
            if !self.is_repeated() {
                self.steps.push(Step::Byte(byte));
                return Some(());
            }
            let mut set = [false; 256];
            set[usize::from(byte)] = true;
            set
        };
        let (min, max) = self.quantifier()?;
        let set = Box::new(set);
        self.steps.push(Step::Run { set, min, max });
        // Not supported: lazy and possessive quantifiers, and `{n,}` with more than one.
        (!self.is_repeated() && (max != usize::MAX || min <= 1)).then_some(())
    }

    fn quantifier(&mut self) -> Option<(usize, usize)> {
        for (sign, range) in [('?', (0, 1)), ('*', (0, usize::MAX)), ('+', (1, usize::MAX))] {
            if let Some(rest) = self.rest.strip_prefix(sign) {
                self.rest = rest;
                return Some(range);
            }
        }
        let is_range = !self.rest.starts_with(TIME);
        let Some(inner) = self.rest.strip_prefix('{').filter(|_| is_range) else {
            return Some((1, 1));
        };
        let (inner, rest) = inner.split_once('}')?;
        self.rest = rest;
        let (min, max) = inner.split_once(',').unwrap_or((inner, inner));
        Some((min.parse().ok()?, max.parse().ok()?))
    }

    /// A class after its opening bracket.
    fn class(&mut self) -> Option<Set> {
        let negated = self.rest.strip_prefix('^');
        self.rest = negated.unwrap_or(self.rest);
        if self.rest.starts_with(']') {
            return None; // the one place where it stands for itself
        }
        let mut set = [false; 256];
        loop {
            if let Some(rest) = self.rest.strip_prefix(']') {
                self.rest = rest;
                return Some(if negated.is_some() { set.map(|is_in| !is_in) } else { set });
            }
            if self.rest.starts_with('[') || self.rest.starts_with("&&") {
                return None;
            }
            let from = self.character()?;
            let is_range = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            let to = if is_range {
                self.rest = &self.rest[1..];
                self.character()?
            } else {
                from
            };
            (from..=to).for_each(|byte| set[usize::from(byte)] = true);
        }
    }

    /// One ASCII character, maybe escaped.
    fn character(&mut self) -> Option<u8> {
        let (escaped, rest) = match self.rest.strip_prefix('\\') {
            Some(rest) => (true, rest),
            None => (false, self.rest),
        };
        let c = rest.chars().next().filter(char::is_ascii)?;
        self.rest = &rest[1..];
        match c {
            't' if escaped => Some(b'\t'),
            _ if escaped && c.is_ascii_alphanumeric() => None,
            _ => u8::try_from(c).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    const NAMES: [&str; 2] = ["a", "b"];

    #[test]
    fn only_what_needs_no_backtracking_is_a_shape() {
        for (pattern, is_shape) in [
            (r"(?P<a>[#&+!][^ :]*) *: (?P<b>[0-9/-]+ [0-9:]+) <", true),
            (r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})? \[x\]", true),
            (r"-!-\t.", true),
            (r"[^ :]+ *: ", true),
            (r"x(?:ab)?y", true),
            (r"x(?:ab)?y*", false), // of "xac" it is to match the "x"
            (r"[^ ]+: ", false),    // the first may eat the second
            (r"a?ab", false),
            (r"(?:ab)?ac", false),
            (r"(?:a?)?b", false),
            (r"x+?", false),
            (r"x|y", false),
            (r"\d", false),
            (r"[*⚡]", false),
            (r"(?P<c>x)", false),
            (r"(?i:x)", false),
            (r"(?:x)*", false),
            (r"(x)", false),
            (r"^x$", false),
            (r"[[:alpha:]]", false),
            (r"(?:x", false),
            (r"x)", false),
        ] {
            assert_eq!(Shape::parse(pattern, &NAMES).is_some(), is_shape, "pattern: {pattern}");
        }
    }

    proptest::proptest! {
        /// A shape finds what the regex crate finds.
        #[test]
        fn a_shape_is_a_regular_expression(
            pattern in "((a|b|[ab]|[^a]|[^ab é-]|-|é|\\.|\\[|[a-b]|.)(|[?]|[*]|[+]|[{]2[}]|[{]1,2[}])){0,6}",
            group in "((a|[ab]|[^a])(|[?]|[*]|[+])){1,3}",
            optional: bool,
            line in "[abé. \\[-]{0,9}",
        ) {
            let pattern = format!("{pattern}(?P<a>{group}){}b?", if optional { "?" } else { "" });
            if let Some(shape) = Shape::parse(&pattern, &NAMES) {
                let regex = Regex::new(&format!("^(?:{pattern})")).expect("it is one");
                let found = shape.read::<2>(&line).map(|(end, groups)| (end, groups[0].clone()));
                let expected = regex.captures(&line).map(|captures| {
                    (captures[0].len(), captures.name("a").map(|group| group.range()))
                });
                proptest::prop_assert_eq!(found, expected, "{}", pattern);
            }
        }

        /// A shape that goes on where another one stopped finds what it finds alone.
        #[test]
        fn what_two_shapes_begin_with_is_read_once(
            shared in "((a|b|[ab]|[^a]|-)(|[?]|[*]|[+])){0,3}",
            ends in proptest::array::uniform3("((a|ab|[ab]|-|[(][?]P<a>[ab][*][)])){0,3}"),
            line in "[ab-]{0,9}",
        ) {
            let parse = |end: &String| Shape::parse(&format!("{shared}{end}"), &NAMES);
            let mut reading = Reading::<2>::default();
            let mut before: Option<Shape> = None;
            for shape in ends.iter().filter_map(parse) {
                let n_shared = before.as_ref().map_or(0, |it| shape.n_shared(it));
                let end = shape.read_on(&line, n_shared, &mut reading);
                let found = end.map(|end| (end, reading.found.clone()));
                proptest::prop_assert_eq!(found, shape.read::<2>(&line));
                before = Some(shape);
            }
        }
    }
}
