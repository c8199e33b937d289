//! Real commands, to their ends.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::message::SourceId;

const DEADLINE: Duration = Duration::from_secs(10);

struct Running {
    receiver: mpsc::Receiver<Input>,
    waiting: VecDeque<String>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), CommandError>>,
}

impl Running {
    fn new(words: &[&str]) -> Self {
        let (sender, receiver) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let words = words.iter().map(OsString::from).collect();
        let inbox = Inbox::new(SourceId(0), sender);
        let patience = Duration::from_millis(300);
        let task = tokio::spawn(run_within(patience, words, inbox, stop.clone()));
        Self { receiver, waiting: VecDeque::new(), stop, task }
    }

    fn script(script: &str) -> Self {
        Self::new(&["sh", "-c", script])
    }

    /// The next line, within the deadline; `None` at the end.
    async fn line(&mut self) -> Option<String> {
        while self.waiting.is_empty() {
            let next = timeout(DEADLINE, self.receiver.recv()).await.expect("a line or an end");
            match next? {
                Input::Lines(lines) => {
                    self.waiting = lines.iter().map(|line| line.text.into_owned()).collect();
                }
                other => panic!("lines, not {other:?}"),
            }
        }
        self.waiting.pop_front()
    }

    /// All lines, and how it ended: its error as the user reads it.
    async fn end(mut self) -> (Vec<String>, String) {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        let result = timeout(DEADLINE, self.task).await.expect("an end").unwrap();
        (lines, result.map_or_else(|error| error.to_string(), |()| "ok".to_owned()))
    }
}

#[test]
fn a_command_takes_its_course() {
    let start = crate::clock::test_now();
    let at = |ms| start + Duration::from_millis(ms);
    let (done, term, kill) = (ExitStatus::default(), Some(Signal::TERM), Some(Signal::KILL));
    let mut course = Course::new(Duration::from_secs(5));
    for (event, ms, signal, state) in [
        (Event::Heard, 0, None, State::Running),
        (Event::Stop, 100, term, State::Stopping(at(5_100))),
        (Event::Stop, 200, None, State::Stopping(at(5_100))), // asked once
        (Event::Heard, 300, None, State::Stopping(at(5_100))),
        (Event::Late, 5_100, kill, State::Stopping(at(10_100))),
        (Event::Exited(done), 5_101, None, State::Ended(done, at(5_301))),
        (Event::Heard, 5_200, None, State::Ended(done, at(5_301))), // stopped: no longer
        (Event::Late, 5_301, None, State::Over(done)),
    ] {
        assert_eq!((course.handle(event, at(ms)), course.state), (signal, state), "at {ms} ms");
    }

    let mut course = Course::new(Duration::from_secs(5));
    course.handle(Event::Exited(done), at(0));
    assert_eq!((course.end(false), course.end(true)), (None, Some(done)));
    course.handle(Event::Heard, at(100));
    assert_eq!(course.deadline(), Some(at(300))); // what was left running is not silent
    course.handle(Event::Stop, at(200));
    course.handle(Event::Heard, at(250));
    assert_eq!(course.deadline(), Some(at(300)));
}

#[tokio::test]
async fn what_a_command_prints_and_how_it_ends_is_told() {
    for (script, lines, end) in [
        ("echo one; echo two", &["one", "two"][..], "ok"),
        ("printf 'one\\ntwo'", &["one", "two"], "ok"),
        ("echo problem >&2; exit 2", &["problem"], "\"sh\" exited with code 2"),
        ("echo one; kill -9 $$", &["one"], "\"sh\" was ended by signal 9"),
        ("cat", &[], "ok"), // it has no input
        ("printf 'a\\nb' >&2; printf 'a\\nb'", &["a", "a", "b", "b"], "ok"),
    ] {
        let (mut heard, told) = Running::script(script).end().await;
        heard.sort();
        let mut lines = lines.to_vec();
        lines.sort_unstable();
        assert_eq!(
            (heard, told.as_str()),
            (lines.iter().map(ToString::to_string).collect(), end),
            "{script}"
        );
    }
}

#[tokio::test]
async fn a_command_that_does_not_start_says_why() {
    for (words, told) in [
        (&["irc-speak-is-not-this"][..], r#"cannot run "irc-speak-is-not-this": no such program"#),
        (&["/etc/passwd"], r#"cannot run "/etc/passwd": permission denied; is it executable?"#),
        (&[], r#"no command; name one after "--""#),
    ] {
        assert_eq!(Running::new(words).end().await, (vec![], told.to_owned()));
    }
}

#[tokio::test]
async fn words_are_not_a_shells() {
    let (lines, _) = Running::new(&["echo", "$HOME", ";", "false"]).end().await;
    assert_eq!(lines, ["$HOME ; false"]);
}

#[tokio::test]
async fn both_outputs_are_drained() {
    let script = "head -c 1000000 /dev/zero | tr '\\0' '\\n' >&2; echo end";
    let (lines, told) = Running::script(script).end().await;
    assert_eq!((lines.len(), told.as_str()), (1_000_001, "ok"));
}

#[tokio::test]
async fn an_unfinished_line_does_not_wait_for_ever() {
    let mut running = Running::script("printf 'Sure? '; exec sleep 60");
    assert_eq!(running.line().await.unwrap(), "Sure? ");
    running.stop.cancel();
    assert_eq!(running.end().await, (vec![], "ok".to_owned()));
}

#[tokio::test]
async fn stopping_ends_the_whole_group() {
    let mut running = Running::script("sleep 60 & echo $!; wait");
    let grandchild: i32 = running.line().await.unwrap().parse().unwrap();
    running.stop.cancel();
    assert_eq!(running.end().await.1, "ok");
    goes(grandchild).await;
}

#[tokio::test]
async fn who_ignores_the_request_is_killed() {
    let mut running = Running::script("trap '' TERM; sleep 60 & echo $!; wait");
    let grandchild: i32 = running.line().await.unwrap().parse().unwrap();
    running.stop.cancel();
    assert_eq!(running.end().await.1, "ok");
    goes(grandchild).await;
}

#[tokio::test]
async fn what_a_command_leaves_behind_is_stopped_with_it() {
    let mut running = Running::script("trap '' TERM; sh -c 'echo $$; exec yes' & exit 0");
    let grandchild: i32 = running.line().await.unwrap().parse().unwrap();
    assert_eq!(running.line().await.unwrap(), "y");
    running.stop.cancel();
    assert_eq!(running.end().await.1, "ok");
    goes(grandchild).await;
}

#[tokio::test]
async fn what_a_command_leaves_running_does_not_hold_its_end() {
    let (lines, told) = Running::script("sleep 60 & echo $!").end().await;
    let grandchild = Pid::from_raw(lines[0].parse().unwrap()).unwrap();
    assert_eq!(told, "ok");
    rustix::process::kill_process(grandchild, Signal::KILL).expect("it was left running");
}

/// Waits for a process to end: it is not there, or waits for its new parent to take note.
async fn goes(id: i32) {
    let status = || std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let gone = |status: &str| {
        !status.contains("State:") || status.contains("State:\tZ") || status.contains("State:\tX")
    };
    let wait = async {
        while !gone(&status()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, wait).await.expect("it has ended");
}
