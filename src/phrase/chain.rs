//! The chain: an ordered row of small steps, each of which finds tokens in the text that the steps
//! before it left, and says something else for them.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::bytes::Held;
use super::glyphs::is_pictograph;
use super::lexicon::{Lexicon, Pattern};
use super::links::LinkMode;
use super::piece::{Piece, Place, Token, begins, ends, split};
use super::sources::{LexiconFile, OURS};
use super::step::Step;
use super::{clean, emoji, letters, links, plain, runs, script};
use crate::diagnostics::ConfigError;
use crate::format::codes;
use crate::language::Language;

/// Which steps there are, and how they work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The steps that are left out.
    pub off: Vec<Step>,
    /// What is said for links.
    pub links: LinkMode,
    /// The folder of the user's lexicons.
    pub folder: Option<PathBuf>,
}

/// More signs than these are not named one by one.
const MOST_SIGNS: usize = 6;

/// The chain of steps, and the lexicons of all languages.
#[derive(Debug)]
pub struct Chain {
    options: Options,
    /// By language; that of the voice is loaded at once, others when they are first spoken in.
    lexicons: Vec<(Language, OnceLock<Arc<Lexicon>>)>,
}

impl Chain {
    /// A chain that speaks `language`. The user's lexicons are read, and checked, for all languages.
    pub fn new(options: Options, language: Language) -> Result<Self, ConfigError> {
        let files = LexiconFile::folder(options.folder.as_deref())?;
        Self::with(options, language, &files)
    }

    /// The same, with these files in the place of the user's folder.
    pub(crate) fn with(
        options: Options,
        language: Language,
        files: &[LexiconFile],
    ) -> Result<Self, ConfigError> {
        let ours = OURS.iter().filter_map(|(name, _)| Language::from_code(name));
        let mut languages: Vec<_> = ours.collect();
        for own in files.iter().filter_map(|it| it.language) {
            if !languages.contains(&own) {
                languages.push(own);
            }
        }
        let first = languages.iter().find(|it| **it == language).unwrap_or(&languages[0]);
        let load = |it: &Language| -> Result<_, ConfigError> {
            let lexicon = OnceLock::new();
            if files.iter().any(|file| file.is_for(it.code())) {
                let _ = lexicon.set(Arc::new(Lexicon::load(it.code(), files)?));
            } else if it == first {
                Lexicon::begin(it.code());
            }
            Ok((*it, lexicon))
        };
        let lexicons = languages.iter().map(load).collect::<Result<_, _>>()?;
        Ok(Self { options, lexicons })
    }

    /// The chain without a configuration.
    ///
    /// # Panics
    /// Where an embedded lexicon is wrong, which a test rules out.
    pub fn embedded() -> Self {
        Self::new(Options::default(), Language::ENGLISH).expect("the embedded lexicons are valid")
    }

    pub(super) fn lexicon(&self, language: Language) -> &Lexicon {
        let found = self.lexicons.iter().find(|(known, _)| *known == language);
        // All others have that of English, which is the first.
        let (known, lexicon) = found.unwrap_or(&self.lexicons[0]);
        lexicon.get_or_init(|| Lexicon::ours(known.code()))
    }

    /// What is said about a line, such as "joined".
    pub(crate) fn phrase(&self, name: &str, language: Language) -> &str {
        self.lexicon(language).phrase(name)
    }

    /// Whether no step would change `text`, as of most lines: this is the fast path.
    pub(super) fn leaves(&self, text: &str, language: Language) -> bool {
        let lexicon = self.lexicon(language);
        plain::is_plain(text, lexicon.triggers())
            && text.bytes().any(|b| b.is_ascii_alphabetic())
            && !lexicon.may_change(text)
    }

    /// Whether `text` is plain but for numbers, about which no pattern has anything to say.
    pub(super) fn leaves_numbers(&self, text: &str, language: Language) -> bool {
        let lexicon = self.lexicon(language);
        if lexicon.has_own()
            || !plain::is_plain_or_numbers(text, lexicon.triggers())
            || !text.bytes().any(|b| b.is_ascii_alphanumeric())
        {
            return false;
        }
        let (held, place) = (lexicon.held_by(text), Place { is_first: true, is_last: true });
        let finds = |it: &Pattern| it.find(text, place, 0, &lexicon.tables).is_some();
        !lexicon.alone.contains_key(text.trim()) && !lexicon.patterns_for(held).any(finds)
    }

    /// The pieces of a line of plain words and links, which only the step of links changes; none
    /// for other lines.
    pub(super) fn linked<'a>(
        &'a self,
        text: &'a str,
        language: Language,
    ) -> Option<Vec<Piece<'a>>> {
        let mut colon = find_scheme(text)?;
        let lexicon = self.lexicon(language);
        if lexicon.has_own() || !self.has(Step::Links) {
            return None;
        }
        let (mut pieces, mut rest) = (Vec::with_capacity(3), text);
        let is_plain = |text| plain::is_plain(text, lexicon.triggers());
        loop {
            let start = rest[..colon].rfind(' ').map_or(0, |blank| blank + 1);
            let link = links::find(rest, start, lexicon, self.options.links)?;
            let (before, after) = (&rest[..start], &rest[link.range.end..]);
            if !is_plain(before) || link.range.start != start || !is_even(&rest[link.range]) {
                return None;
            }
            pieces.extend(Some(Piece::text(before)).filter(|_| start > 0));
            pieces.extend(link.pieces);
            let Some(next) = find_scheme(after) else {
                pieces.push(Piece::text(after));
                return is_plain(after).then_some(pieces);
            };
            (colon, rest) = (next, after);
        }
    }

    /// Whether a step is in the chain.
    fn has(&self, step: Step) -> bool {
        !self.options.off.contains(&step)
    }

    /// `text` without codes, in plain letters: what the steps read.
    pub fn plain(text: &str) -> String {
        letters::plain(&codes::strip(text.into())).into_owned()
    }

    /// Takes `text`, as [`Chain::plain`] returns it, through all steps.
    pub fn pieces<'a>(&'a self, text: &'a str, language: Language) -> Vec<Piece<'a>> {
        self.walk(text, language, |_, _| ())
    }

    /// The same; `after` gets the pieces after each step.
    fn walk<'a>(
        &'a self,
        text: &'a str,
        language: Language,
        mut after: impl FnMut(&'static str, &[Piece<'a>]),
    ) -> Vec<Piece<'a>> {
        let line = self.line(text, language);
        let lexicon = line.lexicon;
        if let Some(words) = lexicon.alone.get(sign(text.trim())).filter(|_| self.has(Step::Emoji))
        {
            let pieces = vec![Piece::said(text, words.as_str(), "alone")];
            after(Step::Emoji.name(), &pieces);
            return pieces;
        }
        let pieces = self.smileys(vec![Piece::text(text)], &line);
        after(Step::Emoji.name(), &pieces);
        let mut pieces = self.rulers(pieces, &line);
        after(Step::Runs.name(), &pieces);
        for step in Step::ALL {
            if step == Step::Code && self.has(Step::Words) && lexicon.has_own_words() {
                pieces = own(pieces, lexicon);
                after(Step::Words.name(), &pieces);
            }
            if !self.has(step) {
                continue;
            }
            let n = pieces.len();
            pieces = step_of(step, self.options.links, pieces, &line);
            after(step.name(), &pieces);
            // What is left beside a link or a number is often plain.
            let is_done = |piece: &Piece<'_>| is_done(piece, lexicon);
            if pieces.len() > n && !lexicon.has_own_words() && pieces.iter().all(is_done) {
                break;
            }
        }
        pieces
    }

    fn line<'a>(&'a self, text: &'a str, language: Language) -> Line<'a> {
        let lexicon = self.lexicon(language);
        Line { text, language, lexicon, held: lexicon.held_by(text) }
    }

    /// Rulers go next, for the same reason.
    fn rulers<'a>(&self, pieces: Vec<Piece<'a>>, line: &Line<'a>) -> Vec<Piece<'a>> {
        if !self.has(Step::Runs) {
            return pieces;
        }
        let ruler = || line.lexicon.phrase("ruler");
        split(pieces, |text, place, from| runs::find_ruler(text, place, from, ruler))
    }

    /// Smileys go first, whole: their signs mean something elsewhere.
    fn smileys<'a>(&self, pieces: Vec<Piece<'a>>, line: &Line<'a>) -> Vec<Piece<'a>> {
        let code = line.language.code();
        if !self.has(Step::Emoji) || emoji::smiley(line.text, code, false).is_none() {
            return pieces;
        }
        let alone = emoji::is_only_smileys(line.text);
        split(pieces, |text, place, from| {
            // "^^ this" points to the line above.
            let points = place.is_first && from == 0 && text.starts_with('^') && !alone;
            let from = if points { text.len() - text.trim_start_matches('^').len() } else { from };
            token(text, from, "smiley", emoji::smiley(&text[from..], code, alone)?)
        })
    }

    /// What is spoken for `text` alone.
    pub(crate) fn spoken(&self, text: &str, language: Language) -> String {
        let (mut said, mut spoken) = (String::new(), String::new());
        self.say(text, language, &mut said);
        clean::text(&said, &mut spoken);
        spoken
    }

    /// Appends what is said for `text` to `out`.
    pub fn say(&self, text: &str, language: Language, out: &mut String) {
        if let Some(pieces) = self.linked(text, language) {
            return join(&pieces, out);
        }
        if self.leaves_numbers(text, language) {
            return out.push_str(text.trim_matches(' '));
        }
        let seen = codes::strip(text.into());
        let plain = letters::plain(&seen);
        let begin = out.len();
        join(&self.pieces(&plain, language), out);
        self.name_signs(&plain, language, begin, out);
    }

    /// Names the signs of a line of which nothing else is said.
    fn name_signs(&self, plain: &str, language: Language, begin: usize, out: &mut String) {
        let said = &out[begin..];
        let is_left = said == plain.trim() && !said.contains(char::is_alphanumeric);
        if self.has(Step::Emoji) && (is_left || !clean::sounds(said)) {
            self.signs(plain.trim(), language, begin, out);
        }
    }

    /// Names the signs of a line that is nothing but a few signs.
    fn signs(&self, text: &str, language: Language, begin: usize, out: &mut String) {
        let alone = &self.lexicon(language).alone;
        let name = |part: &str| alone.get(part).map(String::as_str);
        let mut chars = text.chars();
        let first = chars.next();
        let is_run = text.len() > 1 && chars.all(|c| Some(c) == first);
        let all = first.map(|c| [c; 2].iter().collect::<String>());
        let names: Option<Vec<_>> = match all.as_deref().and_then(name).filter(|_| is_run) {
            Some(name) => Some(vec![name]),
            None if text.chars().count() > MOST_SIGNS => None,
            None => text.chars().map(|c| name(c.encode_utf8(&mut [0; 4]))).collect(),
        };
        if let Some(names) = names.filter(|it| !it.is_empty()) {
            out.truncate(begin);
            out.push_str(&names.join(", "));
        }
    }

    /// The text, and the steps that change something, with the text after each.
    pub fn trace(&self, text: &str, language: Language) -> Vec<(&'static str, String)> {
        let mut steps = vec![("text", text.to_owned())];
        let mut add = |name, said: &str| {
            if steps.last().is_none_or(|(_, last)| last != said) {
                steps.push((name, said.to_owned()));
            }
        };
        let seen = codes::strip(text.into());
        add("formatting", &seen);
        let plain = letters::plain(&seen);
        add("letters", &plain);
        let mut said = String::new();
        self.walk(&plain, language, |name, pieces| {
            said.clear();
            join(pieces, &mut said);
            add(name, &said);
        });
        self.name_signs(&plain, language, 0, &mut said);
        add(Step::Emoji.name(), &said);
        steps
    }
}

/// Where "://" stands: the first colon, or none.
fn find_scheme(text: &str) -> Option<usize> {
    memchr::memchr(b':', text.as_bytes()).filter(|at| text[*at..].starts_with("://"))
}

/// Whether the steps before that of links leave it: the scheme, letters, digits, dots, dashes and
/// slashes.
fn is_even(link: &str) -> bool {
    let address = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
    let is_even = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'/');
    address.is_some_and(|it| it.bytes().all(is_even) && !it.contains("//"))
}

/// The user's words and patterns of no step: before the signs in them mean something else.
fn own<'a>(pieces: Vec<Piece<'a>>, lexicon: &'a Lexicon) -> Vec<Piece<'a>> {
    let pieces = lexicon.own_patterns.iter().fold(pieces, |pieces, pattern| {
        split(pieces, |text, place, from| pattern.find(text, place, from, &lexicon.tables))
    });
    split(pieces, |text, _, from| lexicon.own_words.find(text, from))
}

/// A line on its way through the steps.
struct Line<'a> {
    text: &'a str,
    language: Language,
    lexicon: &'a Lexicon,
    /// What it holds that patterns need.
    held: Held,
}

/// Takes the pieces of a line through one step.
fn step_of<'a>(
    step: Step,
    mode: LinkMode,
    pieces: Vec<Piece<'a>>,
    line: &Line<'a>,
) -> Vec<Piece<'a>> {
    let (lexicon, language) = (line.lexicon, line.language);
    let pieces = lexicon.patterns_of(step, line.held).fold(pieces, |pieces, pattern| {
        split(pieces, |text, place, from| pattern.find(text, place, from, &lexicon.tables))
    });
    match step {
        Step::Links => split(pieces, |text, _, from| links::find(text, from, lexicon, mode)),
        Step::Words => split(pieces, |text, _, from| abbreviation(text, from, lexicon)),
        Step::Runs => {
            let rest = || lexicon.phrase("more-characters");
            split(pieces, |text, _, from| runs::find(text, from, rest))
        }
        Step::Emoji => parted(split(pieces, |text, _, from| {
            token(text, from, "emoji", emoji::find(&text[from..], language.code())?)
        })),
        Step::Scripts if line.text.is_ascii() => pieces,
        Step::Scripts => {
            let is_mixed = script::has_latin(line.text);
            split(pieces, |text, _, from| script::find(text, from, is_mixed, language, lexicon))
        }
        Step::Quotes | Step::Markup | Step::Code | Step::Numbers => pieces,
    }
}

/// Whether no step would change a piece any more.
fn is_done(piece: &Piece<'_>, lexicon: &Lexicon) -> bool {
    piece.said.is_some() || plain::is_plain(piece.source, lexicon.triggers())
}

/// The token for what was found in `text` from byte `from` on.
#[expect(clippy::unnecessary_wraps, reason = "a step returns it")]
fn token<'a>(text: &'a str, from: usize, tag: &'a str, found: emoji::Found) -> Option<Token<'a>> {
    let range = from + found.range.start..from + found.range.end;
    Some(Token { pieces: vec![Piece::said(&text[range.clone()], found.spoken, tag)], range })
}

/// Commas between emoji side by side, and before the second and further marks of a list, such as
/// "✓ build ✗ lint".
fn parted(pieces: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let is_emoji = |piece: &Piece<'_>| piece.said.as_ref().is_some_and(|said| said.tag == "emoji");
    let is_mark = |piece: &Piece<'_>| matches!(piece.source, "✓" | "✔" | "✗" | "✘");
    if !pieces.iter().any(is_emoji) {
        return pieces;
    }
    let mut out: Vec<Piece<'_>> = Vec::with_capacity(pieces.len());
    let mut has_mark = false;
    for piece in pieces {
        if is_emoji(&piece) {
            let blank = out.pop_if(|last| last.said.is_none() && last.source.trim().is_empty());
            let is_beside = out.last().is_some_and(is_emoji);
            let before = out.last().filter(|last| has_mark && last.said.is_none());
            let begins =
                before.is_some_and(|last| last.source.trim_end().ends_with(char::is_alphanumeric));
            match blank {
                Some(blank) if is_beside => out.push(Piece::said(blank.source, ", ", "emoji")),
                Some(blank) => out.push(blank),
                None if is_beside || is_mark(&piece) && begins => {
                    // The blank, if there is one, follows the comma.
                    let text = out.pop_if(|last| last.said.is_none());
                    if let Some(text) = text {
                        let words = text.source.trim_end();
                        out.push(Piece::text(words));
                        out.push(Piece::said(&text.source[words.len()..], ", ", "emoji"));
                    } else {
                        out.push(Piece::said("", ", ", "emoji"));
                    }
                }
                None => {}
            }
            has_mark |= is_mark(&piece);
        }
        out.push(piece);
    }
    out
}

/// The sign that a text is nothing but a run of, as the lexicons write it; else the text.
fn sign(text: &str) -> &str {
    let is_run = |signs: &[char]| !text.is_empty() && text.chars().all(|c| signs.contains(&c));
    match text.len() {
        2.. if is_run(&['?']) => "??",
        2.. if is_run(&['!']) => "!!",
        2.. if is_run(&['.', '\u{2026}', ' ']) => "...",
        2.. if is_run(&['^']) => "^",
        2 if is_run(&['-']) => "--",
        _ => text,
    }
}

/// The next word in `text` that the lexicon has, from byte `from` on.
fn abbreviation<'a>(text: &'a str, from: usize, lexicon: &'a Lexicon) -> Option<Token<'a>> {
    let (range, words) = next_word(text, from, lexicon)?;
    // Of several in a row, each is a phrase of its own.
    let mut pieces = vec![Piece::said(&text[range.clone()], words, "word")];
    let mut end = range.end;
    while let Some((next, words)) = next_word(text, end, lexicon) {
        if !text[end..next.start].bytes().all(|b| b == b' ') {
            break;
        }
        pieces.push(Piece::said(&text[end..next.start], ", ", "word"));
        pieces.push(Piece::said(&text[next.clone()], words, "word"));
        end = next.end;
    }
    Some(Token { range: range.start..end, pieces })
}

fn next_word<'a>(
    text: &'a str,
    from: usize,
    lexicon: &'a Lexicon,
) -> Option<(std::ops::Range<usize>, &'a str)> {
    let mut at = from;
    for token in text[from..].split_inclusive(|c: char| c == ' ' || is_pictograph(c)) {
        let start = at;
        at += token.len();
        let token = token.trim_end_matches(|c: char| c == ' ' || is_pictograph(c));
        let bare = token.trim_start_matches(['(', '"', '\'', '[', '*']);
        let begin = start + token.len() - bare.len();
        // As it stands, then without the punctuation after it.
        let short = bare.trim_end_matches(['.', ',', ':', ';', '!', '?', ')', '"', '\'', ']', '*']);
        for word in [bare, short] {
            let range = begin..begin + word.len();
            if !word.is_empty()
                && let Some(words) = lexicon.word(word)
                && begins(text, range.start)
                && ends(text, range.end)
            {
                return Some((range, words));
            }
        }
    }
    None
}

/// Appends what is said for the pieces: with a blank where two words meet, and without one before
/// punctuation that follows a silent token.
pub(super) fn join(pieces: &[Piece<'_>], out: &mut String) {
    let begin = out.len();
    for piece in pieces {
        let mut words = piece.said.as_ref().map_or(piece.source, |said| &said.words);
        let last = out[begin..].chars().next_back();
        if last.is_none_or(|c| c == ' ') {
            words = words.trim_start_matches(' ');
            if piece.said.is_none() && is_stop(words) {
                out.truncate(begin + out[begin..].trim_end_matches(' ').len());
            }
        }
        let meets =
            |a: char, b: char| b.is_alphanumeric() && (a.is_alphanumeric() || ",;:".contains(a));
        if let (Some(last), Some(first)) = (last, words.chars().next())
            && (piece.said.is_some() || last.is_alphanumeric())
            && meets(last, first)
        {
            out.push(' ');
        }
        out.push_str(words);
    }
    out.truncate(begin + out[begin..].trim_end_matches(' ').len());
}

/// Whether `words` begins with punctuation that ends something.
fn is_stop(words: &str) -> bool {
    let mut chars = words.chars();
    chars.next().is_some_and(|c| matches!(c, ',' | '.' | ';' | ':' | '!' | '?'))
        && chars.next().is_none_or(char::is_whitespace)
}
