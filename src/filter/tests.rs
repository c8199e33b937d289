use std::path::Path;

use super::*;
use crate::clock::test_now;
use crate::diagnostics::ConfigError;
use crate::message::{Kind, SourceId};

fn message(kind: Kind, sender: &'static str, text: &'static str) -> Message<'static> {
    Message {
        kind,
        sender: (!sender.is_empty()).then_some(sender.into()),
        channel: Some("#lxc".into()),
        ..Message::plain(SourceId(0), text, test_now())
    }
}

fn set(source: &str) -> Result<RuleSet, ConfigError> {
    let source = format!("about = \"a test\"\n{source}");
    RuleSet::parse("test", Path::new("filters/test.toml"), &source)
}

/// The result of `rules`: the text, after `!` if highlighted, or the rule that dropped it.
fn judged(rules: &str, message: Message<'static>) -> String {
    let filter = Filter::new(vec![set(rules).expect(rules)]);
    match filter.judge(message, "irc.example.org") {
        Verdict::Keep(message, expires) => {
            let mark = if message.highlight { "!" } else { "" };
            let end = expires.map(|it| format!(" ({} s by {})", it.after.as_secs(), it.rule));
            format!("{mark}{}{}", message.text, end.unwrap_or_default())
        }
        Verdict::Drop { rule, .. } => rule.to_owned(),
    }
}

#[test]
fn rules_decide_in_order() {
    let hello = || message(Kind::Say, "kim", "hello teh world");
    for (rules, fate) in [
        ("", "hello teh world"),
        ("[[rule]]\ndrop = \"world\"", "test:3"),
        ("[[rule]]\ndrop = \"^kim$\"", "test:3"), // the sender too
        ("[[rule]]\ndrop = \"World\"", "hello teh world"),
        ("[[rule]]\nkeep = \"world\"\n[[rule]]\ndrop = \"kim\"", "hello teh world"),
        ("[[rule]]\nreplace = \"t(eh)\"\nwith = \"<$1>\"", "hello <eh> world"),
        ("[[rule]]\nreplace = \"teh\"\nwith = \"the\"\n[[rule]]\ndrop = \"the\"", "test:6"),
        ("[[rule]]\nhighlight = \"hello\"", "!hello teh world"),
        ("[[rule]]\ndrop = { highlight = false }", "test:3"),
        ("[[rule]]\ndrop = { sender = \"kim\", kind = \"say|action\" }", "test:3"),
        ("[[rule]]\ndrop = { sender = \"kim\", kind = \"notice\" }", "hello teh world"),
        ("[[rule]]\ndrop = { channel = \"#lxc\", source = \"example\" }", "test:3"),
        ("[[rule]]\ndrop = { text = \"kim\" }", "hello teh world"),
        ("[[rule]]\ndrop = { }", "test:3"),
        (
            "[[rule]]\nexpire = \"30s\"\nfor = { kind = \"say\" }",
            "hello teh world (30 s by test:3)",
        ),
        (
            "[[rule]]\nfor = 'hello'\nexpire = '1m'\n[[rule]]\nexpire = '2m'\nfor = {}\n\
             [[rule]]\nkeep = 'teh'",
            "hello teh world (60 s by test:4)", // the first of two
        ),
        ("[[rule]]\nexpire = \"30s\"\nfor = \"joins\"", "hello teh world"),
    ] {
        assert_eq!(judged(rules, hello()), fate, "rules: {rules}");
    }
}

#[test]
fn a_missing_part_does_not_match() {
    let line = || Message { channel: None, ..message(Kind::Plain, "", "hello") };
    assert_eq!(judged("[[rule]]\ndrop = { sender = \"\" }", line()), "hello");
    assert_eq!(judged("[[rule]]\ndrop = { channel = \"\" }", line()), "hello");
    assert_eq!(judged("[[rule]]\ndrop = \"\"", line()), "test:3");
}

#[test]
fn the_author_of_a_relayed_message_is_the_sender() {
    let relay = "[[rule]]\nfor = { sender = '^bridge$' }\n\
                 relay = '^<(?P<sender>[^>]+)> ?(?P<text>.*)'\n";
    let rules = format!("{relay}[[rule]]\ndrop = {{ sender = '^(?:bridge|eve)$' }}");
    for (sender, text, fate) in [
        ("bridge", "<kim> hello", "hello"),
        ("bridge", "<eve> hello", "test:6"), // later rules see the author
        ("bridge", "< > hello", "test:6"),
        ("bridge", "hello", "test:6"),
        ("bob", "<kim> hello", "<kim> hello"),
    ] {
        assert_eq!(judged(&rules, message(Kind::Say, sender, text)), fate, "{sender}: {text}");
    }
    let wrong = set("[[rule]]\nfor = {}\nrelay = '<(?P<sender>.*)>'").expect_err("no text");
    assert!(wrong.to_string().contains("4:9: relay pattern \"<(?P<sender>.*)>\" needs the groups"));
}

#[test]
fn every_rule_with_an_effect_is_reported() {
    let rules = "[[rule]]\nhighlight = 'teh'\n[[rule]]\nreplace = 'teh'\nwith = 'the'\n\
                 [[rule]]\nreplace = 'teh'\nwith = 'the'\n[[rule]]\ndrop = 'the world'\n\
                 [[rule]]\nhighlight = 'world'\n";
    let filter = Filter::new(vec![set(rules).expect(rules)]);
    let mut reported = Vec::new();
    let verdict =
        filter.judge_and_report(message(Kind::Say, "kim", "teh world"), "", |number, it| {
            reported.push((number, it.key()));
        });
    assert!(matches!(verdict, Verdict::Drop { rule: "test:11", .. }), "{verdict:?}");
    assert_eq!(reported, [(0, "highlight"), (1, "replace"), (3, "drop")]);
    let written: Vec<_> = filter.rules().map(Rule::written).collect();
    assert_eq!((written[0], written[3]), ("highlight = 'teh'", "drop = 'the world'"));
}

#[test]
fn a_set_replaces_one_of_the_same_name() {
    let mut filter = Filter::new(vec![set("[[rule]]\ndrop = 'a'").expect("rules")]);
    assert!(filter.put(set("[[rule]]\ndrop = 'b'").expect("rules")));
    let other = RuleSet { name: "other".to_owned(), ..set("[[rule]]\ndrop = 'c'").expect("rules") };
    assert!(!filter.put(other));
    let written: Vec<_> = filter.rules().map(Rule::written).collect();
    assert_eq!(written, ["drop = 'b'", "drop = 'c'"]);
}

#[test]
fn replacing_cannot_blow_a_line_up() {
    let rules = "[[rule]]\nreplace = \"$\"\nwith = \"ééééé\"\n".to_owned()
        + &"[[rule]]\nreplace = \"(.*)\"\nwith = \"$1$1\"\n".repeat(40);
    assert!(judged(&rules, message(Kind::Say, "kim", "hello")).len() <= MAX_REPLACED);
}

#[test]
fn a_wrong_rule_is_one_sentence_about_one_place() {
    for (rules, said) in [
        (
            "[[rule]]\ndrop = \"(ubottu\"",
            "3:8: drop pattern \"(ubottu\" is not a regular expression: unclosed group",
        ),
        (
            "[[rule]]\ndrop = { sender = \"[a\" }",
            "3:19: sender pattern \"[a\" is not a regular expression: unclosed character class",
        ),
        ("[[rule]]\ndorp = \"x\"", "3:1: unknown key \"dorp\"; did you mean \"drop\"?"),
        (
            "[[rule]]\ndrop = { nick = \"x\" }",
            "3:10: unknown key \"nick\"; known are text, sender, channel, kind, source, highlight",
        ),
        (
            "[[rule]]\ndrop = { kind = \"joni\" }",
            "3:17: no kind is \"joni\"; did you mean \"join\"?",
        ),
        (
            "[[rule]]\nreplace = \"x\"",
            "3:11: \"replace\" needs a \"with\"; with = \"\" takes it out",
        ),
        (
            "[[rule]]\ndrop = \"x\"\nwith = \"y\"",
            "4:8: \"with\" goes with \"replace\"; there is none",
        ),
        (
            "[[rule]]\nkeep = \"x\"\ndrop = \"y\"",
            "4:8: a rule has one of keep, drop, replace, relay, highlight and expire; make it two rules",
        ),
        (
            "[[rule]]",
            "2:1: a rule has one of keep, drop, replace, relay, highlight and expire; this file has one without",
        ),
        (
            "[[rule]]\nexpire = \"5s\"",
            "3:10: \"expire\" needs a \"for\"; for = {} is every message",
        ),
        ("[[rule]]\nfor = \"x\"", "3:7: \"for\" goes with \"expire\" or \"relay\"; there is none"),
        (
            "[[rule]]\nfor = {}\nexpire = \"soon\"",
            "4:10: expire is \"soon\"; it takes a time such as \"30s\"",
        ),
        (
            "[[rule]]\nfor = {}\nexpire = \"0s\"",
            "4:10: expire is \"0s\"; it takes a time such as \"30s\"",
        ),
        ("[[rule]]\ndrop = 3", "3:8: the value is 3; it takes a pattern or a table of patterns"),
    ] {
        let error = set(rules).expect_err(rules).to_string();
        assert_eq!(error, format!("filters/test.toml:{said}"), "rules: {rules}");
    }
    let error = set(&"[[rule]]\ndrop = \"x\"\n".repeat(257)).expect_err("too many");
    let said = "filters/test.toml:1:1: 257 rules are too many; a set has at most 256";
    assert_eq!(error.to_string(), said);
}

#[test]
fn the_command_lines_patterns_are_rules() {
    let own = |patterns: &[&str]| patterns.iter().map(|&p| p.to_owned()).collect::<Vec<_>>();
    let set = RuleSet::from_patterns(&own(&["kim"]), &own(&["hello"])).expect("patterns");
    let filter = Filter::new(vec![set]);
    let verdict = filter.judge(message(Kind::Say, "bob", "hello"), "");
    assert!(matches!(verdict, Verdict::Drop { rule: "--drop \"hello\"", .. }), "{verdict:?}");
    let verdict = filter.judge(message(Kind::Say, "kim", "hello"), "");
    assert!(matches!(verdict, Verdict::Keep(..)), "{verdict:?}");

    let error = RuleSet::from_patterns(&[], &own(&["(ubottu"])).expect_err("a bad pattern");
    let said = "--drop \"(ubottu\" is not a regular expression: unclosed group";
    assert_eq!(error.to_string(), said);
}

#[test]
fn noise_is_known_by_what_it_is_not_by_a_word() {
    let library = Library::load(None).expect("embedded files");
    let filter = Filter::new(vec![library.rule_set("irc-noise").expect("a rule set")]);
    for (kind, sender, text, kept) in [
        (Kind::Say, "kim", "please JOIN us, ubottu and ChanServ too", true),
        (Kind::Action, "kim", "sets the TOPIC", true),
        (Kind::Notice, "kim", "QUIT it", true),
        (Kind::Nick, "kim", "kimmy", true),
        (Kind::Kick, "kim", "bob", true),
        (Kind::Plain, "", "PART of a log", true),
        (Kind::Say, "ubottu", "I am only a bot", false),
        (Kind::Say, "ubottu2", "I am not", true),
        (Kind::Notice, "ChanServ", "[#lxc] Welcome", false),
        (Kind::Notice, "NickServ", "you are now identified", false),
        (Kind::Join, "kim", "", false),
        (Kind::Part, "kim", "bye", false),
        (Kind::Quit, "kim", "bye", false),
        (Kind::Mode, "kim", "+o kim", false),
        (Kind::Topic, "kim", "news", false),
        (Kind::Server, "irc.example.org", "- motd", false),
    ] {
        let verdict = filter.judge(message(kind, sender, text), "");
        assert_eq!(matches!(verdict, Verdict::Keep(..)), kept, "{kind} {sender} {text}");
    }
}
