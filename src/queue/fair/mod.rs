//! Chooses the next line, so that a flood by one sender does not hold up the others.
//!
//! Lines are spoken in order of arrival as long as that meets the lag target: no other order meets
//! it better. A sender floods when the target is missed even at the highest rate, and the sender's
//! waiting lines came faster than they can be spoken and exceed the lag target. Others' lines then
//! overtake the flood after a few seconds. A conversation is no flood: however busy, it is typed
//! more slowly than it is spoken. The order within a sender is always kept. Lines without a sender
//! count as one sender for each source and channel.
//!
//! The rest of a flood is spoken after the others' lines. Where it would be late even so, its first
//! lines are spoken and the rest is counted: "and 92 more lines by kim". Equal lines are counted
//! anywhere in the queue: "40 times: kim: the build is red". Counted lines have the outcome merged.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::condense::{is_free, is_like};
use super::item::Queued;
use super::names::Names;
use super::phrases::{NAMED, Phrases};
use super::rate_control::LagTarget;
use super::{Action, Queue};
use crate::message::{Fate, Kind, SourceId, Utterance};

/// A turn: seconds of a flood's speech before others' lines go first.
const TURN: f64 = 8.0;

/// The longest that others wait behind one sender, even if the lag target allows more.
const PATIENCE: Duration = Duration::from_secs(20);

/// Seconds of others' speech after which a waiting flood has its turn.
const OTHERS: f64 = 2.0 * TURN;

/// Lines within this time came at once: how fast they were written is not known, and they may be
/// read from the past.
const MOMENT: Duration = Duration::from_millis(50);

/// The least seconds of speech at once that are a flood: a long statement in a log that is read
/// from its past is shorter.
const LONG: f64 = 30.0;

/// The least number of equal lines that are counted, of one sender and of several: the same answer
/// by two or three people is not counted.
const EQUAL_OF_ONE: usize = 3;
const EQUAL_OF_ALL: usize = 5;

/// One in so many of a sender's lines must be equal, to be counted with other lines in between: a
/// log that floods is counted, a text with a refrain is not.
const ONE_IN: usize = 4;

/// The largest rest of a flood that is not counted: it takes no longer line by line.
const FEW: usize = 2;

/// A sender: the source, whether the line names a sender, and the sender or the channel.
pub(super) type Talker<'a> = (SourceId, bool, &'a str);

/// Whose line `utterance` is; none where it is not a new line.
pub(super) fn talker(utterance: &Utterance) -> Option<Talker<'_>> {
    let message = utterance.message.as_ref().filter(|_| utterance.is_new())?;
    let channel = message.channel.as_deref().unwrap_or_default();
    Some(match message.sender.as_deref() {
        Some(sender) => (message.source, true, sender),
        None => (message.source, false, channel),
    })
}

/// The source and channel of a line.
fn place(utterance: &Utterance) -> Option<(SourceId, Option<&str>)> {
    let message = utterance.message.as_ref()?;
    Some((message.source, message.channel.as_deref()))
}

/// Whether it should not wait behind a flood at all: a highlight, or a private message.
/// `with_channels` are the sources that name channels: the log of a single channel names none.
fn is_urgent(utterance: &Utterance, with_channels: &HashSet<SourceId>) -> bool {
    utterance.message.as_ref().is_some_and(|it| {
        let is_said = matches!(it.kind, Kind::Say | Kind::Action | Kind::Notice);
        let is_private = it.channel.is_none() && with_channels.contains(&it.source);
        it.highlight || is_said && is_private && it.sender.is_some()
    })
}

/// How much of the floods was spoken, and how much of the others' lines since.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Seconds of floods since the others had their turn.
    flood: f64,
    /// Seconds of others' lines since a flood had its turn, while one waits.
    others: f64,
    /// The senders that flood, as long as a line of theirs waits.
    floods: Vec<Flood>,
}

#[derive(Debug)]
struct Flood {
    source: SourceId,
    is_sender: bool,
    name: String,
    /// Seconds of it that were spoken.
    spoken: f64,
    /// It was spoken last.
    is_last: bool,
}

impl Flood {
    fn talker(&self) -> Talker<'_> {
        (self.source, self.is_sender, &self.name)
    }
}

/// The floods of one source: the place and seconds of its next line, the seconds that were spoken,
/// and whether it was spoken last.
#[derive(Debug, Default, Clone, Copy)]
struct SourceFloods {
    at: usize,
    seconds: f64,
    spoken: f64,
    is_last: bool,
}

/// The waiting lines of one sender.
#[derive(Debug)]
struct Burst {
    first: Instant,
    last: Instant,
    /// Seconds of all its lines, and of those after the first.
    all: f64,
    after: f64,
    is_flood: bool,
}

impl Burst {
    fn new(received: Instant) -> Self {
        Self { first: received, last: received, all: 0.0, after: 0.0, is_flood: false }
    }

    fn take(&mut self, received: Instant, seconds: f64, most: f64) {
        self.after += if self.all > 0.0 { seconds } else { 0.0 };
        self.all += seconds;
        self.last = self.last.max(received);
        let span = self.last.saturating_duration_since(self.first);
        let most = if span < MOMENT { most.max(LONG) } else { most };
        self.is_flood |= self.all > most && self.after > span.as_secs_f64();
    }
}

/// The senders that flood; `seconds` estimates an utterance, and up to `most` seconds are no flood,
/// however fast they came.
fn floods<'a>(
    waiting: impl Iterator<Item = &'a Queued>,
    seconds: impl Fn(&Queued) -> f64,
    most: f64,
) -> Vec<Talker<'a>> {
    let mut bursts: HashMap<Talker<'a>, Burst> = HashMap::new();
    let mut last_of: HashMap<_, Talker<'a>> = HashMap::new();
    let mut order = Vec::new();
    for waiting in waiting {
        let utterance = &waiting.utterance;
        let Some(talker) = talker(utterance) else { continue };
        let received = utterance.received;
        let before = last_of.insert(place(utterance), talker);
        let burst = bursts.entry(talker).or_insert_with(|| {
            order.push(talker);
            Burst::new(received)
        });
        // Nobody answers so soon: lines by others in between make it a conversation of the past.
        let is_answered = before.is_some_and(|before| before != talker);
        if is_answered && received.saturating_duration_since(burst.last) < MOMENT {
            *burst = Burst { is_flood: burst.is_flood, ..Burst::new(received) };
        }
        burst.take(received, seconds(waiting), most);
    }
    order.retain(|talker| bursts[talker].is_flood);
    order
}

impl Turns {
    /// Forgets all floods: the queue is empty.
    pub(super) fn rest(&mut self) {
        *self = Self::default();
    }

    /// The flood that `utterance` is part of.
    fn flood_of(&self, utterance: &Utterance) -> Option<usize> {
        let talker = talker(utterance)?;
        self.floods.iter().position(|flood| flood.talker() == talker)
    }

    /// Updates the senders that flood, with more than `most` seconds; one that did floods on as
    /// long as a line of theirs waits.
    fn update<'a>(
        &mut self,
        waiting: impl Iterator<Item = &'a Queued> + Clone,
        seconds: impl Fn(&Queued) -> f64,
        most: f64,
    ) {
        if !self.floods.is_empty() {
            let waits: HashSet<_> =
                waiting.clone().filter_map(|it| talker(&it.utterance)).collect();
            self.floods.retain(|it| waits.contains(&it.talker()));
        }
        for (source, is_sender, name) in floods(waiting, seconds, most) {
            if self.floods.iter().all(|it| it.talker() != (source, is_sender, name)) {
                let name = name.to_owned();
                self.floods.push(Flood { source, is_sender, name, spoken: 0.0, is_last: false });
            }
        }
        if self.floods.is_empty() {
            self.rest();
        }
    }

    /// Which of `waiting` is next; `most` is none where order of arrival meets the lag target.
    fn next<'a>(
        &mut self,
        waiting: impl Iterator<Item = &'a Queued> + Clone,
        seconds: impl Fn(&Queued) -> f64 + Copy,
        most: Option<f64>,
    ) -> usize {
        let Some(first) = waiting.clone().next() else { return 0 };
        if first.has_begun || talker(&first.utterance).is_none() {
            return 0;
        }
        // An urgent line overtakes also what would be no flood for other lines.
        let messages = waiting.clone().filter_map(|it| it.utterance.message.as_ref());
        let with_channels =
            messages.filter(|it| it.channel.is_some()).map(|it| it.source).collect();
        let mut new = waiting.clone().map(|it| &it.utterance).filter(|it| it.is_new());
        let presses = new.any(|it| is_urgent(it, &with_channels));
        let most = presses.then_some(TURN).or(most);
        self.update(waiting.clone(), seconds, most.unwrap_or(f64::INFINITY));
        if self.floods.is_empty() { 0 } else { self.choose(waiting, seconds, &with_channels) }
    }

    /// Which of `waiting` is next while there are floods: the first line of the flood whose turn it
    /// is, or the first of the others'.
    fn choose<'a>(
        &self,
        waiting: impl Iterator<Item = &'a Queued>,
        seconds: impl Fn(&Queued) -> f64,
        with_channels: &HashSet<SourceId>,
    ) -> usize {
        let mut firsts: Vec<Option<(usize, f64)>> = vec![None; self.floods.len()];
        let (mut calm, mut presses) = (None, false);
        for (at, waiting) in waiting.enumerate().filter(|(_, it)| it.utterance.is_new()) {
            if let Some(flood) = self.flood_of(&waiting.utterance) {
                firsts[flood].get_or_insert((at, seconds(waiting)));
            } else {
                calm.get_or_insert(at);
                presses |= is_urgent(&waiting.utterance, with_channels);
            }
        }
        let flood = self.turn(&firsts);
        match (flood, calm) {
            (Some((at, seconds)), Some(calm)) => {
                let has_time = self.flood == 0.0 || self.flood + seconds <= TURN;
                if at < calm && has_time && !presses { at } else { calm }
            }
            (Some((at, _)), None) => at,
            (None, calm) => calm.unwrap_or(0),
        }
    }

    /// The next line of the floods, from the first line of each: in order within a source, and the
    /// sources take turns.
    fn turn(&self, firsts: &[Option<(usize, f64)>]) -> Option<(usize, f64)> {
        let mut sources: BTreeMap<SourceId, SourceFloods> = BTreeMap::new();
        for (flood, first) in self.floods.iter().zip(firsts) {
            let Some((at, seconds)) = *first else { continue };
            let of = sources.entry(flood.source).or_insert(SourceFloods {
                at,
                seconds,
                ..SourceFloods::default()
            });
            if at < of.at {
                (of.at, of.seconds) = (at, seconds);
            }
            of.spoken += flood.spoken;
            of.is_last |= flood.is_last;
        }
        let behind =
            sources.values().min_by(|a, b| a.spoken.total_cmp(&b.spoken).then(a.at.cmp(&b.at)))?;
        let last = sources.values().find(|it| it.is_last);
        let goes_on = last.filter(|last| last.spoken + last.seconds <= behind.spoken + TURN);
        let SourceFloods { at, seconds, .. } = goes_on.unwrap_or(behind);
        Some((*at, *seconds))
    }

    /// Counts that `utterance` is spoken for so many seconds.
    pub(super) fn given(&mut self, utterance: &Utterance, seconds: f64) {
        if self.floods.is_empty() || !utterance.is_new() {
            return;
        }
        let flood = self.flood_of(utterance);
        for (at, it) in self.floods.iter_mut().enumerate() {
            it.is_last = flood == Some(at);
            it.spoken += if it.is_last { seconds } else { 0.0 };
        }
        if flood.is_some() {
            self.flood += seconds;
            return;
        }
        self.others += seconds;
        if self.others >= OTHERS {
            (self.flood, self.others) = (0.0, 0.0);
        }
    }
}

impl Queue {
    /// Moves the next line to the front, and merges its equals into it.
    pub(super) fn take_turns(&mut self, start: Instant) -> Vec<Action> {
        let LagTarget { base, max, lag } = self.rate_control.lag_target;
        let lag = lag.min(PATIENCE);
        let most = self.is_late(start, max, lag).then_some(lag.as_secs_f64());
        let estimate = &self.estimate;
        let seconds = |it: &Queued| estimate.seconds(it.work, base);
        // Without deadlines, all lines are spoken in order of arrival.
        let is_relaxed = self.rate_control.is_relaxed;
        let next = if is_relaxed { 0 } else { self.turns.next(self.waiting.iter(), seconds, most) };
        if let Some(next) = self.waiting.remove(next) {
            self.waiting.push_front(next);
        }
        let (phrases, names) = (&self.phrases, &self.names);
        let equal = equal(self.waiting.make_contiguous(), seconds, phrases, names);
        let Some(equal) = equal else { return vec![] };
        let merged = self.take_out(&equal.others);
        let Some(first) = self.waiting.front_mut() else { return vec![] };
        (first.times, first.times_len, first.said_at) = (equal.n, equal.times_len, equal.said_at);
        first.count(equal.text, &self.estimate);
        counted(&merged, first)
    }

    /// Whether the next line is part of a flood.
    pub(super) fn is_flooded(&self) -> bool {
        self.waiting.front().is_some_and(|it| self.turns.flood_of(&it.utterance).is_some())
    }

    /// Whether so many seconds are more than one turn.
    pub(super) fn is_over_a_turn(seconds: f64) -> bool {
        seconds > TURN
    }

    /// Counts the rest of the first flood that others' lines wait behind.
    pub(super) fn count_flood(&mut self) -> Vec<Action> {
        let is_calm =
            |it: &Queued| it.utterance.is_new() && self.turns.flood_of(&it.utterance).is_none();
        if !self.waiting.iter().any(is_calm) {
            return vec![];
        }
        let rests = (0..self.turns.floods.len()).find_map(|flood| self.rest_of(flood));
        let Some((last, rest)) = rests else { return vec![] };
        let merged = self.take_out(&rest);
        // All that was taken out was behind it, so its index still holds.
        let by = self.waiting.get(last).and_then(|it| self.names.of(&it.utterance));
        let by = by.map(str::to_owned);
        let actions = self.count_more(last, &merged, by.as_deref());
        self.keep(merged);
        actions
    }

    /// Counts `merged` at the end of the waiting line `at`, as lines by the one of that name.
    pub(super) fn count_more(
        &mut self,
        at: usize,
        merged: &[Queued],
        by: Option<&str>,
    ) -> Vec<Action> {
        let Some(last) = self.waiting.get_mut(at) else { return vec![] };
        let before = last.utterance.text.len() - last.more_len;
        last.utterance.text.truncate(before);
        last.more += merged.len();
        let words = self.phrases.for_utterance(&last.utterance);
        let more = words.more(last.more, by);
        last.more_len = more.len();
        last.utterance.text += &more;
        last.set_from(last.from, &self.estimate);
        counted(merged, last)
    }

    /// The last line of a flood that fits in the rest of its turn, and the lines after that.
    fn rest_of(&self, flood: usize) -> Option<(usize, Vec<usize>)> {
        let is_its = |it: &Queued| {
            self.turns.flood_of(&it.utterance) == Some(flood)
                && is_free(&it.utterance)
                && !it.has_begun
        };
        let mut its = self.waiting.iter().enumerate().filter(|(_, it)| is_its(it)).peekable();
        let (mut last, first) = its.next()?;
        let mut like = first;
        let seconds =
            |it: &Queued| self.estimate.seconds(it.work, self.rate_control.lag_target.max);
        let mut left = TURN - self.turns.flood - seconds(first);
        while let Some((at, next)) = its.next_if(|(_, next)| seconds(next) <= left) {
            (last, like) = (at, next);
            left -= seconds(next);
        }
        let rest = its.filter(|(_, it)| is_like(&like.utterance, &it.utterance) && it.more == 0);
        let rest: Vec<_> = rest.map(|(at, _)| at).collect();
        (rest.len() > FEW).then_some((last, rest))
    }

    /// Removes the waiting utterances at those places, which are in order.
    pub(super) fn take_out(&mut self, places: &[usize]) -> Vec<Queued> {
        let mut places = places.iter().copied().peekable();
        let mut taken = Vec::new();
        let all = std::mem::take(&mut self.waiting).into_iter().enumerate();
        self.waiting = all
            .filter_map(|(at, it)| {
                if places.next_if_eq(&at).is_none() {
                    return Some(it);
                }
                taken.push(it);
                None
            })
            .collect();
        taken
    }
}

/// The outcome of `merged`, which are counted in `into` and not spoken themselves.
fn counted(merged: &[Queued], into: &Queued) -> Vec<Action> {
    let fate = Fate::Merged { into: into.utterance.id, is_counted: true };
    merged.iter().map(|it| Action::ReportOutcome(it.utterance.id, fate.clone())).collect()
}

/// Lines that are equal to the first one, and the text that counts them all.
#[derive(Debug, PartialEq)]
struct Equal {
    /// Their places in the queue.
    others: Vec<usize>,
    n: usize,
    text: String,
    /// The bytes of its beginning that count them.
    times_len: usize,
    /// Where what is said begins.
    said_at: usize,
}

fn is_equal(first: &Queued, next: &Queued) -> bool {
    let (a, b) = (&first.utterance, &next.utterance);
    let is_same = || match (&a.message, &b.message) {
        (Some(a), Some(b)) => a.text == b.text,
        (_, None) | (None, _) => false,
    };
    // A channel that is spoken with the name is spoken the first time only.
    let is_shortened = || a.text.ends_with(next.said()) && is_same();
    (first.said() == next.said() || is_shortened()) && (next.times, next.more) == (1, 0)
}

/// The lines to be counted with the first of `waiting`.
fn equal(
    waiting: &[Queued],
    seconds: impl Fn(&Queued) -> f64,
    phrases: &Phrases,
    names: &Names,
) -> Option<Equal> {
    let (first, rest) = waiting.split_first()?;
    let whole = |it: &Queued| is_free(&it.utterance) && !it.has_begun && it.from == 0;
    if !whole(first) || first.more > 0 || first.utterance.text.is_empty() {
        return None;
    }
    let here = place(&first.utterance);
    let rest = (1..).zip(rest).filter(|(_, it)| place(&it.utterance) == here);
    let is_equal =
        |it: &Queued| whole(it) && is_like(&first.utterance, &it.utterance) && is_equal(first, it);
    let in_a_row: Vec<_> = rest.clone().take_while(|(_, it)| is_equal(it)).collect();
    let of_all = of_all(first, &in_a_row, phrases, names);
    of_all.or_else(|| of_one(first, rest, is_equal, seconds, phrases))
}

/// Equal lines of several senders in a row.
fn of_all(
    first: &Queued,
    in_a_row: &[(usize, &Queued)],
    phrases: &Phrases,
    names: &Names,
) -> Option<Equal> {
    let mut senders: Vec<(&str, Option<&str>)> = Vec::new();
    for it in std::iter::once(first).chain(in_a_row.iter().map(|(_, it)| *it)) {
        let sender = it.utterance.message.as_ref()?.sender.as_deref()?;
        if senders.iter().all(|(known, _)| *known != sender) {
            senders.push((sender, names.of(&it.utterance)));
        }
    }
    let n = 1 + in_a_row.len();
    if senders.len() < 2 || n < EQUAL_OF_ALL || first.times > 1 {
        return None;
    }
    let is_named = in_a_row.iter().any(|(_, it)| it.utterance.name_len > 0);
    let spoken: Vec<_> = senders.iter().filter_map(|(_, name)| name.filter(|_| is_named)).collect();
    let words = phrases.for_utterance(&first.utterance);
    let times = words.times(n, &words.listed(&spoken, senders.len(), NAMED));
    let others = in_a_row.iter().map(|(at, _)| *at).collect();
    let times_len = times.len();
    Some(Equal { others, n, text: times + first.said(), times_len, said_at: times_len })
}

/// Equal lines of one sender. Others' lines may be in between only where they came faster than
/// anybody speaks: three times "yes" may be answers to three questions. Where the sender says
/// something else in between, the last equal line stays, since it says what holds in the end.
fn of_one<'a>(
    first: &'a Queued,
    rest: impl Iterator<Item = (usize, &'a Queued)> + Clone,
    is_equal: impl Fn(&Queued) -> bool,
    seconds: impl Fn(&Queued) -> f64,
    phrases: &Phrases,
) -> Option<Equal> {
    let me = talker(&first.utterance)?;
    let is_mine = |it: &Queued| talker(&it.utterance) == Some(me);
    let in_a_row = rest.clone().take_while(|(_, it)| is_equal(it));
    let mut others: Vec<_> = in_a_row.filter(|(_, it)| is_mine(it)).map(|(at, _)| at).collect();
    let mut all: Vec<usize> = Vec::new();
    let (mut n_mine, mut n_spanned, mut last) = (1, 1, first);
    for (at, it) in rest.filter(|(_, it)| is_mine(it)) {
        n_mine += 1;
        if is_equal(it) {
            all.push(at);
            (n_spanned, last) = (n_mine, it);
        }
    }
    let span = last.utterance.received.saturating_duration_since(first.utterance.received);
    let is_fast = seconds(first) * all.len() as f64 > span.as_secs_f64() && span >= MOMENT;
    if is_fast && n_spanned <= ONE_IN * (1 + all.len()) {
        if n_spanned > 1 + all.len() {
            all.pop();
        }
        if all.len() > others.len() {
            others = all;
        }
    }
    let n = first.times + others.len();
    if others.is_empty() || n < EQUAL_OF_ONE {
        return None;
    }
    // It may have been counted before it was cancelled.
    let text = &first.utterance.text[first.times_len..];
    let times = phrases.for_utterance(&first.utterance).times(n, "");
    let (times_len, name_len) = (times.len(), first.said_at - first.times_len);
    Some(Equal { others, n, text: times + text, times_len, said_at: times_len + name_len })
}

#[cfg(test)]
mod tests;
