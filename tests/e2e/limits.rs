//! A system with few resources: one error line, not a panic.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::harness::{PROGRAM, Speak, directory, end, now, program, wait_for, wait_within};

/// Commands to try, in a folder with the file `log`.
const ALL: [&[&str]; 8] = [
    &["--output", "null"],
    &["--text"],
    &["tail", "--no-follow", "--output", "null", "log"],
    &["tail", "--no-follow", "--text", "log"],
    &["explain", "log"],
    &["simulate", "meeting.tsv"],
    &["ctl", "status"],
    &["voices"],
];

/// Runs `command`, which runs the program, to its end, with a line as its input.
fn output(folder: &Path, mut command: Command, arguments: &[&str]) -> Output {
    let input = File::open(folder.join("log")).expect("a log");
    command.args(arguments).current_dir(folder).env("RUST_BACKTRACE", "0").stdin(input);
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        command.env(name, folder);
    }
    command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("PULSE_SERVER");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("prlimit can be started");
    let began = now();
    let is_over = || {
        if began.elapsed() > Duration::from_secs(9) {
            end(&mut child);
        }
        child.try_wait().expect("it can be waited for")
    };
    wait_for("irc-speak ends", || arguments.join(" "), is_over);
    child.wait_with_output().expect("its output can be read")
}

/// Describes a wrong exit; right is success, or one error line and 1.
fn fault(output: &Output) -> Option<String> {
    let complaint = String::from_utf8_lossy(&output.stderr);
    let is_one_line = complaint.lines().count() == 1 && complaint.starts_with("irc-speak: ");
    let is_right = match output.status.code() {
        Some(0) => !complaint.contains("panicked"),
        Some(1) => is_one_line,
        _ => false,
    };
    (!is_right).then(|| format!("{}, {complaint:?}", output.status))
}

/// A folder with a log that anybody may use.
fn folder() -> tempfile::TempDir {
    let folder = directory();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("one's own");
    fs::write(folder.path().join("log"), "hello\n").expect("a log");
    let meeting = "seconds_since_start\tkind\tsender\ttext\n0\tsay\tkim\thello\n";
    fs::write(folder.path().join("meeting.tsv"), meeting).expect("a meeting");
    folder
}

#[test]
fn few_open_files_are_enough_or_one_error_line() {
    let folder = folder();
    let mut wrong = String::new();
    for n_files in (4..=40).step_by(2).chain([9, 11]) {
        for (at, arguments) in ALL.iter().enumerate() {
            if at > 1 && ![6, 9, 12, 20].contains(&n_files) {
                continue; // the others differ little
            }
            let mut command = program("prlimit", "util-linux");
            command.arg(format!("--nofile={n_files}")).arg(PROGRAM);
            if let Some(fault) = fault(&output(folder.path(), command, arguments)) {
                writeln!(wrong, "{n_files} files, {arguments:?}: {fault}").expect("a string");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn few_threads_are_enough_or_one_error_line() {
    if !is_root() {
        eprintln!("only root can be another user, who has no threads but the program's");
        return;
    }
    let folder = folder();
    let copy = folder.path().join("program"); // other users may not read the build folder
    fs::copy(PROGRAM, &copy).expect("a copy");
    let mut wrong = String::new();
    for n_threads in 1..=14 {
        for (at, arguments) in ALL.iter().enumerate() {
            if at > 1 && n_threads % 4 != 1 {
                continue;
            }
            let mut command = program("prlimit", "util-linux");
            // An unused user number: the system counts threads per user, and other tests may run.
            let user = 2_000_000_000 + std::process::id();
            command.arg(format!("--nproc={n_threads}")).args(["setpriv", "--clear-groups"]);
            command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg(&copy);
            if let Some(fault) = fault(&output(folder.path(), command, arguments)) {
                writeln!(wrong, "{n_threads} threads, {arguments:?}: {fault}").expect("a string");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Whether the tests run as root.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
}

#[test]
fn more_logs_than_files_may_be_open_lose_no_line() {
    const N_LOGS: usize = 300;
    let folder = directory();
    let log = |n: usize| folder.path().join(format!("{n}.log"));
    let write = |path: &Path, text: String| {
        let mut file = File::options().append(true).create(true).open(path).expect("a log");
        writeln!(file, "{text}").expect("it is written");
    };
    for n in 0..N_LOGS {
        write(&log(n), format!("old {n}"));
    }
    for named in ["folder", "each"] {
        let mut arguments = vec!["tail".to_owned(), "-n".to_owned(), "1".to_owned()];
        match named {
            "folder" => arguments.push(folder.path().display().to_string()),
            _ => arguments.extend((0..N_LOGS).map(|n| log(n).display().to_string())),
        }
        let mut command = program("prlimit", "util-linux");
        command.arg("--nofile=250").arg(PROGRAM);
        let speak = Speak::print_by(command, arguments);
        let expect = |what: &str| {
            let is_there = || {
                let lines: HashSet<_> = speak.lines().into_iter().collect();
                let all = (0..N_LOGS).all(|n| lines.contains(&format!("{what} {n} {named}")));
                all.then_some(())
            };
            wait_within(Duration::from_secs(60), what, || speak.transcript(), is_there);
        };
        let all_begun = || (speak.n_lines() >= N_LOGS).then_some(());
        wait_within(Duration::from_secs(60), "the old lines", || speak.transcript(), all_begun);
        for n in 0..N_LOGS {
            write(&log(n), format!("new {n} {named}"));
        }
        expect("new");
        for n in 0..N_LOGS {
            write(&log(n), format!("before {n} {named}"));
            // In a followed folder, another name would be another log.
            let is_usual = n % 2 == 0 || named == "folder";
            let name = if is_usual { "log.1" } else { "log.away" };
            let rotated = log(n).with_extension(name);
            fs::rename(log(n), &rotated).expect("it is rotated");
            write(&log(n), format!("after {n} {named}"));
            // Its writer has not noticed yet.
            if n % 2 == 0 {
                write(&rotated, format!("late {n} {named}"));
            }
        }
        expect("before");
        expect("after");
        let n_late = || {
            let lines = speak.lines();
            let n_late = lines.iter().filter(|line| line.starts_with("late ")).count();
            (n_late == N_LOGS / 2).then_some(())
        };
        wait_within(Duration::from_secs(60), "late lines", || speak.transcript(), n_late);
        let said = speak.lines();
        let unlike: HashSet<_> = said.iter().collect();
        assert_eq!(said.len(), unlike.len(), "a line twice: {said:?}");
        let complaints = speak.complaints();
        let warning = "300 logs, 250 files may be open: some are opened only to read what is new";
        assert_eq!(complaints.matches(warning).count(), 1, "{complaints}");
        assert_eq!(complaints.lines().count(), 1, "{complaints}");
    }
}
