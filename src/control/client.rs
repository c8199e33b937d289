//! `irc-speak ctl` and `irc-speak say`: sends one request to the listener, and formats the reply.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::place::{self, SocketError};
use super::{Alias, Command, Entry, Reply, Snapshot, SoundSink};
use crate::diagnostics::{escaped, quoted};
use crate::units::Wpm;
use crate::wire;

/// How long a reply may take. The listener replies within a millisecond unless it is stopped.
const REPLY_LIMIT: Duration = Duration::from_secs(5);
/// The same for a message: flood control sends one every two seconds, and 30 may be queued.
const MESSAGE_LIMIT: Duration = Duration::from_secs(90);
/// The longest reply in bytes: ten thousand of the longest lines of IRC take 10 MB.
const REPLY_MAX: u64 = 64 << 20;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No listener is running.
    #[error("no listener answers at {}; start one first", quoted(.0))]
    NoListener(PathBuf),
    /// The socket is not to be trusted.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The listener refuses the request.
    #[error("{}", escaped(.0))]
    Refused(String),
    /// The listener does not reply, or not as it should.
    #[error("the listener at {} does not answer: {why}", quoted(.path))]
    Mute {
        /// Its socket.
        path: PathBuf,
        /// What happened instead.
        why: String,
    },
}

/// Sends a command to the running listener; returns the text to print.
pub fn run(command: &Command) -> Result<String, ClientError> {
    let reply = ask(&place::socket(), command)?;
    let as_json = match command {
        Command::Status { json } => *json,
        Command::Missed(it) | Command::Why(it) => it.json,
        _ => false,
    };
    if as_json { Ok(json(&reply) + "\n") } else { Ok(words(&reply)) }
}

/// Sends `command` to the listener at `path`; a [`Reply::Error`] is returned as an error.
pub fn ask(path: &Path, command: &Command) -> Result<Reply, ClientError> {
    let stream = connect(path)?;
    let no_answer = |why: String| ClientError::Mute { path: path.to_owned(), why };
    let reply = exchange(&stream, command).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            no_answer(format!("no reply within {} seconds", limit(command).as_secs()))
        }
        _ => no_answer(error.to_string()),
    })?;
    if reply.is_empty() {
        return Err(no_answer("it closed the connection".to_owned()));
    }
    match serde_json::from_slice(&reply) {
        Ok(Reply::Error { why }) => Err(ClientError::Refused(why)),
        Ok(reply) => Ok(reply),
        Err(error) => Err(no_answer(format!("its reply is not understood: {error}"))),
    }
}

fn connect(path: &Path) -> Result<UnixStream, ClientError> {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    let nobody = |error: &io::Error| matches!(error.kind(), NotFound | ConnectionRefused);
    // Otherwise another user could put a socket there, and read the messages.
    match place::open(path) {
        Err(SocketError::System { source, .. }) if nobody(&source) => {
            return Err(ClientError::NoListener(path.to_owned()));
        }
        checked => checked?,
    };
    UnixStream::connect(path).map_err(|error| match error {
        error if nobody(&error) => ClientError::NoListener(path.to_owned()),
        error => SocketError::system(path)(error).into(),
    })
}

fn limit(command: &Command) -> Duration {
    if matches!(command, Command::Say { .. }) { MESSAGE_LIMIT } else { REPLY_LIMIT }
}

/// Sends `command`; returns the reply's line, or an empty one at the end of the connection.
fn exchange(mut stream: &UnixStream, command: &Command) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(limit(command)))?;
    stream.set_write_timeout(Some(REPLY_LIMIT))?;
    match stream.write_all(&wire::line(command)) {
        // A listener with too many clients replies so and closes the connection at once.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    let mut reply = Vec::new();
    match BufReader::new(stream).take(REPLY_MAX).read_until(b'\n', &mut reply) {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(reply),
    }
}

fn json(reply: &Reply) -> String {
    serde_json::to_string(reply).expect("it was read from JSON")
}

/// The reply as text that a screen reader reads well; empty for [`Reply::Done`].
fn words(reply: &Reply) -> String {
    match reply {
        Reply::Done | Reply::Error { .. } => String::new(),
        Reply::Skipped { lines } => skipped(*lines) + "\n",
        Reply::Status(snapshot) => status(snapshot),
        Reply::Where { text } => format!("{}\n", escaped(text)),
        Reply::Aliases { aliases } if aliases.is_empty() => "no aliases\n".to_owned(),
        Reply::Aliases { aliases } => {
            let row = |it: &Alias| format!("{}: {}\n", escaped(&it.nick), escaped(&it.name));
            aliases.iter().map(row).collect()
        }
        Reply::Lines { lines } => lines.iter().map(|entry| entry_words(entry) + "\n").collect(),
    }
}

/// The number of skipped lines, in words.
pub fn skipped(n_lines: u64) -> String {
    match n_lines {
        0 => "no line skipped".to_owned(),
        1 => "1 line skipped".to_owned(),
        n_lines => format!("{n_lines} lines skipped"),
    }
}

fn status(snapshot: &Snapshot) -> String {
    let yes_no = |yes| if yes { "yes" } else { "no" }.to_owned();
    let rate = match (snapshot.rate, snapshot.rate_now) {
        (base, now) if now == base || now == Wpm(0) => format!("{base} words a minute"),
        (base, now) => format!("{base} words a minute, now {now}"),
    };
    let muted = match snapshot.muted.as_slice() {
        [] => "nobody".to_owned(),
        muted => muted.join(", "),
    };
    let speaking = snapshot.current.as_ref().map_or("nothing".to_owned(), entry_words);
    let sink = snapshot.sink.as_ref().map(|sink| ("device", device(sink)));
    let mut rows = vec![
        ("paused", yes_no(snapshot.paused)),
        ("speaking", speaking),
        ("rate", rate),
        ("volume", format!("{} %", snapshot.volume)),
        ("waiting", snapshot.waiting.to_string()),
        ("lag", format!("{:.1} s", snapshot.lag_s)),
        ("muted", muted),
        ("voices", if snapshot.voices { "one each" } else { "one for all" }.to_owned()),
        ("lines", snapshot.lines.to_string()),
    ];
    let behind_volume = 4;
    rows.splice(behind_volume..behind_volume, sink);
    rows.extend(snapshot.fates.iter().map(|(fate, n)| (fate.as_str(), n.to_string())));
    let width = rows.iter().map(|(name, _)| name.chars().count() + 1).max().unwrap_or(0);
    let mut table = String::new();
    for (name, value) in rows {
        let name = escaped(name) + ":";
        writeln!(table, "{name:width$} {}", escaped(&value)).expect("a string grows");
    }
    table
}

/// `ear (Null Output), volume 80 %`, and why it cannot be heard.
fn device(SoundSink { name, about, muted, volume }: &SoundSink) -> String {
    let about = if about.is_empty() { String::new() } else { format!(" ({about})") };
    let silent = match (muted, volume) {
        (true, _) => ", muted: nothing is heard",
        (false, 0) => ": nothing is heard",
        (false, _) => "",
    };
    format!("{name}{about}, volume {volume} %{silent}")
}

/// `#rust kim: hello (dropped by rule "greetings"; line 412 of libera)`
fn entry_words(entry: &Entry) -> String {
    let heading: Vec<&str> =
        entry.channel.iter().chain(&entry.sender).map(String::as_str).collect();
    let heading = heading.join(" ");
    let separator = if heading.is_empty() { "" } else { ": " };
    // The words may name the sender too.
    let said =
        entry.sender.as_deref().and_then(|it| entry.text.strip_prefix(it)?.strip_prefix(": "));
    let said = said.unwrap_or(&entry.text);
    let fate = match (&entry.fate, &entry.why) {
        (Some(fate), Some(why)) => format!("{fate}: {why}; "),
        (Some(word), None) | (None, Some(word)) => format!("{word}; "),
        (None, None) => String::new(),
    };
    let place = format!("line {} of {}", entry.line, entry.source);
    escaped(&format!("{heading}{separator}{said} ({fate}{place})"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::Parser as _;
    use expect_test::expect;

    use super::*;
    use crate::cli::{self, Cli};

    fn parsed(arguments: &str) -> Result<cli::Command, String> {
        let arguments = ["irc-speak"].into_iter().chain(arguments.split(' '));
        let cli = Cli::try_parse_from(arguments).map_err(|error| error.to_string())?;
        cli.command.ok_or_else(|| "no command".to_owned())
    }

    #[test]
    fn the_command_line_becomes_a_request() {
        for (arguments, request) in [
            ("pause", r#"{"command":"pause"}"#),
            ("resume", r#"{"command":"resume"}"#),
            ("toggle", r#"{"command":"toggle"}"#),
            ("skip", r#"{"command":"skip"}"#),
            ("live", r#"{"command":"live"}"#),
            ("repeat", r#"{"command":"repeat","n":1}"#),
            ("repeat 3", r#"{"command":"repeat","n":3}"#),
            ("back", r#"{"command":"back"}"#),
            ("highlight", r#"{"command":"highlight"}"#),
            ("more", r#"{"command":"more"}"#),
            ("faster", r#"{"command":"faster"}"#),
            ("slower", r#"{"command":"slower"}"#),
            ("rate 300", r#"{"command":"rate","wpm":300}"#),
            ("volume 80", r#"{"command":"volume","percent":80}"#),
            ("mute kim", r#"{"command":"mute","who":{"sender":"kim"}}"#),
            ("mute #rust", r##"{"command":"mute","who":{"channel":"#rust"}}"##),
            ("mute --all-but kim lee", r#"{"command":"mute","who":{"allbut":["kim","lee"]}}"#),
            ("unmute kim", r#"{"command":"unmute","who":{"sender":"kim"}}"#),
            ("unmute --all-but kim", r#"{"command":"unmute","who":{"allbut":["kim"]}}"#),
            ("mute --all", r#"{"command":"mute","who":"all"}"#),
            ("unmute --all", r#"{"command":"unmute","who":"all"}"#),
            ("status", r#"{"command":"status"}"#),
            ("status --json", r#"{"command":"status"}"#),
            ("missed", r#"{"command":"missed","n":10}"#),
            ("why 2 --json", r#"{"command":"why","n":2}"#),
            ("voices", r#"{"command":"voices","own":"toggle"}"#),
            ("voices on", r#"{"command":"voices","own":"on"}"#),
            ("voices off", r#"{"command":"voices","own":"off"}"#),
            ("where", r#"{"command":"where"}"#),
            ("alias", r#"{"command":"alias"}"#),
            ("alias serge__", r#"{"command":"alias","nick":"serge__"}"#),
            ("alias serge__ Serge", r#"{"command":"alias","nick":"serge__","name":"Serge"}"#),
            ("reload", r#"{"command":"reload"}"#),
            ("quit", r#"{"command":"quit"}"#),
        ] {
            let Ok(cli::Command::Ctl { action }) = parsed(&format!("ctl {arguments}")) else {
                panic!("not a ctl command: {arguments}");
            };
            let sent = serde_json::to_string(&action).unwrap();
            assert_eq!(sent, request, "ctl {arguments}");
            let received = serde_json::from_str::<Command>(&sent).unwrap();
            assert_eq!(serde_json::to_string(&received).unwrap(), request);
        }
    }

    #[test]
    fn invalid_command_lines_are_refused() {
        for arguments in [
            "ctl",
            "ctl frobnicate",
            "ctl repeat 0",
            "ctl repeat many",
            "ctl rate",
            "ctl rate 0",
            "ctl volume 201",
            "ctl mute",
            "ctl mute kim --all-but lee",
            "ctl mute kim --all",
            "ctl voices maybe",
            "ctl unmute",
            "ctl unmute kim --all",
            "ctl pause --json",
            "say",
            "say #rust",
        ] {
            assert!(parsed(arguments).is_err(), "{arguments}");
        }
    }

    #[test]
    fn a_message_may_look_like_an_option() {
        for (arguments, target, words) in [
            ("say #rust hello there", "#rust", "hello there"),
            ("say kim -- -v is verbose", "kim", "-v is verbose"),
            ("say kim a --text of mine", "kim", "a --text of mine"),
            ("say kim -- -1", "kim", "-1"),
        ] {
            let say = match parsed(arguments) {
                Ok(cli::Command::Say(say)) => say,
                other => panic!("{arguments}: {other:?}"),
            };
            assert_eq!((say.target.as_str(), say.words.join(" ").as_str()), (target, words));
        }
    }

    #[test]
    fn the_number_of_skipped_lines_is_printed() {
        for (lines, text) in
            [(0, "no line skipped\n"), (1, "1 line skipped\n"), (12, "12 lines skipped\n")]
        {
            assert_eq!(words(&Reply::Skipped { lines }), text);
        }
    }

    fn entry() -> Entry {
        Entry {
            line: 412,
            source: "libera".into(),
            channel: Some("#rust".into()),
            sender: Some("kim".into()),
            text: "hello\u{1b}[2J\nthere".into(),
            fate: Some("dropped".into()),
            why: Some("rule \"greetings\"".into()),
        }
    }

    #[test]
    fn lines_are_printed_one_a_row_and_escaped() {
        let bare = Entry { line: 1, source: "stdin".into(), text: "hi".into(), ..Entry::default() };
        expect![[r#"
            #rust kim: hello\u{1b}[2J\nthere (dropped: rule "greetings"; line 412 of libera)
            hi (line 1 of stdin)
        "#]]
        .assert_eq(&words(&Reply::Lines { lines: vec![entry(), bare] }));
    }

    #[test]
    fn a_device_is_printed_with_why_it_cannot_be_heard() {
        for (about, muted, volume, text) in [
            ("Null Output", false, 80, "ear (Null Output), volume 80 %"),
            ("", true, 80, "ear, volume 80 %, muted: nothing is heard"),
            ("", true, 0, "ear, volume 0 %, muted: nothing is heard"),
            ("", false, 0, "ear, volume 0 %: nothing is heard"),
        ] {
            let sink = SoundSink { name: "ear".into(), about: about.into(), muted, volume };
            assert_eq!(device(&sink), text);
            let snapshot = Snapshot { sink: Some(sink), ..Snapshot::default() };
            let rows = words(&Reply::Status(Box::new(snapshot)));
            assert!(rows.contains(&format!("device:   {text}\nwaiting:")), "{rows}");
        }
    }

    #[test]
    fn aliases_are_printed_one_a_row_and_escaped() {
        let alias = |nick: &str, name: &str| Alias { nick: nick.into(), name: name.into() };
        let aliases = vec![alias("serge__", "Serge"), alias("k\u{1b}", "Kim")];
        assert_eq!(words(&Reply::Aliases { aliases }), "serge__: Serge\nk\\u{1b}: Kim\n");
        assert_eq!(words(&Reply::Aliases { aliases: vec![] }), "no aliases\n");
    }

    #[test]
    fn the_status_is_printed_in_rows() {
        let snapshot = Snapshot {
            rate: Wpm(220),
            rate_now: Wpm(300),
            volume: 100,
            waiting: 3,
            lag_s: 4.25,
            current: Some(Entry { fate: None, why: None, text: "kim: hello".into(), ..entry() }),
            lines: 12,
            fates: BTreeMap::from([("spoken".into(), 8), ("dropped".into(), 1)]),
            muted: vec!["kim".into(), "#noise".into()],
            ..Snapshot::default()
        };
        expect![[r"
            paused:   no
            speaking: #rust kim: hello (line 412 of libera)
            rate:     220 words a minute, now 300
            volume:   100 %
            waiting:  3
            lag:      4.2 s
            muted:    kim, #noise
            voices:   one for all
            lines:    12
            dropped:  1
            spoken:   8
        "]]
        .assert_eq(&words(&Reply::Status(Box::new(snapshot))));
    }
}
