//! What `irc-speak explain` and `irc-speak filters check` print.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A log with a line for each outcome.
const LOG: &str = "\
12:00 -!- bob [~bob@host.example.org] has joined #tea
12:01 <@kim> is the kettle on? see https://example.org/kettle/4711

12:02 < ChanServ> welcome to the channel
12:03 <@kim> yes it is
a line of no known format
12:04 < lena> kim: I put it on
12:05  * bob pours
12:06 < bob> \u{3}04hot\u{3} tea, caf\u{e9} \u{1b}[31mred
12:07 < bob> :::
12:08 -!- kim [~kim@host.example.org] has quit [Ping timeout]
";

const KEYS: [&str; 10] =
    ["line", "format", "kind", "time", "channel", "sender", "text", "fate", "rule", "spoken"];

/// Runs the program with `folder` as its only home.
fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = start(folder, arguments);
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_irc-speak"));
    command.args(arguments).current_dir(folder);
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"] {
        command.env(name, folder);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

#[test]
fn lines_of_a_slow_pipe_are_explained_as_they_arrive() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = start(folder.path(), &["explain", "--json"]);
    let mut pipe = child.stdin.take().expect("a pipe");
    let (sender, rows) = std::sync::mpsc::channel();
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    std::thread::spawn(move || out.lines().try_for_each(|row| sender.send(row)));
    for line in LOG.lines().filter(|line| !line.is_empty()).take(3) {
        writeln!(pipe, "{line}").expect("it reads");
        let row = rows.recv_timeout(Duration::from_secs(10)).expect("a row").expect("UTF-8");
        let row: Value = serde_json::from_str(&row).expect("JSON");
        assert!(line.contains(row["text"].as_str().expect("a text")), "{row}");
    }
    drop(pipe);
    assert!(child.wait().expect("it ends").success());
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn objects(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn each_line_is_one_object_with_ten_keys() {
    let folder = folder(&[("tea.log", LOG)]);
    let output = run(folder.path(), &["explain", "--json", "tea.log"], "");
    let rows = objects(&output);
    assert_eq!(rows.len(), LOG.lines().count());
    for (line, number) in text(&output.stdout).lines().zip(1..) {
        let keys: Vec<_> = line.split("\":").filter_map(|part| part.rsplit('"').next()).collect();
        assert!(keys.len() >= KEYS.len() && line.starts_with(&format!("{{\"line\":{number},")));
        let row: Value = serde_json::from_str(line).expect("JSON");
        let object = row.as_object().expect("an object");
        assert!(object.len() == KEYS.len() && KEYS.iter().all(|key| object.contains_key(*key)));
        assert_eq!(row["spoken"].is_null(), row["fate"] == "dropped", "{line}");
    }
    for (number, key, value) in [
        (1, "kind", "join"),
        (1, "channel", "#tea"),
        (1, "rule", "irc-noise:"),
        (2, "time", "12:01"),
        (2, "sender", "kim"),
        (2, "text", "is the kettle on? see https://example.org/kettle/4711"),
        (2, "format", "irssi"),
        (2, "fate", "spoken"),
        (3, "rule", "nothing to say"),
        (4, "fate", "dropped"),
        (6, "format", "plain"),
        (6, "kind", "plain"),
        (8, "kind", "action"),
    ] {
        let found = rows[number - 1][key].as_str().unwrap_or_default();
        assert!(found.starts_with(value), "line {number}: {key} is {found:?}, not {value:?}");
    }
    assert!(rows[1]["rule"].is_null() && rows[1]["channel"].is_null() && rows[5]["time"].is_null());
    // Standard input, named in two ways, gives the same output.
    assert_eq!(run(folder.path(), &["explain", "--json"], LOG).stdout, output.stdout);
    assert_eq!(run(folder.path(), &["explain", "--json", "-q", "-"], LOG).stdout, output.stdout);
    assert!(run(folder.path(), &["explain", "--json", "-q", "-"], LOG).stderr.is_empty());
}

#[test]
fn spoken_text_is_what_text_prints() {
    let folder = folder(&[
        ("tea.log", LOG),
        ("rules.toml", "[[rule]]\nreplace = 'kettle'\nwith = 'pot'\n[[rule]]\ndrop = 'yes'\n"),
    ]);
    for options in [&[][..], &["--speaker", "always"], &["-c", "rules.toml"], &["--drop", "kim"]] {
        let with = |first: &[&'static str]| [first, options].concat();
        let explained = run(folder.path(), &with(&["explain", "--json", "tea.log"]), "");
        let rows = objects(&explained);
        let spoken: Vec<_> = rows.iter().filter_map(|row| row["spoken"].as_str()).collect();
        let printed = run(folder.path(), &with(&["--text"]), LOG);
        assert_eq!(spoken, text(&printed.stdout).lines().collect::<Vec<_>>(), "{options:?}");
        let tail = with(&["tail", "--no-follow", "-n", "1000", "--text", "tea.log"]);
        assert_eq!(run(folder.path(), &tail, "").stdout, printed.stdout, "{options:?}");
    }
}

#[test]
fn the_table_has_aligned_columns_and_a_summary() {
    let rules = "[[rule]]\nhighlight = 'kim'\n[[rule]]\ndrop = 'nobody says this'\n";
    let folder = folder(&[("rules.toml", rules)]);
    let log = "12:00 -!- bob [b@x] has joined #tea\n12:01 < lena> kim: h\u{200b}i\u{202e}\n\n";
    let output = run(folder.path(), &["explain", "-c", "rules.toml"], log);
    let rows = "     1  dropped  irc-noise:N     irssi   join  #tea     bob\n     \
                2  spoken   -               irssi   say   -        lena    \
                lena to kim: hi  (also: highlight config:2)\n     \
                3  dropped  nothing to say  plain   plain  -        -\n";
    let squeezed = |text: &str| {
        text.lines()
            .map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    let shown = text(&output.stdout);
    let number = shown.split("irc-noise:").nth(1).and_then(|it| it.split(' ').next()).expect("it");
    assert_eq!(squeezed(&shown), squeezed(&rows.replace('N', number)));
    assert!(!shown.contains(['\u{200b}', '\u{202e}']), "{shown:?}");
    assert!(shown.lines().all(|line| line == line.trim_end()), "{shown}");
    let starts: Vec<_> =
        shown.lines().map(|line| line.find("irssi").or(line.find("plain"))).collect();
    assert!(starts.iter().all(|&start| start == starts[0]), "aligned: {shown}");

    let said = squeezed(&text(&output.stderr));
    assert_eq!(said[0], "3 lines: 1 spoken, 2 dropped");
    let has = |row: &str| assert!(said.iter().any(|it| it == row), "no {row:?} in {said:#?}");
    has("1 config:2 highlight = 'kim'");
    has("1 nothing to say");
    has("1 no rule: spoken");
    has("never config:4 drop = 'nobody says this'");
    has("read as irssi: it describes 100 % of the first lines");
}

#[test]
fn a_difference_is_shown() {
    let folder = folder(&[
        (
            "new.toml",
            "filters = []\n[[rule]]\ndrop = 'kettle'\n[[rule]]\nreplace = 'pours'\nwith = 'spills'\n",
        ),
        ("sets/irc-noise.toml", "about = \"no noise is left\"\n\n[[rule]]\ndrop = 'kettle'\n"),
        ("tea.log", LOG),
    ]);
    let output = run(folder.path(), &["explain", "tea.log", "--json", "--diff", "new.toml"], "");
    let rows = objects(&output);
    let numbers: Vec<_> = rows.iter().filter_map(|row| row["line"].as_u64()).collect();
    assert_eq!(numbers, [1, 2, 4, 5, 8, 11], "{rows:#?}");
    let second = rows[1].as_object().expect("an object");
    assert_eq!(second.len(), KEYS.len() + 1);
    assert_eq!((&second["fate"], &second["rule"]), (&"dropped".into(), &"config:3".into()));
    assert_eq!(second["before"]["fate"], "spoken");
    let said = text(&output.stderr);
    assert!(said.contains("is a configuration, in the place of the defaults"), "{said}");
    assert!(
        said.contains("11 lines: 1 now dropped, 3 now spoken, 2 in other words, 0 by"),
        "{said}"
    );

    let output = run(folder.path(), &["explain", "tea.log", "--diff", "sets/irc-noise.toml"], "");
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert!(said.contains("is a rule set, in the place of the one of that name"), "{said}");
    assert!(shown.contains("+ spoken   -") && shown.contains("- dropped  irc-noise:"), "{shown}");
    assert!(shown.contains("+ dropped  irc-noise:4"), "{shown}");
}

#[test]
fn an_error_is_one_line() {
    let folder = folder(&[("bad.toml", "[[rule]]\ndrop = '('\n"), ("tea.log", LOG)]);
    for (arguments, code, said) in [
        (&["explain", "none.log"][..], 1, "cannot read \"none.log\": no such file"),
        (&["explain", "tea.log", "--format", "irsi"], 2, "no format \"irsi\"; did you mean"),
        (&["explain", "tea.log", "--diff", "bad.toml"], 2, "bad.toml:2:8: drop pattern"),
        (&["explain", "tea.log", "--diff", "none.toml"], 2, "cannot read \"none.toml\": no such"),
    ] {
        let output = run(folder.path(), arguments, "");
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.starts_with("irc-speak: ") && error.contains(said), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn the_tests_in_the_built_in_files_pass() {
    let folder = folder(&[]);
    let output = run(folder.path(), &["filters", "check"], "");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).ends_with("all pass\n"));
}

#[test]
fn a_users_format_is_tested() {
    const FORMAT: &str = "about = \"mine\"\n[[line]]\nkind = 'say'\n\
                          match = '{time} (?P<sender>[^ ]+) says (?P<text>.*)'\n";
    let tests = "\
[[test]]
line = '12:00 kim says tea'
sender = 'kim'
text = 'milk'
[[test]]
line = '12:00 kim says tea'
kind = 'say'
time = '12:00'
";
    let folder = folder(&[("irc-speak/filters/mine.toml", &format!("{FORMAT}{tests}"))]);
    let output = run(folder.path(), &["filters", "check", "irc-speak/filters/mine.toml"], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "irc-speak/filters/mine.toml:8:8: expected the text \"milk\"; it is \"tea\"\n\
         files: 1, tests: 2, 1 failed\n"
    );
}

#[test]
fn a_failed_test_is_reported_with_its_position() {
    const RULES: &str = "about = \"mine\"\n[[rule]]\ndrop = 'tea'\n";
    let tests = "\
[[test]]
line = '12:00 < kim> tea'
[[test]]
line = '12:00 < kim> tea'
spoken = 'kim: tea'
[[test]]
line = '12:00 < kim> milk'
[[test]]
line = '12:00 < kim> milk'
spoken = 'kim: milk'
kind = 'notice'
highlight = true
";
    let own = format!("{RULES}{tests}");
    let folder = folder(&[
        ("irc-speak/filters/mine.toml", &own),
        ("good.toml", &format!("{RULES}[[test]]\nline = 'tea'\nrule = 'good:3'\n")),
        ("wrong.toml", &format!("{RULES}[[test]]\nlin = 'tea'\n")),
    ]);
    let mine = ["filters", "check", "irc-speak/filters/mine.toml"];
    let output = run(folder.path(), &mine, "");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "irc-speak/filters/mine.toml:8:10: expected \"kim: tea\"; it is dropped by mine:3\n\
         irc-speak/filters/mine.toml:10:8: expected to be dropped; it is spoken as \"kim: milk\"\n\
         irc-speak/filters/mine.toml:14:8: expected the kind \"notice\"; it is \"say\"\n\
         irc-speak/filters/mine.toml:15:13: expected to be highlighted; no rule does\n\
         files: 1, tests: 4, 3 failed\n"
    );
    // Without arguments, the user's files are checked, too.
    let output = run(folder.path(), &["filters", "check"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("mine.toml:8:10: "));
    let output = run(folder.path(), &["filters", "check", "good.toml"], "");
    assert_eq!(text(&output.stdout), "files: 1, tests: 1, all pass\n");
    let output = run(folder.path(), &["filters", "check", "wrong.toml"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("wrong.toml:5:1: unknown key \"lin\""));
}
