//! The known formats and rule sets: the embedded ones, and the user's files, which replace those of
//! the same name.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::cases::CaseFile;
use super::rules::RuleSet;
use crate::diagnostics::ConfigError;
use crate::diagnostics::escaped;
use crate::format::{Grammar, Grammars, cases};
use crate::toml_file;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../filters/", $name, ".toml")))),*]
    };
}

/// The embedded formats. Of two formats that describe as much of a log, the first is taken.
const FORMATS: &[(&str, &str)] = &embedded![
    "sic",
    "ii",
    "hms",
    "irssi",
    "app-log", // tabs, as the next has
    "weechat",
    "znc",
    "mirc",
    "hexchat",
    "eggdrop",
    "eggdrop-console",
    "energymech",
    "iso-bracket",
    "supybot",
    "quassel",
    "konversation",
    "pidgin",
    "pidgin-html",
    "textual",
    "thelounge",
    "halloy",
    "tiny",
    "catgirl",
    "erc",
    "rcirc",
    "circe",
    "kvirc",
    "irccloud",
    "botbot",
    "bip",
    "dircproxy",
    "chatzilla",
    "qwebirc",
    "brackets-joins",
    "ubuntu-irclogs",
    "channel-two",
    "perlgeek",
    "slack-paste",
    "nick-only",
    "nick-colon",
    "irssi-bare",
    "markdown-nick",
    "web-html",
    "irc-json",
    "postfix",
    "syslog",
    "rfc5424",
    "journald",
    "syslog-iso",
    "clf",
    "nginx-error",
    "apache-error",
    "docker-compose",
    "docker",
    "klog",
    "logcat",
    "dmesg",
    "log4j",
    "python-logging",
    "postgres",
    "minecraft",
    "cbs",
    "openstack",
    "rust-tracing",
    "rust-log",
    "go-log",
    "json-lines",
    "logfmt",
    "cargo",
    "gcc",
    "pytest",
    "jest",
    "plain",
];

/// The embedded rule sets.
const RULE_SETS: &[(&str, &str)] = &embedded![
    "irc-noise",
    "bridges",
    "bots",
    "netsplit",
    "meeting",
    "highlights-only",
    "syslog-errors",
    "build-errors",
];

/// All formats and rule sets, checked.
#[derive(Debug)]
pub struct Library {
    grammars: Arc<Grammars>,
    rule_sets: Vec<SetFile>,
    /// The user's formats.
    own_formats: Vec<File>,
}

/// A file of rules. Embedded ones are compiled when used: most are not, and it takes time.
#[derive(Debug)]
struct SetFile {
    file: File,
    about: String,
}

impl Library {
    /// Loads the embedded files, and those named `*.toml` in `user_dir`, if there is one: the
    /// folder `filters` beside the configuration. A user's format goes before the others.
    pub fn load(user_dir: Option<&Path>) -> Result<Self, ConfigError> {
        let own = user_dir.map_or(Ok(Vec::new()), user_files)?;
        let names: Vec<_> = own.iter().map(|file| file.name.clone()).collect();
        let (mut grammars, mut rule_sets, mut own_formats) = (Vec::new(), Vec::new(), Vec::new());
        for file in own {
            if file.has_rules() {
                let about = file.rule_set()?.about().to_owned();
                rule_sets.push(SetFile { file, about });
            } else {
                grammars.push(Grammar::parse(&file.name, &file.path, &file.source)?);
                own_formats.push(file);
            }
        }
        for &(name, source) in FORMATS {
            // What replaces an embedded format takes its position, too.
            match grammars.iter().position(|own: &Grammar| own.name() == name) {
                Some(at) => {
                    let own = grammars.remove(at);
                    grammars.push(own);
                }
                None if names.iter().any(|own| own == name) => {}
                None => grammars.push(Grammar::embedded(name, source)),
            }
        }
        let ours = RULE_SETS.iter().filter(|(name, _)| !names.iter().any(|own| own == name));
        for &(name, source) in ours {
            let file = File::embedded(name, source);
            let about = toml_file::parse::<About>(&file.path, &file.source)?.about;
            rule_sets.push(SetFile { file, about });
        }
        Ok(Self { grammars: Arc::new(Grammars::new(grammars)), rule_sets, own_formats })
    }

    /// The formats' names, without parsing the files.
    pub fn format_names(&self) -> Vec<&str> {
        self.grammars.iter().map(Grammar::name).collect()
    }

    /// The formats.
    pub fn grammars(&self) -> Arc<Grammars> {
        Arc::clone(&self.grammars)
    }

    /// The rule set `name`.
    pub fn rule_set(&self, name: &str) -> Result<RuleSet, ConfigError> {
        let found = self.rule_files().find(|file| file.name == name);
        found.map_or_else(
            || {
                let known: Vec<_> = self.rule_files().map(|file| file.name.as_str()).collect();
                let (name, known) = (escaped(name), known.join(", "));
                Err(ConfigError::Wrong(format!("unknown filter \"{name}\"; known are {known}")))
            },
            File::rule_set,
        )
    }

    /// The files of rules.
    pub fn rule_files(&self) -> impl Iterator<Item = &File> {
        self.rule_sets.iter().map(|set| &set.file)
    }

    /// The files of formats: the user's, and the embedded ones that these do not replace.
    pub fn format_files(&self) -> impl Iterator<Item = File> {
        let is_ours = |name: &str| self.own_formats.iter().all(|own| own.name != name);
        let ours = FORMATS.iter().filter(move |(name, _)| is_ours(name));
        self.own_formats.iter().cloned().chain(ours.map(|(name, text)| File::embedded(name, text)))
    }

    /// Name and description of each format.
    pub fn formats(&self) -> impl Iterator<Item = (&str, &str)> {
        self.grammars.iter().map(|grammar| (grammar.name(), grammar.about()))
    }

    /// Name and description of each rule set.
    pub fn rule_sets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rule_sets.iter().map(|set| (set.file.name.as_str(), set.about.as_str()))
    }
}

/// The one key of a file that says what it does.
#[derive(Deserialize)]
struct About {
    about: String,
}

/// A file of a format or of rules.
#[derive(Clone, Debug)]
pub struct File {
    name: String,
    path: PathBuf,
    source: String,
}

impl File {
    fn embedded(name: &str, source: &str) -> Self {
        let path = PathBuf::from(format!("filters/{name}.toml"));
        Self { name: name.to_owned(), path, source: source.to_owned() }
    }

    /// Reads the file `path`, whose stem is the name.
    pub fn read(path: PathBuf) -> Result<Self, ConfigError> {
        let source = toml_file::read(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, path, source })
    }

    /// Its rules.
    pub fn rule_set(&self) -> Result<RuleSet, ConfigError> {
        RuleSet::parse(&self.name, &self.path, &self.source)
    }

    /// Its rules, and their tests.
    pub fn cases(&self) -> Result<CaseFile, ConfigError> {
        CaseFile::parse(&self.name, &self.path, &self.source)
    }

    /// The tests of its format.
    pub fn format_cases(&self) -> Result<cases::CaseFile, ConfigError> {
        cases::CaseFile::parse(&self.name, &self.path, &self.source)
    }

    /// Whether it is a file of rules; else it is a format.
    pub fn has_rules(&self) -> bool {
        self.source.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with("[[rule]]") || line.starts_with("rule ") || line.starts_with("rule=")
        })
    }
}

/// The files `*.toml` in `dir`, by name; none when there is no such folder.
fn user_files(dir: &Path) -> Result<Vec<File>, ConfigError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(toml_file::unreadable(dir, &error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| toml_file::unreadable(dir, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.into_iter().map(File::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_files_are_in_order() {
        let library = Library::load(None).expect("embedded files");
        let formats = library.format_names();
        let rule_sets: Vec<_> = library.rule_sets().map(|(name, _)| name).collect();
        assert_eq!(formats[..4], ["sic", "ii", "hms", "irssi"]);
        assert_eq!(formats.last(), Some(&"plain"));
        assert_eq!(rule_sets, RULE_SETS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert!(rule_sets.iter().all(|name| library.rule_set(name).is_ok()));
        for (name, about) in library.formats().chain(library.rule_sets()) {
            assert!(!about.is_empty() && !about.ends_with('.'), "{name}: {about}");
        }
    }

    #[test]
    fn every_file_in_the_folder_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("filters");
        for file in user_files(&folder).expect("the folder") {
            let ours = if file.has_rules() { RULE_SETS } else { FORMATS };
            assert!(ours.iter().any(|(name, _)| *name == file.name), "{}", file.name);
        }
    }

    #[test]
    fn every_embedded_format_is_valid() {
        for (name, source) in FORMATS {
            let path = PathBuf::from(format!("filters/{name}.toml"));
            let grammar = Grammar::parse(name, &path, source);
            assert!(grammar.is_ok(), "{}", grammar.expect_err("wrong"));
        }
    }

    /// Every kind of a format is tested with a line.
    #[test]
    fn every_embedded_format_passes_its_tests() {
        #[derive(Deserialize)]
        struct Kinds {
            #[serde(default)]
            line: Vec<toml::Table>,
            #[serde(default)]
            test: Vec<toml::Table>,
        }
        let mut wrong = Vec::new();
        for (name, source) in FORMATS {
            let file = File::embedded(name, source).format_cases().expect(name);
            for case in &file.cases {
                let failures = file.failures(case, crate::clock::test_now()).expect(name);
                wrong.extend(failures.into_iter().map(|failure| failure.to_string()));
            }
            let kinds: Kinds = toml::from_str(source).expect(name);
            for line in &kinds.line {
                let is_tried = kinds.test.iter().any(|test| test.get("kind") == line.get("kind"));
                if !is_tried {
                    wrong.push(format!("filters/{name}.toml: no test of kind {}", line["kind"]));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_users_file_replaces_an_embedded_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("a file");
        write("irc-noise.toml", "about = \"nothing\"\nrule = []\n");
        write("mine.toml", "about = \"mine\"\n[[line]]\nkind = \"say\"\nmatch = 'x(?P<text>.*)'\n");
        write("notes.txt", "not one of them");
        let library = Library::load(Some(dir.path())).expect("files");
        assert_eq!(library.formats().next(), Some(("mine", "mine")));
        let noise: Vec<_> = library.rule_sets().filter(|(name, _)| *name == "irc-noise").collect();
        assert_eq!(noise, [("irc-noise", "nothing")]);

        write("mine.toml", "about = \"mine\"\n[[line]]\nkind = \"say\"\nmatch = '(x'\n");
        let error = Library::load(Some(dir.path())).expect_err("a bad pattern").to_string();
        let said = ":4:9: pattern \"(x\" is not a regular expression: unclosed group";
        assert!(error.ends_with(said), "{error}");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let library = Library::load(None).expect("embedded files");
        let error = library.rule_set("noise").expect_err("no such set");
        let said = "unknown filter \"noise\"; known are irc-noise, bridges, bots, ";
        assert!(error.to_string().starts_with(said), "{error}");
        assert!(Library::load(Some(Path::new("/nowhere/at/all"))).is_ok());
    }
}
