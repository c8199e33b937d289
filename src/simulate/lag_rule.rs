//! The queue that speaks, on a virtual clock.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::heard::{Heard, LATENCY, Sounds};
use super::pause::Pause;
use super::replay::Arrival;
use crate::language::Language;
use crate::message::{Fate, Utterance, UtteranceId};
use crate::phrase::Chain;
use crate::queue::rate_control::LagTarget;
use crate::queue::{Action, Event, Phrases, Queue};
use crate::units::Wpm;
use crate::wire::GAP;

/// Speaks `arrivals` at the rates that `lag_target` needs, with a pause if there is one; every line
/// is heard.
pub(crate) fn lag_rule(
    arrivals: &[Arrival],
    lag_target: LagTarget,
    start: Instant,
    pause: Option<Pause>,
    sounds: Sounds<'_>,
) -> Vec<Heard> {
    let mut run = Run {
        queue: Queue::new(lag_target, english()),
        sounds,
        start,
        in_flight: Vec::new(),
        free_at: start,
        heard: Vec::new(),
        received: HashMap::new(),
        merged: Vec::new(),
    };
    let both = |it: Pause| [(start + it.at, Event::Pause), (start + it.end(), Event::Resume)];
    let mut controls = pause.into_iter().flat_map(both).peekable();
    let mut next = arrivals.iter().peekable();
    loop {
        let arrival = next.peek().map(|arrival| start + arrival.at);
        let control = controls.peek().map(|(at, _)| *at);
        let now = [run.next(arrival), control].into_iter().flatten().min();
        let Some(now) = now else { return run.heard };
        if let Some((_, event)) = controls.next_if(|(at, _)| *at <= now) {
            run.control(event, now);
        }
        let arrived = std::iter::from_fn(|| next.next_if(|it| start + it.at <= now));
        let arrived: Vec<_> = arrived.collect();
        if !arrived.is_empty() {
            run.arrive(&arrived, now);
        }
        run.advance(now);
    }
}

/// What is said about lines: any language's will do.
fn english() -> Phrases {
    let chain = Chain::embedded();
    Phrases::of([Language::ENGLISH], move |name, language| chain.phrase(name, language).to_owned())
}

/// The queue, and a voice that takes as long as `sounds` says.
struct Run<'a> {
    queue: Queue,
    sounds: Sounds<'a>,
    start: Instant,
    /// What the voice has, in order.
    in_flight: Vec<InFlight>,
    free_at: Instant,
    heard: Vec<Heard>,
    /// Arrivals by the number of their utterance.
    received: HashMap<UtteranceId, Instant>,
    /// Merged utterances, and those they were merged into.
    merged: Vec<(UtteranceId, UtteranceId)>,
}

struct InFlight {
    utterance: Utterance,
    /// The byte of its text at which it begins.
    from: usize,
    rate: Wpm,
    begins: Instant,
    ends: Instant,
    has_begun: bool,
}

impl InFlight {
    /// The first character of the word heard at `now`, if all characters take the same time.
    fn reached(&self, now: Instant) -> usize {
        let (sounded, all) = (now - self.begins, self.ends - self.begins);
        let share = sounded.as_secs_f64() / all.as_secs_f64().max(1e-3);
        let given = &self.utterance.text[self.from..];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
        let n_heard = (share * given.chars().count() as f64) as usize;
        let begins = given.chars().take(n_heard).enumerate().filter(|(_, c)| *c == ' ');
        begins.last().map_or(0, |(blank, _)| blank + 1)
    }
}

impl Run<'_> {
    /// The time of the next event; none at the end.
    fn next(&self, arrival: Option<Instant>) -> Option<Instant> {
        let voice = self.in_flight.first().map(|it| if it.has_begun { it.ends } else { it.begins });
        [arrival, voice, self.queue.deadline()].into_iter().flatten().min()
    }

    fn arrive(&mut self, arrivals: &[&Arrival], now: Instant) {
        let number = |arrival: &&Arrival| arrival.utterance(self.queue.number(), now);
        let utterances: Vec<_> = arrivals.iter().map(number).collect();
        self.received.extend(utterances.iter().map(|it| (it.id, it.received)));
        self.handle(Event::Arrived(utterances), now);
    }

    /// Handles a command, after the voice's report of how far it is.
    fn control(&mut self, event: Event, now: Instant) {
        if let Some(current) = self.in_flight.first().filter(|it| it.has_begun) {
            let reached = Event::Reached(current.utterance.id, current.reached(now));
            self.handle(reached, now);
        }
        self.handle(event, now);
    }

    /// Silences the voice: what it has is not heard to its end.
    fn silence(&mut self, now: Instant) {
        self.free_at = now;
        for it in std::mem::take(&mut self.in_flight) {
            self.handle(Event::Ended(it.utterance.id, Fate::Skipped), now);
        }
    }

    /// Reports what the voice has begun and ended by `now`.
    fn advance(&mut self, now: Instant) {
        while let Some(first) = self.in_flight.first_mut() {
            let id = first.utterance.id;
            if !first.has_begun && first.begins <= now {
                first.has_begun = true;
                self.handle(Event::Started(id), now);
            } else if first.has_begun && first.ends <= now {
                let done = self.in_flight.remove(0);
                let sounded = done.ends - done.begins;
                if done.utterance.is_new() {
                    self.hear(&done, sounded, now);
                }
                let ms = u32::try_from(sounded.as_millis()).unwrap_or(u32::MAX);
                let fate = Fate::Spoken { rate: done.rate, ms };
                self.handle(Event::Ended(id, fate), now);
            } else {
                break;
            }
        }
        if self.queue.deadline().is_some_and(|deadline| deadline <= now) {
            self.handle(Event::Tick, now);
        }
    }

    /// Records an utterance as heard, and with it those merged into it.
    fn hear(&mut self, done: &InFlight, sounded: Duration, now: Instant) {
        let id = done.utterance.id;
        let lag = now.saturating_duration_since(done.utterance.received);
        let (rate, ended) = (done.rate, now - self.start);
        self.heard.push(Heard { lag, sounded, rate, ended });
        for (merged, _) in self.merged.extract_if(.., |(_, into)| *into == id) {
            let received = self.received.get(&merged).copied().unwrap_or(now);
            let lag = now.saturating_duration_since(received);
            self.heard.push(Heard { lag, sounded: Duration::ZERO, rate, ended });
        }
    }

    fn handle(&mut self, event: Event, now: Instant) {
        debug_assert!(now >= self.start);
        for action in self.queue.handle(event, now) {
            match action {
                Action::ReportOutcome(id, Fate::Merged { into, .. }) => {
                    self.merged.push((id, into));
                }
                // The voice reported it before; a replay or a warning is no line.
                Action::ReportOutcome(..) | Action::Record(_) => {}
                // The idle voice process answers at once.
                Action::Measure { request, utterance, from, rate } => {
                    let seconds = self.seconds(&utterance, from, rate);
                    self.handle(Event::Measured(request, Some(seconds)), now);
                }
                Action::Silence => self.silence(now),
                Action::Speak { utterance, from, rate } => {
                    let begins = (now + LATENCY).max(self.free_at + GAP);
                    let seconds = self.seconds(&utterance, from, rate);
                    let ends = begins + Duration::from_secs_f64(seconds);
                    self.free_at = ends;
                    self.in_flight.push(InFlight {
                        utterance,
                        from,
                        rate,
                        begins,
                        ends,
                        has_begun: false,
                    });
                }
            }
        }
    }

    /// How long an utterance sounds from byte `from` on.
    fn seconds(&self, utterance: &Utterance, from: usize, rate: Wpm) -> f64 {
        let head_len = if from == 0 { utterance.head_len() } else { 0 };
        (self.sounds)(&utterance.text[from..], head_len, rate)
    }
}
