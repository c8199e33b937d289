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
        Self::of(words, |spec| spec)
    }

    fn of(words: &[&str], change: impl FnOnce(CommandSpec) -> CommandSpec) -> Self {
        let (sender, receiver) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let words = words.iter().map(OsString::from).collect();
        let spec = change(CommandSpec { words, ..CommandSpec::default() });
        let inbox = Inbox::new(SourceId(0), sender);
        let patience = Duration::from_millis(300);
        let task = tokio::spawn(run_within(patience, spec, inbox, stop.clone()));
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
                Input::Notice(_, text) => self.waiting.push_back(format!("notice: {text}")),
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
        (Event::Output, 0, None, State::Running),
        (Event::Stop, 100, term, State::Stopping(at(5_100))),
        (Event::Stop, 200, None, State::Stopping(at(5_100))), // asked once
        (Event::Output, 300, None, State::Stopping(at(5_100))),
        (Event::Late, 5_100, kill, State::Stopping(at(10_100))),
        (Event::Exited(done), 5_101, None, State::Ended(done, at(5_301))),
        (Event::Output, 5_200, None, State::Ended(done, at(5_301))), // stopped: no longer
        (Event::Late, 5_301, None, State::Over(done)),
    ] {
        assert_eq!((course.handle(event, at(ms)), course.state), (signal, state), "at {ms} ms");
    }

    let mut course = Course::new(Duration::from_secs(5));
    course.handle(Event::Exited(done), at(0));
    assert_eq!((course.end(false), course.end(true)), (None, Some(done)));
    course.handle(Event::Output, at(100));
    assert_eq!(course.deadline(), Some(at(300))); // the remaining processes still print
    course.handle(Event::Stop, at(200));
    course.handle(Event::Output, at(250));
    assert_eq!(course.deadline(), Some(at(300)));
}

#[tokio::test]
async fn the_output_and_the_exit_status_are_reported() {
    for (script, lines, end) in [
        ("echo one; echo two", &["one", "two"][..], "ok"),
        ("printf 'one\\ntwo'", &["one", "two"], "ok"),
        ("echo problem >&2; exit 2", &["problem"], "\"sh\" exited with code 2"),
        ("echo one; kill -9 $$", &["one"], "\"sh\" was ended by signal 9"),
        ("cat", &[], "ok"), // it has no input
        ("printf 'a\\nb' >&2; printf 'a\\nb'", &["a", "a", "b", "b"], "ok"),
    ] {
        let (mut printed, ended) = Running::script(script).end().await;
        printed.sort();
        let mut lines = lines.to_vec();
        lines.sort_unstable();
        assert_eq!(
            (printed, ended.as_str()),
            (lines.iter().map(ToString::to_string).collect(), end),
            "{script}"
        );
    }
}

#[tokio::test]
async fn the_error_names_why_a_command_does_not_start() {
    for (words, error) in [
        (&["irc-speak-is-not-this"][..], r#"cannot run "irc-speak-is-not-this": no such program"#),
        (&["/etc/passwd"], r#"cannot run "/etc/passwd": permission denied; is it executable?"#),
        (&[], r#"no command; name one after "--""#),
    ] {
        assert_eq!(Running::new(words).end().await, (vec![], error.to_owned()));
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
    let (lines, ended) = Running::script(script).end().await;
    assert_eq!((lines.len(), ended.as_str()), (1_000_001, "ok"));
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
async fn a_command_that_ignores_sigterm_is_killed() {
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
async fn what_a_command_leaves_running_does_not_delay_its_end() {
    let (lines, ended) = Running::script("sleep 60 & echo $!").end().await;
    let grandchild = Pid::from_raw(lines[0].parse().unwrap()).unwrap();
    assert_eq!(ended, "ok");
    rustix::process::kill_process(grandchild, Signal::KILL).expect("it was left running");
}

#[test]
fn a_failing_command_is_restarted_and_reported_once() {
    let spec = CommandSpec { words: vec!["make".into()], retry: true, ..CommandSpec::default() };
    let failed = |code| CommandError::Failed { program: "make".into(), code };
    let absent = |is_final| {
        let why = "no such program".to_owned();
        CommandError::Unstartable { program: "make".into(), why, is_final }
    };
    let seconds = Duration::from_secs;
    let first = "the command make ended with 3; it is started again";
    let again = "the command make ended with 4; it is started again";
    let mut retry = Retry::new(&spec);
    for (why, ran, longest, notice) in [
        (failed(3), 0, 1, Some(first)),
        (failed(3), 1, 2, None),
        (failed(4), 59, 2, None),   // still failing
        (absent(true), 0, 4, None), // it started once before
        (failed(3), 0, 8, None),
        (failed(4), 60, 1, Some(again)), // it ran well meanwhile
    ] {
        let (wait, news) = retry.handle(&why, seconds(ran)).expect("another try");
        assert!(
            wait >= seconds(1) && wait <= seconds(longest),
            "{wait:?} of {longest} after {why}"
        );
        assert_eq!(
            news.map(|it| it.to_string()).as_deref(),
            notice,
            "{why}, which ran for {ran} s"
        );
    }
    for (why, is_tried) in
        [(absent(true), false), (absent(false), true), (CommandError::Empty, false)]
    {
        let tried = Retry::new(&spec).handle(&why, Duration::ZERO);
        assert_eq!(tried.is_some(), is_tried, "{why}");
    }
}

#[tokio::test]
async fn it_is_restarted_until_it_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let been = folder.path().join("been");
    let script = format!(
        "if [ -e {0} ]; then echo two; else echo one; touch {0}; exit 3; fi",
        been.display()
    );
    let running = Running::of(&["sh", "-c", &script], |spec| CommandSpec { retry: true, ..spec });
    let (lines, ended) = running.end().await;
    let notice = "notice: the command sh ended with 3; it is started again";
    assert_eq!(
        (lines.as_slice(), ended.as_str()),
        (&["one", notice, "two"].map(str::to_owned)[..], "ok")
    );
}

#[tokio::test]
async fn waiting_to_restart_it_ends_with_the_listener() {
    let mut running = Running::of(&["false"], |spec| CommandSpec { retry: true, ..spec });
    let notice = running.line().await.unwrap();
    assert_eq!(notice, "notice: the command false ended with 1; it is started again");
    running.stop.cancel();
    assert_eq!(running.end().await, (vec![], "ok".to_owned()));
}

#[test]
fn a_command_has_its_exit_code_as_in_a_shell() {
    for (script, code) in
        [("exit 3", Some(3)), ("exit 255", Some(255)), ("kill -TERM $$", Some(143))]
    {
        let status = std::process::Command::new("sh").args(["-c", script]).status().unwrap();
        let failed = judge(Path::new("sh"), status).expect_err(script);
        assert_eq!(failed.exit_code(), code, "{script}");
    }
    assert_eq!(CommandError::Empty.exit_code(), None);
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
