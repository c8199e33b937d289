//! Shortens utterances where a calm rate does not meet the lag target. What costs the
//! listener least is left out, no more than is needed, in this order:
//!
//! 1. the sender's name, where the same sender spoke just before;
//! 2. runs of several senders, which become one utterance: "3 joined: ann, bob, cy", "4 say
//!    plus 1: ann, bob, cy, dan";
//! 3. the rest of a flood that others' lines wait behind, which is counted (see [`super::fair`]);
//! 4. the pauses and names between lines of one sender in a row, which become one utterance.
//!
//! Gaps between utterances stay: they cost a tenth of a second, and hold words apart. Links are no
//! step of their own: they are always spoken as their host. A line that becomes part of another one
//! has the outcome merged. Only the next utterances are condensed: later ones may never need it.
//!
//! A wave of joins, parts or quits, as in a netsplit, is always one utterance: "30 quit: ann, bob,
//! cy, dan, eve and 25 others".
//!
//! An utterance that was begun, may expire, or has an earcon is left whole.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::names::Names;
use super::phrases::{NAMED, Phrases};
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

/// So many who come or go at once are always counted: a netsplit and its end.
const WAVE: usize = 5;

/// The longest text that is counted as a run when several say it, in bytes.
const VOTE: usize = 12;

/// The share of the lag target from which on utterances are condensed.
const PRESSED: f64 = 0.8;

/// One step of condensing.
type Save = fn(&mut Queue) -> Vec<Action>;

impl Queue {
    /// Condenses what is to be spoken from `start` on, as far as is needed.
    pub(super) fn condense(&mut self, start: Instant) -> Vec<Action> {
        let mut actions = self.count_wave();
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
        // One that counts lines is nothing but its name, as it were.
        let has_words = first.utterance.name_end < first.utterance.text.len();
        let is_whole = !first.has_begun && first.from == 0 && has_words;
        if is_again && is_whole && is_free(&first.utterance) {
            first.set_from(first.utterance.name_end, &self.estimate);
        }
        vec![]
    }

    /// Many who come or go at once are one sentence, also where there is time for each.
    fn count_wave(&mut self) -> Vec<Action> {
        let Some(first) = self.waiting.front().map(|it| &it.utterance) else { return vec![] };
        let kind = first.message.as_ref().map(|it| it.kind);
        let is_event = matches!(kind, Some(Kind::Join | Kind::Part | Kind::Quit));
        if !is_event || self.rate_control.is_relaxed {
            return vec![];
        }
        let end = first.received + IN_A_ROW;
        let whole = self.waiting.iter().take_while(|it| !it.has_begun).map(|it| &it.utterance);
        let wave = whole.take_while(|it| it.is_live && it.received <= end);
        let run = run(wave, &self.phrases, &self.names).filter(|(n, _)| *n >= WAVE);
        self.replace_run(run)
    }

    fn count_run(&mut self) -> Vec<Action> {
        let whole = self.waiting.iter().take_while(|it| !it.has_begun).map(|it| &it.utterance);
        let run = run(whole, &self.phrases, &self.names);
        self.replace_run(run)
    }

    /// Replaces the first so many utterances by the text that counts them.
    fn replace_run(&mut self, run: Option<(usize, String)>) -> Vec<Action> {
        let Some((n, text)) = run else { return vec![] };
        let rest: Vec<_> = self.waiting.drain(1..n).collect();
        let first = &mut self.waiting[0]; // the run has two lines or more
        first.count(text, &self.estimate);
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
            first.utterance.text.push_str(&next.utterance.text[next.utterance.name_end..]);
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
    place(a) == place(b)
        && a.channel == b.channel
        && first.language == next.language
        && is_free
        && next.expiry.is_none()
        && is_heard
}

/// Whether `next` was said by the same sender right after `first`, at the same place.
fn goes_on(first: &Utterance, next: &Utterance) -> bool {
    let [Some(a), Some(b)] = [&first.message, &next.message] else { return false };
    let is_same = a.kind == Kind::Say && a.sender.is_some() && a.sender == b.sender;
    let is_soon = next.received.saturating_duration_since(first.received) <= IN_A_ROW;
    is_same && is_soon && is_like(first, next) && first.text.len() + next.text.len() <= MERGED
}

/// A line that can be counted in a run.
#[derive(Debug, Clone, Copy)]
struct Countable<'a> {
    kind: Kind,
    /// What is said, if it is a vote; empty for other events.
    what: &'a str,
    who: &'a str,
    is_named: bool,
}

/// The countable form of an utterance that consists of nothing else.
fn countable<'a>(utterance: &'a Utterance, names: &'a Names) -> Option<Countable<'a>> {
    let message = utterance.message.as_ref()?;
    match message.kind {
        // The reason is omitted: as often as not it is the client's default.
        Kind::Join | Kind::Part | Kind::Quit => {
            let who = utterance.text.get(..utterance.name_len).filter(|name| !name.is_empty())?;
            Some(Countable { kind: message.kind, what: "", who, is_named: true })
        }
        Kind::Say => {
            let what = &utterance.text[utterance.name_end..];
            let is_vote = (1..=VOTE).contains(&what.len());
            let (who, is_named) = (names.of(utterance)?, utterance.name_len > 0);
            is_vote.then_some(Countable { kind: Kind::Say, what, who, is_named })
        }
        Kind::Action
        | Kind::Notice
        | Kind::Nick
        | Kind::Kick
        | Kind::Mode
        | Kind::Topic
        | Kind::Server
        | Kind::Plain => None,
    }
}

/// The run that `utterances` begin with: how many they are, and the text that counts them. Who
/// votes is named; of those who come and go only the first.
fn run<'a>(
    mut utterances: impl Iterator<Item = &'a Utterance>,
    phrases: &Phrases,
    names: &'a Names,
) -> Option<(usize, String)> {
    let first = utterances.next()?;
    let one = countable(first, names)?;
    let most = if one.kind == Kind::Say { usize::MAX } else { NAMED };
    let (mut who, mut is_named, mut n_bytes) = (vec![one.who], one.is_named, one.who.len());
    for next in utterances {
        let Some(other) = countable(next, names).filter(|_| is_like(first, next)) else { break };
        n_bytes += if who.len() < most { ", ".len() + other.who.len() } else { 0 };
        if other.what != one.what || who.contains(&other.who) || n_bytes + VOTE * 3 > MERGED {
            break;
        }
        is_named |= other.is_named;
        who.push(other.who);
    }
    let (n, words) = (who.len(), phrases.for_utterance(first));
    // Where no sender is named, only the number is spoken.
    let who = if is_named { format!(": {}", words.listed(&who, n, most)) } else { String::new() };
    (n >= RUN).then(|| (n, words.run(one.kind, n, one.what) + &who))
}

#[cfg(test)]
mod tests;
