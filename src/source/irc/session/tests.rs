use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::source::irc::codec::{Incoming, encode, parse};
use crate::source::irc::name::ChannelSpec;
use crate::source::irc::send;

/// A session and its time, which tests advance.
struct Script<'a> {
    session: Session<'a>,
    now: Instant,
}

fn nick() -> Nick {
    Nick::parse("irc-speak").expect("a nick")
}

fn joins(channels: &[&str]) -> Joins {
    let spec = |channel: &&str| ChannelSpec::parse(channel).expect("a channel");
    Joins::new(channels.iter().map(spec).collect())
}

impl<'a> Script<'a> {
    fn new(nick: &'a Nick, joins: &'a mut Joins) -> Self {
        let now = crate::clock::test_now();
        Self { session: Session::new(SourceId(0), "irc.example", nick, joins, now), now }
    }

    /// What the session does about `line`.
    fn line(&mut self, line: &str) -> String {
        self.event(Event::Read);
        self.event(Event::Wire(parse(line.as_bytes())))
    }

    /// Lets `ms` pass, then sends a tick.
    fn tick(&mut self, ms: u64) -> String {
        self.now += Duration::from_millis(ms);
        self.event(Event::Tick)
    }

    fn event(&mut self, event: Event) -> String {
        shown(self.session.handle(event, self.now))
    }

    /// How long until its deadline.
    fn patience(&self) -> Option<Duration> {
        self.session.deadline().map(|deadline| deadline.saturating_duration_since(self.now))
    }

    /// Registers and receives the message of the day.
    fn registered(mut self) -> Self {
        assert_eq!(self.line(":irc.example 001 irc-speak :Welcome"), "");
        self.line(":irc.example 376 irc-speak :End of MOTD");
        self
    }
}

fn shown(actions: Vec<Action>) -> String {
    let mut all = String::new();
    for action in actions {
        let sep = if all.is_empty() { "" } else { " | " };
        let text = match action {
            Action::Send(command) => String::from_utf8(encode(command)).expect("text"),
            Action::Hear(message) => format!("hear {} {}", message.kind, message.text),
            Action::Notice(text) => format!("notice {text}"),
            Action::Said(number) => format!("said {number}"),
            Action::Unsaid(number, why) => format!("unsaid {number}: {why}"),
            Action::Membership(_) => continue, // has its own test
            Action::End(Ending { class, why }) => format!("end {class:?}: {why}"),
        };
        write!(all, "{sep}{}", text.trim_end()).expect("memory");
    }
    all
}

#[test]
fn it_registers_and_joins_after_the_message_of_the_day() {
    let (nick, mut joins) = (nick(), joins(&["#a", "#b key"]));
    let mut script = Script::new(&nick, &mut joins);
    assert_eq!(shown(script.session.begin()), "NICK irc-speak | USER ircspeak 0 * irc-speak");
    for (line, action) in [
        (":irc.example NOTICE * :*** Looking up your hostname", ""),
        ("PING :early", "PONG early"),
        (":irc.example 001 irc-speak :Welcome", ""),
        (":irc.example 005 irc-speak CHANTYPES=# :are supported", ""),
        (":irc.example 372 irc-speak :- hello", ""),
        (":irc.example 376 irc-speak :End of MOTD", "JOIN #b,#a key"),
        (":irc-speak!u@h JOIN #a", "hear join"),
        (":irc.example 332 irc-speak #a :the topic", ""),
        (":irc.example 353 irc-speak = #a :irc-speak kim", ""),
        (":irc.example 366 irc-speak #a :End", ""),
        (":kim!u@h PRIVMSG #a :hello", "hear say hello"),
        ("PING :x y", "PONG :x y"),
    ] {
        assert_eq!(script.line(line), action, "line: {line}");
    }
}

#[test]
fn it_joins_two_seconds_after_the_welcome_of_a_server_without_a_message_of_the_day() {
    let (nick, mut joins) = (nick(), joins(&["#a"]));
    let mut script = Script::new(&nick, &mut joins);
    script.line(":bouncer 001 irc-speak :Welcome");
    assert_eq!(script.patience(), Some(GREETING));
    assert_eq!(script.tick(1999), "");
    assert_eq!(script.tick(1), "JOIN #a");
    assert_eq!(script.line(":bouncer 376 irc-speak :End, late"), "", "not joined twice");
}

#[test]
fn other_nicks_are_tried_five_times() {
    for number in [432, 433, 436, 437] {
        let (nick, mut joins) = (nick(), joins(&[]));
        let mut script = Script::new(&nick, &mut joins);
        let refusal = format!(":s {number} * irc-speak :no");
        let tries: Vec<_> = (0..6).map(|_| script.line(&refusal)).collect();
        assert_eq!(
            tries,
            [
                "NICK irc-speak_",
                "NICK irc-speak__",
                "NICK irc-spe31",
                "NICK irc-spe38",
                "NICK irc-spe45",
                "end Throttled: it refuses nick \"irc-speak\" and others like it",
            ]
        );
        assert_eq!(script.patience(), None);
    }
}

#[test]
fn our_own_nick_is_followed() {
    let (nick, mut joins) = (nick(), joins(&["#a"]));
    let mut script = Script::new(&nick, &mut joins).registered();
    assert_eq!(script.line(":irc-speak!u@h NICK :guest1"), "hear nick guest1");
    assert_eq!(script.line(":guest1!u@h PRIVMSG #a :an echo"), "");
    assert_eq!(script.line(":irc-speak!u@h PRIVMSG #a :somebody new"), "hear say somebody new");
    assert_eq!(script.line(":op!u@h KICK #a GUEST1 :out"), "hear kick GUEST1 out");
    assert_eq!(script.tick(2000), "JOIN #a");
}

#[test]
fn registration_takes_a_minute_at_most() {
    let (nick, mut joins) = (nick(), joins(&[]));
    let mut script = Script::new(&nick, &mut joins);
    script.line("PING x");
    assert_eq!(script.patience(), Some(REGISTRATION));
    assert_eq!(script.tick(59_999), "");
    assert_eq!(script.tick(1), "end Ordinary: it did not let us in within 60 s");
}

#[test]
fn a_silent_server_is_pinged_and_then_left() {
    let (nick, mut joins) = (nick(), joins(&[]));
    let mut script = Script::new(&nick, &mut joins).registered();
    assert_eq!(script.tick(60_000), "PING irc-speak");
    assert_eq!(script.tick(19_999), "");
    assert_eq!(script.event(Event::Read), "", "any byte shows that the server is alive");
    assert_eq!(script.tick(59_999), "");
    assert_eq!(script.tick(1), "PING irc-speak");
    assert_eq!(script.patience(), Some(DEAD));
    assert_eq!(script.tick(20_000), "end Ordinary: it was silent for 80 s");
    assert_eq!(script.line("PING x"), "", "over is over");
}

#[test]
fn the_server_ends_it() {
    for (line, end) in [
        (
            "ERROR :Closing Link: h (K-Lined: go \x1baway)",
            "end Banned: it closed the connection: Closing Link: h (K-Lined: go \\u{1b}away)",
        ),
        (
            "ERROR :Trying to reconnect too fast.",
            "end Throttled: it closed the connection: Trying to reconnect too fast.",
        ),
        ("ERROR :Server going down", "end Ordinary: it closed the connection: Server going down"),
        ("ERROR :", "end Ordinary: it closed the connection"),
        (
            ":s 465 irc-speak :You are banned from this server",
            "end Banned: it does not want us: banned",
        ),
        (":s 464 irc-speak :Password incorrect", "end Throttled: it wants a password"),
    ] {
        let (nick, mut joins) = (nick(), joins(&[]));
        assert_eq!(Script::new(&nick, &mut joins).line(line), end, "line: {line}");
    }
}

#[test]
fn a_channel_that_cannot_be_joined_is_reported_once() {
    let (nick, mut joins) = (nick(), joins(&["#a", "#b"]));
    let mut script = Script::new(&nick, &mut joins).registered();
    script.line(":irc-speak!u@h JOIN #b");
    let refusal = ":s 473 irc-speak #a :Cannot join channel (+i)";
    assert_eq!(script.line(refusal), "notice #a: cannot join: invite only");
    assert_eq!(script.tick(60_000), "PING irc-speak | JOIN #a");
    assert_eq!(script.line(refusal), "");
    assert_eq!(
        script.line(":s 404 irc-speak #a :Cannot send"),
        "hear server #a Cannot send",
        "another error"
    );
}

#[test]
fn the_return_of_the_connection_is_reported_once() {
    let (nick, mut joins) = (nick(), joins(&["#a", "#b"]));
    let mut script = Script::new(&nick, &mut joins);
    script.session = script.session.after_loss(true);
    let mut script = script.registered();
    assert!(script.session.loss_reported());
    let back = "hear join | notice connected to irc.example again";
    assert_eq!(script.line(":irc-speak!u@h JOIN #a"), back);
    assert_eq!(script.line(":irc-speak!u@h JOIN #b"), "hear join");
    assert!(!script.session.loss_reported());
}

#[test]
fn a_text_is_queued_and_answered_when_all_of_it_was_sent() {
    let (nick, mut joins) = (nick(), joins(&["#a"]));
    let mut script = Script::new(&nick, &mut joins);
    let say = |script: &mut Script<'_>, number, target: &str, text: &str| {
        script.event(Event::Say { number, target: target.to_owned(), text: text.to_owned() })
    };
    assert_eq!(say(&mut script, 1, "#a", "hi"), "unsaid 1: not connected to irc.example yet");
    let mut script = script.registered(); // the JOIN is the first of a burst of four
    assert_eq!(say(&mut script, 2, "#a", "hi"), "PRIVMSG #a hi | said 2");
    assert_eq!(say(&mut script, 3, "a b", "hi"), "unsaid 3: \"a b\" is not a nick");
    let long = format!("{}{}", "x".repeat(400), "y".repeat(400));
    let said = say(&mut script, 4, "kim", &long);
    assert!(said.matches("PRIVMSG kim").count() == 2 && said.ends_with("yyy | said 4"), "{said}");
    assert_eq!(say(&mut script, 5, "kim", "and then"), "");
    assert_eq!(script.tick(1999), "");
    assert_eq!(script.tick(1), "PRIVMSG kim :and then | said 5");
    let much = "x".repeat(20_000);
    assert_eq!(say(&mut script, 6, "kim", &much), format!("unsaid 6: {}", send::BUSY));
}

#[test]
fn a_refused_text_is_reported_once() {
    let (nick, mut joins) = (nick(), joins(&["#a"]));
    let mut script = Script::new(&nick, &mut joins).registered();
    let refusal = ":s 404 irc-speak #a :Cannot send\x1b to channel";
    assert_eq!(script.line(refusal), "hear server #a Cannot send\x1b to channel");
    script.event(Event::Say { number: 1, target: "#A".to_owned(), text: "hi".to_owned() });
    let notice = "notice #A: not said: Cannot send\\u{1b} to channel";
    assert_eq!(script.line(refusal), notice);
    assert_ne!(script.line(refusal), notice, "once");
}

#[test]
fn membership_follows_joins_parts_and_kicks() {
    let (nick, mut joins) = (nick(), joins(&["#a"]));
    let mut script = Script::new(&nick, &mut joins).registered();
    for (line, channels) in [
        (":irc-speak!u@h JOIN #a", Some("#a")),
        (":irc-speak!u@h JOIN ##other", Some("#a ##other")),
        (":irc-speak!u@h JOIN #A", None),
        (":kim!u@h PART #a", None),
        (":op!u@h KICK #a irc-speak :out", Some("##other")),
        (":irc-speak!u@h PART ##other", Some("")),
    ] {
        let actions = script.session.handle(Event::Wire(parse(line.as_bytes())), script.now);
        let changed = actions.iter().find_map(|action| match action {
            Action::Membership(membership) => Some(membership.channels.join(" ")),
            _ => None,
        });
        assert_eq!(changed.as_deref(), channels, "{line}");
    }
}

#[test]
fn dropped_lines_are_counted() {
    let (nick, mut joins) = (nick(), joins(&[]));
    let mut script = Script::new(&nick, &mut joins).registered();
    for wire in [Wire::Broken, Wire::Overlong, Wire::Empty, Wire::Overlong] {
        assert_eq!(script.event(Event::Wire(wire)), "");
    }
    assert_eq!(script.session.dropped(), Dropped { overlong: 2, broken: 1 });
    assert_eq!(
        script.event(Event::Wire(Wire::Endless)),
        "end Ordinary: it sends a line without end"
    );
}

#[test]
fn a_welcome_is_ascii() {
    let (nick, mut joins) = (nick(), joins(&["#a"]));
    let mut script = Script::new(&nick, &mut joins);
    assert_eq!(script.line(":s \u{ff10}\u{ff10}\u{ff11} bot :full-width digits"), "");
    assert_eq!(script.session.registered(), None);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let (nick, mut joins) = (nick(), joins(&["#a"]));
        let mut script = Script::new(&nick, &mut joins).registered();
        let mut incoming = Incoming::default();
        incoming.space().extend_from_slice(&bytes);
        while let Some(wire) = incoming.next() {
            script.event(Event::Wire(wire));
        }
    }

    #[test]
    fn nothing_like_irc_panics(line in r"(@[a-z;=\\]{0,9} )?(:[a-z.!@]{0,9} {1,3})?([0-9]{3}|[A-Z]{0,4}|MODE|CAP|BATCH|METADATA|MONITOR|KICK|PRIVMSG)( {1,3}[-+#:a-z\x01é,0*]{0,6}){0,17}") {
        let (nick, mut joins) = (nick(), joins(&["#a"]));
        let mut script = Script::new(&nick, &mut joins).registered();
        script.line(&line);
    }

    /// Otherwise the driver would spin, or miss a deadline.
    #[test]
    fn a_tick_moves_the_deadline(
        steps in proptest::collection::vec(prop_oneof![
            Just("tick".to_owned()),
            Just(":s 001 irc-speak :hi".to_owned()),
            Just(":s 376 irc-speak :hi".to_owned()),
            Just(":s 433 * irc-speak :no".to_owned()),
            Just(":s 473 irc-speak #a :no".to_owned()),
            Just(":op KICK #a irc-speak".to_owned()),
            Just(":irc-speak JOIN #a".to_owned()),
            Just("PING x".to_owned()),
        ], 0..60),
        part in 0.0..1.0f64,
    ) {
        let (nick, mut joins) = (nick(), joins(&["#a", "#b"]));
        let mut script = Script::new(&nick, &mut joins);
        for step in steps {
            if step != "tick" {
                script.now += Duration::from_millis(100).mul_f64(part);
                script.line(&step);
                continue;
            }
            let Some(patience) = script.patience() else { return Ok(()) };
            script.now += patience;
            script.event(Event::Tick);
            prop_assert!(script.patience() != Some(Duration::ZERO), "{:?}", script.session);
        }
    }
}
