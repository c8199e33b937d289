use super::super::Entry;
use super::*;
use crate::clock::test_now;

fn outcomes(pieces: &[&[u8]], state: &Snapshot) -> Vec<KeyOutcome> {
    let mut keyboard = Keyboard::default();
    let keys =
        pieces.iter().flat_map(|piece| keyboard.press(piece, test_now())).collect::<Vec<_>>();
    keys.into_iter().filter_map(action).map(|action| action.outcome(state, Wpm(220))).collect()
}

fn speaking() -> Snapshot {
    let entry = Entry { sender: Some("kim".to_owned()), ..Entry::default() };
    Snapshot { rate: Wpm(240), volume: 100, current: Some(entry), ..Snapshot::default() }
}

#[test]
fn keys_send_commands() {
    let kim = || Who::Sender("kim".to_owned());
    for (bytes, command) in [
        (&b" "[..], Command::Toggle),
        (b"n", Command::Skip),
        (b"\x1b[C", Command::Skip),
        (b"\x1bOC", Command::Skip), // a terminal in application mode
        (b"r", Command::Repeat { n: 1 }),
        (b"b", Command::Back),
        (b"\x1b[D", Command::Back),
        (b"h", Command::Highlight),
        (b"l", Command::Live),
        (b"+", Command::Faster),
        (b"=", Command::Faster),
        (b"-", Command::Slower),
        (b"0", Command::Rate { wpm: Wpm(220) }),
        (b"\x1b[A", Command::Volume { percent: 110 }),
        (b"\x1b[B", Command::Volume { percent: 90 }),
        (b"m", Command::Mute { who: kim() }),
        (b"u", Command::Unmute { who: Who::All }),
        (b"s", Command::Status { json: false }),
        (b"q", Command::Quit),
    ] {
        assert_eq!(
            outcomes(&[bytes], &speaking()),
            [KeyOutcome::Send(command)],
            "bytes: {bytes:?}"
        );
    }
}

#[test]
fn other_keys_do_nothing() {
    for bytes in [
        &b"x"[..],
        b"\r",
        b"\x00",
        b"\x1b",
        b"\x1b[1;2A", // Shift-Up
        b"\x1b[15~",  // F5
        b"\x1b[6n",
        b"\x1bq", // Alt-q
        "é🦀".as_bytes(),
        b"\xff\xfe",
    ] {
        assert_eq!(outcomes(&[bytes], &speaking()), [], "bytes: {bytes:?}");
    }
}

#[test]
fn a_sequence_may_come_in_pieces_and_keys_together() {
    let skip = || KeyOutcome::Send(Command::Skip);
    assert_eq!(outcomes(&[b"\x1b", b"[", b"C"], &speaking()), [skip()]);
    assert_eq!(outcomes(&[b"nn\x1b[15~n"], &speaking()), [skip(), skip(), skip()]);
}

#[test]
fn a_paste_is_ignored_to_its_last_byte() {
    let (mut keyboard, start) = (Keyboard::default(), test_now());
    let mut at = |bytes: &[u8], ms| keyboard.press(bytes, start + Duration::from_millis(ms));
    assert_eq!(at(&[b'q'; 4095], 0), []);
    assert_eq!(at(b"q", 199), []);
    assert_eq!(at(b"q", 398), []);
    assert_eq!(at(b"q", 598), [Key::Char(b'q')]);
}

#[test]
fn the_volume_stays_within_its_bounds() {
    for (volume, key, percent) in [(200, b"\x1b[A", 200), (195, b"\x1b[A", 200), (5, b"\x1b[B", 0)]
    {
        let state = Snapshot { volume, ..Snapshot::default() };
        assert_eq!(outcomes(&[key], &state), [KeyOutcome::Send(Command::Volume { percent })]);
    }
}

#[test]
fn nobody_is_muted_while_nobody_speaks() {
    let answer = KeyOutcome::Show(vec!["nobody is speaking; nobody muted".to_owned()]);
    assert_eq!(outcomes(&[b"m"], &Snapshot::default()), [answer]);
}

#[test]
fn help_is_the_table_one_key_a_line_and_no_key_twice() {
    assert_eq!(outcomes(&[b"?"], &speaking()), [KeyOutcome::Show(help())]);
    assert_eq!(help().len(), KEYS.len());
    let keys: Vec<Key> = KEYS.iter().flat_map(|(keys, ..)| keys.iter().copied()).collect();
    for (n, key) in keys.iter().enumerate() {
        assert!(!keys[..n].contains(key), "twice: {key:?}");
    }
}

#[test]
fn replies_that_cannot_be_heard_are_shown() {
    let mut state = Snapshot { paused: true, waiting: 3, lag_s: 4.2, lines: 9, ..speaking() };
    state.fates.insert("spoken".to_owned(), 6);
    state.muted = vec!["bob".to_owned()];
    let summary = "paused; 0 words a minute, base 240; volume 100 per cent; 3 waiting, \
                  4 seconds behind; 9 lines, 6 spoken; muted: bob";
    let mute = Command::Mute { who: Who::Sender("kim".to_owned()) };
    let why = Reply::Error { why: "no highlight yet".to_owned() };
    let states = [&Snapshot::default(), &Snapshot::default()];
    for (command, reply, said) in [
        (Command::Skip, Reply::Done, None),
        (Command::Highlight, why, Some("no highlight yet")),
        (mute, Reply::Done, Some("kim is muted; u unmutes everybody")),
        (Command::Voices { own: Switch::Toggle }, Reply::Done, Some("one voice for all")),
        (Command::Status { json: false }, Reply::Status(Box::new(state)), Some(summary)),
    ] {
        for look in [Look::Quiet, Look::Rich] {
            assert_eq!(words(&command, &reply, states, look).as_deref(), said, "{command:?}");
        }
    }
}

#[test]
fn with_plain_lines_every_key_is_answered() {
    let idle = Snapshot { rate: Wpm(220), volume: 100, ..Snapshot::default() };
    let busy = Snapshot { rate: Wpm(220), waiting: 1, ..speaking() };
    let fates = std::collections::BTreeMap::from([("spoken".to_owned(), 1)]);
    let later = Snapshot { fates, ..busy.clone() };
    let at = |rate, volume| Snapshot { rate: Wpm(rate), volume, ..Snapshot::default() };
    let paused = Snapshot { paused: true, ..busy.clone() };
    let waits = Snapshot { current: None, ..paused.clone() };
    let volume = |percent| Command::Volume { percent };
    for (command, before, now, said) in [
        (Command::Toggle, &busy, &paused, "paused"),
        (Command::Toggle, &paused, &busy, "resumed"),
        (Command::Skip, &waits, &idle, "skipped"),
        (Command::Skip, &idle, &idle, "nothing to skip"),
        (Command::Repeat { n: 1 }, &idle, &idle, "nothing was spoken yet"),
        (Command::Repeat { n: 1 }, &later, &busy, "the last line again"),
        (Command::Back, &idle, &idle, "nothing was spoken yet"),
        (Command::Back, &later, &busy, "back by one line"),
        (Command::Highlight, &idle, &idle, "no highlight yet"),
        (Command::Highlight, &idle, &busy, "back to the last highlight"),
        (Command::Faster, &idle, &at(242, 100), "faster, 242 words a minute"),
        (Command::Faster, &idle, &idle, "220 words a minute is the fastest"),
        (Command::Slower, &idle, &at(200, 100), "slower, 200 words a minute"),
        (Command::Slower, &idle, &idle, "220 words a minute is the slowest"),
        (Command::Rate { wpm: Wpm(220) }, &idle, &idle, "220 words a minute"),
        (volume(110), &idle, &at(220, 110), "volume 110 per cent"),
        (volume(0), &idle, &at(220, 0), "volume 0 per cent"),
        (Command::Quit, &idle, &idle, "quitting"),
    ] {
        let words = |look| words(&command, &Reply::Done, [before, now], look);
        assert_eq!(words(Look::Plain).as_deref(), Some(said), "{command:?}");
        assert_eq!(words(Look::Rich), None, "the status line shows it: {command:?}");
        assert_eq!(words(Look::Quiet), None, "{command:?}");
    }
    let skipped = words(&Command::Skip, &Reply::Done, [&busy, &idle], Look::Plain);
    assert_eq!(skipped, None, "the transcript says so behind the line");
}

#[test]
fn a_silent_device_is_reported() {
    let sink = |muted, volume| {
        Some(super::super::SoundSink {
            name: "ear".to_owned(),
            about: "Null Output".to_owned(),
            muted,
            volume,
        })
    };
    for (sink, said) in [
        (sink(true, 50), Some("; the sound device ear is muted: nothing is heard")),
        (sink(false, 0), Some("; the sound device ear is at volume 0: nothing is heard")),
        (sink(false, 5), None),
        (None, None),
    ] {
        let words = status_text(&Snapshot { sink, ..Snapshot::default() });
        let warning = words.find("; the sound device").map(|at| &words[at..]);
        assert_eq!(warning, said);
    }
}
