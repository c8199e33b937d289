//! Bytes into lines: split, bounded, decoded. A read may be cut anywhere; a line is returned when
//! its end came.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::message::{FilePosition, Line, SourceId};

/// The bytes of a line that are kept; the rest, up to its end, is dropped.
pub const MAX_LINE: usize = 16 * 1024;

/// How long the writer must pause before an unfinished line is returned.
pub const PAUSE: Duration = Duration::from_secs(1);

/// Whole lines that one read brought, still as bytes: cheap to send, split without a copy.
#[derive(Debug)]
pub struct Lines {
    source: SourceId,
    bytes: Vec<u8>,
    received: Instant,
    continued: bool,
    is_live: bool,
    /// The generation of their file, and the offset where each line ends in it.
    ends: Option<(u32, Vec<u64>)>,
}

impl Lines {
    /// `bytes` holds whole lines; the last may lack its line end.
    pub fn new(source: SourceId, bytes: Vec<u8>, received: Instant) -> Self {
        Self { source, bytes, received, continued: false, is_live: true, ends: None }
    }

    /// Marks the first line as the rest of one whose beginning was returned before.
    #[must_use]
    pub fn continued(mut self, continued: bool) -> Self {
        self.continued = continued;
        self
    }

    /// Marks the lines as not live where they existed before anybody waited for them: the end of
    /// a log, what a finished pipe holds.
    #[must_use]
    pub fn live(mut self, is_live: bool) -> Self {
        self.is_live = is_live;
        self
    }

    /// Locates the lines: they end at these `offsets` of a file. One more offset, at the beginning,
    /// is that of a line end which gave no line, as the line was returned without it before.
    #[must_use]
    pub fn ending_at(mut self, generation: u32, mut offsets: Vec<u64>) -> Self {
        let n_lines = usize::try_from(self.n_lines()).unwrap_or(usize::MAX);
        offsets.drain(..offsets.len().saturating_sub(n_lines));
        self.ends = Some((generation, offsets));
        self
    }

    /// Where the line `at` (from 0) ends, if it was located.
    pub fn end(&self, at: usize) -> Option<FilePosition> {
        let (generation, offsets) = self.ends.as_ref()?;
        Some(FilePosition { generation: *generation, offset: *offsets.get(at)? })
    }

    /// Whether somebody waited for the lines when they came.
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// The source of all the lines.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// The size of the lines in bytes.
    pub fn n_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many lines there are, including empty ones.
    pub fn n_lines(&self) -> u64 {
        let ended = memchr::memchr_iter(b'\n', &self.bytes).count() as u64;
        ended + u64::from(self.bytes.last().is_some_and(|&last| last != b'\n'))
    }

    /// The lines, decoded, in order, including empty ones.
    pub fn iter(&self) -> impl Iterator<Item = Line<'_>> {
        self.part(&self.bytes, self.continued)
    }

    /// The lines in two parts: the first has so many sixteenths of the bytes.
    pub fn parts(&self, sixteenths: usize) -> [impl Iterator<Item = Line<'_>>; 2] {
        let middle = self.bytes.len() * sixteenths / 16;
        let end = memchr::memchr(b'\n', &self.bytes[middle..]).map_or(middle, |at| middle + at + 1);
        let (first, second) =
            self.bytes.split_at(if end > middle { end } else { self.bytes.len() });
        [self.part(first, self.continued), self.part(second, false)]
    }

    fn part<'a>(&self, bytes: &'a [u8], mut continued: bool) -> impl Iterator<Item = Line<'a>> {
        let (source, received) = (self.source, self.received);
        let mut rest = bytes;
        // Checked once for all lines: most logs are UTF-8 throughout.
        let mut clean = str::from_utf8(bytes).ok().filter(|_| !has_odd_byte(bytes));
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let after = (end + 1).min(rest.len());
            let text = match &mut clean {
                Some(text) if end <= MAX_LINE => {
                    let (line, later) = (&text[..end], &text[after..]);
                    *text = later;
                    Cow::Borrowed(line)
                }
                Some(text) => {
                    *text = &text[after..];
                    decode(&rest[..end])
                }
                None => decode(&rest[..end]),
            };
            rest = &rest[after..];
            Some(Line { source, text, received, continued: std::mem::take(&mut continued) })
        })
    }
}

/// Whether there is a byte that [`decode`] removes: of a carriage return, a NUL, a byte order
/// mark.
fn has_odd_byte(bytes: &[u8]) -> bool {
    memchr::memchr3(b'\r', 0, 0xef, bytes).is_some()
}

/// Decodes one line: as UTF-8 where valid, as UTF-16 (little-endian, as Windows writes it) where it
/// must be, else as Windows-1252, a superset of Latin-1 in which any byte is valid. The carriage
/// return of a line end, NULs and a byte order mark at the beginning are removed; other carriage
/// returns become blanks.
pub fn decode(line: &[u8]) -> Cow<'_, str> {
    if let Some(text) = wide(line) {
        return Cow::Owned(text);
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    let line = cut(line);
    let text = match std::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(line).0,
    };
    if memchr::memchr2(0, b'\r', text.as_bytes()).is_none() {
        return text;
    }
    Cow::Owned(
        text.chars().filter(|&c| c != '\0').map(|c| if c == '\r' { ' ' } else { c }).collect(),
    )
}

/// The text of a line of UTF-16: it begins with a byte order mark, or with the second half of the
/// line end before it; it holds an ASCII character, if only a blank, and no NUL.
fn wide(line: &[u8]) -> Option<String> {
    let text = line.strip_prefix(b"\xff\xfe").or_else(|| line.strip_prefix(b"\0"))?;
    let (pairs, []) = text[..text.len().min(MAX_LINE)].as_chunks::<2>() else { return None };
    let is_narrow = |[low, high]: &[u8; 2]| *high == 0 && *low != 0;
    if pairs.contains(&[0, 0]) || !pairs.iter().any(is_narrow) {
        return None;
    }
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let text = String::from_utf16_lossy(&units);
    Some(text.strip_suffix('\r').unwrap_or(&text).replace('\r', " "))
}

/// The first [`MAX_LINE`] bytes of `line`, fewer where that would cut a character.
fn cut(line: &[u8]) -> &[u8] {
    if line.len() <= MAX_LINE {
        return line;
    }
    let mut end = MAX_LINE;
    // A UTF-8 character has at most three continuation bytes.
    while end > MAX_LINE - 4 && line[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    &line[..end]
}

/// Gathers what is read into whole lines, in bounded memory.
#[derive(Debug, Default)]
pub struct Splitter {
    partial: Vec<u8>,
    /// In the rest of a line longer than [`MAX_LINE`], whose end has not come yet.
    discarding: bool,
}

impl Splitter {
    /// Takes what was read; returns the lines that are now whole, if any.
    pub fn push(&mut self, read: &[u8]) -> Option<Vec<u8>> {
        let Some(last) = memchr::memrchr(b'\n', read) else {
            self.keep(read);
            return None;
        };
        let (mut whole, rest) = read.split_at(last + 1);
        let mut lines = std::mem::take(&mut self.partial);
        if std::mem::take(&mut self.discarding) {
            let end = memchr::memchr(b'\n', whole).unwrap_or(last);
            whole = &whole[end..]; // the line end closes what is kept of the long line
        }
        lines.extend_from_slice(whole);
        self.keep(rest);
        Some(lines)
    }

    /// Stops waiting for the line end and returns the unfinished line, if any. What is over
    /// [`MAX_LINE`] stays dropped, up to its line end.
    pub fn flush(&mut self) -> Option<Vec<u8>> {
        self.is_unfinished().then(|| std::mem::take(&mut self.partial))
    }

    /// Whether something waits for its line end: more than the second half of UTF-16's.
    pub fn is_unfinished(&self) -> bool {
        self.partial.iter().any(|&byte| byte != 0)
    }

    /// How many bytes are waiting for their line end.
    #[cfg(test)]
    fn pending(&self) -> usize {
        self.partial.len()
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.discarding {
            return;
        }
        // One character more than the bound, so that `cut` sees where to cut.
        let room = (MAX_LINE + 4).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.discarding = bytes.len() > room;
    }
}

/// A [`Splitter`] that also returns an unfinished line, once, when its writer has paused, and marks
/// what follows as its continuation.
#[derive(Debug)]
pub struct Gatherer {
    source: SourceId,
    splitter: Splitter,
    /// The beginning of the next line was returned already.
    continues: bool,
    /// When the last byte came.
    last_read: Option<Instant>,
}

impl Gatherer {
    /// Gathers the lines of `source`.
    pub fn new(source: SourceId) -> Self {
        Self { source, splitter: Splitter::default(), continues: false, last_read: None }
    }

    /// Another instance returned the beginning of the first line.
    #[must_use]
    pub fn continuing(self, continues: bool) -> Self {
        Self { continues, ..self }
    }

    /// Takes what was `read` at `now`; returns the lines that are now whole, if any.
    pub fn push(&mut self, read: &[u8], now: Instant) -> Option<Lines> {
        self.last_read = Some(now);
        let mut bytes = self.splitter.push(read)?;
        let continued = std::mem::take(&mut self.continues);
        if continued {
            // A line end alone adds nothing to the line that was returned.
            let end = bytes.iter().take_while(|&&byte| byte == b'\r').count() + 1;
            if bytes.get(end - 1) == Some(&b'\n') {
                bytes.drain(..end);
                return (!bytes.is_empty()).then(|| Lines::new(self.source, bytes, now));
            }
        }
        Some(Lines::new(self.source, bytes, now).continued(continued))
    }

    /// When to [`flush`](Self::flush), if nothing comes until then.
    pub fn deadline(&self) -> Option<Instant> {
        self.splitter.is_unfinished().then(|| self.last_read.map(|last| last + PAUSE))?
    }

    /// Returns the unfinished line, if any.
    pub fn flush(&mut self) -> Option<Lines> {
        let received = self.last_read?;
        let bytes = self.splitter.flush()?;
        let continued = std::mem::replace(&mut self.continues, true);
        Some(Lines::new(self.source, bytes, received).continued(continued))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_decoded() {
        for (bytes, text) in [
            (&b"plain"[..], "plain"),
            (b"crlf\r", "crlf"),
            (b"two\rparts", "two parts"),
            (b"nul\0byte", "nulbyte"),
            (b"\xef\xbb\xbfmarked", "marked"),
            ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
            (b"caf\xe9 ol\xff", "caf\u{e9} ol\u{ff}"), // Latin-1
            (b"\xff\xfea\0\x1f\x04 \0\r\0", "a\u{41f} "), // UTF-16, the first line
            (b"\0\x1f\x04 \0a\0", "\u{41f} a"),        // and another
            (b"\0plain", "plain"),
            (b"\0\0\0\0plain", "plain"),
        ] {
            assert_eq!(decode(bytes), text, "line: {bytes:?}");
        }
    }

    #[test]
    fn reads_cut_anywhere_give_whole_lines() {
        let text = b"one\ntwo\n\nthree";
        for cut in 0..text.len() {
            let mut splitter = Splitter::default();
            let mut got = Vec::new();
            for part in [&text[..cut], &text[cut..]] {
                got.extend(splitter.push(part).unwrap_or_default());
            }
            got.extend(splitter.flush().unwrap_or_default());
            assert_eq!(got, text, "cut at {cut}");
        }
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        let mut splitter = Splitter::default();
        for _ in 0..100 {
            assert_eq!(splitter.push(&[b'A'; 1024]), None);
            assert!(splitter.pending() <= MAX_LINE + 4);
        }
        let bytes = splitter.push(b"AAA\nnext\n").expect("two lines ended");
        let now = crate::clock::test_now();
        let lines = Lines::new(SourceId(0), bytes, now);
        let texts: Vec<_> = lines.iter().map(|line| line.text).collect();
        assert_eq!(texts, ["A".repeat(MAX_LINE).as_str(), "next"]);
    }

    #[test]
    fn parts_are_the_whole() {
        let now = crate::clock::test_now();
        for text in ["", "one", "one\ntwo\n", "one\r\n\nthree\n\u{feff}four", "\n\n\n", "aaaa\nb"] {
            let lines = Lines::new(SourceId(0), text.into(), now).continued(true);
            let whole: Vec<_> = lines.iter().collect();
            assert_eq!(lines.n_lines(), whole.len() as u64);
            let parts: Vec<_> = lines.parts(6).into_iter().flatten().collect();
            assert_eq!(parts, whole, "{text:?}");
        }
    }

    #[test]
    fn a_cut_does_not_split_a_character() {
        let line = format!("{}é", "a".repeat(MAX_LINE - 1));
        assert_eq!(decode(line.as_bytes()), "a".repeat(MAX_LINE - 1));
    }

    /// The text of each of `lines`, with a plus before what continues a line.
    fn texts(lines: Option<&Lines>) -> Vec<String> {
        let text = |line: Line| format!("{}{}", if line.continued { "+" } else { "" }, line.text);
        lines.into_iter().flat_map(Lines::iter).map(text).collect()
    }

    #[test]
    fn an_unfinished_line_is_returned_once_and_the_rest_continues_it() {
        let now = crate::clock::test_now();
        for (rest, heard) in [
            (&b"lo\nnext\n"[..], &["+lo", "next"][..]),
            (b"\nnext\n", &["next"]),
            (b"\r\n", &[]),
            (b"\n", &[]),
        ] {
            let mut gatherer = Gatherer::new(SourceId(0));
            assert!(gatherer.deadline().is_none());
            assert!(gatherer.push(b"hel", now).is_none());
            assert_eq!(gatherer.deadline(), Some(now + PAUSE));
            assert_eq!(texts(gatherer.flush().as_ref()), ["hel"]);
            assert!(gatherer.deadline().is_none());
            assert_eq!(texts(gatherer.push(rest, now).as_ref()), heard, "rest: {rest:?}");
        }
    }

    #[test]
    fn lines_of_utf_16_are_whole_when_their_writer_pauses() {
        let now = crate::clock::test_now();
        let mut gatherer = Gatherer::new(SourceId(0));
        for (read, heard) in [(&b"\xff\xfea\0\r\0\n\0"[..], "a"), (b"b\0\x1f\x04\n\0", "b\u{41f}")]
        {
            assert_eq!(texts(gatherer.push(read, now).as_ref()), [heard]);
            assert!(gatherer.deadline().is_none() && gatherer.flush().is_none());
        }
    }

    #[test]
    fn the_rest_of_a_long_line_is_dropped_after_a_pause_too() {
        let now = crate::clock::test_now();
        let mut gatherer = Gatherer::new(SourceId(0));
        assert!(gatherer.push(&vec![b'A'; 2 * MAX_LINE], now).is_none());
        assert_eq!(texts(gatherer.flush().as_ref()), ["A".repeat(MAX_LINE)]);
        assert_eq!(texts(gatherer.push(b"AAA\nnext\n", now).as_ref()), ["next"]);
    }
}
