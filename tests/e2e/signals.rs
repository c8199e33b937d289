//! SIGINT and SIGTERM: silence within 100 ms, and a clean exit.

use std::time::Duration;

use crate::harness::{SoundServer, Speak, now, signal};

/// Silence is due after 100 ms; the recorder's blocks are up to 20 ms long.
const SILENT_AFTER: Duration = Duration::from_millis(100 + 20);

#[test]
fn an_interrupt_stops_the_sound_and_exits_with_130() {
    exits_while_speaking("INT", 130);
}

#[test]
fn a_termination_stops_the_sound_and_exits_with_0() {
    exits_while_speaking("TERM", 0);
}

fn exits_while_speaking(name: &str, code: i32) {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    let voice = speak.wait_voice();
    let began = now();
    speak
        .write_line("this is a very long sentence that goes on and on and would take a good while");
    speak.write_line("and this one is never begun");
    sound.wait_loud(began, Duration::from_millis(400));

    signal(name, speak.pid());
    let signalled = now();
    let status = speak.wait_end();
    assert_eq!(status.code(), Some(code), "{}", speak.transcript());
    sound.wait_recorded(signalled + 4 * SILENT_AFTER);
    let last = sound.last_loud().expect("something was heard");
    let after = last.saturating_duration_since(signalled);
    assert!(after <= SILENT_AFTER, "sound went on for {after:?}");
    let remains = std::fs::exists(format!("/proc/{voice}")).expect("/proc can be read");
    assert!(!remains, "the voice process outlived its parent");
    for text in ["very long sentence", "never begun"] {
        speak.wait_event("every line has a fate", |event| event.is_fate("skipped", text));
    }
}

#[test]
fn exit_does_not_wait_for_an_open_pipe() {
    for (options, begun) in [(&["-vv"][..], "started"), (&["-vv", "--text"], "fate")] {
        let sound = SoundServer::start();
        let mut speak = Speak::start(&sound, options);
        speak.write_line("hello");
        speak.wait_event("it is begun", |event| event.is(begun, "hello"));
        signal("TERM", speak.pid());
        assert_eq!(speak.wait_end().code(), Some(0), "{}", speak.transcript());
        let said = speak.complaints();
        assert!(!said.contains("in time"), "its input is held open: {said}");
    }
}
