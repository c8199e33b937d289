//! What is said in a language: patterns and their templates, tables, words, and the phrases for
//! what is said about a line. All of it is data, in `lexicons/`: `patterns.toml` has the patterns
//! that all languages share; `en.toml` and the others have what differs. A user's file of the same
//! name goes before ours.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

use regex::{Captures, Regex};
use toml::Spanned;

use super::bytes::{Held, Index, Needs};
use super::dictionary::Dictionary;
use super::piece::{Place, Token, begins, ends};
use super::plain::Triggers;
use super::sources::{self, File, LexiconFile, RawPattern, Source};
use super::step::{Edge, Step};
use super::template::{Forms, Table, Template};
use super::{clean, emoji, narrow, plain};
use crate::diagnostics::{ConfigError, escaped, hint};
use crate::text::ShortHasher;
use crate::toml_file;

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
    /// The same for texts of ASCII.
    narrow: OnceLock<Option<Regex>>,
    template: Template,
    /// Whether it is the user's.
    is_own: bool,
    /// Whether it takes the place of one of ours, or is one.
    replaces_ours: bool,
}

/// A token may be looked for this often at one text before the pattern gives up.
const MOST_TRIES: usize = 64;

impl Pattern {
    /// What finds it in `text`; none where nothing can.
    fn regex(&self, text: &str) -> Option<&Regex> {
        let wide = || self.regex.get_or_init(|| toml_file::regex(&self.source).ok()).as_ref();
        if !text.is_ascii() {
            return wide();
        }
        let narrow = || {
            let narrow = narrow::ascii(&self.source)?;
            toml_file::regex(&narrow).ok().or_else(|| wide().cloned())
        };
        self.narrow.get_or_init(narrow).as_ref()
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
        let regex = self.regex(text)?;
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

    fn stands(&self, text: &str, range: Range<usize>, place: Place) -> bool {
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
        let regex = self.regex(text)?;
        // Most do not match, which is found out sooner without the groups.
        if regex.is_match(text) { regex.captures(text) } else { None }
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

    /// Whether it may match what the fast path takes for plain, but for words that it knows.
    fn may_match_letters(&self) -> bool {
        narrow::may_match(&self.source, plain::CHARACTERS)
    }
}

/// What is said in one language.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    pub(super) patterns: Vec<Pattern>,
    pub(super) links: Vec<Pattern>,
    pub(super) tables: BTreeMap<String, Table>,
    pub(super) alone: HashMap<String, String>,
    words: Dictionary,
    /// The user's words and phrases, which go before the steps that read signs and numbers.
    pub(super) own_words: Dictionary,
    /// The user's patterns of no step, which go with these.
    pub(super) own_patterns: Vec<Pattern>,
    /// Whether there are files of the user's.
    has_own: bool,
    phrases: HashMap<String, String, BuildHasherDefault<ShortHasher>>,
    /// Where the patterns of each step are.
    steps: Vec<Range<usize>>,
    /// What the patterns need.
    index: Index,
    /// The same of the links.
    link_index: Index,
    triggers: Triggers,
}

/// Ours, by language, as they are built.
static BUILT: [OnceLock<Arc<Lexicon>>; sources::OURS.len()] =
    [const { OnceLock::new() }; sources::OURS.len()];

/// The place of ours for a language; others have that of English.
fn place_of(language: &str) -> usize {
    sources::OURS.iter().position(|(name, _)| *name == language).unwrap_or(0)
}

impl Lexicon {
    /// The lexicon of a language, with the user's `files`.
    pub(super) fn load(language: &str, files: &[LexiconFile]) -> Result<Self, ConfigError> {
        let ours = sources::ours(language)?;
        let own = sources::own(language, files);
        Self::of(&own.into_iter().chain(&ours).collect::<Vec<_>>())
    }

    /// Ours for a language, built when it is first spoken in: once for the whole program.
    pub(super) fn ours(language: &str) -> Arc<Self> {
        Self::built(place_of(language))
    }

    /// Begins to build ours for a language, in a thread of its own: a start has other things to do.
    pub(super) fn begin(language: &str) {
        let at = place_of(language);
        if BUILT[at].get().is_none() {
            // Without a thread, it is built when it is needed.
            let _ = std::thread::Builder::new().spawn(move || Self::built(at));
        }
    }

    /// Ours for the language that has this place.
    fn built(at: usize) -> Arc<Self> {
        let load = || Arc::new(Self::load(sources::OURS[at].0, &[]).unwrap_or_default());
        Arc::clone(BUILT[at].get_or_init(load))
    }

    /// Builds a lexicon from files, of which the first ones go before the others.
    fn of(sources: &[&Source]) -> Result<Self, ConfigError> {
        let mut lexicon = Self::default();
        for source in sources.iter().rev() {
            lexicon.add_tables(source);
            lexicon.add_words(source)?;
            lexicon.add_phrases(source, sources)?;
        }
        let alone =
            lexicon.alone.iter().map(|(sign, name)| (sign.clone(), Forms::One(name.clone())));
        lexicon.tables.insert("alone".to_owned(), alone.collect());
        lexicon.add_patterns(sources)?;
        lexicon.patterns.sort_by_key(|it| it.step);
        let places = |step| {
            let start = lexicon.patterns.partition_point(|it| it.step < step);
            start..start + lexicon.patterns[start..].partition_point(|it| it.step == step)
        };
        lexicon.steps = Step::ALL.into_iter().map(places).collect();
        lexicon.index = Index::of(lexicon.patterns.iter().map(|it| &it.needs));
        lexicon.link_index = Index::of(lexicon.links.iter().map(|it| &it.needs));
        lexicon.triggers = lexicon.find_triggers();
        Ok(lexicon)
    }

    fn add_tables(&mut self, source: &Source) {
        self.has_own |= source.is_own;
        for (name, table) in &source.file.table {
            let known = self.tables.entry(name.clone()).or_default();
            // A language's table replaces that of English; a user's adds to it.
            if !source.is_own {
                known.clear();
            }
            known.extend(table.clone());
        }
        self.alone.extend(source.file.alone.clone());
    }

    fn add_patterns(&mut self, sources: &[&Source]) -> Result<(), ConfigError> {
        let parts = parts(sources, &self.tables);
        for (raw, source) in in_order(sources, |file| &file.link) {
            self.links.push(pattern(raw, source, sources, &parts, &self.tables)?);
        }
        for (raw, source) in in_order(sources, |file| &file.pattern) {
            let pattern = pattern(raw, source, sources, &parts, &self.tables)?;
            let is_step = raw.step.is_some() || pattern.replaces_ours;
            let of_step = if is_step { &mut self.patterns } else { &mut self.own_patterns };
            of_step.push(pattern);
        }
        Ok(())
    }

    fn add_words(&mut self, source: &Source) -> Result<(), ConfigError> {
        for (word, said) in &source.file.words {
            if !self.words.insert(word, said.get_ref()) {
                return Err(source.wrong(said, "there is no word before the equals sign"));
            }
            if source.is_own {
                self.own_words.insert(word, said.get_ref());
            }
        }
        Ok(())
    }

    /// What a file says for patterns and about lines; a user's names must be known.
    fn add_phrases(&mut self, source: &Source, all: &[&Source]) -> Result<(), ConfigError> {
        for (name, words) in &source.file.say {
            if source.is_own && !is_said(name, all) {
                let known: Vec<_> = all.iter().flat_map(|it| names(it)).collect();
                let problem = match hint(name, &known) {
                    hint if hint.starts_with("did you mean") => hint,
                    _ => "src/phrase/lexicons/en.toml has all names".to_owned(),
                };
                let problem = format!("there is no pattern \"{}\"; {problem}", escaped(name));
                return Err(source.wrong(words, problem));
            }
            let mut said = words.get_ref().clone();
            if source.is_own {
                said.clear();
                clean::text(words.get_ref(), &mut said);
            }
            self.phrases.insert(name.clone(), said);
        }
        Ok(())
    }

    /// Whether the user's files may say something else for `text`, of which no word is known.
    pub(super) fn may_change(&self, text: &str) -> bool {
        if !self.has_own {
            return false;
        }
        let mut own = self.patterns.iter().filter(|it| it.is_own).chain(&self.own_patterns);
        self.alone.contains_key(text.trim())
            || own.any(|it| it.regex(text).is_some_and(|regex| regex.is_match(text)))
            || text.split(' ').any(|word| self.own_words.may_begin(word))
    }

    /// Whether there are files of the user's.
    pub(super) fn has_own(&self) -> bool {
        self.has_own
    }

    /// Whether there are words or patterns of the user's for [`Self::own_words`].
    pub(super) fn has_own_words(&self) -> bool {
        !self.own_words.is_empty() || !self.own_patterns.is_empty()
    }

    /// What the fast path must know of it.
    fn find_triggers(&self) -> Triggers {
        let forms = ["short-form", "small-form"].into_iter().filter_map(|it| self.tables.get(it));
        let forms: Vec<_> = forms.flat_map(Table::keys).collect();
        let n_words = self.words.len() + self.alone.len() + forms.len();
        let mut triggers = Triggers::with_room(n_words + 3 * emoji::smileys_of_letters().count());
        self.words.keys().for_each(|word| triggers.add(word));
        for smiley in emoji::smileys_of_letters() {
            triggers.add(smiley);
            // "XDDD", too: four of a letter are no plain text.
            let last = smiley.chars().next_back().into_iter();
            let longer: String = smiley.chars().chain(last.cycle().take(2)).collect();
            (smiley.len()..=longer.len())
                .for_each(|end| triggers.add(longer.get(..end).unwrap_or(smiley)));
        }
        for line in self.alone.keys() {
            triggers.add(line.split(' ').next().unwrap_or_default());
        }
        for form in forms {
            match form.split_once(' ') {
                Some((first, _)) => triggers.add(first),
                None => triggers.add_before_stop(form),
            }
        }
        if self.patterns.iter().any(|it| it.is_own && it.may_match_letters()) {
            triggers.open();
        }
        triggers
    }

    /// What the fast path looks for.
    pub(super) fn triggers(&self) -> &Triggers {
        &self.triggers
    }

    /// What `text` holds that patterns need.
    pub(super) fn held_by(&self, text: &str) -> Held {
        self.index.held_by(text)
    }

    /// The patterns of a step that a text which holds this may match, in their order.
    pub(super) fn patterns_of(&self, step: Step, held: Held) -> impl Iterator<Item = &Pattern> {
        let places = self.steps.get(step as usize).cloned().unwrap_or_default();
        held.matching(places).map(|at| &self.patterns[at])
    }

    /// The patterns of all steps that a text which holds this may match.
    pub(super) fn patterns_for(&self, held: Held) -> impl Iterator<Item = &Pattern> {
        held.matching(0..self.patterns.len()).map(|at| &self.patterns[at])
    }

    /// The patterns that the address of a link may match, in their order.
    pub(super) fn links_for(&self, address: &str) -> impl Iterator<Item = &Pattern> {
        let held = self.link_index.held_by(address);
        held.matching(0..self.links.len()).map(|at| &self.links[at])
    }

    /// The names of the patterns that words of letters may match.
    #[cfg(test)]
    pub(super) fn patterns_of_letters(&self) -> Vec<&str> {
        let patterns = self.patterns.iter().filter(|it| it.may_match_letters());
        patterns.map(Pattern::name).collect()
    }

    /// The phrase `name`, such as "link to".
    pub(super) fn phrase(&self, name: &str) -> &str {
        self.phrases.get(name).map(String::as_str).unwrap_or_default()
    }

    /// What is said for `word`, in any case.
    pub(super) fn word(&self, word: &str) -> Option<&str> {
        if !self.triggers.may_be(word) {
            return None;
        }
        self.words.get(word)
    }

    /// The name of a single Greek letter.
    pub(super) fn letter(&self, letter: &str) -> Option<&str> {
        self.tables.get("letter")?.get(&letter.to_lowercase()).map(Forms::one)
    }

    /// Whether `word` before a colon is a label, and nobody's nick.
    pub(super) fn is_label(&self, word: &str) -> bool {
        let lower = || word.to_lowercase();
        self.words.get(word).is_some()
            || self.tables.get("label").is_some_and(|labels| labels.contains_key(&lower()))
    }
}

/// Patterns in the order in which they are tried: those that only a language has, then the shared
/// ones, of which a language's or a user's takes the place.
fn in_order<'a>(
    sources: &[&'a Source],
    of: impl Fn(&'a File) -> &'a Vec<RawPattern>,
) -> Vec<(&'a RawPattern, &'a Source)> {
    let all =
        || sources.iter().flat_map(|&source| of(&source.file).iter().map(move |it| (it, source)));
    let is_shared = |name: &str| {
        let mut shared = sources.iter().filter(|source| source.is_shared());
        shared.any(|source| of(&source.file).iter().any(|raw| raw.name == name))
    };
    let mut ordered: Vec<(&RawPattern, &Source)> = Vec::new();
    let mut add = |raw: &RawPattern| {
        if ordered.iter().all(|(known, _)| known.name != raw.name) {
            ordered.extend(all().find(|(first, _)| first.name == raw.name));
        }
    };
    all().filter(|(raw, _)| !is_shared(&raw.name)).for_each(|(raw, _)| add(raw));
    all().filter(|(_, source)| source.is_shared()).for_each(|(raw, _)| add(raw));
    ordered
}

/// The parts of patterns, and the keys of tables as alternatives, the longest first.
fn parts(sources: &[&Source], tables: &BTreeMap<String, Table>) -> BTreeMap<String, String> {
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
    sources: &[&Source],
    parts: &BTreeMap<String, String>,
    tables: &BTreeMap<String, Table>,
) -> Result<Pattern, ConfigError> {
    let expanded = expanded(raw.pattern.get_ref(), parts);
    let (said, said_in) = said_for(raw, source, sources)?;
    let template = parsed(said, said_in)?;
    let regex = OnceLock::new();
    if source.is_own || said_in.is_own {
        // A user's pattern is checked at once.
        let compiled = compiled(raw, source, &expanded)?;
        if let Some(missing) = template.missing(&compiled, tables) {
            return Err(said_in.wrong(said, format!("what is said {missing}")));
        }
        let _ = regex.set(Some(compiled));
    }
    let ours = sources.iter().filter(|it| !it.is_own);
    let ours = ours.flat_map(|it| &it.file.pattern).find(|it| it.name == raw.name);
    Ok(Pattern {
        name: raw.name.clone(),
        step: raw.step.or_else(|| ours?.step).unwrap_or(Step::Words),
        edge: raw.edge,
        length: raw.length,
        except: raw.except.clone(),
        needs: Needs::of(&expanded, raw.length.map_or(0, |it| it[0])),
        source: expanded,
        regex,
        narrow: OnceLock::new(),
        template,
        is_own: source.is_own,
        replaces_ours: ours.is_some(),
    })
}

/// A pattern with what its parts stand for.
fn expanded(pattern: &str, parts: &BTreeMap<String, String>) -> String {
    if !pattern.contains('%') {
        return pattern.to_owned();
    }
    let expand = |pattern: String, (name, part): (&String, &String)| {
        pattern.replace(&format!("%{name}%"), part)
    };
    parts.iter().fold(pattern.to_owned(), expand)
}

/// What is said for a pattern, and the file that says so: the first of them, but what stands beside
/// a user's pattern goes before what others say for one of this name.
fn said_for<'a>(
    raw: &'a RawPattern,
    source: &'a Source,
    sources: &[&'a Source],
) -> Result<(&'a Spanned<String>, &'a Source), ConfigError> {
    let beside = raw.say.as_ref().map(|say| (say, source));
    let said = sources.iter().find_map(|source| Some((source.file.say.get(&raw.name)?, *source)));
    beside.filter(|_| source.is_own).or(said).or(beside).ok_or_else(|| {
        let name = escaped(&raw.name);
        let problem = format!("nothing is said for the pattern \"{name}\"; it takes say = \"…\"");
        source.wrong(&raw.pattern, problem)
    })
}

/// Compiles the user's pattern, in which parts were replaced.
fn compiled(raw: &RawPattern, source: &Source, expanded: &str) -> Result<Regex, ConfigError> {
    if let Some(part) = PART.find(expanded).filter(|_| source.is_own) {
        let problem = format!("there is no part and no table for {}", part.as_str());
        return Err(source.wrong(&raw.pattern, problem));
    }
    toml_file::regex(expanded).map_err(|why| {
        source.wrong(&raw.pattern, format!("pattern {} {why}", toml_file::shown(expanded)))
    })
}

/// What stands for a part of a pattern.
static PART: LazyLock<Regex> = LazyLock::new(|| Regex::new("%[a-z][a-z-]*%").expect("a pattern"));

/// The names that a file says something for, and those of its patterns.
fn names(source: &Source) -> impl Iterator<Item = &str> {
    let File { say, pattern, link, .. } = &source.file;
    let say = say.keys().filter(|_| !source.is_own).map(String::as_str);
    say.chain(pattern.iter().chain(link).map(|raw| raw.name.as_str()))
}

/// Whether something is said for `name`: a pattern, or something about a line.
fn is_said(name: &str, sources: &[&Source]) -> bool {
    sources.iter().any(|source| {
        !source.is_own && source.file.say.contains_key(name)
            || source.file.pattern.iter().chain(&source.file.link).any(|raw| raw.name == name)
    })
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
        for (name, _) in sources::OURS {
            let lexicon = Lexicon::load(name, &[]).expect(name);
            for pattern in lexicon.patterns.iter().chain(&lexicon.links) {
                let regex = toml_file::regex(&pattern.source);
                let regex = regex.unwrap_or_else(|why| panic!("{name}: {} {why}", pattern.name));
                let missing = pattern.template.missing(&regex, &lexicon.tables);
                assert_eq!(missing, None, "{name}: {}", pattern.name);
            }
        }
    }

    /// On most lines hardly a pattern is tried.
    #[test]
    fn few_patterns_are_tried() {
        let lexicon = Lexicon::ours("en");
        for (text, most) in [
            ("number 1234", 4),
            ("it costs 12, ok?", 6),
            ("kim: yes, that's it", 3),
            ("is it ok (or not)?", 3),
            ("well - no", 3),
        ] {
            let tried: Vec<_> =
                lexicon.patterns_for(lexicon.held_by(text)).map(Pattern::name).collect();
            assert!(tried.len() <= most, "{text}: {tried:?}");
        }
        let address = "example.org/bugs/4711";
        let tried: Vec<_> = lexicon.links_for(address).map(Pattern::name).collect();
        assert!(tried.len() <= 2, "{address}: {tried:?}");
    }

    /// What English says, the other three say in their own words.
    #[test]
    fn the_languages_are_complete() {
        let say = |text: &str| -> Vec<String> {
            let file: File = toml::from_str(text).expect("a lexicon");
            file.say.into_keys().collect()
        };
        let english = say(sources::OURS[0].1);
        for (name, text) in &sources::OURS[1..] {
            let said = say(text);
            let missing: Vec<_> = english.iter().filter(|it| !said.contains(it)).collect();
            assert!(missing.is_empty(), "{name} has no phrase for {missing:?}");
        }
    }
}
