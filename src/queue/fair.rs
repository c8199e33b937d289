//! Whose line is next: a flood by one does not drown the others.
//!
//! Lines are spoken in the order in which they came, as long as the lag is kept so: no other order
//! keeps it better. Where it is not, not even at the highest rate, and one sender's waiting speech
//! came faster than it can be spoken and is more than the lag could hold, others' lines go before the
//! rest of it after a few seconds: a conversation, however busy, is typed more slowly than it is
//! spoken. The order within a sender is always kept. Where a line names no sender, its source and
//! channel are one.
//!
//! What is held back is spoken after the others' lines. Where it would be late even so, its first
//! lines are spoken and the rest is counted: "and 92 more lines by kim". Equal lines are counted
//! wherever they wait: "40 times: kim: the build is red". What is counted is settled as merged.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::condense::{is_free, is_like, is_plain, name_end};
use super::item::Queued;
use super::rate_control::LagTarget;
use super::{Action, Queue};
use crate::message::{Fate, Kind, SourceId, Utterance};

/// Seconds of a flood's speech before others' lines go first, and at a time.
const TURN: f64 = 8.0;

/// The most that others wait behind one sender where the lag would allow more.
const PATIENCE: Duration = Duration::from_secs(20);

/// Seconds of others' speech after which a flood that waits for them has its turn.
const OTHERS: f64 = 2.0 * TURN;

/// What comes within this time comes at once: nobody knows how fast it was written, and it may be
/// read from the past.
const MOMENT: Duration = Duration::from_millis(50);

/// Seconds of speech that came at once and are a flood: a long statement in a log that is read
/// from its past is shorter.
const LONG: f64 = 30.0;

/// So many equal lines of one sender are counted, and so many of several: an answer that two or
/// three people give is none too many.
const EQUAL_OF_ONE: usize = 3;
const EQUAL_OF_ALL: usize = 5;

/// Of what one says, one in so many lines is equal to be counted where others stand in between: in
/// a log that floods, not in a text with a refrain.
const ONE_IN: usize = 4;

/// So many are told as fast one by one.
const FEW: usize = 2;

/// The most senders that are named where several said the same.
const NAMED: usize = 5;

/// Who speaks: the source, whether a sender is named, and the sender or the channel.
type Talker<'a> = (SourceId, bool, &'a str);

/// Who speaks in `utterance`; none where it tells no line for the first time.
fn talker(utterance: &Utterance) -> Option<Talker<'_>> {
    let message = utterance.message.as_ref().filter(|_| utterance.is_new())?;
    let channel = message.channel.as_deref().unwrap_or_default();
    Some(match message.sender.as_deref() {
        Some(sender) => (message.source, true, sender),
        None => (message.source, false, channel),
    })
}

/// Where it was said.
fn place(utterance: &Utterance) -> Option<(SourceId, Option<&str>)> {
    let message = utterance.message.as_ref()?;
    Some((message.source, message.channel.as_deref()))
}

/// Whether it should not wait behind a flood at all: marked for the listener, or said to them alone.
/// `with_channels` are the sources that name channels: in the log of a single one no line names it.
fn is_urgent(utterance: &Utterance, with_channels: &HashSet<SourceId>) -> bool {
    utterance.message.as_ref().is_some_and(|it| {
        let is_said = matches!(it.kind, Kind::Say | Kind::Action | Kind::Notice);
        let is_private = it.channel.is_none() && with_channels.contains(&it.source);
        it.highlight || is_said && is_private && it.sender.is_some()
    })
}

/// How much of what floods was spoken, and how much of the others since.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Seconds of floods since the others had their turn.
    flood: f64,
    /// Seconds of others while a flood waits, since it had its turn.
    others: f64,
    /// Those who flood, as long as something of theirs waits.
    floods: Vec<Flood>,
}

#[derive(Debug)]
struct Flood {
    source: SourceId,
    is_sender: bool,
    name: String,
    /// Seconds of it that were spoken.
    spoken: f64,
    /// Nobody else was spoken since.
    is_last: bool,
}

impl Flood {
    fn talker(&self) -> Talker<'_> {
        (self.source, self.is_sender, &self.name)
    }
}

/// What floods of one source: where its next line waits and how long that sounds, how much of it
/// was spoken, and whether it was spoken last.
#[derive(Debug, Default, Clone, Copy)]
struct Of {
    at: usize,
    seconds: f64,
    spoken: f64,
    is_last: bool,
}

/// What one says, in the order of what waits.
#[derive(Debug)]
struct Burst {
    first: Instant,
    last: Instant,
    /// Seconds: of all its lines, and of those after the first.
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

/// Who floods among what waits; `seconds` is how long something sounds, and `most` how many of them
/// are no flood, however fast they came.
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
        // Nobody answers so soon: with what others say in between, it is a conversation of the past.
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
    /// Nothing waits, and nothing is spoken.
    pub(super) fn rest(&mut self) {
        *self = Self::default();
    }

    /// Which of those who flood `utterance` is of.
    fn flood_of(&self, utterance: &Utterance) -> Option<usize> {
        let talker = talker(utterance)?;
        self.floods.iter().position(|flood| flood.talker() == talker)
    }

    /// Looks who floods, where more than `most` seconds are a flood: who did goes on doing so while
    /// something of theirs waits.
    fn look<'a>(
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

    /// Which of `waiting` is next; `most` is none where the lag is kept in the order in which all came.
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
        // What is urgent goes before less than what is a flood for others.
        let messages = waiting.clone().filter_map(|it| it.utterance.message.as_ref());
        let with_channels =
            messages.filter(|it| it.channel.is_some()).map(|it| it.source).collect();
        let mut new = waiting.clone().map(|it| &it.utterance).filter(|it| it.is_new());
        let presses = new.any(|it| is_urgent(it, &with_channels));
        let most = presses.then_some(TURN).or(most);
        self.look(waiting.clone(), seconds, most.unwrap_or(f64::INFINITY));
        if self.floods.is_empty() {
            return 0;
        }
        let mut firsts: Vec<Option<(usize, f64)>> = vec![None; self.floods.len()];
        let (mut calm, mut presses) = (None, false);
        for (at, waiting) in waiting.enumerate().filter(|(_, it)| it.utterance.is_new()) {
            if let Some(flood) = self.flood_of(&waiting.utterance) {
                firsts[flood].get_or_insert((at, seconds(waiting)));
            } else {
                calm.get_or_insert(at);
                presses |= is_urgent(&waiting.utterance, &with_channels);
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

    /// Which line is next of those who flood, by the first line of each: in the order of their
    /// source, and one source after the other for a turn.
    fn turn(&self, firsts: &[Option<(usize, f64)>]) -> Option<(usize, f64)> {
        let mut sources: BTreeMap<SourceId, Of> = BTreeMap::new();
        for (flood, first) in self.floods.iter().zip(firsts) {
            let Some((at, seconds)) = *first else { continue };
            let of = sources.entry(flood.source).or_insert(Of { at, seconds, ..Of::default() });
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
        let Of { at, seconds, .. } = goes_on.unwrap_or(behind);
        Some((*at, *seconds))
    }

    /// `utterance` is spoken for so many seconds.
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
    /// Puts what is next before all else, and counts what is equal to it.
    pub(super) fn take_turns(&mut self, start: Instant) -> Vec<Action> {
        let LagTarget { base, max, lag } = self.rate_control.lag_target;
        let lag = lag.min(PATIENCE);
        let most = self.is_late(start, max, lag).then_some(lag.as_secs_f64());
        let estimate = &self.estimate;
        let seconds = |it: &Queued| estimate.seconds(it.work, base);
        // Where nobody waits, all is heard in the order in which it came.
        let is_relaxed = self.rate_control.is_relaxed;
        let next = if is_relaxed { 0 } else { self.turns.next(self.waiting.iter(), seconds, most) };
        if let Some(next) = self.waiting.remove(next) {
            self.waiting.push_front(next);
        }
        let Some(equal) = equal(self.waiting.make_contiguous(), seconds) else { return vec![] };
        let merged = self.take_out(&equal.others);
        let Some(first) = self.waiting.front_mut() else { return vec![] };
        first.times = equal.n;
        first.utterance.text = equal.text;
        first.leave(0, &self.estimate);
        counted(&merged, first)
    }

    /// Whether what is next is part of a flood.
    pub(super) fn is_flooded(&self) -> bool {
        self.waiting.front().is_some_and(|it| self.turns.flood_of(&it.utterance).is_some())
    }

    /// Whether so much speech, in seconds, is more than one turn.
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
        // All that was taken out stood behind it.
        let Some(last) = self.waiting.get_mut(last) else { return vec![] };
        let before = last.utterance.text.len() - more(&last.utterance, last.more).len();
        last.utterance.text.truncate(before);
        last.more += merged.len();
        last.utterance.text += &more(&last.utterance, last.more);
        last.leave(last.from, &self.estimate);
        counted(&merged, last)
    }

    /// The last line of a flood that is told in what is left of its turn, and those after it.
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

    /// Takes out what waits at those places, which are in order.
    fn take_out(&mut self, places: &[usize]) -> Vec<Queued> {
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

/// `merged` are counted in `into`, and not heard themselves.
fn counted(merged: &[Queued], into: &Queued) -> Vec<Action> {
    let fate = Fate::Merged { into: into.utterance.id, is_counted: true };
    merged.iter().map(|it| Action::Settle(it.utterance.id, fate.clone())).collect()
}

/// How the end of a flood is told; nothing where that is no line.
fn more(utterance: &Utterance, n: usize) -> String {
    if n == 0 {
        return String::new();
    }
    let sender = utterance.message.as_ref().and_then(|it| it.sender.as_deref());
    let by = sender.filter(|it| is_plain(it)).map_or(String::new(), |it| format!(" by {it}"));
    format!("; and {n} more lines{by}")
}

/// Lines that are equal to the first one, and how all of them are told.
#[derive(Debug, PartialEq)]
struct Equal {
    /// Where they wait.
    others: Vec<usize>,
    n: usize,
    text: String,
}

/// What the line says, without the name of who says it.
fn said(utterance: &Utterance) -> &str {
    &utterance.text[name_end(utterance)..]
}

fn is_equal(first: &Queued, next: &Queued) -> bool {
    let (a, b) = (&first.utterance, &next.utterance);
    let is_same = || match (&a.message, &b.message) {
        (Some(a), Some(b)) => a.text == b.text,
        (_, None) | (None, _) => false,
    };
    // Where the place is told with the name, it is told the first time only.
    let is_told = || a.text.ends_with(said(b)) && is_same();
    (said(a) == said(b) || is_told()) && (next.times, next.more) == (1, 0)
}

/// What is to be counted with the first of `waiting`.
fn equal(waiting: &[Queued], seconds: impl Fn(&Queued) -> f64) -> Option<Equal> {
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
    let of_all = of_all(first, &in_a_row);
    of_all.or_else(|| of_one(first, rest, is_equal, seconds))
}

/// What several say in a row.
fn of_all(first: &Queued, in_a_row: &[(usize, &Queued)]) -> Option<Equal> {
    let mut senders: Vec<&str> = Vec::new();
    for it in std::iter::once(first).chain(in_a_row.iter().map(|(_, it)| *it)) {
        let sender = it.utterance.message.as_ref()?.sender.as_deref()?;
        if !senders.contains(&sender) {
            senders.push(sender);
        }
    }
    let n = 1 + in_a_row.len();
    if senders.len() < 2 || n < EQUAL_OF_ALL || first.times > 1 {
        return None;
    }
    let is_named = in_a_row.iter().any(|(_, it)| name_end(&it.utterance) > 0);
    let named: Vec<_> = senders.iter().copied().filter(|it| is_plain(it)).take(NAMED).collect();
    let by = match (senders.len() - named.len(), named.is_empty() || !is_named) {
        (_, true) => String::new(),
        (0, false) => format!(", by {}", named.join(", ")),
        (1, false) => format!(", by {} and another", named.join(", ")),
        (others, false) => format!(", by {} and {others} others", named.join(", ")),
    };
    let text = format!("{n} times{by}: {}", said(&first.utterance));
    Some(Equal { others: in_a_row.iter().map(|(at, _)| *at).collect(), n, text })
}

/// What one says again and again. Across what others say in the same place only where it came
/// faster than anybody speaks: three times "yes" may be answers to three questions. Where the same
/// one says something else in between, the last one stays: what holds in the end is said there.
fn of_one<'a>(
    first: &'a Queued,
    rest: impl Iterator<Item = (usize, &'a Queued)> + Clone,
    is_equal: impl Fn(&Queued) -> bool,
    seconds: impl Fn(&Queued) -> f64,
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
    // It may have been counted before it was taken back.
    let text = &first.utterance.text;
    let text = text.strip_prefix(&times(first.times))?;
    Some(Equal { text: times(n) + text, others, n })
}

/// How often something was said; nothing where that is once.
fn times(n: usize) -> String {
    if n > 1 { format!("{n} times: ") } else { String::new() }
}

#[cfg(test)]
#[path = "fair_tests.rs"]
mod tests;
