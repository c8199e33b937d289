//! What a line of a meeting is for, by itself: a command to MeetBot and its relatives (`#topic`,
//! `#action`), a line for the W3C's scribe (`topic:`, `RESOLVED:`, `present+`), or for its queue.
#![forbid(unsafe_code)]

use super::words::{self, after, first_word, is_bot, is_word, list, quoted_agendum};
use crate::message::{Kind, Message};

/// What a line of a meeting is for. The parts borrow from the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark<'a> {
    /// A MeetBot meeting begins; the text is its name, or empty.
    Begins(&'a str),
    /// The meeting ends.
    Ends,
    /// The meeting is called so.
    Title(&'a str),
    /// The agenda is there, or this is one more point of it.
    Agenda(&'a str),
    /// This is talked about from now on.
    Topic(&'a str),
    /// The same, as a part of the topic.
    Subtopic(&'a str),
    /// Somebody is to do something.
    Action(&'a str),
    /// A tracker filed the action before: its number, who does it, and until when.
    Filed {
        /// The number, such as `ACTION-12`.
        id: &'a str,
        /// Who does it, as the tracker knows them.
        who: &'a str,
        /// Until when; empty where that is open.
        due: &'a str,
    },
    /// The meeting decides.
    Decides(Decision, &'a str),
    /// This is proposed.
    Proposal(&'a str),
    /// Something for the minutes.
    Note(Note, &'a str),
    /// A link for the minutes.
    Link(&'a str),
    /// A vote begins on this; or, in OpenStack's bot, somebody votes.
    Vote(&'a str),
    /// OpenStack's bot asks this, and behind the question mark are the answers.
    StartVote(&'a str),
    /// The vote ends.
    EndVote,
    /// `+1`, `-1`, `+0`: a vote on what was proposed.
    Ballot(&'a str),
    /// Somebody wants to speak: who, if it is not the sender, and about what.
    Queues {
        /// Who.
        who: Option<&'a str>,
        /// About what; empty where that is not said.
        about: &'a str,
    },
    /// Somebody does not want to speak any more: who, if it is not the sender.
    Leaves(Option<&'a str>),
    /// Somebody may speak now; none: whoever is next.
    Calls(Option<&'a str>),
    /// These are there; none: the sender is.
    Present(Option<&'a str>),
    /// These are not there after all; none: the sender is not.
    Absent(Option<&'a str>),
    /// These have sent their regrets; none: the sender has.
    Regrets(Option<&'a str>),
    /// These chair the meeting.
    Chairs(&'a str),
    /// These do not any more.
    Unchairs(&'a str),
    /// These take notes; none: the sender does.
    Scribes(Option<&'a str>),
    /// These take part, though they have not said anything.
    Nicks(&'a str),
    /// The last entry of the minutes is taken back.
    Undo,
    /// A correction of the minutes.
    Corrects {
        /// What is wrong.
        old: &'a str,
        /// What is right.
        new: &'a str,
        /// In all lines, not only in the last one that has it.
        everywhere: bool,
    },
    /// A word to the clerks: to begin, to write the minutes, to save.
    Clerical,
}

/// How something was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// `#agreed`
    Agreed,
    /// `#accepted`
    Accepted,
    /// `#rejected`
    Rejected,
    /// `RESOLVED:`
    Resolved,
}

/// What is noted down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// `#info`
    Info,
    /// `#idea`
    Idea,
    /// `#help`: somebody is wanted for something.
    Help,
    /// `#done`
    Done,
}

impl<'a> Mark<'a> {
    /// Whether it means the same outside of a meeting: `#info` may be a channel's name there, and
    /// `ack kim` a mere yes.
    pub fn is_sure(&self) -> bool {
        matches!(
            self,
            Self::Begins(_)
                | Self::Ends
                | Self::Topic(_)
                | Self::Subtopic(_)
                | Self::Action(_)
                | Self::Decides(..)
                | Self::Proposal(_)
                | Self::Filed { .. }
                | Self::Queues { .. }
                | Self::Present(_)
                | Self::Regrets(_)
        )
    }

    /// Who an action is for, where its text says so at its beginning: `kim to write the notes`,
    /// `kim and otto: write them`; and what is to be done.
    pub fn action_parts(text: &'a str) -> (Option<&'a str>, &'a str) {
        words::action_parts(text)
    }
}

/// What the line is for, if it is one of a meeting's.
///
/// A line that is not costs a look at its first word.
pub fn mark<'a>(message: &'a Message<'_>) -> Option<Mark<'a>> {
    let sender = message.sender.as_deref()?;
    let text = message.text.trim_start();
    match message.kind {
        Kind::Say => {}
        Kind::Action | Kind::Notice if is_bot(sender, "zakim") => {}
        _ => return None,
    }
    match text.as_bytes().first()? {
        b'#' => command(&text[1..]),
        b'+' | b'-' | b'0' => ballot(text),
        byte if byte.is_ascii_alphabetic() => said(text, sender),
        _ => None,
    }
}

/// The commands that are unmistakable only in a meeting: `!topic` of Fedora's bot, `[TOPIC]` of
/// MootBot.
pub(super) fn other_command(text: &str) -> Option<Mark<'_>> {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix('!') {
        return command(rest);
    }
    let (word, rest) = text.strip_prefix('[')?.split_once(']')?;
    if is_word(word) { named(word, rest.trim()) } else { None }
}

/// A command of MeetBot, behind its `#`.
fn command(text: &str) -> Option<Mark<'_>> {
    let word = first_word(text);
    let rest = &text[word.len()..];
    // "#info-desk" is a channel, "#action: kim" a command.
    let is_command = rest.is_empty() || rest.starts_with([' ', '\t', ':']);
    if !is_command {
        return None;
    }
    named(word, rest.strip_prefix(':').unwrap_or(rest).trim())
}

fn named<'a>(word: &str, text: &'a str) -> Option<Mark<'a>> {
    let mut lower = [0; 16];
    let lower = lowered(word, &mut lower)?;
    let mark = match lower {
        "startmeeting" => Mark::Begins(text),
        "endmeeting" => Mark::Ends,
        "meetingname" | "meetingtopic" => Mark::Title(text),
        "topic" => Mark::Topic(text),
        "subtopic" | "progress" => Mark::Subtopic(text),
        "action" => Mark::Action(text),
        "agreed" | "agree" | "decision" => Mark::Decides(Decision::Agreed, text),
        "accepted" | "accept" => Mark::Decides(Decision::Accepted, text),
        "rejected" | "reject" => Mark::Decides(Decision::Rejected, text),
        "info" => Mark::Note(Note::Info, text),
        "idea" => Mark::Note(Note::Idea, text),
        "help" | "halp" => Mark::Note(Note::Help, text),
        "done" => Mark::Note(Note::Done, text),
        "link" => Mark::Link(text),
        "vote" => Mark::Vote(text),
        "startvote" => Mark::StartVote(text),
        "endvote" => return Some(Mark::EndVote),
        "chair" | "chairs" => Mark::Chairs(text),
        "unchair" => Mark::Unchairs(text),
        "nick" => Mark::Nicks(text),
        "here" => return Some(Mark::Present(None)),
        "undo" => return Some(Mark::Undo),
        "save" | "lurk" | "unlurk" | "restrictlogs" | "showvote" | "commands" => Mark::Clerical,
        _ => return None,
    };
    let needs_text = !matches!(mark, Mark::Begins(_) | Mark::Ends | Mark::Clerical);
    if needs_text && text.is_empty() { None } else { Some(mark) }
}

/// A line that begins with a letter.
fn said<'a>(text: &'a str, sender: &str) -> Option<Mark<'a>> {
    let word = first_word(text);
    let rest = &text[word.len()..];
    match rest.as_bytes().first() {
        Some(b':') => labelled(word, rest[1..].trim(), sender),
        Some(b' ') if rest.trim_start().starts_with(':') => {
            labelled(word, rest.trim_start()[1..].trim(), sender)
        }
        Some(b'+' | b'-') => changed(word, rest),
        Some(b'/' | b'|') if word == "s" => correction(rest),
        Some(b',') => addressed(word, rest[1..].trim()),
        Some(b' ') => spoken(word, text, rest, sender),
        _ => None,
    }
}

/// `Topic: …`
fn labelled<'a>(word: &str, text: &'a str, sender: &str) -> Option<Mark<'a>> {
    let mut lower = [0; 16];
    let lower = lowered(word, &mut lower)?;
    // It reads the actions out again at the end.
    if is_bot(sender, "rrsagent") {
        return None;
    }
    let mark = match lower {
        "topic" => Mark::Topic(text),
        "subtopic" => Mark::Subtopic(text),
        "action" => Mark::Action(text),
        "resolved" | "resolution" => Mark::Decides(Decision::Resolved, text),
        "agreed" | "agreement" => Mark::Decides(Decision::Agreed, text),
        "proposal" | "proposed" => Mark::Proposal(text),
        "meeting" => Mark::Title(text),
        "agenda" => Mark::Agenda(text),
        "chair" | "chairs" => Mark::Chairs(text),
        "scribe" | "scribenick" | "scribes" => Mark::Scribes(Some(text)),
        "present" => Mark::Present(Some(text)),
        "regrets" => Mark::Regrets(Some(text)),
        "zakim" | "rrsagent" | "trackbot" | "agendabot" => return addressed(word, text),
        _ => return None,
    };
    if text.is_empty() { None } else { Some(mark) }
}

/// `present+`, `q+ to ask`, `scribe+ kim`
fn changed<'a>(word: &str, rest: &'a str) -> Option<Mark<'a>> {
    let mut lower = [0; 16];
    let lower = lowered(word, &mut lower)?;
    let (is_more, text) = (rest.starts_with('+'), &rest[1..]);
    // "q-learning", "present-day"
    if text.starts_with(|c: char| c.is_alphanumeric()) && !is_more {
        return None;
    }
    let text = text.strip_prefix(':').unwrap_or(text).trim();
    let names = Some(text).filter(|text| !text.is_empty());
    Some(match (lower, is_more) {
        ("q" | "queue", true) => queues(text),
        ("q" | "queue", false) => Mark::Leaves(names.filter(|it| *it != "later")),
        ("present", true) => Mark::Present(names),
        ("present", false) => Mark::Absent(names),
        ("regrets", true) => Mark::Regrets(names),
        ("scribe" | "scribenick", true) => Mark::Scribes(names),
        ("chair", true) => Mark::Chairs(text),
        ("chair", false) => Mark::Unchairs(text),
        ("agenda", true) if !text.is_empty() => Mark::Agenda(text),
        ("scribe" | "scribenick" | "regrets" | "agenda", false) => Mark::Clerical,
        _ => return None,
    })
}

/// `q+`, `q+ kim`, `q+ to ask about the roses`, `q+ kim to answer`
fn queues(text: &str) -> Mark<'_> {
    let (who, about) = match text.split_once(' ') {
        _ if text.is_empty() => (None, ""),
        None => (Some(text), ""),
        Some(("to", about)) => (None, about),
        Some((who, rest)) => match rest.trim_start().strip_prefix("to ") {
            Some(about) => (Some(who), about),
            None => (None, text),
        },
    };
    Mark::Queues { who, about: about.trim() }
}

/// `s/old/new/`
fn correction(rest: &str) -> Option<Mark<'_>> {
    let mark = rest.chars().next()?;
    let (old, rest) = rest[1..].split_once(mark)?;
    let (new, flags) = rest.split_once(mark).unwrap_or((rest, ""));
    let flags = flags.trim();
    let is_one = !old.is_empty() && matches!(flags, "" | "g" | "G" | "i" | "gi" | "ig");
    is_one.then(|| Mark::Corrects { old, new, everywhere: flags.contains(['g', 'G']) })
}

/// A word to the W3C's bots.
fn addressed<'a>(word: &str, text: &'a str) -> Option<Mark<'a>> {
    let is_clerk = ["zakim", "rrsagent", "trackbot", "agendabot"]
        .iter()
        .any(|clerk| word.eq_ignore_ascii_case(clerk));
    if !is_clerk {
        return None;
    }
    let text = text.trim_end_matches(['.', '!']);
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let is = |other: &str| first.eq_ignore_ascii_case(other);
    let rest = rest.trim();
    let is_end = is("bye")
        || is("end") && matches!(after(rest, ""), "meeting" | "telcon" | "teleconference")
        || is("please") && rest.eq_ignore_ascii_case("excuse us")
        || is("excuse") && rest.eq_ignore_ascii_case("us");
    Some(if is_end { Mark::Ends } else { Mark::Clerical })
}

/// A line whose first word is followed by a space.
fn spoken<'a>(word: &str, text: &'a str, rest: &'a str, sender: &str) -> Option<Mark<'a>> {
    let rest = rest.trim();
    match word.len() {
        3 if word.eq_ignore_ascii_case("ack") => calls(rest),
        9 if word.eq_ignore_ascii_case("recognize") => calls(rest),
        7 if word == "agendum" && is_bot(sender, "zakim") => quoted_agendum(rest).map(Mark::Topic),
        2 if word == "As" && is_bot(sender, "zakim") => {
            let names = text.strip_prefix("As of this point the attendees have been ")?;
            Some(Mark::Present(Some(names)))
        }
        7 if word == "Created" => filed(rest),
        _ => None,
    }
}

/// `ack kim`: one name, or nobody's.
fn calls(rest: &str) -> Option<Mark<'_>> {
    let (who, more) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_one = more.is_empty() || more.starts_with(['[', '(']);
    (is_one && !who.is_empty()).then_some(Mark::Calls(Some(who)))
}

/// `Created ACTION-12 - Write the notes [on Kim Lee - due 2026-12-01].`
fn filed(rest: &str) -> Option<Mark<'_>> {
    let (id, rest) = rest.split_once(' ')?;
    let (_, rest) = rest.rsplit_once("[on ")?;
    let number = id.strip_prefix("ACTION-")?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_end_matches(['.', ' ']).strip_suffix(']')?;
    let (who, due) = rest.rsplit_once(" - due ").unwrap_or((rest, ""));
    Some(Mark::Filed { id, who: who.trim(), due: due.trim() })
}

/// `+1`, `-1 because …`, `+0`, `0`
fn ballot(text: &str) -> Option<Mark<'_>> {
    let signed = text.trim_start_matches(['+', '-']);
    let n_signs = text.len() - signed.len();
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || ".:/-".contains(c));
    match signed.as_bytes().first()? {
        b'1' if n_signs == 1 && ends(&signed[1..]) => Some(Mark::Ballot(&text[..2])),
        b'0' if n_signs <= 1 && ends(&signed[1..]) => Some(Mark::Ballot(&text[..=n_signs])),
        _ => None,
    }
}

/// The word in lower case; none if it is longer than all commands.
fn lowered<'b>(word: &str, buffer: &'b mut [u8; 16]) -> Option<&'b str> {
    let bytes = buffer.get_mut(..word.len())?;
    bytes.copy_from_slice(word.as_bytes());
    bytes.make_ascii_lowercase();
    std::str::from_utf8(bytes).ok()
}

/// The names of a list, such as those of [`Mark::Present`].
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    list(text)
}
