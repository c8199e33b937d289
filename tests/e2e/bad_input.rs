//! An error is one clear line, with the exit code of its kind.

use std::fmt::Write as _;
use std::path::Path;

use crate::harness::{directory, free_port, run};

/// Arguments, exit code, and what the message must contain.
type Case<'a> = (&'a [&'a str], i32, &'a [&'a str]);

/// Runs every case, and reports all failures at once.
fn check(folder: &Path, cases: &[Case<'_>]) {
    let mut wrong = String::new();
    for (arguments, code, parts) in cases {
        let output = run(folder, *arguments, "hello\n");
        let complaint = String::from_utf8_lossy(&output.stderr);
        let right = output.status.code() == Some(*code)
            && complaint.lines().count() == 1
            && complaint.starts_with("irc-speak: ")
            && parts.iter().all(|part| complaint.contains(part));
        if !right {
            let command = arguments.join(" ");
            let found = format!("{}, {complaint:?}; wanted {code}, {parts:?}", output.status);
            writeln!(wrong, "irc-speak {command}\n    {found}").expect("a string takes all");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn wrong_options_and_configurations_exit_with_2() {
    let folder = directory();
    for (name, text) in [
        ("unknown.toml", "rate = 200\nchanels = [\"#rust\"]\n"),
        ("near.toml", "\n\nfliters = []\n"),
        ("pattern.toml", "rate = 200\n[[rule]]\ndrop = \"(ubottu\"\n"),
        ("broken.toml", "rate = \n"),
        ("range.toml", "pitch = 200\n"),
        ("rates.toml", "rate = 300\nmax_rate = 250\n"),
        ("groups.toml", "[[rule]]\nreplace = '(a)(b)'\nwith = '$2 $3'\n"),
        ("voice.toml", "rate = 200\nvoice = \"xx\"\n"),
        ("variant.toml", "voice = \"en-us+nonsense\"\n"),
        ("speaker.toml", "voice = \"he\"\n[speakers.voice.kim]\npitch = 60\nvoice = \"yy\"\n"),
        ("engine.toml", "engine = \"trumpet\"\n"),
        ("right.toml", "voice = \"chr-US-Qaaa-x-west\"\n[speakers.voice.kim]\nvoice = \"tk+f3\"\n"),
    ] {
        std::fs::write(folder.path().join(name), text).expect("a configuration file");
    }
    std::fs::create_dir(folder.path().join("folder")).expect("a directory");
    check(
        folder.path(),
        &[
            (&["-c", "nothing.toml", "--text"], 2, &["cannot read \"nothing.toml\""]),
            // The tests may run as root, who can read any file, but not a directory.
            (&["-c", "folder", "--text"], 2, &["cannot read \"folder\""]),
            (&["-c", "unknown.toml", "--text"], 2, &["unknown.toml:2:1: unknown key \"chanels\""]),
            (
                &["-c", "near.toml", "--text"],
                2,
                &["near.toml:3:1: unknown key \"fliters\"; did you mean \"filters\"?"],
            ),
            (&["-c", "pattern.toml", "--text"], 2, &["pattern.toml:3:8: ", "(ubottu", "unclosed"]),
            (&["-c", "broken.toml", "--text"], 2, &["broken.toml:1:"]),
            (&["-c", "range.toml", "--text"], 2, &["range.toml:1:9: pitch is 200"]),
            (&["--text", "--drop", "(ubottu"], 2, &["(ubottu", "unclosed"]),
            (&["--text", "--keep", "[a"], 2, &["[a", "unclosed"]),
            (&["--output", "null", "--voice", "xx-nobody"], 2, &["voice", "xx-nobody", "voices"]),
            (&["--output", "null", "--engine", "trumpet"], 2, &["engine", "trumpet"]),
            (&["--text", "--format", "trumpet"], 2, &["format", "trumpet"]),
            (&["--text", "--filter", "trumpet"], 2, &["trumpet"]),
            (&["--text", "--rate", "5"], 2, &["rate", "5"]),
            (&["-c", "rates.toml", "--text"], 2, &["rates.toml:2:12: max_rate is 250", "300"]),
            (&["-c", "groups.toml", "--text"], 2, &["groups.toml:3:8: ", "group \"3\""]),
            (&["-c", "engine.toml", "config", "check"], 2, &["engine.toml:1:10: ", "trumpet"]),
            (&["-c", "voice.toml", "config", "check"], 2, &["voice.toml:2:9: ", "no voice \"xx\""]),
            (&["-c", "variant.toml", "config", "check"], 2, &["variant.toml:1:9: ", "+nonsense"]),
            (&["-c", "speaker.toml", "config", "check"], 2, &["speaker.toml:4:9: ", "\"yy\""]),
            (&["-c", "speaker.toml", "--output", "null"], 2, &["speaker.toml:4:9: ", "\"yy\""]),
        ],
    );
    let output = run(folder.path(), ["-c", "right.toml", "config", "check"], "");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.ends_with(": no errors\n"), "{printed}");
}

#[test]
fn a_failure_at_run_time_exits_with_1() {
    let folder = directory();
    let closed = format!("127.0.0.1:{}", free_port());
    check(
        folder.path(),
        &[
            (&["tail", "--text", "nothing.log"], 1, &["nothing.log", "o such file"]),
            (&["connect", &closed, "#rust", "--no-tls", "--text"], 1, &[&closed, "refused"]),
            (&["connect", &closed, "#rust", "--text"], 1, &[&closed, "refused"]),
            (&["--output", "no/such/folder/out.wav"], 1, &["no/such/folder/out.wav"]),
        ],
    );
}

#[test]
fn a_missing_sound_device_is_one_line() {
    // No sound server runs in this test's environment. A sound card would answer through ALSA: with
    // one, this test shows nothing.
    let cards = std::fs::read_to_string("/proc/asound/cards").unwrap_or_default();
    if cards.lines().any(|line| line.contains('[')) {
        eprintln!("this machine has a sound card: not shown what happens without one");
        return;
    }
    check(directory().path(), &[(&["--output", "device"], 1, &["device"])]);
}

#[test]
fn a_mistyped_option_exits_with_2_and_suggests_the_right_one() {
    let output = run(directory().path(), ["--ouput", "null"], "");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("--output"), "{complaint}");
}
