//! Minutes as one JSON object:
//!
//! ```json
//! {"meetings": [{
//!   "log": "garden.log", "style": "meetbot", "title": "garden", "channel": "#garden",
//!   "began": "2026-11-24T10:00", "ended": "2026-11-24T10:45",
//!   "chairs": ["mona"], "scribes": [], "present": ["mona", "otto"], "regrets": [], "agenda": [],
//!   "topics": [{"title": "roses", "subtopic": false, "time": "…", "by": "mona"}],
//!   "decisions": [{"kind": "agreed", "text": "no gnomes", "topic": "roses", "time": "…", "by": "…"}],
//!   "votes": [{"question": "gnomes?", "counts": {"+1": 2}, "outcome": null}],
//!   "links": ["https://example.org/"],
//!   "notes": [{"kind": "info", "text": "…", "topic": "roses", "time": "…", "by": "…"}],
//!   "actions": [{"text": "otto to water", "who": ["otto"], "mine": true, "topic": "roses",
//!                "id": null, "due": null, "time": "…", "by": "mona"}]
//! }]}
//! ```
//!
//! What is not known is null, or an empty list.
#![forbid(unsafe_code)]

use serde_json::{Map, Value, json};

use super::found::Found;
use crate::format::time;
use crate::meeting::{Entry, EntryKind, Minutes, Vote, is_mine};

/// All minutes, in one line.
pub(super) fn of(found: &[Found<'_>], nicks: &[String]) -> String {
    let meetings: Vec<Value> = found
        .iter()
        .map(|Found { log, minutes }| one(&log.to_string_lossy(), minutes, nicks))
        .collect();
    format!("{}\n", json!({ "meetings": meetings }))
}

fn one(log: &str, minutes: &Minutes, nicks: &[String]) -> Value {
    let (mut topics, mut decisions, mut notes, mut links) = (vec![], vec![], vec![], vec![]);
    let mut actions = Vec::new();
    let mut topic: Option<&str> = None;
    for entry in &minutes.entries {
        match entry.kind {
            EntryKind::Topic | EntryKind::Subtopic => {
                topic = Some(&entry.text);
                topics.push(title(entry));
            }
            EntryKind::Link => links.push(json!(entry.text)),
            EntryKind::Action => actions.push(action(entry, topic, nicks)),
            kind if kind.is_decision() => decisions.push(said(entry, topic)),
            _ => notes.push(said(entry, topic)),
        }
    }
    actions.sort_by_key(|action| action["mine"] != json!(true));
    json!({
        "log": log,
        "style": minutes.style,
        "title": minutes.title,
        "channel": minutes.channel,
        "began": stamp(minutes.began.as_deref()),
        "ended": stamp(minutes.ended.as_deref()),
        "chairs": minutes.chairs,
        "scribes": minutes.scribes,
        "present": minutes.present,
        "regrets": minutes.regrets,
        "agenda": minutes.agenda,
        "topics": topics,
        "decisions": decisions,
        "votes": minutes.votes.iter().map(vote).collect::<Vec<_>>(),
        "links": links,
        "notes": notes,
        "actions": actions,
    })
}

fn title(entry: &Entry) -> Value {
    json!({
        "title": entry.text,
        "subtopic": entry.kind == EntryKind::Subtopic,
        "time": stamp(entry.stamp.as_deref()),
        "by": entry.by,
    })
}

fn said(entry: &Entry, topic: Option<&str>) -> Value {
    json!({
        "kind": entry.kind,
        "text": entry.text,
        "topic": topic,
        "time": stamp(entry.stamp.as_deref()),
        "by": entry.by,
    })
}

fn action(entry: &Entry, topic: Option<&str>, nicks: &[String]) -> Value {
    let (id, due) = entry
        .filed
        .as_ref()
        .map_or((None, None), |(id, due)| (Some(id), Some(due).filter(|due| !due.is_empty())));
    json!({
        "text": entry.text,
        "who": entry.who,
        "mine": is_mine(entry, nicks),
        "topic": topic,
        "id": id,
        "due": due,
        "time": stamp(entry.stamp.as_deref()),
        "by": entry.by,
    })
}

fn vote(vote: &Vote) -> Value {
    let counts: Map<_, _> = vote.counts().into_iter().map(|(key, n)| (key, json!(n))).collect();
    json!({ "question": vote.question, "counts": counts, "outcome": vote.outcome })
}

/// As ISO 8601 where it can be read, else as it was written.
fn stamp(stamp: Option<&str>) -> Option<String> {
    stamp.map(|it| time::parse(it).map_or_else(|| it.to_owned(), |time| time.to_string()))
}
