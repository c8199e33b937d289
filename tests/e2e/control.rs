//! Steering a listener from another window: `irc-speak ctl`, over its socket.

use std::time::Duration;

use crate::harness::{SoundServer, Speak, ctl, now};

#[test]
fn a_pause_is_silence_and_loses_nothing() {
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
fn a_changed_configuration_is_taken_and_a_wrong_one_is_not() {
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
    crate::harness::signal("HUP", speak.pid());
    crate::harness::wait_for(
        "it says why",
        || speak.transcript(),
        || speak.transcript().contains("config.toml:1:8: rate is 20").then_some(()),
    );
    assert!(ctl(&sound, &["status"]).contains("260"), "the old one stays");
}

#[test]
fn a_listener_ends_when_it_is_told_to() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    speak.write_line("hello");
    speak.wait_event("it is spoken", |event| event.is_fate("spoken", "hello"));
    assert_eq!(ctl(&sound, &["quit"]), "");
    assert_eq!(speak.wait_end().code(), Some(0), "{}", speak.transcript());
}
