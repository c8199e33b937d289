//! Where nobody waits, everything is spoken at the base rate, whatever the backlog.

use std::fmt::Write as _;
use std::fs;

use crate::harness::{SoundServer, Speak, directory, run};

/// The base rate.
const BASE: u32 = 220;

/// Lines of a log, far more than can be spoken within the lag target.
fn lines(n: usize) -> String {
    (0..n).fold(String::new(), |mut lines, number| {
        let _ = writeln!(lines, "number {number} of the many lines that were there before");
        lines
    })
}

#[test]
fn a_file_of_speech_is_at_the_base_rate() {
    let folder = directory();
    let log = folder.path().join("a.log");
    fs::write(&log, lines(30)).expect("a log");
    let log = log.to_str().expect("a path in UTF-8");
    let tail = ["tail", "-n", "30", "--no-follow", log, "--output", "a.wav", "--events"];
    let piped = ["--output", "a.wav", "--events"];
    for (arguments, input) in [(&tail[..], String::new()), (&piped, lines(30))] {
        let output = run(folder.path(), arguments, &input);
        let events = String::from_utf8_lossy(&output.stdout).into_owned();
        let fates: Vec<serde_json::Value> = events
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event"))
            .filter(|event: &serde_json::Value| event["event"] == "fate")
            .collect();
        assert_eq!(fates.len(), 30, "{events}");
        assert!(fates.iter().all(|event| event["rate"] == BASE), "{arguments:?}: {events}");
    }
}

#[test]
fn lines_from_before_the_start_are_not_hurried_but_new_lines_may_be() {
    let sound = SoundServer::start();
    let folder = directory();
    let log = folder.path().join("a.log");
    fs::write(&log, lines(20)).expect("a log");
    let log = log.to_str().expect("a path in UTF-8");
    let speak = Speak::start(&sound, ["tail", "-n", "20", log]);
    let started = speak.wait_events(2, "two lines start", |event| event.name == "started");
    assert!(started.iter().all(|it| it.rate == Some(BASE)), "{}", speak.transcript());
    let more = lines(40).replace("were there before", "came while somebody waited for them");
    fs::write(log, lines(20) + &more).expect("a longer log");
    let is_hurried = |event: &crate::harness::Event| {
        event.name == "started" && event.rate.is_some_and(|rate| rate > BASE)
    };
    speak.wait_event("a line is hurried for those that wait behind it", is_hurried);
}

#[test]
fn a_command_that_has_ended_is_heard_at_the_base_rate() {
    let sound = SoundServer::start();
    let script = format!("cat <<'END'\n{}END\n", lines(20));
    let speak = Speak::start(&sound, ["--events", "run", "--", "sh", "-c", &script]);
    let started = speak.wait_events(3, "three lines start", |event| event.name == "started");
    assert_eq!(started[2].rate, Some(BASE), "{}", speak.transcript());
}
