//! Standard output whose reader is slow, gone, or a full disk.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::{directory, irc_speak, signal, wait_for, wait_within};

/// A listener in `folder`, which is its home too.
fn listener(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = irc_speak();
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::piped());
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        command.env(name, folder);
    }
    command
}

/// The exit code and the messages of a listener that ends.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let status = wait_within(Duration::from_secs(20), "it ends", String::new, || {
        child.try_wait().expect("it can be waited for")
    });
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        std::io::Read::read_to_string(&mut stderr, &mut said).expect("text");
    }
    (status.code(), said)
}

#[test]
fn a_signal_ends_it_though_nobody_reads_what_it_prints() {
    for (name, code) in [("TERM", 0), ("INT", 130)] {
        for mode in [&["--text"][..], &["--text", "--events"]] {
            let folder = directory();
            let log = folder.path().join("log");
            fs::write(&log, "12:00 <kim> a line\n".repeat(50_000)).expect("a log");
            let arguments = [mode, &["tail", "-n", "50000", "log"]].concat();
            let mut command = listener(folder.path(), &arguments);
            let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
            let stdout = child.stdout.take().expect("a pipe");
            wait_for("the pipe is full", String::new, || {
                let n_unread = rustix::io::ioctl_fionread(&stdout).expect("a pipe");
                (n_unread >= 60_000).then_some(())
            });
            signal(name, child.id());
            assert_eq!(ended(child).0, Some(code), "{name} {mode:?}");
            drop(stdout);
        }
    }
}

#[test]
fn a_full_disk_is_an_error_and_what_was_not_printed_is_not_acknowledged() {
    for mode in [&["--text"][..], &["--text", "--events"]] {
        let folder = directory();
        let log = folder.path().join("log");
        let arguments = [mode, &["tail", "--resume", "--no-follow", "log"]].concat();
        fs::write(&log, "12:00 <kim> one\n").expect("a log");
        let mut command = listener(folder.path(), &arguments);
        let first = command.stdout(Stdio::null()).spawn().expect("it starts");
        assert_eq!(ended(first), (Some(0), String::new()));

        fs::write(&log, "12:00 <kim> one\n12:01 <kim> two\n").expect("a log");
        let full = File::options().write(true).open("/dev/full").expect("the full device");
        let mut command = listener(folder.path(), &arguments);
        let (code, said) = ended(command.stdout(full).spawn().expect("it starts"));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("cannot write to standard output"), "{said}");

        let mut command =
            listener(folder.path(), &["--text", "tail", "--resume", "--no-follow", "log"]);
        let again = command.output().expect("it starts");
        assert_eq!(String::from_utf8_lossy(&again.stdout), "kim: two\n", "{mode:?}");
    }
}

#[test]
fn a_signal_while_it_prints_repeats_and_loses_nothing() {
    const N_LINES: usize = 40_000;
    for (name, mode) in [("TERM", &["--text"][..]), ("INT", &["--text", "--events"])] {
        let folder = directory();
        let log = folder.path().join("log");
        let arguments = [mode, &["--speaker", "never", "tail", "--resume", "log"]].concat();
        fs::write(&log, "").expect("a log");
        let run = |number: usize, is_over: &dyn Fn(usize) -> bool| {
            let out = folder.path().join(format!("out{number}"));
            let file = File::create(&out).expect("a file");
            let mut command = listener(folder.path(), &arguments);
            let child = command.stdout(file).spawn().expect("it starts");
            let printed = || numbers(&fs::read_to_string(&out).expect("text"));
            let all = || format!("{} lines", printed().len());
            wait_within(Duration::from_secs(60), "it prints", all, || {
                (has_bookmark(folder.path()) && is_over(printed().len())).then_some(())
            });
            signal(name, child.id());
            let (_, said) = ended(child);
            assert_eq!(said, "", "{name}");
            printed()
        };
        run(0, &|_| true);
        let line = |n: usize| format!("12:00 <kim> line {n} of a longer log\n");
        fs::write(&log, (1..=N_LINES).map(line).collect::<String>()).expect("a log");
        let mut printed = run(1, &|n| n > 0);
        printed.extend(run(2, &|n| n > 0));
        let n_left = N_LINES - printed.len();
        printed.extend(run(3, &|n| n >= n_left));
        let wrong = (1..=N_LINES).zip(&printed).find(|(wanted, found)| wanted != *found);
        assert_eq!((wrong, printed.len()), (None, N_LINES), "{name} {mode:?}");
    }
}

/// Whether a listener whose home is `folder` has written a bookmark.
fn has_bookmark(folder: &std::path::Path) -> bool {
    let entries = fs::read_dir(folder.join("irc-speak")).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.path().extension().is_some_and(|it| it == "json"))
}

/// The numbers of the whole lines in `text`, which are events or the lines themselves.
fn numbers(text: &str) -> Vec<usize> {
    let number = |line: &str| line.split("line ").nth(1)?.split(' ').next()?.parse().ok();
    let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
    let is_end = |line: &&str| !line.starts_with('{') || line.contains("\"fate\":\"spoken\"");
    whole.lines().filter(is_end).filter_map(number).collect()
}

#[test]
fn speech_to_nowhere_with_events_to_a_full_disk_is_an_error() {
    let folder = directory();
    fs::write(folder.path().join("log"), "12:00 <kim> one\n").expect("a log");
    let full = File::options().write(true).open("/dev/full").expect("the full device");
    let arguments = ["--output", "null", "--events", "tail", "--no-follow", "log"];
    let child = listener(folder.path(), &arguments).stdout(full).spawn().expect("it starts");
    let (code, said) = ended(child);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot write to standard output"), "{said}");
}

#[test]
fn without_a_terminal_a_hang_up_reloads() {
    let folder = directory();
    let (log, config) = (folder.path().join("log"), folder.path().join("c.toml"));
    fs::write(&log, "12:00 <kim> one\n").expect("a log");
    fs::write(&config, "").expect("a configuration");
    let out = folder.path().join("out");
    let arguments = ["--text", "--speaker", "never", "-c", "c.toml", "tail", "log"];
    let mut command = listener(folder.path(), &arguments);
    let mut child = command.stdout(File::create(&out).expect("a file")).spawn().expect("it starts");
    let printed = || fs::read_to_string(&out).expect("a file");
    wait_for("the first line", printed, || printed().contains("one").then_some(()));
    signal("HUP", child.id());
    let append = |text: &str| {
        let mut log = File::options().append(true).open(&log).expect("the log");
        std::io::Write::write_all(&mut log, text.as_bytes()).expect("it can be written");
    };
    append("12:01 <kim> two\n");
    wait_for("the second line", printed, || printed().contains("two").then_some(()));
    assert_eq!(child.try_wait().expect("it can be waited for"), None, "it goes on");
    signal("TERM", child.id());
    assert_eq!(ended(child).0, Some(0));
}
