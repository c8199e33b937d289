//! The files of lexicons: ours, and the user's, which go before them.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::pls::{self, Pls};
use super::step::{Edge, Step};
use super::template::Table;
use crate::diagnostics::{ConfigError, escaped};
use crate::language::Language;
use crate::toml_file;

/// A file of a lexicon, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    /// What it is.
    pub about: String,
    /// Parts of patterns, which `%name%` stands for.
    pub part: BTreeMap<String, String>,
    /// Templates by the names of shared patterns, and phrases by their own names.
    pub say: BTreeMap<String, Spanned<String>>,
    /// Tables of words; `%name%` in a pattern stands for any key.
    pub table: BTreeMap<String, Table>,
    /// What is said for a line that is nothing but this.
    pub alone: BTreeMap<String, String>,
    /// What is said for a word.
    pub words: BTreeMap<String, Spanned<String>>,
    /// Patterns, in the order in which they are tried.
    pub pattern: Vec<RawPattern>,
    /// Patterns of what follows `://` in a link.
    pub link: Vec<RawPattern>,
    /// Lines, and what is said for them.
    pub test: Vec<Case>,
}

/// A pattern, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPattern {
    /// Its name: the pattern itself where it has none.
    #[serde(default)]
    pub name: String,
    /// The step that it belongs to; without one, that of ours with its name.
    pub step: Option<Step>,
    #[serde(default)]
    pub edge: Edge,
    pub length: Option<[usize; 2]>,
    /// What looks like a match and is none.
    #[serde(default)]
    pub except: Vec<String>,
    #[serde(rename = "match")]
    pub pattern: Spanned<String>,
    /// Unless `[say]` has it.
    pub say: Option<Spanned<String>>,
}

/// A line, and what is said for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// The text of a message.
    pub line: Spanned<String>,
    /// Its spoken text.
    pub spoken: Spanned<String>,
    /// The language that it is spoken in, in a file for all languages.
    pub language: Option<Spanned<String>>,
}

/// A file, where it is, and its text.
#[derive(Debug)]
pub(super) struct Source {
    pub path: PathBuf,
    pub text: String,
    pub file: File,
    /// Whether it is a user's file.
    pub is_own: bool,
}

impl Source {
    fn parse(path: PathBuf, text: String, is_own: bool) -> Result<Self, ConfigError> {
        let mut file: File = toml_file::parse(&path, &text)?;
        for raw in file.pattern.iter_mut().chain(&mut file.link) {
            if raw.name.is_empty() {
                raw.name.clone_from(raw.pattern.get_ref());
            }
        }
        Ok(Self { path, text, file, is_own })
    }

    /// Ours for a language, or for all of them.
    fn embedded(name: &str, text: &str) -> Result<Self, ConfigError> {
        let path = PathBuf::from(format!("src/phrase/lexicons/{name}.toml"));
        Self::parse(path, text.to_owned(), false)
    }

    /// The name of the file, without what it ends in.
    pub(super) fn name(&self) -> &str {
        self.path.file_stem().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Whether it holds the patterns for all languages.
    pub(super) fn is_shared(&self) -> bool {
        self.name() == PATTERNS
    }

    /// An error at the value `at`.
    pub(super) fn wrong<T>(&self, at: &Spanned<T>, problem: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.path, &self.text, at.span().start, problem)
    }
}

/// The name of the file for all languages.
const PATTERNS: &str = "patterns";

const SHARED: &str = include_str!("lexicons/patterns.toml");

/// The languages with a lexicon of ours.
pub(super) const OURS: [(&str, &str); 4] = [
    ("en", include_str!("lexicons/en.toml")),
    ("de", include_str!("lexicons/de.toml")),
    ("fr", include_str!("lexicons/fr.toml")),
    ("es", include_str!("lexicons/es.toml")),
];

/// Our files for a language: its own, then what all share, then English.
pub(super) fn ours(language: &str) -> Result<Vec<Source>, ConfigError> {
    let (name, text) = OURS.iter().find(|(name, _)| *name == language).unwrap_or(&OURS[0]);
    let mut sources = vec![Source::embedded(name, text)?, Source::embedded(PATTERNS, SHARED)?];
    if *name != "en" {
        // English has phrases for all; its patterns and words are its own.
        let mut english = Source::embedded("en", OURS[0].1)?;
        english.file.pattern.clear();
        english.file.words.clear();
        english.file.test.clear();
        sources.push(english);
    }
    Ok(sources)
}

/// A file of a lexicon, of ours or the user's.
#[derive(Debug)]
pub(crate) struct LexiconFile {
    /// The language that it is for; none where it is for all.
    pub language: Option<Language>,
    pub(super) source: Source,
}

impl LexiconFile {
    /// Reads the file at `path`, which is named for its language; of a PLS file the text says it.
    pub(crate) fn read(path: PathBuf) -> Result<Self, ConfigError> {
        if path.extension().is_some_and(|it| it == "pls") {
            return Self::read_pls(path);
        }
        let text = toml_file::read(&path)?;
        let source = Source::parse(path, text, true)?;
        let language = Language::from_code(source.name());
        if language.is_none() && !source.is_shared() {
            let problem = format!(
                "a lexicon is named for its language, such as \"de.toml\", or \"patterns.toml\" \
                 for all; \"{}\" is none",
                escaped(source.name())
            );
            return Err(ConfigError::at(&source.path, "", 0, problem));
        }
        Ok(Self { language, source })
    }

    fn read_pls(path: PathBuf) -> Result<Self, ConfigError> {
        let Pls { text, language, words, n_phonemes } = pls::read(&path)?;
        let source = Source { path, text, file: File { words, ..File::default() }, is_own: true };
        if n_phonemes > 0 {
            let (have, are) =
                if n_phonemes == 1 { ("word has", "is") } else { ("words have", "are") };
            let path = source.path.display();
            tracing::warn!(
                "{path}: {n_phonemes} {have} no <alias> and {are} not used: phonemes cannot be spoken"
            );
        }
        Ok(Self { language: Some(language), source })
    }

    /// The files in the user's folder, where there is one: those of TOML go before those of XML.
    pub(crate) fn folder(folder: Option<&Path>) -> Result<Vec<Self>, ConfigError> {
        let Some(folder) = folder else { return Ok(Vec::new()) };
        let unreadable = |error: io::Error| toml_file::unreadable(folder, &error);
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            // An editor's lock is a hidden link to nowhere.
            let is_hidden = path.file_name().is_some_and(|it| it.as_encoded_bytes()[0] == b'.');
            if !is_hidden && path.extension().is_some_and(|it| it == "toml" || it == "pls") {
                paths.push(path);
            }
        }
        paths.sort_by_key(|path| (path.extension().is_some_and(|it| it == "pls"), path.clone()));
        paths.into_iter().map(Self::read).collect()
    }

    /// Our files.
    pub(crate) fn ours() -> Result<Vec<Self>, ConfigError> {
        let files = OURS.into_iter().chain([(PATTERNS, SHARED)]);
        let file = |(name, text)| {
            let language = Language::from_code(name);
            Ok(Self { language, source: Source::embedded(name, text)? })
        };
        files.map(file).collect()
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.source.path
    }

    /// What it is.
    pub(crate) fn about(&self) -> &str {
        &self.source.file.about
    }

    /// Whether a lexicon of `language` has what is in it.
    pub(super) fn is_for(&self, language: &str) -> bool {
        let has_own = OURS.iter().any(|(name, _)| *name == language);
        self.language.is_none_or(|it| it.code() == language || it.code() == "en" && !has_own)
    }
}

/// The user's files for a language: its own, then those of English where it has none of ours, then
/// those for all.
pub(super) fn own<'a>(language: &str, files: &'a [LexiconFile]) -> Vec<&'a Source> {
    let mut own: Vec<_> = files.iter().filter(|it| it.is_for(language)).collect();
    own.sort_by_key(|it| match it.language {
        Some(own) if own.code() == language => 0,
        Some(_) => 1,
        None => 2,
    });
    own.into_iter().map(|it| &it.source).collect()
}
