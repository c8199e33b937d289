//! Lines of named fields: JSON objects, and `key=value` pairs (logfmt). Which field is the text,
//! and which the speaker, is data.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::codes;
use super::parts::Parts;
use crate::message::Kind;

/// Which fields of a line are which parts of a message; of several names, the first that a line
/// has. A name with dots names a field inside another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    /// How fields are written; set by the key that they stand under.
    #[serde(skip)]
    syntax: Syntax,
    /// What was said; all of the line where none is named.
    #[serde(default)]
    text: Vec<String>,
    /// Who said it.
    #[serde(default)]
    sender: Vec<String>,
    /// Where it was said.
    #[serde(default)]
    channel: Vec<String>,
    /// When it was said.
    #[serde(default)]
    time: Vec<String>,
    /// Fields, and the values that they have in lines of this kind.
    #[serde(default)]
    when: BTreeMap<String, String>,
}

/// How fields are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Syntax {
    /// A JSON object a line.
    #[default]
    Json,
    /// `key=value key="a longer value"`.
    Logfmt,
}

/// The fields of a line, parsed once for all patterns.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    json: OnceCell<Option<Value>>,
    logfmt: OnceCell<Option<Value>>,
}

impl Fields {
    /// `self` in `syntax`.
    pub(super) fn written(self, syntax: Syntax) -> Self {
        Self { syntax, ..self }
    }

    /// The parts of `line`, if it has the fields.
    pub(super) fn read<'a>(
        &self,
        kind: Kind,
        line: &'a str,
        parsed: &mut Parsed,
    ) -> Option<Parts<'a>> {
        let fields = match self.syntax {
            Syntax::Json => parsed.json.get_or_init(|| json(line)),
            Syntax::Logfmt => parsed.logfmt.get_or_init(|| logfmt(line)),
        };
        let fields = fields.as_ref()?;
        let is = |(name, value): (&String, &String)| {
            field(fields, name).and_then(shown).as_deref() == Some(value)
        };
        if !self.when.iter().all(is) {
            return None;
        }
        let first = |names: &[String]| names.iter().find_map(|name| field(fields, name));
        let part = |names: &[String]| first(names).and_then(shown).filter(|part| !part.is_empty());
        let text = match first(&self.text) {
            Some(text) => Cow::Owned(shown(text).unwrap_or_default()),
            None if self.text.is_empty() => Cow::Borrowed(line),
            None if needs_text(kind) => return None,
            None => Cow::Borrowed(""),
        };
        Some(Parts {
            kind,
            channel: part(&self.channel).map(Cow::Owned),
            sender: part(&self.sender).map(Cow::Owned),
            victim: None,
            text,
            stamp: part(&self.time).map(Cow::Owned),
        })
    }
}

/// Whether a line of `kind` is nothing without a text.
fn needs_text(kind: Kind) -> bool {
    match kind {
        Kind::Say | Kind::Action | Kind::Notice | Kind::Server | Kind::Plain => true,
        Kind::Join
        | Kind::Part
        | Kind::Quit
        | Kind::Nick
        | Kind::Kick
        | Kind::Mode
        | Kind::Topic => false,
    }
}

/// The field `name`: of that name, or nested.
fn field<'v>(fields: &'v Value, name: &str) -> Option<&'v Value> {
    let inside = || {
        let (outer, inner) = name.split_once('.')?;
        field(fields.get(outer)?, inner)
    };
    fields.get(name).or_else(inside)
}

/// A value in one line, without codes; null is none.
fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().replace(['\n', '\r'], " "),
        other => other.to_string(),
    };
    Some(codes::strip(Cow::Owned(text)).into_owned())
}

fn json(line: &str) -> Option<Value> {
    let line = line.trim();
    (line.starts_with('{') && line.ends_with('}')).then(|| serde_json::from_str(line).ok())?
}

/// At least two pairs, the first of which begins the line.
fn logfmt(line: &str) -> Option<Value> {
    let mut fields = serde_json::Map::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '/');
        if key.is_empty() || !key.chars().all(is_key) {
            return None;
        }
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let end = after.find(' ').unwrap_or(after.len());
            (after[..end].to_owned(), &after[end..])
        };
        fields.entry(key).or_insert(Value::String(value));
        rest = after.trim_start();
    }
    (fields.len() > 1).then_some(Value::Object(fields))
}

/// What is between `quoted`'s beginning and its closing quote, and what follows.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' | 'r' | 't' => value.push(' '),
                c => value.push(c),
            },
            c => value.push(c),
        }
    }
    None
}
