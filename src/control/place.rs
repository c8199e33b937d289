//! The control socket's path, for listener and clients, and the check that its folder is private.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::process::geteuid;

use crate::diagnostics::quoted;

/// The longest path of a socket, in bytes: `sun_path` of unix(7) has 108, the last of them NUL.
const PATH_MAX: usize = 107;

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The path is too long for the system.
    #[error(
        "the path of the control socket has {} bytes and {PATH_MAX} is the limit: {}; \
         set XDG_RUNTIME_DIR to a shorter one", .0.as_os_str().len(), quoted(.0)
    )]
    TooLong(PathBuf),
    /// Other users could write to or read the folder.
    #[error("{} {why}", quoted(.folder))]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it, and what to do.
        why: &'static str,
    },
    /// Another listener uses the socket.
    #[error("another listener uses the control socket {}", quoted(.0))]
    Taken(PathBuf),
    /// Something else than a socket has its name.
    #[error("{} is not a socket; remove it", quoted(.0))]
    NoSocket(PathBuf),
    /// The system refuses it.
    #[error("cannot use {}: {source}", quoted(.path))]
    System {
        /// The folder or socket.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl SocketError {
    /// The system refuses `path`.
    pub(super) fn system<E: Into<io::Error>>(path: &Path) -> impl FnOnce(E) -> Self {
        move |source| Self::System { path: path.to_owned(), source: source.into() }
    }
}

/// The path of this user's control socket.
pub fn socket() -> PathBuf {
    folder(std::env::var_os("XDG_RUNTIME_DIR"), geteuid().as_raw()).join("control.sock")
}

/// The socket's folder. Not below `$TMPDIR`, which may differ between listener and client.
fn folder(runtime: Option<OsString>, uid: u32) -> PathBuf {
    match runtime.map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(runtime) => runtime.join("irc-speak"),
        None => PathBuf::from(format!("/tmp/irc-speak-{uid}")),
    }
}

/// Opens the folder of `socket`; creates it for the user alone if it does not exist.
pub(super) fn prepare(socket: &Path) -> Result<OwnedFd, SocketError> {
    let folder = folder_of(socket)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(SocketError::system(folder)(error))
        }
        _ => open(socket),
    }
}

/// Opens the folder of `socket`, if it is private to this user.
pub(super) fn open(socket: &Path) -> Result<OwnedFd, SocketError> {
    let folder = folder_of(socket)?;
    let not_ours = |why| SocketError::NotOurs { folder: folder.to_owned(), why };
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(folder, flags, Mode::empty()).map_err(|error| match error {
        rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR => {
            not_ours("is not a folder, or a link to one; remove it")
        }
        error => SocketError::system(folder)(error),
    })?;
    let stat = rustix::fs::fstat(&opened).map_err(SocketError::system(folder))?;
    if stat.st_uid != geteuid().as_raw() {
        return Err(not_ours("belongs to another user"));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(not_ours("is open to other users; its mode has to be 700"));
    }
    Ok(opened)
}

/// Makes `socket` readable and writable for the user alone.
pub(super) fn close_to_others(socket: &Path) -> Result<(), SocketError> {
    std::fs::set_permissions(socket, Permissions::from_mode(0o600))
        .map_err(SocketError::system(socket))
}

fn folder_of(socket: &Path) -> Result<&Path, SocketError> {
    if socket.as_os_str().as_bytes().len() > PATH_MAX {
        return Err(SocketError::TooLong(socket.to_owned()));
    }
    Ok(socket.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_in_the_runtime_folder_or_in_a_folder_of_the_users_own() {
        for (runtime, expected) in [
            (Some("/run/user/7"), "/run/user/7/irc-speak"),
            (None, "/tmp/irc-speak-7"),
            (Some(""), "/tmp/irc-speak-7"),
            (Some("relative"), "/tmp/irc-speak-7"),
        ] {
            assert_eq!(folder(runtime.map(Into::into), 7), Path::new(expected), "{runtime:?}");
        }
    }

    #[test]
    fn a_folder_is_made_for_the_user_alone_and_one_that_is_open_or_a_link_is_refused() {
        let home = tempfile::tempdir().expect("a directory");
        let socket = home.path().join("irc-speak/control.sock");
        let folder = socket.parent().expect("a folder");
        prepare(&socket).expect("made");
        prepare(&socket).expect("found");
        let mode = folder.metadata().expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);

        std::fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("opened to all");
        let error = prepare(&socket).expect_err("open to others").to_string();
        assert!(error.ends_with("is open to other users; its mode has to be 700"), "{error}");

        std::os::unix::fs::symlink(folder, home.path().join("link")).expect("a link");
        let error = prepare(&home.path().join("link/control.sock")).expect_err("a link");
        assert!(matches!(error, SocketError::NotOurs { .. }), "{error}");
        std::fs::write(home.path().join("file"), "").expect("a file");
        let error = prepare(&home.path().join("file/control.sock")).expect_err("a file");
        assert!(matches!(error, SocketError::NotOurs { .. }), "{error}");
    }

    #[test]
    fn a_path_that_is_too_long_for_the_system_is_an_error_of_its_own() {
        let home = tempfile::tempdir().expect("a directory");
        let folder = home.path().join("own");
        let length = folder.as_os_str().len();
        let socket = |bytes: usize| folder.join("x".repeat(bytes - length - 1));
        let error = prepare(&socket(108)).expect_err("too long").to_string();
        assert!(error.contains("has 108 bytes and 107 is the limit"), "{error}");
        prepare(&socket(107)).expect("just right");
    }
}
