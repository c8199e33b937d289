//! Checks and compiles rules.
#![forbid(unsafe_code)]

use std::path::Path;

use regex::Regex;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::rules::{Action, Kinds, RawParts, RawRule, RawTest, Rule, RuleSet, Test};
use crate::diagnostics::{ConfigError, hint};
use crate::message::Kind;
use crate::toml_file;
use crate::units::duration;

/// The most rules that a set may have.
const MAX_RULES: usize = 256;

/// A file of rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSet {
    about: String,
    #[serde(default)]
    rule: Vec<RawRule>,
    /// Its tests, which [`super::cases`] reads.
    #[serde(default, rename = "test")]
    _test: IgnoredAny,
}

impl RuleSet {
    /// Reads `source`, the text of the file `path`, as the rule set `name`.
    pub fn parse(name: &str, path: &Path, source: &str) -> Result<Self, ConfigError> {
        let raw: RawSet = toml_file::parse(path, source)?;
        let set = Self::compile(name, path, source, raw.rule)?;
        Ok(Self { about: raw.about, ..set })
    }

    /// Compiles the `rules` of `source`, the text of the file `path`.
    pub fn compile(
        name: &str,
        path: &Path,
        source: &str,
        rules: Vec<RawRule>,
    ) -> Result<Self, ConfigError> {
        if rules.len() > MAX_RULES {
            let problem =
                format!("{} rules are too many; a set has at most {MAX_RULES}", rules.len());
            return Err(ConfigError::at(path, source, 0, problem));
        }
        let file = File { name, path, source };
        let rules = rules.into_iter().map(|rule| file.rule(rule)).collect::<Result<_, _>>()?;
        Ok(Self { name: name.to_owned(), about: String::new(), rules })
    }

    /// The rules of the command line's `--keep` and `--drop`, the former first.
    pub fn from_patterns(keep: &[String], drop: &[String]) -> Result<Self, ConfigError> {
        let keep = keep.iter().map(|pattern| option_rule("--keep", Action::Keep, pattern));
        let drop = drop.iter().map(|pattern| option_rule("--drop", Action::Drop, pattern));
        let rules = keep.chain(drop).collect::<Result<_, _>>()?;
        Ok(Self { name: "command line".to_owned(), about: String::new(), rules })
    }
}

fn option_rule(option: &str, action: Action, pattern: &str) -> Result<Rule, ConfigError> {
    let shown = toml_file::shown(pattern);
    let anywhere = toml_file::regex(pattern)
        .map_err(|problem| ConfigError::Wrong(format!("{option} {shown} {problem}")))?;
    let test = Test { anywhere: Some(anywhere), ..Test::default() };
    Ok(Rule { action, test, label: format!("{option} {shown}"), written: String::new() })
}

/// The file of the rules.
struct File<'a> {
    name: &'a str,
    path: &'a Path,
    source: &'a str,
}

impl File<'_> {
    fn rule(&self, raw: RawRule) -> Result<Rule, ConfigError> {
        let RawRule { keep, drop, highlight, replace, with, relay, expire, expiring } = raw;
        let misplaced = with.as_ref().map(|with| with.span().start);
        let only_for = expiring.as_ref().map(|test| test.span().start);
        let tests = [
            ("keep", Action::Keep, keep),
            ("drop", Action::Drop, drop),
            ("highlight", Action::Highlight, highlight),
        ];
        let mut made = Vec::new();
        for (key, action, test) in tests {
            if let Some(test) = test {
                let start = test.span().start;
                made.push((start, action, self.test(key, &test)?));
            }
        }
        if let Some(replace) = replace {
            let start = replace.span().start;
            made.push((start, self.replacement(&replace, with)?, Test::default()));
        } else if let Some(start) = misplaced {
            return Err(self.error(start, "\"with\" goes with \"replace\"; there is none"));
        }
        let test = expiring.as_ref();
        if let Some(relay) = &relay {
            let test = self.target("relay", relay, test)?;
            made.push((relay.span().start, self.relay(relay)?, test));
        }
        if let Some(expire) = &expire {
            let test = self.target("expire", expire, test)?;
            made.push((expire.span().start, self.expiry(expire)?, test));
        }
        if let (None, None, Some(start)) = (relay, expire, only_for) {
            let problem = "\"for\" goes with \"expire\" or \"relay\"; there is none";
            return Err(self.error(start, problem));
        }
        self.only(made)
    }

    /// The `for` of a rule with the key `key`.
    fn target(
        &self,
        key: &str,
        value: &Spanned<String>,
        test: Option<&Spanned<RawTest>>,
    ) -> Result<Test, ConfigError> {
        let Some(test) = test else {
            let problem = format!("\"{key}\" needs a \"for\"; for = {{}} is every message");
            return Err(self.error(value.span().start, problem));
        };
        self.test("for", test)
    }

    fn relay(&self, relay: &Spanned<String>) -> Result<Action, ConfigError> {
        let pattern = self.regex("relay", relay)?;
        let has = |name| pattern.capture_names().flatten().any(|known| known == name);
        if has("sender") && has("text") {
            return Ok(Action::Relay { pattern });
        }
        let shown = toml_file::shown(relay.get_ref());
        let problem =
            format!("relay pattern {shown} needs the groups (?P<sender>…) and (?P<text>…)");
        Err(self.error(relay.span().start, problem))
    }

    fn expiry(&self, expire: &Spanned<String>) -> Result<Action, ConfigError> {
        let shown = toml_file::shown(expire.get_ref());
        let after = duration(expire.get_ref()).filter(|after| !after.is_zero());
        after.map(|after| Action::Expire { after }).ok_or_else(|| {
            let problem = format!("expire is {shown}; it takes a time such as \"30s\"");
            self.error(expire.span().start, problem)
        })
    }

    /// The only rule of `made`, which holds rules with their offsets in the file.
    fn only(&self, mut made: Vec<(usize, Action, Test)>) -> Result<Rule, ConfigError> {
        const KEYS: &str = "a rule has one of keep, drop, replace, relay, highlight and expire";
        match (made.pop(), made.pop()) {
            (Some((start, action, test)), None) => {
                let line = self.source.bytes().take(start).filter(|&b| b == b'\n').count() + 1;
                let label = format!("{}:{line}", self.name);
                let written = self.source.lines().nth(line - 1).unwrap_or_default().trim();
                Ok(Rule { action, test, label, written: written.to_owned() })
            }
            (Some((start, ..)), Some(_)) => {
                Err(self.error(start, format!("{KEYS}; make it two rules")))
            }
            (None, _) => {
                // An empty table has no offset; report the first `[[rule]]`.
                let start = self.source.find("[[rule]]").unwrap_or(0);
                Err(self.error(start, format!("{KEYS}; this file has one without")))
            }
        }
    }

    fn replacement(
        &self,
        replace: &Spanned<String>,
        with: Option<Spanned<String>>,
    ) -> Result<Action, ConfigError> {
        let pattern = self.regex("replace", replace)?;
        let Some(with) = with else {
            let problem = "\"replace\" needs a \"with\"; with = \"\" takes it out";
            return Err(self.error(replace.span().start, problem));
        };
        if let Some(group) = unknown_group(with.get_ref(), &pattern) {
            let n_groups = pattern.captures_len() - 1;
            let problem = format!(
                "with names the group {}, which the pattern does not have; it has {n_groups}, $$ is \
                 a dollar sign, and ${{1}}x is group 1 before an x",
                toml_file::shown(group)
            );
            return Err(self.error(with.span().start, problem));
        }
        Ok(Action::Replace { pattern, with: with.into_inner() })
    }

    fn test(&self, key: &str, test: &Spanned<RawTest>) -> Result<Test, ConfigError> {
        match test.get_ref() {
            RawTest::Anywhere(pattern) => {
                let anywhere = self.regex_at(key, test.span().start, pattern)?;
                Ok(Test { anywhere: Some(anywhere), ..Test::default() })
            }
            RawTest::Parts(parts) => self.parts(parts),
        }
    }

    fn parts(&self, parts: &RawParts) -> Result<Test, ConfigError> {
        let regex = |key, pattern: &Option<Spanned<String>>| {
            pattern.as_ref().map(|pattern| self.regex(key, pattern)).transpose()
        };
        Ok(Test {
            anywhere: None,
            text: regex("text", &parts.text)?,
            sender: regex("sender", &parts.sender)?,
            channel: regex("channel", &parts.channel)?,
            source: regex("source", &parts.source)?,
            highlight: parts.highlight,
            kinds: parts.kind.as_ref().map_or(Ok(Kinds::default()), |kind| self.kinds(kind))?,
        })
    }

    fn kinds(&self, pattern: &Spanned<String>) -> Result<Kinds, ConfigError> {
        // Whole names: "mode|nick" is two kinds, and "part" matches no longer name.
        self.regex("kind", pattern)?;
        let whole = Spanned::new(pattern.span(), format!("^(?:{})$", pattern.get_ref()));
        let kinds = Kinds::matching(&self.regex("kind", &whole)?);
        if !kinds.is_empty() {
            return Ok(kinds);
        }
        let known: Vec<_> = Kind::ALL.into_iter().map(Kind::name).collect();
        let shown = toml_file::shown(pattern.get_ref());
        let problem = format!("no kind is {shown}; {}", hint(pattern.get_ref(), &known));
        Err(self.error(pattern.span().start, problem))
    }

    fn regex(&self, key: &str, pattern: &Spanned<String>) -> Result<Regex, ConfigError> {
        self.regex_at(key, pattern.span().start, pattern.get_ref())
    }

    fn regex_at(&self, key: &str, start: usize, pattern: &str) -> Result<Regex, ConfigError> {
        toml_file::regex(pattern).map_err(|problem| {
            self.error(start, format!("{key} pattern {} {problem}", toml_file::shown(pattern)))
        })
    }

    fn error(&self, start: usize, problem: impl Into<String>) -> ConfigError {
        ConfigError::at(self.path, self.source, start, problem)
    }
}

/// The first group that `with` names and `pattern` lacks, which would be replaced by nothing.
/// Parsed as the crate `regex` does: `$1`, `${name}`, the longest possible name.
fn unknown_group<'a>(with: &'a str, pattern: &Regex) -> Option<&'a str> {
    let has = |name: &str| match name.parse::<usize>() {
        Ok(n) => n < pattern.captures_len(),
        Err(_) => pattern.capture_names().flatten().any(|known| known == name),
    };
    let mut rest = with;
    while let Some(dollar) = rest.find('$') {
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
            continue;
        }
        let braced = rest.strip_prefix('{').and_then(|it| it.split_once('}'));
        let (name, after) = braced.unwrap_or_else(|| {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len()))
        });
        if !name.is_empty() && !has(name) {
            return Some(name);
        }
        rest = after;
    }
    None
}

#[test]
fn a_group_that_the_pattern_lacks_is_found() {
    let pattern = Regex::new("(a)(?P<rest>b*)").expect("a pattern");
    for (with, unknown) in [
        ("$1 and $2", None),
        ("$0${1}x$rest", None),
        ("$3", Some("3")),
        ("$1x", Some("1x")),
        ("${other}", Some("other")),
        ("costs $$3", None),
        ("a $ b ${", None),
        ("$$$4", Some("4")),
    ] {
        assert_eq!(unknown_group(with, &pattern), unknown, "{with}");
    }
}
