//! `tail --resume`: after any exit, lines that were heard are not repeated, and no other line is
//! lost.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::harness::{SoundServer, Speak, directory, run, signal, text_of, wait_for};

fn append(log: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(log).expect("a log");
    file.write_all(text.as_bytes()).expect("a line is written");
}

/// Long enough that a signal falls into it.
fn long_line(number: usize) -> String {
    format!("line {number} goes on for long enough that the end of everything can fall into it")
}

/// Waits until a bookmark below `state` says that the file was heard up to `offset`.
fn wait_heard(state: &Path, offset: usize, transcript: impl Fn() -> String) {
    wait_noted(state, &format!("\"offset\":{offset},"), transcript);
}

/// Waits until a bookmark below `state` contains `wanted`.
fn wait_noted(state: &Path, wanted: &str, transcript: impl Fn() -> String) {
    wait_for(&format!("{wanted} is noted"), transcript, || {
        let bookmarks = fs::read_dir(state.join("irc-speak")).ok()?;
        let paths = bookmarks.flatten().map(|entry| entry.path());
        let written = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
        written.map(|path| text_of(&path)).any(|text| text.contains(wanted)).then_some(())
    });
}

#[test]
fn after_a_kill_only_the_line_in_flight_is_repeated() {
    let sound = SoundServer::start();
    let folder = directory();
    let (log, state) = (folder.path().join("log"), folder.path().join("state"));
    let start = || {
        Speak::start_with(&sound, ["tail", "--resume", "log"], |command| {
            command.current_dir(folder.path()).env("XDG_STATE_HOME", &state);
        })
    };
    append(&log, "");
    let mut first = 0;
    for (round, name) in ["KILL", "KILL", "TERM", "KILL"].into_iter().enumerate() {
        let mut speak = start();
        let lines: Vec<_> = (first.max(2 * round)..2 * round + 2).map(long_line).collect();
        append(&log, &(lines.join("\n") + "\n"));
        let in_flight = 2 * round + 1;
        speak.wait_event("a line begins", |event| event.is("started", &long_line(in_flight)));
        let heard: String = (0..in_flight).map(|n| long_line(n) + "\n").collect();
        wait_heard(&state, heard.len(), || speak.transcript());
        signal(name, speak.pid());
        speak.wait_end();
        let begun = speak.events().into_iter().find(|event| event.name == "started");
        assert_eq!(begun.map(|event| event.text), Some(long_line(first)), "round {round}");
        first = in_flight;
    }
    // Rotated while no listener runs.
    fs::rename(&log, folder.path().join("log.1")).expect("it is renamed");
    append(&log, "another file has it all now\n");
    let speak = start();
    speak.wait_spoken("another file");
    let spoken = speak.events().into_iter().filter(|event| event.is_fate("spoken", ""));
    let texts: Vec<_> = spoken.map(|event| event.text).collect();
    assert_eq!(texts, [long_line(first), "another file has it all now".to_owned()]);
}

#[test]
fn a_flood_is_printed_completely_despite_repeated_kills() {
    const LINES: usize = 2_000;
    let folder = directory();
    let log = folder.path().join("log");
    append(&log, "");
    run(folder.path(), ["tail", "--resume", "--no-follow", "--text", "log"], "");
    let mut lines: Vec<String> = Vec::new();
    let mut next = 0;
    for round in 0..10 {
        let flood = lines.len()..lines.len() + LINES;
        lines.extend(flood.map(|n| format!("line {n}")));
        append(&log, &(lines[lines.len() - LINES..].join("\n") + "\n"));
        let mut speak = Speak::print_at_home(folder.path(), ["tail", "--resume", "log"]);
        // At a different point of the flood each time.
        wait_for("so many lines", String::new, || {
            (speak.lines().len() > round * 200).then_some(())
        });
        signal("KILL", speak.pid());
        let printed = speak.last_lines();
        let first = lines.iter().position(|line| *line == printed[0]).expect("a line of the log");
        assert!(first <= next, "round {round} begins with {first}, {next} is the next");
        let n_whole = printed.iter().zip(&lines[first..]).take_while(|(a, b)| a == b).count();
        // The kill may have cut off the last line.
        assert!(n_whole + 1 >= printed.len(), "round {round}: {:?}", printed.get(n_whole));
        next = first + n_whole;
    }
    let to_the_end = ["tail", "--resume", "--no-follow", "log"];
    let rest = Speak::print_at_home(folder.path(), to_the_end).last_lines();
    assert!(lines.len() - rest.len() <= next, "{} lines are left, {next} came", rest.len());
    assert_eq!(rest, &lines[lines.len() - rest.len()..]);
}

#[test]
fn logs_that_appear_later_are_heard_once_from_their_first_line() {
    let folder = directory();
    let log = |name: &str, text: &str| {
        let path = folder.path().join("irclogs").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        append(&path, text);
    };
    let start = || {
        let patterns = ["irclogs/*/#meeting.log", "irclogs/*/#daily.{date}.log"];
        let arguments = [&["tail", "--resume", "-F"][..], &patterns].concat();
        Speak::print_at_home(folder.path(), arguments)
    };
    log("libera/#meeting.log", "one of many\ntwo\nthree\n");
    log("libera/#other.log", "never\n");
    log("oftc/#daily.2026-11-22.log", "passed over\n");
    log("oftc/#daily.2026-11-23.log", "yesterday\n");
    let mut speak = start();
    speak.wait_lines(&["two", "three", "yesterday"]);
    log("oftc/#meeting.log", "four\nfive\nsix\n"); // the folder was there
    log("new/#meeting.log", "seven\neight\nnine\n"); // it was not
    log("oftc/#daily.2026-11-24.log", "today\n");
    speak.wait_lines(&["six", "nine", "today"]);
    for pattern in ["#meeting.log", "#daily.{date}.log"] {
        let mark = format!("{{\"pattern\":\"irclogs/*/{pattern}\"}}");
        wait_noted(folder.path(), &mark, || speak.transcript());
    }
    wait_heard(folder.path(), "seven\neight\nnine\n".len(), || speak.transcript());
    wait_heard(folder.path(), "today\n".len(), || speak.transcript());
    wait_heard(folder.path(), "four\nfive\nsix\n".len(), || speak.transcript());
    signal("KILL", speak.pid());
    let mut lines = speak.last_lines();
    log("oftc/#daily.2026-11-24.log", "later\n");
    log("oftc/#daily.2026-11-25.log", "tomorrow\n");
    log("newer/#meeting.log", "ten\neleven\ntwelve\n");
    let mut speak = start();
    speak.wait_lines(&["twelve", "later", "tomorrow"]);
    log("newer/#meeting.log", "end\n");
    speak.wait_line("end");
    signal("TERM", speak.pid());
    lines.extend(speak.last_lines());
    lines.sort();
    let mut wanted = ["two", "three", "yesterday", "four", "five", "six", "seven", "eight", "nine"]
        .into_iter()
        .chain(["today", "later", "tomorrow", "ten", "eleven", "twelve", "end"])
        .collect::<Vec<_>>();
    wanted.sort_unstable();
    assert_eq!(lines, wanted, "{}", speak.transcript());
}

#[test]
fn a_damaged_bookmark_is_set_aside_and_reported() {
    let folder = directory();
    let log = folder.path().join("log");
    append(&log, "one\ntwo\nthree\n");
    let tail = || {
        let output = run(folder.path(), ["tail", "--resume", "--no-follow", "--text", "log"], "");
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned())
    };
    assert_eq!(tail(), ["two\nthree\n", ""]);
    assert_eq!(tail(), ["", ""]);
    let state = folder.path().join("irc-speak");
    let bookmarks = fs::read_dir(&state).expect("a folder").flatten().map(|it| it.path());
    let bookmarks: Vec<_> = bookmarks.collect();
    assert_eq!(bookmarks.len(), 1, "{bookmarks:?}");
    fs::write(&bookmarks[0], &fs::read(&bookmarks[0]).expect("a bookmark")[..100]).expect("cut");
    let [said, complaint] = tail();
    assert_eq!(said, "two\nthree\n");
    assert!(complaint.contains("it was damaged, and put aside"), "{complaint}");
    assert_eq!(tail(), ["", ""]);
}
