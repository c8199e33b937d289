//! What has to stand in a line that matches a regular expression. To look for it takes nanoseconds,
//! to make the expression up to a millisecond, and for most lines of most logs that is in vain.
#![forbid(unsafe_code)]

/// The longest text that is in each line which `pattern` matches, as far as can be told without
/// understanding all of it; empty where nothing can.
pub(super) fn needed(pattern: &str) -> String {
    let mut scanner = Scanner { rest: pattern, is_odd: false };
    let text = scanner.sequence().filter(|_| !scanner.is_odd);
    text.unwrap_or_default()
}

/// Reads a pattern from left to right.
struct Scanner<'a> {
    rest: &'a str,
    /// There was something that may change what all of it means, or that is not understood.
    is_odd: bool,
}

impl Scanner<'_> {
    /// Up to a closing bracket, or the end. None where there are alternatives.
    fn sequence(&mut self) -> Option<String> {
        let (mut longest, mut run) = (String::new(), String::new());
        let mut is_told = true;
        while let Some(c) = self.next().filter(|&c| c != ')') {
            let before = run.len();
            let mut inside = None;
            match c {
                '|' => is_told = false,
                '(' => {
                    self.begin_group();
                    inside = self.sequence();
                }
                '[' => self.skip_class(),
                '\\' => run.extend(self.escaped()),
                '.' | '^' | '$' => {}
                c => run.push(c),
            }
            let (is_needed, is_once) = self.times();
            if !is_needed {
                run.truncate(before);
            }
            let run_ends = run.len() == before || !is_once;
            for text in inside.filter(|_| is_needed).into_iter().chain([run.clone()]) {
                if text.len() > longest.len() {
                    longest = text;
                }
            }
            if run_ends {
                run.clear();
            }
        }
        is_told.then_some(longest)
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What is behind a group's bracket: a name at most, not flags.
    fn begin_group(&mut self) {
        if self.take("?P<") || self.take("?<") {
            self.is_odd |= !self.any(|c| c == '>');
        } else {
            self.is_odd |= !self.take("?:") && self.rest.starts_with('?');
        }
    }

    /// The character that is meant literally behind a backslash, if one is.
    fn escaped(&mut self) -> Option<char> {
        let c = self.next()?;
        self.is_odd |= matches!(c, 'x' | 'u' | 'U' | 'p' | 'P'); // more of it follows
        (!c.is_alphanumeric()).then_some(c)
    }

    /// To the end of a class, whose first character may be a closing bracket.
    fn skip_class(&mut self) {
        self.take("^");
        self.take("]");
        while let Some(c) = self.next().filter(|&c| c != ']') {
            match c {
                '\\' => drop(self.next()),
                '[' => self.skip_class(), // as in [[:alpha:]]
                _ => {}
            }
        }
    }

    /// Whether what was just read has to be there, and whether it is there no more than once.
    fn times(&mut self) -> (bool, bool) {
        let times = match self.rest.chars().next() {
            Some('+') => (true, false),
            Some('?' | '*' | '{') => (false, false),
            Some(_) | None => return (true, true),
        };
        if self.next() == Some('{') {
            let _ = self.any(|c| c == '}');
        }
        let _ = self.take("?"); // as few as may be
        times
    }
}

impl Iterator for Scanner<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
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
            ("abx+cd", "abx"),
            ("a*b{2,3}(?:cd)?e", "e"),
            ("ab|cdef", ""),
            ("a(?:bcd|efg)h", "a"),
            ("a(?:bcd(?:x|y)ef)+h", "bcd"),
            (r"a\dbc", "bc"),
            ("[]abc]d", "d"),
            ("[[:alpha:]x]d", "d"),
            ("(?i)abc", ""),
            ("a(?i:bcd)", ""),
            ("x(?:(?i)abc)d", ""),
            (r"\x41bc", ""),
            (r"a\p{L}bc", ""),
            ("a.+?bc", "bc"),
            ("«»", "«»"),
        ] {
            assert_eq!(needed(pattern), text, "{pattern}");
        }
    }
}
