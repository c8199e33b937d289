//! A flood does not delay the others, and counted lines are not lost.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::harness::{Event, SoundServer, Speak, ctl, directory, status_of};

const SOON: Duration = Duration::from_secs(60);

fn sic(nick: &str, text: &str) -> String {
    format!("#rust       : 2024-01-22 10:00 <{nick}> {text}")
}

/// How many utterances that hold `text` were begun before the one that holds `other`.
fn n_begun_before(events: &[Event], text: &str, other: &str) -> usize {
    let begun = events.iter().filter(|event| event.name == "started");
    begun
        .take_while(|event| !event.text.contains(other))
        .filter(|it| it.text.contains(text))
        .count()
}

#[test]
fn a_line_by_another_precedes_the_rest_of_a_paste_which_is_counted() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    for number in 0..60 {
        speak.write_line(&sic("kim", &format!("this is line {number} of what was pasted")));
    }
    speak.wait_event("all is queued", |event| event.is("queued", "line 59 "));
    speak.write_line(&sic("al", "what is that good for?"));
    let is_begun = |event: &Event| event.is("started", "good for");
    speak.wait_event_within(SOON, "the other's line is begun", is_begun);
    let n_before = n_begun_before(&speak.events(), "pasted", "good for");
    assert!(n_before < 10, "{n_before}: {}", speak.transcript());

    speak.wait_event_within(SOON, "the rest is counted", |it| it.is_fate("merged", "line 59 "));
    let missed = ctl(&sound, &["missed", "100"]);
    assert!(missed.contains("line 59 of what was pasted"), "{missed}");
    assert!(missed.contains("merged: counted in utterance"), "{missed}");
    speak.close_input();
    speak.wait_event_within(SOON, "all is spoken", |event| event.is_fate("spoken", "good for"));
    ctl(&sound, &["quit"]);
    assert_eq!(speak.wait_end().code(), Some(0), "{}", speak.transcript());
    let n_fates = speak.events().iter().filter(|event| event.name == "fate").count();
    assert_eq!(n_fates, 61, "each line has one");
}

#[test]
fn equal_lines_are_spoken_once_with_their_count() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    for _ in 0..300 {
        speak.write_line(&sic("kim", "no"));
    }
    speak.write_line(&sic("al", "stop that"));
    speak.wait_event_within(SOON, "the last is spoken", |it| it.is_fate("spoken", "stop that"));
    let fates = &status_of(&sound)["fates"];
    let (spoken, merged) = (&fates["spoken"], &fates["merged"]);
    assert!(spoken.as_u64().is_some_and(|n| n < 20), "{fates}");
    assert_eq!(spoken.as_u64().zip(merged.as_u64()).map(|(a, b)| a + b), Some(301), "{fates}");
}

/// Three logs: one that floods, and two that are empty.
fn three_logs(folder: &Path, n_lines: usize) -> [PathBuf; 3] {
    let logs = ["big.log", "one.log", "two.log"].map(|it| folder.join(it));
    let flood: Vec<_> = (1..=n_lines).map(|n| format!("number {n} of a flood\n")).collect();
    let flood = flood.concat();
    for (log, text) in logs.iter().zip([&*flood, "", ""]) {
        std::fs::write(log, text).expect("a log");
    }
    logs
}

/// Arguments that follow `logs` from their first line.
fn tail(logs: &[PathBuf; 3]) -> Vec<&OsStr> {
    let words = ["tail", "-n", "9000000"].map(OsStr::new);
    words.into_iter().chain(logs.iter().map(|it| it.as_os_str())).collect()
}

fn append(log: &Path, line: &str) {
    let mut log = std::fs::File::options().append(true).open(log).expect("a log");
    writeln!(log, "{line}").expect("written");
}

#[test]
fn a_source_that_floods_does_not_block_the_others() {
    let (sound, folder) = (SoundServer::start(), directory());
    let logs = three_logs(folder.path(), 100_000);
    let speak = Speak::start(&sound, tail(&logs));
    // With so many queued, no more of the flood is read.
    speak.wait_event_within(SOON, "it floods", |event| event.is("queued", "number 25000 "));
    append(&logs[1], "the first of the others");
    append(&logs[2], "and the second");
    for other in ["first of the others", "and the second"] {
        speak.wait_event_within(SOON, other, |event| event.is("started", other));
        let n_before = n_begun_before(&speak.events(), "of a flood", other);
        assert!(n_before < 20, "{n_before} utterances before {other}");
    }
}
