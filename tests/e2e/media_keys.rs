//! Control as a media player, on a real session bus, by the real `playerctl`.

use std::time::Duration;

use crate::harness::{Bus, SoundServer, Speak, ctl, now, status_of, wait_for};

const LINE: &str = "and another thing that should be said is rather long, so that it can be \
                    interrupted by somebody who has no time for it";

/// What sic writes when `nick` says `text`.
fn sic(nick: &str, text: &str) -> String {
    format!("#rust       : 2024-01-22 10:00 <{nick}> {text}")
}

fn start(sound: &SoundServer, bus: &Bus) -> Speak {
    let arguments = ["--format", "sic", "--speaker", "never"];
    let speak = Speak::start_with(sound, arguments, |command| bus.surround(command));
    bus.wait_player();
    speak
}

#[test]
fn playerctl_pauses_resumes_skips_and_repeats() {
    let (sound, bus) = (SoundServer::start(), Bus::start());
    let mut speak = start(&sound, &bus);
    let began = now();
    speak.write_line(&sic("kim", LINE));
    sound.wait_loud(began, Duration::from_millis(300));
    assert_eq!(bus.playerctl(&["status"]), "Playing");
    let format = ["metadata", "--format", "{{artist}}|{{album}}|{{title}}"];
    bus.wait_shown(&format, &format!("kim|#rust|{LINE}"));

    assert_eq!(bus.playerctl(&["play-pause"]), "");
    assert_eq!(bus.playerctl(&["status"]), "Paused");
    assert_eq!(status_of(&sound)["paused"], true);
    sound.wait_quiet();
    let resumed = now();
    assert_eq!(bus.playerctl(&["play-pause"]), "");
    assert_eq!(bus.playerctl(&["status"]), "Playing");
    sound.wait_loud(resumed, Duration::from_millis(200));

    assert_eq!(bus.playerctl(&["next"]), "");
    speak.wait_event("it is skipped", |event| event.is_fate("skipped", "no time for it"));
    speak.write_line(&sic("mira", "this is the line that is going to be heard twice, I think"));
    speak.wait_spoken("heard twice");
    sound.wait_quiet();
    let asked = now();
    assert_eq!(bus.playerctl(&["previous"]), "");
    sound.wait_loud(asked, Duration::from_millis(300));
    let shown = || bus.playerctl(&format);
    wait_for("the repeated line is shown", shown, || {
        assert_eq!(speak.events().iter().filter(|event| event.name == "fate").count(), 2);
        shown().starts_with("mira|#rust|this is the line").then_some(())
    });
}

#[test]
fn rate_and_volume_are_set_over_the_bus() {
    let (sound, bus) = (SoundServer::start(), Bus::start());
    let mut speak = start(&sound, &bus);
    bus.set_rate(1.5);
    assert_eq!(status_of(&sound)["rate"], 330);
    assert!(bus.rate().ends_with("double 1.5"), "{}", bus.rate());
    assert_eq!(bus.playerctl(&["volume", "0.5"]), "");
    assert_eq!(status_of(&sound)["volume"], 50);
    ctl(&sound, &["volume", "80"]);
    bus.wait_shown(&["volume"], "0.800000");
    ctl(&sound, &["rate", "220"]);
    assert!(bus.rate().ends_with("double 1"), "{}", bus.rate());
    speak.write_line(&sic("kim", "hello"));
    speak.wait_spoken("hello");
}

#[test]
fn a_bus_that_dies_does_not_stop_speech() {
    let (sound, mut bus) = (SoundServer::start(), Bus::start());
    let mut speak = start(&sound, &bus);
    let began = now();
    speak.write_line(&sic("kim", LINE));
    sound.wait_loud(began, Duration::from_millis(300));
    bus.kill();
    speak.wait_spoken("no time for it");
    speak.write_line(&sic("mira", "and the next one"));
    speak.wait_spoken("and the next one");
    speak.close_input();
    assert_eq!(speak.wait_end().code(), Some(0), "{}", speak.transcript());
}

#[test]
fn a_bus_that_hangs_does_not_stop_speech() {
    let (sound, bus) = (SoundServer::start(), Bus::start());
    let mut speak = start(&sound, &bus);
    bus.hang();
    for number in 0..3 {
        speak.write_line(&sic("kim", &format!("this is number {number}")));
        speak.wait_spoken(&format!("number {number}"));
    }
    speak.close_input();
    assert_eq!(speak.wait_end().code(), Some(0), "{}", speak.transcript());
}

#[test]
fn speech_works_without_a_bus() {
    let sound = SoundServer::start();
    let arguments = ["--format", "sic", "--speaker", "never"];
    let mut speak = Speak::start_with(&sound, arguments, |command| {
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
    });
    speak.write_line(&sic("kim", "hello"));
    speak.wait_spoken("hello");
    assert_eq!(ctl(&sound, &["quit"]), "");
    assert_eq!(speak.wait_end().code(), Some(0));
    assert!(!speak.transcript().contains("bus"), "{}", speak.transcript());
}
