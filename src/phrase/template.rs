//! What is said for a match of a pattern: words, and parts of the match changed by functions.
//!
//! `"{n} {u|count unit n} a second{z? in UTC}"`: a group as it is; a group changed by functions, one
//! after another; words that are said where a group took part in the match.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt;

use regex::{Captures, Regex};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::piece::Piece;
use super::words;

/// Words by key: one form, or one for one and one for many.
pub(super) type Table = BTreeMap<String, Forms>;

/// The forms of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Forms {
    /// The same for one and many.
    One(String),
    /// For one, and for many.
    Two(String, String),
}

impl Forms {
    /// The form for one.
    pub(super) fn one(&self) -> &str {
        self.of(true)
    }

    fn of(&self, is_one: bool) -> &str {
        match self {
            Self::One(form) => form,
            Self::Two(one, many) => {
                if is_one {
                    one
                } else {
                    many
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Forms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadForms)
    }
}

/// Reads a text, or two in a list.
struct ReadForms;

impl<'de> Visitor<'de> for ReadForms {
    type Value = Forms;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text in quotes, or two in brackets, such as [\"hour\", \"hours\"]")
    }

    fn visit_str<E: Error>(self, form: &str) -> Result<Forms, E> {
        Ok(Forms::One(form.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut forms: A) -> Result<Forms, A::Error> {
        let mut next = |n| forms.next_element()?.ok_or_else(|| Error::invalid_length(n, &self));
        Ok(Forms::Two(next(0)?, next(1)?))
    }
}

/// A template.
#[derive(Clone, Debug, Default)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Words(String),
    /// What this group matched, changed.
    Group(String, Vec<Function>),
    /// What this group matched stays text, for the steps that follow.
    Text(String),
    /// Words that are said if this group took part.
    If(String, String),
}

#[derive(Clone, Debug)]
enum Function {
    /// The first characters, or all, one by one.
    Spell(Option<usize>),
    /// An identifier's words.
    Identifier,
    /// The same with its full stops: `my_file.py` is "my file.py".
    Snake,
    /// The words of "camelCase", also where capitals meet.
    Humps,
    /// A path's parts.
    Path,
    /// The cells of a row in a table.
    Cells,
    /// Only the digits.
    Digits,
    /// Without zeros in front.
    Int,
    /// Without the signs between groups of three digits.
    Number,
    /// In lower case.
    Lower,
    /// The names of signs, where it has no letter and no digit.
    Signs,
    /// How many characters it has.
    Length,
    /// Its word in a table.
    Of(String),
    /// The word for one, or for many.
    Plural(String, String),
    /// Its word in a table, for one or many by the number in the group.
    Count(String, String),
}

impl Template {
    /// Reads a template. An error continues a message that names it.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').ok_or("has a \"{\" without a \"}\"")? + open;
            if open > 0 {
                parts.push(Part::Words(rest[..open].to_owned()));
            }
            parts.push(part(&rest[open + 1..close])?);
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Words(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The groups and tables that it names and that are not there, as a message.
    pub(super) fn missing(
        &self,
        regex: &Regex,
        tables: &BTreeMap<String, Table>,
    ) -> Option<String> {
        let has_group = |name: &str| regex.capture_names().flatten().any(|it| it == name);
        let groups = self.0.iter().flat_map(|part| match part {
            Part::Words(_) => vec![],
            Part::Text(group) | Part::If(group, _) => vec![group],
            Part::Group(group, functions) => {
                let counted = functions.iter().filter_map(|it| match it {
                    Function::Count(_, group) => Some(group),
                    _ => None,
                });
                std::iter::once(group).chain(counted).collect()
            }
        });
        if let Some(group) = groups.into_iter().find(|group| !has_group(group)) {
            return Some(format!("names the group \"{group}\", which the pattern has not"));
        }
        let named = self.0.iter().filter_map(|part| match part {
            Part::Group(_, functions) => Some(functions),
            _ => None,
        });
        let table = named.flatten().find_map(|function| match function {
            Function::Of(table) | Function::Count(table, _) if !tables.contains_key(table) => {
                Some(table)
            }
            _ => None,
        });
        table.map(|table| format!("names the table \"{table}\", which is not there"))
    }

    /// The pieces of a match in `text`.
    pub(super) fn fill<'a>(
        &self,
        text: &'a str,
        captures: &Captures<'a>,
        tables: &BTreeMap<String, Table>,
        tag: &'a str,
    ) -> Vec<Piece<'a>> {
        let whole = captures.get_match().range();
        let (mut pieces, mut words, mut done) = (Vec::new(), String::new(), whole.start);
        for part in &self.0 {
            match part {
                Part::Words(part) => words.push_str(part),
                Part::If(group, part) => {
                    if captures.name(group).is_some() {
                        words.push_str(part);
                    }
                }
                Part::Group(group, functions) => {
                    let value = captures.name(group).map_or("", |it| it.as_str());
                    words.push_str(&changed(value, functions, captures, tables));
                }
                Part::Text(group) => {
                    let Some(group) = captures.name(group) else { continue };
                    let before = &text[done..group.start()];
                    pieces.push(Piece::said(before, std::mem::take(&mut words), tag));
                    pieces.push(Piece::text(group.as_str()));
                    done = group.end();
                }
            }
        }
        if done < whole.end || !words.is_empty() {
            pieces.push(Piece::said(&text[done..whole.end], words, tag));
        }
        pieces
    }
}

fn part(source: &str) -> Result<Part, String> {
    if let Some((group, words)) = source.split_once('?') {
        return Ok(Part::If(group.to_owned(), words.to_owned()));
    }
    let mut names = source.split('|');
    let group = names.next().unwrap_or_default().trim().to_owned();
    let names: Vec<_> = names.map(str::trim).collect();
    if names == ["text"] {
        return Ok(Part::Text(group));
    }
    let functions = names.into_iter().map(function).collect::<Result<_, _>>()?;
    Ok(Part::Group(group, functions))
}

fn function(source: &str) -> Result<Function, String> {
    let words: Vec<_> = source.split_ascii_whitespace().collect();
    Ok(match words[..] {
        ["spell"] => Function::Spell(None),
        ["spell", n] => {
            Function::Spell(Some(n.parse().map_err(|_| format!("spells \"{n}\" characters"))?))
        }
        ["words"] => Function::Identifier,
        ["snake"] => Function::Snake,
        ["humps"] => Function::Humps,
        ["path"] => Function::Path,
        ["cells"] => Function::Cells,
        ["number"] => Function::Number,
        ["plural", one, many] => Function::Plural(one.to_owned(), many.to_owned()),
        ["digits"] => Function::Digits,
        ["int"] => Function::Int,
        ["lower"] => Function::Lower,
        ["signs"] => Function::Signs,
        ["length"] => Function::Length,
        ["of", table] => Function::Of(table.to_owned()),
        ["count", table, group] => Function::Count(table.to_owned(), group.to_owned()),
        _ => {
            return Err(format!(
                "names the function \"{source}\"; known are text, spell, words, snake, humps, \
                 path, cells, digits, number, int, lower, signs, length, plural, of, count"
            ));
        }
    })
}

fn changed(
    value: &str,
    functions: &[Function],
    captures: &Captures<'_>,
    tables: &BTreeMap<String, Table>,
) -> String {
    let mut value = value.to_owned();
    for function in functions {
        value = match function {
            Function::Spell(n) => words::spelled(&value, n.unwrap_or(usize::MAX)),
            Function::Identifier => words::identifier(&value),
            Function::Snake => words::snake(&value),
            Function::Humps => words::humps(&value),
            Function::Path => words::path(&value),
            Function::Cells => words::cells(&value),
            Function::Number => number(&value, tables),
            Function::Plural(one, many) => {
                (if without_zeros(&value) == "1" { one } else { many }).clone()
            }
            Function::Digits => value.chars().filter(char::is_ascii_digit).collect(),
            Function::Int => without_zeros(&value),
            Function::Lower => value.to_lowercase(),
            Function::Signs => signs(&value, tables),
            Function::Length => value.chars().count().to_string(),
            Function::Of(table) => looked_up(tables, table, &value, false),
            Function::Count(table, group) => {
                let n = captures.name(group).map_or("", |it| it.as_str());
                looked_up(tables, table, &value, n == "1")
            }
        };
    }
    value
}

/// A number without blanks, and without the signs that part groups of digits in this language.
fn number(value: &str, tables: &BTreeMap<String, Table>) -> String {
    let group = tables.get("group");
    let parts = |c: char| {
        matches!(c, ' ' | '_' | '\'' | '’')
            || group.is_some_and(|group| group.contains_key(c.encode_utf8(&mut [0; 4]) as &str))
    };
    let is_group = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count() == 3;
    let mut out = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        if !(parts(c) && is_group(&value[at + c.len_utf8()..])) {
            out.push(c);
        }
    }
    out
}

/// The names of signs by the table `alone`; what has a letter or a digit stays.
fn signs(value: &str, tables: &BTreeMap<String, Table>) -> String {
    if value.contains(char::is_alphanumeric) {
        return value.to_owned();
    }
    let name = |c: char| looked_up(tables, "alone", c.encode_utf8(&mut [0; 4]), false);
    value.chars().filter(|c| *c != ' ').map(name).collect::<Vec<_>>().join(", ")
}

fn without_zeros(number: &str) -> String {
    if number.is_empty() {
        return String::new();
    }
    let bare = number.trim_start_matches('0');
    if bare.is_empty() || !bare.starts_with(|c: char| c.is_ascii_digit()) {
        format!("0{bare}")
    } else {
        bare.to_owned()
    }
}

/// The word for `key`: as it is written, else in lower case; the key where it has none.
fn looked_up(tables: &BTreeMap<String, Table>, table: &str, key: &str, is_one: bool) -> String {
    let table = tables.get(table);
    let find = |key: &str| table.and_then(|table| table.get(key));
    let found = find(key).or_else(|| find(&key.to_lowercase()));
    found.map_or(key, |forms| forms.of(is_one)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled() {
        let unit = [("h".to_owned(), Forms::Two("hour".to_owned(), "hours".to_owned()))];
        let tables = BTreeMap::from([("unit".to_owned(), Table::from(unit))]);
        for (pattern, template, text, said) in [
            (r"(?P<n>\d+)(?P<u>h)", "{n} {u|count unit n}", "2h", "2 hours"),
            (r"(?P<n>\d+)(?P<u>h)", "{n} {u|count unit n}", "1h", "1 hour"),
            (r"(?P<n>\d+)(?P<z>Z)?", "{n|int}{z? in UTC}", "007Z", "7 in UTC"),
            (r"(?P<n>\d+)(?P<z>Z)?", "{n|int}{z? in UTC}", "007", "7"),
            ("(?P<h>[0-9a-f]+)", "hash {h|spell 3}", "abcdef", "hash a b c"),
            (r"\*(?P<t>\w+)\*", "{t|text}", "*bold*", "bold"),
            (r"(?P<x>\w+)", "{x|lower|length}", "ABC", "3"),
        ] {
            let regex = Regex::new(pattern).expect("a pattern");
            let template = Template::parse(template).expect("a template");
            assert_eq!(template.missing(&regex, &tables), None);
            let captures = regex.captures(text).expect("it matches");
            let pieces = template.fill(text, &captures, &tables, "tag");
            let sources: String = pieces.iter().map(|it| it.source).collect();
            assert_eq!(sources, text);
            let spoken: String = pieces
                .iter()
                .map(|it| it.said.as_ref().map_or(it.source, |said| &said.words))
                .collect();
            assert_eq!(spoken, said, "{text}");
        }
    }

    #[test]
    fn faults_are_named() {
        for (template, said) in [
            ("{n", "has a \"{\" without a \"}\""),
            ("{n|shout}", "names the function \"shout\"; known are text, "),
            ("{n|spell x}", "spells \"x\" characters"),
        ] {
            let error = Template::parse(template).expect_err(template);
            assert!(error.starts_with(said), "{error}");
        }
        let regex = Regex::new("(?P<n>x)").expect("a pattern");
        for (template, said) in [
            ("{m}", "names the group \"m\", which the pattern has not"),
            ("{n|of unit}", "names the table \"unit\", which is not there"),
        ] {
            let template = Template::parse(template).expect("a template");
            assert_eq!(template.missing(&regex, &BTreeMap::new()).as_deref(), Some(said));
        }
    }
}
