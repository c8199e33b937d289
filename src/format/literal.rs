//! The text that every match of a regular expression contains. Searching for it takes nanoseconds,
//! compiling the expression up to a millisecond, and most lines of most logs do not contain it.
#![forbid(unsafe_code)]

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{Ast, GroupKind, RepetitionKind};

/// The longest text in every line that `pattern` matches; empty where there is none, or where the
/// pattern ignores case.
pub(super) fn needed(pattern: &str) -> String {
    let mut texts = Texts::default();
    match Parser::new().parse(pattern) {
        Ok(ast) if texts.add(&ast) => texts.longest(),
        Ok(_) | Err(_) => String::new(),
    }
}

/// The texts that every match contains.
#[derive(Default)]
struct Texts {
    /// The last of them, which may be extended.
    run: String,
    longest: String,
}

impl Texts {
    /// Adds those of `ast`, after the ones before; false where flags change what letters match.
    fn add(&mut self, ast: &Ast) -> bool {
        match ast {
            Ast::Literal(literal) => self.run.push(literal.c),
            Ast::Empty(_) | Ast::Assertion(_) => {}
            Ast::Concat(concat) => return concat.asts.iter().all(|ast| self.add(ast)),
            Ast::Group(group) => {
                let has_flags = matches!(&group.kind, GroupKind::NonCapturing(flags)
                    if !flags.items.is_empty());
                return !has_flags && self.add(&group.ast);
            }
            Ast::Repetition(repetition) => {
                self.end_run();
                let is_needed = repetition.op.kind == RepetitionKind::OneOrMore;
                let is_plain = if is_needed {
                    self.add(&repetition.ast)
                } else {
                    Self::default().add(&repetition.ast)
                };
                self.end_run();
                return is_plain;
            }
            Ast::Alternation(alternation) => {
                self.end_run();
                return alternation.asts.iter().all(|ast| Self::default().add(ast));
            }
            Ast::Flags(_) => return false,
            Ast::Dot(_) | Ast::ClassUnicode(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) => {
                self.end_run();
            }
        }
        true
    }

    fn end_run(&mut self) {
        if self.run.len() > self.longest.len() {
            std::mem::swap(&mut self.run, &mut self.longest);
        }
        self.run.clear();
    }

    fn longest(mut self) -> String {
        self.end_run();
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_in_every_line() {
        for (pattern, text) in [
            ("", ""),
            ("abc", "abc"),
            (r"^(?:\[(?P<time>[0-9]+)\] \*\*\* (?P<sender>[^ ]+) has joined)\s*$", " has joined"),
            ("ab?cd", "cd"),
            ("abx+cd", "ab"),
            ("a*b{2,3}(?:cd)?e", "e"),
            ("ab|cdef", ""),
            ("a(?:bcd|efg)h", "a"),
            ("a(?:bcd(?:x|y)ef)+h", "bcd"),
            ("a(bc)d", "abcd"),
            (r"a\dbc", "bc"),
            ("[]abc]d", "d"),
            ("[[:alpha:]x]d", "d"),
            ("(?i)abc", ""),
            ("a(?i:bcd)", ""),
            ("x(?:(?i)abc)d", ""),
            ("x(?:(?i)abc|d)e", ""),
            (r"\x41bc", "Abc"),
            (r"a\p{L}bc", "bc"),
            ("a.+?bc", "bc"),
            ("«»", "«»"),
        ] {
            assert_eq!(needed(pattern), text, "{pattern}");
        }
    }
}
