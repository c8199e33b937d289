//! Minutes as text that a screen reader reads well: no tables, each line with its word in front.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use super::found::Found;
use crate::diagnostics::{escaped, quoted};
use crate::format::time;
use crate::meeting::{Entry, EntryKind, Minutes, Vote, is_mine};

/// All minutes, with an empty line between two.
pub(super) fn of(found: &[Found<'_>], nicks: &[String]) -> String {
    let mut out = String::new();
    for (n, Found { log, minutes }) in found.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        let title = minutes.title.as_deref().or(minutes.channel.as_deref());
        let title = title.map_or_else(|| quoted(log), escaped);
        line(&mut out, "meeting", &title);
        one(&mut out, minutes, nicks);
    }
    out
}

fn line(out: &mut String, word: &str, text: &str) {
    writeln!(out, "{word}: {text}").expect("a string grows");
}

fn one(out: &mut String, minutes: &Minutes, nicks: &[String]) {
    if let (Some(_), Some(channel)) = (&minutes.title, &minutes.channel) {
        line(out, "channel", &escaped(channel));
    }
    if let Some(when) = when(minutes) {
        line(out, "time", &when);
    }
    let people = [
        ("chaired by", &minutes.chairs),
        ("notes by", &minutes.scribes),
        ("present", &minutes.present),
        ("regrets", &minutes.regrets),
        ("agenda", &minutes.agenda),
    ];
    for (word, names) in people.into_iter().filter(|(_, names)| !names.is_empty()) {
        line(out, word, &escaped(&names.join(", ")));
    }
    topics(out, minutes);
    votes(out, &minutes.votes);
    for link in minutes.of(|kind| kind == EntryKind::Link) {
        line(out, "link", &escaped(&link.text));
    }
    let n_notes = minutes.of(|kind| kind == EntryKind::Info).count();
    if n_notes > 0 {
        line(out, "notes", &n_notes.to_string());
    }
    actions(out, minutes, nicks);
}

/// The topics in order, each with what was decided.
fn topics(out: &mut String, minutes: &Minutes) {
    let mut number = 0;
    for entry in &minutes.entries {
        let text = escaped(&entry.text);
        match entry.kind {
            EntryKind::Topic => {
                number += 1;
                line(out, &format!("topic {number}"), &text);
            }
            EntryKind::Subtopic => line(out, "subtopic", &text),
            kind if kind.is_decision() => line(out, kind.name(), &text),
            _ => {}
        }
    }
    if number == 0 {
        line(out, "topics", "none");
    }
}

fn votes(out: &mut String, votes: &[Vote]) {
    for vote in votes {
        let mut text = escaped(&vote.question);
        for (choice, n) in vote.counts() {
            write!(text, "; {n} for {}", escaped(&choice)).expect("a string grows");
        }
        if let Some(outcome) = &vote.outcome {
            write!(text, "; {}", escaped(outcome)).expect("a string grows");
        }
        line(out, "vote", &text);
    }
}

fn actions(out: &mut String, minutes: &Minutes, nicks: &[String]) {
    let actions = minutes.actions(nicks);
    if actions.is_empty() {
        line(out, "actions", "none");
    }
    for action in actions {
        let word = if is_mine(action, nicks) { "action for you" } else { "action" };
        line(out, word, &filed(action));
    }
}

/// What is to be done, by whom where only the tracker knows, and until when.
fn filed(action: &Entry) -> String {
    let mut text = escaped(&action.text);
    if let Some((id, due)) = &action.filed {
        write!(text, " ({}", escaped(id)).expect("a string grows");
        if !due.is_empty() {
            write!(text, ", due {}", escaped(due)).expect("a string grows");
        }
        text.push(')');
    }
    text
}

/// `2026-11-24 10:00 to 10:45`, as far as the log has it.
fn when(minutes: &Minutes) -> Option<String> {
    let [began, ended] = [&minutes.began, &minutes.ended].map(|it| time::parse(it.as_deref()?));
    let began = began?;
    let of_day =
        |stamp: time::Stamp| format!("{:02}:{:02}", stamp.time.hour(), stamp.time.minute());
    let mut text = began.date.map(|date| format!("{date} ")).unwrap_or_default() + &of_day(began);
    if let Some(ended) = ended {
        write!(text, " to {}", of_day(ended)).expect("a string grows");
    }
    Some(text)
}
