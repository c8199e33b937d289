//! `tail`: a log that a client writes is followed, and what people say in it is heard.

use std::time::Duration;

use crate::harness::{IrcClient, Ngircd, Recogniser, Sic, SoundServer, Speak, directory, now};

const MESSAGE: &str = "Please read the manual before you ask again.";
const SENTINEL: &str = "Our team found the reason for the slow start.";

/// Words that the recogniser would find if they were spoken.
const NOT_HEARD: [&str; 4] = ["elephant", "umbrella", "holiday", "joined"];

#[test]
fn what_people_say_is_heard_and_what_the_channel_does_is_not() {
    let (folder, server, sound) = (directory(), Ngircd::start(), SoundServer::start());
    let sic = Sic::start(folder.path(), server.port, "listener", "#meeting");
    let log = sic.log.to_str().expect("a path in UTF-8");
    // Lines that are already in the log count, too, so it does not matter which starts first.
    let speak = Speak::start(&sound, ["tail", "-n", "1000", log]);
    let began = now();

    let mut mira = IrcClient::connect(server.port, "mira");
    mira.join("#meeting");
    mira.topic("#meeting", "purple elephants");
    let mut tobias = IrcClient::connect(server.port, "tobias");
    tobias.join("#meeting");
    tobias.quit("gone for a holiday");
    // ngircd has no services: a client of that name stands in, which looks the same in the log.
    let mut chan_serv = IrcClient::connect(server.port, "ChanServ");
    chan_serv.join("#meeting");
    chan_serv.notice("#meeting", "take an umbrella with you");
    chan_serv.say("#meeting", "take an umbrella with you");
    assert!(sound.onset_after(began).is_none(), "something was spoken");

    let said = now();
    mira.say("#meeting", MESSAGE);
    let onset = sound.wait_onset(said);
    assert!(onset - said < Duration::from_secs(1), "heard after {:?}", onset - said);
    let spoken = speak.wait_spoken(MESSAGE);
    assert_eq!(spoken.sender.as_deref(), Some("mira"));
    assert_eq!(spoken.channel.as_deref(), Some("#meeting"));
    let started = speak.wait_event("it began", |event| event.is("started", MESSAGE));
    assert!(started.lag_ms.is_some_and(|lag| lag < 1000.0), "{started:?}");
    mira.say("#meeting", SENTINEL);
    speak.wait_spoken(SENTINEL);
    sound.wait_quiet();

    let length = sound.sound_since(said).loud();
    let sensible = Duration::from_secs(3)..Duration::from_secs(10);
    assert!(sensible.contains(&length), "two lines of 9 words took {length:?}");
    let spoken: Vec<_> = speak.events().into_iter().filter(|e| e.is_fate("spoken", "")).collect();
    assert_eq!(spoken.len(), 2, "{}", speak.transcript());
    for text in ["elephants", "holiday", "umbrella"] {
        speak.wait_event(&format!("{text:?} is dropped"), |event| event.is_fate("dropped", text));
    }
    if let Some(recogniser) = Recogniser::find() {
        let wav = sound.wav("meeting.wav", began);
        recogniser.assert_heard(&wav, &[MESSAGE, SENTINEL], &NOT_HEARD);
    }
}

#[test]
fn a_word_of_the_protocol_in_what_somebody_says_is_heard() {
    let folder = directory();
    let log = folder.path().join("sic.out");
    let lines = "#tea        : 2024-03-07 16:00 <mira> please JOIN us and QUIT worrying\n\
                 mira        : 2024-03-07 16:00 >< JOIN (): #tea\n\
                 #tea        : 2024-03-07 16:01 <mira> the PART about ChanServ\n";
    std::fs::write(&log, lines).expect("a log");
    let log = log.to_str().expect("a path in UTF-8");
    let mut speak = Speak::print(["tail", "--no-follow", "-n", "9", "--speaker", "never", log]);
    assert!(speak.wait_end().success());
    speak.wait_line("please JOIN us and QUIT worrying");
    speak.wait_line("the PART about ChanServ");
    assert_eq!(speak.transcript().matches("JOIN").count(), 1, "{}", speak.transcript());
}

#[test]
fn a_log_is_followed_by_its_name_from_where_one_is() {
    let folder = directory();
    for name in ["log", "./log", "logs/log", "../log"] {
        let log = folder.path().join("here").join(name);
        std::fs::create_dir_all(log.parent().expect("a folder")).expect("a folder is made");
        std::fs::write(&log, "one\n").expect("a log is written");
        let speak = Speak::print_at_home(&folder.path().join("here"), ["tail", name]);
        speak.wait_line("one");
        // Polling alone would notice it later than the test waits.
        for text in ["two", "three"] {
            let mut file = std::fs::OpenOptions::new().append(true).open(&log).expect("a log");
            std::io::Write::write_all(&mut file, format!("{text}\n").as_bytes()).expect("a line");
            speak.wait_line(text);
        }
    }
}
