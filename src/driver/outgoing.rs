//! Sends messages: chooses the connection, and replies once the message was written.
#![forbid(unsafe_code)]

use tokio::sync::oneshot;

use crate::control::Reply;
use crate::diagnostics::escaped;
use crate::names::{is_channel, same_name};
use crate::source::irc::{Membership, SendHandle};

/// A connection that messages can be sent through.
pub(super) struct Connection {
    /// The server's name.
    pub(super) host: String,
    pub(super) send_handle: SendHandle,
}

/// Sends a message through one of `connections`, and replies once it was written: only the client
/// waits for that. `print` gets the line that was sent, to be shown.
pub(super) fn send(
    connections: &[Connection],
    target: &str,
    text: &str,
    reply: oneshot::Sender<Reply>,
    print: impl FnOnce(String) + Send + 'static,
) {
    let known: Vec<_> =
        connections.iter().map(|it| (it.host.as_str(), it.send_handle.membership())).collect();
    let chosen = choose(target, &known).and_then(|(at, target)| {
        let Connection { host, send_handle } = &connections[at];
        let nick = known[at].1.nick.as_deref().unwrap_or_default();
        let line = format!("[{}] {}: {}", escaped(target), escaped(nick), escaped(text));
        Ok((send_handle.say(target, text)?, line, host.clone()))
    });
    let (written, line, host) = match chosen {
        Ok(chosen) => chosen,
        Err(why) => return answer(reply, Reply::Error { why }),
    };
    tokio::spawn(async move {
        let sent = written.await.unwrap_or_else(|_| {
            Err(format!("the connection to {host} was lost before the message was sent"))
        });
        if sent.is_ok() {
            print(line);
        }
        answer(reply, sent.map_or_else(|why| Reply::Error { why }, |()| Reply::Done));
    });
}

/// Sends `reply`; a client that has left is not an error.
pub(super) fn answer(to: oneshot::Sender<Reply>, reply: Reply) {
    if to.send(reply).is_err() {
        tracing::debug!("the client has left");
    }
}

/// Chooses the connection to `target`, and its name there: for a channel one that has joined it,
/// for a nick the only connection, for `host/target` that host's.
fn choose<'t>(
    target: &'t str,
    connections: &[(&str, Membership)],
) -> Result<(usize, &'t str), String> {
    if connections.is_empty() {
        return Err("this listener has no IRC connection".to_owned());
    }
    let (host, name) = split_host(target, connections);
    let all =
        (0..connections.len()).filter(|&at| host.is_none_or(|it| is_host(connections[at].0, it)));
    let up: Vec<usize> = all.clone().filter(|&at| connections[at].1.nick.is_some()).collect();
    if up.is_empty() {
        let mut hosts: Vec<_> = all.map(|at| connections[at].0).collect();
        hosts.dedup();
        return Err(format!("not connected to {}", hosts.join(" or ")));
    }
    let is_in = |at: &usize| connections[*at].1.channels.iter().any(|it| same_name(it, name));
    let fit = if is_channel(name) { up.iter().copied().filter(is_in).collect() } else { up };
    match fit.as_slice() {
        [at] => Ok((*at, name)),
        [] => Err(format!("not in {}", escaped(name))),
        several => {
            let names: Vec<_> = several
                .iter()
                .map(|&at| format!("{}/{}", connections[at].0, escaped(name)))
                .collect();
            Err(format!("ambiguous target; use {}", names.join(" or ")))
        }
    }
}

/// `host/#channel`, where `host` is a connection's. Channels and nicks may contain a slash, too.
fn split_host<'t>(
    target: &'t str,
    connections: &[(&str, Membership)],
) -> (Option<&'t str>, &'t str) {
    match target.split_once('/') {
        Some((host, name)) if connections.iter().any(|(known, _)| is_host(known, host)) => {
            (Some(host), name)
        }
        Some(_) | None => (None, target),
    }
}

fn is_host(known: &str, host: &str) -> bool {
    known.eq_ignore_ascii_case(host)
}

#[test]
fn a_line_goes_where_its_channel_is() {
    let up = |channels: &[&str]| Membership {
        nick: Some("ear".to_owned()),
        channels: channels.iter().map(|&it| it.to_owned()).collect(),
    };
    let (one, two, down) = (up(&["#rust", "#a/b"]), up(&["#Lxc", "#rust"]), Membership::default());
    let both = vec![("irc.one.org", one.clone()), ("irc.two.org", two.clone())];
    for (target, connections, chosen) in [
        ("#lxc", both.clone(), Ok((1, "#lxc"))),
        ("#a/b", both.clone(), Ok((0, "#a/b"))),
        ("IRC.two.org/#rust", both.clone(), Ok((1, "#rust"))),
        ("irc.two.org/kim", both.clone(), Ok((1, "kim"))),
        ("irc.one.org/#lxc", both.clone(), Err("not in #lxc")),
        (
            "#rust",
            both.clone(),
            Err("ambiguous target; use irc.one.org/#rust or irc.two.org/#rust"),
        ),
        ("kim", both, Err("ambiguous target; use irc.one.org/kim or irc.two.org/kim")),
        ("kim", vec![("a", one.clone())], Ok((0, "kim"))),
        ("kim", vec![("a", down.clone()), ("b", two)], Ok((1, "kim"))),
        ("#rust", vec![("a", down.clone())], Err("not connected to a")),
        ("b/#rust", vec![("a", one), ("b", down)], Err("not connected to b")),
        ("#rust", vec![], Err("this listener has no IRC connection")),
    ] {
        let chosen = chosen.map_err(str::to_owned);
        assert_eq!(choose(target, &connections), chosen, "{target}");
    }
}
