//! Lines of meetings, and the minutes they make.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::clock;

fn message<'a>(sender: &'a str, text: &'a str) -> Message<'a> {
    let mut message = Message::plain(SourceId(0), text, clock::now());
    message.kind = Kind::Say;
    message.sender = Some(sender.into());
    message
}

fn at<'a>(stamp: &'a str, sender: &'a str, text: &'a str) -> Message<'a> {
    Message { stamp: Some(stamp.into()), ..message(sender, text) }
}

/// The minutes of a log: `kim: text`, one line each.
fn minutes(log: &str) -> Vec<Minutes> {
    let mut meetings = Meetings::collecting();
    for line in log.lines() {
        let (sender, text) = line.split_once(": ").expect(line);
        meetings.hear(&message(sender.trim(), text));
    }
    meetings.finish()
}

/// `topic roses`, `action kim to dig`, in order.
fn entries(minutes: &Minutes) -> Vec<String> {
    minutes.entries.iter().map(|it| format!("{} {}", it.kind.name(), it.text)).collect()
}

#[test]
fn a_line_is_marked_by_what_it_is_for() {
    let queues = |who, about| Mark::Queues { who, about };
    for (text, expected) in [
        ("#topic  the roses ", Mark::Topic("the roses")),
        ("#TOPIC: the roses", Mark::Topic("the roses")),
        ("#startmeeting", Mark::Begins("")),
        ("#startmeeting garden", Mark::Begins("garden")),
        ("#endmeeting", Mark::Ends),
        ("#agree no gnomes", Mark::Decides(Decision::Agreed, "no gnomes")),
        ("#halp with the well", Mark::Note(Note::Help, "with the well")),
        ("#undo", Mark::Undo),
        ("topic: the roses", Mark::Topic("the roses")),
        ("Topic : the roses", Mark::Topic("the roses")),
        ("subtopic:thorns", Mark::Subtopic("thorns")),
        ("RESOLVED: no gnomes", Mark::Decides(Decision::Resolved, "no gnomes")),
        ("resolution: no gnomes", Mark::Decides(Decision::Resolved, "no gnomes")),
        ("PROPOSED: gnomes", Mark::Proposal("gnomes")),
        ("action: otto to water", Mark::Action("otto to water")),
        ("present+", Mark::Present(None)),
        ("present+ otto, mona", Mark::Present(Some("otto, mona"))),
        ("regrets+ ada", Mark::Regrets(Some("ada"))),
        ("scribe+", Mark::Scribes(None)),
        ("scribenick: otto", Mark::Scribes(Some("otto"))),
        ("chair: mona", Mark::Chairs("mona")),
        ("q+", queues(None, "")),
        ("q+ to ask about the well", queues(None, "ask about the well")),
        ("q+ otto", queues(Some("otto"), "")),
        ("q+ otto to answer", queues(Some("otto"), "answer")),
        ("q-", Mark::Leaves(None)),
        ("q- later", Mark::Leaves(None)),
        ("ack otto", Mark::Calls(Some("otto"))),
        ("agenda+ the well", Mark::Agenda("the well")),
        ("Zakim, end meeting", Mark::Ends),
        ("rrsagent, make minutes", Mark::Clerical),
        ("+1", Mark::Ballot("+1")),
        ("-1 not again", Mark::Ballot("-1")),
        ("0", Mark::Ballot("0")),
        ("s/rosses/roses/", Mark::Corrects { old: "rosses", new: "roses", everywhere: false }),
        ("s|a/b|c|g", Mark::Corrects { old: "a/b", new: "c", everywhere: true }),
        (
            "s/this is open/and right",
            Mark::Corrects { old: "this is open", new: "and right", everywhere: false },
        ),
    ] {
        assert_eq!(mark(&message("mona", text)), Some(expected), "{text}");
    }
    for (sender, text, expected) in [
        ("Zakim", "agendum 2 -- The Well -- taken up [from ada]", Mark::Topic("The Well")),
        ("Zakim", "agendum 2. \"The Well\" taken up [from ada]", Mark::Topic("The Well")),
        (
            "trackbot",
            "Created ACTION-7 - Dig [on Otto Lee - due 2026-12-01].",
            Mark::Filed { id: "ACTION-7", who: "Otto Lee", due: "2026-12-01" },
        ),
    ] {
        assert_eq!(mark(&message(sender, text)), Some(expected), "{text}");
    }
}

#[test]
fn ordinary_lines_have_no_mark() {
    for text in [
        "",
        "the topic: roses",
        "#garden is the channel",
        "#info-desk is elsewhere",
        "#topic",
        "topic:",
        "q?",
        "q-learning is fun",
        "ack, I see",
        "ack that sounds good",
        "+1000",
        "-10 degrees",
        "0.5 is enough",
        "10 of them",
        "present-day gardens",
        "s/a",
        "so/so",
        "agendum 2, The Well, closed",
        "ACTION-7: see there",
        "Created by hand",
        "zakim is a bot",
        "créé: à la main",
    ] {
        assert_eq!(mark(&message("mona", text)), None, "{text}");
    }
    assert_eq!(mark(&message("RRSAgent", "ACTION: otto to water [1]")), None);
    let joined = Message { kind: Kind::Join, ..message("mona", "topic: roses") };
    assert_eq!(mark(&joined), None);
}

#[test]
fn an_action_says_who_does_it() {
    for (text, who, what) in [
        ("kim to write the notes", Some("kim"), "write the notes"),
        ("kim and otto to dig", Some("kim and otto"), "dig"),
        ("Kim Lee: dig", Some("Kim Lee"), "dig"),
        ("@kim - dig", Some("@kim"), "dig"),
        ("kim will ask otto to dig", Some("kim"), "ask otto to dig"),
        ("need to find a spade", None, "need to find a spade"),
        ("water the roses", None, "water the roses"),
        (
            "find somebody who is willing to dig there",
            None,
            "find somebody who is willing to dig there",
        ),
    ] {
        assert_eq!(Mark::action_parts(text), (who, what), "{text}");
    }
}

const GARDEN: &str = "\
otto: #topic too early
mona: #startmeeting garden
MeetBot: Meeting started Tue Nov 24 10:00:00 2026 UTC.  The chair is mona. Information about MeetBot at x
MeetBot: Useful Commands: #action #agreed #help #info #idea #link #topic.
mona: #topic the roses
otto: #topic not by me
otto: #info the well is dry
mona: #agreed no gnomes
mona: #accepted a typo
mona: #undo
MeetBot: Removing item from minutes: ACCEPTED
mona: #chair otto, ada
MeetBot: Current chairs: ada mona otto
otto: #topic the well
ada: #action otto to dig
MeetBot: ACTION: otto to dig
ada: #action ask the neighbour, kim knows
kim: https://example.org/well shows it
mona: #vote shall we dig?
kim: +1
otto: -1
otto: +1 after all
ada: +0
mona: #endvote
kim: #endmeeting
mona: #endmeeting
MeetBot: Meeting ended Tue Nov 24 10:45:00 2026 UTC.
otto: #action too late";

#[test]
fn meetbots_rules_hold() {
    let found = minutes(GARDEN);
    let [garden] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(garden.title.as_deref(), Some("garden"));
    assert_eq!(garden.chairs, ["mona", "otto", "ada"]);
    assert_eq!(
        entries(garden),
        [
            "topic the roses",
            "info the well is dry",
            "agreed no gnomes",
            "topic the well",
            "action otto to dig",
            "action ask the neighbour, kim knows",
            "link https://example.org/well shows it",
        ]
    );
    let [vote] = garden.votes.as_slice() else { panic!("{:?}", garden.votes) };
    assert_eq!(vote.question, "shall we dig?");
    assert_eq!(vote.counts(), [("+1".to_owned(), 2), ("0".to_owned(), 1)]);
    assert_eq!(garden.digest(&[]), "2 topics, 1 agreement, 2 actions");
}

#[test]
fn my_actions_come_first() {
    let found = minutes(GARDEN);
    let texts = |nick: &str| {
        let nicks = [nick.to_owned()];
        let actions = found[0].actions(&nicks);
        (actions[0].text.clone(), found[0].digest(&nicks))
    };
    assert_eq!(texts("otto").0, "otto to dig");
    assert_eq!(texts("KIM").0, "ask the neighbour, kim knows");
    assert!(texts("kim").1.ends_with(", 1 for you"), "{}", texts("kim").1);
    assert_eq!(texts("kimono").1, found[0].digest(&[]), "a nick is a whole word");
}

#[test]
fn relatives_of_meetbot_are_known() {
    let found = minutes(
        "mona: !startmeeting garden\nmona: !topic roses\notto: !action otto to dig\nmona: !endmeeting\n\
         mona: #startmeeting\nMootBot: Meeting started at 10:00. The chair is mona.\n\
         mona: [TOPIC] the well\nMootBot: New Topic:  the well\nmona: [AGREED] dig\n\
         mona: #startvote Where? here, there\notto: #vote here\nkim: #vote there\nkim: #vote here\n\
         mona: #endvote\nmona: #endmeeting\n",
    );
    let [first, second] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(entries(first), ["topic roses", "action otto to dig"]);
    assert_eq!(entries(second), ["topic the well", "agreed dig"]);
    assert_eq!(second.votes[0].counts(), [("here".to_owned(), 2)]);
    assert!(minutes("mona: !topic roses\nmona: !info bash\notto: [link] x").is_empty());
}

#[test]
fn the_bot_alone_tells_that_a_meeting_runs() {
    let found = minutes(
        "MeetBot: Meeting started Tue Nov 24 10:00:00 2026 UTC.  The chair is mona. Information x\n\
         mona: #topic roses\nMeetBot: Meeting ended Tue Nov 24 10:45:00 2026 UTC.\nmona: #topic late",
    );
    assert_eq!(found.iter().flat_map(entries).collect::<Vec<_>>(), ["topic roses"]);
}

const WORKSHOP: &str = "\
mona: meeting: Workshop
mona: chair: mona
otto: present+
ada: present+ ada, Kim Lee
kim: regrets+
mona: scribe: otto
Zakim: agendum 1 -- The Well -- taken up [from agendabot]
mona: topic: the well
otto: ada: the well is dryy
ada: q+ to ask
mona: ack ada
mona: PROPOSED: we dig
ada: +1
otto: +1
mona: RESOLVED: we digg
ada: s/digg/dig/
otto: s/dryy/dry/
mona: ACTION: Otto to by a spade
trackbot: Created ACTION-7 - By a spade [on Otto Lee - due 2026-12-01].
mona: subtopic: spades
otto: s/by a spade/buy a spade/
mona: topic: the roses
mona: zakim, end meeting
Zakim: As of this point the attendees have been otto, ada, bert
RRSAgent: I see 1 open action item saved in x
RRSAgent: ACTION: Otto to by a spade [1]
otto: s/the roses/The Roses/";

#[test]
fn lines_for_the_scribe_make_minutes() {
    let found = minutes(WORKSHOP);
    let [workshop] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(workshop.title.as_deref(), Some("Workshop"));
    assert_eq!(workshop.present, ["otto", "ada", "Kim Lee", "bert"]);
    assert_eq!(workshop.regrets, ["kim"]);
    assert_eq!(
        entries(workshop),
        [
            "topic The Well",
            "resolved we dig",
            "action Otto to buy a spade",
            "subtopic spades",
            "topic The Roses",
        ]
    );
    let action = workshop.actions(&[])[0];
    assert_eq!(action.who, ["Otto"]);
    assert_eq!(action.filed, Some(("ACTION-7".to_owned(), "2026-12-01".to_owned())));
    let [vote] = workshop.votes.as_slice() else { panic!("{:?}", workshop.votes) };
    assert_eq!(vote.outcome.as_deref(), Some("resolved"));
    assert_eq!(vote.counts(), [("+1".to_owned(), 2)]);
}

#[test]
fn a_correction_is_of_the_last_line_that_has_it() {
    let log = "mona: scribe: otto\nmona: topic: dry wells\notto: kim: dry wells are bad\n\
               otto: s/dry wells/dry walls/";
    assert_eq!(entries(&minutes(log)[0]), ["topic dry wells"]);
    assert_eq!(entries(&minutes(&format!("{log}g"))[0]), ["topic dry walls"]);
}

#[test]
fn a_chat_is_no_meeting() {
    for log in [
        "mona: topic: roses",
        "mona: topic: roses\nmona: topic: wells",
        "mona: action: a thriller\notto: ack mona\notto: +1",
        "mona: #topic roses\nmona: #action dig\nmona: #endmeeting",
        "mona: meeting: at ten\nmona: agenda: see mail",
        "mona: Meeting ended\notto: Meeting started late",
    ] {
        assert_eq!(minutes(log).len(), 0, "{log}");
    }
}

#[test]
fn after_hours_without_a_line_another_meeting_begins() {
    let hold = |stamps: [&str; 2]| {
        let mut meetings = Meetings::collecting();
        for stamp in stamps {
            meetings.hear(&at(stamp, "mona", "scribe: otto"));
            meetings.hear(&at(stamp, "mona", "topic: roses"));
        }
        meetings.finish().len()
    };
    for (stamps, n) in [
        (["10:00", "11:30"], 1),
        (["10:00", "16:00"], 2),
        (["23:30", "00:15"], 1),
        (["10:00:05", "10:00:03"], 1),
        (["2026-11-24 10:00", "2026-11-24 12:00"], 1),
        (["2026-11-24 10:00", "2026-12-01 10:00"], 2),
    ] {
        assert_eq!(hold(stamps), n, "{stamps:?}");
    }
}

#[test]
fn channels_do_not_mix() {
    let mut meetings = Meetings::collecting();
    for (channel, text) in [
        ("#garden", "#startmeeting"),
        ("#garden", "#topic roses"),
        ("#kitchen", "#topic soup"),
        ("#kitchen", "#endmeeting"),
        ("#garden", "#topic wells"),
    ] {
        meetings.hear(&Message { channel: Some(channel.into()), ..message("mona", text) });
    }
    let found = meetings.finish();
    assert_eq!(found.iter().flat_map(entries).collect::<Vec<_>>(), ["topic roses", "topic wells"]);
}

#[test]
fn where_it_stands_is_said_in_a_sentence() {
    let mut meetings = Meetings::behind_rules();
    let began = clock::now();
    let minute = |n: u64| began + Duration::from_secs(60 * n);
    let mut hear = |received: Instant, text: &str| {
        meetings.hear(&Message { received, ..message("mona", text) });
        meetings.current().map(|(minutes, runs)| (minutes.whereabouts(minute(15)), runs))
    };
    assert_eq!(hear(began, "good morning"), None);
    let none_yet = "no topic yet, the meeting began 15 minutes ago; no action yet";
    assert_eq!(hear(began, "#startmeeting"), Some((none_yet.to_owned(), true)));
    let topic = "topic: roses, for 12 minutes; no action yet";
    assert_eq!(hear(minute(3), "#topic roses"), Some((topic.to_owned(), true)));
    // A rule made it of "#action kim to dig".
    let action = "topic: roses, for 12 minutes; last action: kim to dig";
    assert_eq!(hear(minute(5), "action: kim to dig"), Some((action.to_owned(), true)));
    assert_eq!(hear(minute(9), "#endmeeting"), Some((action.to_owned(), false)));
}

#[test]
fn the_minutes_come_once_when_a_meeting_ends() {
    let mut meetings = Meetings::behind_rules();
    let ended: Vec<_> = GARDEN
        .lines()
        .filter_map(|line| {
            let (sender, text) = line.split_once(": ")?;
            meetings.hear(&message(sender, text))
        })
        .collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        ended[0].digest(&["otto".to_owned()]),
        "2 topics, 1 agreement, 2 actions, 1 for you"
    );
}

#[test]
fn who_comes_late_hears_where_it_stands() {
    let mut meetings = Meetings::behind_rules();
    meetings.hear(&message("mona", "#topic roses"));
    meetings.hear(&message("otto", "#topic not by me"));
    let stands = meetings.current().map(|(minutes, _)| entries(&minutes));
    assert_eq!(stands, Some(vec!["topic roses".to_owned()]));
    assert!(meetings.hear(&message("mona", "#endmeeting")).is_some());
}

#[test]
fn what_floods_a_meeting_does_not_fill_the_memory() {
    let mut meetings = Meetings::behind_rules();
    meetings.hear(&message("mona", "#startmeeting"));
    for n in 0..12_000 {
        meetings.hear(&message(&format!("mona{n}"), &format!("#info {n}")));
    }
    let (minutes, _) = meetings.current().expect("a meeting");
    assert_eq!((minutes.entries.len(), minutes.present.len()), (10_000, 1_000));
}

proptest! {
    #[test]
    fn no_line_breaks_it(
        lines in proptest::collection::vec(("[A-Za-z_é]{0,9}|Zakim|trackbot|MeetBot", any_line()), 1..40)
    ) {
        let mut meetings = Meetings::behind_rules();
        meetings.hear(&message("mona", "#startmeeting"));
        for (sender, text) in &lines {
            meetings.hear(&message(sender, text));
        }
        let _ = meetings.current().map(|(minutes, _)| minutes.whereabouts(clock::now()));
        meetings.finish();
    }
}

/// Pieces of lines of meetings, and anything else.
fn any_line() -> impl Strategy<Value = String> {
    let piece = "#[a-z]{1,12} ?|[sq][/|+-]|topic ?: |ack |agendum 1 -- | taken up|\\[[A-Z]{3,6}\\]|\
                 Created ACTION-1 - |\\[on | - due |\\]|Meeting started |The chair is |\\PC{0,6}";
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}
