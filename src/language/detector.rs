//! Decides the language of a line.
#![forbid(unsafe_code)]

use std::iter::once;
use std::time::Instant;

use unicode_script::Script;

use super::code::Language;
use super::recent::Recent;
use super::score::{Score, of_default_only};
use super::script::main_script;
use super::second;
use super::words::{Set, Words};

/// Words of a line, and confidence of the second opinion in it, that decide without other evidence.
const FEWEST_ALONE: u16 = 4;
const CONFIDENT: f64 = 0.8;

/// The same where common words speak for the same language. Of 27,820 lines of English meetings, 14
/// go to another voice at 0.25, all of which are in another language; 22 at 0.1, 28 at 0.
const FEWEST_AGREED: u16 = 2;
const AGREED: f64 = 0.25;

/// Points that make a language sure: two words of which hardly another has one.
const SURE: u16 = 6;

/// The same, for the language that the sender wrote lately: one word.
const SURE_AGAIN: u16 = 3;

/// What a line is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The language to read it in.
    pub language: Language,
    /// Whether the line itself shows that, or a setting; if not, it is only the most likely one.
    pub sure: bool,
}

impl Decision {
    fn sure(language: Language) -> Self {
        Self { language, sure: true }
    }

    fn likely(language: Language) -> Self {
        Self { language, sure: false }
    }
}

/// Finds the language of each line, and remembers what each sender wrote lately.
#[derive(Debug)]
pub struct Detector {
    /// The languages that have a voice, as a set.
    allowed: u128,
    default: Language,
    words: Words,
    /// The default language among [`Words::languages`]; empty where it has no list.
    default_set: Set,
    /// Those of [`Words::languages`] that are written in Latin letters.
    latin: Set,
    recent: Recent,
}

impl Detector {
    /// Chooses among `voices` and `default`, the language of lines that show nothing.
    pub fn new(voices: &[Language], default: Language) -> Self {
        let allowed = voices.iter().fold(default.bit(), |set, it| set | it.bit());
        let is_alone = allowed == default.bit();
        let words = Words::of(|it| !is_alone && allowed & it.bit() != 0);
        let default_set = set_of(&words, |it| it == default);
        let latin = set_of(&words, |it| it.uses(Script::Latin));
        Self { allowed, default, words, default_set, latin, recent: Recent::default() }
    }

    /// The language of `text`, which `sender` wrote at `now`. `hint` is the configured language of
    /// the sender, the channel or the source: it is believed if it is written in that script.
    pub fn detect(
        &mut self,
        text: &str,
        sender: Option<&str>,
        hint: Option<Language>,
        now: Instant,
    ) -> Decision {
        if hint.is_none() && self.allowed == self.default.bit() {
            return Decision::sure(self.default);
        }
        let script = main_script(text);
        if let Some(hint) = hint.filter(|it| script == Script::Common || it.uses(script)) {
            return Decision::sure(hint);
        }
        let prior = self.recent.of(sender, now);
        let decision = match script {
            Script::Common => Decision::likely(prior.map_or(self.default, |it| it.0)),
            Script::Latin => self.latin(text, prior),
            script => self.by_script(text, script, prior),
        };
        if decision.sure {
            self.recent.wrote(sender, decision.language, self.default, now);
        }
        decision
    }

    /// The most bytes that it takes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.words.size() + Recent::most_size()
    }

    /// A line in another script than Latin, which most often one language has.
    fn by_script(&self, text: &str, script: Script, prior: Option<(Language, u8)>) -> Decision {
        let mut candidates = self.written_in(script);
        let Some(first) = candidates.next() else { return Decision::likely(self.default) };
        if candidates.next().is_none() {
            return Decision::sure(first);
        }
        let most = most_written(script).filter(|&it| self.is_allowed(it)).unwrap_or(first);
        if matches!(script, Script::Hiragana | Script::Hangul) {
            return Decision::sure(most);
        }
        let known = prior.map(|it| it.0).into_iter().chain([self.default]);
        let usual = known.into_iter().find(|it| it.uses(script)).unwrap_or(most);
        self.by_words(text, script, usual)
    }

    /// The language of a line among those that are written in `script`; `usual`, if it shows none.
    fn by_words(&self, text: &str, script: Script, usual: Language) -> Decision {
        let score = Score::of(text, &self.words, 0);
        let set = set_of(&self.words, |it| it.uses(script));
        let best = score.best(set);
        if best == 0 {
            return Decision::likely(usual);
        }
        let lead = score.get(best) - score.get(score.best(set & !best));
        let language = self.language(best);
        if lead >= 2 && (language == usual || score.get(best) >= 4) {
            return Decision::sure(language);
        }
        let others = self.written_in(script).filter(|&it| it != usual);
        match second::opinion(text, once(usual).chain(others)) {
            Some((second, confidence))
                if score.n_words >= FEWEST_ALONE && confidence >= CONFIDENT =>
            {
                Decision::sure(second)
            }
            _ => Decision::likely(if lead > 0 { language } else { usual }),
        }
    }

    /// The allowed languages that are written in `script`.
    fn written_in(&self, script: Script) -> impl Iterator<Item = Language> {
        Language::all().filter(move |&it| self.is_allowed(it) && it.uses(script))
    }

    /// A line in Latin letters, which many languages have.
    fn latin(&self, text: &str, prior: Option<(Language, u8)>) -> Decision {
        if let Some(default) = of_default_only(text, &self.words, self.default_set) {
            return self.undecided(default, prior);
        }
        let score = Score::of(text, &self.words, self.default_set);
        let default = score.get(self.default_set);
        let best = score.best(self.latin & !self.default_set);
        let points = score.get(best);
        if score.foreign == 0 || points <= default {
            return self.undecided(default, prior);
        }
        let language = self.language(best);
        let is_again = prior.is_some_and(|it| it.0 == language);
        let enough = if is_again { SURE_AGAIN } else { SURE };
        let is_clear = points >= enough && 2 * points >= 3 * default + 4;
        if is_clear && score.hits(best) * 4 >= score.n_words {
            return self.among(text, &score, best);
        }
        let is_alone = score.n_words == 1 && score.only == Some(best);
        if is_alone || self.is_confirmed(text, &score, language) {
            return Decision { language, sure: !is_alone };
        }
        self.undecided(default, prior)
    }

    /// The best language, or the other of two that are close.
    fn among(&self, text: &str, score: &Score, best: Set) -> Decision {
        let next = score.best(self.latin & !self.default_set & !best);
        if score.get(best) >= score.get(next) + 3 {
            return Decision::sure(self.language(best));
        }
        let two = [best, next].map(|it| self.language(it));
        match second::opinion(text, two.into_iter()) {
            Some((language, confidence)) if confidence >= CONFIDENT => Decision::sure(language),
            _ if score.get(best) > score.get(next) => Decision::likely(two[0]),
            Some((language, _)) => Decision::likely(language),
            None => Decision::likely(two[0]),
        }
    }

    /// Whether the second opinion is the same.
    fn is_confirmed(&self, text: &str, score: &Score, language: Language) -> bool {
        let others = Language::all().filter(|&it| self.is_allowed(it) && it != self.default);
        score.n_words >= FEWEST_AGREED
            && second::opinion(text, once(self.default).chain(others))
                .is_some_and(|it| it.0 == language && it.1 >= AGREED)
    }

    /// A line that shows no other language: of the one that its sender wrote lately, if it shows
    /// nothing at all.
    fn undecided(&self, default: u16, prior: Option<(Language, u8)>) -> Decision {
        match prior {
            Some((language, 2..)) if default == 0 => Decision::likely(language),
            _ if default > 0 => Decision { language: self.default, sure: default >= SURE },
            _ => Decision::likely(self.default),
        }
    }

    fn is_allowed(&self, language: Language) -> bool {
        self.allowed & language.bit() != 0
    }

    /// The one language in `set`, or the default one.
    fn language(&self, set: Set) -> Language {
        let at = set.trailing_zeros() as usize;
        self.words.languages().get(at).copied().unwrap_or(self.default)
    }
}

/// The languages with words that are `such`.
fn set_of(words: &Words, such: impl Fn(Language) -> bool) -> Set {
    let languages = words.languages().iter().enumerate();
    languages.filter(|it| such(*it.1)).fold(0, |set, (at, _)| set | 1 << at)
}

/// The language that is most often written in a script.
fn most_written(script: Script) -> Option<Language> {
    Language::from_code(match script {
        Script::Arabic => "ar",
        Script::Bengali => "bn",
        Script::Cyrillic => "ru",
        Script::Devanagari => "hi",
        Script::Greek => "el",
        Script::Han => "zh",
        Script::Hangul => "ko",
        Script::Hiragana => "ja",
        Script::Myanmar => "my",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::test_now;

    fn languages(codes: &str) -> Vec<Language> {
        codes.split(' ').map(|code| Language::from_code(code).expect(code)).collect()
    }

    fn detector() -> Detector {
        let codes = "de fr es it pt nl pl sv ru uk bg ja zh ko th he el ka ar fa hi mr";
        Detector::new(&languages(codes), Language::ENGLISH)
    }

    #[test]
    fn english_with_a_foreign_word_stays_english() {
        for text in [
            "",
            "ok",
            "12:30",
            "the word is schadenfreude, isn't it",
            "der is not a pronoun here",
            "danke kim, that fixed the build",
            "c'est la vie, we do it again next week",
            "see https://example.org/de/wo/ist/die/datei for the report",
            "the zeitgeist of die hard fans was a war",
            "naïve café in Düsseldorf with a jalapeño",
            "please rename der_die_das to getNichtDas()",
            "y",
        ] {
            let decision = detector().detect(text, Some("kim"), None, test_now());
            assert_eq!(decision.language, Language::ENGLISH, "{text}");
        }
    }

    #[test]
    fn a_script_decides_the_language() {
        for (text, language) in [
            ("これ", "ja"),
            ("谢谢", "zh"),
            ("고마워요", "ko"),
            ("ขอบคุณ", "th"),
            ("שלום", "he"),
            ("γεια", "el"),
            ("გამარჯობა", "ka"),
            ("привет всем", "ru"),
            ("kim: смотри https://example.org/a/long/path/to/it", "ru"),
            ("її", "uk"),
            ("дякую, вже працює", "uk"),
            ("здравейте, какво ще правим днес", "bg"),
            ("مرحبا", "ar"),
            ("چطوری؟", "fa"),
            ("नमस्ते, कैसे हो", "hi"),
            ("तुम्ही कसे आहात", "mr"),
            ("ሰላም", "en"), // no voice
            ("the word мир means world", "en"),
        ] {
            let decision = detector().detect(text, None, None, test_now());
            assert_eq!(decision.language.code(), language, "{text}");
        }
    }

    #[test]
    fn a_hint_is_believed_for_the_scripts_of_its_language() {
        let german = Language::from_code("de");
        let japanese = Language::from_code("ja");
        for (text, hint, language) in [
            ("ok", german, "de"),
            ("this is plain English", german, "de"),
            ("привет всем", german, "ru"),
            ("了解", japanese, "ja"),
            ("了解", None, "zh"),
            ("merge it, please", japanese, "en"),
        ] {
            let decision = detector().detect(text, None, hint, test_now());
            assert_eq!(decision.language.code(), language, "{text}, {hint:?}");
        }
    }

    #[test]
    fn what_a_sender_wrote_lately_decides_lines_that_show_little() {
        let (mut detector, start) = (detector(), test_now());
        let said = |detector: &mut Detector, sender, text, now| {
            detector.detect(text, Some(sender), None, now).language.code()
        };
        for text in ["haha, stimmt", "+1"] {
            assert_eq!(said(&mut detector, "kim", text, start), "en", "{text}: nothing known yet");
        }
        for text in
            ["das habe ich auch schon gesehen", "wir machen das morgen", "haha, stimmt", "+1"]
        {
            assert_eq!(said(&mut detector, "kim", text, start), "de", "{text}");
        }
        assert_eq!(said(&mut detector, "bob", "haha, stimmt", start), "en", "another sender");
        assert_eq!(said(&mut detector, "kim", "I think that is what we want", start), "en");
        let late = start + Duration::from_secs(601);
        assert_eq!(said(&mut detector, "kim", "haha, stimmt", late), "en", "forgotten");
    }

    #[test]
    fn any_language_may_be_the_default_one() {
        let mut detector =
            Detector::new(&languages("en"), Language::from_code("de").expect("German"));
        for (text, language) in [
            ("das ist nicht gut", "de"),
            ("ok", "de"),
            ("ich habe das release getestet", "de"),
            ("I have not seen that before", "en"),
            ("what do you think about it?", "en"),
        ] {
            let decision = detector.detect(text, None, None, test_now());
            assert_eq!(decision.language.code(), language, "{text}");
        }
        let mut alone = Detector::new(&[], Language::ENGLISH);
        let decision = alone.detect("das ist nicht gut", None, None, test_now());
        assert_eq!(decision, Decision::sure(Language::ENGLISH));
    }
}
