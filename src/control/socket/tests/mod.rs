//! Real sockets, each in a directory of its own. Each step may take ten seconds.

use tempfile::TempDir;
use tokio::io::Lines;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::super::{Entry, LastLines, Request, Snapshot};
use super::*;
use crate::units::Wpm;

mod owner;

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(10);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("not within 10 s: {what}"))
}

/// A served socket, and a listener that answers.
struct Served {
    folder: TempDir,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    answering: JoinHandle<Vec<Command>>,
}

impl Served {
    /// A listener that answers each command as `answer` does.
    async fn with(answer: impl Fn(&Command) -> Reply + Send + 'static) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let stop = CancellationToken::new();
        let (requests, mut inbox) = mpsc::channel::<Request>(1);
        let (_, state) = watch::channel(Snapshot::default());
        let server = Server::bind(&place_in(&folder)).await.expect("bound");
        let serving = tokio::spawn(server.serve(Controls::new(requests, state), stop.clone()));
        let answering = tokio::spawn(async move {
            let mut asked = Vec::new();
            while let Some(Request { command, reply }) = inbox.recv().await {
                let answer = answer(&command);
                asked.push(command);
                drop(reply.send(answer));
            }
            asked
        });
        Self { folder, stop, serving, answering }
    }

    /// A listener that replies [`Reply::Done`] to everything.
    async fn done() -> Self {
        Self::with(|_| Reply::Done).await
    }

    fn path(&self) -> PathBuf {
        place_in(&self.folder)
    }

    async fn client(&self) -> Client {
        Client::connect(&self.path()).await
    }

    /// Stops the server; returns the commands it received.
    async fn end(self) -> Vec<Command> {
        self.stop.cancel();
        soon("the end of serving", self.serving).await.expect("no panic");
        soon("the end of the listener", self.answering).await.expect("no panic")
    }
}

fn place_in(folder: &TempDir) -> PathBuf {
    folder.path().join("irc-speak/control.sock")
}

struct Client {
    replies: Lines<BufReader<OwnedReadHalf>>,
    writing: OwnedWriteHalf,
}

impl Client {
    async fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).await.expect("connected");
        let (reading, writing) = stream.into_split();
        Self { replies: BufReader::new(reading).lines(), writing }
    }

    async fn send(&mut self, bytes: &[u8]) {
        soon("to write", self.writing.write_all(bytes)).await.expect("written");
    }

    /// The next reply; none when the connection has ended.
    async fn reply(&mut self) -> Option<Reply> {
        let line = soon("a reply", self.replies.next_line()).await.ok().flatten()?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    async fn ask(&mut self, request: &str) -> Reply {
        self.send(format!("{request}\n").as_bytes()).await;
        self.reply().await.expect("connected")
    }

    async fn refusal(&mut self) -> String {
        match self.reply().await {
            Some(Reply::Error { why }) => why,
            other => panic!("no error: {other:?}"),
        }
    }
}

#[tokio::test]
async fn requests_may_be_objects_or_names_with_any_line_end() {
    let served = Served::done().await;
    let mut client = served.client().await;
    client.send(b"skip\npause\r\n{\"command\":\"rate\",\"wpm\":300}\r\n  live \n").await;
    for _ in 0..4 {
        assert_eq!(client.reply().await, Some(Reply::Done));
    }
    client.send(b"quit").await;
    client.writing.shutdown().await.expect("closed half");
    assert_eq!(client.reply().await, Some(Reply::Done), "without its line feed");
    assert_eq!(client.reply().await, None);
    let expected = [
        Command::Skip,
        Command::Pause,
        Command::Rate { wpm: Wpm(300) },
        Command::Live,
        Command::Quit,
    ];
    assert_eq!(served.end().await, expected);
}

#[tokio::test]
async fn a_bad_request_gets_an_error_and_the_client_stays() {
    let served = Served::done().await;
    let mut client = served.client().await;
    let deep = format!("{{\"command\":{}", "[".repeat(4000));
    for (request, why) in [
        (&b"\x00\xff\xfe\x80"[..], "a request is"),
        (b"\x00\x01", "a request is"),
        (b"", "a request is"),
        (b"[]", "a request is"),
        (b"say hello", "a request is"),
        (b"frobnicate", r#"unknown value "frobnicate"; known are"#),
        (b"rate", r#"the key "wpm" is missing"#),
        (b"{", "a request is"),
        (b"{}", r#"the key "command" is missing"#),
        (deep.as_bytes(), ""),
        (br#"{"command":"rate","wpm":1,"twice":true}"#, r#"unknown key "twice""#),
        (br#"{"command":"skip","n":2,"command":"skip"}"#, ""),
        (br#"{"command":"skip","twi\u001bce":2}"#, r#"unknown key "twi\u{1b}ce""#),
        (
            br#"{"command":"rate","wpm":"fast"}"#,
            r#"the value is "fast"; it takes a whole number, such as 100"#,
        ),
        (br#"{"command":"volume","percent":256}"#, "the value is 256; it takes a whole number"),
        (br#"{"command":"repeat","n":-1}"#, "-1"),
        (br##"{"command":"say","target":"#a","text":"hi\r\nQUIT"}"##, "a message is a single line"),
        (br##"{"command":"say","target":"#a","text":" "}"##, "the message is empty"),
        (br##"{"command":"say","target":"#a :x","text":"hi"}"##, "a target is one channel or nick"),
        (br#"{"command":"say","target":"","text":"hi"}"#, "a target is one channel or nick"),
    ] {
        client.send(request).await;
        client.send(b"\n").await;
        let refusal = client.refusal().await;
        assert!(refusal.contains(why), "{:?}: {refusal}", String::from_utf8_lossy(request));
    }
    assert_eq!(client.ask("skip").await, Reply::Done);
    assert_eq!(served.end().await, [Command::Skip]);
}

#[tokio::test]
async fn a_request_that_is_too_long_gets_an_error_and_ends_its_client() {
    let served = Served::done().await;
    let mut client = served.client().await;
    client.send(&[b' '; REQUEST_MAX - 4]).await;
    assert_eq!(client.ask("skip").await, Reply::Done, "4,096 bytes are a request");
    // As much as the system takes before the other end is closed.
    drop(soon("to be cut off", client.writing.write_all(&vec![b'A'; 1 << 20])).await);
    assert_eq!(client.refusal().await, "a request has at most 4096 bytes");
    assert_eq!(client.reply().await, None);
    assert_eq!(served.end().await, [Command::Skip]);
}

#[tokio::test]
async fn two_thousand_clients_are_turned_away_while_one_is_served() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).expect("more files");
    // Each takes a descriptor of this process, which runs other tests, too.
    let n_clients = limit.maximum.map_or(2000, |files| files.saturating_sub(500).min(2000));

    let served = Served::done().await;
    let mut client = served.client().await;
    assert_eq!(client.ask("skip").await, Reply::Done);
    let mut crowd = JoinSet::new();
    for _ in 0..n_clients {
        let path = served.path();
        crowd.spawn(async move {
            let mut stream = UnixStream::connect(&path).await.ok()?;
            let written = stream.write_all(b"status\n").await;
            let mut reply = String::new();
            let read = BufReader::new(&mut stream).read_line(&mut reply).await;
            drop((written, read)); // a client that is turned away may find the connection closed
            Some((stream, reply))
        });
    }
    let mut connected = Vec::new();
    while let Some(answered) = soon("the crowd's replies", crowd.join_next()).await {
        connected.extend(answered.expect("no panic"));
        assert_eq!(client.ask("skip").await, Reply::Done);
    }
    let answered = connected.iter().filter(|(_, reply)| reply.contains("done")).count();
    let turned_away = connected.iter().filter(|(_, reply)| reply.contains("32 clients")).count();
    assert!(answered >= CLIENTS_MAX - 1, "{answered} answered"); // more if this takes seconds
    assert!(turned_away > 0, "{} connected, {answered} answered", connected.len());

    // Those who leave make room.
    drop(connected);
    soon("room", async {
        loop {
            let mut next = served.client().await;
            if next.writing.write_all(b"skip\n").await.is_ok()
                && next.reply().await == Some(Reply::Done)
            {
                return;
            }
        }
    })
    .await;
    served.end().await;
}

#[tokio::test]
async fn the_client_idle_longest_makes_room() {
    let folder = tempfile::tempdir().expect("a directory");
    let (requests, mut inbox) = mpsc::channel::<Request>(1);
    let (_, state) = watch::channel(Snapshot::default());
    let mut server = Server::bind(&place_in(&folder)).await.expect("bound");
    server.idle_limit = Duration::ZERO;
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(Controls::new(requests, state), stop.clone()));
    let (held, mut waiting) = mpsc::channel(1);
    let answering = tokio::spawn(async move {
        while let Some(request) = inbox.recv().await {
            if request.command == Command::Live {
                held.send(request.reply).await.expect("it is waited for");
            } else {
                drop(request.reply.send(Reply::Done));
            }
        }
    });
    let connect = async || Client::connect(&place_in(&folder)).await;
    let mut crowd = Vec::new();
    for _ in 0..CLIENTS_MAX {
        crowd.push(connect().await);
        assert_eq!(crowd.last_mut().expect("pushed").ask("skip").await, Reply::Done);
    }
    // The first has a request in progress, the second just had one: the third is idle longest.
    crowd[0].send(b"live\n").await;
    let reply = soon("a request", waiting.recv()).await.expect("a request");
    assert_eq!(crowd[1].ask("skip").await, Reply::Done);
    let mut next = connect().await;
    assert_eq!(next.ask("skip").await, Reply::Done);
    assert_eq!(crowd.remove(2).reply().await, None, "it made room");
    drop(reply.send(Reply::Done));
    assert_eq!(crowd[0].reply().await, Some(Reply::Done));
    for client in &mut crowd {
        assert_eq!(client.ask("skip").await, Reply::Done);
    }
    stop.cancel();
    soon("the end of serving", serving).await.expect("no panic");
    soon("the end of the listener", answering).await.expect("no panic");
}

#[tokio::test]
async fn ten_thousand_clients_one_after_the_other_are_all_answered() {
    let served = Served::done().await;
    for n in 0..10_000 {
        let mut client = served.client().await;
        assert_eq!(client.ask("skip").await, Reply::Done, "client {n}");
    }
    assert_eq!(served.end().await.len(), 10_000);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_blocks_nobody() {
    let entry = Entry { text: "x".repeat(100), ..Entry::default() };
    let served = Served::with(move |command| match command {
        Command::Missed(it) => Reply::Lines { lines: vec![entry.clone(); it.n as usize] },
        _ => Reply::Done,
    })
    .await;
    let mut deaf = served.client().await;
    deaf.send(b"{\"command\":\"missed\",\"n\":20000}\nskip\n").await;
    let mut client = served.client().await;
    assert_eq!(client.ask("skip").await, Reply::Done);
    // Once it was dropped, its writes fail.
    soon("the deaf one to be dropped", async {
        while deaf.writing.write_all(b"\n").await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(client.ask("pause").await, Reply::Done);
    let asked =
        [Command::Missed(LastLines { n: 20000, json: false }), Command::Skip, Command::Pause];
    assert_eq!(served.end().await, asked);
}

#[tokio::test]
async fn a_client_has_one_request_in_progress_at_a_time() {
    let folder = tempfile::tempdir().expect("a directory");
    let (requests, mut inbox) = mpsc::channel::<Request>(8);
    let (_, state) = watch::channel(Snapshot::default());
    let server = Server::bind(&place_in(&folder)).await.expect("bound");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(Controls::new(requests, state), stop.clone()));
    let mut stream = UnixStream::connect(place_in(&folder)).await.expect("connected");
    stream.write_all(b"skip\nquit\nlive\n").await.expect("written");

    let first = soon("a request", inbox.recv()).await.expect("a request");
    tokio::task::yield_now().await;
    assert!(inbox.try_recv().is_err(), "the second waits for the first");
    first.reply.send(Reply::Done).expect("awaited");
    let quit = soon("a request", inbox.recv()).await.expect("a request");
    // The listener ends; a request in progress is answered all the same.
    stop.cancel();
    quit.reply.send(Reply::Done).expect("awaited");
    soon("the end of serving", serving).await.expect("no panic");
    let mut replies = String::new();
    soon("the replies", stream.read_to_string(&mut replies)).await.ok();
    assert_eq!(replies, "{\"reply\":\"done\"}\n".repeat(2));
    assert!(!place_in(&folder).exists(), "the socket is removed");
}

/// The collection of hostile inputs for the whole program, where it is available.
#[tokio::test]
async fn hostile_requests_affect_only_their_client() {
    let collection = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/hostile_inputs.jsonl");
    let Ok(collection) = std::fs::read_to_string(&collection) else {
        eprintln!("not tried: there is no {}", collection.display());
        return;
    };
    let served = Served::done().await;
    let mut bystander = served.client().await;
    let mut n_tried = 0;
    for input in collection.lines() {
        let input: serde_json::Value = serde_json::from_str(input).expect("a JSON object");
        if input["feed"] != "control-socket" {
            continue;
        }
        n_tried += 1;
        let once = base64(input["bytes_base64"].as_str().expect("a string"));
        let times = usize::try_from(input["repeat"].as_u64().unwrap_or(1)).expect("a number");
        let bytes = once.repeat(times.min((1 << 20) / once.len()));
        let mut client = served.client().await;
        let Client { replies, writing } = &mut client;
        let write = async {
            drop(writing.write_all(&bytes).await); // it may be cut off
            drop(writing.shutdown().await);
        };
        let mut n_replies = 0;
        let read = async {
            while let Ok(Some(line)) = replies.next_line().await {
                serde_json::from_str::<Reply>(&line).expect("a reply");
                n_replies += 1;
            }
        };
        soon("a hostile input's end", async { tokio::join!(write, read) }).await;
        let n_lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        assert_eq!(n_replies, n_lines, "{}", input["id"]);
        assert_eq!(bystander.ask("skip").await, Reply::Done, "{}", input["id"]);
    }
    eprintln!("tried {n_tried} hostile inputs");
    served.end().await;
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let (mut bits, mut n_bits, mut bytes) = (0, 0, Vec::new());
    for digit in digits {
        (bits, n_bits) = (bits << 6 | digit, n_bits + 6);
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push(u8::try_from(bits >> n_bits).expect("eight bits"));
            bits &= (1 << n_bits) - 1;
        }
    }
    bytes
}
