//! Patterns for texts of few characters: what is left of a pattern where a text has ASCII alone is
//! smaller, compiled sooner and searched faster.
#![forbid(unsafe_code)]

use regex_syntax::hir::{
    Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition,
};

/// The pattern that matches in texts of ASCII what `pattern` matches; none where it matches nothing
/// in them, or is no regular expression. Groups that never match are missing.
pub(super) fn ascii(pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    narrowed(&hir, &ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]))
        .map(|it| it.to_string())
}

/// Whether `pattern` may match in a text that has no other characters than these.
pub(super) fn may_match(pattern: &str, characters: &str) -> bool {
    let ranges = characters.chars().map(|c| ClassUnicodeRange::new(c, c));
    let hir = regex_syntax::parse(pattern);
    hir.is_ok_and(|hir| narrowed(&hir, &ClassUnicode::new(ranges)).is_some())
}

/// `hir` without what characters outside of `allowed` match; none where nothing is left.
fn narrowed(hir: &Hir, allowed: &ClassUnicode) -> Option<Hir> {
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => {
            let text = str::from_utf8(&literal.0).ok()?;
            let is_allowed = |c| allowed.iter().any(|it| (it.start()..=it.end()).contains(&c));
            text.chars().all(is_allowed).then(|| hir.clone())?
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.intersect(allowed);
            (!class.ranges().is_empty()).then(|| Hir::class(Class::Unicode(class)))?
        }
        HirKind::Class(Class::Bytes(_)) => hir.clone(),
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            look => *look,
        }),
        HirKind::Repetition(repeated) => match narrowed(&repeated.sub, allowed) {
            Some(sub) => {
                Hir::repetition(Repetition { sub: Box::new(grouped(sub)), ..repeated.clone() })
            }
            None if repeated.min == 0 => Hir::empty(),
            None => return None,
        },
        HirKind::Capture(capture) => {
            let sub = Box::new(narrowed(&capture.sub, allowed)?);
            Hir::capture(Capture { sub, ..capture.clone() })
        }
        HirKind::Concat(parts) => {
            Hir::concat(parts.iter().map(|part| narrowed(part, allowed)).collect::<Option<_>>()?)
        }
        HirKind::Alternation(ways) => {
            let ways: Vec<_> = ways.iter().filter_map(|way| narrowed(way, allowed)).collect();
            (!ways.is_empty()).then(|| Hir::alternation(ways))?
        }
    })
}

/// `hir` in a group where it is a repetition: what is repeated twice is printed without one, and
/// "(?:a{3})?" would be "a{3}?".
fn grouped(hir: Hir) -> Hir {
    match hir.kind() {
        HirKind::Repetition(_) => {
            Hir::capture(Capture { index: 0, name: None, sub: Box::new(hir) })
        }
        _ => hir,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_narrowed() {
        for (pattern, narrow) in [
            (r"(?P<a>\d+)[-–]x", Some(r"(?:(?P<a>[0-9]+)(?:\-x))")),
            ("a|ä|(?:ö|b)", Some("[ab]")),
            ("x(?:é|ü+)?", Some("x")),
            (r"\bé", None),
            ("€", None),
            ("(", None),
            ("(?i)k", Some("[Kk]")),
            (r"\bM", Some(r"(?:(?-u:\b)M)")),
            (r"(?:\.{3}|…)?", Some(r"(\.{3})?")),
        ] {
            assert_eq!(ascii(pattern).as_deref(), narrow, "{pattern}");
        }
        assert!(may_match(r"[A-Z][a-z]+\d*", "Ab") && !may_match(r"[A-Z]\d", "Ab"));
    }

    /// What an embedded pattern finds in a text of ASCII, its narrow form finds as well.
    #[test]
    fn narrow_patterns_find_the_same() {
        let text = "Mon-Fri at 10:30, 12 km/h v1.2-rc1 $5.00 <b>x</b> [a](https://example.org/b) \
                    a_b getIt() 3x4 5k 2^3 s/a/b/ ~/x --y=z \"q\" it's 20% #12 @kim ok?";
        for pattern in
            [r"(?P<n>\d+(?:[.,]\d+)?)\s?%", r"(?P<x>[\w.]+)\^2", r"\S+@(\w+)", r"\b\w+\b"]
        {
            let [wide, narrow] = [pattern.to_owned(), ascii(pattern).unwrap_or_default()]
                .map(|it| regex::Regex::new(&it).expect("a pattern"));
            let found = |regex: &regex::Regex| -> Vec<_> {
                regex.find_iter(text).map(|it| it.range()).collect()
            };
            assert_eq!(found(&wide), found(&narrow), "{pattern}");
        }
    }
}
