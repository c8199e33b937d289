//! The tests in files of lexicons.
#![forbid(unsafe_code)]

use super::chain::Chain;
use super::sources::{Case, LexiconFile};
use crate::diagnostics::{ConfigError, escaped};
use crate::language::Language;

/// What is wrong with each test in `file`, spoken by `chain`; none where it passes.
pub(crate) fn failures(
    file: &LexiconFile,
    chain: &Chain,
) -> Result<Vec<Option<ConfigError>>, ConfigError> {
    let source = &file.source;
    let failure = |case: &Case| {
        let language = match &case.language {
            None => file.language.unwrap_or(Language::ENGLISH),
            Some(code) => Language::from_code(code.get_ref()).ok_or_else(|| {
                let code_of = escaped(code.get_ref());
                source.wrong(
                    code,
                    format!("\"{code_of}\" is no language; it takes \"de\" or the like"),
                )
            })?,
        };
        let spoken = chain.spoken(case.line.get_ref(), language);
        let expected = case.spoken.get_ref();
        Ok((spoken != *expected).then(|| {
            let (expected, spoken) = (escaped(expected), escaped(&spoken));
            let problem = format!("expected \"{expected}\"; it is spoken as \"{spoken}\"");
            source.wrong(&case.spoken, problem)
        }))
    };
    source.file.test.iter().map(failure).collect()
}

#[cfg(test)]
mod tests {
    use super::super::chain::Options;
    use super::*;

    #[test]
    fn our_own_tests_pass() {
        let chain = Chain::embedded();
        let mut wrong = Vec::new();
        for file in LexiconFile::ours().expect("embedded files") {
            let failures = failures(&file, &chain).expect("known languages");
            assert!(file.language.is_none() || failures.len() >= 25, "{:?}", file.path());
            wrong.extend(failures.into_iter().flatten().map(|it| it.to_string()));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn chain(files: &[(&str, &str)]) -> Result<Chain, ConfigError> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let folder = Some(folder.path().to_owned());
        Chain::new(Options { folder, ..Options::default() }, Language::ENGLISH)
    }

    const PLS: &str = "<lexicon xmlns='http://www.w3.org/2005/01/pronunciation-lexicon' \
                       xml:lang='en'><lexeme><grapheme>LXD</grapheme><alias>lex dee</alias>\
                       </lexeme><lexeme><grapheme>x1y</grapheme><alias>[[h@l'oU]]</alias></lexeme>\
                       </lexicon>";

    #[test]
    fn the_users_files_go_before_ours() {
        let chain = chain(&[
            (
                "en.toml",
                "[words]\nafaik = 'AFAIK'\n\"=US\" = 'United States'\nGitHub = 'the hub'\n\
                 \"open source\" = 'free'\n\"c++\" = 'see plus plus'\n[say]\nlink-to = 'at'\n\
                 [[pattern]]\nmatch = '(?i)ticket (?P<n>[a-z]+)'\nsay = 'the ticket {n|spell}'\n\
                 [[pattern]]\nname = 'cve'\nmatch = 'CVE-\\d+-(?P<n>\\d+)'\nsay = 'hole {n}'\n",
            ),
            ("it.toml", "[words]\ncmq = 'comunque'\n"),
            ("patterns.toml", "[[pattern]]\nmatch = 'LXC'\nsay = 'lex see'\n"),
            ("a.pls", PLS),
            (".#en.toml", "no lexicon"),
            ("readme.md", "no lexicon"),
        ])
        .expect("right files");
        for (language, line, spoken) in [
            ("en", "afaik LXD, LXC", "AFAIK lex dee, lex see"),
            ("en", "lxd", "lxd"),
            ("en", "to us in the US.", "to us in the United States."),
            ("en", "Open source on GitHub in C++", "free on the hub in see plus plus"),
            ("en", "an open source", "an free"),
            ("en", "**LXD** > 2", "lex dee more than 2"),
            ("en", "see ticket abc now", "see the ticket a b c now"),
            ("en", "CVE-2024-12 https://example.org/x", "hole 12 at example.org"),
            ("en", "x1y", "[ [h@l'oU]]"),
            ("it", "cmq afaik", "comunque AFAIK"),
            ("de", "cmq z.B. LXC LXD", "cmq zum Beispiel lex see LXD"),
        ] {
            let language = Language::from_code(language).expect("a code");
            assert_eq!(chain.spoken(line, language), spoken, "{line}");
        }
    }

    #[test]
    fn an_error_in_a_users_file_has_its_place() {
        for (name, text, said) in [
            (
                "en.toml",
                "[[pattern]]\nmatch = '('\nsay = ''",
                ":2:9: pattern \"(\" is not a regular",
            ),
            (
                "en.toml",
                "[[pattern]]\nmatch = 'a'\nsay = '{b}'",
                ":3:7: what is said names the group",
            ),
            (
                "en.toml",
                "[[pattern]]\nmatch = 'a'\nsay = '{b|shout}'",
                ":3:7: what is said names the function",
            ),
            (
                "en.toml",
                "[[pattern]]\nmatch = '(?P<b>a)'\nsay = '{b|of x}'",
                ":3:7: what is said names the table \"x\", which is not there",
            ),
            (
                "en.toml",
                "[[pattern]]\nmatch = 'a'",
                ":2:9: nothing is said for the pattern \"a\"; it",
            ),
            (
                "en.toml",
                "[[pattern]]\nmatch = '%x%'\nsay = ''",
                ":2:9: there is no part and no table for %x%",
            ),
            (
                "en.toml",
                "[[pattern]]\nmatch = 'a'\nstep = 'wrods'",
                ":3:8: unknown value \"wrods\"; did you mean",
            ),
            ("en.toml", "[word]\na = 'b'", ":1:2: unknown key \"word\"; did you mean \"words\"?"),
            ("en.toml", "[words]\na = 2", ":2:5: the value is 2; it takes text in quotes"),
            ("en.toml", "[words]\n\"=\" = 'x'", ":2:7: there is no word before the equals sign"),
            (
                "en.toml",
                "[say]\nlink-too = 'x'",
                ":2:12: there is no pattern \"link-too\"; did you mean \"link-to\"?",
            ),
            ("en.toml", "[say]\ncve = '{x}'", ":2:7: what is said names the group \"x\", which"),
            (
                "en.toml",
                "[table.unit]\nx = 2",
                ":2:5: the value is 2; it takes text in quotes, or two",
            ),
            ("en.toml", "[[test]]\nlin = 'x'", ":2:1: unknown key \"lin\"; did you mean \"line\"?"),
            ("english.toml", "", ":1:1: a lexicon is named for its language, such as \"de.toml\""),
            ("de.pls", "<lexicon>", ":1:"),
        ] {
            let error = chain(&[(name, text)]).map(|_| ()).expect_err(text).to_string();
            let (_, place) = error.split_once(name).expect("it names the file");
            assert!(place.starts_with(said) && error.lines().count() == 1, "{text}: {error}");
        }
    }
}
