//! What is said in a language: patterns and their templates, tables, words, and the phrases for
//! what is said about a line. All of it is data, in `lexicons/`: `patterns.toml` has the patterns
//! that all languages share; `en.toml` and the others have what differs. A user's file of the same
//! name goes before ours.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use regex::{Captures, Regex};
use serde::Deserialize;
use toml::Spanned;

use super::bytes::{ByteSet, Needs};
use super::piece::{Place, Token, begins, ends};
use super::template::{Forms, Table, Template};
use crate::diagnostics::ConfigError;
use crate::toml_file;

/// The step that a pattern belongs to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Whom a line answers, and what it quotes.
    Quotes,
    /// Markdown and its like.
    Markup,
    /// Links.
    Links,
    /// What developers write: hashes, paths, versions, signs.
    Code,
    /// Numbers, money, dates, times, units.
    Numbers,
    /// Abbreviations, and the user's words.
    Words,
    /// Emoji, smileys and symbols.
    Emoji,
    /// Text in a script that the voice cannot read.
    Scripts,
    /// Rulers, and runs of letters and words.
    Runs,
}

impl Step {
    /// Every step, in their order.
    pub const ALL: [Self; 9] = [
        Self::Quotes,
        Self::Markup,
        Self::Links,
        Self::Code,
        Self::Numbers,
        Self::Words,
        Self::Emoji,
        Self::Scripts,
        Self::Runs,
    ];

    /// Its name, as the configuration and the lexicons spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quotes => "quotes",
            Self::Markup => "markup",
            Self::Links => "links",
            Self::Code => "code",
            Self::Numbers => "numbers",
            Self::Words => "words",
            Self::Emoji => "emoji",
            Self::Scripts => "scripts",
            Self::Runs => "runs",
        }
    }
}

/// Where a match must stand.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Edge {
    /// Between blanks, brackets, quotes and punctuation.
    #[default]
    Token,
    /// At the beginning of the line.
    Start,
    /// It is the whole line.
    Line,
    /// Anywhere.
    Any,
}

/// One pattern and its template.
#[derive(Debug)]
pub(super) struct Pattern {
    name: String,
    step: Step,
    edge: Edge,
    needs: Needs,
    /// The fewest and the most bytes of a match.
    length: Option<[usize; 2]>,
    /// What looks like a match and is none.
    except: Vec<String>,
    source: String,
    /// Compiled when it is first tried: most are not, and it takes time.
    regex: OnceLock<Option<Regex>>,
    template: Template,
}

/// A token may be looked for this often at one text before the pattern gives up.
const MOST_TRIES: usize = 64;

impl Pattern {
    pub(super) fn step(&self) -> Step {
        self.step
    }

    /// Whether a line of these characters may match.
    pub(super) fn may_match(&self, line: ByteSet) -> bool {
        self.needs.are_met(line)
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| toml_file::regex(&self.source).ok()).as_ref()
    }

    /// The next token in `text` from byte `from` on.
    pub(super) fn find<'a>(
        &'a self,
        text: &'a str,
        place: Place,
        mut from: usize,
        tables: &BTreeMap<String, Table>,
    ) -> Option<Token<'a>> {
        if self.edge != Edge::Token && self.edge != Edge::Any && (from > 0 || !place.is_first) {
            return None;
        }
        let regex = self.regex()?;
        for _ in 0..MOST_TRIES {
            let found = regex.find_at(text, from)?;
            if self.stands(text, found.range(), place) {
                let captures = regex.captures_at(text, found.start())?;
                let pieces = self.template.fill(text, &captures, tables, &self.name);
                return Some(Token { range: captures.get_match().range(), pieces });
            }
            from = found.start() + text[found.start()..].chars().next().map_or(1, char::len_utf8);
            if from > text.len() || self.edge == Edge::Start || self.edge == Edge::Line {
                return None;
            }
        }
        None
    }

    fn stands(&self, text: &str, range: std::ops::Range<usize>, place: Place) -> bool {
        if let Some([least, most]) = self.length
            && !(least..=most).contains(&range.len())
        {
            return false;
        }
        if self.except.iter().any(|it| *it == text[range.clone()]) {
            return false;
        }
        match self.edge {
            Edge::Any => !range.is_empty(),
            Edge::Token => !range.is_empty() && begins(text, range.start) && ends(text, range.end),
            Edge::Start => range.start == 0 && !range.is_empty(),
            Edge::Line => range == (0..text.len()) && place.is_last && !range.is_empty(),
        }
    }

    /// What is said for `text` if the pattern matches it from its beginning.
    pub(super) fn reads<'a>(&'a self, text: &'a str) -> Option<Captures<'a>> {
        self.regex()?.captures(text)
    }

    pub(super) fn fill<'a>(
        &'a self,
        text: &'a str,
        captures: &Captures<'a>,
        tables: &BTreeMap<String, Table>,
    ) -> String {
        let pieces = self.template.fill(text, captures, tables, &self.name);
        let words = pieces.iter().map(|it| it.said.as_ref().map_or(it.source, |said| &said.words));
        words.collect()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// A file of a lexicon, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    /// What it is.
    about: String,
    /// Parts of patterns, which `%name%` stands for.
    part: BTreeMap<String, String>,
    /// Templates by the names of shared patterns, and phrases by their own names.
    say: BTreeMap<String, Spanned<String>>,
    /// Tables of words; `%name%` in a pattern stands for any key.
    table: BTreeMap<String, Table>,
    /// What is said for a line that is nothing but this.
    alone: BTreeMap<String, String>,
    /// What is said for a word.
    words: BTreeMap<String, String>,
    /// Patterns, in the order in which they are tried.
    pattern: Vec<RawPattern>,
    /// Patterns of what follows `://` in a link.
    link: Vec<RawPattern>,
    /// Lines, and what is said for them.
    test: Vec<Case>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPattern {
    name: String,
    #[serde(default = "links")]
    step: Step,
    #[serde(default)]
    edge: Edge,
    length: Option<[usize; 2]>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(rename = "match")]
    pattern: Spanned<String>,
    /// Unless `[say]` has it.
    say: Option<Spanned<String>>,
}

fn links() -> Step {
    Step::Links
}

/// A line, and what is said for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The text of a message.
    pub line: String,
    /// Its spoken text.
    pub spoken: String,
}

/// A file, where it is, and its text.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    text: String,
    file: File,
}

impl Source {
    fn parse(path: PathBuf, text: String) -> Result<Self, ConfigError> {
        let file = toml_file::parse(&path, &text)?;
        Ok(Self { path, text, file })
    }

    /// Whether it is a user's file.
    fn is_own(&self) -> bool {
        self.path.is_absolute()
    }

    fn name(&self) -> &str {
        self.path.file_stem().and_then(|name| name.to_str()).unwrap_or_default()
    }

    fn wrong<T>(&self, at: &Spanned<T>, problem: String) -> ConfigError {
        ConfigError::at(&self.path, &self.text, at.span().start, problem)
    }
}

const PATTERNS: &str = include_str!("lexicons/patterns.toml");

/// The languages with a lexicon of their own.
const LANGUAGES: [(&str, &str); 4] = [
    ("en", include_str!("lexicons/en.toml")),
    ("de", include_str!("lexicons/de.toml")),
    ("fr", include_str!("lexicons/fr.toml")),
    ("es", include_str!("lexicons/es.toml")),
];

/// What is said in one language.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    pub(super) patterns: Vec<Pattern>,
    pub(super) links: Vec<Pattern>,
    pub(super) tables: BTreeMap<String, Table>,
    pub(super) alone: HashMap<String, String>,
    words: HashMap<String, String>,
    phrases: HashMap<String, String>,
    cases: Vec<Case>,
}

impl Lexicon {
    /// The lexicon of a language, with the user's files in `folder`.
    pub(super) fn load(language: &str, folder: Option<&Path>) -> Result<Self, ConfigError> {
        Self::of(&sources(language, folder)?)
    }

    /// Builds a lexicon from files, of which the first ones go before the others.
    fn of(sources: &[Source]) -> Result<Self, ConfigError> {
        let mut lexicon = Self::default();
        for source in sources.iter().rev() {
            let file = &source.file;
            for (name, table) in &file.table {
                let known = lexicon.tables.entry(name.clone()).or_default();
                // A language's table replaces that of English; a user's adds to it.
                if !source.is_own() {
                    known.clear();
                }
                known.extend(table.clone());
            }
            lexicon.alone.extend(file.alone.clone());
            let words = file.words.iter().map(|(word, said)| (folded(word), said.clone()));
            lexicon.words.extend(words);
            lexicon.cases.extend(file.test.iter().cloned());
        }
        let alone =
            lexicon.alone.iter().map(|(sign, name)| (sign.clone(), Forms::One(name.clone())));
        lexicon.tables.insert("alone".to_owned(), alone.collect());
        let parts = parts(sources, &lexicon.tables);
        let build = |(raw, source): (&RawPattern, &Source)| {
            pattern(raw, source, sources, &parts, &lexicon.tables)
        };
        let patterns = in_order(sources, |file| &file.pattern).into_iter().map(build);
        let patterns = patterns.collect::<Result<_, _>>()?;
        let links = in_order(sources, |file| &file.link).into_iter().map(build);
        lexicon.links = links.collect::<Result<_, _>>()?;
        lexicon.patterns = patterns;
        for (name, words) in sources.iter().rev().flat_map(|source| &source.file.say) {
            lexicon.phrases.insert(name.clone(), words.get_ref().clone());
        }
        lexicon.patterns.sort_by_key(Pattern::step);
        Ok(lexicon)
    }

    /// The phrase `name`, such as "link to".
    pub(super) fn phrase(&self, name: &str) -> &str {
        self.phrases.get(name).map(String::as_str).unwrap_or_default()
    }

    /// What is said for `word`, in any case.
    pub(super) fn word(&self, word: &str) -> Option<&str> {
        if word.len() > LONGEST_WORD {
            return None;
        }
        let folded = self.words.get(&word.to_lowercase());
        let exact = || self.words.get(&format!("={word}"));
        folded.or_else(exact).map(String::as_str)
    }

    /// The name of a single Greek letter.
    pub(super) fn letter(&self, letter: &str) -> Option<&str> {
        self.tables.get("letter")?.get(&letter.to_lowercase()).map(Forms::one)
    }

    /// Whether `word` before a colon is a label, and nobody's nick.
    pub(super) fn is_label(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.words.contains_key(&word)
            || self.tables.get("label").is_some_and(|labels| labels.contains_key(&word))
    }

    /// Whether it may say something else for a word of letters.
    pub(super) fn knows(&self, word: &str) -> bool {
        let bare = word.trim_end_matches(['.', ',']);
        if self.word(bare).is_some() {
            return true;
        }
        // Abbreviations with a full stop have patterns of their own.
        let is_short = || {
            let forms =
                ["short-form", "small-form"].into_iter().filter_map(|it| self.tables.get(it));
            forms
                .into_iter()
                .any(|it| it.contains_key(bare) || it.contains_key(&bare.to_lowercase()))
        };
        word.ends_with('.') && (bare.len() == 1 || is_short())
    }

    /// Lines, and what is said for them.
    pub(crate) fn cases(&self) -> &[Case] {
        &self.cases
    }
}

/// A word as it is looked up: in lower case, unless it begins with "=".
fn folded(word: &str) -> String {
    if word.starts_with('=') { word.to_owned() } else { word.to_lowercase() }
}

/// Longer words, in bytes, are not looked up.
const LONGEST_WORD: usize = 24;

/// The user's files, then ours: first of the language, then what all share, then English.
fn sources(language: &str, folder: Option<&Path>) -> Result<Vec<Source>, ConfigError> {
    let ours = LANGUAGES.iter().find(|(name, _)| *name == language).unwrap_or(&LANGUAGES[0]);
    let mut sources = Vec::new();
    for name in [language, "patterns"] {
        let path = folder.map(|folder| folder.join(format!("{name}.toml")));
        if let Some(path) = path.filter(|path| path.exists()) {
            sources.push(Source::parse(path.clone(), toml_file::read(&path)?)?);
        }
    }
    let mut embedded = vec![*ours, ("patterns", PATTERNS)];
    if ours.0 != "en" {
        embedded.push(LANGUAGES[0]);
    }
    for (name, text) in embedded {
        let path = PathBuf::from(format!("src/phrase/lexicons/{name}.toml"));
        sources.push(Source::parse(path, text.to_owned())?);
    }
    if ours.0 != "en" {
        // English has phrases for all; its patterns and words are its own.
        if let Some(english) = sources.last_mut() {
            english.file.pattern.clear();
            english.file.words.clear();
            english.file.test.clear();
        }
    }
    Ok(sources)
}

/// Patterns in the order in which they are tried: those that only a language has, then the shared
/// ones, of which a language's or a user's takes the place.
fn in_order<'a>(
    sources: &'a [Source],
    of: impl Fn(&'a File) -> &'a Vec<RawPattern>,
) -> Vec<(&'a RawPattern, &'a Source)> {
    let all =
        || sources.iter().flat_map(|source| of(&source.file).iter().map(move |it| (it, source)));
    let is_shared = |name: &str| {
        let mut shared = sources.iter().filter(|source| source.name() == "patterns");
        shared.any(|source| of(&source.file).iter().any(|raw| raw.name == name))
    };
    let mut ordered: Vec<(&RawPattern, &Source)> = Vec::new();
    let mut add = |raw: &RawPattern| {
        if ordered.iter().all(|(known, _)| known.name != raw.name) {
            ordered.extend(all().find(|(first, _)| first.name == raw.name));
        }
    };
    all().filter(|(raw, _)| !is_shared(&raw.name)).for_each(|(raw, _)| add(raw));
    all().filter(|(_, source)| source.name() == "patterns").for_each(|(raw, _)| add(raw));
    ordered
}

/// The parts of patterns, and the keys of tables as alternatives, the longest first.
fn parts(sources: &[Source], tables: &BTreeMap<String, Table>) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    for (name, table) in tables {
        let mut keys: Vec<_> = table.keys().map(|key| regex::escape(key)).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
        parts.insert(name.clone(), format!("(?:{})", keys.join("|")));
    }
    for source in sources.iter().rev() {
        parts.extend(source.file.part.clone());
    }
    parts
}

fn pattern(
    raw: &RawPattern,
    source: &Source,
    sources: &[Source],
    parts: &BTreeMap<String, String>,
    tables: &BTreeMap<String, Table>,
) -> Result<Pattern, ConfigError> {
    let mut expanded = raw.pattern.get_ref().clone();
    for (name, part) in parts {
        expanded = expanded.replace(&format!("%{name}%"), part);
    }
    let said = sources.iter().find_map(|source| Some((source.file.say.get(&raw.name)?, source)));
    let said = said.or(raw.say.as_ref().map(|say| (say, source)));
    let template = match said {
        Some((template, source)) => parsed(template, source)?,
        None => {
            let problem = format!("\"say\" has no template for the pattern \"{}\"", raw.name);
            return Err(source.wrong(&raw.pattern, problem));
        }
    };
    let regex = OnceLock::new();
    if source.is_own() {
        // A user's pattern is checked at once.
        let compiled = toml_file::regex(&expanded).map_err(|why| {
            source.wrong(&raw.pattern, format!("pattern {} {why}", toml_file::shown(&expanded)))
        })?;
        if let Some(missing) = template.missing(&compiled, tables) {
            return Err(source.wrong(&raw.pattern, format!("what is said {missing}")));
        }
        let _ = regex.set(Some(compiled));
    }
    let needs = Needs::of(&expanded);
    let (name, step, edge, length) = (raw.name.clone(), raw.step, raw.edge, raw.length);
    let except = raw.except.clone();
    Ok(Pattern { name, step, edge, length, except, needs, source: expanded, regex, template })
}

fn parsed(template: &Spanned<String>, source: &Source) -> Result<Template, ConfigError> {
    Template::parse(template.get_ref())
        .map_err(|why| source.wrong(template, format!("what is said {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_pattern_is_valid() {
        for (name, _) in LANGUAGES {
            let lexicon = Lexicon::load(name, None).expect(name);
            for pattern in lexicon.patterns.iter().chain(&lexicon.links) {
                let regex = toml_file::regex(&pattern.source);
                let regex = regex.unwrap_or_else(|why| panic!("{name}: {} {why}", pattern.name));
                let missing = pattern.template.missing(&regex, &lexicon.tables);
                assert_eq!(missing, None, "{name}: {}", pattern.name);
            }
        }
    }

    /// What English says, the other three say in their own words.
    #[test]
    fn the_languages_are_complete() {
        let say = |text: &str| -> Vec<String> {
            let file: File = toml::from_str(text).expect("a lexicon");
            file.say.into_keys().collect()
        };
        let english = say(LANGUAGES[0].1);
        for (name, text) in &LANGUAGES[1..] {
            let said = say(text);
            let missing: Vec<_> = english.iter().filter(|it| !said.contains(it)).collect();
            assert!(missing.is_empty(), "{name} has no phrase for {missing:?}");
        }
    }
}
