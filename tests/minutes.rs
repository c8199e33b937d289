//! What `irc-speak minutes` prints.

mod program;

use std::fs;

use serde_json::Value;

use self::program::{run, text};

const LOG: &str = "\
2026-11-24 10:00 <mona> #startmeeting garden
2026-11-24 10:01 <mona> #topic the roses
2026-11-24 10:05 <otto> #info the well is dry
2026-11-24 10:06 <mona> #agreed no gnomes
2026-11-24 10:07 <otto> #action kim to dig
2026-11-24 10:08 <otto> #action otto to water
2026-11-24 10:09 <otto> #link https://example.org/well
2026-11-24 10:10 <mona> #endmeeting
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("garden.log"), LOG).expect("a file");
    fs::write(folder.path().join("chat.log"), "10:00 <mona> topic: lunch\n").expect("a file");
    fs::create_dir(folder.path().join("irc-speak")).expect("a folder");
    folder
}

#[test]
fn the_minutes_are_text_with_a_word_before_each_line() {
    let folder = folder();
    let done = run(folder.path(), &["minutes", "garden.log", "--nick", "otto"], "");
    assert_eq!(text(&done.stderr), "");
    expect_test::expect![[r"
        meeting: garden
        time: 2026-11-24 10:00 to 10:10
        chaired by: mona
        present: mona, otto
        topic 1: the roses
        agreed: no gnomes
        link: https://example.org/well
        notes: 1
        action for you: otto to water
        action: kim to dig
    "]]
    .assert_eq(&text(&done.stdout));
    let piped = run(folder.path(), &["minutes", "-", "--nick", "otto"], LOG);
    assert_eq!(piped.stdout, done.stdout);
}

#[test]
fn the_minutes_are_one_json_object() {
    let folder = folder();
    let config = "[[source]]\nconnect = \"irc.example.org\"\nchannels = [\"#a\"]\nnick = \"kim\"\n";
    fs::write(folder.path().join("irc-speak/config.toml"), config).expect("a file");
    let done = run(folder.path(), &["minutes", "--json", "garden.log", "chat.log"], "");
    assert_eq!(text(&done.stderr), "");
    let printed: Value = serde_json::from_str(&text(&done.stdout)).expect("JSON");
    let [meeting] = printed["meetings"].as_array().expect("a list").as_slice() else {
        panic!("{printed}");
    };
    for (pointer, expected) in [
        ("/title", "garden"),
        ("/style", "meetbot"),
        ("/log", "garden.log"),
        ("/began", "2026-11-24T10:00"),
        ("/topics/0/title", "the roses"),
        ("/decisions/0/kind", "agreed"),
        ("/decisions/0/topic", "the roses"),
        ("/notes/0/text", "the well is dry"),
        ("/links/0", "https://example.org/well"),
        ("/actions/0/text", "kim to dig"),
        ("/actions/0/who/0", "kim"),
        ("/actions/1/text", "otto to water"),
    ] {
        let found = meeting.pointer(pointer).and_then(Value::as_str);
        assert_eq!(found, Some(expected), "{pointer} in {meeting:#}");
    }
    assert_eq!(meeting["actions"][0]["mine"], true, "the configuration has that nick");
}

#[test]
fn without_a_meeting_the_exit_code_is_1() {
    let folder = folder();
    for (arguments, stdout, stderr, code) in [
        (&["minutes", "chat.log"][..], "", "irc-speak: no meeting in \"chat.log\"\n", 1),
        (
            &["minutes", "--json", "chat.log"],
            "{\"meetings\":[]}\n",
            "irc-speak: no meeting in \"chat.log\"\n",
            1,
        ),
        (&["minutes", "chat.log", "chat.log"], "", "irc-speak: no meeting in 2 logs\n", 1),
        (&["minutes", "gone.log"], "", "irc-speak: cannot read \"gone.log\": no such file\n", 1),
        (&["minutes", "chat.log", "--format", "nosuch"], "", "", 2),
        (&["minutes"], "", "", 2),
    ] {
        let done = run(folder.path(), arguments, "");
        assert_eq!(text(&done.stdout), stdout, "{arguments:?}");
        if !stderr.is_empty() {
            assert_eq!(text(&done.stderr), stderr, "{arguments:?}");
        }
        assert_eq!(done.status.code(), Some(code), "{arguments:?}");
    }
}
