//! What is said for words and phrases.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use super::piece::{Piece, Token, begins, ends};

/// What is said for words, in any case or only as they are written, and for phrases of several.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    /// By the word in lower case.
    words: HashMap<String, Entry>,
    /// By the first word in lower case, the longest first.
    phrases: HashMap<String, Vec<Phrase>>,
    /// The bytes of the longest word: longer ones are not looked up.
    longest: usize,
}

#[derive(Debug, Default)]
struct Entry {
    /// In any case.
    any: Option<String>,
    /// As it is written.
    exact: Vec<(String, String)>,
}

#[derive(Debug)]
struct Phrase {
    /// In lower case, unless it is exact.
    words: String,
    is_exact: bool,
    said: String,
}

/// Signs around a word that do not belong to it.
const BEFORE: [char; 5] = ['(', '"', '\'', '[', '*'];
const AFTER: [char; 11] = ['.', ',', ':', ';', '!', '?', ')', '"', '\'', ']', '*'];

impl Dictionary {
    /// Says `said` for `key`: a word or phrase in any case; after a "=", only as it is written.
    /// Takes the place of what is there for it; false where there is no word in `key`.
    pub(super) fn insert(&mut self, key: &str, said: &str) -> bool {
        let exact = key.strip_prefix('=');
        let words: Vec<_> = exact.unwrap_or(key).split_whitespace().collect();
        if words.is_empty() {
            return false;
        }
        let written = words.join(" ");
        let lower = written.to_lowercase();
        let Some((first, _)) = lower.split_once(' ') else {
            self.longest = self.longest.max(written.len()).max(lower.len());
            let entry = self.words.entry(lower).or_default();
            if exact.is_some() {
                entry.exact.retain(|(word, _)| *word != written);
                entry.exact.push((written, said.to_owned()));
            } else {
                *entry = Entry { any: Some(said.to_owned()), exact: Vec::new() };
            }
            return true;
        };
        let phrases = self.phrases.entry(first.to_owned()).or_default();
        let is_exact = exact.is_some();
        let words = if is_exact { written } else { lower };
        phrases.retain(|it| it.words != words);
        phrases.push(Phrase { words, is_exact, said: said.to_owned() });
        phrases.sort_by_key(|it| (std::cmp::Reverse(it.words.len()), !it.is_exact));
        true
    }

    /// Whether it says nothing for anything.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.phrases.is_empty()
    }

    /// Its words in lower case, and the first ones of its phrases.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.words.keys().chain(self.phrases.keys()).map(String::as_str)
    }

    /// How many these are.
    pub(super) fn len(&self) -> usize {
        self.words.len() + self.phrases.len()
    }

    /// What is said for `word`.
    pub(super) fn get(&self, word: &str) -> Option<&str> {
        if word.len() > self.longest {
            return None;
        }
        let entry = self.words.get(&word.to_lowercase())?;
        let exact = entry.exact.iter().find(|(written, _)| written == word);
        exact.map(|(_, said)| said).or(entry.any.as_ref()).map(String::as_str)
    }

    /// Whether a phrase begins with `word`, or something is said for what stands before its
    /// apostrophe.
    pub(super) fn may_begin(&self, word: &str) -> bool {
        !self.phrases.is_empty() && self.phrases.contains_key(&word.to_lowercase())
            || word.split_once('\'').is_some_and(|(word, _)| self.get(word).is_some())
    }

    /// The next word or phrase in `text` from byte `from` on for which it says something.
    pub(super) fn find<'a>(&'a self, text: &'a str, from: usize) -> Option<Token<'a>> {
        let mut at = from;
        for token in text[from..].split(' ') {
            let start = at;
            at += token.len() + 1;
            let bare = token.trim_start_matches(BEFORE);
            for word in [token, bare] {
                let begin = start + token.len() - word.len();
                if let Some((length, said)) = self.at(&text[begin..], word)
                    && begins(text, begin)
                    && ends(text, begin + length)
                {
                    let range = begin..begin + length;
                    let pieces = vec![Piece::said(&text[range.clone()], said, "own")];
                    return Some(Token { range, pieces });
                }
            }
        }
        None
    }

    /// What is said for the beginning of `text`, whose first word is `word`, and its length.
    fn at(&self, text: &str, word: &str) -> Option<(usize, &str)> {
        let phrases =
            if self.phrases.is_empty() { None } else { self.phrases.get(&word.to_lowercase()) };
        for Phrase { words, is_exact, said } in phrases.into_iter().flatten() {
            let begin = text.get(..words.len()).filter(|_| ends(text, words.len()));
            if begin.is_some_and(|it| it == words || !is_exact && it.to_lowercase() == *words) {
                return Some((words.len(), said));
            }
        }
        // As it stands, then without the punctuation after it, then without "'s".
        let stem = word.split(['\'', '\u{2019}']).next().unwrap_or(word);
        [word, word.trim_end_matches(AFTER), stem]
            .into_iter()
            .filter(|word| !word.is_empty())
            .find_map(|word| Some((word.len(), self.get(word)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(dictionary: &Dictionary, text: &str) -> String {
        let pieces = super::super::piece::split(vec![Piece::text(text)], |text, _, from| {
            dictionary.find(text, from)
        });
        pieces.iter().map(|it| it.said.as_ref().map_or(it.source, |said| &said.words)).collect()
    }

    #[test]
    fn words_and_phrases_are_found() {
        let mut dictionary = Dictionary::default();
        for (key, said) in [
            ("lxd", "lex dee"),
            ("=TIL", "today I learned"),
            ("=US", "United States"),
            ("us", "we"),
            ("C++", "see plus plus"),
            ("open  source", "free"),
            ("open source software", "free software"),
            ("=New York", "N Y"),
            ("(c)", "copyright"),
        ] {
            assert!(dictionary.insert(key, said), "{key}");
        }
        assert!(!dictionary.insert("=", "x") && !dictionary.insert(" ", "x"));
        for (text, expected) in [
            ("LXD lxd, (Lxd). \"lxd\"", "lex dee lex dee, (lex dee). \"lex dee\""),
            ("lxd's xlxd lxd-x", "lex dee's xlxd lxd-x"),
            ("TIL til US us", "today I learned til we we"),
            ("C++, c++!", "see plus plus, see plus plus!"),
            ("Open source is open sourced", "free is open sourced"),
            ("open source software.", "free software."),
            ("New York, new york", "N Y, new york"),
            ("(c) 2020", "copyright 2020"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(said(&dictionary, text), expected, "{text}");
        }
        assert!(dictionary.may_begin("Open") && !dictionary.may_begin("source"));
    }
}
