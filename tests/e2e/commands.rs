//! Each command of `irc-speak ctl`: its effect on what is heard, reported and shown.

use std::time::Duration;

use crate::harness::{Event, SoundServer, Speak, ctl, directory, now, status_of, wait_for};

const LONG: &str = "this is a line that takes its time, since it has so many words in it that \
                    nobody could say all of them in a moment";

/// What sic writes when `nick` says `text` in `channel`.
fn sic(channel: &str, nick: &str, text: &str) -> String {
    format!("{channel:<12}: 2024-01-22 10:00 <{nick}> {text}")
}

/// A listener that reads lines of sic and speaks no names.
fn start(sound: &SoundServer) -> Speak {
    let speak = Speak::start(sound, ["--format", "sic", "--speaker", "never"]);
    let transcript = || speak.transcript();
    wait_for("it can be controlled", transcript, || sound.control().exists().then_some(()));
    speak
}

/// Waits until the line that is being spoken is one that holds `text`.
fn wait_current(sound: &SoundServer, text: &str) {
    let current = || status_of(sound)["current"]["text"].clone();
    wait_for(
        text,
        || current().to_string(),
        || current().as_str().filter(|current| current.contains(text)).map(|_| ()),
    );
}

fn done(sound: &SoundServer, arguments: &[&str]) {
    assert_eq!(ctl(sound, arguments), "", "ctl {arguments:?}");
}

#[test]
fn toggle_pauses_and_resumes() {
    let sound = SoundServer::start();
    let mut speak = start(&sound);
    let began = now();
    speak.write_line(&sic("#rust", "kim", LONG));
    sound.wait_loud(began, Duration::from_millis(200));
    done(&sound, &["toggle"]);
    assert_eq!(status_of(&sound)["paused"], true);
    sound.wait_quiet();
    let resumed = now();
    done(&sound, &["toggle"]);
    assert_eq!(status_of(&sound)["paused"], false);
    assert!(sound.wait_onset(resumed) > resumed);
    speak.wait_spoken("in a moment");
}

#[test]
fn live_skips_the_queue() {
    let sound = SoundServer::start();
    let mut speak = start(&sound);
    done(&sound, &["pause"]);
    for number in 1..=3 {
        speak.write_line(&sic("#rust", "kim", &format!("old line {number}")));
    }
    speak.wait_events(3, "three lines wait", |event| event.name == "queued");
    assert_eq!(status_of(&sound)["waiting"], 3);
    assert_eq!(ctl(&sound, &["live"]), "3 lines skipped\n");
    let skipped = |event: &Event| event.is_fate("skipped", "old line");
    speak.wait_events(3, "they are skipped", skipped);
    assert_eq!(status_of(&sound)["paused"], false);
    assert_eq!(status_of(&sound)["waiting"], 0);
    speak.write_line(&sic("#rust", "kim", "the new line"));
    speak.wait_spoken("the new line");
}

#[test]
fn repeat_and_back_speak_lines_again() {
    let sound = SoundServer::start();
    let mut speak = start(&sound);
    for name in ["one", "two", "three"] {
        speak.write_line(&sic("#rust", name, &format!("line {name}, and {LONG}")));
    }
    speak.wait_events(3, "all are queued", |event| event.name == "queued");
    done(&sound, &["rate", "450"]);
    let spoken = |event: &Event| event.is_fate("spoken", "line ");
    speak.wait_event_within(Duration::from_secs(60), "the last is spoken", |event| {
        event.is_fate("spoken", "line three")
    });
    assert_eq!(speak.events().iter().filter(|event| spoken(event)).count(), 3);
    done(&sound, &["rate", "150"]); // slow enough to be seen

    done(&sound, &["repeat"]);
    wait_current(&sound, "line three");
    done(&sound, &["repeat", "2"]);
    wait_current(&sound, "line two");
    done(&sound, &["skip"]);
    wait_current(&sound, "line three");
    assert_eq!(ctl(&sound, &["live"]), "no line skipped\n", "a replay is none");
    done(&sound, &["back"]);
    wait_current(&sound, "line two");
    done(&sound, &["back"]);
    wait_current(&sound, "line one");
    assert_eq!(ctl(&sound, &["live"]), "no line skipped\n");
    // A repeated line is no new line, and has no fate.
    let n_fates = speak.events().iter().filter(|event| event.name == "fate").count();
    assert_eq!(n_fates, 3, "{}", speak.transcript());
    assert_eq!(status_of(&sound)["lines"], 3);
}

#[test]
fn highlight_repeats_from_the_last_highlighted_line_on() {
    let sound = SoundServer::start();
    let folder = directory();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[[rule]]\nhighlight = 'lena'\n").expect("a configuration");
    let config = config.to_str().expect("a path in UTF-8");
    let options = ["--format", "sic", "--speaker", "never", "--config", config];
    let mut speak = Speak::start(&sound, options);
    let lines = ["lena: the first", "not for her", "lena: the second", "then one", "then another"];
    for (nick, text) in ["kim", "mira", "lee", "kim", "mira"].into_iter().zip(lines) {
        speak.write_line(&sic("#rust", nick, text));
    }
    speak.wait_spoken("then another");
    done(&sound, &["rate", "150"]); // slow enough to be seen
    done(&sound, &["highlight"]);
    for text in &lines[2..] {
        wait_current(&sound, text);
    }
    // The first one is not repeated: the next line spoken is new.
    speak.write_line(&sic("#rust", "lee", "and a new line"));
    wait_current(&sound, "and a new line");
    speak.wait_spoken("and a new line");
    let n_fates = speak.events().iter().filter(|event| event.name == "fate").count();
    assert_eq!(n_fates, 6, "{}", speak.transcript());
}

#[test]
fn the_rate_is_set_raised_lowered_and_heard() {
    let sound = SoundServer::start();
    let mut speak = start(&sound);
    for (arguments, rate) in
        [(&["faster"][..], 242), (&["slower"], 220), (&["slower"], 200), (&["rate", "120"], 120)]
    {
        done(&sound, arguments);
        assert_eq!(status_of(&sound)["rate"], rate, "ctl {arguments:?}");
    }
    let mut heard = |rate: &str, word: &str| {
        done(&sound, &["rate", rate]);
        let began = now();
        speak.write_line(&sic("#rust", "kim", &format!("{word} lines are as long as others")));
        speak.wait_spoken(word);
        sound.wait_quiet();
        sound.sound_since(began).loud()
    };
    let (slow, fast) = (heard("120", "seven"), heard("400", "eleven"));
    assert!(fast < slow.mul_f32(0.7), "fast {fast:?}, slow {slow:?}");
}

#[test]
fn the_volume_is_set_and_heard() {
    let sound = SoundServer::start();
    let mut speak = start(&sound);
    let mut heard = |percent: &str, word: &str| {
        done(&sound, &["volume", percent]);
        assert_eq!(status_of(&sound)["volume"].to_string(), percent);
        let began = now();
        speak.write_line(&sic("#rust", "kim", &format!("{word} is a word")));
        speak.wait_spoken(word);
        sound.wait_quiet();
        let samples = sound.sound_since(began).samples;
        samples.iter().map(|sample| sample.unsigned_abs()).max().expect("something is recorded")
    };
    let (loud, quiet, nothing) = (heard("100", "beer"), heard("20", "dear"), heard("0", "fear"));
    assert!(loud > 3 * quiet, "at 100 % {loud}, at 20 % {quiet}");
    assert_eq!(nothing, 0, "volume 0 is silence");
}

#[test]
fn a_muted_sender_is_not_heard_until_unmuted() {
    let sound = SoundServer::start();
    let mut speak = start(&sound);
    for (arguments, heard, unheard) in [
        (&["mute", "kim"][..], ("#rust", "mira"), Some(("#rust", "kim"))),
        (&["unmute", "kim"], ("#rust", "kim"), None),
        (&["mute", "#lxc"], ("#rust", "kim"), Some(("#lxc", "mira"))),
        (&["unmute", "#lxc"], ("#lxc", "mira"), None),
        (&["mute", "--all-but", "kim", "lee"], ("#rust", "lee"), Some(("#rust", "mira"))),
        (&["unmute", "--all"], ("#rust", "mira"), None),
    ] {
        done(&sound, arguments);
        let name = arguments.join(" ");
        let unheard = unheard.map(|who| (who, "dropped"));
        for ((channel, nick), fate) in unheard.into_iter().chain([(heard, "spoken")]) {
            let text = format!("after {name} this is {fate}").replace(['#', '-'], "");
            speak.write_line(&sic(channel, nick, &text));
            // A change of channel is spoken before it.
            let of = |event: &Event| event.name == "fate" && event.text.ends_with(&text);
            let event = speak.wait_event(&text, of);
            assert_eq!(event.fate.as_deref(), Some(fate), "{text}\n{}", speak.transcript());
        }
    }
    let missed = ctl(&sound, &["missed"]);
    assert_eq!(missed.lines().count(), 3, "{missed}");
    assert!(missed.lines().all(|line| line.contains("dropped: muted")), "{missed}");
    assert_eq!(status_of(&sound)["fates"]["dropped"], 3);
}

#[test]
fn an_alias_is_spoken_for_a_nick_until_it_is_removed() {
    let sound = SoundServer::start();
    let mut speak = Speak::start(&sound, ["--format", "sic", "--speaker", "always"]);
    speak.write_line(&sic("#rust", "serge__", "before"));
    speak.wait_spoken("serge: before");
    assert_eq!(ctl(&sound, &["alias"]), "no aliases\n");
    done(&sound, &["alias", "serge__", "Serge Of Rust"]);
    assert_eq!(ctl(&sound, &["alias"]), "serge__: Serge Of Rust\n");
    speak.write_line(&sic("#rust", "serge__", "after"));
    speak.wait_spoken("Serge Of Rust: after");
    done(&sound, &["alias", "Serge__"]);
    speak.write_line(&sic("#rust", "serge__", "again"));
    speak.wait_spoken("serge: again");
    let refused = crate::harness::ctl_refused(&sound, &["alias", "serge__"]);
    assert_eq!(refused, "irc-speak: serge__ has no alias\n");
    let refused = crate::harness::ctl_refused(&sound, &["alias", "kim", "a\nb"]);
    assert!(refused.contains("alias takes a nick and a name"), "{refused}");
}

#[test]
fn more_speaks_what_was_only_counted() {
    let sound = SoundServer::start();
    let mut speak = start(&sound);
    let refused = crate::harness::ctl_refused(&sound, &["more"]);
    assert_eq!(refused, "irc-speak: no line was only counted\n");
    done(&sound, &["pause"]);
    for number in 1..=7 {
        speak.write_line(&sic("#rust", "kim", &format!("if (line{number}) {{ return; }}")));
    }
    speak.wait_events(7, "all wait", |event| event.name == "queued");
    done(&sound, &["rate", "150"]); // slow enough to be seen
    done(&sound, &["resume"]);
    wait_current(&sound, "and 6 more lines");
    speak.wait_events(6, "the rest is counted", |event| event.is_fate("merged", "line"));
    let missed = ctl(&sound, &["missed"]);
    assert_eq!(missed.matches("merged: counted in utterance").count(), 6, "{missed}");
    done(&sound, &["more"]);
    wait_current(&sound, "line2");
    done(&sound, &["skip"]);
    wait_current(&sound, "line3");
    // What was interrupted for them is one; they have their fate.
    assert_eq!(ctl(&sound, &["live"]), "1 line skipped\n");
}

#[test]
fn a_busy_meeting_is_heard_in_order_after_a_pause() {
    let sound = SoundServer::start();
    let mut speak = start(&sound);
    let began = now();
    let line = |number: usize| {
        let nick = ["kim", "mira", "lee"][number % 3];
        sic("#rust", nick, &format!("point {number:02} of our agenda"))
    };
    speak.write_line(&line(0));
    sound.wait_loud(began, Duration::from_millis(100));
    done(&sound, &["pause"]);
    for number in 1..16 {
        speak.write_line(&line(number));
    }
    speak.wait_events(16, "all wait", |event| event.name == "queued");
    let status = wait_for("the lag is shown", String::new, || {
        let status = ctl(&sound, &["status"]);
        let lag = status.lines().find_map(|line| line.strip_prefix("lag:"))?;
        let seconds: f64 = lag.trim().strip_suffix(" s")?.parse().ok()?;
        (seconds >= 3.0).then_some(status)
    });
    let row = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).map_or("", str::trim).to_owned()
    };
    assert_eq!((row("paused:"), row("waiting:")), ("yes".into(), "16".into()), "{status}");
    sound.wait_quiet();

    done(&sound, &["resume"]);
    // Consecutive lines of one person may be merged; here senders alternate.
    let is_fate = |event: &Event| event.name == "fate" && event.text.contains("of our agenda");
    let last = |event: &Event| is_fate(event) && event.text.contains("point 15");
    speak.wait_event_within(Duration::from_secs(90), "the last is spoken", last);
    let fates: Vec<_> = speak.events().into_iter().filter(is_fate).collect();
    let found: Vec<_> = fates.iter().map(|it| (&*it.text, it.fate.as_deref())).collect();
    let texts: Vec<_> = (0..16).map(|number| format!("point {number:02} of our agenda")).collect();
    let wanted: Vec<_> = texts.iter().map(|text| (&**text, Some("spoken"))).collect();
    assert_eq!(found, wanted, "{}", speak.transcript());
}

#[test]
fn where_the_meeting_stands_is_said_and_its_end_is_told() {
    let sound = SoundServer::start();
    let mut speak = start(&sound);
    assert_eq!(ctl(&sound, &["where"]), "no meeting was heard\n");
    for (nick, text) in [
        ("mona", "#startmeeting garden"),
        ("mona", "#topic release planning"),
        ("otto", "#action kim to write the notes"),
    ] {
        speak.write_line(&sic("#garden", nick, text));
    }
    speak.wait_event("it was read", |event| event.text.contains("write the notes"));
    let stands = "topic: release planning, for less than a minute; \
                  last action: kim to write the notes\n";
    assert_eq!(ctl(&sound, &["where"]), stands);
    speak.write_line(&sic("#garden", "mona", "#endmeeting"));
    speak.wait_spoken("the meeting is over, with 1 topic, no agreements, 1 action");
    let over = "no meeting now; the last one had 1 topic, no agreements, 1 action\n";
    assert_eq!(ctl(&sound, &["where"]), over);
}

#[test]
fn a_refused_command_is_reported() {
    let sound = SoundServer::start();
    let _speak = start(&sound);
    let refused = crate::harness::ctl_refused(&sound, &["unmute", "nobody"]);
    assert_eq!(refused, "irc-speak: that was not muted\n");
}
