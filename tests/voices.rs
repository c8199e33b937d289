//! `irc-speak voices`: each voice with its language, and whether its dictionary is there.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the program with eSpeak NG's data in `data`, or in their usual place.
fn run(data: Option<&Path>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_irc-speak"));
    command.args(arguments).env_remove("ESPEAK_DATA_PATH");
    if let Some(data) = data {
        command.env("ESPEAK_DATA_PATH", data);
    }
    command.output().expect("the program runs")
}

fn line_of(output: &Output, voice: &str) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_it = |line: &&str| line.split(' ').next() == Some(voice);
    text.lines().find(is_it).unwrap_or_else(|| panic!("{voice} in {text}")).to_owned()
}

#[test]
fn each_voice_is_listed_with_its_language() {
    let output = run(None, &["voices"]);
    for (voice, language, about) in [
        ("cmn", "Chinese", "Chinese (Mandarin, latin as English)"),
        ("de", "German", "German"),
        ("en-us", "English", "English (America)"),
        ("he", "Hebrew", "Hebrew"),
        ("nb", "Norwegian", "Norwegian Bokmål"),
    ] {
        let line = line_of(&output, voice);
        let expected = format!("{voice} {language} {about}");
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words.join(" "), expected);
    }
    assert!(output.stderr.is_empty(), "{:?}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_voice_without_its_dictionary_is_listed_as_such_and_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("espeak-ng-data");
    fs::create_dir(&data).expect("a folder");
    for entry in fs::read_dir(installed()).expect("eSpeak NG's data") {
        let entry = entry.expect("an entry");
        if entry.file_name() != "no_dict" {
            symlink(entry.path(), data.join(entry.file_name())).expect("a link");
        }
    }
    let output = run(Some(folder.path()), &["voices"]);
    assert!(line_of(&output, "nb").ends_with("Norwegian Bokmål (no dictionary)"));
    assert!(!line_of(&output, "de").contains("dictionary"));
    let config = folder.path().join("config.toml");
    for (voice, is_taken) in [("de", true), ("he", true), ("tk", true), ("cv", true), ("nb", false)]
    {
        fs::write(&config, format!("voice = \"{voice}\"\n")).expect("a file");
        let config = config.to_string_lossy();
        let output = run(Some(folder.path()), &["config", "-c", &config, "check"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), is_taken, "{voice}: {said}");
        assert_eq!(said.contains("dictionary is not installed"), !is_taken, "{voice}: {said}");
    }
}

/// The folder of the installed data.
fn installed() -> PathBuf {
    let output = Command::new("espeak-ng").arg("--version").output().expect("espeak-ng");
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, path) = version.trim_end().split_once("Data at: ").expect("it names its data");
    PathBuf::from(path)
}
