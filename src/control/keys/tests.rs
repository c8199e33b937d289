use super::super::Entry;
use super::*;
use crate::clock::test_now;

fn asked(pieces: &[&[u8]], state: &Snapshot) -> Vec<Act> {
    let mut keyboard = Keyboard::default();
    let keys =
        pieces.iter().flat_map(|piece| keyboard.press(piece, test_now())).collect::<Vec<_>>();
    keys.into_iter().filter_map(deed).map(|deed| deed.act(state, 220)).collect()
}

fn speaking() -> Snapshot {
    let entry = Entry { sender: Some("kim".to_owned()), ..Entry::default() };
    Snapshot { rate: 240, volume: 100, current: Some(entry), ..Snapshot::default() }
}

#[test]
fn keys_ask_for_commands() {
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
        (b"0", Command::Rate { wpm: 220 }),
        (b"\x1b[A", Command::Volume { percent: 110 }),
        (b"\x1b[B", Command::Volume { percent: 90 }),
        (b"m", Command::Mute { who: kim() }),
        (b"u", Command::Unmute { who: Who::All }),
        (b"s", Command::Status),
        (b"q", Command::Quit),
    ] {
        assert_eq!(asked(&[bytes], &speaking()), [Act::Ask(command)], "bytes: {bytes:?}");
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
        assert_eq!(asked(&[bytes], &speaking()), [], "bytes: {bytes:?}");
    }
}

#[test]
fn a_sequence_may_come_in_pieces_and_keys_together() {
    let skip = || Act::Ask(Command::Skip);
    assert_eq!(asked(&[b"\x1b", b"[", b"C"], &speaking()), [skip()]);
    assert_eq!(asked(&[b"nn\x1b[15~n"], &speaking()), [skip(), skip(), skip()]);
}

#[test]
fn a_paste_does_nothing_to_its_last_byte() {
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
        assert_eq!(asked(&[key], &state), [Act::Ask(Command::Volume { percent })]);
    }
}

#[test]
fn who_is_silent_is_not_muted() {
    let told = Act::Tell(vec!["nobody is speaking; nobody muted".to_owned()]);
    assert_eq!(asked(&[b"m"], &Snapshot::default()), [told]);
}

#[test]
fn help_is_the_table_one_key_a_line_and_no_key_twice() {
    assert_eq!(asked(&[b"?"], &speaking()), [Act::Tell(help())]);
    assert_eq!(help().len(), KEYS.len());
    let keys: Vec<Key> = KEYS.iter().flat_map(|(keys, ..)| keys.iter().copied()).collect();
    for (n, key) in keys.iter().enumerate() {
        assert!(!keys[..n].contains(key), "twice: {key:?}");
    }
}

#[test]
fn replies_are_told_where_the_ear_hears_nothing() {
    let mut state = Snapshot { paused: true, waiting: 3, lag_s: 4.2, lines: 9, ..speaking() };
    state.fates.insert("spoken".to_owned(), 6);
    state.muted = vec!["bob".to_owned()];
    let status = "paused; 0 words a minute, base 240; volume 100 %; 3 waiting, 4 s behind; \
                  9 lines, 6 spoken; muted: bob";
    let mute = Command::Mute { who: Who::Sender("kim".to_owned()) };
    let why = Reply::Error { why: "no highlight yet".to_owned() };
    for (command, reply, said) in [
        (Command::Skip, Reply::Done, None),
        (Command::Highlight, why, Some("no highlight yet")),
        (mute, Reply::Done, Some("kim is muted; u unmutes everybody")),
        (Command::Status, Reply::Status(Box::new(state)), Some(status)),
    ] {
        assert_eq!(words(&command, &reply).as_deref(), said, "command: {command:?}");
    }
}
