//! The user's lexicons: that they are used, what is wrong in them, and what runs their tests.

mod program;

use std::fs;

use self::program::{run, text};

/// A home with these lexicons.
fn home(lexicons: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("irc-speak/lexicons");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(home.path().join("irc-speak/config.toml"), "rate = 300\n").expect("a file");
    for (name, text) in lexicons {
        fs::write(folder.join(name), text).expect("a file");
    }
    home
}

const PLS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon"
         alphabet="ipa" xml:lang="en-GB">
  <lexeme><grapheme>LXC</grapheme><alias>lex see</alias></lexeme>
  <lexeme><grapheme>tea</grapheme><phoneme>tiː</phoneme></lexeme>
  <lexeme><grapheme>evil</grapheme><alias>[[h@l'oU]]</alias></lexeme>
</lexicon>
"#;

#[test]
fn the_users_words_are_spoken() {
    let home = home(&[
        (
            "en.toml",
            "[words]\nLXD = 'lex dee'\n[[pattern]]\nmatch = 'LP#(?P<n>\\d+)'\nsay = 'bug {n}'\n",
        ),
        ("it.toml", "[words]\ncmq = 'comunque'\n"),
        ("mine.pls", PLS),
    ]);
    let lines = "LXD and LXC have LP#12\nevil tea\nnon lo so, cmq va bene cos\u{ec} per me\n";
    let output = run(home.path(), &["--text"], lines);
    let expected = "lex dee and lex see have bug 12\n[ [h@l'oU]] tea\n\
                    non lo so, comunque va bene cos\u{ec} per me\n";
    assert_eq!(text(&output.stdout), expected);
    let error = text(&output.stderr);
    let said = "mine.pls: 1 word has no <alias> and is not used: phonemes cannot be spoken";
    assert!(error.contains(said) && error.lines().count() == 1, "{error}");
    let listed = text(&run(home.path(), &["lexicons"], "").stdout);
    assert!(listed.starts_with("en ") && listed.contains("lexicons/it.toml"), "{listed}");
    assert!(listed.lines().any(|line| line == "de   German"), "{listed}");
}

#[test]
fn what_is_wrong_in_a_lexicon_is_one_line() {
    for (name, lexicon, said) in [
        (
            "de.toml",
            "[words]\na = 1\n",
            "lexicons/de.toml:2:5: the value is 1; it takes text in quotes",
        ),
        (
            "it.toml",
            "[[pattern]]\nmatch = '('\nsay = ''\n",
            "lexicons/it.toml:2:9: pattern \"(\" is not",
        ),
        (
            "x.pls",
            "<lexicon>\n</lexikon>",
            "lexicons/x.pls:2:1: it is not XML: expected 'lexicon' tag",
        ),
        ("mine.toml", "", "lexicons/mine.toml:1:1: a lexicon is named for its language"),
    ] {
        let home = home(&[(name, lexicon)]);
        for arguments in [&["config", "check"][..], &["--text"], &["lexicons", "check"]] {
            let output = run(home.path(), arguments, "a line\n");
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
            assert!(error.contains(said) && error.lines().count() == 1, "{error}");
        }
    }
}

#[test]
fn the_tests_in_lexicons_are_run() {
    let tests = "[words]\nLXD = 'lex dee'\n[[test]]\nline = 'LXD'\nspoken = 'lex dee'\n\
                 [[test]]\nline = 'it takes 2h'\nspoken = 'it takes two hours'\n";
    let home = home(&[("en.toml", tests), ("de.toml", "[words]\nx = 'y'\n")]);
    let output = run(home.path(), &["lexicons", "check"], "");
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains(
            "lexicons/en.toml:8:10: expected \"it takes two hours\"; it is spoken as \"it takes 2 hours\"\n\
             files: 7, tests: "
        ),
        "{printed}"
    );
    assert!(printed.ends_with(", 1 failed\n"), "{printed}");
    let good = "[[test]]\nline = 'a 2h'\nspoken = 'a 2 hours'\n";
    fs::write(home.path().join("en.toml"), good).expect("a file");
    let output = run(home.path(), &["lexicons", "check", "en.toml"], "");
    assert_eq!(text(&output.stdout), "files: 1, tests: 1, all pass\n");
}
