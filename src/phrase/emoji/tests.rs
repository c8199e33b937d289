use super::*;

/// `text` with what is said for its emoji, as the caller joins them.
fn said(text: &str, lang: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(found) = find(rest, lang) {
        out.extend([rest[..found.range.start].trim().to_owned(), found.spoken]);
        rest = &rest[found.range.end..];
    }
    out.push(rest.trim().to_owned());
    out.retain(|part| !part.is_empty());
    out.join(" ")
}

fn assert_said(lang: &str, cases: &[(&str, &str)]) {
    for (line, heard) in cases {
        assert_eq!(said(line, lang), *heard, "{lang}: {line}");
    }
}

#[test]
fn emoji_have_names() {
    assert_said(
        "en",
        &[
            ("👍", "thumbs up"),
            ("👍🏽", "thumbs up"),
            ("👍👍🏽👍🏿", "thumbs up"),
            ("😂😂😂", "face with tears of joy"),
            ("😂 😂", "face with tears of joy"),
            ("😂🔥", "face with tears of joy fire"),
            ("🔥", "fire"),
            ("🔥🔥🔥", "3 fires"),
            ("🔥 🔥 🔥 hot", "3 fires hot"),
            ("🔥  🔥", "fire fire"),
            ("❤️❤️", "2 red hearts"),
            ("❤️❤", "2 red hearts"),
            ("I ❤️ Rust", "I red heart Rust"),
            (
                "status: ✅ tests, ❌ lint, ⚠️ docs",
                "status: check mark tests, cross mark lint, warning docs",
            ),
            ("from 🇩🇪 to 🇯🇵", "from Germany to Japan"),
            ("🇩🇪🇯🇵🇯🇵", "Germany Japan"),
            ("is that 👨‍👩‍👧‍👦 or 🏳️‍🌈?", "is that family or rainbow flag ?"),
            ("☑ done ☐ todo", "checked done unchecked todo"),
            ("✓ build ✗ lint", "check mark build cross lint"),
            ("✓✓✗", "2 check marks cross"),
            ("☐☐", "2 times unchecked"),
            ("1️⃣ first 2️⃣ second", "1 first 2 second"),
            ("1️⃣1️⃣", "1 1"),
            ("🔟", "10"),
            ("a → b ⇒ c", "a right arrow b double right arrow c"),
            ("© 2024", "copyright 2024"),
            ("•one", "bullet one"),
            ("🏴󠁧󠁢󠁥󠁮󠁧󠁿 won", "England won"),
            ("👩🏽‍💻 at work", "woman technologist at work"),
            ("🤷🏻‍♂️", "man shrugging"),
            ("💯💯", "one hundred points"),
            ("🇭 🇮", "H I"),
            ("★★★☆☆", "3 stars 2 empty stars"),
            ("🟩🟩🟨", "2 green squares yellow square"),
            ("🆗", "OK"),
            ("🅰🅱", "🅰🅱"),
            ("20€ – “quoted”…", "20€ – “quoted”…"),
            ("日本語 привет é", "日本語 привет é"),
            ("👩\u{200d}👩\u{200d}👩", "woman"),
        ],
    );
}

#[test]
fn shortcodes_are_named_by_their_emoji() {
    assert_said(
        "en",
        &[
            (":tada:", "party popper"),
            (":+1:", "thumbs up"),
            (":+1::skin-tone-4: ok", "thumbs up ok"),
            (":thumbsup_tone2:", "thumbs up"),
            (":white_check_mark: built", "check mark built"),
            (":fire::fire: :fire:", "3 fires"),
            ("🔥:fire:", "2 fires"),
            (":100:", "one hundred points"),
            (":foo_bar:", "foo bar"),
            (":foo_bar::foo_bar:", "foo bar"),
            ("(:tada:)", "( party popper )"),
            ("<:pepe_laugh:1234567890>", "pepe laugh"),
            ("ha <a:party:123> ha", "ha party ha"),
            ("at 10:30:15", "at 10:30:15"),
            ("std::io::Read", "std::io::Read"),
            ("fe80::a:b", "fe80::a:b"),
            ("a:b:c", "a:b:c"),
            ("nick: see this: that", "nick: see this: that"),
            ("C:\\a:b:", "C:\\a:b:"),
            ("https://a:b:c@d", "https://a:b:c@d"),
            ("::", "::"),
            ("<:a:>", "<:a:>"),
        ],
    );
}

#[test]
fn german_voices_say_german() {
    assert_said(
        "de",
        &[
            ("👍", "Daumen hoch"),
            ("👍🏿", "Daumen hoch"),
            ("😂😂😂", "Gesicht mit Freudentränen"),
            ("🔥", "Feuer"),
            ("🔥🔥🔥", "3 mal Feuer"),
            ("❤️", "rotes Herz"),
            ("✅ ❌", "Häkchen Kreuzzeichen"),
            ("⚠️", "Warnung"),
            ("von 🇩🇪 nach 🇫🇷", "von Deutschland nach Frankreich"),
            ("👨‍👩‍👧‍👦", "Familie"),
            ("🏳️‍🌈", "Regenbogenflagge"),
            ("☑ ☐", "abgehakt nicht abgehakt"),
            ("✓ ✗", "Häkchen Kreuz"),
            (":tada:", "Konfettibombe"),
            (":foo_bar:", "foo bar"),
            ("→", "Pfeil nach rechts"),
            ("3️⃣", "3"),
            ("🕧", "12 Uhr 30"),
        ],
    );
    assert_said("de-AT", &[("🔥", "Feuer")]);
}

#[test]
fn french_voices_say_french() {
    assert_said(
        "fr",
        &[
            ("👍", "pouce vers le haut"),
            ("👍🏻", "pouce vers le haut"),
            ("😂😂", "visage riant aux larmes"),
            ("🔥", "feu"),
            ("🔥🔥🔥", "3 fois feu"),
            ("❤️", "cœur rouge"),
            ("✅ ❌", "coche croix"),
            ("⚠️", "avertissement"),
            ("🇩🇪", "Allemagne"),
            ("👨‍👩‍👧‍👦", "famille"),
            ("🏳️‍🌈", "drapeau arc-en-ciel"),
            ("☑ ☐", "coché non coché"),
            ("✓ ✗", "coche croix"),
            (":tada:", "cotillons"),
            ("→", "flèche vers la droite"),
            ("7️⃣", "7"),
        ],
    );
}

#[test]
fn spanish_voices_say_spanish() {
    assert_said(
        "es",
        &[
            ("👍", "pulgar hacia arriba"),
            ("👍🏾", "pulgar hacia arriba"),
            ("😂😂", "cara llorando de risa"),
            ("🔥", "fuego"),
            ("🔥🔥🔥", "3 veces fuego"),
            ("❤️", "corazón rojo"),
            ("✅ ❌", "marca de verificación marca de cruz"),
            ("⚠️", "advertencia"),
            ("🇯🇵", "Japón"),
            ("👨‍👩‍👧‍👦", "familia"),
            ("🏳️‍🌈", "bandera del arcoíris"),
            ("☑ ☐", "marcado sin marcar"),
            ("✓ ✗", "marca de verificación cruz"),
            (":tada:", "cañón de confeti"),
            ("→", "flecha derecha"),
            ("0️⃣", "0"),
        ],
    );
    assert_said("pt", &[("🔥🔥", "2 fires")]);
}

#[test]
fn variation_selectors_and_tones_change_no_name() {
    for language in Language::ALL {
        for (emoji, name) in language.names() {
            let mut chars: Vec<char> = emoji.chars().collect();
            chars.insert(1, '\u{fe0f}');
            let shown: String = chars.iter().collect();
            for text in [*emoji, &shown] {
                let (found, len) = sequence::first(text, language).expect("an emoji");
                assert_eq!((found, len), (*name, text.len()), "emoji: {emoji}");
                let start = sequence::start(text, text.find(sequence::is_hint).expect("a hint"));
                assert_eq!(start, 0, "emoji: {emoji}");
            }
        }
    }
}

#[test]
fn long_sequences_take_no_long_time() {
    for part in
        ["👩\u{200d}", "🏽", "👩🏽", "\u{fe0f}", ":a", "::", ":a:", "<:a", "🇭", "1\u{fe0f}", "(", "°"]
    {
        let text = part.repeat(20_000);
        let mut rest = text.as_str();
        while let Some(found) = find(rest, "en") {
            assert!(!found.range.is_empty() && !found.spoken.is_empty());
            rest = &rest[found.range.end..];
        }
        smiley(&text, "en", true);
        is_only_smileys(&text);
    }
}
