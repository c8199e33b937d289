//! The style of what is written to the terminal: with or without escape sequences, and the charset.
#![forbid(unsafe_code)]

use std::io::IsTerminal;

use crate::diagnostics::escaped;

/// How the transcript looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Lines, or a screen.
    pub look: Look,
    /// The characters that may be written.
    pub charset: Charset,
}

/// Lines, or a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Only answers and errors.
    Quiet,
    /// Lines that stay as they are: for files, pipes, screen readers.
    Plain,
    /// The line being spoken is marked, and a status line is at the bottom.
    Rich,
}

/// The characters that may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Others are escaped.
    Ascii,
    /// All.
    Utf8,
}

impl Style {
    /// The style for standard error; `plain` when the user asked for plain lines.
    pub fn new(plain: bool) -> Self {
        let value = |name: &str| std::env::var_os(name).map(|it| it.to_string_lossy().into_owned());
        Self::choose(plain || !std::io::stderr().is_terminal(), value)
    }

    /// The style for standard error with `--quiet`.
    pub fn quiet() -> Self {
        Self { look: Look::Quiet, ..Self::new(true) }
    }

    /// The style by the environment: `TERM`, `NO_COLOR` (<https://no-color.org>) and the locale.
    fn choose(plain: bool, value: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| value(name).filter(|it| !it.is_empty());
        let is_dumb = value("TERM").is_none_or(|term| term == "dumb");
        let plain = plain || is_dumb || value("NO_COLOR").is_some();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
        let is_utf8 = locale.is_some_and(|it| {
            let it = it.to_ascii_lowercase();
            it.contains("utf-8") || it.contains("utf8")
        });
        Self {
            look: if plain { Look::Plain } else { Look::Rich },
            charset: if is_utf8 { Charset::Utf8 } else { Charset::Ascii },
        }
    }

    /// Erases the status line when the terminal is given back.
    pub fn erase(self) -> &'static [u8] {
        match self.look {
            Look::Quiet | Look::Plain => b"",
            Look::Rich => b"\r\x1b[K",
        }
    }

    /// `text` from outside, without what a terminal acts on or cannot show.
    pub(super) fn clean(self, text: &str) -> String {
        let text = escaped(text);
        match self.charset {
            Charset::Utf8 => text,
            Charset::Ascii => text.chars().fold(String::new(), |mut clean, c| {
                if c.is_ascii() {
                    clean.push(c);
                } else {
                    clean.extend(c.escape_default());
                }
                clean
            }),
        }
    }

    /// Stands for what is left out.
    pub(super) fn ellipsis(self) -> &'static str {
        match self.charset {
            Charset::Ascii => "...",
            Charset::Utf8 => "…",
        }
    }

    /// Stands before what is being spoken.
    pub(super) fn mark(self) -> &'static str {
        match self.charset {
            Charset::Ascii => "> ",
            Charset::Utf8 => "▶ ",
        }
    }

    /// Stands between the parts of the status line.
    pub(super) fn separator(self) -> &'static str {
        match self.charset {
            Charset::Ascii => ", ",
            Charset::Utf8 => " · ",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses_the_style() {
        use {Charset::*, Look::*};
        for (plain, environment, look, charset) in [
            (false, "TERM=xterm LANG=C.UTF-8", Rich, Utf8),
            (true, "TERM=xterm LANG=C.UTF-8", Plain, Utf8),
            (false, "TERM=dumb LANG=de_DE.utf8", Plain, Utf8),
            (false, "LANG=C.UTF-8", Plain, Utf8),
            (false, "TERM=xterm NO_COLOR=1 LANG=C", Plain, Ascii),
            (false, "TERM=xterm NO_COLOR= LC_ALL= LC_CTYPE=C.UTF-8 LANG=C", Rich, Utf8),
            (false, "TERM=xterm LC_ALL=C LANG=C.UTF-8", Rich, Ascii),
            (false, "TERM=xterm", Rich, Ascii),
        ] {
            let value = |name: &str| {
                let mut pairs = environment.split(' ').filter_map(|pair| pair.split_once('='));
                pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
            };
            assert_eq!(Style::choose(plain, value), Style { look, charset }, "{environment}");
        }
    }

    #[test]
    fn text_from_outside_is_clean() {
        for (text, utf8, ascii) in [
            ("hello", "hello", "hello"),
            ("\x1b[2J\x07\u{9b}", r"\u{1b}[2J\u{7}\u{9b}", r"\u{1b}[2J\u{7}\u{9b}"),
            ("né 🦀", "né 🦀", r"n\u{e9} \u{1f980}"),
            ("a\u{202e}b\r\n", r"a\u{202e}b\r\n", r"a\u{202e}b\r\n"),
        ] {
            let clean = |charset| Style { look: Look::Plain, charset }.clean(text);
            assert_eq!((clean(Charset::Utf8), clean(Charset::Ascii)), (utf8.into(), ascii.into()));
        }
    }
}
