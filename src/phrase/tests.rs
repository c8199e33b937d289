use std::fs;
use std::path::Path;

use super::*;
use crate::clock::test_now;
use crate::source::lines::decode;
use crate::text::is_invisible;

fn phrasing(naming: Naming) -> Phrasing {
    static ENGLISH: std::sync::LazyLock<Phrasing> =
        std::sync::LazyLock::new(|| Phrasing::english(Naming::Change));
    Phrasing { naming, ..ENGLISH.clone() }
}

/// What is spoken of `text` alone.
fn spoken(text: &str) -> String {
    let mut out = String::new();
    let any = Phraser::new(phrasing(Naming::Change)).text(text, &mut out);
    assert_eq!(any, !out.is_empty(), "text: {text:?}");
    out
}

/// What the last step leaves of `text`.
fn cleaned(text: &str) -> String {
    let mut out = String::new();
    clean::text(text, &mut out);
    out
}

fn nick(nick: &str) -> String {
    let mut out = String::new();
    Phraser::new(phrasing(Naming::Change)).name(nick, &mut out);
    out
}

/// Checks the invariants of all spoken text.
fn assert_clean(spoken: &str) {
    assert!(!spoken.contains(|c: char| c.is_control() || is_invisible(c)), "{spoken:?}");
    assert!(!spoken.contains("[["), "{spoken:?}");
    assert!(!spoken.starts_with('-'), "{spoken:?}");
    let longest = spoken.split(' ').map(|word| word.chars().count()).max();
    assert!(longest.unwrap_or_default() <= MAX_SOLID, "{spoken:?}");
    assert!(spoken.len() <= 32 * 1024, "{} bytes", spoken.len());
}

/// A bracket, "to", a host and punctuation may stand together.
const MAX_SOLID: usize = 3 * clean::MAX_WORD;

#[test]
fn text_is_normalised() {
    let s = "s'".repeat(70);
    for (text, expected) in [
        ("hello, world!", "hello, world!"),
        ("", ""),
        ("   ", ""),
        ("  two  blanks ", "two blanks"),
        ("tab\tand\u{a0}others\u{3000}x", "tab and others x"),
        ("see https://example.org/a/b.", "see link to example.org."),
        ("(http://www.example.org)", "(link to example.org)"),
        ("www.example.org/x is up", "link to example.org is up"),
        ("file:///etc/passwd", "link to a file"),
        ("===== news =====", "news"),
        ("a======b", "a equals equals b"),
        ("wow!!!!!!", "wow!!!"),
        ("well..... yes", "well... yes"),
        ("???", "question marks"),
        ("10000000000", "10000000000"),
        ("aaaaaaaaaaaaaaargh", "aargh"),
        ("--path=/tmp", "option path equals /tmp"),
        ("-1 from me", "minus 1 from me"),
        ("-", "dash"),
        ("\u{2026}", "dots"),
        ("...", "dots"),
        ("}", "closing brace"),
        ("\u{2502} \u{2514}\u{2500}", "a ruler"),
        ("^", "agrees with the line above"),
        ("?", "question mark"),
        ("a - b", "a - b"),
        ("----- 8< -----", "8<"),
        ("[[h@l'oU]]", "h@l'oU"),
        ("[\u{200b}[x", "[ [x"),
        ("\u{ff3b}\u{ff3b}x", "[ [x"),
        ("\x02bold\x02 \x0304red", "bold red"),
        ("\x1b[8mhidden\x1b[0m", "hidden"),
        ("\x02\x1f\x03\x0f", ""),
        ("access \u{202e}\u{2066} gpj.exe\u{2069}", "access gpj.exe"),
        ("nice \u{1f602}\u{1f602} work \u{1f44d}", "nice face with tears of joy work thumbs up"),
        ("\u{1f602}\u{1f602}", "face with tears of joy"),
        ("h\u{301}\u{489}\u{336}\u{301}", "h"),
        ("\u{301}\u{301} marks", "marks"),
        (&s, "s's's's's's's's's's' and 120 more characters"),
        (&"b ".repeat(70), "b b b"),
        (
            &format!("{}{}", "no repeats in here ".repeat(9), "b ".repeat(70)),
            &format!("{}b b b", "no repeats in here ".repeat(9)),
        ),
        ("naïve https://example.org/ — a\u{301}", "naïve link to example.org — \u{e1}"),
        ("שלום עולם", "9 Hebrew characters"),
    ] {
        assert_eq!(spoken(text), expected, "text: {text:?}");
    }
    assert_eq!(spoken(&"日".repeat(8)), "8 Chinese characters");
    assert_eq!(cleaned(&"日本".repeat(40)), format!("{} {}", "日本".repeat(32), "日本".repeat(8)));
}

#[test]
fn nicks_are_one_word() {
    for (written, heard) in [
        ("kim", "kim"),
        ("k[i]m-|away`", "kim"),
        ("ad\u{200b}min", "admin"),
        ("a\u{2003}says\u{2003}hi", "a says hi"),
        ("\u{200b}\u{2060}", "unknown"),
        ("", "unknown"),
        ("\u{1f602}", "face with tears of joy"),
        ("-f", "f"),
        ("[[x]]", "x"),
        ("x\x1b]0;t\x07", "x"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz012345"),
    ] {
        assert_eq!(nick(written), heard, "nick: {written:?}");
    }
}

fn message<'a>(kind: Kind, channel: &'a str, sender: &'a str, text: &'a str) -> Message<'a> {
    let some = |part: &'a str| (!part.is_empty()).then_some(part.into());
    Message {
        kind,
        channel: some(channel),
        sender: some(sender),
        ..Message::plain(SourceId(0), text, test_now())
    }
}

#[test]
fn each_kind_has_its_words() {
    for (kind, sender, text, expected) in [
        (Kind::Say, "kim", "hello", "kim: hello"),
        (Kind::Say, "kim", "", ""),
        (Kind::Say, "kim", "\u{2026}", "kim: dots"),
        (Kind::Say, "kim", "\u{2500}", ""), // not the name alone
        (Kind::Part, "kim", "...", "kim left: dots"),
        (Kind::Say, "", "hello", "hello"),
        (Kind::Plain, "", "hello", "hello"),
        (Kind::Server, "irc.example.org", "welcome", "welcome"),
        (Kind::Action, "kim", "waves", "kim waves"),
        (Kind::Action, "kim", " ", ""),
        (Kind::Notice, "kim", "psst", "notice from kim: psst"),
        (Kind::Notice, "", "psst", "notice: psst"),
        (Kind::Join, "kim", "", "kim joined"),
        (Kind::Join, "", "", "somebody joined"),
        (Kind::Part, "kim", "", "kim left"),
        (Kind::Part, "kim", "bye", "kim left: bye"),
        (Kind::Quit, "kim", "\u{1f44b}", "kim quit: waving hand"),
        (Kind::Nick, "kim", "kimmy", "kim is now known as kimmy"),
        (Kind::Kick, "kim", "bob", "kim kicked bob"),
        (Kind::Kick, "kim", "bob no spam", "kim kicked bob: no spam"),
        (Kind::Mode, "kim", "+o bob", "kim set mode +o bob"),
        (Kind::Topic, "kim", "the news", "kim changed the topic to the news"),
        (Kind::Topic, "kim", "", "kim removed the topic"),
    ] {
        let mut out = String::new();
        let said = Phraser::new(phrasing(Naming::Change))
            .phrase(&message(kind, "#lxc", sender, text), &mut out);
        assert_eq!(
            (out.as_str(), said.is_some()),
            (expected, !expected.is_empty()),
            "{kind} {sender} {text}"
        );
    }
}

#[test]
fn the_speaker_is_named_when_it_changes() {
    let start = test_now();
    let script = [
        (0, Kind::Say, "#a", "kim", "one"),
        (1, Kind::Say, "#a", "kim", "two"),
        (2, Kind::Say, "#a", "kim", "\u{2500}"),
        (3, Kind::Say, "#a", "bob", "three"),
        (4, Kind::Action, "#a", "kim", "waves"),
        (5, Kind::Say, "#a", "kim", "four"),
        (6, Kind::Join, "#a", "eve", ""),
        (7, Kind::Say, "#a", "kim", "five"),
        (68, Kind::Say, "#a", "kim", "six"),
        (69, Kind::Say, "#b", "kim", "seven"),
        (70, Kind::Say, "#b", "kim", "eight"),
        (71, Kind::Action, "#a", "bob", "nods"),
    ];
    let run = |naming| {
        let mut phraser = Phraser::new(phrasing(naming));
        let spoken = script.iter().filter_map(|&(seconds, kind, channel, sender, text)| {
            let received = start + Duration::from_secs(seconds);
            let mut out = String::new();
            let message = Message { received, ..message(kind, channel, sender, text) };
            phraser.phrase(&message, &mut out).map(|_| out)
        });
        spoken.collect::<Vec<_>>().join("; ")
    };
    assert_eq!(
        run(Naming::Change),
        "kim: one; two; bob: three; kim waves; four; eve joined; kim: five; kim: six; \
         kim in b: seven; eight; in a, bob nods"
    );
    assert_eq!(
        run(Naming::Always),
        "kim: one; kim: two; bob: three; kim waves; kim: four; eve joined; kim: five; kim: six; \
         kim in b: seven; kim: eight; in a, bob nods"
    );
    assert_eq!(
        run(Naming::Never),
        "one; two; three; kim waves; four; eve joined; five; six; in b: seven; eight; in a, bob nods"
    );
}

/// Hostile texts and nicks that broke other programs.
#[test]
fn hostile_inputs_are_harmless() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/hostile_inputs.jsonl");
    let Ok(file) = fs::read_to_string(&path) else {
        println!("no hostile inputs at {}: not tested", path.display());
        return;
    };
    let mut tested = 0;
    for input in file.lines() {
        let input: serde_json::Value = serde_json::from_str(input).expect("an input");
        let bytes = unbase64(input["bytes_base64"].as_str().expect("bytes"));
        let repeat =
            input["repeat"].as_u64().map_or(1, |n| usize::try_from(n.min(9999)).expect("few"));
        let text = decode(&bytes.repeat(repeat)).replace('\n', " ");
        match input["feed"].as_str() {
            Some("message") => assert_clean(&spoken(&text)),
            Some("nick") => {
                assert_clean(&nick(&text));
                assert!((1..=40).contains(&nick(&text).chars().count()), "{text:?}");
            }
            _ => continue,
        }
        tested += 1;
    }
    assert!(tested > 80, "{tested} inputs");
}

fn unbase64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut n, mut out) = (0_u32, 0, Vec::new());
    for value in text.bytes().filter_map(|b| DIGITS.iter().position(|&digit| digit == b)) {
        bits = bits << 6 | u32::try_from(value).expect("six bits");
        n += 6;
        if n >= 8 {
            n -= 8;
            out.push((bits >> n & 0xff) as u8);
        }
    }
    out
}

/// How many cases are tried: `PHRASE_CASES`, for a long run.
fn n_cases() -> u32 {
    std::env::var("PHRASE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(256)
}

/// What lines are made of, and what patterns look for.
const FRAGMENTS: &str = "** * _ ` ``` ~~ || > >> < <@ <# <: </ /> [ ]( ) ![ ]] [[ {{ }} ( { } # ## - -- --x \
    --- === ^ ^^ ~ ~/ ./ ../ / // :// https:// http://[ www. example.org /pull/5 ? ?? ! , . ... : :: ; \
    ' '' \" & &amp; &lt; &#x27; &#128512; | || && + +1 -1 ++ = == -> => <- % $ $5 €1.5m £ ¥ @ @kim \
    0 1 12 1,234.50 1_000 1.2.3 v1.2.3-rc1 0x1f 9f2c41e 2031-04-09 08:15:30Z 8:05 9-5 Mon-Fri 2h30m \
    350ms 12GiB km/h 10^6 ½ ² ⁻ № ± × 127.0.0.1 ::1 fe80::1 [::1]:443 :8080 aa:bb:cc:dd:ee:ff /var/lib/x \
    C:\\Users \\\\nas foo_bar getUserName std::fs C# .NET s/a/b/ #1234 !7 owner/repo#5 World War II btw \
    TL;DR w/ n/a :) :-( <3 o/ \\o/ XD owo ¯\\_(ツ)_/¯ :smile: 👍 👍🏽 👩‍💻 🇩🇪 🇩 ❤️ ✓ ✗ \u{200d} \u{fe0f} \u{301} \
    \u{489} \u{202e} \u{200b} \u{feff} \u{a0} \u{1} \u{1b}[31m \u{3}04 \u{2} ﬁ Ａ 𝐛 ᴄ ① Z̃ é ß İ ſ Иван Γιώργος 日本 さくら \
    김 שלום مرحبا ไทย αβ аdmin aaaa nooooo hahaha ----- ░█ ├── /join q+ present+ #topic #startmeeting kim: kim_ bzw. \
    z.B. M. Dr. EE.UU.";

fn fragments() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let fragments: Vec<_> = FRAGMENTS.split_ascii_whitespace().map(str::to_owned).collect();
    let part = prop_oneof![
        6 => prop::sample::select(fragments),
        2 => "[a-zA-Z]{1,8}",
        1 => "[ -~]{0,4}",
        1 => prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| decode(&bytes).into_owned()),
    ];
    let gap = prop_oneof![3 => Just(" "), 2 => Just(""), 1 => Just("  ")];
    prop::collection::vec((part, gap), 0..12)
        .prop_map(|parts| parts.into_iter().map(|(part, gap)| part + gap).collect())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(n_cases()))]
    #[test]
    fn any_bytes_are_spoken(text in fragments(), kind in 0..Kind::ALL.len(), language in 0..4_usize) {
        let language = Language::from_code(["en", "de", "fr", "es"][language]).expect("a code");
        let phrasing = Phrasing { language, ..phrasing(Naming::Always) };
        let text = text.replace(['\n', '\r'], " ");
        let message = message(Kind::ALL[kind], "#lxc", "kim", &text);
        let prepared = Phraser::new(phrasing.clone()).preparer().prepare(&message);
        let [mut at_once, mut ahead] = [const { String::new() }; 2];
        let said = Phraser::new(phrasing.clone()).phrase(&message, &mut at_once);
        let same = Phraser::new(phrasing).phrase_prepared(&message, prepared, &mut ahead);
        assert_clean(&at_once);
        proptest::prop_assert_eq!(said.is_some(), !at_once.is_empty());
        proptest::prop_assert_eq!((same, ahead), (said, at_once), "{}", text);
    }
}

proptest::proptest! {
    #[test]
    fn what_is_spoken_is_clean(
        text in ".*|[-\\[=w./: a-z]{0,200}|[\u{0}-\u{ff}\u{200b}\u{202e}\u{301}]*",
        sender in ".*|[-\\[a-z\u{200b}]{0,50}",
        kind in 0..Kind::ALL.len(),
    ) {
        let mut phraser = Phraser::new(phrasing(Naming::Always));
        let mut out = String::new();
        let message = message(Kind::ALL[kind], &sender, &sender, &text);
        let said = phraser.phrase(&message, &mut out);
        proptest::prop_assert_eq!(said.is_some(), !out.is_empty());
        assert_clean(&out);
        assert_clean(&nick(&sender));
        assert_clean(&spoken(&text));
    }

    #[test]
    fn what_is_clean_stays_so(text in "[!-~]{1,20}( [!-~]{1,20}){0,8}") {
        let once = cleaned(&text);
        proptest::prop_assert_eq!(cleaned(&once), once);
    }
}
