//! Which bytes a text holds, which of them side by side, and which ones a pattern needs: most
//! patterns need not be tried on most lines.
#![forbid(unsafe_code)]

use std::ops::Range;

use memchr::memmem::Finder;
use regex_syntax::hir::{Class, Hir, HirKind};

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
}

impl Needs {
    /// What `pattern` needs; nothing where it is no regular expression.
    pub(super) fn of(pattern: &str) -> Self {
        let Ok(hir) = regex_syntax::parse(pattern) else { return Self::default() };
        let mut bytes = Vec::new();
        collect(&hir, &mut bytes);
        bytes.sort_by_key(|set| set.n());
        bytes.dedup();
        bytes.truncate(6);
        let literals = literals(&hir).unwrap_or_default();
        Self { bytes, pairs: pairs::needs(&hir), literals }
    }
}

/// Sets of bytes, of which a text holds something: a bit for each.
type Met = u128;

const BITS: usize = Met::BITS as usize;

/// The needs of many patterns, each different set of bytes once: a text is compared with all at
/// once.
#[derive(Debug)]
pub(super) struct Index {
    /// The sets that a byte is in.
    by_byte: [Met; OTHERS as usize + 1],
    /// What each pattern needs.
    needs: Vec<(Met, Vec<Pairs>, Vec<Finder<'static>>)>,
}

/// What a text holds, by an [`Index`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Held<'a>(Met, Pairs, &'a [u8]);

impl Default for Index {
    fn default() -> Self {
        Self { by_byte: [0; OTHERS as usize + 1], needs: Vec::new() }
    }
}

impl Index {
    /// The index of patterns that need this.
    pub(super) fn of<'a>(all: impl Iterator<Item = &'a Needs>) -> Self {
        let mut index = Self::default();
        let mut sets: Vec<ByteSet> = Vec::new();
        for needs in all {
            let mut bits = 0;
            for set in &needs.bytes {
                let at = sets.iter().position(|known| known == set).unwrap_or(sets.len());
                if at == sets.len() {
                    sets.push(*set);
                }
                // Where there are more sets than bits, a pattern is tried more often than need be.
                bits |= Met::from(at < BITS) << (at % BITS);
            }
            let finders = needs.literals.iter().map(|it| Finder::new(it).into_owned()).collect();
            index.needs.push((bits, needs.pairs.clone(), finders));
        }
        for (b, bits) in (0..).zip(&mut index.by_byte) {
            for (at, set) in sets.iter().enumerate().take(BITS) {
                *bits |= Met::from(set.has(b)) << at;
            }
        }
        index
    }

    /// What `text` holds.
    pub(super) fn held_by<'a>(&self, text: &'a str) -> Held<'a> {
        let bytes = text.bytes().map(|b| self.by_byte[usize::from(b.min(OTHERS))]);
        Held(bytes.fold(0, |met, bits| met | bits), pairs::of(text), text.as_bytes())
    }

    /// The places, among these, of the patterns that a text which holds this may match.
    pub(super) fn matching(
        &self,
        held: Held<'_>,
        places: Range<usize>,
    ) -> impl Iterator<Item = usize> {
        let Held(met, pairs, text) = held;
        let are_met = move |(bits, needed, literals): &(Met, Vec<Pairs>, Vec<Finder<'_>>)| {
            bits & !met == 0
                && needed.iter().all(|any| any & pairs != 0)
                && (literals.is_empty() || literals.iter().any(|it| it.find(text).is_some()))
        };
        places.filter(move |at| are_met(&self.needs[*at]))
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

/// The most texts of which a pattern needs one: looking for more takes longer than the pattern.
const MOST_LITERALS: usize = 10;

/// Texts of which every match holds one; none where there are no such, or many.
fn literals(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![str::from_utf8(&literal.0).ok()?.to_owned()]),
        HirKind::Class(Class::Unicode(class)) => {
            let n = class.iter().map(|it| it.len()).sum::<usize>();
            let chars = || class.iter().flat_map(|it| it.start()..=it.end());
            (n <= MOST_LITERALS / 2).then(|| chars().map(String::from).collect())
        }
        HirKind::Repetition(repeated) if repeated.min > 0 => literals(&repeated.sub),
        HirKind::Capture(capture) => literals(&capture.sub),
        HirKind::Concat(parts) => {
            // The longest are the rarest.
            let shortest = |any: &Vec<String>| any.iter().map(String::len).min();
            parts.iter().filter_map(literals).max_by_key(shortest)
        }
        HirKind::Alternation(ways) => {
            let all: Vec<_> = ways.iter().map(literals).collect::<Option<_>>()?;
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
            let index = Index::of([Needs::of("other"), Needs::of(pattern)].iter());
            let held = index.held_by(text);
            assert_eq!(index.matching(held, 1..2).count() == 1, is_met, "{pattern} in {text}");
        }
    }
}
