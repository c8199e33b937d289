//! What `irc-speak say-as` prints, and that it speaks.

mod program;

use std::fs;
use std::process::{Command, Stdio};

use self::program::{run, text};

#[test]
fn the_steps_are_printed_and_the_text_is_spoken() {
    let folder = tempfile::tempdir().expect("a folder");
    let spoken = ["say-as", "--output", "x.wav", "afaik", "it takes 2h", "-r", "300"];
    let output = run(folder.path(), &spoken, "this is not read\n");
    let steps = "\
text        afaik it takes 2h
numbers     afaik it takes 2 hours
words       as far as I know it takes 2 hours
spoken      as far as I know it takes 2 hours
language    English (en)
voice       en-us
";
    assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), (steps, ""));
    assert!(output.status.success());
    assert!(fs::metadata(folder.path().join("x.wav")).expect("a file").len() > 20_000);
    let printed = run(folder.path(), &["say-as", "afaik it takes 2h", "--text"], "");
    assert_eq!(text(&printed.stdout), steps);
}

#[test]
fn each_line_of_standard_input_has_its_steps() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("c.toml"), "[[rule]]\ndrop = 'secret'\n").expect("a file");
    let input = "\u{2}ok\u{2} \u{1b}[2J\nDas ist nicht mein Problem\n\na secret\n";
    let output = run(folder.path(), &["say-as", "--text", "-c", "c.toml"], input);
    let steps = "\
text        ok
spoken      ok
language    English (en)
voice       en-us

text        Das ist nicht mein Problem
spoken      Das ist nicht mein Problem
language    German (de)
voice       de

text
dropped     nothing to say

text        a secret
dropped     config:2
";
    assert_eq!(text(&output.stdout), steps, "{}", text(&output.stderr));
}

#[test]
fn an_error_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("c.toml"), "[phrase]\nlinks = \"hosts\"\n").expect("a file");
    for (arguments, said) in [
        (&["say-as", ""][..], "the text is empty"),
        (&["say-as", "--voice", "xx", "--output", "null", "hi"], "espeak has no voice \"xx\""),
        (&["say-as", "--engine", "espaek", "hi"], "did you mean \"espeak\"?"),
    ] {
        let output = run(folder.path(), arguments, "");
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
    // The null device is no input.
    let mut command = Command::new(env!("CARGO_BIN_EXE_irc-speak"));
    let output = command.arg("say-as").stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nothing to speak; write a text"));
}
