//! `run`: the exit code, and what is announced when there are other sources.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::harness::{PROGRAM, Speak, directory, signal, wait_for};

/// Runs the program to its end, with no input and the configuration `config`.
fn run(config: &str, arguments: &[&str]) -> Output {
    let folder = directory();
    std::fs::write(folder.path().join("config.toml"), config).expect("a configuration");
    let mut command = Command::new(PROGRAM);
    command.args(["-c", "config.toml"]).args(arguments).current_dir(folder.path());
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"] {
        command.env(name, folder.path());
    }
    command.env_remove("DBUS_SESSION_BUS_ADDRESS").stdin(Stdio::null());
    command.output().expect("irc-speak can be started")
}

/// The texts that were spoken to their end, in order.
fn spoken(output: &Output) -> Vec<String> {
    let events = String::from_utf8_lossy(&output.stdout);
    let events = events.lines().map(|line| {
        serde_json::from_str::<serde_json::Value>(line)
            .unwrap_or_else(|error| panic!("{error}: {line}"))
    });
    let is_spoken =
        |event: &serde_json::Value| event["event"] == "fate" && event["fate"] == "spoken";
    events
        .filter(is_spoken)
        .map(|event| event["text"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_exit_code_is_the_commands_once_all_is_spoken() {
    for (script, code, error_line) in [
        ("echo one; echo two; exit 3", 3, "irc-speak: \"sh\" exited with code 3\n"),
        ("echo one; echo two; kill -TERM $$", 143, "irc-speak: \"sh\" was ended by signal 15\n"),
        ("echo one; echo two", 0, ""),
    ] {
        let output = run("", &["run", "--output", "null", "--events", "--", "sh", "-c", script]);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*complaints), (Some(code), error_line), "{script}");
        assert_eq!(spoken(&output), ["one", "two"], "{script}");
        let output = run("", &["run", "--text", "--", "sh", "-c", script]);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!((output.status.code(), &*printed), (Some(code), "one\ntwo\n"), "{script}");
    }
}

#[test]
fn a_command_that_fails_beside_another_is_announced_by_voice() {
    // The other one ends after it: it waits for the file.
    let config = "
        [[source]]
        run = [\"sh\", \"-c\", \"echo broken; touch done; exit 3\"]
        [[source]]
        run = [\"sh\", \"-c\", \"while ! [ -e done ]; do sleep 0.01; done; sleep 0.1; echo late\"]
    ";
    let output = run(config, &["--output", "null", "--events"]);
    let complaints = String::from_utf8_lossy(&output.stderr);
    let error_line = "irc-speak: sh: the command sh ended with 3\n";
    assert_eq!((output.status.code(), &*complaints), (Some(1), error_line));
    let mut heard = spoken(&output);
    heard.sort();
    assert_eq!(heard, ["broken", "late", "the command sh ended with 3"]);
}

#[test]
fn with_retry_it_is_restarted_and_that_is_announced_once() {
    let script = "if [ -e 2 ]; then echo well; elif [ -e 1 ]; then touch 2; exit 4; else touch 1; exit 3; fi";
    let config = format!("[[source]]\nrun = [\"sh\", \"-c\", \"{script}\"]\nretry = true\n");
    let options = ["--output", "null", "--events"];
    let named = [&["run", "--retry"][..], &options, &["--", "sh", "-c", script]].concat();
    for (config, arguments) in [("", &named[..]), (&config, &options)] {
        let output = run(config, arguments);
        assert!(output.status.success(), "{output:?}");
        let heard = spoken(&output);
        assert_eq!(heard, ["the command sh ended with 3; it is started again", "well"]);
    }
}

#[test]
fn a_pty_changes_no_line_and_no_exit_code() {
    let script = "test -t 1 && test -t 2 && echo terminal; stty size < /dev/tty | tr \" \" x; cat; \
                  echo typed > /dev/tty; printf 'a\\tb\\n\\nlast'; exit 3";
    let output = run("", &["run", "--pty", "--text", "--", "sh", "-c", script]);
    let complaints = String::from_utf8_lossy(&output.stderr);
    let error_line = "irc-speak: \"sh\" exited with code 3\n";
    assert_eq!((output.status.code(), &*complaints), (Some(3), error_line));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, "terminal\n24 by 200\ntyped\na b\nlast\n");
}

#[test]
fn a_command_that_cannot_run_on_a_pty_is_one_error_line() {
    for (words, why) in [
        (&["irc-speak-is-not-this"][..], "\"irc-speak-is-not-this\": no such program"),
        (&["/etc/passwd"], "\"/etc/passwd\": permission denied; is it executable?"),
    ] {
        let output = run("", &[&["run", "--pty", "--text", "--"], words].concat());
        let complaints = String::from_utf8_lossy(&output.stderr);
        let error_line = format!("irc-speak: cannot run {why}\n");
        assert_eq!((output.status.code(), &*complaints), (Some(1), &*error_line));
    }
}

#[test]
fn output_that_would_be_buffered_for_a_pipe_is_heard_at_once() {
    let folder = directory();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there");
    assert!(made.success());
    // Held open for writing too: the program gets no end of its input, at which it would print.
    let held = File::options().read(true).write(true).open(&pipe);
    let mut held = held.expect("a named pipe");
    let path = pipe.to_str().expect("a plain path");
    for options in [&["--pty"][..], &["--pty", "--retry"]] {
        let script = "echo $$; exec cut -c 1-99 \"$0\"";
        let words = ["--", "sh", "-c", script, path];
        let mut speak = Speak::print([&["run", "--text"], options, &words].concat());
        writeln!(held, "one").expect("a line");
        speak.wait_line("one");
        let id = speak.lines()[0].clone();
        signal("TERM", speak.pid());
        assert_eq!(speak.wait_end().code(), Some(0), "{}", speak.transcript());
        let is_gone = || (!Path::new("/proc").join(&id).exists()).then_some(());
        wait_for("the command is ended", || speak.transcript(), is_gone);
    }
}
