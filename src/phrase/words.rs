//! Takes written tokens apart into words.
#![forbid(unsafe_code)]

/// The first `n` letters and digits, one by one: "9f2c" is "9 f 2 c".
pub(super) fn spelled(token: &str, n: usize) -> String {
    let mut out = String::with_capacity(2 * token.len());
    for c in token.chars().filter(|c| c.is_alphanumeric()).take(n) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// The words of an identifier: `foo_bar()` is "foo bar", `getUserName` is "get User Name",
/// `std::fs` is "std fs".
pub(super) fn identifier(token: &str) -> String {
    let mut out = String::with_capacity(token.len() + 4);
    let mut last = ' ';
    for c in token.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '\'') {
            if c.is_uppercase() && last.is_lowercase() {
                out.push(' ');
            }
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
        last = c;
    }
    out.truncate(out.trim_end().len());
    out
}

/// The words of a name in snake case, with its full stops: `my_file.py` is "my file.py".
pub(super) fn snake(token: &str) -> String {
    let words: Vec<_> = token.split('_').filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// The words of a name in camel case: "parseHTTPHeader" is "parse HTTP Header".
pub(super) fn humps(token: &str) -> String {
    let letters: Vec<char> = token.chars().collect();
    let mut out = String::with_capacity(token.len() + 4);
    for (at, &c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let is_start = c.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if is_start {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// The cells of a row in a table of Markdown, or the steps through menus, with commas between them.
pub(super) fn cells(row: &str) -> String {
    let cells: Vec<_> = row
        .split(['|', '>', '›', '»', '→'])
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    cells.join(", ")
}

/// The parts of a path, with blanks between them.
pub(super) fn path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for part in path.split(['/', '\\']).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&snake(part));
    }
    out
}

/// The longest part of an address that is said whole.
const LONGEST: usize = 24;

/// `part`, or its beginning if it is long.
pub(super) fn clipped(part: &str) -> &str {
    part.char_indices().nth(LONGEST).map_or(part, |(at, _)| &part[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_apart() {
        assert_eq!(spelled("9f2c41e", 4), "9 f 2 c");
        assert_eq!(spelled("a-b", 9), "a b");
        for (token, words) in [
            ("foo_bar()", "foo bar"),
            ("getUserName", "get User Name"),
            ("HTTPServer", "HTTPServer"),
            ("std::fs", "std fs"),
            ("__init__", "init"),
            ("x", "x"),
        ] {
            assert_eq!(identifier(token), words);
        }
        for (token, words) in [("my_file.py", "my file.py"), ("MAX_SIZE", "MAX SIZE")] {
            assert_eq!(snake(token), words);
        }
        for (token, words) in [
            ("getUserName", "get User Name"),
            ("parseHTTPHeader", "parse HTTP Header"),
            ("NullPointerException", "Null Pointer Exception"),
        ] {
            assert_eq!(humps(token), words);
        }
        assert_eq!(cells(" a | b |"), "a, b");
        for (path_, words) in [("/var/lib/x", "var lib x"), ("/", ""), (r"Users\a", "Users a")] {
            assert_eq!(path(path_), words);
        }
    }
}
