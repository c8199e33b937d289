//! The scripts of a text, and what their characters are called.
#![forbid(unsafe_code)]

use std::ops::Range;

use unicode_script::{Script, UnicodeScript};

use super::code::Language;
use super::score::plain_chunks;
use crate::text::is_invisible;

/// The script of `c`, quickly for ASCII.
pub(super) fn script_of(c: char) -> Script {
    match c {
        'a'..='z' | 'A'..='Z' => Script::Latin,
        '\0'..='\u{7f}' => Script::Common,
        _ => match c.script() {
            // One script to who reads them: a word of Japanese changes between them.
            Script::Katakana => Script::Hiragana,
            Script::Bopomofo => Script::Han,
            script => script,
        },
    }
}

/// The runs of `text` that are written in one script, which together are all of it. What belongs to
/// every script, such as blanks, digits and marks, belongs to the run before it, at the start to
/// the first run. Han beside kana is a run of [`Script::Hiragana`]: Japanese.
pub fn script_runs(text: &str) -> impl Iterator<Item = (Range<usize>, Script)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let (length, script) = first_run(text.get(start..).filter(|rest| !rest.is_empty())?);
        let run = start..start + length;
        start = run.end;
        Some((run, script))
    })
}

/// Length and script of the first run.
fn first_run(text: &str) -> (usize, Script) {
    let mut run = Script::Common;
    for (at, c) in text.char_indices() {
        run = match (run, script_of(c)) {
            (_, Script::Common | Script::Inherited | Script::Unknown) => run,
            (Script::Common, script) => script,
            (Script::Han | Script::Hiragana, Script::Hiragana)
            | (Script::Hiragana, Script::Han) => Script::Hiragana,
            (_, script) if script == run => run,
            _ => return (at, run),
        };
    }
    (text.len(), run)
}

/// The script of most of the letters in `text`. A sign that writes a syllable or a word counts as
/// the two or three letters it stands for. `Common` without any letter. Links and code are not read.
pub(super) fn main_script(text: &str) -> Script {
    if text.is_ascii() {
        return Script::Latin;
    }
    let mut counts = [(Script::Common, 0_u32); 8];
    for script in plain_chunks(text).flat_map(str::chars).map(script_of) {
        let weight = match script {
            Script::Common | Script::Inherited | Script::Unknown => continue,
            Script::Han | Script::Hiragana => 3,
            Script::Hangul => 2,
            _ => 1,
        };
        let free = |it: &&mut (Script, u32)| it.0 == script || it.1 == 0;
        if let Some(count) = counts.iter_mut().find(free) {
            *count = (script, count.1 + weight);
        }
    }
    let most = counts.into_iter().max_by_key(|it| it.1).map_or(Script::Common, |it| it.0);
    let has_kana = counts.iter().any(|it| it.0 == Script::Hiragana);
    if most == Script::Han && has_kana { Script::Hiragana } else { most }
}

/// How many characters of `text` are counted for a listener: code points that show something, with
/// the blanks and marks between them, without those at the ends.
pub fn n_visible(text: &str) -> usize {
    text.trim().chars().filter(|&c| !is_invisible(c) && !c.is_control()).count()
}

/// Adjectives of scripts: English; German without its ending; French and Spanish of one character.
/// Other scripts have only their English name.
const ADJECTIVES: &[(Script, [&str; 4])] = &[
    (Script::Arabic, ["Arabic", "arabisch", "arabe", "árabe"]),
    (Script::Armenian, ["Armenian", "armenisch", "arménien", "armenio"]),
    (Script::Balinese, ["Balinese", "balinesisch", "balinais", "balinés"]),
    (Script::Bengali, ["Bengali", "bengalisch", "bengali", "bengalí"]),
    (Script::Cherokee, ["Cherokee", "cherokesisch", "cherokee", "cheroqui"]),
    (Script::Coptic, ["Coptic", "koptisch", "copte", "copto"]),
    (Script::Cyrillic, ["Cyrillic", "kyrillisch", "cyrillique", "cirílico"]),
    (Script::Egyptian_Hieroglyphs, ["Egyptian", "ägyptisch", "égyptien", "egipcio"]),
    (Script::Ethiopic, ["Ethiopic", "äthiopisch", "éthiopien", "etíope"]),
    (Script::Georgian, ["Georgian", "georgisch", "géorgien", "georgiano"]),
    (Script::Gothic, ["Gothic", "gotisch", "gotique", "gótico"]),
    (Script::Greek, ["Greek", "griechisch", "grec", "griego"]),
    (Script::Han, ["Chinese", "chinesisch", "chinois", "chino"]),
    (Script::Hangul, ["Korean", "koreanisch", "coréen", "coreano"]),
    (Script::Hebrew, ["Hebrew", "hebräisch", "hébreu", "hebreo"]),
    (Script::Hiragana, ["Japanese", "japanisch", "japonais", "japonés"]),
    (Script::Javanese, ["Javanese", "javanisch", "javanais", "javanés"]),
    (Script::Khmer, ["Khmer", "kambodschanisch", "khmer", "camboyano"]),
    (Script::Lao, ["Lao", "laotisch", "laotien", "laosiano"]),
    (Script::Latin, ["Latin", "lateinisch", "latin", "latino"]),
    (Script::Mongolian, ["Mongolian", "mongolisch", "mongol", "mongol"]),
    (Script::Myanmar, ["Burmese", "birmanisch", "birman", "birmano"]),
    (Script::Runic, ["Runic", "runisch", "runique", "rúnico"]),
    (Script::Sinhala, ["Sinhala", "singhalesisch", "cinghalais", "cingalés"]),
    (Script::Syriac, ["Syriac", "syrisch", "syriaque", "siríaco"]),
    (Script::Tamil, ["Tamil", "tamilisch", "tamoul", "tamil"]),
    (Script::Thai, ["Thai", "thailändisch", "thaïlandais", "tailandés"]),
    (Script::Tibetan, ["Tibetan", "tibetisch", "tibétain", "tibetano"]),
];

/// The English adjective of a script: `Chinese`, `Cyrillic`, `Devanagari`.
pub fn script_name(script: Script) -> String {
    let adjectives = ADJECTIVES.iter().find(|it| it.0 == script);
    adjectives.map_or_else(|| script.full_name().replace('_', " "), |it| it.1[0].to_owned())
}

/// What is said instead of `n` characters of a script: `25 Chinese characters`. In German, French
/// and Spanish, else in English.
pub fn describe(n: usize, script: Script, language: Language) -> String {
    let adjectives = ADJECTIVES.iter().find(|it| it.0 == script).map(|it| it.1);
    let name = script_name(script);
    match (language.code(), adjectives) {
        ("de", Some([_, german, ..])) => {
            format!("{n} {german}{} Zeichen", if n == 1 { "es" } else { "e" })
        }
        ("de", None) => format!("{n} {}-Zeichen", name.replace(' ', "-")),
        ("fr", Some([.., french, _])) => format!("{n} {}", counted(n, "caractère", french)),
        ("fr", None) => format!("{n} {}", counted(n, "caractère", "")) + &name.to_lowercase(),
        ("es", Some([.., spanish])) => format!("{n} {}", counted(n, "carácter", spanish)),
        ("es", None) => format!("{n} {}", counted(n, "carácter", "")) + &name.to_lowercase(),
        _ => format!("{n} {name} {}", if n == 1 { "character" } else { "characters" }),
    }
}

/// A French or Spanish noun with its adjective, which follows it, in the plural unless `n` is 1.
fn counted(n: usize, noun: &str, adjective: &str) -> String {
    let plural = |word: &str| match word {
        "" => String::new(),
        "carácter" => "caracteres".to_owned(),
        "hébreu" => "hébreux".to_owned(),
        "bengalí" => "bengalíes".to_owned(),
        "tamil" | "mongol" if noun == "carácter" => format!("{word}es"),
        _ if noun == "carácter" && word.ends_with("és") => word.replace("és", "eses"),
        _ if word.ends_with('s') => word.to_owned(),
        _ => format!("{word}s"),
    };
    if n == 1 {
        format!("{noun} {adjective}")
    } else {
        format!("{} {}", plural(noun), plural(adjective))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_and_cover_the_text() {
        for (text, expected) in [
            ("", &[][..]),
            ("plain text, 12!", &[("plain text, 12!", Script::Latin)]),
            ("12 + 3", &[("12 + 3", Script::Common)]),
            (
                "see 世界 now",
                &[("see ", Script::Latin), ("世界 ", Script::Han), ("now", Script::Latin)],
            ),
            ("(日本語のテスト)", &[("(日本語のテスト)", Script::Hiragana)]),
            (
                "サーバー落ちた lol",
                &[("サーバー落ちた ", Script::Hiragana), ("lol", Script::Latin)],
            ),
            ("e\u{301}té é", &[("e\u{301}té é", Script::Latin)]),
            ("да \u{1f600}", &[("да \u{1f600}", Script::Cyrillic)]),
            ("한국어 abc", &[("한국어 ", Script::Hangul), ("abc", Script::Latin)]),
        ] {
            let runs: Vec<_> =
                script_runs(text).map(|(run, script)| (&text[run], script)).collect();
            assert_eq!(runs, expected, "{text}");
        }
    }

    #[test]
    fn most_letters_decide_the_script_of_a_line() {
        for (text, script) in [
            ("", Script::Latin),
            ("ok", Script::Latin),
            ("👍", Script::Common),
            ("naïve café", Script::Latin),
            ("я собрал Debian на ноуте", Script::Cyrillic),
            ("the word мир means world", Script::Latin),
            ("昨日のbuild", Script::Hiragana),
            ("東京都庁舎です", Script::Hiragana),
            ("git 不行", Script::Han),
        ] {
            assert_eq!(main_script(text), script, "{text}");
        }
    }

    #[test]
    fn characters_are_counted_and_named_in_four_languages() {
        for (text, said) in [
            ("我们需要更新文档然后再测试一次谢谢大家的帮助明天见", "25 Chinese characters"),
            ("สวัสดีครับ วันนี้ประชุมกี่โมง", "29 Thai characters"),
            ("ꦒꦩꦼꦭꦤ꧀", "6 Javanese characters"),
            (" דג ", "2 Hebrew characters"),
            ("か\u{200b}", "1 Japanese character"),
            ("नमस्ते", "6 Devanagari characters"),
            ("ꀊꀒ", "2 Yi characters"),
        ] {
            let (_, script) = script_runs(text).next().expect("a run");
            assert_eq!(describe(n_visible(text), script, Language::ENGLISH), said);
        }
        for (n, script, language, said) in [
            (25, Script::Han, "de", "25 chinesische Zeichen"),
            (1, Script::Thai, "de", "1 thailändisches Zeichen"),
            (3, Script::Canadian_Aboriginal, "de", "3 Canadian-Aboriginal-Zeichen"),
            (25, Script::Han, "fr", "25 caractères chinois"),
            (2, Script::Hebrew, "fr", "2 caractères hébreux"),
            (1, Script::Hangul, "fr", "1 caractère coréen"),
            (2, Script::Devanagari, "fr", "2 caractères devanagari"),
            (25, Script::Han, "es", "25 caracteres chinos"),
            (2, Script::Hiragana, "es", "2 caracteres japoneses"),
            (1, Script::Cyrillic, "es", "1 carácter cirílico"),
            (2, Script::Greek, "pl", "2 Greek characters"),
        ] {
            let language = Language::from_code(language).expect(language);
            assert_eq!(describe(n, script, language), said);
        }
    }
}
