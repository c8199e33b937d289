//! The voice process crashes, hangs, or gets text that crashes it: speech resumes.

use std::time::Duration;

use crate::harness::{Event, SoundServer, Speak, Wav, directory, now, run, signal};

/// How soon speech must resume.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Lines that abort Debian's eSpeak NG 1.51. The first is one long word, which is shortened before
/// any engine gets it; only the guard catches the second.
fn deadly() -> [String; 2] {
    ["s'".repeat(70), "\u{e9} . ".repeat(70)]
}

#[test]
fn a_killed_voice_process_is_replaced_and_its_line_heard_again() {
    goes_on_after("KILL");
}

#[test]
fn a_stopped_voice_process_is_replaced_and_its_line_heard_again() {
    goes_on_after("STOP");
}

#[test]
fn a_voice_process_that_is_stopped_while_idle_does_not_keep_the_program() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    let voice = speak.wait_voice();
    speak.write_line("the only line");
    speak.wait_spoken("the only line");
    signal("STOP", voice);
    speak.close_input();
    assert!(speak.wait_end().success(), "{}", speak.transcript());
    assert_eq!(fates(&speak.events()), ["spoken"], "{}", speak.transcript());
}

fn goes_on_after(name: &str) {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    let voice = speak.wait_voice();
    let began = now();
    speak.write_line("zero is the number that comes before all of the others");
    speak.wait_spoken("zero is");
    speak
        .write_line("one long sentence is interrupted here and must be heard again from its start");
    speak.write_line("two is the sentence that follows");
    speak.write_line("three is the last of them");
    speak.wait_event("the long line starts", |event| event.is("started", "one long"));
    let started = now();
    sound.wait_loud(started, Duration::from_millis(600));

    let struck = now();
    signal(name, voice);
    let starts =
        speak.wait_events(2, "the line is started again", |event| event.is("started", "one long"));
    let again = starts[1].at;
    assert!(again - struck < AGAIN_AFTER, "started again after {:?}", again - struck);
    for text in ["one long", "two is", "three is"] {
        speak.wait_spoken(text);
    }
    assert_ne!(speak.wait_voice(), voice);
    sound.wait_quiet();
    let gap = sound.longest_gap(struck);
    assert!(gap < AGAIN_AFTER, "silent for {gap:?}");
    let finished = speak.wait_event("its end", |event| event.is("finished", "one long")).at;
    let heard = sound.sound_since(again).loud();
    assert!(
        heard.as_secs_f64() > 0.6 * (finished - again).as_secs_f64() + 1.5,
        "only {heard:?} heard after the second start"
    );
    speak.close_input();
    assert!(speak.wait_end().success(), "{}", speak.transcript());
    assert_eq!(fates(&speak.events()), ["spoken"; 4], "{}", speak.transcript());
    assert!(sound.sound_since(began).loud() > heard);
}

#[test]
fn lines_that_kill_the_engine_are_spoken_through_the_guard() {
    for line in deadly() {
        let sound = SoundServer::start();
        let mut speak = Speak::start(&sound, [""; 0]);
        let voice = speak.wait_voice();
        speak.write_line(&line);
        speak.write_line("still here");
        // It takes long to speak; the duration is not tested here.
        let is_over = |event: &Event| event.is("started", "still here");
        speak.wait_event_within(Duration::from_secs(60), "the next line starts", is_over);
        speak.wait_spoken("still here");
        assert_eq!(fates(&speak.events()), ["spoken"; 2], "{}", speak.transcript());
        assert_eq!(speak.wait_voice(), voice, "the voice process died");
    }
}

#[test]
fn without_the_guard_the_deadly_line_is_counted_and_the_next_one_heard() {
    let (sound, folder) = (SoundServer::start(), directory());
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[espeak]\nguard = false\n").expect("a configuration file");
    let mut speak = Speak::start(&sound, ["--config".as_ref(), config.as_os_str()]);
    let voice = speak.wait_voice();
    let [_, line] = deadly();
    let written = now();
    speak.write_line(&line);
    speak.write_line("still here");
    let started = speak.wait_event("the next line starts", |e| e.is("started", "still here"));
    if speak.wait_voice() == voice {
        eprintln!("this eSpeak NG does not die of {line:?}: not shown what happens when it does");
        return;
    }
    let took = started.at - written;
    assert!(took < AGAIN_AFTER, "started after {took:?}\n{}", speak.transcript());
    speak.wait_spoken("still here");
    speak.close_input();
    assert!(speak.wait_end().success(), "{}", speak.transcript());
    assert_eq!(fates(&speak.events()), ["failed", "spoken"], "{}", speak.transcript());
}

#[test]
fn a_file_keeps_its_sound_when_the_engine_crashes() {
    let folder = directory();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[espeak]\nguard = false\n").expect("a configuration file");
    let speak = |input: &str, name: &str| {
        let output = run(folder.path(), ["-q", "-c", "config.toml", "--output", name], input);
        assert_eq!(output.status.code(), Some(0), "{input:?}");
        Wav::read(&folder.path().join(name)).loud()
    };
    let [_, line] = deadly();
    let before = "The build failed because the disk was full.\n";
    let (one, two) = (speak(before, "one.wav"), speak("still here\n", "two.wav"));
    let all = speak(&format!("{before}{line}\nstill here\n"), "all.wav");
    let seam = Duration::from_millis(40);
    assert!(all + seam >= one + two, "{all:?} of {one:?} and {two:?}");
}

#[test]
fn a_line_that_crashes_the_engine_when_measured_does_not_harm_the_spoken_line() {
    let (sound, folder) = (SoundServer::start(), directory());
    let config = folder.path().join("config.toml");
    // It is queued for long enough to be measured, and is never spoken.
    let text = "[espeak]\nguard = false\n[[rule]]\nexpire = \"1s\"\nfor = \"\u{e9}\"\n";
    std::fs::write(&config, text).expect("a configuration file");
    let mut speak = Speak::start(&sound, ["--config".as_ref(), config.as_os_str()]);
    let voice = speak.wait_voice();
    let [_, line] = deadly();
    speak.write_line("one long sentence sounds here while what kills the engine waits behind it");
    speak.wait_event("the long line starts", |event| event.is("started", "one long"));
    speak.write_line(&line);
    speak.write_line("still here");
    speak.wait_spoken("one long");
    if speak.wait_voice() == voice {
        eprintln!("this eSpeak NG does not die of {line:?}: not shown what happens when it does");
        return;
    }
    speak.wait_spoken("still here");
    speak.close_input();
    assert!(speak.wait_end().success(), "{}", speak.transcript());
    let mut of_it = fates(&speak.events());
    of_it.sort();
    assert_eq!(of_it, ["expired", "spoken", "spoken"], "{}", speak.transcript());
}

#[test]
fn a_line_without_words_is_dropped_and_is_no_failure() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, [""; 0]);
    for line in ["first", "\u{200b}\u{2060}", "\u{2}\u{f}", "\u{301}", "}", "last"] {
        speak.write_line(line);
    }
    speak.wait_spoken("last");
    speak.close_input();
    assert!(speak.wait_end().success(), "{}", speak.transcript());
    let mut of_it = fates(&speak.events());
    of_it.sort();
    let expected = ["dropped", "dropped", "dropped", "spoken", "spoken", "spoken"];
    assert_eq!(of_it, expected, "{}", speak.transcript());
    assert!(!speak.transcript().contains("not spoken"), "{}", speak.transcript());
}

/// The fates in the order of their events.
fn fates(events: &[Event]) -> Vec<String> {
    events.iter().filter_map(|event| event.fate.clone()).collect()
}
