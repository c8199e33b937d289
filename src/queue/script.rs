//! The parts of a text that determine how long it sounds: letters by script, digits, pauses and
//! signs. A letter's time depends on the voice: one of another language announces each Hebrew
//! letter as a Hebrew letter.
#![forbid(unsafe_code)]

/// The kinds of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    /// Letters of a word with digits: each is spelled.
    Spelled,
    Digit,
    Cyrillic,
    Greek,
    Armenian,
    Hebrew,
    Arabic,
    Indic,
    Thai,
    Georgian,
    Ethiopic,
    Hangul,
    Kana,
    Han,
    /// Letters of no script in this list.
    Other,
}

/// How many scripts there are.
pub(super) const N_SCRIPTS: usize = 16;

/// Seconds a letter at 220 words a minute, measured with eSpeak NG 1.51 on three to six lines of
/// text each: by the voices of the languages named, and by an English one. A German or French voice
/// takes up to four times as long for what it cannot read (0.7 s a Cyrillic letter): that is
/// learned.
const SECONDS: [(Script, f64, f64, &[&str]); N_SCRIPTS] = [
    (Script::Latin, 0.058, 0.058, &[]),
    (Script::Spelled, 0.13, 0.13, &[]),
    (Script::Digit, 0.336, 0.336, &[]),
    (
        Script::Cyrillic,
        0.055,
        0.185,
        &["ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "tt", "ba", "cv", "mn"],
    ),
    (Script::Greek, 0.052, 0.321, &["el", "grc", "de", "fr"]),
    (Script::Armenian, 0.063, 0.141, &["hy", "hyw"]),
    (Script::Hebrew, 0.066, 0.568, &["he", "yi"]),
    (Script::Arabic, 0.084, 0.603, &["ar", "fa", "ur", "ug", "sd", "ps"]),
    (Script::Indic, 0.069, 0.069, &[]),
    (Script::Thai, 0.088, 0.926, &["th"]),
    (Script::Georgian, 0.060, 0.058, &["ka"]),
    (Script::Ethiopic, 0.107, 1.645, &["am", "ti"]),
    (Script::Hangul, 0.146, 0.140, &["ko"]),
    (Script::Kana, 0.093, 0.646, &["ja"]),
    (Script::Han, 0.314, 0.575, &["cmn", "zh", "yue", "hak"]),
    (Script::Other, 0.6, 0.6, &[]),
];

/// Seconds for the beginning, for a pause between clauses, for any other sign.
const BEGIN: f64 = 0.288;
const CLAUSE: f64 = 0.207;
const SIGN: f64 = 0.129;

/// The parts of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parts {
    /// Letters by script.
    letters: [f32; N_SCRIPTS],
    /// Seconds for all else.
    rest: f32,
}

impl Parts {
    /// Counts what `text` is made of.
    pub(super) fn of(text: &str) -> Self {
        let mut letters = [0.0; N_SCRIPTS];
        let mut rest = BEGIN;
        for word in text.split_inclusive(char::is_whitespace) {
            let has_digits = word.bytes().any(|byte| byte.is_ascii_digit());
            let mut signs = word.chars().peekable();
            while let Some(c) = signs.next() {
                match script(c) {
                    Some(Script::Latin) if has_digits => {
                        letters[Script::Spelled as usize] += 1.0;
                    }
                    Some(script) => letters[script as usize] += 1.0,
                    None => rest += sign(c, signs.peek().is_none_or(|it| it.is_whitespace())),
                }
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "some minutes at most")]
        let rest = rest as f32;
        Self { letters, rest }
    }

    /// Seconds for all of it at 220 words a minute, where a letter of each script takes `seconds`.
    pub(super) fn seconds(&self, seconds: &[f64; N_SCRIPTS]) -> f64 {
        let letters = self.letters.iter().zip(seconds);
        letters.map(|(n, seconds)| f64::from(*n) * seconds).sum::<f64>() + f64::from(self.rest)
    }

    /// The share of these seconds that each script has; what is no letter counts as Latin.
    pub(super) fn shares(&self, seconds: &[f64; N_SCRIPTS]) -> [f64; N_SCRIPTS] {
        let all = self.seconds(seconds).max(1e-3);
        let mut shares = [0.0; N_SCRIPTS];
        for ((share, n), seconds) in shares.iter_mut().zip(self.letters).zip(seconds) {
            *share = f64::from(n) * seconds / all;
        }
        shares
    }
}

/// Seconds a letter of each script by `voice` (`ru`, `en-us+f3`).
pub(super) fn seconds(voice: &str) -> [f64; N_SCRIPTS] {
    let language = voice.split(['-', '+', '_']).next().unwrap_or(voice);
    SECONDS.map(|(_, own, foreign, languages)| {
        let is_own = languages.iter().any(|it| it.eq_ignore_ascii_case(language));
        if is_own { own } else { foreign }
    })
}

/// The script of a letter, a mark on one, or a digit; none of a sign.
fn script(c: char) -> Option<Script> {
    Some(match u32::from(c) {
        0x30..=0x39 | 0x660..=0x669 | 0x6f0..=0x6f9 => Script::Digit,
        0..=0x7f => return c.is_ascii_alphabetic().then_some(Script::Latin),
        // Marks on letters; the commas and full stops of Arabic and Hindi.
        0x300..=0x36f | 0x60c | 0x61b | 0x61f | 0x640 | 0x6d4 | 0x964 | 0x965 => return None,
        0x370..=0x3ff | 0x1f00..=0x1fff => Script::Greek,
        0x400..=0x52f => Script::Cyrillic,
        0x530..=0x58f => Script::Armenian,
        0x590..=0x5ff => Script::Hebrew,
        0x600..=0x7ff | 0xfb50..=0xfdff | 0xfe70..=0xfeff => Script::Arabic,
        0x900..=0xdff => Script::Indic,
        0xe00..=0xeff => Script::Thai,
        0x10a0..=0x10ff => Script::Georgian,
        0x1200..=0x139f => Script::Ethiopic,
        0x1100..=0x11ff | 0xac00..=0xd7af => Script::Hangul,
        0x3041..=0x30ff => Script::Kana,
        0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff => Script::Han,
        0..=0x24f | 0x1e00..=0x1eff if c.is_alphabetic() => Script::Latin,
        _ if c.is_numeric() => Script::Digit,
        _ if c.is_alphabetic() => Script::Other,
        _ => return None,
    })
}

/// Seconds for a sign; those of a pause before a blank or the end.
fn sign(c: char, ends_word: bool) -> f64 {
    match c {
        '，' | '。' | '、' | '；' | '：' | '！' | '？' | '،' | '؛' | '؟' | '۔' | '।' => {
            CLAUSE
        }
        ',' | '.' | ';' | ':' | '!' | '?' if ends_word => CLAUSE,
        ',' | '.' | ';' | ':' | '!' | '?' | '\'' | '\u{300}'..='\u{36f}' => 0.0,
        c if c.is_whitespace() => 0.0,
        _ => SIGN,
    }
}

#[test]
fn the_table_is_in_the_order_of_the_scripts() {
    for (n, (script, ..)) in SECONDS.into_iter().enumerate() {
        assert_eq!(script as usize, n);
    }
}

#[test]
fn the_times_of_espeak_are_estimated_within_a_fifth() {
    // Text, voice, and what eSpeak NG 1.51 takes for it at 220 words a minute, without the silence
    // at its ends.
    for (text, voice, measured) in [
        ("I think we should move to the next topic now", "en-us", 2.30),
        ("שלום לכולם, בואו נתחיל את הפגישה", "en-us", 15.42),
        ("שלום לכולם, בואו נתחיל את הפגישה", "he", 2.33),
        ("大家好，我们现在开始开会", "en-us+f3", 6.89),
        ("大家好，我们现在开始开会", "cmn", 3.89),
        ("สวัสดีทุกคน เริ่มประชุมกันเถอะ", "en-us", 28.49),
        ("สวัสดีทุกคน เริ่มประชุมกันเถอะ", "th", 2.91),
        ("всем привет, давайте начнём совещание", "en-us", 6.65),
        ("всем привет, давайте начнём совещание", "ru", 2.37),
        ("مرحبا بالجميع، لنبدأ الاجتماع الآن", "en-us", 17.91),
        ("みなさん、こんにちは。会議を始めましょう", "en-us", 12.44),
        ("안녕하세요 여러분, 회의를 시작합시다", "en-us", 2.79),
        ("3f2a9c01d4e87b6650aa12ff09bc34de5678a1b2", "en-us", 9.89),
        ("e3b0c44298fc1c149afbf4c8996fb924", "en-us", 9.20),
        ("0x7fff5fbff8a0", "en-us", 2.92),
    ] {
        let estimated = Parts::of(text).seconds(&seconds(voice));
        let ratio = estimated / measured;
        assert!((0.8..1.2).contains(&ratio), "{text} by {voice}: {estimated:.2}, {measured}");
    }
}
