//! A raw IRC client, for another user or a service.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use super::wait_for;

/// A connection to an IRC server. It answers PING; all else is the test's to do.
pub(crate) struct IrcClient {
    nick: String,
    stream: TcpStream,
    lines: Arc<Mutex<Vec<String>>>,
    n_seen: usize,
    n_pings: u32,
}

impl IrcClient {
    /// Connects and registers as `nick`.
    pub(crate) fn connect(port: u16, nick: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the IRC server listens");
        stream.set_nodelay(true).expect("a TCP option");
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let (shared, reader) = (Arc::clone(&lines), stream.try_clone().expect("a second handle"));
        std::thread::spawn(move || read(reader, &shared));
        let mut client = Self { nick: nick.to_owned(), stream, lines, n_seen: 0, n_pings: 0 };
        client.send(&format!("NICK {nick}"));
        client.send(&format!("USER {nick} 0 * :{nick}"));
        client.wait("the welcome", |line| line.contains(" 001 "));
        client
    }

    /// Sends one line.
    pub(crate) fn send(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).expect("the server reads");
    }

    /// Waits for a line of the server's for which `is_it` holds, after those waited for before.
    pub(crate) fn wait(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let (lines, nick) = (Arc::clone(&self.lines), &self.nick);
        let all = || lines.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let transcript = || format!("{nick} read:\n{}", all().join("\n"));
        let mut n_seen = self.n_seen;
        let line = wait_for(what, transcript, || {
            all().into_iter().skip(n_seen).find(|line| {
                n_seen += 1;
                is_it(line)
            })
        });
        self.n_seen = n_seen;
        line
    }

    /// Waits until the server has processed everything sent before.
    pub(crate) fn roundtrip(&mut self) {
        self.n_pings += 1;
        let token = format!("barrier-{}", self.n_pings);
        self.send(&format!("PING {token}"));
        self.wait("PONG", |line| line.contains(" PONG ") && line.contains(&token));
    }

    /// Joins a channel.
    pub(crate) fn join(&mut self, channel: &str) {
        self.send(&format!("JOIN {channel}"));
        let end = format!(" 366 {} {channel} ", self.nick);
        self.wait("the end of the list of names", |line| line.contains(&end));
    }

    /// Whether somebody is in a channel.
    pub(crate) fn is_member(&mut self, channel: &str, nick: &str) -> bool {
        self.send(&format!("NAMES {channel}"));
        let names = format!(" 353 {} = {channel} :", self.nick);
        let list = self.wait("the list of names", |line| line.contains(&names));
        let end = format!(" 366 {} {channel} ", self.nick);
        self.wait("the end of the list of names", |line| line.contains(&end));
        let (_, list) = list.split_once(&names).expect("it was looked for");
        list.split(' ').any(|name| name.trim_start_matches(['@', '+']) == nick)
    }

    /// Waits until somebody is in a channel.
    pub(crate) fn wait_member(&mut self, channel: &str, nick: &str) {
        wait_for(&format!("{nick} is in {channel}"), String::new, || {
            self.is_member(channel, nick).then_some(())
        });
    }

    /// Says `text` in a channel or to a person.
    pub(crate) fn say(&mut self, target: &str, text: &str) {
        self.send(&format!("PRIVMSG {target} :{text}"));
        self.roundtrip();
    }

    /// Sends a notice.
    pub(crate) fn notice(&mut self, target: &str, text: &str) {
        self.send(&format!("NOTICE {target} :{text}"));
        self.roundtrip();
    }

    /// Sets a channel's topic.
    pub(crate) fn topic(&mut self, channel: &str, text: &str) {
        self.send(&format!("TOPIC {channel} :{text}"));
        self.wait("the topic's echo", |line| line.contains(" TOPIC ") && line.contains(text));
    }

    /// Leaves the network, and waits until the server has closed the connection.
    pub(crate) fn quit(mut self, text: &str) {
        self.send(&format!("QUIT :{text}"));
        self.wait("the server's goodbye", |line| line.starts_with("ERROR "));
    }
}

impl Drop for IrcClient {
    fn drop(&mut self) {
        if let Err(error) = self.stream.shutdown(std::net::Shutdown::Both)
            && error.kind() != std::io::ErrorKind::NotConnected
        {
            eprintln!("{}: {error}", self.nick);
        }
    }
}

fn read(stream: TcpStream, lines: &Mutex<Vec<String>>) {
    let mut answer = stream.try_clone().expect("a second handle");
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { return };
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if let Some(token) = line.strip_prefix("PING ")
            && answer.write_all(format!("PONG {token}\r\n").as_bytes()).is_err()
        {
            return;
        }
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}
