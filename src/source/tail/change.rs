//! Looks at a file under a name, and decides what to do when it may have changed. The decisions are
//! pure.
#![forbid(unsafe_code)]

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// How many bytes before the read offset are compared to see whether a file was rewritten.
pub(crate) const MARKER: usize = 64;

/// Identifies a file, whatever its name. As long as the file is open, no other has its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct FileKey {
    device: u64,
    inode: u64,
}

impl FileKey {
    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }
}

impl From<&Metadata> for FileKey {
    fn from(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// What is found under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A regular file.
    File(FileKey),
    /// Something without lines to follow: what it is, with its article.
    Other(&'static str),
    /// Nothing.
    Nothing,
    /// Unknown: the metadata cannot be read.
    Hidden,
}

impl From<&Metadata> for Found {
    fn from(metadata: &Metadata) -> Self {
        kind(metadata).map_or(Self::File(FileKey::from(metadata)), Self::Other)
    }
}

impl Found {
    /// What is found under the name `path`.
    pub(crate) fn at(path: &Path) -> Self {
        Self::at_with_error(path).0
    }

    /// The same, with the error for [`Self::Hidden`].
    pub(crate) fn at_with_error(path: &Path) -> (Self, Option<io::Error>) {
        match path.metadata() {
            Ok(metadata) => (Self::from(&metadata), None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Self::Nothing, None),
            Err(error) => (Self::Hidden, Some(error)),
        }
    }
}

/// What a file is, with its article, when it is not a regular file.
pub(crate) fn kind(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a directory"),
        () if kind.is_fifo() => Some("a named pipe"),
        () if kind.is_socket() => Some("a socket"),
        () => Some("a device"),
    }
}

/// Opens `path` for reading without blocking on a pipe's writer, or adopting a terminal.
pub(super) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// What to do about the file under the followed name, once the open file is read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Continue with the open file.
    Stay,
    /// Open what is found.
    Open,
    /// Open what is found; the open file was rotated away, and is still read for a while.
    Rotate,
    /// The open file was deleted; it is still read for a while.
    Retire,
}

/// Decides by the open file (`held`), whether it still has a name somewhere (`linked`), and what
/// is `found` under the followed name.
pub(crate) fn decide(held: Option<FileKey>, linked: bool, found: &Found) -> Step {
    match (held, found) {
        (None, Found::File(_)) => Step::Open,
        (Some(held), Found::File(found)) if held == *found => Step::Stay,
        (Some(_), Found::File(_)) => Step::Rotate,
        // A file that was renamed and not replaced may still be written to for hours.
        (Some(_), Found::Nothing | Found::Other(_)) if !linked => Step::Retire,
        (_, Found::Nothing | Found::Other(_) | Found::Hidden) => Step::Stay,
    }
}

/// Whether `error` means that a file handle is lost, whatever the file's name leads to: the server
/// lost it, it was mounted again, or its device was unplugged.
pub(crate) fn is_lost(error: &io::Error) -> bool {
    let lost = [libc::ESTALE, libc::EIO, libc::ENODEV, libc::ENXIO, libc::ENOTCONN];
    error.raw_os_error().is_some_and(|code| lost.contains(&code))
}

/// The result of a read that began a marker's length before the read offset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sight<'a> {
    /// The file continues with these bytes; none at its end.
    Goes(&'a [u8]),
    /// It is shorter than before, or its content differs: it is read from its beginning.
    Rewritten,
}

/// Compares the last bytes that were read before (`marker`) with the `window` of the file that
/// begins at the same offset.
pub(crate) fn sight<'a>(marker: &[u8], window: &'a [u8]) -> Sight<'a> {
    window.strip_prefix(marker).map_or(Sight::Rewritten, Sight::Goes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_from_what_is_found() {
        let key = |inode| FileKey { device: 1, inode };
        let same = Found::File(key(7));
        let other = Found::File(key(8));
        let moved = Found::File(FileKey { device: 2, inode: 7 });
        let directory = Found::Other("a directory");
        for (held, linked, found, step) in [
            (None, true, &same, Step::Open),
            (None, true, &Found::Nothing, Step::Stay),
            (None, true, &Found::Hidden, Step::Stay),
            (None, true, &directory, Step::Stay),
            (Some(key(7)), true, &same, Step::Stay),
            (Some(key(7)), true, &other, Step::Rotate),
            (Some(key(7)), false, &other, Step::Rotate),
            (Some(key(7)), true, &moved, Step::Rotate), // a symbolic link to another file system
            (Some(key(7)), true, &Found::Nothing, Step::Stay), // between rename and create
            (Some(key(7)), false, &Found::Nothing, Step::Retire),
            (Some(key(7)), true, &directory, Step::Stay),
            (Some(key(7)), false, &directory, Step::Retire),
            (Some(key(7)), true, &Found::Hidden, Step::Stay),
            (Some(key(7)), false, &Found::Hidden, Step::Stay), // permission may come back
        ] {
            assert_eq!(decide(held, linked, found), step, "{held:?} {linked} {found:?}");
        }
    }

    #[test]
    fn only_errors_of_the_handle_mean_that_it_is_lost() {
        for (code, lost) in [
            (libc::ESTALE, true),
            (libc::EIO, true),
            (libc::ENODEV, true),
            (libc::ENOTCONN, true),
            (libc::EACCES, false),
            (libc::EISDIR, false),
            (libc::ENOMEM, false),
        ] {
            assert_eq!(is_lost(&io::Error::from_raw_os_error(code)), lost, "{code}");
        }
        assert!(!is_lost(&io::Error::from(io::ErrorKind::UnexpectedEof)));
    }

    #[test]
    fn the_bytes_before_reveal_a_rewritten_file() {
        for (marker, window, seen) in [
            (&b""[..], &b""[..], Sight::Goes(b"")),
            (b"", b"new", Sight::Goes(b"new")),
            (b"old\n", b"old\n", Sight::Goes(b"")),
            (b"old\n", b"old\nnew\n", Sight::Goes(b"new\n")),
            (b"old\n", b"", Sight::Rewritten),      // truncated
            (b"old\n", b"ol", Sight::Rewritten),    // truncated a little
            (b"old\n", b"odd\n", Sight::Rewritten), // the same size
            (b"old\n", b"larger\n", Sight::Rewritten),
            (b"old\n", b"\0\0\0\0new\n", Sight::Rewritten), // by a writer that kept its place
        ] {
            assert_eq!(sight(marker, window), seen, "{marker:?} {window:?}");
        }
    }
}
