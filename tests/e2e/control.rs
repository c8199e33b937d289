//! Control from another window: `irc-speak ctl`, over the socket.

use std::time::Duration;

use crate::harness::{SoundServer, Speak, ctl, directory, now, signal, status_of, wait_for};

#[test]
fn a_pause_is_silent_and_loses_nothing() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    let began = now();
    speak.write_line("this long sentence is interrupted by a pause and goes on after it");
    sound.wait_loud(began, Duration::from_millis(400));

    assert_eq!(ctl(&sound, &["pause"]), "");
    let paused = now();
    sound.wait_recorded(paused + Duration::from_millis(600));
    let last = sound.last_loud().expect("something was heard");
    let after = last.saturating_duration_since(paused);
    assert!(after < Duration::from_millis(150), "sound went on for {after:?}");

    speak.write_line("and this one came meanwhile");
    speak.wait_event("it waits", |event| event.is("queued", "came meanwhile"));
    let status = ctl(&sound, &["status"]);
    assert!(status.contains("paused") && status.contains('2'), "{status}");

    assert_eq!(ctl(&sound, &["resume"]), "");
    for text in ["interrupted by a pause", "came meanwhile"] {
        let spoken = |event: &crate::harness::Event| event.is_fate("spoken", text);
        speak.wait_event("it is spoken", spoken);
        let events = speak.events();
        assert_eq!(events.iter().filter(|event| spoken(event)).count(), 1, "one fate");
    }
}

#[test]
fn lines_are_skipped_missed_and_muted() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    let began = now();
    speak.write_line("this is the sentence that is going to be skipped by the listener");
    speak.write_line("this one is heard");
    sound.wait_loud(began, Duration::from_millis(200));
    assert_eq!(ctl(&sound, &["skip"]), "");
    speak.wait_event("it is skipped", |event| event.is_fate("skipped", "going to be skipped"));
    speak.wait_event("the next is", |event| event.is_fate("spoken", "this one is heard"));
    let missed = ctl(&sound, &["missed"]);
    assert!(missed.contains("going to be skipped"), "{missed}");
    assert!(!missed.contains("this one is heard"), "{missed}");
    let why = ctl(&sound, &["why"]);
    assert!(why.contains("this one is heard"), "{why}");

    speak.close_input();
    assert_eq!(speak.wait_end().code(), Some(0), "{}", speak.transcript());
}

#[test]
fn reload_applies_a_configuration_unless_it_is_wrong() {
    let sound = SoundServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("a file");
    write("rate = 200");
    let mut speak = Speak::start(&sound, ["-c".as_ref(), file.as_os_str()]);
    speak.write_line("hello");
    speak.wait_event("it is spoken", |event| event.is_fate("spoken", "hello"));

    write("rate = 260\n[[rule]]\ndrop = \"nonsense\"\n");
    assert_eq!(ctl(&sound, &["reload"]), "");
    assert!(ctl(&sound, &["status"]).contains("260"));
    speak.write_line("some nonsense");
    speak.wait_event("it is dropped", |event| event.is_fate("dropped", "nonsense"));

    write("rate = 20");
    signal("HUP", speak.pid());
    wait_for(
        "it says why",
        || speak.transcript(),
        || speak.transcript().contains("config.toml:1:8: rate is 20").then_some(()),
    );
    assert!(ctl(&sound, &["status"]).contains("260"), "the old one stays");
}

#[test]
fn quit_ends_the_listener() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    speak.write_line("hello");
    speak.wait_event("it is spoken", |event| event.is_fate("spoken", "hello"));
    assert_eq!(ctl(&sound, &["quit"]), "");
    assert_eq!(speak.wait_end().code(), Some(0), "{}", speak.transcript());
}

#[test]
fn a_second_listener_takes_over_the_socket_once_the_first_has_ended() {
    let sound = SoundServer::start();
    let folder = directory();
    let log = folder.path().join("a.log");
    std::fs::write(&log, "").expect("a log");
    let says = |speak: &Speak, words: &str| {
        let said = || speak.complaints().contains(words).then_some(());
        wait_for(words, || speak.transcript(), said);
    };
    let tail = ["tail".as_ref(), log.as_os_str()];
    let mut first = Speak::start(&sound, tail);
    wait_for(
        "it can be controlled",
        || first.transcript(),
        || sound.control().exists().then_some(()),
    );
    let already = format!("is already running (process {})", first.pid());
    let pipe = Speak::start(&sound, [""; 0]);
    says(&pipe, &format!("another listener {already} and has the control socket"));
    drop(pipe);
    let mut second = Speak::start(&sound, tail);
    says(&second, &format!("a listener with this configuration {already}"));
    assert_eq!(ctl(&sound, &["rate", "300"]), "");
    assert_eq!(status_of(&sound)["rate"], 300, "the first is controlled");

    signal("KILL", first.pid());
    first.wait_end();
    says(&second, "this listener has the control socket now");
    assert_eq!(status_of(&sound)["rate"], 220, "the second is controlled");
    let third = Speak::start(&sound, tail);
    says(&third, &format!("(process {})", second.pid()));
    assert_eq!(ctl(&sound, &["quit"]), "");
    assert_eq!(second.wait_end().code(), Some(0), "{}", second.transcript());
    says(&third, "this listener has the control socket now");
    assert_eq!(first.complaints(), "");
}

#[test]
fn the_status_shows_a_muted_device() {
    let sound = SoundServer::start();
    let listens = |speak: &Speak| {
        wait_for(
            "it can be controlled",
            || speak.transcript(),
            || sound.control().exists().then_some(()),
        );
    };
    let device = || {
        let status = ctl(&sound, &["status"]);
        let row = status.lines().find_map(|row| row.strip_prefix("device:"));
        row.map(|row| row.trim().to_owned())
    };
    let mut speak = Speak::start(&sound, [""; 0]);
    listens(&speak);
    for (change, shown) in [
        (["set-sink-volume", "ear", "80%"], "volume 80 %"),
        (["set-sink-mute", "ear", "1"], "volume 80 %, muted: nothing is heard"),
        (["set-sink-mute", "ear", "0"], "volume 80 %"),
        (["set-sink-volume", "ear", "0"], "volume 0 %: nothing is heard"),
    ] {
        sound.pactl(&change);
        assert_eq!(device().expect("a row"), format!("ear (Null Output), {shown}"), "{change:?}");
    }
    assert_eq!(status_of(&sound)["sink"]["name"], "ear");
    assert_eq!(ctl(&sound, &["quit"]), "");
    speak.wait_end();

    let speak = Speak::start(&sound, ["--output", "null"]);
    listens(&speak);
    assert_eq!(device(), None, "it plays nowhere");
}
