//! The languages that eSpeak NG 1.51 speaks, with their codes, names, voices and scripts.
#![forbid(unsafe_code)]

use std::fmt;

use unicode_script::Script::{
    self, Arabic, Armenian, Bengali, Cherokee, Cyrillic, Devanagari, Ethiopic, Georgian, Greek,
    Gujarati, Gurmukhi, Han, Hangul, Hebrew, Hiragana, Kannada, Katakana, Latin, Malayalam,
    Myanmar, Oriya, Sinhala, Tamil, Telugu, Thai,
};

/// A language: a place in the table below.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language(u8);

/// A language's code (ISO 639-1, else 639-3, else eSpeak NG's own), its code of ISO 639-3, its
/// English name, eSpeak NG's voice for it, and the scripts that it is written in.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [Script]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("af", "afr", "Afrikaans", "af", &[Latin]),
    ("am", "amh", "Amharic", "am", &[Ethiopic]),
    ("an", "arg", "Aragonese", "an", &[Latin]),
    ("ar", "ara", "Arabic", "ar", &[Arabic]),
    ("as", "asm", "Assamese", "as", &[Bengali]),
    ("az", "aze", "Azerbaijani", "az", &[Latin, Cyrillic]),
    ("ba", "bak", "Bashkir", "ba", &[Cyrillic]),
    ("be", "bel", "Belarusian", "be", &[Cyrillic]),
    ("bg", "bul", "Bulgarian", "bg", &[Cyrillic]),
    ("bn", "ben", "Bengali", "bn", &[Bengali]),
    ("bpy", "bpy", "Bishnupriya", "bpy", &[Bengali]),
    ("bs", "bos", "Bosnian", "bs", &[Latin, Cyrillic]),
    ("ca", "cat", "Catalan", "ca", &[Latin]),
    ("chr", "chr", "Cherokee", "chr-US-Qaaa-x-west", &[Cherokee]),
    ("cs", "ces", "Czech", "cs", &[Latin]),
    ("cv", "chv", "Chuvash", "cv", &[Cyrillic]),
    ("cy", "cym", "Welsh", "cy", &[Latin]),
    ("da", "dan", "Danish", "da", &[Latin]),
    ("de", "deu", "German", "de", &[Latin]),
    ("el", "ell", "Greek", "el", &[Greek]),
    ("en", "eng", "English", "en-us", &[Latin]),
    ("eo", "epo", "Esperanto", "eo", &[Latin]),
    ("es", "spa", "Spanish", "es", &[Latin]),
    ("et", "est", "Estonian", "et", &[Latin]),
    ("eu", "eus", "Basque", "eu", &[Latin]),
    ("fa", "fas", "Persian", "fa", &[Arabic]),
    ("fi", "fin", "Finnish", "fi", &[Latin]),
    ("fr", "fra", "French", "fr", &[Latin]),
    ("ga", "gle", "Irish", "ga", &[Latin]),
    ("gd", "gla", "Scottish Gaelic", "gd", &[Latin]),
    ("gn", "grn", "Guarani", "gn", &[Latin]),
    ("grc", "grc", "Ancient Greek", "grc", &[Greek]),
    ("gu", "guj", "Gujarati", "gu", &[Gujarati]),
    ("hak", "hak", "Hakka Chinese", "hak", &[Han]),
    ("haw", "haw", "Hawaiian", "haw", &[Latin]),
    ("he", "heb", "Hebrew", "he", &[Hebrew]),
    ("hi", "hin", "Hindi", "hi", &[Devanagari]),
    ("hr", "hrv", "Croatian", "hr", &[Latin]),
    ("ht", "hat", "Haitian Creole", "ht", &[Latin]),
    ("hu", "hun", "Hungarian", "hu", &[Latin]),
    ("hy", "hye", "Armenian", "hy", &[Armenian]),
    ("ia", "ina", "Interlingua", "ia", &[Latin]),
    ("id", "ind", "Indonesian", "id", &[Latin]),
    ("io", "ido", "Ido", "io", &[Latin]),
    ("is", "isl", "Icelandic", "is", &[Latin]),
    ("it", "ita", "Italian", "it", &[Latin]),
    ("ja", "jpn", "Japanese", "ja", &[Hiragana, Katakana, Han]),
    ("jbo", "jbo", "Lojban", "jbo", &[Latin]),
    ("ka", "kat", "Georgian", "ka", &[Georgian]),
    ("kk", "kaz", "Kazakh", "kk", &[Cyrillic, Latin]),
    ("kl", "kal", "Greenlandic", "kl", &[Latin]),
    ("kn", "kan", "Kannada", "kn", &[Kannada]),
    ("ko", "kor", "Korean", "ko", &[Hangul, Han]),
    ("kok", "kok", "Konkani", "kok", &[Devanagari]),
    ("ku", "kur", "Kurdish", "ku", &[Latin, Arabic]),
    ("ky", "kir", "Kyrgyz", "ky", &[Cyrillic]),
    ("la", "lat", "Latin", "la", &[Latin]),
    ("lb", "ltz", "Luxembourgish", "lb", &[Latin]),
    ("lfn", "lfn", "Lingua Franca Nova", "lfn", &[Latin]),
    ("lt", "lit", "Lithuanian", "lt", &[Latin]),
    ("ltg", "ltg", "Latgalian", "ltg", &[Latin]),
    ("lv", "lav", "Latvian", "lv", &[Latin]),
    ("mi", "mri", "Maori", "mi", &[Latin]),
    ("mk", "mkd", "Macedonian", "mk", &[Cyrillic]),
    ("ml", "mal", "Malayalam", "ml", &[Malayalam]),
    ("mr", "mar", "Marathi", "mr", &[Devanagari]),
    ("ms", "msa", "Malay", "ms", &[Latin]),
    ("mt", "mlt", "Maltese", "mt", &[Latin]),
    ("my", "mya", "Burmese", "my", &[Myanmar]),
    ("nb", "nob", "Norwegian", "nb", &[Latin]),
    ("nci", "nci", "Classical Nahuatl", "nci", &[Latin]),
    ("ne", "nep", "Nepali", "ne", &[Devanagari]),
    ("nl", "nld", "Dutch", "nl", &[Latin]),
    ("nog", "nog", "Nogai", "nog", &[Cyrillic]),
    ("om", "orm", "Oromo", "om", &[Latin]),
    ("or", "ori", "Odia", "or", &[Oriya]),
    ("pa", "pan", "Punjabi", "pa", &[Gurmukhi]),
    ("pap", "pap", "Papiamento", "pap", &[Latin]),
    ("piqd", "tlh", "Klingon", "piqd", &[Latin]),
    ("pl", "pol", "Polish", "pl", &[Latin]),
    ("pt", "por", "Portuguese", "pt", &[Latin]),
    ("py", "pyx", "Pyash", "py", &[Latin]),
    ("qdb", "qdb", "Lang Belta", "qdb", &[Latin]),
    ("qu", "que", "Quechua", "qu", &[Latin]),
    ("quc", "quc", "K'iche'", "quc", &[Latin]),
    ("qya", "qya", "Quenya", "qya", &[Latin]),
    ("ro", "ron", "Romanian", "ro", &[Latin]),
    ("ru", "rus", "Russian", "ru", &[Cyrillic]),
    ("sd", "snd", "Sindhi", "sd", &[Arabic]),
    ("shn", "shn", "Shan", "shn", &[Myanmar]),
    ("si", "sin", "Sinhala", "si", &[Sinhala]),
    ("sjn", "sjn", "Sindarin", "sjn", &[Latin]),
    ("sk", "slk", "Slovak", "sk", &[Latin]),
    ("sl", "slv", "Slovenian", "sl", &[Latin]),
    ("smj", "smj", "Lule Sami", "smj", &[Latin]),
    ("sq", "sqi", "Albanian", "sq", &[Latin]),
    ("sr", "srp", "Serbian", "sr", &[Cyrillic, Latin]),
    ("sv", "swe", "Swedish", "sv", &[Latin]),
    ("sw", "swa", "Swahili", "sw", &[Latin]),
    ("ta", "tam", "Tamil", "ta", &[Tamil]),
    ("te", "tel", "Telugu", "te", &[Telugu]),
    ("th", "tha", "Thai", "th", &[Thai]),
    ("tk", "tuk", "Turkmen", "tk", &[Latin, Cyrillic]),
    ("tn", "tsn", "Tswana", "tn", &[Latin]),
    ("tr", "tur", "Turkish", "tr", &[Latin]),
    ("tt", "tat", "Tatar", "tt", &[Cyrillic]),
    ("ug", "uig", "Uyghur", "ug", &[Arabic]),
    ("uk", "ukr", "Ukrainian", "uk", &[Cyrillic]),
    ("ur", "urd", "Urdu", "ur", &[Arabic]),
    ("uz", "uzb", "Uzbek", "uz", &[Latin, Cyrillic]),
    ("vi", "vie", "Vietnamese", "vi", &[Latin]),
    ("yue", "yue", "Cantonese", "yue", &[Han]),
    ("zh", "zho", "Chinese", "cmn", &[Han]),
];

/// Codes that mean a language of the table. `zh` is there as Mandarin: the others who write Han
/// have codes of their own.
const ALIASES: &[(&str, &str)] =
    &[("cmn", "zh"), ("no", "nb"), ("nn", "nb"), ("iw", "he"), ("in", "id"), ("hyw", "hy")];

impl Language {
    /// English.
    pub const ENGLISH: Self = Self::known("en");

    /// The language of a code that is in the table, for constants.
    pub(super) const fn known(code: &str) -> Self {
        let mut at = 0;
        while !same(TABLE[at].0.as_bytes(), code.as_bytes()) {
            at += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a test counts them: fewer than 128")]
        Self(at as u8)
    }

    /// All languages, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).take(TABLE.len()).map(Self)
    }

    /// The language of an ISO 639 code of two or three letters. What follows a `-` or `_`, as in
    /// `pt-BR` or `de_AT.UTF-8`, is a variety of it and does not matter; nor do capitals.
    pub fn from_code(code: &str) -> Option<Self> {
        let code = code.split(['-', '_', '+', '.']).next()?.to_ascii_lowercase();
        let code = ALIASES.iter().find(|(alias, _)| *alias == code).map_or(&*code, |it| it.1);
        (0..).zip(TABLE).find(|(_, row)| row.0 == code || row.1 == code).map(|(at, _)| Self(at))
    }

    fn row(self) -> &'static Row {
        &TABLE[usize::from(self.0)]
    }

    /// Its code: of ISO 639-1, else 639-3.
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// Its code of ISO 639-3.
    pub(super) fn code3(self) -> &'static str {
        self.row().1
    }

    /// Its English name.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// The voice of eSpeak NG that speaks it.
    pub fn espeak_voice(self) -> &'static str {
        self.row().3
    }

    /// Whether it is written in `script`.
    pub fn uses(self, script: Script) -> bool {
        self.row().4.contains(&script)
    }

    /// Its bit in a set of languages.
    pub(super) fn bit(self) -> u128 {
        1 << self.0
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Whether two strings are equal, in constants.
const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_found_by_its_codes() {
        for (code, language, name) in [
            ("de", "de", "German"),
            ("deu", "de", "German"),
            ("DE-at", "de", "German"),
            ("pt_BR.UTF-8", "pt", "Portuguese"),
            ("en-us+f3", "en", "English"),
            ("cmn", "zh", "Chinese"),
            ("yue", "yue", "Cantonese"),
            ("no", "nb", "Norwegian"),
            ("iw", "he", "Hebrew"),
        ] {
            let found = Language::from_code(code).expect(code);
            assert_eq!((found.code(), found.name()), (language, name), "{code}");
        }
        for wrong in ["", "xx", "german", "d", "-de"] {
            assert_eq!(Language::from_code(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{:?}", Language::ENGLISH), "en");
    }

    #[test]
    fn the_table_is_in_order_and_fits_a_set() {
        assert!(TABLE.len() < 128 && TABLE.windows(2).all(|it| it[0].0 < it[1].0));
        for language in Language::all() {
            assert_eq!(Language::from_code(language.code3()), Some(language));
        }
        let german = Language::known("de");
        assert!(german.uses(Script::Latin) && !german.uses(Script::Cyrillic));
    }
}
