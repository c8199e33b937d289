//! The text of an utterance's line and of the status line, and the rows they take.
#![forbid(unsafe_code)]

use super::super::tty::Size;
use super::super::{Entry, Snapshot};
use super::style::Style;
use crate::units::Wpm;

/// The escape sequences around the word being spoken.
const WORD: (&str, &str) = ("\x1b[1;4m", "\x1b[0m");

/// An utterance of the transcript.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) entry: Entry,
    pub(super) highlight: bool,
}

impl Line {
    /// `* [#chan] kim: hello`, where the star marks a highlight.
    pub(super) fn text(&self, style: Style) -> String {
        self.head(style) + &style.clean(&self.entry.text)
    }

    /// The line with the mark of the utterance being spoken and the `word` (first character and
    /// length) set off, and the rows that it takes: at most two less than there are. Where
    /// terminals differ in how wide it is, line breaks are inserted, so that its rows are known and
    /// it can be erased.
    pub(super) fn marked(
        &self,
        style: Style,
        word: Option<(usize, usize)>,
        size: Size,
    ) -> (String, usize) {
        let text = style.mark().to_owned() + &self.text(style);
        let most = size.rows.saturating_sub(2).max(1);
        let known = rows(&text, size.columns).filter(|n| *n <= most);
        let columns = if known.is_some() { usize::MAX } else { size.columns };
        let mut page =
            Page { columns, most, style, at: 0, n_rows: 1, is_full: false, text: String::new() };
        let [before, word, after] = self.parts(style, word);
        page.push(&(style.mark().to_owned() + &self.head(style) + &before));
        if !word.is_empty() {
            page.text.push_str(WORD.0);
            page.push(&word);
            page.text.push_str(WORD.1);
        }
        page.push(&after);
        (page.text, known.unwrap_or(page.n_rows))
    }

    /// What is before the word, the word, and what is after it.
    fn parts(&self, style: Style, word: Option<(usize, usize)>) -> [String; 3] {
        let (start, length) = word.unwrap_or_default();
        let part = |from: usize, n: usize| {
            style.clean(&self.entry.text.chars().skip(from).take(n).collect::<String>())
        };
        let word = part(start, length);
        if word.is_empty() {
            return [part(0, usize::MAX), String::new(), String::new()];
        }
        [part(0, start), word, part(start.saturating_add(length), usize::MAX)]
    }

    fn head(&self, style: Style) -> String {
        let star = if self.highlight { "* " } else { "" };
        let part = |open: &str, name: &Option<String>, close: &str| {
            name.as_ref().map(|it| format!("{open}{}{close}", style.clean(it))).unwrap_or_default()
        };
        let (channel, sender) = (&self.entry.channel, &self.entry.sender);
        format!("{star}{}{}", part("[", channel, "] "), part("", sender, ": "))
    }
}

/// Text in rows of at most `columns`, whichever characters the terminal draws wide.
struct Page {
    columns: usize,
    most: usize,
    style: Style,
    /// Columns of the last row that may be in use.
    at: usize,
    n_rows: usize,
    is_full: bool,
    text: String,
}

impl Page {
    fn push(&mut self, text: &str) {
        for c in text.chars() {
            let width = if is_narrow(c) { 1 } else { 2 };
            let is_last = self.n_rows == self.most && self.columns < usize::MAX;
            let room = if is_last { self.style.ellipsis().chars().count() } else { 0 };
            if self.is_full {
                return;
            }
            if self.at + width + room > self.columns && self.at > 0 {
                if is_last {
                    self.is_full = true;
                    self.text.push_str(self.style.ellipsis());
                    return;
                }
                self.text.push('\n');
                (self.at, self.n_rows) = (0, self.n_rows + 1);
            }
            self.text.push(c);
            self.at += width;
        }
    }
}

/// The status in one row, without zeroes: `220 wpm · 3 waiting · 4 s behind · paused`.
pub(super) fn status(state: &Snapshot, style: Style, columns: usize) -> String {
    let rate = if state.rate_now > Wpm(0) { state.rate_now } else { state.rate };
    let mut parts = vec![format!("{rate} wpm")];
    if state.volume != 100 {
        parts.push(format!("volume {} %", state.volume));
    }
    if state.waiting > 0 {
        parts.push(format!("{} waiting", state.waiting));
    }
    if state.lag_s >= 1.0 {
        parts.push(format!("{:.0} s behind", state.lag_s.floor()));
    }
    if !state.muted.is_empty() {
        parts.push(format!("{} muted", state.muted.len()));
    }
    if state.paused {
        parts.push("paused".to_owned());
    }
    // With the last column in use, the cursor's row would be uncertain.
    parts.join(style.separator()).chars().take(columns.saturating_sub(1)).collect()
}

/// The rows that `text` takes, wrapped by the terminal; none where terminals differ in that.
pub(super) fn rows(text: &str, columns: usize) -> Option<usize> {
    let n_chars = text.chars().count();
    if text.chars().all(is_narrow) {
        return Some(n_chars.div_ceil(columns.max(1)).max(1));
    }
    (2 * n_chars <= columns).then_some(1)
}

/// One column wide in every terminal: no East Asian character, no emoji, nothing that combines.
fn is_narrow(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{370}'..='\u{482}'
        | '\u{48a}'..='\u{52f}' | '\u{2010}'..='\u{2027}' | '€' | '▶')
}

#[cfg(test)]
mod tests {
    use super::super::style::{Charset, Look};
    use super::*;

    const UTF8: Style = Style { look: Look::Rich, charset: Charset::Utf8 };
    const ASCII: Style = Style { look: Look::Rich, charset: Charset::Ascii };

    fn line(channel: Option<&str>, sender: Option<&str>, text: &str, highlight: bool) -> Line {
        let owned = |it: Option<&str>| it.map(str::to_owned);
        let entry = Entry { channel: owned(channel), sender: owned(sender), ..Entry::default() };
        Line { entry: Entry { text: text.to_owned(), ..entry }, highlight }
    }

    #[test]
    fn a_line_names_channel_and_sender() {
        for (line, text) in [
            (line(Some("#rust"), Some("kim"), "hello", false), "[#rust] kim: hello"),
            (line(Some("#rust"), Some("kim"), "hi you", true), "* [#rust] kim: hi you"),
            (line(None, Some("k\x1bm"), "a\x1b[2Jb", false), r"k\u{1b}m: a\u{1b}[2Jb"),
            (line(None, None, "disk full", false), "disk full"),
        ] {
            assert_eq!(line.text(UTF8), text);
        }
    }

    #[test]
    fn a_word_is_counted_in_characters_of_the_text_as_it_came() {
        for (text, word, marked) in [
            ("né à vie", (3, 1), "kim: né \x1b[1;4mà\x1b[0m vie"),
            ("\x1b two", (2, 3), "kim: \\u{1b} \x1b[1;4mtwo\x1b[0m"),
            ("one", (0, 99), "kim: \x1b[1;4mone\x1b[0m"),
            ("one", (3, 1), "kim: one"),
            ("one", (usize::MAX, usize::MAX), "kim: one"),
            ("one", (0, 0), "kim: one"),
        ] {
            let line = line(None, Some("kim"), text, false);
            let (text, n_rows) = line.marked(UTF8, Some(word), Size::USUAL);
            assert_eq!((text, n_rows), (format!("▶ {marked}"), 1), "word: {word:?}");
        }
    }

    #[test]
    fn text_of_unknown_width_is_broken_into_known_rows() {
        let size = Size { columns: 10, rows: 5 };
        let narrow = Size { columns: 10, rows: 4 };
        for (text, word, size, marked, n_rows) in [
            ("abcdefghij", None, size, "▶ abcdefghij", 2),
            ("日本語", None, size, "▶ 日本語", 1),
            ("日本語日本語", None, size, "▶ 日本語日\n本語", 2),
            ("日本語日本語", Some((3, 2)), size, "▶ 日本語\x1b[1;4m日\n本\x1b[0m語", 2),
            ("日本語日本語日本語", None, narrow, "▶ 日本語日\n本語日本…", 2),
            ("abcdefghijklmnopqrstuvwxyz", None, narrow, "▶ abcdefgh\nijklmnopq…", 2),
        ] {
            let marks = line(None, None, text, false).marked(UTF8, word, size);
            assert_eq!(marks, (marked.to_owned(), n_rows), "{text}");
        }
    }

    #[test]
    fn the_status_leaves_out_defaults_and_zeroes() {
        let idle = Snapshot { rate: Wpm(220), volume: 100, ..Snapshot::default() };
        let busy = Snapshot { rate_now: Wpm(261), waiting: 3, lag_s: 4.9, ..idle.clone() };
        let muted = vec!["kim".to_owned()];
        let odd = Snapshot { volume: 90, paused: true, muted, ..idle.clone() };
        for (state, style, columns, text) in [
            (&idle, UTF8, 80, "220 wpm"),
            (&busy, UTF8, 80, "261 wpm · 3 waiting · 4 s behind"),
            (&busy, ASCII, 80, "261 wpm, 3 waiting, 4 s behind"),
            (&busy, UTF8, 12, "261 wpm · 3"),
            (&odd, UTF8, 80, "220 wpm · volume 90 % · 1 muted · paused"),
            (&odd, UTF8, 0, ""),
        ] {
            assert_eq!(status(state, style, columns), text);
        }
    }

    #[test]
    fn rows_are_counted_where_they_are_certain() {
        for (text, columns, n_rows) in [
            ("", 10, Some(1)),
            ("0123456789", 10, Some(1)),
            ("0123456789a", 10, Some(2)),
            ("▶ éà", 4, Some(1)),
            ("日本", 4, Some(1)),
            ("日本", 3, None),
            ("abc", 0, Some(3)),
        ] {
            assert_eq!(rows(text, columns), n_rows, "text: {text:?}");
        }
    }
}
