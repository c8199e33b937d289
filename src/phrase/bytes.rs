//! Which bytes a text holds, and which ones a pattern needs: most patterns need not be tried on
//! most lines.
#![forbid(unsafe_code)]

use regex_syntax::hir::{Class, Hir, HirKind};

/// A set of ASCII characters; DEL, which no text holds, stands for all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 2]);

const OTHERS: u8 = 0x7f;

/// A set of more characters than these rules little out.
const MOST: u32 = 40;

impl ByteSet {
    /// The characters of `text`.
    pub(super) fn of(text: &str) -> Self {
        let mut set = Self::default();
        text.bytes().for_each(|b| set.add(b));
        set
    }

    fn add(&mut self, b: u8) {
        let b = b.min(OTHERS);
        self.0[usize::from(b >> 6)] |= 1 << (b & 63);
    }

    fn n(self) -> u32 {
        self.0[0].count_ones() + self.0[1].count_ones()
    }

    fn or(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }

    fn meets(self, other: Self) -> bool {
        (self.0[0] & other.0[0]) | (self.0[1] & other.0[1]) != 0
    }
}

/// What a text must hold for a pattern to match: something of each set.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs(Vec<ByteSet>);

impl Needs {
    /// What `pattern` needs; nothing where it is no regular expression.
    pub(super) fn of(pattern: &str) -> Self {
        let mut sets = Vec::new();
        if let Ok(hir) = regex_syntax::parse(pattern) {
            collect(&hir, &mut sets);
        }
        sets.sort_by_key(|set| set.n());
        sets.dedup();
        sets.truncate(6);
        Self(sets)
    }

    /// Whether a text of these characters may match.
    pub(super) fn are_met(&self, text: ByteSet) -> bool {
        self.0.iter().all(|set| set.meets(text))
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
            ("[*×]", "3 × 4", true),
            ("[*×]", "3 x 4", false),
            ("(", "b", true),
        ] {
            let needs = Needs::of(pattern);
            assert_eq!(needs.are_met(ByteSet::of(text)), is_met, "{pattern} in {text}");
        }
    }
}
