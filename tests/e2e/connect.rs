//! IRC connections: plain and TLS, several channels, and a server that goes away.

use std::time::Duration;

use crate::harness::{
    Authority, IrcClient, Ngircd, Recogniser, SoundServer, Speak, now, say, wait_within,
};

const FIRST: &str = "Let us vote on the proposal now.";
const SECOND: &str = "It is better to wait until Friday.";
const THIRD: &str = "Remember to save your work before you leave.";

/// It retries after one second, then some seconds later: it must be back after this.
const BACK_AFTER: Duration = Duration::from_secs(30);

#[test]
fn two_channels_are_heard_in_the_clear_and_again_after_the_server_was_killed() {
    let mut server = Ngircd::start();
    let sound = SoundServer::start();
    let address = format!("127.0.0.1:{}", server.port);
    let arguments = ["connect", &address, "#red", "#blue", "--no-tls", "--nick", "ear"];
    let speak = Speak::start(&sound, arguments);
    converse(&mut server, &sound, &speak);
}

#[test]
fn two_channels_are_heard_over_tls_and_again_after_the_server_was_killed() {
    let authority = Authority::new();
    let mut server = Ngircd::start_with_tls(&authority);
    let sound = SoundServer::start();
    let address = format!("localhost:{}", server.tls_port);
    let arguments = ["connect", &address, "#red", "#blue", "--nick", "ear"];
    let speak = Speak::start_with(&sound, arguments, |command| {
        command.env("SSL_CERT_FILE", authority.certificate());
    });
    converse(&mut server, &sound, &speak);
}

#[test]
fn a_server_with_an_untrusted_certificate_is_refused() {
    let (trusted, other) = (Authority::new(), Authority::new());
    let server = Ngircd::start_with_tls(&other);
    let sound = SoundServer::start();
    let address = format!("localhost:{}", server.tls_port);
    let mut speak = Speak::start_with(&sound, ["connect", &address, "#red"], |command| {
        command.env("SSL_CERT_FILE", trusted.certificate());
    });
    assert_eq!(speak.wait_end().code(), Some(1), "{}", speak.transcript());
    let transcript = speak.transcript();
    assert!(transcript.contains("certificate"), "{transcript}");
}

#[test]
fn say_sends_a_line_to_a_channel_or_reports_why_not() {
    let mut server = Ngircd::start();
    let sound = SoundServer::start();
    let address = format!("127.0.0.1:{}", server.port);
    let arguments = ["connect", &address, "#red", "--no-tls", "--nick", "ear", "--output", "null"];
    let speak = Speak::start(&sound, arguments);
    let mut mira = IrcClient::connect(server.port, "mira");
    mira.join("#red");
    mira.wait_member("#red", "ear");

    for (target, text, line) in [
        ("#red", "hello :) größe", "PRIVMSG #red :hello :) größe"),
        ("#RED", "/me waves", ":\u{1}ACTION waves\u{1}"),
        ("127.0.0.1/mira", "-v psst", "PRIVMSG mira :-v psst"),
    ] {
        assert_eq!(say(&sound, target, text), Ok(()), "{}", speak.transcript());
        mira.wait("the line", |it| it.starts_with(":ear!") && it.ends_with(line));
    }
    let long = "to be or not to be ".repeat(40); // 760 bytes
    assert_eq!(say(&sound, "#red", &long), Ok(()));
    let part = |it: &str| it.contains("PRIVMSG #red :") && it.contains("to be or");
    let (first, second) = (mira.wait("a part", part), mira.wait("the other", part));
    let words = |it: &str| it.split(' ').skip(3).count();
    assert_eq!(words(&first) + words(&second), 40 * 6, "{first}\n{second}");

    let why = |text| Err(format!("irc-speak: {text}"));
    assert_eq!(say(&sound, "#blue", "hello"), why("not in #blue"));
    assert_eq!(say(&sound, "#red", "one\nQUIT"), why("a message is a single line"));
    server.kill();
    wait_within(
        BACK_AFTER,
        "it has seen that the server is gone",
        || speak.transcript(),
        || (say(&sound, "#red", "anybody?") == why("not connected to 127.0.0.1")).then_some(()),
    );
    server.restart();
    let mut mira = IrcClient::connect(server.port, "mira");
    mira.join("#red");
    wait_within(
        BACK_AFTER,
        "it can be said again",
        || speak.transcript(),
        || say(&sound, "#red", "here again").ok(),
    );
    mira.wait("the line", |it| it.ends_with("PRIVMSG #red :here again"));
}

/// Two people talk in two channels; the server is killed and comes back; one goes on.
fn converse(server: &mut Ngircd, sound: &SoundServer, speak: &Speak) {
    let mut mira = IrcClient::connect(server.port, "mira");
    mira.join("#red");
    mira.join("#blue");
    mira.wait_member("#red", "ear");
    mira.wait_member("#blue", "ear");

    let began = now();
    mira.say("#red", FIRST);
    let onset = sound.wait_onset(began);
    assert!(onset - began < Duration::from_secs(1), "heard after {:?}", onset - began);
    assert_eq!(speak.wait_spoken(FIRST).channel.as_deref(), Some("#red"));
    mira.say("#blue", SECOND);
    assert_eq!(speak.wait_spoken(SECOND).channel.as_deref(), Some("#blue"));
    sound.wait_quiet();
    // Before the server goes away: its address in that announcement misleads the recogniser.
    recognise(sound, began, &[FIRST, SECOND]);

    server.restart();
    let mut mira = IrcClient::connect(server.port, "mira");
    mira.join("#red");
    wait_within(
        BACK_AFTER,
        "it joins again",
        || speak.transcript(),
        || mira.is_member("#red", "ear").then_some(()),
    );
    sound.wait_quiet();
    let said = now();
    mira.say("#red", THIRD);
    sound.wait_onset(said);
    speak.wait_spoken(THIRD);
    sound.wait_quiet();
    let length = sound.sound_since(said).loud();
    let sensible = Duration::from_millis(1200)..Duration::from_secs(5);
    assert!(sensible.contains(&length), "8 words took {length:?}");
    recognise(sound, said, &[THIRD]);
}

fn recognise(sound: &SoundServer, began: std::time::Instant, texts: &[&str]) {
    if let Some(recogniser) = Recogniser::find() {
        let wav = sound.wav("channels.wav", began);
        recogniser.assert_heard(&wav, texts, &[]);
    }
}
