//! Shell patterns, and patterns with a date: finds the files that match, and the directories in
//! which others may appear.
//!
//! `*`, `?`, `[a-z]` and `[!a-z]` match within one name; a name that begins with a dot matches only
//! if the pattern begins with one. `**` is any number of directories, `{date}` is a date such as
//! 2026-11-24, and `{date:%Y%m%d}` is one in the format of strftime. A directory matches the files
//! in it.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use regex::bytes::Regex;

/// How deep `**` searches: a directory may be mounted within itself.
const DEEPEST: usize = 32;

/// Endings of files that are not plain logs: compressed, or an editor's.
const NO_LOGS: [&str; 9] = [".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z", ".zip", ".swp", "~"];

/// A path with wildcards or dates.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<Part>,
}

/// One component of a pattern.
#[derive(Clone, Debug)]
enum Part {
    /// This name, or the root.
    Name(OsString),
    /// Names that match; the groups are named by the codes of the date. With `hidden`, also those
    /// that begin with a dot.
    Names { regex: Regex, hidden: bool },
    /// Any number of directories.
    Tree,
}

/// The result of a look.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The files, in the order of their paths.
    pub(super) files: Vec<Match>,
    /// The directories in which others may appear.
    pub(super) directories: Vec<PathBuf>,
}

/// A file that matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Match {
    pub(super) path: PathBuf,
    pub(super) dated: Option<Dated>,
}

/// A name with a date in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dated {
    /// The path without the date, which all logs of a series share.
    pub(super) series: Vec<u8>,
    pub(super) date: Digits,
}

/// A date's digits, by [`CODES`].
pub(super) type Digits = [Vec<u8>; CODES.len()];

/// The strftime codes that a date may have, most significant first, and their numbers of digits.
const CODES: [(char, usize); 8] =
    [('Y', 4), ('y', 2), ('m', 2), ('j', 3), ('d', 2), ('H', 2), ('M', 2), ('S', 2)];

impl Pattern {
    /// The pattern of `path`; none if it names a single file. The error says what is wrong with it.
    pub(super) fn of(path: &Path) -> Result<Option<Self>, String> {
        if path.is_dir() {
            let mut pattern = Self::parse(path)?;
            pattern.parts.push(Part::of(b"*")?);
            return Ok(Some(pattern));
        }
        let is_pattern = path.as_os_str().as_bytes().iter().any(|byte| b"*?[".contains(byte))
            || path.as_os_str().to_string_lossy().contains("{date");
        if !is_pattern || path.symlink_metadata().is_ok() {
            return Ok(None);
        }
        Self::parse(path).map(Some)
    }

    fn parse(path: &Path) -> Result<Self, String> {
        let parts = path.components().map(|component| match component {
            Component::Normal(name) if name == "**" => Ok(Part::Tree),
            Component::Normal(name) => Part::of(name.as_bytes()),
            other => Ok(Part::Name(other.as_os_str().to_owned())),
        });
        let mut parts: Vec<_> = parts.collect::<Result<_, _>>()?;
        if matches!(parts.last(), Some(Part::Tree)) {
            parts.push(Part::of(b"*")?);
        }
        Ok(Self { parts })
    }

    /// Finds the files.
    pub(super) fn find(&self) -> Found {
        let mut found = Found::default();
        found.walk(Path::new(""), &self.parts, &Dated::default(), 0);
        found.files.sort();
        found.files.dedup();
        found
    }
}

impl Part {
    /// Parses one component of a pattern.
    fn of(name: &[u8]) -> Result<Self, String> {
        let mut regex = "^".to_owned();
        let mut rest = name;
        while let [first, after @ ..] = rest {
            rest = after;
            match first {
                b'*' => regex += "(?s-u:.)*",
                b'?' => regex += ".",
                b'[' if let Some(end) = end_of_class(after) => {
                    class(&after[..end], &mut regex);
                    rest = &after[end + 1..];
                }
                b'{' if after.starts_with(b"date") => {
                    let end = memchr::memchr(b'}', after).ok_or("{date has no }")?;
                    date(&after[b"date".len()..end], &mut regex)?;
                    rest = &after[end + 1..];
                }
                byte => literal(*byte, &mut regex),
            }
        }
        if name.iter().all(|byte| !b"*?[{".contains(byte)) {
            return Ok(Self::Name(OsStr::from_bytes(name).to_owned()));
        }
        let regex = Regex::new(&(regex + "$")).map_err(|error| error.to_string())?;
        Ok(Self::Names { regex, hidden: name.starts_with(b".") })
    }
}

/// The end of the class that begins before `after`; a leading bracket belongs to the class.
fn end_of_class(after: &[u8]) -> Option<usize> {
    let first = 1 + usize::from(after.starts_with(b"!") || after.starts_with(b"^"));
    Some(first + memchr::memchr(b']', after.get(first..)?)?)
}

/// Adds a shell's character class, given without its brackets, to a regular expression.
fn class(class: &[u8], regex: &mut String) {
    let (negation, rest) = match class {
        [b'!' | b'^', rest @ ..] => ("^", rest),
        rest => ("", rest),
    };
    *regex += "[";
    *regex += negation;
    for c in String::from_utf8_lossy(rest).chars() {
        if c.is_ascii_punctuation() && c != '-' {
            regex.push('\\');
        }
        regex.push(c);
    }
    *regex += "]";
}

fn literal(byte: u8, regex: &mut String) {
    if byte.is_ascii() {
        *regex += &regex::escape(char::from(byte).encode_utf8(&mut [0; 4]));
    } else {
        regex.extend(["(?-u:\\x", &format!("{byte:02x}"), ")"]);
    }
}

/// Adds the digits of a date; `format` is the text after "date".
fn date(format: &[u8], regex: &mut String) -> Result<(), String> {
    let format = String::from_utf8_lossy(format);
    let format = match format.strip_prefix(':') {
        Some(format) => format.replace("%F", "%Y-%m-%d"),
        None if format.is_empty() => "%Y-%m-%d".to_owned(),
        None => return Err(format!("{{date{format}}} is not a date; {{date:%Y%m%d}} is one")),
    };
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            *regex += &regex::escape(letter.encode_utf8(&mut [0; 4]));
            continue;
        }
        let code = letters.next();
        let known = CODES.iter().find(|(known, _)| Some(*known) == code);
        let (code, digits) = known.ok_or_else(|| {
            let code = code.map(String::from).unwrap_or_default();
            format!("unknown date code %{code}; %Y %y %m %d %j %H %M %S and %F are known")
        })?;
        regex.extend([&format!("(?<{code}>"), "[0-9]".repeat(*digits).as_str(), ")"]);
    }
    Ok(())
}

impl Found {
    /// Searches `place` for the remaining `parts`; `dated` is the date in the names so far.
    fn walk(&mut self, place: &Path, parts: &[Part], dated: &Dated, depth: usize) {
        let Some((part, rest)) = parts.split_first() else {
            return self.take(place, dated);
        };
        match part {
            Part::Name(name) => {
                let below = place.join(name);
                if below.symlink_metadata().is_err() {
                    self.directories.push(directory(place));
                } else {
                    self.walk(&below, rest, &dated.with(name.as_bytes()), depth);
                }
            }
            Part::Names { regex, hidden } => {
                self.directories.push(directory(place));
                for name in names(place) {
                    let is_hidden = name.as_bytes().starts_with(b".");
                    if is_hidden <= *hidden
                        && let Some(dated) = dated.with_match(regex, name.as_bytes())
                    {
                        self.walk(&place.join(name), rest, &dated, depth);
                    }
                }
            }
            Part::Tree => {
                self.walk(place, rest, dated, depth);
                self.directories.push(directory(place));
                for name in names(place).filter(|name| !name.as_bytes().starts_with(b".")) {
                    let below = place.join(&name);
                    // Links are skipped: one may lead back here.
                    let is_directory = below.symlink_metadata().is_ok_and(|it| it.is_dir());
                    if is_directory && depth < DEEPEST {
                        self.walk(&below, parts, &dated.with(name.as_bytes()), depth + 1);
                    }
                }
            }
        }
    }

    /// Adds the file `path`, if it may be a log.
    fn take(&mut self, path: &Path, dated: &Dated) {
        let name = path.as_os_str().as_bytes();
        let may_be = NO_LOGS.iter().all(|ending| !name.ends_with(ending.as_bytes()));
        if may_be && path.metadata().is_ok_and(|metadata| metadata.is_file()) {
            let has_date = dated.date.iter().any(|digits| !digits.is_empty());
            let dated = has_date.then(|| dated.clone());
            self.files.push(Match { path: path.to_owned(), dated });
        }
    }
}

impl Dated {
    /// Adds a name without a date.
    fn with(&self, name: &[u8]) -> Self {
        let mut dated = self.clone();
        dated.series.push(b'/');
        dated.series.extend(name);
        dated
    }

    /// Adds a name, if `regex` matches it.
    fn with_match(&self, regex: &Regex, name: &[u8]) -> Option<Self> {
        let captures = regex.captures(name)?;
        let mut dated = self.with(name);
        let start = dated.series.len() - name.len();
        let mut groups = Vec::new();
        for ((code, _), digits) in CODES.iter().zip(&mut dated.date) {
            if let Some(group) = captures.name(code.encode_utf8(&mut [0; 4])) {
                digits.extend(group.as_bytes());
                groups.push(group.range());
            }
        }
        groups.sort_by_key(|range| std::cmp::Reverse(range.start));
        for range in groups {
            dated.series.drain(start + range.start..start + range.end);
        }
        Some(dated)
    }
}

/// The directory `place`; `.` for an empty path.
fn directory(place: &Path) -> PathBuf {
    if place.as_os_str().is_empty() { PathBuf::from(".") } else { place.to_owned() }
}

/// The names in a directory; none if it cannot be read.
fn names(place: &Path) -> impl Iterator<Item = OsString> {
    let entries = fs::read_dir(directory(place)).map_err(|error| {
        tracing::debug!(?place, %error, "cannot list the directory");
    });
    entries.into_iter().flatten().flatten().map(|entry| entry.file_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of `files` that match `pattern`.
    fn matches(pattern: &str, files: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let pattern = Pattern::of(&folder.path().join(pattern)).unwrap().expect("a pattern");
        let name = |it: Match| it.path.strip_prefix(folder.path()).unwrap().display().to_string();
        pattern.find().files.into_iter().map(name).collect()
    }

    #[test]
    fn names_match_as_in_a_shell() {
        let files =
            ["a.log", "b.log", "#c.log", ".h.log", "b.log.gz", "b.log~", "d/e.log", "d/f/g"];
        for (pattern, found) in [
            ("*.log", &["#c.log", "a.log", "b.log"][..]),
            ("?.log", &["a.log", "b.log"]),
            ("[!a].log", &["b.log"]),
            ("[a-b].log", &["a.log", "b.log"]),
            (".*", &[".h.log"]),
            ("*/*.log", &["d/e.log"]),
            ("**/*.log", &["#c.log", "a.log", "b.log", "d/e.log"]),
            ("d/**", &["d/e.log", "d/f/g"]),
            ("", &["#c.log", "a.log", "b.log"]),
            ("*.txt", &[]),
        ] {
            assert_eq!(matches(pattern, &files), found, "{pattern}");
        }
    }

    #[test]
    fn the_name_of_an_existing_file_is_no_pattern() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("#c[1].log"), "").unwrap();
        for (name, is_pattern) in [("#c[1].log", false), ("#c.log", false), ("#c[2].log", true)] {
            let pattern = Pattern::of(&folder.path().join(name)).unwrap();
            assert_eq!(pattern.is_some(), is_pattern, "{name}");
        }
    }

    #[test]
    fn a_path_is_split_into_date_and_series() {
        let folder = tempfile::tempdir().unwrap();
        let dated = |pattern: &str, file: &str| {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            let pattern = Pattern::of(&folder.path().join(pattern)).unwrap().expect("a pattern");
            let found = pattern.find().files.into_iter().find(|it| it.path == path)?;
            let Dated { series, date } = found.dated?;
            let series = String::from_utf8(series).unwrap();
            let series = series.rsplit_once("dates/").unwrap().1.to_owned();
            Some((series, String::from_utf8(date.concat()).unwrap()))
        };
        for (pattern, file, series, date) in [
            ("dates/{date}.log", "dates/2026-11-24.log", "--.log", "20261124"),
            ("dates/*.{date:%F}", "dates/#c.2026-11-24", "#c.--", "20261124"),
            ("dates/{date:%d.%m.%y}", "dates/24.11.26", "..", "261124"),
            ("dates/{date:%Y}/{date:%m-%d}", "dates/2026/11-24", "/-", "20261124"),
        ] {
            let found = dated(pattern, file);
            assert_eq!(found, Some((series.to_owned(), date.to_owned())), "{pattern} {file}");
        }
        assert_eq!(dated("dates/{date}.log", "dates/2026-1124.log"), None);
    }

    #[test]
    fn errors_say_what_is_wrong_with_a_date() {
        for (pattern, wrong) in [
            ("{date:%Q}", "unknown date code %Q; %Y %y %m %d %j %H %M %S and %F are known"),
            ("{datee}", "{datee} is not a date; {date:%Y%m%d} is one"),
            ("x{date:%Y", "{date has no }"),
        ] {
            assert_eq!(Pattern::of(Path::new(pattern)).unwrap_err(), wrong);
        }
    }
}
