//! Which bytes a text holds, which of them side by side, and which ones a pattern needs: most
//! patterns need not be tried on most lines.
#![forbid(unsafe_code)]

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind};

use super::pairs::{self, Pairs};

/// A set of ASCII characters; DEL, which no text holds, stands for all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 2]);

const OTHERS: u8 = 0x7f;

/// A set of more characters than these rules little out.
const MOST: u32 = 40;

impl ByteSet {
    fn add(&mut self, b: u8) {
        let b = b.min(OTHERS);
        self.0[usize::from(b >> 6)] |= 1 << (b & 63);
    }

    fn has(self, b: u8) -> bool {
        self.0[usize::from(b >> 6)] >> (b & 63) & 1 == 1
    }

    fn n(self) -> u32 {
        self.0[0].count_ones() + self.0[1].count_ones()
    }

    fn or(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }
}

/// What a text must hold for a pattern to match: something of each set.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    bytes: Vec<ByteSet>,
    pairs: Vec<Pairs>,
    /// It must hold one of these as well; where there are none, any text does.
    literals: Vec<String>,
    /// It must hold a word of so many bytes.
    word: usize,
}

impl Needs {
    /// What `pattern` needs, whose matches have `fewest` bytes or more; nothing where it is no
    /// regular expression.
    pub(super) fn of(pattern: &str, fewest: usize) -> Self {
        let Ok(hir) = regex_syntax::parse(pattern) else { return Self::default() };
        let mut bytes = Vec::new();
        collect(&hir, &mut bytes);
        bytes.sort_by_key(|set| set.n());
        bytes.dedup();
        bytes.truncate(6);
        let literals = literals(&hir).unwrap_or_default();
        let word = if has_blank(&hir) { 0 } else { fewest };
        Self { bytes, pairs: pairs::needs(&hir), literals, word }
    }
}

/// Whether a match may hold a blank.
fn has_blank(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.contains(&b' '),
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().any(|it| (it.start()..=it.end()).contains(&' '))
        }
        HirKind::Class(Class::Bytes(_)) => true,
        HirKind::Repetition(repeated) => has_blank(&repeated.sub),
        HirKind::Capture(capture) => has_blank(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_blank),
        HirKind::Empty | HirKind::Look(_) => false,
    }
}

/// Sets of bytes, of which a text holds something: a bit for each.
type Met = u128;

const BITS: usize = Met::BITS as usize;

/// Patterns by their place: a bit for each.
type Mask = [u64; WORDS];

const WORDS: usize = 8;

/// More patterns than these are always tried.
const MOST_PATTERNS: usize = 64 * WORDS;

/// The needs of many patterns: a text is compared with all at once.
#[derive(Debug)]
pub(super) struct Index {
    /// Finds the literals that patterns need.
    literals: Option<AhoCorasick>,
    /// For each literal, the patterns that need it or another.
    by_literal: Vec<Mask>,
    /// The patterns that need no literal.
    free: Mask,
    /// The sets that a byte is in.
    by_byte: [Met; OTHERS as usize + 1],
    /// What each pattern needs beside literals.
    needs: Vec<Rest>,
}

/// What a pattern needs beside literals.
#[derive(Debug)]
struct Rest {
    /// Something of each of these sets.
    sets: Met,
    /// One of each of these pairs.
    pairs: Vec<Pairs>,
    /// A word of so many bytes.
    word: usize,
}

/// The patterns that a text may match, by an [`Index`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Held(Mask);

impl Default for Index {
    fn default() -> Self {
        Self::of(std::iter::empty())
    }
}

impl Index {
    /// The index of patterns that need this.
    pub(super) fn of<'a>(all: impl Iterator<Item = &'a Needs>) -> Self {
        let (mut literals, mut by_literal) = (Vec::<&str>::new(), Vec::<Mask>::new());
        let (mut free, mut needs) = ([0; WORDS], Vec::new());
        let mut sets: Vec<ByteSet> = Vec::new();
        for (at, needed) in all.take(MOST_PATTERNS).enumerate() {
            for literal in &needed.literals {
                let known = literals.iter().position(|it| it == literal);
                let known = known.unwrap_or_else(|| {
                    literals.push(literal);
                    by_literal.push([0; WORDS]);
                    literals.len() - 1
                });
                set(&mut by_literal[known], at);
            }
            if needed.literals.is_empty() {
                set(&mut free, at);
            }
            let mut bits = 0;
            for set in &needed.bytes {
                let at = sets.iter().position(|known| known == set).unwrap_or(sets.len());
                if at == sets.len() {
                    sets.push(*set);
                }
                // Where there are more sets than bits, a pattern is tried more often than need be.
                bits |= Met::from(at < BITS) << (at % BITS);
            }
            needs.push(Rest { sets: bits, pairs: needed.pairs.clone(), word: needed.word });
        }
        let mut by_byte = [0; OTHERS as usize + 1];
        for (b, bits) in (0..).zip(&mut by_byte) {
            for (at, set) in sets.iter().enumerate().take(BITS) {
                *bits |= Met::from(set.has(b)) << at;
            }
        }
        let literals = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(literals).ok();
        if literals.is_none() {
            free = [u64::MAX; WORDS];
        }
        Self { literals, by_literal, free, by_byte, needs }
    }

    /// What `text` holds.
    pub(super) fn held_by(&self, text: &str) -> Held {
        let mut held = Held(self.free);
        for found in self.literals.iter().flat_map(|it| it.find_overlapping_iter(text)) {
            let needing = &self.by_literal[found.pattern()];
            held.0.iter_mut().zip(needing).for_each(|(held, needing)| *held |= needing);
        }
        let bytes = text.bytes().map(|b| self.by_byte[usize::from(b.min(OTHERS))]);
        let unmet = !bytes.fold(0, |met, bits| met | bits);
        let pairs = pairs::of(text);
        let longest = text.split(' ').map(str::len).max().unwrap_or_default();
        for at in held.matching(0..self.needs.len()) {
            let needs = &self.needs[at];
            let is_met = needs.sets & unmet == 0
                && needs.word <= longest
                && needs.pairs.iter().all(|any| any & pairs != 0);
            held.0[at / 64] &= !(u64::from(!is_met) << (at % 64));
        }
        held
    }
}

fn set(mask: &mut Mask, at: usize) {
    mask[at / 64] |= 1 << (at % 64);
}

impl Held {
    /// The places, among these, of the patterns that the text may match, in their order.
    pub(super) fn matching(self, places: Range<usize>) -> impl Iterator<Item = usize> {
        let Range { mut start, end } = places;
        std::iter::from_fn(move || {
            while start < end.min(MOST_PATTERNS) {
                let rest = self.0[start / 64] >> (start % 64);
                if rest != 0 {
                    start += rest.trailing_zeros() as usize;
                    break;
                }
                start = (start / 64 + 1) * 64;
            }
            start += 1;
            (start <= end).then(|| start - 1)
        })
    }
}

/// Adds the sets of which every match holds something.
fn collect(hir: &Hir, sets: &mut Vec<ByteSet>) {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let one = |&b: &u8| {
                let mut set = ByteSet::default();
                set.add(b);
                set
            };
            sets.extend(literal.0.iter().map(one));
        }
        HirKind::Class(class) => sets.extend(members(class)),
        HirKind::Repetition(repeated) if repeated.min > 0 => collect(&repeated.sub, sets),
        HirKind::Capture(capture) => collect(&capture.sub, sets),
        HirKind::Concat(parts) => parts.iter().for_each(|part| collect(part, sets)),
        HirKind::Alternation(ways) => sets.extend(any_of(ways)),
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => {}
    }
}

/// The characters of a class, unless there are many.
fn members(class: &Class) -> Option<ByteSet> {
    let Class::Unicode(class) = class else { return None };
    let mut set = ByteSet::default();
    for range in class.ranges() {
        let (start, end) = (u32::from(range.start()), u32::from(range.end()));
        for c in start..=end.min(u32::from(OTHERS)) {
            set.add(u8::try_from(c).unwrap_or(OTHERS));
        }
        if end > u32::from(OTHERS) {
            set.add(OTHERS);
        }
    }
    (set.n() <= MOST).then_some(set)
}

/// Of an alternation, the smallest set of each way, together; none where a way needs nothing.
fn any_of(ways: &[Hir]) -> Option<ByteSet> {
    let mut all = ByteSet::default();
    for way in ways {
        let mut sets = Vec::new();
        collect(way, &mut sets);
        all = all.or(sets.into_iter().min_by_key(|set| set.n())?);
    }
    (all.n() <= MOST).then_some(all)
}

/// The most texts of which a pattern needs one.
const MOST_LITERALS: usize = 60;

/// Texts of which every match holds one, and which not every text holds; none where there are no
/// such, or many.
fn literals(hir: &Hir) -> Option<Vec<String>> {
    let is_rare =
        |it: &String| it.len() > 1 || !it.starts_with(|c: char| c.is_alphanumeric() || c == ' ');
    any_literal(hir).filter(|any| any.iter().all(is_rare))
}

fn any_literal(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![str::from_utf8(&literal.0).ok()?.to_owned()]),
        HirKind::Class(Class::Unicode(class)) => {
            let n = class.iter().map(ClassUnicodeRange::len).sum::<usize>();
            let chars = || class.iter().flat_map(|it| it.start()..=it.end());
            (n <= 8).then(|| chars().map(String::from).collect())
        }
        HirKind::Repetition(repeated) if repeated.min > 0 => any_literal(&repeated.sub),
        HirKind::Capture(capture) => any_literal(&capture.sub),
        HirKind::Concat(parts) => {
            // The longest are the rarest.
            let shortest = |any: &Vec<String>| any.iter().map(String::len).min();
            parts.iter().filter_map(any_literal).max_by_key(shortest)
        }
        HirKind::Alternation(ways) => {
            let all: Vec<_> = ways.iter().map(any_literal).collect::<Option<_>>()?;
            let all = all.concat();
            (all.len() <= MOST_LITERALS).then_some(all)
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) | HirKind::Class(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_needs_what_each_match_holds() {
        for (pattern, text, is_met) in [
            ("a+b?", "xa", true),
            ("a+b?", "xb", false),
            (r"\d{4}-\d\d", "2031-04", true),
            (r"\d{4}-\d\d", "2031 04", false),
            ("(?:km/h|mph)", "20 km/h", true),
            ("(?:km/h|mph)", "20", false),
            ("(?i)ab", "AB", true),
            ("[^a]", "b", true),
            ("(?:a|)", "b", true),
            ("ä", "a", false),
            ("ä", "ä", true),
            ("(?:in|to) ~/?|~/", "to and fro", false),
            ("(?:in|to) ~/?|~/", "to ~", true),
            ("World War (?:I|V)+", "Word was", false),
            ("World War (?:I|V)+", "World War I", true),
            ("[*×]", "3 × 4", true),
            ("[*×]", "3 x 4", false),
            ("(", "b", true),
        ] {
            let index = Index::of([Needs::of("other", 0), Needs::of(pattern, 0)].iter());
            let held = index.held_by(text);
            assert_eq!(held.matching(1..2).count() == 1, is_met, "{pattern} in {text}");
        }
    }
}
