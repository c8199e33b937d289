//! Whole connections over real sockets, against scripted servers; and all bytes that ever caused
//! trouble.

use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::codec::Incoming;
use super::session::{Action, Event};
use super::*;
use crate::message::SourceId;

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server's side of a connection.
struct Peer(BufReader<TcpStream>);

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let accepted = timeout(PATIENCE, listener.accept()).await.expect("a client in time");
        Self(BufReader::new(accepted.expect("a client").0))
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("a client that reads");
    }

    /// Reads lines up to the one that begins with `start`.
    async fn expect(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            let read = timeout(PATIENCE, self.0.read_line(&mut line)).await;
            let n = read.unwrap_or_else(|_| panic!("no {start:?} in time")).expect("a line");
            assert!(n > 0, "the client hung up before {start:?}");
            if line.starts_with(start) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Plays the server until the client joined `#t`.
    async fn welcome(&mut self) {
        self.expect("USER").await;
        self.send(b":s 001 bot :Welcome\r\n:s 376 bot :End\r\n").await;
        assert_eq!(self.expect("JOIN").await, "JOIN #t");
        self.send(b":bot!u@h JOIN #t\r\n").await;
    }
}

struct Client {
    inputs: mpsc::Receiver<Input>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), IrcError>>,
}

impl Client {
    fn start(address: std::net::SocketAddr, tls: bool) -> Self {
        let (sender, inputs) = mpsc::channel(16);
        let spec = IrcSpec {
            host: address.ip().to_string(),
            port: address.port(),
            tls,
            nick: "bot".to_owned(),
            channels: vec!["#t".to_owned()],
            retry: false,
        };
        let stop = CancellationToken::new();
        let task =
            tokio::spawn(run(spec, Inbox::new(SourceId(3), sender), send_handle().1, stop.clone()));
        Self { inputs, stop, task }
    }

    /// The next input of the listener, in short.
    async fn next(&mut self) -> String {
        let input = timeout(PATIENCE, self.inputs.recv()).await.expect("an input in time");
        match input.expect("a client that runs") {
            Input::Message(message) => format!("{} {}", message.kind, message.text),
            Input::Notice(source, text) => format!("notice {} {text}", source.0),
            other => panic!("{other:?}"),
        }
    }

    async fn end(self) -> Result<(), IrcError> {
        timeout(PATIENCE, self.task).await.expect("an end in time").expect("no panic")
    }
}

async fn server() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

#[tokio::test]
async fn messages_arrive_and_a_stop_sends_quit() {
    let (listener, address) = server().await;
    let mut client = Client::start(address, false);
    let mut peer = Peer::accept(&listener).await;
    peer.welcome().await;
    assert_eq!(client.next().await, "join ");
    peer.send(b":kim!u@h PRIVMSG #t :he").await;
    peer.send(b"llo\r\n:a :\r\n:kim!u@h PRIVMSG #t :caf\xe9\r\nPING :barrier\r\n").await;
    assert_eq!(client.next().await, "say hello");
    assert_eq!(client.next().await, "say caf\u{e9}");
    assert_eq!(peer.expect("PONG").await, "PONG barrier");
    client.stop.cancel();
    assert_eq!(peer.expect("QUIT").await, "QUIT");
    drop(peer);
    assert!(client.end().await.is_ok());
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let (listener, address) = server().await;
    let mut client = Client::start(address, false);
    let mut peer = Peer::accept(&listener).await;
    peer.welcome().await;
    peer.send(b":kim!u@h PRIVMSG #t :half a li").await;
    drop(peer);
    let mut peer = Peer::accept(&listener).await;
    peer.welcome().await;
    peer.send(b":kim!u@h PRIVMSG #t :hello again\r\n").await;
    for heard in [
        "join ",
        "notice 3 connection to 127.0.0.1 lost",
        "join ",
        "notice 3 connected to 127.0.0.1 again",
        "say hello again",
    ] {
        assert_eq!(client.next().await, heard);
    }
    client.stop.cancel();
    assert!(client.end().await.is_ok(), "stops while the server is silent");
}

#[tokio::test]
async fn a_first_connection_that_fails_is_an_error_in_one_sentence() {
    let (listener, address) = server().await;
    let client = Client::start(address, false);
    let mut peer = Peer::accept(&listener).await;
    peer.send(b"ERROR :Closing Link: (K-Lined)\r\n").await;
    let error = client.end().await.expect_err("a refusal").to_string();
    let said = "it closed the connection: Closing Link: (K-Lined)";
    assert_eq!(error, format!("{address}: {said}"));

    let client = Client::start(address, true);
    let mut peer = Peer::accept(&listener).await;
    peer.send(b":s NOTICE * :*** plain text\r\n").await;
    let error = client.end().await.expect_err("no TLS").to_string();
    assert_eq!(error, format!("{address}: it does not speak TLS on this port"));

    drop((peer, listener));
    let error = Client::start(address, false).end().await.expect_err("no server").to_string();
    assert_eq!(error, format!("{address}: connection refused"));
}

#[tokio::test]
async fn an_unknown_name_is_an_error() {
    let spec = IrcSpec {
        host: "nosuch.invalid".to_owned(),
        port: 6667,
        tls: false,
        nick: "bot".to_owned(),
        channels: vec![],
        retry: false,
    };
    let (sender, _inputs) = mpsc::channel(1);
    let inbox = Inbox::new(SourceId(0), sender);
    let error = run(spec, inbox, send_handle().1, CancellationToken::new())
        .await
        .expect_err("no such name");
    assert!(error.to_string().starts_with("nosuch.invalid: no address found: "), "{error}");
}

/// What the codec and the session make of `bytes`, `repeat` times over: texts heard, and whether
/// the connection is still there.
fn heard(bytes: &[u8], repeat: u64) -> (Vec<String>, bool) {
    let nick = Nick::parse("bot").expect("a nick");
    let mut joins = Joins::new(vec![ChannelSpec::parse("#t").expect("a channel")]);
    let now = clock::now();
    let mut session = Session::new(SourceId(0), "irc.example", &nick, &mut joins, now);
    let mut incoming = Incoming::default();
    let (mut texts, mut open) = (Vec::new(), true);
    let welcome = b":s 001 bot :Welcome\r\n:s 376 bot :End\r\n".as_slice();
    let feeds = std::iter::once(welcome).chain((0..repeat).map(|_| bytes));
    // A line end, so that a line that lacks one does not swallow the canary.
    for bytes in feeds.chain([b"\n:kim!u@h PRIVMSG #t :canary\r\n".as_slice()]) {
        incoming.space().extend_from_slice(bytes);
        while let Some(wire) = incoming.next() {
            for action in session.handle(Event::Wire(wire), now) {
                match action {
                    Action::Hear(message) => texts.push(message.text.into_owned()),
                    Action::End(_) => open = false,
                    Action::Send(_)
                    | Action::Notice(_)
                    | Action::Said(_)
                    | Action::Unsaid(..)
                    | Action::Membership(_) => {}
                }
            }
        }
    }
    (texts, open)
}

#[test]
fn hostile_lines_do_no_harm() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/hostile_inputs.jsonl");
    let Ok(inputs) = std::fs::read_to_string(&path) else {
        println!("not tested: there is no {}", path.display());
        return;
    };
    let mut n_tested = 0;
    for line in inputs.lines() {
        let input: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if input["feed"] != "irc-wire" {
            continue;
        }
        n_tested += 1;
        let (id, expect) = (&input["id"], input["expect"].as_str().unwrap_or_default());
        let bytes = from_base64(input["bytes_base64"].as_str().unwrap_or_default());
        let (mut texts, open) = heard(&bytes, input["repeat"].as_u64().unwrap_or(1));
        // These should end the connection.
        let may_end = matches!(input["class"].as_str(), Some("irc.error" | "irc.memory"));
        assert!(open || may_end, "{id} ended the connection");
        if open {
            assert_eq!(texts.pop().as_deref(), Some("canary"), "{id}: the next line was lost");
        }
        if let Some(spoken) = expect.split("spoken \"").nth(1).and_then(|it| it.split('"').next()) {
            let spoken = spoken.strip_prefix("evil waves").map_or(spoken, |_| "waves");
            let text = texts.first().map(|text| text.replace('\x01', "")).unwrap_or_default();
            assert_eq!(text, spoken, "{id}: {expect}");
        }
        if expect.starts_with("ignored") || expect.starts_with("never spoken") {
            assert_eq!(texts, [""; 0], "{id}: {expect}");
        }
    }
    assert!(n_tested > 0, "no irc-wire input in {}", path.display());
}

/// Standard base64, as the inputs are written.
fn from_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut n_bits, mut bytes) = (0u32, 0, Vec::new());
    for digit in text.bytes().filter_map(|byte| DIGITS.iter().position(|&it| it == byte)) {
        bits = bits << 6 | u32::try_from(digit).expect("six bits");
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits & 0xff) as u8);
        }
    }
    bytes
}

/// The vectors of ircdocs/parser-tests, as far as this reads their YAML: one line input, and
/// what it is split into.
#[test]
fn messages_are_split_as_other_parsers_do() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/irc-parser-tests/msg-split.yaml");
    let Ok(vectors) = std::fs::read_to_string(&path) else {
        println!("not tested: there is no {}", path.display());
        return;
    };
    let inputs = vectors.lines().filter_map(|line| line.trim().strip_prefix("- input: \""));
    let mut n_tested = 0;
    for input in inputs.filter_map(|input| input.strip_suffix('"')) {
        let input = input.replace("\\\"", "\"").replace("\\\\", "\\").replace("\\r", "\r");
        let wire = codec::parse(input.as_bytes());
        assert!(matches!(wire, codec::Wire::Message(_)), "input: {input:?}: {wire:?}");
        n_tested += 1;
    }
    assert!(n_tested > 20, "{n_tested} inputs in {}", path.display());
}
