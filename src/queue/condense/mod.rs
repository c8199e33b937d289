//! Shortens utterances where a calm rate does not meet the lag target. What costs the
//! listener least is left out, no more than is needed, in this order:
//!
//! 1. the sender's name, where the same sender spoke just before;
//! 2. runs of several senders, which become one utterance: "3 joined: ann, bob, cy", "4 say +1: ann, bob, cy, dan";
//! 3. the rest of a flood that others' lines wait behind, which is counted (see [`super::fair`]);
//! 4. the pauses and names between lines of one sender in a row, which become one utterance.
//!
//! Gaps between utterances stay: they cost a tenth of a second, and hold words apart. Links are no
//! step of their own: they are always spoken as their host. A line that becomes part of another one
//! has the outcome merged. Only the next utterances are condensed: later ones may never need it.
//!
//! An utterance that was begun, may expire, or has an earcon is left whole.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::rate_control::LagTarget;
use super::{Action, Queue};
use crate::message::{Fate, Kind, Message, Utterance};
use crate::units::Wpm;
use crate::wire::GAP;

/// The longest merged utterance, in bytes: it is skipped and repeated as one.
const MERGED: usize = 500;

/// Lines of one sender within this time are in a row.
const IN_A_ROW: Duration = Duration::from_secs(2);

/// The shortest run that is counted; two lines take no longer one by one.
const RUN: usize = 3;

/// The longest text that is counted as a run when several say it, in bytes.
const VOTE: usize = 12;

/// The longest nick that is spoken unchanged.
const NICK: usize = 32;

/// The share of the lag target from which on utterances are condensed.
const PRESSED: f64 = 0.8;

/// One step of condensing.
type Save = fn(&mut Queue) -> Vec<Action>;

impl Queue {
    /// Condenses what is to be spoken from `start` on, as far as is needed.
    pub(super) fn condense(&mut self, start: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        let LagTarget { max, .. } = self.rate_control.lag_target;
        let calm = self.rate_control.lag_target.calm();
        // A flood that is only counted is not heard: the rate is raised to the highest first.
        let steps: [(Save, Wpm); 4] = [
            (Self::omit_name, calm),
            (Self::count_run, calm),
            (Self::count_flood, max),
            (Self::join_row, calm),
        ];
        for (save, rate) in steps {
            if self.is_pressed(start, rate) {
                actions.extend(save(self));
            }
        }
        actions
    }

    /// Whether a waiting utterance would be nearly late at that rate.
    fn is_pressed(&self, start: Instant, rate: Wpm) -> bool {
        self.is_late(start, rate, self.rate_control.lag_target.lag.mul_f64(PRESSED))
    }

    /// Whether a waiting utterance would at that rate end later than `lag` after its arrival.
    pub(super) fn is_late(&self, start: Instant, rate: Wpm, lag: Duration) -> bool {
        let mut end = start;
        !self.rate_control.is_relaxed
            && self.waiting.iter().any(|waiting| {
                let seconds = self.estimate.seconds(waiting.work, rate);
                end += Duration::from_secs_f64(seconds) + GAP;
                let deadline = waiting.utterance.received + lag;
                waiting.utterance.is_live && end > deadline
            })
    }

    fn omit_name(&mut self) -> Vec<Action> {
        let before = self.before.as_ref();
        let Some(first) = self.waiting.front_mut() else { return vec![] };
        let is_again = before.zip(first.utterance.message.as_ref()).is_some_and(|(a, b)| {
            a.sender.is_some()
                && (a.source, &a.channel, &a.sender) == (b.source, &b.channel, &b.sender)
        });
        if is_again && !first.has_begun && first.from == 0 && is_free(&first.utterance) {
            first.set_from(name_end(&first.utterance), &self.estimate);
        }
        vec![]
    }

    fn count_run(&mut self) -> Vec<Action> {
        let whole = self.waiting.iter().take_while(|it| !it.has_begun).map(|it| &it.utterance);
        let Some((n, text)) = run(whole) else { return vec![] };
        let rest: Vec<_> = self.waiting.drain(1..n).collect();
        let first = &mut self.waiting[0]; // the run has two lines or more
        first.utterance.text = text;
        first.set_from(0, &self.estimate);
        let into = first.utterance.id;
        let merged = |it: &super::Queued| {
            Action::ReportOutcome(it.utterance.id, Fate::Merged { into, is_counted: false })
        };
        rest.iter().map(merged).collect()
    }

    fn join_row(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while let [Some(first), Some(next)] = [self.waiting.front(), self.waiting.get(1)] {
            let work = first.work + next.work;
            let is_long =
                Self::is_over_a_turn(self.estimate.seconds(work, self.rate_control.lag_target.max));
            let is_counted = first.times + next.times > 2 || first.more + next.more > 0;
            if first.has_begun
                || is_counted
                || is_long && self.is_flooded()
                || !goes_on(&first.utterance, &next.utterance)
            {
                break;
            }
            let Some(next) = self.waiting.remove(1) else { break };
            let first = &mut self.waiting[0];
            let into = first.utterance.id;
            first.utterance.text.push_str("; ");
            first.utterance.text.push_str(&next.utterance.text[name_end(&next.utterance)..]);
            first.set_from(first.from, &self.estimate);
            actions.push(Action::ReportOutcome(
                next.utterance.id,
                Fate::Merged { into, is_counted: false },
            ));
        }
        actions
    }
}

/// Whether an utterance may be condensed: a line for the first time, that does not expire.
pub(super) fn is_free(utterance: &Utterance) -> bool {
    utterance.is_new() && utterance.expiry.is_none() && utterance.earcon.is_none()
}

/// Whether `next` may be merged into `first`: of the same kind, from the same place.
pub(super) fn is_like(first: &Utterance, next: &Utterance) -> bool {
    let [Some(a), Some(b)] = [&first.message, &next.message] else { return false };
    let place = |it: &Message<'_>| (it.source, it.kind, it.highlight);
    let is_free = first.is_new() && next.is_new() && first.expiry.is_none();
    // One earcon stands for several of its kind.
    let is_heard = next.earcon.is_none() || next.earcon == first.earcon;
    place(a) == place(b) && a.channel == b.channel && is_free && next.expiry.is_none() && is_heard
}

/// Whether `next` was said by the same sender right after `first`, at the same place.
fn goes_on(first: &Utterance, next: &Utterance) -> bool {
    let [Some(a), Some(b)] = [&first.message, &next.message] else { return false };
    let is_same = a.kind == Kind::Say && a.sender.is_some() && a.sender == b.sender;
    let is_soon = next.received.saturating_duration_since(first.received) <= IN_A_ROW;
    is_same && is_soon && is_like(first, next) && first.text.len() + next.text.len() <= MERGED
}

/// Where the sender's name ends in an utterance ("kim: hello"); 0 where none is spoken.
pub(super) fn name_end(utterance: &Utterance) -> usize {
    let end = utterance.message.as_ref().and_then(|message| {
        let rest = utterance.text.strip_prefix(message.sender.as_deref()?)?.strip_prefix(": ")?;
        let (name, is_speech) = (
            &utterance.text[..utterance.text.len() - rest.len()],
            matches!(message.kind, Kind::Say | Kind::Plain),
        );
        // A text that begins with the sender's own nick may have no name before it.
        let is_name = is_speech && !rest.is_empty() && !message.text.starts_with(name);
        is_name.then_some(name.len())
    });
    end.unwrap_or(0)
}

/// A line that can be counted in a run: its verb and object, and its sender.
#[derive(Debug, Clone, Copy)]
struct Countable<'a> {
    verb: &'static str,
    what: &'a str,
    who: &'a str,
    is_named: bool,
}

/// The countable form of an utterance that consists of nothing else.
fn countable(utterance: &Utterance) -> Option<Countable<'_>> {
    let message = utterance.message.as_ref()?;
    let who = message.sender.as_deref().filter(|nick| is_plain(nick))?;
    let after = utterance.text.strip_prefix(who);
    // The reason is omitted: as often as not it is the client's default.
    let left = |verb: &str| {
        let reason = after.and_then(|it| it.strip_prefix(verb));
        reason.is_some_and(|reason| reason.is_empty() || reason.starts_with(": "))
    };
    let (verb, is_whole) = match message.kind {
        Kind::Join => ("joined", after == Some(" joined")),
        Kind::Part => ("left", left(" left")),
        Kind::Quit => ("quit", left(" quit")),
        Kind::Say => return vote(utterance, message, who),
        Kind::Action
        | Kind::Notice
        | Kind::Nick
        | Kind::Kick
        | Kind::Mode
        | Kind::Topic
        | Kind::Server
        | Kind::Plain => return None,
    };
    is_whole.then_some(Countable { verb, what: "", who, is_named: true })
}

/// A short text that several may say: "+1", "agreed".
fn vote<'a>(
    utterance: &'a Utterance,
    message: &Message<'_>,
    who: &'a str,
) -> Option<Countable<'a>> {
    let end = name_end(utterance);
    let what = &utterance.text[end..];
    // It is spoken as it was written, and not merged from several.
    let is_vote = what.len() <= VOTE && what == message.text;
    is_vote.then_some(Countable { verb: "say", what, who, is_named: end > 0 })
}

/// Whether a nick is spoken as it is written: the normaliser does not change it.
pub(super) fn is_plain(nick: &str) -> bool {
    let is_clean = nick.bytes().all(|byte| byte.is_ascii_graphic());
    (1..=NICK).contains(&nick.len()) && is_clean && !nick.starts_with('-') && !nick.contains("[[")
}

/// The run that `utterances` begin with: how many they are, and the text that counts them.
fn run<'a>(mut utterances: impl Iterator<Item = &'a Utterance>) -> Option<(usize, String)> {
    let first = utterances.next()?;
    let one = countable(first)?;
    let (mut who, mut is_named, mut n_bytes) = (vec![one.who], one.is_named, one.who.len());
    for next in utterances {
        let Some(other) = countable(next).filter(|_| is_like(first, next)) else { break };
        n_bytes += ", ".len() + other.who.len();
        let is_same = (other.verb, other.what) == (one.verb, one.what);
        if !is_same || who.contains(&other.who) || n_bytes + VOTE * 3 > MERGED {
            break;
        }
        is_named |= other.is_named;
        who.push(other.who);
    }
    let n = who.len();
    let what = if one.what.is_empty() { String::new() } else { format!(" {}", one.what) };
    // Where no sender is named, only the number is spoken.
    let who = if is_named { format!(": {}", who.join(", ")) } else { String::new() };
    (n >= RUN).then(|| (n, format!("{n} {}{what}{who}", one.verb)))
}

#[cfg(test)]
mod tests;
