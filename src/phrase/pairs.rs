//! Which kinds of characters stand side by side in a text, and which ones must do so where a pattern
//! matches: "20 km" has a digit before a blank, which hardly any pattern of numbers can do without.
#![forbid(unsafe_code)]

use regex_syntax::hir::{Class, Hir, HirKind};

/// A set of kinds of bytes: small and capital letters, digits, blanks, other signs of ASCII, all
/// others.
type Kinds = u8;

const SIGN: u32 = 4;
const OTHER: u32 = 5;
const N_KINDS: u32 = 6;

/// A set of pairs of kinds: a bit for each.
pub(super) type Pairs = u64;

const fn kind(b: u8) -> u32 {
    match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        b' ' => 3,
        ..0x80 => SIGN,
        _ => OTHER,
    }
}

/// The kind of each byte.
const KINDS: [u8; 256] = {
    let (mut kinds, mut b) = ([0; 256], 0);
    while b < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "there are six kinds of 256 bytes")]
        let kind = kind(b as u8) as u8;
        kinds[b] = kind;
        b += 1;
    }
    kinds
};

/// The pairs that stand in `text`.
pub(super) fn of(text: &str) -> Pairs {
    let kinds = |b: u8| u32::from(KINDS[usize::from(b)]);
    let bytes = text.as_bytes();
    let pairs = bytes.iter().zip(&bytes[1.min(bytes.len())..]);
    pairs.fold(0, |pairs, (last, next)| pairs | 1 << (N_KINDS * kinds(*last) + kinds(*next)))
}

/// The pairs of one of `before` and one of `after`.
fn product(before: Kinds, after: Kinds) -> Pairs {
    let places = (0..N_KINDS).filter(|kind| before >> kind & 1 == 1);
    places.fold(0, |pairs, kind| pairs | Pairs::from(after) << (N_KINDS * kind))
}

/// Sets of which every match of a pattern has a pair each.
pub(super) fn needs(hir: &Hir) -> Vec<Pairs> {
    let mut needs = Vec::new();
    ends(hir, &mut needs);
    needs.sort_by_key(|pairs| pairs.count_ones());
    needs.dedup();
    needs
}

/// How what an expression matches begins and ends.
#[derive(Clone, Copy, Default)]
struct Ends {
    /// It may match nothing.
    may_be_empty: bool,
    first: Kinds,
    last: Kinds,
}

/// The ends of what `hir` matches; adds what it needs.
fn ends(hir: &Hir, needs: &mut Vec<Pairs>) -> Ends {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Ends { may_be_empty: true, first: 0, last: 0 },
        HirKind::Literal(literal) => {
            let kinds: Vec<Kinds> = literal.0.iter().map(|b| 1 << kind(*b)).collect();
            needs.extend(kinds.windows(2).map(|it| product(it[0], it[1])));
            let (first, last) = (kinds.first(), kinds.last());
            Ends {
                may_be_empty: kinds.is_empty(),
                first: first.copied().unwrap_or_default(),
                last: last.copied().unwrap_or_default(),
            }
        }
        HirKind::Class(class) => {
            let kinds = members(class);
            Ends { may_be_empty: false, first: kinds, last: kinds }
        }
        HirKind::Capture(capture) => ends(&capture.sub, needs),
        HirKind::Repetition(repeated) => {
            let mut own = Vec::new();
            let one = ends(&repeated.sub, &mut own);
            if repeated.min > 1 && !one.may_be_empty {
                own.push(product(one.last, one.first));
            }
            if repeated.min > 0 {
                needs.append(&mut own);
            }
            Ends { may_be_empty: one.may_be_empty || repeated.min == 0, ..one }
        }
        HirKind::Concat(parts) => in_row(parts, needs),
        HirKind::Alternation(ways) => any_of(ways, needs),
    }
}

/// The same of expressions one after another.
fn in_row(parts: &[Hir], needs: &mut Vec<Pairs>) -> Ends {
    let mut all = Ends { may_be_empty: true, first: 0, last: 0 };
    // The end of the last part that cannot be empty, and what may follow it.
    let mut open: Option<(Kinds, Kinds)> = None;
    for part in parts {
        let part = ends(part, needs);
        if let Some((_, next)) = &mut open {
            *next |= part.first;
        }
        if !part.may_be_empty {
            if let Some((last, next)) = open {
                needs.extend([product(last, next), product(all.last, part.first)]);
            }
            open = Some((part.last, 0));
        }
        if all.may_be_empty {
            all.first |= part.first;
            all.may_be_empty = part.may_be_empty;
        }
        all.last = if part.may_be_empty { all.last | part.last } else { part.last };
    }
    all
}

/// The same of alternatives: of each, the smallest need.
fn any_of(ways: &[Hir], needs: &mut Vec<Pairs>) -> Ends {
    let mut all = Ends::default();
    let mut any = Some(0);
    for way in ways {
        let mut own = Vec::new();
        let way = ends(way, &mut own);
        let least = own.into_iter().min_by_key(|pairs| pairs.count_ones());
        any = any.and_then(|any| Some(any | least?));
        all.may_be_empty |= way.may_be_empty;
        all.first |= way.first;
        all.last |= way.last;
    }
    needs.extend(any);
    all
}

fn members(class: &Class) -> Kinds {
    let Class::Unicode(class) = class else { return Kinds::MAX >> (8 - N_KINDS) };
    let mut kinds = 0;
    for range in class.ranges() {
        let (start, end) = (u32::from(range.start()), u32::from(range.end()));
        let ascii = (start..=end.min(0x7f)).filter_map(|c| u8::try_from(c).ok());
        kinds |= ascii.fold(0, |kinds, b| kinds | 1 << kind(b));
        kinds |= Kinds::from(end > 0x7f) << OTHER;
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_needs_pairs() {
        for (pattern, text, may_match) in [
            (r"\d+ ?(?:km|mph)", "20 km", true),
            (r"\d+ ?(?:km|mph)", "km 20", false),
            (r"\d+ ?(?:km|mph)", "20km", true),
            (r"[a-z][0-9]*[A-Z]", "a1", false),
            (r"[a-z][0-9]*[A-Z]", "aB", true),
            (r"[a-z][0-9]*[A-Z]", "a1B", true),
            (r"\d{1,3}(?: \d{3})+", "number 1234", false),
            (r"\d{1,3}(?: \d{3})+", "1 234", true),
            (r"\d{2}", "1 2", false),
            (r"\d{2}", "12", true),
            (r"(?:a|b )\d", "a1", true),
            (r"(?:a|b )\d", "b 1", true),
            (r"(?:a|b )\d", "b-1", false),
            ("(?:ab|1)", "1", true),
            ("-{3}", "a-b", false),
            ("é", "é", true),
            (r"x?\bé", "a é", true),
            ("#(?P<n>1)?", "#", true),
        ] {
            let hir = regex_syntax::parse(pattern).expect("a pattern");
            let is_met = needs(&hir).iter().all(|pairs| pairs & of(text) != 0);
            assert_eq!(is_met, may_match, "{pattern} in {text}");
        }
    }
}
