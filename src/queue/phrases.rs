//! What the queue itself says about lines ("and 92 more lines by kim"), in the languages of the
//! voices. The words come from outside: the queue knows no language.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::language::Language;
use crate::message::{Kind, Utterance};
use crate::text::filled;

/// At most so many names are said one by one; the others are counted.
pub(super) const NAMED: usize = 5;

/// Has the phrases of a language by name.
type Source = dyn Fn(&str, Language) -> String + Send + Sync;

/// What is said in each language; the first is that of the voice.
#[derive(Clone)]
pub(crate) struct Phrases {
    /// Found when something is first said in that language.
    words: Vec<(Language, OnceLock<Words>)>,
    phrase: Arc<Source>,
}

impl fmt::Debug for Phrases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words.fmt(f)
    }
}

/// What is said in one language; `{n}`, `{who}` and the like stand for what differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    joined: String,
    left: String,
    quit: String,
    say: String,
    times: String,
    times_by: String,
    and_another: String,
    and_others: String,
    more: String,
    more_by: String,
    behind: String,
    seconds: String,
    minutes: String,
    live_by_key: String,
    live_by_command: String,
    art: String,
}

/// How the user can skip to now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CatchUp {
    /// By a key: the keyboard is read.
    Key,
    /// By a command.
    #[default]
    Command,
}

impl Phrases {
    /// The phrases of `languages`, of which the first is that of the voice; `phrase` has them by
    /// name.
    pub(crate) fn of(
        languages: impl IntoIterator<Item = Language>,
        phrase: impl Fn(&str, Language) -> String + Send + Sync + 'static,
    ) -> Self {
        let words = languages.into_iter().map(|language| (language, OnceLock::new())).collect();
        Self { words, phrase: Arc::new(phrase) }
    }

    /// What is said in the language of `utterance`.
    pub(super) fn for_utterance(&self, utterance: &Utterance) -> &Words {
        let language = utterance.language;
        let at = language.and_then(|it| self.words.iter().position(|(known, _)| *known == it));
        self.at(at.unwrap_or_default())
    }

    /// What is said in the language of the voice.
    pub(super) fn own(&self) -> &Words {
        self.at(0)
    }

    fn at(&self, at: usize) -> &Words {
        let (language, words) = &self.words[at];
        words.get_or_init(|| Words::of(|name| (self.phrase)(name, *language)))
    }

    /// Those of English.
    #[cfg(test)]
    pub(crate) fn english() -> Self {
        static ENGLISH: std::sync::LazyLock<Phrases> = std::sync::LazyLock::new(|| {
            let chain = crate::phrase::Chain::embedded();
            Phrases::of([Language::ENGLISH], move |name, language| {
                chain.phrase(name, language).to_owned()
            })
        });
        ENGLISH.clone()
    }
}

impl Words {
    fn of(phrase: impl Fn(&str) -> String) -> Self {
        Self {
            joined: phrase("n-joined"),
            left: phrase("n-left"),
            quit: phrase("n-quit"),
            say: phrase("n-say"),
            times: phrase("n-times"),
            times_by: phrase("n-times-by"),
            and_another: phrase("and-another"),
            and_others: phrase("and-others"),
            more: phrase("more-lines"),
            more_by: phrase("more-lines-by"),
            behind: phrase("behind"),
            seconds: phrase("n-seconds"),
            minutes: phrase("n-minutes"),
            live_by_key: phrase("live-by-key"),
            live_by_command: phrase("live-by-command"),
            art: phrase("ascii-art"),
        }
    }

    /// "3 joined", "3 say plus 1", for `n` lines of a kind that can be counted.
    pub(super) fn run(&self, kind: Kind, n: usize, text: &str) -> String {
        let words = match kind {
            Kind::Join => &self.joined,
            Kind::Part => &self.left,
            Kind::Quit => &self.quit,
            Kind::Say
            | Kind::Action
            | Kind::Notice
            | Kind::Nick
            | Kind::Kick
            | Kind::Mode
            | Kind::Topic
            | Kind::Server
            | Kind::Plain => &self.say,
        };
        filled(words, &[("n", &n.to_string()), ("text", text)])
    }

    /// "40 times: ", or "7 times, by ann, bob: ", for equal lines; empty for one.
    pub(super) fn times(&self, n: usize, by: &str) -> String {
        let words = if by.is_empty() { &self.times } else { &self.times_by };
        let said = || filled(words, &[("n", &n.to_string()), ("who", by)]) + ": ";
        if n > 1 { said() } else { String::new() }
    }

    /// "ann, bob, cy and 27 others": the first `most` of `names`, which are `n` people in all.
    pub(super) fn listed(&self, names: &[&str], n: usize, most: usize) -> String {
        let names = &names[..names.len().min(most)];
        let who = names.join(", ");
        match n - names.len() {
            0 => who,
            _ if names.is_empty() => who,
            1 => filled(&self.and_another, &[("who", &who)]),
            others => filled(&self.and_others, &[("who", &who), ("n", &others.to_string())]),
        }
    }

    /// "; and 92 more lines by kim", for the rest of a flood.
    pub(super) fn more(&self, n: usize, by: Option<&str>) -> String {
        let words = if by.is_some() { &self.more_by } else { &self.more };
        let who = by.unwrap_or_default();
        format!("; {}", filled(words, &[("n", &n.to_string()), ("who", who)]))
    }

    /// "6 lines of ASCII art".
    pub(super) fn art(&self, n: usize) -> String {
        filled(&self.art, &[("n", &n.to_string())])
    }

    /// "22 seconds behind; l skips to now".
    pub(super) fn behind(&self, seconds: u64, by: CatchUp) -> String {
        let (words, n) = match seconds {
            0..=119 => (&self.seconds, seconds),
            _ => (&self.minutes, seconds / 60),
        };
        let time = filled(words, &[("n", &n.to_string())]);
        let how = match by {
            CatchUp::Key => &self.live_by_key,
            CatchUp::Command => &self.live_by_command,
        };
        filled(&self.behind, &[("time", &time), ("how", how)])
    }
}

#[test]
fn every_language_counts_in_its_own_words() {
    let chain = Arc::new(crate::phrase::Chain::embedded());
    for (code, quits, votes, times, more, behind) in [
        (
            "en",
            "30 quit: ann, bob and 28 others",
            "4 say plus 1",
            "7 times, by ann and another: ",
            "; and 12 more lines by kim",
            "22 seconds behind; l skips to now",
        ),
        (
            "de",
            "30 melden sich ab: ann, bob und 28 weitere",
            "4 sagen plus 1",
            "7 mal, von ann und noch jemand: ",
            "; und 12 weitere Zeilen von kim",
            "22 Sekunden im Rückstand; L springt zum Neuesten",
        ),
        (
            "fr",
            "30 se déconnectent: ann, bob et 28 autres",
            "4 disent plus 1",
            "7 fois, par ann et quelqu'un d'autre: ",
            "; et encore 12 lignes de kim",
            "22 secondes de retard; L passe au plus récent",
        ),
        (
            "es",
            "30 se desconectan: ann, bob y 28 más",
            "4 dicen plus 1",
            "7 veces, por ann y alguien más: ",
            "; y 12 líneas más de kim",
            "22 segundos de retraso; L salta a lo más reciente",
        ),
    ] {
        let language = Language::from_code(code).expect("a language");
        let chain = Arc::clone(&chain);
        let phrases =
            Phrases::of([language], move |name, language| chain.phrase(name, language).to_owned());
        let words = phrases.own();
        let who = words.listed(&["ann", "bob", "cy"], 30, 2);
        assert_eq!(format!("{}: {who}", words.run(Kind::Quit, 30, "")), quits);
        assert_eq!(words.run(Kind::Say, 4, "plus 1"), votes);
        assert_eq!(words.times(7, &words.listed(&["ann"], 2, NAMED)), times);
        assert_eq!(words.more(12, Some("kim")), more);
        assert_eq!(words.behind(22, CatchUp::Key), behind);
    }
}
