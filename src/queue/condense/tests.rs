use super::*;
use crate::message::{Earcon, Expiry, LinePosition, SourceId, UtteranceId};

/// The run that `utterances` begin with.
fn run<'a>(utterances: impl Iterator<Item = &'a Utterance>) -> Option<(usize, String)> {
    let (utterances, names): (Vec<&Utterance>, _) = (utterances.collect(), Names::default());
    super::run(utterances.into_iter(), &Phrases::english(), &names)
}

/// An utterance with this sender, written text and spoken text.
fn utterance(kind: Kind, sender: &str, said: &str, text: &str) -> Utterance {
    let now = crate::clock::test_now();
    let mut message = Message::plain(SourceId(0), said.to_owned(), now);
    (message.kind, message.sender) = (kind, Some(sender.to_owned().into()));
    let is_named = text.starts_with(sender);
    let name_len = if is_named { sender.len() } else { 0 };
    let name_end = if kind == Kind::Say && is_named { name_len + 2 } else { 0 };
    Utterance {
        id: UtteranceId(1),
        text: text.to_owned(),
        message: Some(message),
        language: None,
        name_len,
        name_end,
        line: LinePosition { number: 1, end: None },
        received: now,
        is_replay: false,
        is_live: true,
        earcon: None,
        expiry: None,
    }
}

fn say(sender: &str, said: &str) -> Utterance {
    utterance(Kind::Say, sender, said, &format!("{sender}: {said}"))
}

fn join(sender: &str) -> Utterance {
    utterance(Kind::Join, sender, "", &format!("{sender} joined"))
}

#[test]
fn runs_are_counted_and_every_sender_is_named() {
    let left = |sender: &str, reason: &str| {
        utterance(Kind::Part, sender, reason, &format!("{sender} left{reason}"))
    };
    let unnamed = |sender: &str| utterance(Kind::Say, sender, "+1", "+1");
    let named: Vec<_> = ["ann", "bob", "cy"].iter().map(|sender| say(sender, "+1")).collect();
    let other = say("dan", "-1");
    for (utterances, expected) in [
        (vec![join("ann"), join("bob"), join("cy")], Some((3, "3 joined: ann, bob, cy"))),
        (vec![join("ann"), join("bob")], None),
        (
            vec![left("ann", ""), left("bob", ": bye"), left("cy", "")],
            Some((3, "3 left: ann, bob, cy")),
        ),
        ([named.clone(), vec![other]].concat(), Some((3, "3 say +1: ann, bob, cy"))),
        (
            vec![unnamed("ann"), say("bob", "+1"), say("cy", "+1")],
            Some((3, "3 say +1: ann, bob, cy")),
        ),
        (vec![unnamed("ann"), unnamed("bob"), unnamed("cy")], Some((3, "3 say +1"))),
        (vec![say("ann", "+1"), say("bob", "+1"), say("ann", "+1")], None), // ann twice
        (vec![join("ann"), left("bob", ""), join("cy"), join("dan")], None),
        (vec![say("ann", "not so short a text"); 3], None),
        (vec![], None),
    ] {
        let expected = expected.map(|(n, text): (usize, &str)| (n, text.to_owned()));
        assert_eq!(run(utterances.iter()), expected, "{utterances:?}");
    }
}

#[test]
fn a_run_is_bounded_and_is_not_merged_again() {
    let many: Vec<_> = (0..200).map(|n| join(&format!("somebody{n}"))).collect();
    let (n, text) = run(many.iter()).expect("a run");
    assert!(text.len() <= MERGED && n > 30, "{n}: {} bytes", text.len());
    let merged = Utterance { name_len: 0, name_end: text.len(), text, ..join("somebody0") };
    let again: Vec<_> = std::iter::once(&merged).chain(&many[n..]).collect();
    assert_eq!(run(again.into_iter()), None, "its text is no longer countable");
}

#[test]
fn an_utterance_with_an_earcon_or_an_expiry_stays_whole() {
    let now = crate::clock::test_now();
    let (one, two) = (say("kim", "first"), say("kim", "second"));
    assert!(goes_on(&one, &two));
    let expiry = Some(Expiry { at: now, rule: "config:1".to_owned() });
    assert!(!goes_on(&one, &Utterance { expiry: expiry.clone(), ..two.clone() }));
    assert!(!goes_on(&Utterance { expiry, ..one.clone() }, &two));
    assert!(!goes_on(&one, &Utterance { earcon: Some(Earcon::Highlight), ..two.clone() }));
    assert!(!goes_on(&one, &Utterance { is_replay: true, ..two.clone() }));
    assert!(!goes_on(&one, &say("al", "second")));
    let came = |sender| Utterance { earcon: Some(Earcon::Join), ..join(sender) };
    assert!(
        run([came("ann"), came("bob"), came("cy")].iter()).is_some(),
        "one earcon stands for all"
    );
}
