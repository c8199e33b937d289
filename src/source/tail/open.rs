//! Opens a log and finds its last lines.
#![forbid(unsafe_code)]

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// How much is read at once, backwards.
const BLOCK: usize = 64 * 1024;

/// How many lines a sample for format detection has at most.
const SAMPLE_LINES: u64 = 200;

/// How many bytes a sample for format detection has at most.
const SAMPLE: u64 = 64 * 1024;

/// Opens `path` for reading without blocking on a pipe's writer, or adopting a terminal.
pub(super) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// Where the last `lines` lines of the first `size` bytes of `file` begin, and the lines before
/// them as a sample for format detection.
pub(super) fn place(file: &File, size: u64, lines: u64) -> io::Result<(u64, Vec<u8>)> {
    let found = last_lines(file, size, lines)
        .and_then(|offset| sample(file, offset).map(|sample| (offset, sample)));
    match found {
        // Truncated just now: all of its content is new.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok((0, Vec::new())),
        found => found,
    }
}

/// Where the last `lines` lines of the first `size` bytes of `file` begin. An unfinished last
/// line is one of them.
fn last_lines(file: &File, size: u64, lines: u64) -> io::Result<u64> {
    if lines == 0 {
        return Ok(size);
    }
    if lines == u64::MAX {
        return Ok(0);
    }
    let mut block = vec![0; BLOCK];
    let (mut start, mut found) = (size, 0);
    while start > 0 {
        let end = start;
        start = end.saturating_sub(BLOCK as u64);
        let n = usize::try_from(end - start).unwrap_or(BLOCK);
        file.read_exact_at(&mut block[..n], start)?;
        for place in memchr::memrchr_iter(b'\n', &block[..n]) {
            let after = start + place as u64 + 1;
            found += u64::from(after < size); // the last line's own end begins no line
            if found == lines {
                return Ok(after);
            }
        }
    }
    Ok(0)
}

/// The lines before `end` that the format is detected from.
pub(super) fn sample(file: &File, end: u64) -> io::Result<Vec<u8>> {
    let floor = end.saturating_sub(SAMPLE);
    let start = last_lines(file, end, SAMPLE_LINES)?.max(floor);
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)?;
    if start == floor && start > 0 {
        let whole = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
        bytes.drain(..whole); // the first line is most likely cut
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file
    }

    #[test]
    fn last_lines_are_counted_like_tail() {
        for (text, lines, rest) in [
            ("", 2, ""),
            ("one\n", 0, ""),
            ("one\n", 1, "one\n"),
            ("one\n", 9, "one\n"),
            ("one\ntwo\nthree\n", 2, "two\nthree\n"),
            ("one\ntwo\nthree", 2, "two\nthree"),
            ("one\ntwo\nthree\n", 3, "one\ntwo\nthree\n"),
            ("one\n\n\n", 2, "\n\n"),
            ("one\ntwo\n", u64::MAX, "one\ntwo\n"),
        ] {
            let start = last_lines(&file(text.as_bytes()), text.len() as u64, lines).unwrap();
            assert_eq!(&text[usize::try_from(start).unwrap()..], rest, "{lines} of {text:?}");
        }
    }

    #[test]
    fn a_file_truncated_during_the_read_is_all_new() {
        assert_eq!(place(&file(b"one\n"), 9, 2).unwrap(), (0, Vec::new()));
    }

    #[test]
    fn last_lines_reach_over_blocks() {
        let line = format!("{}\n", "x".repeat(999));
        let text = line.repeat(500);
        let start = last_lines(&file(text.as_bytes()), text.len() as u64, 300).unwrap();
        assert_eq!(start, 200_000);
    }

    #[test]
    fn a_sample_is_whole_lines_and_bounded() {
        for (text, end, sampled) in [
            ("one\ntwo\nthree\n".to_owned(), 8, "one\ntwo\n".to_owned()),
            ("one\n".to_owned(), 0, String::new()),
            ("x\n".repeat(1000), 2000, "x\n".repeat(200)),
            (format!("{}\n", "x".repeat(9_999)).repeat(10), 100_000, {
                format!("{}\n", "x".repeat(9_999)).repeat(6)
            }),
        ] {
            let bytes = sample(&file(text.as_bytes()), end).unwrap();
            assert!(bytes == sampled.as_bytes(), "{} bytes of {}", bytes.len(), text.len());
        }
    }
}
