//! A PulseAudio cookie, where the user has none. The server's own library then sends 256 zero
//! bytes, which servers that allow anonymous clients accept (PipeWire's usually does); the
//! pure-Rust client sends nothing, which no server accepts. So the voice process is given a file.
#![forbid(unsafe_code)]

use std::env;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The cookie's length, in bytes.
const N_BYTES: usize = 256;

/// The file that `PULSE_COOKIE` must name; none where the client finds a cookie itself.
pub(super) fn needed() -> Option<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from)?;
    let config = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let known = env::var_os("PULSE_COOKIE").map(PathBuf::from);
    if let Some(elsewhere) = place(&home, config.as_deref(), known.as_deref())? {
        return Some(elsewhere);
    }
    let folder = env::var_os("XDG_RUNTIME_DIR")
        .map_or_else(|| home.join(".cache"), PathBuf::from)
        .join("irc-speak");
    let file = folder.join("no-cookie");
    // The control socket's folder as well, which must be closed to other users.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    let written = made.and_then(|()| fs::write(&file, [0; N_BYTES]));
    match written {
        Ok(()) => Some(file),
        Err(error) => {
            tracing::debug!(%error, "no cookie for PulseAudio");
            None
        }
    }
}

/// None: the client finds a cookie itself. Otherwise the file to name, if there is one where the
/// client does not look.
#[expect(clippy::option_option, reason = "three answers, explained right above")]
fn place(home: &Path, config: Option<&Path>, known: Option<&Path>) -> Option<Option<PathBuf>> {
    let finds = [
        known.map(Path::to_owned),
        Some(home.join(".config/pulse/cookie")),
        Some(home.join(".pulse-cookie")),
    ];
    if finds.into_iter().flatten().any(|path| path.exists()) {
        return None;
    }
    Some(config.map(|config| config.join("pulse/cookie")).filter(|path| path.exists()))
}

#[test]
fn a_cookie_is_only_made_where_there_is_none() {
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join("elsewhere");
    assert_eq!(place(home.path(), Some(&config), None), Some(None));
    fs::create_dir_all(config.join("pulse")).expect("a folder");
    fs::write(config.join("pulse/cookie"), "x").expect("a file");
    let elsewhere = Some(config.join("pulse/cookie"));
    assert_eq!(place(home.path(), Some(&config), None), Some(elsewhere), "XDG_CONFIG_HOME");
    fs::write(home.path().join(".pulse-cookie"), "x").expect("a file");
    assert_eq!(place(home.path(), Some(&config), None), None);
}
