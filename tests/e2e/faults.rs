//! Sound servers, sinks and voice processes that are late, stop, exit and restart: no line is lost,
//! speech resumes at the word, and each fault is reported once.

use std::time::Duration;

use crate::harness::{Event, SoundServer, Speak, Wav, directory, now, signal, wait_for};

const LINES: [&str; 3] = [
    "one is a sentence of many words and in the middle of it something happens to the sound",
    "two is the sentence that follows",
    "three is the last of them",
];

/// Starts the program, and waits until it is in the middle of a line.
fn speaking(sound: &SoundServer) -> Speak {
    let mut speak = Speak::start(sound, [""; 0]);
    speak.wait_voice();
    let began = now();
    for line in LINES {
        speak.write_line(line);
    }
    sound.wait_loud(began, Duration::from_millis(1_500));
    speak
}

/// Asserts that all lines are spoken and the program succeeds; returns how often a line was begun.
fn all_are_spoken(speak: &mut Speak) -> usize {
    speak.close_input();
    let is_last = |event: &Event| event.is("fate", "three is");
    speak.wait_event_within(Duration::from_secs(30), "the last line ends", is_last);
    assert!(speak.wait_end().success(), "{}", speak.transcript());
    let events = speak.events();
    let fates: Vec<_> = events.iter().filter_map(|event| event.fate.as_deref()).collect();
    assert_eq!(fates, ["spoken"; 3], "{}", speak.transcript());
    events.iter().filter(|event| event.name == "started").count()
}

fn complaints(speak: &Speak) -> usize {
    speak.complaints().lines().count()
}

#[test]
fn a_sink_that_wakes_late_loses_no_line() {
    let sound = SoundServer::start_late(Duration::from_millis(2_500));
    let mut speak = Speak::start(&sound, [""; 0]);
    for line in LINES {
        speak.write_line(line);
    }
    assert_eq!(all_are_spoken(&mut speak), 3, "begun once each\n{}", speak.transcript());
}

#[test]
fn a_suspended_sink_resumes_where_it_was() {
    let sound = SoundServer::start();
    let mut speak = speaking(&sound);
    let voice = speak.wait_voice();
    sound.pactl(&["suspend-sink", "ear", "1"]);
    speak.wait_complaint("takes no sound; speech goes on when it is back");
    assert_eq!(speak.wait_voice(), voice, "nothing is wrong with the process");
    sound.pactl(&["suspend-sink", "ear", "0"]);
    assert_eq!(all_are_spoken(&mut speak), 3, "begun once each\n{}", speak.transcript());
    assert_eq!(complaints(&speak), 1, "{}", speak.transcript());
}

#[test]
fn a_sound_server_that_is_stopped_for_long_costs_no_line() {
    let sound = SoundServer::start();
    let mut speak = speaking(&sound);
    let voice = speak.wait_voice();
    sound.signal("STOP");
    speak.wait_complaint("takes no sound; speech goes on when it is back");
    speak.wait_other_voice(voice);
    sound.signal("CONT");
    all_are_spoken(&mut speak);
    assert_eq!(complaints(&speak), 1, "{}", speak.transcript());
}

#[test]
fn a_sink_that_is_removed_and_added_again_costs_no_line() {
    let sound = SoundServer::start();
    let mut speak = speaking(&sound);
    sound.pactl(&["unload-module", "module-null-sink"]);
    speak.wait_complaint("speech goes on when it is back");
    let voice = speak.wait_voice();
    speak.wait_other_voice(voice); // the restart fails
    sound.add_sink("ear");
    all_are_spoken(&mut speak);
    assert_eq!(complaints(&speak), 1, "{}", speak.transcript());
}

#[test]
fn a_sound_server_that_restarts_costs_no_line() {
    let mut sound = SoundServer::start();
    let mut speak = speaking(&sound);
    sound.kill();
    speak.wait_complaint("speech goes on when it is back");
    sound.restart();
    all_are_spoken(&mut speak);
    assert_eq!(complaints(&speak), 1, "{}", speak.transcript());
}

#[test]
fn speech_goes_on_at_the_new_default_device() {
    let sound = SoundServer::start();
    let mut speak = speaking(&sound);
    sound.add_sink("other");
    sound.pactl(&["set-default-sink", "other"]);
    speak.wait_complaint("the default sound device is another one now");
    let sinks = sound.pactl(&["list", "short", "sinks"]);
    let other = sinks.lines().find(|line| line.contains("other")).expect("it was added");
    let index = other.split_whitespace().next().expect("its number");
    wait_for(
        "it plays there",
        || speak.transcript(),
        || {
            let inputs = sound.pactl(&["list", "short", "sink-inputs"]);
            inputs.lines().any(|it| it.split_whitespace().nth(1) == Some(index)).then_some(())
        },
    );
    all_are_spoken(&mut speak);
    assert_eq!(complaints(&speak), 1, "{}", speak.transcript());
}

#[test]
fn speech_resumes_at_the_word_after_the_voice_was_killed() {
    let (sound, folder) = (SoundServer::start(), directory());
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "rate = 220\nmax_rate = 220\n").expect("a configuration file");
    let mut speak = Speak::start(&sound, ["--config".as_ref(), config.as_os_str()]);
    let text = "words are heard before it happens so that few of them are heard twice";
    let wait_spoken = |speak: &Speak, first: &str| {
        let is_spoken = |event: &Event| event.is_fate("spoken", first);
        speak.wait_event_within(Duration::from_secs(30), "it is spoken", is_spoken);
        sound.wait_quiet();
    };
    let began = now();
    speak.write_line(&format!("the first {text}"));
    wait_spoken(&speak, "the first");
    let whole = sound.sound_since(began).loud();

    let began = now();
    speak.write_line(&format!("the other {text}"));
    sound.wait_loud(began, whole / 2);
    signal("KILL", speak.wait_voice());
    wait_spoken(&speak, "the other");
    let heard = sound.sound_since(began).loud();
    assert!(heard < whole * 13 / 10, "{heard:?} of {whole:?}");
    assert!(heard > whole * 9 / 10, "{heard:?} of {whole:?}");
}

#[test]
fn however_often_the_voice_is_killed_no_line_fails() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    for line in LINES {
        speak.write_line(line);
    }
    for n in 1..=10 {
        speak.wait_events(n, "it is restarted", |event| event.name == "started");
        signal("KILL", speak.wait_voice());
    }
    all_are_spoken(&mut speak);
    assert_eq!(complaints(&speak), 0, "{}", speak.transcript());
}

#[test]
fn a_sound_server_that_hangs_from_the_start_is_reported_and_waited_for() {
    let sound = SoundServer::start();
    sound.signal("STOP");
    let mut speak = Speak::start(&sound, [""; 0]);
    for line in LINES {
        speak.write_line(line);
    }
    speak.wait_complaint("the sound server does not answer; speech goes on when it is back");
    let voice = speak.wait_voice();
    speak.wait_other_voice(voice);
    sound.signal("CONT");
    all_are_spoken(&mut speak);
    assert_eq!(complaints(&speak), 1, "{}", speak.transcript());
}

#[test]
fn a_file_is_written_whatever_the_sound_server_does() {
    let (sound, folder) = (SoundServer::start(), directory());
    let file = folder.path().join("speech.wav");
    sound.signal("STOP");
    let mut speak = Speak::start(&sound, ["--output".as_ref(), file.as_os_str()]);
    for line in LINES {
        speak.write_line(line);
    }
    assert_eq!(all_are_spoken(&mut speak), 3);
    assert!(Wav::read(&file).loud() > Duration::from_secs(4));
    sound.signal("CONT");
}
