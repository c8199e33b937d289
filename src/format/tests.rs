use std::sync::{Arc, LazyLock};

use super::*;
use crate::clock::test_now;
use crate::filter::Library;
use crate::message::{Kind, Line, Message, SourceId};
use crate::source::lines::{Lines, decode};

/// The formats in the program; to compile them takes longer than the tests.
fn grammars() -> Arc<Grammars> {
    static LIBRARY: LazyLock<Library> =
        LazyLock::new(|| Library::load(None).expect("embedded files"));
    LIBRARY.grammars()
}

fn reader(format: &str) -> Reader {
    Reader::named(grammars(), format).expect(format)
}

fn recognising() -> Reader {
    Reader::recognising(grammars())
}

fn lines(text: &str) -> Lines {
    Lines::new(SourceId(0), text.as_bytes().to_vec(), test_now())
}

fn line(text: &str) -> Line<'_> {
    Line { source: SourceId(0), text: text.into(), received: test_now(), continued: false }
}

/// A message's parts on one line: `kind channel sender | text`, with `-` for what is not there.
fn shown(message: &Message<'_>) -> String {
    let part = |part: &Option<std::borrow::Cow<'_, str>>| part.as_deref().unwrap_or("-").to_owned();
    let (channel, sender) = (part(&message.channel), part(&message.sender));
    format!("{} {channel} {sender} | {}", message.kind, message.text)
}

fn check(format: &str, rows: &[(&str, &str)]) {
    let mut named = reader(format);
    let mut recognised = recognising();
    for (text, parts) in rows {
        assert_eq!(shown(&named.read(line(text))), *parts, "{format}: {text:?}");
        assert_eq!(shown(&recognised.read(line(text))), *parts, "recognised: {text:?}");
        assert_eq!(recognised.format(), format, "line: {text:?}");
    }
}

#[test]
fn sic() {
    check(
        "sic",
        &[
            ("#lxc        : 2024-03-01 16:02 <kim> hello world ", "say #lxc kim | hello world"),
            ("#lxc        : 09/12/13 16:02 <kim> hello", "say #lxc kim | hello"),
            (
                "#a-very-long-name: 09/12/13 16:02 <kim> <bob> hi",
                "say #a-very-long-name kim | <bob> hi",
            ),
            (
                "#lxc        : 09/12/13 16:02 <kim> \u{1}ACTION waves\u{1}",
                "action #lxc kim | waves",
            ),
            ("#lxc        : 09/12/13 16:02 <kim> \u{1}VERSION\u{1}", "server #lxc kim | VERSION"),
            (
                "#lxc        : 09/12/13 16:02 <kim> \u{2}bold\u{2} \u{3}04red",
                "say #lxc kim | bold red",
            ),
            (
                "#lxc        : 09/12/13 16:02 <kim> please JOIN us >< JOIN (#x): y",
                "say #lxc kim | please JOIN us >< JOIN (#x): y",
            ),
            ("listener    : 09/12/13 16:02 <kim> just to you", "say - kim | just to you"),
            ("kim         : 09/12/13 16:02 >< JOIN (#lxc): ", "join #lxc kim | "),
            ("kim         : 09/12/13 16:02 >< JOIN (): #lxc", "join #lxc kim | "),
            (
                "averylongnick_: 09/12/13 16:02 >< PART (#lxc): bye all",
                "part #lxc averylongnick_ | bye all",
            ),
            (
                "kim         : 09/12/13 16:02 >< QUIT (): Quit: leaving",
                "quit - kim | Quit: leaving",
            ),
            ("kim         : 09/12/13 16:02 >< NICK (): kimmy", "nick - kim | kimmy"),
            (
                "kim         : 09/12/13 16:02 >< TOPIC (#lxc): news (now)",
                "topic #lxc kim | news (now)",
            ),
            ("kim         : 09/12/13 16:02 >< KICK (#lxc bob): spam", "kick #lxc kim | bob spam"),
            ("kim         : 09/12/13 16:02 >< MODE (#lxc +o bob): ", "mode #lxc kim | +o bob"),
            ("kim         : 09/12/13 16:02 >< MODE (kim): +i", "mode - kim | +i"),
            (
                "ChanServ    : 09/12/13 16:02 >< NOTICE (#lxc): [#lxc] hi",
                "notice #lxc ChanServ | [#lxc] hi",
            ),
            ("kim         : 09/12/13 16:02 >< NOTICE (me): psst", "notice - kim | psst"),
            (
                "irc.example.org: 09/12/13 16:02 >< NOTICE (*): *** Looking up",
                "server - irc.example.org | *** Looking up",
            ),
            (
                "irc.example.org: 09/12/13 16:02 >< 005 (me PREFIX=(ov)@+): are supported",
                "server - irc.example.org | are supported",
            ),
            ("kim         : 09/12/13 16:02 >< INVITE (me): #lxc", "server - kim | #lxc"),
        ],
    );
}

#[test]
fn ii() {
    check(
        "ii",
        &[
            ("1709301720 <kim> hello", "say - kim | hello"),
            ("1709301720 <kim> \u{1}ACTION waves\u{1}", "action - kim | waves"),
            ("1709301720 -!- kim(~kim@example.org) has joined #lxc", "join #lxc kim | "),
            ("1709301720 -!- kim(~kim@example.org) has left #lxc", "part #lxc kim | "),
            (
                "1709301720 -!- kim(~kim@example.org) has quit \"so \"long\"\"",
                "quit - kim | so \"long\"",
            ),
            ("1709301720 -!- kim changed nick to kimmy", "nick - kim | kimmy"),
            ("1709301720 -!- changed nick to \"kimmy\"", "nick - - | kimmy"),
            ("1709301720 -!- kim changed topic to \"the news\"", "topic - kim | the news"),
            ("1709301720 -!- kim changed mode/#lxc -> +o bob", "mode #lxc kim | +o bob"),
            ("1709301720 -!- kim kicked bob (\"spam\")", "kick - kim | bob spam"),
            ("1709301720 -!- \"psst\")", "notice - - | psst"),
            ("1709301720 -!- error closing link", "server - - | error closing link"),
            ("1709301720 #lxc End of /NAMES list.", "server - - | #lxc End of /NAMES list."),
            ("2013-12-09 16:02 <kim> an older version", "say - kim | an older version"),
        ],
    );
}

#[test]
fn irssi() {
    check(
        "irssi",
        &[
            (
                "--- Log opened Wed May 22 02:01:22 2002",
                "server - - | Log opened Wed May 22 02:01:22 2002",
            ),
            ("12:01 < kim> hello", "say - kim | hello"),
            ("12:01 <@kim> <+bob> hello", "say - kim | <+bob> hello"),
            ("12:01:59 <kim> hello", "say - kim | hello"),
            ("12:01 < kim> \u{4}8/grey\u{4}g", "say - kim | grey"),
            ("12:01  * kim waves", "action - kim | waves"),
            ("12:01 -!- kim [~kim@example.org] has joined #lxc", "join #lxc kim | "),
            (
                "12:01 -!- kim [~kim@example.org] has left #lxc [bye [all]]",
                "part #lxc kim | bye [all]",
            ),
            ("12:01 -!- kim [~kim@example.org] has quit []", "quit - kim | "),
            ("12:01 -!- kim is now known as kimmy", "nick - kim | kimmy"),
            ("12:01 -!- bob was kicked from #lxc by kim [spam]", "kick #lxc kim | bob spam"),
            ("12:01 -!- mode/#lxc [+o bob] by kim", "mode #lxc kim | +o bob"),
            (
                "12:01 -!- ServerMode/#lxc [+nt] by irc.example.org",
                "mode #lxc irc.example.org | +nt",
            ),
            ("12:01 -!- kim changed the topic of #lxc to: the news", "topic #lxc kim | the news"),
            (
                "12:01 -!- Irssi: Join to #lxc was synced",
                "server - - | Irssi: Join to #lxc was synced",
            ),
            ("12:01 -kim-bot:#lxc- psst - you", "notice #lxc kim-bot | psst - you"),
            ("12:01 -kim(~kim@example.org)- psst", "notice - kim | psst"),
            ("12:01 [Users #lxc]", "server - - | [Users #lxc]"),
        ],
    );
}

#[test]
fn weechat() {
    let stamped = [
        ("kim\thello", "say - kim | hello"),
        ("@kim\t--> \thello", "say - kim | --> \thello"),
        ("-->\tkim (~kim@example.org) has joined #lxc", "join #lxc kim | "),
        ("-->\tkim [account] (Kim (she)) (~kim@example.org) has joined #lxc", "join #lxc kim | "),
        ("<--\tkim (~kim@example.org) has quit (Quit: (bye))", "quit - kim | Quit: (bye)"),
        ("<--\tkim (~kim@example.org) has left #lxc (\"bye\")", "part #lxc kim | \"bye\""),
        ("<--\tkim has kicked bob (spam)", "kick - kim | bob spam"),
        ("--\tkim is now known as kimmy", "nick - kim | kimmy"),
        ("--\tMode #lxc [+o bob] by kim", "mode #lxc kim | +o bob"),
        ("--\tkim has changed topic for #lxc from \"a\" to \"b\"", "topic #lxc kim | b"),
        ("--\tkim has unset topic for #lxc (old topic: \"a\")", "topic #lxc kim | "),
        ("--\tNotice(kim) -> #lxc: psst", "notice #lxc kim | psst"),
        ("--\tPvNotice(ChanServ): Welcome", "notice - ChanServ | Welcome"),
        (" *\tkim waves", "action - kim | waves"),
        ("--\tChannel #lxc: 3 nicks", "server - - | Channel #lxc: 3 nicks"),
        ("=!=\tirc: error", "server - - | irc: error"),
        ("\tPlugins loaded: irc", "server - - | Plugins loaded: irc"),
    ];
    let rows: Vec<_> =
        stamped.map(|(line, parts)| (format!("2024-03-01 16:02:00\t{line}"), parts)).into();
    check("weechat", &rows.iter().map(|(line, parts)| (line.as_str(), *parts)).collect::<Vec<_>>());
}

#[test]
fn what_no_grammar_describes_is_plain() {
    let mut reader = recognising();
    for text in ["", "   indented", "warning: unused", "<html>", "é"] {
        assert_eq!(shown(&reader.read(line(text))), format!("plain - - | {text}"));
    }
    assert_eq!(reader.format(), "plain");
    let mut reader = self::reader("plain");
    assert_eq!(shown(&reader.read(line("12:01 < kim> hi"))), "plain - - | 12:01 < kim> hi");
}

#[test]
fn the_stamp_is_given_as_it_was_written() {
    for (format, text, stamp) in [
        ("sic", "#lxc : 09/12/13 16:02 <kim> hi", "09/12/13 16:02"),
        ("ii", "1709301720 <kim> hi", "1709301720"),
        ("irssi", "12:01 < kim> hi", "12:01"),
        ("weechat", "2024-03-01 16:02:00\tkim\thi", "2024-03-01 16:02:00"),
    ] {
        assert_eq!(reader(format).read(line(text)).stamp.as_deref(), Some(stamp), "{format}");
    }
}

#[test]
fn the_rest_of_a_line_is_plain() {
    let rest = Line { continued: true, ..line("12:01 < kim> hi") };
    assert_eq!(shown(&recognising().read(rest)), "plain - - | 12:01 < kim> hi");
}

#[test]
fn the_format_is_that_of_most_lines() {
    let mut reader = recognising();
    reader.sample(&lines(
        "pasted:\n12:01 < kim> a\n12:02 < kim> b\n12:02 < kim> c\n1709301720 <kim> c\n",
    ));
    assert_eq!(reader.format(), "irssi");
    let message = reader.read(line("1709301720 <kim> another format's line"));
    assert_eq!((reader.format(), message.kind), ("irssi", Kind::Say));
}

#[test]
fn a_log_may_change_its_format_half_way() {
    let mut reader = recognising();
    reader.sample(&lines(&"12:01 < kim> a\n".repeat(150)));
    reader.sample(&lines(&"1709301720 <kim> a\n".repeat(100)));
    for text in ["12:01 < kim> a", "1709301720 <kim> a"] {
        assert_eq!(reader.read(line(text)).kind, Kind::Say, "line: {text:?}");
    }
    // Final after 200 lines.
    assert_eq!(reader.read(line("2024-03-01 16:02:00\tkim\thi")).kind, Kind::Plain);
}

#[test]
fn an_unknown_format_lists_the_known_ones() {
    let error = Reader::named(grammars(), "irsi").expect_err("no such format").to_string();
    assert!(
        error.starts_with("unknown format \"irsi\"; known are sic, ii, hms, irssi, "),
        "{error}"
    );
    assert!(error.ends_with(", plain"), "{error}");
}

/// A text that looks like a log only here and there stays whole.
#[test]
fn what_is_no_log_stays_as_it_is() {
    let text = "\
# Heading
hello world
note: see below
error: it is not there
* an item
* another item
- a third
--- a/file
+++ b/file
=== part two ===
<p>a paragraph</p>
> quoted
**bold** words
12:01 lunch
12:01 [maybe] later
[12:01] the door was opened
[12:01:02] warning: low on ink
[note] to self
(12:01) somebody said: no
2024-03-01 12:01:02 starting the server
2024-03-01T12:01:02Z INFO server: started
name | age
key = value
a=b c=d
{\"a\": 1
| a | table |
1. first
$ make install
a -> b
";
    let mut reader = recognising();
    for text in text.lines().cycle().take(90) {
        assert_eq!(shown(&reader.read(line(text))), format!("plain - - | {text}"));
        assert_eq!(reader.format(), "plain", "{text:?}");
    }
}

#[test]
fn events_distinguish_formats_that_speech_does_not() {
    for (text, format) in [
        ("[12:01:02] *** Joins: kim (~kim@example.org)", "znc"),
        ("[12:01:02] * kim (~kim@example.org) has joined #lxc", "mirc"),
        ("[12:01:02] kim (~kim@example.org) joined #lxc.", "eggdrop"),
        ("[12:01:02] --> kim (~kim@example.org) has joined #lxc", "quassel"),
        ("[12:01:02] == kim [~kim@example.org] has joined #lxc", "qwebirc"),
        ("[12:01:02] -!- kim [~kim@example.org] has joined #lxc", "irssi"),
    ] {
        let mut reader = recognising();
        reader.read(line("[12:01:02] <kim> hello"));
        assert_eq!(reader.read(line(text)).kind, Kind::Join, "{text}");
        assert_eq!(reader.format(), format, "{text}");
    }
}

#[test]
fn other_themes_and_times_of_the_same_client() {
    for (format, text, parts) in [
        ("irssi", "2024-03-01T12:01:02+0100 <@kim> hello", "say - kim | hello"),
        ("irssi", "2024-03-01 12:01 < kim> hello", "say - kim | hello"),
        ("irssi", "12:01 #lxc: <@kim> bob: hello", "say #lxc kim | bob: hello"),
        ("irssi", "12:01 PM < kim> hello", "say - kim | hello"),
        ("irssi", "1.3. 12:01 -!- kim [a@b] has joined #lxc", "join #lxc kim | "),
        ("irssi", "12:01 >> kim [a@b] has quit [so [long]]", "quit - kim | so [long]"),
        ("weechat", "[12:01]\t→\tkim (a@b) has joined #lxc", "join #lxc kim | "),
        ("znc", "[1709301720] *** Joins: kim (a@b)", "join - kim | "),
        ("eggdrop", "[Mar 01 12:01] kim (a@b) joined #lxc.", "join #lxc kim | "),
        ("weechat", "12:01:02\t@kim\thello", "say - kim | hello"),
        ("weechat", "2024-03-01 12:01:02.345\tkim\thello", "say - kim | hello"),
        ("znc", "[2024-03-01 12:01:02] *** Joins: kim (a@b)", "join - kim | "),
        ("hexchat", "Mar 01 12:01:02 <kim>\thello", "say - kim | hello"),
        ("mirc", "[12:01 PM] * kim (a@b) has joined #lxc", "join #lxc kim | "),
        ("konversation", "[1 March 2024] [12:01:02] <kim>\thello", "say - kim | hello"),
        ("syslog", "Feb 7 12:01:02 host cron[12]: hello", "say - cron | hello"),
        ("pidgin", "(3/1/2024 12:01:02 AM) kim: hello", "say - kim | hello"),
    ] {
        let mut reader = recognising();
        assert_eq!(shown(&reader.read(line(text))), parts, "{text:?}");
        assert_eq!(reader.format(), format, "{text:?}");
    }
}

#[test]
fn fields_are_chosen_by_name() {
    for (format, text, parts) in [
        ("json-lines", r#"{"logger":"db","msg":"it is\nready"}"#, "say - db | it is ready"),
        ("json-lines", r#"{"level":"info"}"#, r#"plain - - | {"level":"info"}"#),
        ("rust-tracing", r#"{"fields":{"message":"up"},"target":"web"}"#, "say - web | up"),
        ("irc-json", r#"{"type":"quit","nick":"kim","reason":null}"#, "quit - kim | "),
        ("logfmt", r#"level=info logger=db msg="so \"it\" is""#, r#"say - db | so "it" is"#),
    ] {
        let mut reader = recognising();
        assert_eq!(shown(&reader.read(line(text))), parts, "{text:?}");
        assert_eq!(reader.format(), format, "{text:?}");
    }
}

#[test]
fn each_difference_is_one_message() {
    let source = r#"
about = "a test"
[[line]]
kind = "say"
match = '{time} <(?P<sender>[^>]+)> ?(?P<text>.*)'
[[test]]
line = "12:01 <kim> hello"
kind = "say"
sender = "kim"
text = "hello"
time = "12:01"
channel = ""
[[test]]
line = "12:01 <kim> hello"
kind = "action"
text = "bye"
[[test]]
line = "hello"
kind = "plain"
"#;
    let file = cases::CaseFile::parse("mine", std::path::Path::new("mine.toml"), source)
        .expect("a format");
    let errors = file.cases.iter().flat_map(|case| file.failures(case, test_now()).expect("lines"));
    let errors: Vec<_> = errors.map(|error| error.to_string()).collect();
    assert_eq!(
        errors,
        [
            "mine.toml:15:8: expected the kind \"action\"; it is \"say\"",
            "mine.toml:16:8: expected the text \"bye\"; it is \"hello\"",
        ]
    );
    // A wrong test does not prevent listening.
    let wrong = source.replace("channel", "chanel");
    Grammar::parse("mine", std::path::Path::new("mine.toml"), &wrong).expect("a format");
    let error = cases::CaseFile::parse("mine", std::path::Path::new("mine.toml"), &wrong)
        .expect_err("a wrong key");
    let said = "mine.toml:12:1: unknown key \"chanel\"; did you mean \"channel\"?";
    assert_eq!(error.to_string(), said);
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic_a_grammar(bytes: Vec<u8>, stamped in "(#a|b) *: 09/12/13 16:02 .*|12:01 .*|1709301720 -!- .*|2024-03-01 16:02:00\t.*") {
        let mut reader = recognising();
        for text in [decode(&bytes), stamped.into()] {
            let message = reader.read(line(&text));
            proptest::prop_assert!(message.sender.is_none_or(|sender| !sender.is_empty()));
        }
    }
}
