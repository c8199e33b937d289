//! The state of the voice process, and what to do about it: a pure state machine without clock,
//! pipe or process; the driver in the parent module carries out its actions.
//!
//! Its invariant: each utterance gets exactly one outcome, whatever the process does. A crashed
//! process is restarted, and resumes at the word that was heard last. Only a crash or a hang of the
//! engine counts against the text it was working on, which is given up the second time. A process
//! that was killed or stopped, or a lost output, counts against no text.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::crashes::Crashes;
pub(crate) use super::in_flight::Exit;
use super::in_flight::{Engine, InFlight, Process};
use super::measurements::Measurements;
use crate::message::{Earcon, Fate, RequestId, UtteranceId};
use crate::wire::{Report, SpeakRequest};

/// How long a process with work may send no heartbeat before it counts as stopped. Neither its
/// engine nor its output can delay a heartbeat.
const HEARTBEAT_LIMIT: Duration = Duration::from_millis(900);

/// How often that limit is extended where one process after the other misses it: the machine is
/// busy then, and more restarts would make it worse.
const MOST_TIMEOUTS: u32 = 5;

/// How long a process may take to end once everything is spoken. It plays an earcon at most.
const END_LIMIT: Duration = Duration::from_secs(3);

/// How long a process may take to start: the sound server may be slow.
const START_LIMIT: Duration = Duration::from_secs(8);

/// The longest wait between two starts, and so the delay of speech once the cause is gone. A failed
/// start takes 20 ms of processor time.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Once a device has taken this much of an utterance, it does take sound.
const IS_HEARD_MS: u32 = 500;

/// An utterance is given up after this many processes that ended without another word of it, even
/// if none crashed: retrying must end.
const MOST_ATTEMPTS: u32 = 200;

/// The wait after the second failed start in a row; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// Speak this next.
    Speak(SpeakRequest),
    /// Play this earcon next.
    Earcon(Earcon),
    /// Measure how long this sounds, when there is time.
    Measure(RequestId, SpeakRequest),
    /// A report from the process.
    Report(Report),
    /// The process is gone.
    Exited(Exit),
    /// Skip everything that has not been heard yet.
    Stop,
    /// No more will come: end when everything is spoken.
    Finish,
    /// The time that [`Supervisor::deadline`] returned has come.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Start a process.
    Spawn,
    /// Start a process with the fallback engine.
    SpawnFallback,
    /// Notify the user that the fallback engine speaks from now on.
    FellBack,
    /// Kill the process; [`Event::Exited`] follows.
    Kill,
    /// Send a request to speak this.
    Say(SpeakRequest),
    /// Send a request to play this earcon.
    Earcon(Earcon),
    /// Send a request to measure this.
    Measure(RequestId, SpeakRequest),
    /// Send a request to stop.
    Silence,
    /// Send a request to finish.
    End,
    /// The utterance's first sample went out.
    Started(UtteranceId),
    /// This word of the utterance is heard now: its first character, and its length.
    Word(UtteranceId, usize, usize),
    /// Report the utterance's outcome.
    ReportOutcome(UtteranceId, Fate),
    /// How long it sounds, in milliseconds; none where that is unknown.
    Measured(RequestId, Option<u32>),
    /// The process cannot start, and will not: exit with this reason.
    Refuse {
        /// The reason, as a message for the user.
        why: String,
        /// Whether the configuration is at fault.
        configuration: bool,
    },
    /// Notify the user once, with this message, that the output is gone or late.
    Wait(String),
    /// Everything was spoken, and the process has ended.
    Done,
}

/// Keeps a voice process running and gives every utterance an outcome.
#[derive(Debug)]
pub(crate) struct Supervisor {
    process: Process,
    in_flight: VecDeque<InFlight>,
    /// A process was ready once: the configuration is valid.
    has_been_ready: bool,
    is_finishing: bool,
    /// Starts in a row after which nothing was heard.
    n_failed_starts: u32,
    /// The output was lost, or is late, and the user was notified.
    is_waiting: bool,
    /// The output of this process was lost.
    is_lost: bool,
    /// The engine of this process hung.
    is_hung: bool,
    /// Processes in a row that missed their heartbeat.
    n_timeouts: u32,
    /// An utterance was given up while no process could play the earcon for it.
    owes_earcon: bool,
    engine: Engine,
    /// There is a fallback engine that has not failed to start.
    has_fallback: bool,
    /// When the first engine crashed.
    crashes: Crashes,
    /// Pending measurements. A crash in one counts against no utterance.
    measurements: Measurements,
    n_requests: u64,
}

impl Supervisor {
    /// A supervisor whose first deadline is `now`: the first [`Event::Tick`] starts a process. Where the engine keeps crashing, the fallback engine takes over, if any.
    pub(crate) fn new(now: Instant, has_fallback: bool) -> Self {
        Self {
            process: Process::Down { until: now },
            in_flight: VecDeque::new(),
            has_been_ready: false,
            is_finishing: false,
            n_failed_starts: 0,
            is_waiting: false,
            is_lost: false,
            is_hung: false,
            n_timeouts: 0,
            owes_earcon: false,
            engine: Engine::First,
            has_fallback,
            crashes: Crashes::default(),
            measurements: Measurements::default(),
            n_requests: 0,
        }
    }

    /// When to call [`Supervisor::handle`] with [`Event::Tick`] if nothing happens before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.process {
            Process::Down { until } => Some(until),
            Process::Starting { since } => Some(since + START_LIMIT),
            Process::Up { last_heartbeat } if !self.in_flight.is_empty() => {
                Some(last_heartbeat + HEARTBEAT_LIMIT * (1 + self.n_timeouts.min(MOST_TIMEOUTS)))
            }
            Process::Up { last_heartbeat } => {
                let end = self.is_over().then_some(last_heartbeat + END_LIMIT);
                self.measurements.deadline().into_iter().chain(end).min()
            }
            Process::Ended => None,
        }
    }

    /// Handles an event; returns what to do, in order.
    pub(crate) fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut actions = self.react(event, now);
        if self.is_over() && matches!(self.process, Process::Down { .. }) {
            self.process = Process::Ended;
            actions.push(Action::Done);
        }
        actions
    }

    /// Whether everything is spoken and no more will come. The first process still shows whether
    /// the voice can start at all.
    fn is_over(&self) -> bool {
        let is_done = self.in_flight.is_empty() && !self.owes_earcon;
        self.is_finishing && is_done && self.has_been_ready
    }

    fn react(&mut self, event: Event, now: Instant) -> Vec<Action> {
        match event {
            Event::Speak(speech) => self.speak(speech, now),
            Event::Earcon(earcon) => match self.process {
                Process::Up { .. } => vec![Action::Earcon(earcon)],
                // No process can play it now, and later it would mean nothing.
                Process::Down { .. } | Process::Starting { .. } | Process::Ended => vec![],
            },
            Event::Measure(request, speech) => self.measure(request, speech),
            Event::Report(report) => self.report(report, now),
            Event::Exited(exit) => self.exited(exit, now),
            Event::Stop => self.stop(),
            Event::Finish => self.finish(now),
            Event::Tick => self.tick(now),
        }
    }

    fn speak(&mut self, speech: SpeakRequest, now: Instant) -> Vec<Action> {
        self.n_requests += 1;
        let taken = InFlight::new(speech, UtteranceId(self.n_requests));
        let (id, request) = (taken.speech.id, Action::Say(taken.rest()));
        self.in_flight.push_back(taken);
        match &mut self.process {
            Process::Up { last_heartbeat } => {
                if self.in_flight.len() == 1 {
                    *last_heartbeat = now; // it was idle, and sent no heartbeat
                }
                vec![request]
            }
            Process::Down { .. } | Process::Starting { .. } => vec![],
            Process::Ended => self.outcome(id, Fate::Failed { why: ENDED.to_owned() }),
        }
    }

    fn measure(&mut self, request: RequestId, speech: SpeakRequest) -> Vec<Action> {
        self.measurements.ask(request, speech.clone());
        match self.process {
            Process::Up { .. } => vec![Action::Measure(request, speech)],
            Process::Down { .. } | Process::Starting { .. } | Process::Ended => vec![],
        }
    }

    fn report(&mut self, report: Report, now: Instant) -> Vec<Action> {
        if let Process::Up { last_heartbeat } = &mut self.process {
            *last_heartbeat = now;
        }
        match report {
            Report::Ready => self.ready(now),
            Report::Refused { why, configuration } => self.refused(why, configuration, now),
            Report::Started { id } => self.started(id),
            Report::Word { id, start, length, ms, behind_ms } => {
                let heard = now + Duration::from_millis(u64::from(behind_ms));
                self.word(id, (start, length), ms, heard)
            }
            Report::Made { id } => self.made(id),
            Report::Finished { id, ms } => self.finished(id, ms),
            Report::Silent { id } => self.silent(id),
            Report::Failed { id, why } => self.failed(id, why),
            Report::Lost { why, stood_ms } => {
                let silent = now.checked_sub(Duration::from_millis(stood_ms)).unwrap_or(now);
                self.lost(&why, silent)
            }
            Report::Late { why } => self.wait(&why).into_iter().collect(),
            Report::Moved => self.moved(now),
            Report::Hung => self.hung(),
            Report::Measuring { request } => {
                self.measurements.begun(request, now);
                vec![]
            }
            Report::MeasuredLater { .. } => {
                self.measurements.left();
                vec![]
            }
            Report::Measured { request, ms } => self.measured(request, ms),
            Report::Alive | Report::OnServer => vec![],
            Report::Done => {
                self.process = Process::Ended;
                vec![Action::Done]
            }
        }
    }

    /// The process takes requests: it gets every utterance without an outcome.
    fn ready(&mut self, now: Instant) -> Vec<Action> {
        self.has_been_ready = true;
        let fell_back = (self.engine == Engine::Fallback).then_some(Action::FellBack);
        self.process = Process::Up { last_heartbeat: now };
        let earcon = std::mem::take(&mut self.owes_earcon).then_some(Action::Earcon(Earcon::Lost));
        let again = self.in_flight.iter().map(|taken| Action::Say(taken.rest()));
        let mut actions: Vec<_> = fell_back.into_iter().chain(earcon).chain(again).collect();
        let measurements = self.measurements.all();
        actions.extend(measurements.map(|(request, speech)| Action::Measure(request, speech)));
        if self.is_finishing {
            actions.push(Action::End);
        }
        actions
    }

    /// The first refusal ends the program; later ones are retried: what worked once may again.
    fn refused(&mut self, why: String, configuration: bool, now: Instant) -> Vec<Action> {
        if !self.has_been_ready {
            self.process = Process::Ended;
            return vec![Action::Refuse { why, configuration }];
        }
        self.process = Process::Starting { since: now };
        if self.engine == Engine::Fallback {
            return vec![Action::Kill]; // back to the first engine; its speech shows that
        }
        self.lost(&why, now)
    }

    fn started(&mut self, id: UtteranceId) -> Vec<Action> {
        match self.find(id) {
            Some(taken) if !taken.has_started => {
                taken.has_started = true;
                vec![Action::Started(taken.speech.id)]
            }
            Some(_) | None => vec![],
        }
    }

    /// The process has reached a word, its first character and its length, after `ms` of sound.
    fn word(
        &mut self,
        id: UtteranceId,
        (start, length): (usize, usize),
        ms: u32,
        heard: Instant,
    ) -> Vec<Action> {
        if ms >= IS_HEARD_MS {
            self.is_heard();
        }
        let Some(taken) = self.find(id) else { return vec![] };
        let start = taken.reached(start, ms, heard);
        vec![Action::Word(taken.speech.id, start, length)]
    }

    fn made(&mut self, id: UtteranceId) -> Vec<Action> {
        if let Some(taken) = self.find(id) {
            taken.is_made = true;
        }
        vec![]
    }

    fn finished(&mut self, id: UtteranceId, ms: u32) -> Vec<Action> {
        self.is_heard();
        self.ended(id, |it| Fate::Spoken { rate: it.speech.rate, ms: it.whole_ms(ms) })
    }

    fn silent(&mut self, id: UtteranceId) -> Vec<Action> {
        self.is_heard();
        self.ended(id, |_| Fate::Dropped { rule: SILENT.to_owned() })
    }

    fn failed(&mut self, id: UtteranceId, why: String) -> Vec<Action> {
        let failed = self.ended(id, |_| Fate::Failed { why });
        [Action::Earcon(Earcon::Lost)].into_iter().chain(failed).collect()
    }

    /// Gives the utterance with this request number its outcome, unless it has one already.
    fn ended(&mut self, id: UtteranceId, fate: impl FnOnce(&InFlight) -> Fate) -> Vec<Action> {
        let Some(taken) = self.find(id) else { return vec![] };
        let (id, fate) = (taken.speech.id, fate(taken));
        self.outcome(id, fate)
    }

    /// Sound is heard: resets the failure counters.
    fn is_heard(&mut self) {
        (self.n_failed_starts, self.n_timeouts, self.is_waiting) = (0, 0, false);
    }

    /// The output is gone, and silent since then. That counts against no utterance.
    fn lost(&mut self, why: &str, silent: Instant) -> Vec<Action> {
        self.interrupted(silent);
        self.measurements.left();
        self.is_lost = true;
        [Action::Kill].into_iter().chain(self.wait(why)).collect()
    }

    /// Another device is the default now: the next process opens that one.
    fn moved(&mut self, now: Instant) -> Vec<Action> {
        self.interrupted(now);
        self.measurements.left();
        vec![Action::Kill, Action::Wait(MOVED.to_owned())]
    }

    fn hung(&mut self) -> Vec<Action> {
        self.is_hung = true;
        vec![Action::Kill]
    }

    fn measured(&mut self, request: RequestId, ms: Option<u32>) -> Vec<Action> {
        let is_asked = self.measurements.answered(request);
        is_asked.then_some(Action::Measured(request, ms)).into_iter().collect()
    }

    /// Notifies the user once that speech waits for the output.
    fn wait(&mut self, why: &str) -> Option<Action> {
        let is_new = !std::mem::replace(&mut self.is_waiting, true);
        is_new.then(|| Action::Wait(format!("{why}; speech goes on when it is back")))
    }

    /// What the process has not yet played is lost.
    fn interrupted(&mut self, silent: Instant) {
        for taken in &mut self.in_flight {
            taken.interrupted(silent);
        }
    }

    /// The process is gone. Where its engine crashed, the current utterance is retried once, then
    /// given up.
    fn exited(&mut self, exit: Exit, now: Instant) -> Vec<Action> {
        if self.process == Process::Ended {
            return vec![];
        }
        let is_hung = std::mem::take(&mut self.is_hung);
        if let Some(killer) = self.measurements.killer() {
            return self.died_measuring(killer, now);
        }
        let has_crashed = (is_hung || exit == Exit::Crashed) && !self.is_lost;
        let was_up = self.choose_engine(has_crashed, now);
        let is_at_work = |taken: &InFlight| was_up && has_crashed && !taken.is_made;
        let culprit = self.in_flight.iter().position(is_at_work);
        let counts_attempt = was_up && !self.is_lost;
        let was_heard = self.in_flight.iter().any(|taken| taken.has_started);
        self.interrupted(now);
        if was_heard && !has_crashed && !self.is_lost {
            self.n_failed_starts = 0; // it was killed while it spoke
        }
        self.is_lost = false;
        self.process = Process::Down { until: now + self.pause() };
        self.n_failed_starts += 1;
        let mut actions = self.give_up(culprit, counts_attempt);
        if !actions.is_empty() {
            // The text was the cause, not the process: restart at once.
            self.process = Process::Down { until: now };
            self.n_failed_starts = 0;
        }
        if self.process == (Process::Down { until: now }) {
            actions.extend(self.spawn(now));
        }
        actions
    }

    /// The process died of a measurement, which is not made again. That counts against no
    /// utterance: those in flight resume.
    fn died_measuring(&mut self, killer: RequestId, now: Instant) -> Vec<Action> {
        self.interrupted(now);
        let mut actions = vec![Action::Measured(killer, None)];
        actions.extend(self.spawn(now));
        actions
    }

    /// Gives up the utterance on which the engine crashed for the second time, or one that makes
    /// no progress however often it is tried.
    fn give_up(&mut self, culprit: Option<usize>, counts_attempt: bool) -> Vec<Action> {
        let mut failed = None;
        if let Some(taken) = culprit.and_then(|at| self.in_flight.get_mut(at))
            && std::mem::replace(&mut taken.was_retried, true)
        {
            failed = Some((taken.speech.id, TWICE));
        } else if let Some(first) = self.in_flight.front_mut().filter(|_| counts_attempt) {
            first.n_attempts += 1;
            failed = (first.n_attempts >= MOST_ATTEMPTS).then_some((first.speech.id, NO_PROGRESS));
        }
        let Some((id, why)) = failed else { return vec![] };
        self.owes_earcon = true;
        self.outcome(id, Fate::Failed { why: why.to_owned() })
    }

    /// Chooses the next process's engine after an exit; returns whether the process was up. A
    /// fallback that does not start is given up; after one that dies later, the first engine is
    /// used again.
    fn choose_engine(&mut self, has_crashed: bool, now: Instant) -> bool {
        let was_up = matches!(self.process, Process::Up { .. });
        match self.engine {
            Engine::Fallback => {
                self.engine = Engine::First;
                self.has_fallback &= was_up;
            }
            Engine::First => {
                if was_up && has_crashed && self.crashes.are_too_many(now) && self.has_fallback {
                    self.engine = Engine::Fallback;
                    self.crashes = Crashes::default();
                    self.n_failed_starts = 0;
                }
            }
        }
        was_up
    }

    /// The wait before a restart: none at first, then longer with each failed start.
    fn pause(&self) -> Duration {
        match self.n_failed_starts {
            0 | 1 => Duration::ZERO,
            n => (FIRST_PAUSE * 2_u32.saturating_pow(n - 2)).min(LONGEST_PAUSE),
        }
    }

    fn spawn(&mut self, now: Instant) -> Vec<Action> {
        self.process = Process::Starting { since: now };
        match self.engine {
            Engine::First => vec![Action::Spawn],
            Engine::Fallback => vec![Action::SpawnFallback],
        }
    }

    fn stop(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.measurements.clear();
        if matches!(self.process, Process::Up { .. }) && !self.in_flight.is_empty() {
            actions.push(Action::Silence);
        }
        let skipped = self.in_flight.drain(..);
        actions.extend(skipped.map(|taken| Action::ReportOutcome(taken.speech.id, Fate::Skipped)));
        actions
    }

    fn finish(&mut self, now: Instant) -> Vec<Action> {
        self.is_finishing = true;
        match &mut self.process {
            Process::Up { last_heartbeat } => {
                *last_heartbeat = now; // it may have been idle
                vec![Action::End]
            }
            Process::Down { .. } | Process::Starting { .. } => vec![],
            Process::Ended => vec![Action::Done],
        }
    }

    fn tick(&mut self, now: Instant) -> Vec<Action> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return vec![];
        }
        let is_over = self.is_over();
        match &mut self.process {
            Process::Down { .. } => self.spawn(now),
            Process::Starting { since } => {
                *since = now; // otherwise the deadline stays in the past and the driver spins
                [Action::Kill].into_iter().chain(self.wait(NO_START)).collect()
            }
            Process::Up { .. } if is_over => {
                self.process = Process::Ended;
                vec![Action::Kill, Action::Done]
            }
            Process::Up { last_heartbeat } => {
                let silent = std::mem::replace(last_heartbeat, now);
                self.interrupted(silent);
                self.n_timeouts += u32::from(!self.in_flight.is_empty());
                vec![Action::Kill]
            }
            Process::Ended => vec![],
        }
    }

    /// The utterance with this request number, if it has no outcome yet.
    fn find(&mut self, request: UtteranceId) -> Option<&mut InFlight> {
        self.in_flight.iter_mut().find(|taken| taken.request == request)
    }

    /// Gives an utterance its outcome, unless it has one already (a report crossed a stop).
    fn outcome(&mut self, id: UtteranceId, fate: Fate) -> Vec<Action> {
        let before = self.in_flight.len();
        self.in_flight.retain(|taken| taken.speech.id != id);
        if self.in_flight.len() == before { vec![] } else { vec![Action::ReportOutcome(id, fate)] }
    }
}

/// Not a failure, which would play an earcon and print a message each time: a line such as `?` or
/// `^` has nothing that this voice speaks. It is counted, and listed as missed.
const SILENT: &str = "the voice says nothing of it";
const TWICE: &str = "the voice process died on it twice";
const NO_PROGRESS: &str = "200 voice processes ended before a word of it was heard";
const NO_START: &str = "the voice process does not start";
const MOVED: &str = "the default sound device is another one now; speech goes on there";
const ENDED: &str = "the voice process has ended";

#[cfg(test)]
mod tests;
