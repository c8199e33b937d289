//! A log is followed through all that can happen to it and to the system: every line comes once.

#[path = "../../src/source/tail/scenarios.rs"]
mod scenarios;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use scenarios::{LOG, Step};
use tempfile::TempDir;

use crate::harness::{PROGRAM, Speak, directory, program, signal, wait_for, wait_within};

/// How long all lines may take: a busy machine is no failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much more memory a flood may take: it does not grow with the length of a line.
const GROWTH_KIB: u64 = 20 * 1024;

/// The program that follows one or more logs, and the lines it must print.
struct Tail {
    speak: Speak,
    wanted: Vec<String>,
}

impl Tail {
    /// Follows `log` from its first line on, also when it is not there yet.
    fn start(log: &Path, options: &[&str]) -> Self {
        Self::start_by(Command::new(PROGRAM), &[log], options)
    }

    /// As [`Tail::start`], by a `command` that runs the program.
    fn start_by(command: Command, logs: &[&Path], options: &[&str]) -> Self {
        let fixed = ["tail", "--config", "/dev/null", "--format", "plain", "--retry", "-n", "99"];
        let logs = logs.iter().map(|log| log.to_str().expect("a path in UTF-8"));
        let arguments = fixed.into_iter().chain(options.iter().copied()).chain(logs);
        Self { speak: Speak::print_by(command, arguments), wanted: Vec::new() }
    }

    /// Waits until `lines` have come, after those before, and nothing else.
    fn expect<S: Into<String>>(&mut self, lines: impl IntoIterator<Item = S>) {
        self.wanted.extend(lines.into_iter().map(Into::into));
        let n_wanted = self.wanted.len();
        let transcript = || self.speak.transcript();
        wait_within(PATIENCE, "all lines come", transcript, || {
            (self.speak.n_lines() >= n_wanted).then_some(())
        });
        let lines = self.speak.lines();
        let wrong = lines.iter().zip(&self.wanted).position(|(line, wanted)| line != wanted);
        let wrong = wrong.map(|at| (at, &lines[at], &self.wanted[at]));
        assert_eq!((lines.len(), wrong), (n_wanted, None), "{}", self.speak.complaints());
    }

    /// Waits until the program watches a directory.
    fn wait_watch(&self) {
        let folder = PathBuf::from(format!("/proc/{}/fdinfo", self.speak.pid()));
        wait_for(
            "a directory is watched",
            || self.speak.transcript(),
            || {
                let descriptors = fs::read_dir(&folder).ok()?.flatten();
                let mut infos = descriptors.filter_map(|it| fs::read_to_string(it.path()).ok());
                infos.any(|info| info.contains("inotify wd:")).then_some(())
            },
        );
    }

    /// Waits until it has warned about `what`.
    fn wait_complaint(&self, what: &str) {
        wait_for(
            what,
            || self.speak.transcript(),
            || self.speak.complaints().contains(what).then_some(()),
        );
    }

    /// Its peak memory so far, in KiB.
    fn most_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.speak.pid()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        number.expect("a number of KiB")
    }
}

/// A directory, and the path of the log that is to be in it.
fn place() -> (TempDir, PathBuf) {
    let folder = directory();
    let log = folder.path().join(LOG);
    (folder, log)
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the log can be written");
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

/// Runs all scenarios of coreutils with `options`.
fn go(options: &[&str]) {
    for (name, steps) in scenarios::all() {
        eprintln!("{name}");
        let (folder, log) = place();
        let mut tail = Tail::start(&log, options);
        for step in steps {
            match step {
                Step::Look => {}
                Step::Expect(lines) => tail.expect(lines),
                done => done.apply(folder.path()),
            }
        }
        assert_eq!(tail.speak.complaints(), "", "{name}");
    }
}

#[test]
fn scenarios_work_with_file_events() {
    go(&[]);
}

#[test]
fn scenarios_work_with_polling() {
    go(&["--poll"]);
}

#[test]
fn no_line_is_lost_by_rotations_while_it_is_written() {
    const PER_FILE: usize = 500;
    for options in [&[][..], &["--poll"]] {
        let (_folder, log) = place();
        append(&log, "0\n");
        let mut tail = Tail::start(&log, options);
        tail.expect(["0"]);
        let numbers = || (1..=20_000).map(|number| number.to_string());
        let mut file = OpenOptions::new().append(true).open(&log).expect("the log");
        for (n_written, number) in numbers().enumerate() {
            file.write_all(format!("{number}\n").as_bytes()).expect("it can be written");
            if n_written % PER_FILE == PER_FILE - 1 {
                let old =
                    log.with_file_name(format!("{LOG}-{}", 20_260_000 + n_written / PER_FILE));
                fs::rename(&log, old).expect("it can be renamed");
                file = File::create(&log).expect("the next log");
            }
        }
        tail.expect(numbers());
    }
}

#[test]
fn the_hole_of_a_writer_that_kept_its_offset_is_not_heard() {
    for options in [&[][..], &["--poll"]] {
        let (_folder, log) = place();
        let mut writer = File::create(&log).expect("a log");
        writer.write_all(b"old\n").expect("it can be written");
        writer.seek(SeekFrom::Start(1 << 20)).expect("a place");
        writer.write_all(b"\nfar\n").expect("it can be written");
        let mut tail = Tail::start(&log, options);
        tail.expect(["old", "far"]);
        for text in ["one", "two"] {
            File::create(&log).expect("it is truncated by another");
            writeln!(writer, "{text}").expect("it can be written");
            tail.expect([text]);
        }
    }
}

#[test]
fn a_line_of_64_mib_costs_no_memory() {
    let (_folder, log) = place();
    append(&log, "before\n");
    let mut tail = Tail::start(&log, &[]);
    tail.expect(["before"]);
    tail.wait_watch();
    let idle = tail.most_memory();
    let block = "some words more ".repeat(1 << 16);
    for _ in 0..64 {
        append(&log, &block);
    }
    append(&log, "\nafter\n");
    tail.expect([block[..16 * 1024].trim_end(), "after"]);
    let most = tail.most_memory();
    assert!(most < idle + GROWTH_KIB, "{idle} KiB before, {most} KiB after");
}

#[test]
fn an_overflow_of_file_events_loses_no_line() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("Linux");
    let limit: usize = limit.trim().parse().expect("a number");
    let (folder, log) = place();
    let mut tail = Tail::start(&log, &["-v"]);
    append(&log, "one\n");
    tail.expect(["one"]);
    tail.wait_watch();
    signal("STOP", tail.speak.pid());
    // Each file makes three events (created, opened, closed): enough even if it stops late.
    for number in 0..limit {
        File::create(folder.path().join(number.to_string())).expect("a file");
    }
    append(&log, "two\n");
    fs::rename(&log, log.with_file_name(format!("{LOG}.1"))).expect("it can be renamed");
    append(&log, "three\n");
    signal("CONT", tail.speak.pid());
    tail.expect(["two", "three"]);
    append(&log, "four\n");
    tail.expect(["four"]);
    tail.wait_complaint("more file events than the system keeps");
    let complaints = tail.speak.complaints();
    assert_eq!(complaints.matches("more file events").count(), 1, "{complaints}");
}

/// A command that runs `setting` and then the program, as root of a new namespace. None, with a
/// message, where the system does not allow that.
fn apart(options: &str, setting: &str) -> Option<Command> {
    let command = |what: &str| {
        let mut command = program("unshare", "util-linux");
        command.args([options, "sh", "-c", &format!("{setting} && {what}"), "sh", PROGRAM]);
        command
    };
    let tried = command("true").output().expect("unshare can be started");
    if !tried.status.success() {
        let why = String::from_utf8_lossy(&tried.stderr);
        eprintln!("not tried, this system does not allow it: {options} {setting}: {why}");
        return None;
    }
    Some(command("exec \"$@\""))
}

#[test]
fn without_watches_it_polls_and_reports_it_once() {
    for limit in ["max_inotify_instances", "max_inotify_watches"] {
        let Some(command) = apart("-Ur", &format!("echo 0 >/proc/sys/user/{limit}")) else {
            return;
        };
        let folders: Vec<_> = (0..20).map(|_| place()).collect();
        let logs: Vec<_> = folders.iter().map(|(_, log)| log.as_path()).collect();
        let mut tail = Tail::start_by(command, &logs, &[]);
        tail.wait_complaint("no file events");
        for (number, log) in logs.iter().enumerate() {
            append(log, &format!("line {number}\n"));
            tail.expect([format!("line {number}")]);
        }
        let complaints = tail.speak.complaints();
        assert_eq!(complaints.lines().count(), 1, "{complaints}");
    }
}

/// A command that runs the program as a user other than root.
fn as_somebody(folder: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(PROGRAM);
    }
    permit(folder, 0o755);
    let copy = folder.join("irc-speak");
    fs::copy(PROGRAM, &copy).expect("a copy");
    let mut command = program("setpriv", "util-linux");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(copy);
    command.env("HOME", folder).env_remove("XDG_CONFIG_HOME");
    command
}

#[test]
fn a_log_without_permission_is_reported_once_and_waited_for() {
    for options in [&[][..], &["--poll"]] {
        let ((folder, log), copies) = (place(), directory());
        let command = as_somebody(copies.path());
        permit(folder.path(), 0o755);
        let mut writer = File::create(&log).expect("a log");
        permit(&log, 0o644);
        let mut tail = Tail::start_by(command, &[&log], options);
        writeln!(writer, "one").expect("it can be written");
        tail.expect(["one"]);
        permit(&log, 0);
        writeln!(writer, "two").expect("it can be written");
        tail.expect(["two"]); // it is open
        let next = folder.path().join("next");
        writer = File::create(&next).expect("the next log");
        permit(&next, 0);
        fs::rename(&log, log.with_file_name(format!("{LOG}.1"))).expect("it can be renamed");
        fs::rename(&next, &log).expect("it can be renamed");
        tail.wait_complaint("permission denied");
        for text in ["three", "four"] {
            writeln!(writer, "{text}").expect("it can be written");
        }
        permit(&log, 0o644);
        tail.expect(["three", "four"]);
        writeln!(writer, "five").expect("it can be written");
        tail.expect(["five"]);
        let complaints = tail.speak.complaints();
        assert_eq!(complaints.lines().count(), 1, "{complaints}");
    }
}

#[test]
fn a_log_that_an_overlay_copies_on_write_is_followed() {
    let folder = directory();
    let folder = folder.path();
    for name in ["lower", "upper", "work", "merged"] {
        fs::create_dir(folder.join(name)).expect("a folder");
    }
    append(&folder.join("lower").join(LOG), "one\n");
    let mount = "mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged";
    let Some(command) = apart("-Urm", &format!("cd {} && {mount}", folder.display())) else {
        return;
    };

    let log = folder.join("merged").join(LOG);
    let mut tail = Tail::start_by(command, &[&log], &[]);
    tail.expect(["one"]);
    // As writers in the same namespace see it.
    let inside = PathBuf::from(format!("/proc/{}/root{}", tail.speak.pid(), log.display()));
    for text in ["two", "three"] {
        append(&inside, &format!("{text}\n"));
        tail.expect([text]);
    }
    fs::rename(&inside, inside.with_file_name(format!("{LOG}.1"))).expect("it can be renamed");
    append(&inside, "four\n");
    tail.expect(["four"]);
    assert_eq!(tail.speak.complaints(), "");
}

#[test]
fn a_log_with_read_errors_is_reported_once_and_reopened() {
    let (_folder, log) = place();
    // A file whose first bytes cannot be read, as if its mount were dead.
    symlink("/proc/self/mem", &log).expect("a link");
    let mut tail = Tail::start(&log, &["--poll"]);
    tail.wait_complaint("input/output error");
    let next = log.with_file_name("next");
    append(&next, "one\n");
    fs::rename(&next, &log).expect("it can be renamed");
    tail.expect(["one"]);
    append(&log, "two\n");
    tail.expect(["two"]);
    let complaints = tail.speak.complaints();
    assert_eq!(complaints.lines().count(), 1, "{complaints}");
}
