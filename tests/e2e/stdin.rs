//! Standard input: to a file, as text, and to the device.

use std::time::Duration;

use crate::harness::{Recogniser, SoundServer, Speak, Wav, directory, now, run};

/// How much the sound of two utterances in one file may differ from that of both apart.
const SEAM: Duration = Duration::from_millis(40);

#[test]
fn all_lines_are_in_the_file_to_the_last_sample() {
    let folder = directory();
    let speak = |input: &str, name: &str| {
        let output = run(folder.path(), ["--output", name], input);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*complaints), (Some(0), ""), "{input:?}");
        Wav::read(&folder.path().join(name))
    };
    let one = speak("The build failed because the disk was full.\n", "one.wav");
    let two = speak("Our team found the reason.\n", "two.wav");
    let both = speak(
        "The build failed because the disk was full.\nOur team found the reason.\n",
        "out.wav",
    );
    assert!(one.loud() > Duration::from_secs(1) && two.loud() > Duration::from_millis(700));
    let parts = one.loud() + two.loud();
    assert!(both.loud() + SEAM >= parts, "{:?} of {parts:?}", both.loud());
    assert!(both.duration() + SEAM >= one.duration() + two.duration());
    if let Some(recogniser) = Recogniser::find() {
        recogniser.assert_heard(
            &folder.path().join("out.wav"),
            &["The build failed because the disk was full", "our team found the reason"],
            &[],
        );
    }
}

#[test]
fn two_words_are_in_the_file_and_the_last_line_needs_no_end() {
    let folder = directory();
    for input in ["one\ntwo\n", "one\ntwo"] {
        let output = run(folder.path(), ["--output", "out.wav"], input);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let loud = Wav::read(&folder.path().join("out.wav")).loud();
        assert!(loud > Duration::from_millis(400), "{input:?} took {loud:?}");
    }
}

#[test]
fn each_line_leaves_before_the_next_one_comes() {
    let mut speak = Speak::print([""; 0]);
    for text in ["one", "two", "three"] {
        let written = now();
        speak.write_line(text);
        let printed = speak.wait_line(text);
        let took = printed.saturating_duration_since(written);
        assert!(took < Duration::from_secs(1), "{text:?} left after {took:?}");
    }
    speak.close_input();
    assert!(speak.wait_end().success());
}

#[test]
fn the_end_of_input_waits_for_the_last_sample() {
    let sound = SoundServer::start();
    let folder = directory();
    let line = "thank you all, and see you there";
    run(folder.path(), ["--output", "out.wav"], &format!("{line}\n"));
    let expected = Wav::read(&folder.path().join("out.wav")).loud();

    let mut speak = Speak::start(&sound, [""; 0]);
    let began = now();
    speak.write_line(line);
    speak.close_input();
    assert!(speak.wait_end().success(), "{}", speak.transcript());
    sound.wait_quiet();
    let heard = sound.sound_since(began).loud();
    assert!(heard + SEAM >= expected, "{heard:?} of {expected:?} was heard");
    assert_eq!(speak.events().iter().filter(|event| event.name == "fate").count(), 1);
}
