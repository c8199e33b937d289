//! Where the voice process stands, and what to do about it: a pure state machine. It knows no
//! clock, pipe or process; the driver beside it does what it says.
//!
//! The rule it keeps: what it was given to speak is settled exactly once, whatever the process
//! does. When a process is gone, the next one goes on from the word that was heard last. Only where
//! the engine crashed, or hung, is the text it was at to blame, and given up the second time. No
//! text is to blame for a process that was killed or stopped, nor for the sound.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::asked::Asked;
use super::crashes::Crashes;
pub use super::taken::Exit;
use super::taken::{Engine, Process, Taken};
use super::wire::{Report, SpeakRequest};
use crate::message::{Earcon, Fate, RequestId, UtteranceId};

/// How long a process with work may give no sign of life before it counts as stopped. It gives one
/// whatever its engine and its output do.
const SILENCE_LIMIT: Duration = Duration::from_millis(900);

/// By how much that grows where one process after the other gives none: the machine is busy then,
/// and starting more of them makes it no better.
const MOST_SILENCES: u32 = 5;

/// How long a process may take to start: a sound server may have to be waited for.
const START_LIMIT: Duration = Duration::from_secs(8);

/// The longest wait between two starts: no longer does speech stay away when its cause is gone. A
/// start that leads to nothing takes 20 ms of a processor.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// So much of an utterance cannot have gone out to a device that takes nothing more.
const IS_HEARD_MS: u32 = 500;

/// After so many processes that ended without a word more of an utterance, it is given up, though
/// no crash tells that it is to blame: there must be an end.
const MOST_VAIN: u32 = 200;

/// The wait after the second start in a row that led to nothing; doubled after each more.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// This is to be spoken next.
    Speak(SpeakRequest),
    /// This sound is to be played next.
    Cue(Earcon),
    /// How long this sounds is to be told, when there is time.
    Measure(RequestId, SpeakRequest),
    /// The process says.
    Report(Report),
    /// The process is gone.
    Exited(Exit),
    /// Everything not yet heard is to be forgotten.
    Stop,
    /// No more will come: end when all is spoken.
    Finish,
    /// The time that [`Supervisor::deadline`] gave has come.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Start a process.
    Spawn,
    /// Start a process with the fallback engine.
    SpawnFallback,
    /// The fallback engine speaks from now on: to be told.
    FellBack,
    /// End the process, by force; [`Event::Exited`] follows.
    Kill,
    /// Order this to be spoken.
    Say(SpeakRequest),
    /// Order this sound.
    Cue(Earcon),
    /// Order this to be measured.
    Measure(RequestId, SpeakRequest),
    /// Order silence.
    Silence,
    /// Order the end.
    End,
    /// The utterance's first sample went out.
    Started(UtteranceId),
    /// This word of the utterance is heard now: its first character, and how many.
    Word(UtteranceId, usize, usize),
    /// The utterance has ended.
    Settle(UtteranceId, Fate),
    /// So many milliseconds it sounds; none where nobody can tell.
    Measured(RequestId, Option<u32>),
    /// The process cannot start, nor will it: the program is to end with this reason.
    Refuse {
        /// The reason, as a sentence for the user.
        why: String,
        /// Whether the configuration is at fault.
        configuration: bool,
    },
    /// The output is gone or late: to be told once, in these words.
    Wait(String),
    /// All was spoken, and the process has ended.
    Done,
}

/// Keeps a voice process alive and every utterance accounted for.
#[derive(Debug)]
pub struct Supervisor {
    process: Process,
    taken: VecDeque<Taken>,
    /// A process was ready once: what the user configured is sound.
    has_been_ready: bool,
    is_finishing: bool,
    /// Starts in a row after which no utterance was finished.
    n_vain_starts: u32,
    /// The output was lost, or is late, and that was told.
    is_waiting: bool,
    /// The output of this process was lost.
    is_lost: bool,
    /// The engine of this process hung.
    is_hung: bool,
    /// Processes in a row that gave no sign of life.
    n_silences: u32,
    /// An utterance was given up while no process could sound the cue for it.
    owes_cue: bool,
    engine: Engine,
    /// There is a fallback engine that has not failed to start.
    has_fallback: bool,
    /// When processes of the first engine died at work.
    crashes: Crashes,
    /// What is to be measured. Whatever becomes of that, it costs no utterance its chance.
    asked: Asked,
    n_orders: u64,
}

impl Supervisor {
    /// A supervisor that starts its first process at once: call [`Supervisor::handle`] with
    /// [`Event::Tick`]. Where the engine keeps crashing, the fallback engine speaks, if it has one.
    pub fn new(now: Instant, has_fallback: bool) -> Self {
        Self {
            process: Process::Down { until: now },
            taken: VecDeque::new(),
            has_been_ready: false,
            is_finishing: false,
            n_vain_starts: 0,
            is_waiting: false,
            is_lost: false,
            is_hung: false,
            n_silences: 0,
            owes_cue: false,
            engine: Engine::First,
            has_fallback,
            crashes: Crashes::default(),
            asked: Asked::default(),
            n_orders: 0,
        }
    }

    /// When to call [`Supervisor::handle`] with [`Event::Tick`] if nothing else happens before.
    pub fn deadline(&self) -> Option<Instant> {
        match self.process {
            Process::Down { until } => Some(until),
            Process::Starting { since } => Some(since + START_LIMIT),
            Process::Up { last_sign } if !self.taken.is_empty() => {
                Some(last_sign + SILENCE_LIMIT * (1 + self.n_silences.min(MOST_SILENCES)))
            }
            Process::Up { .. } => self.asked.deadline(),
            Process::Ended => None,
        }
    }

    /// Takes what happened; gives what to do, in order.
    pub fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        match event {
            Event::Speak(speech) => self.speak(speech, now),
            Event::Cue(earcon) => match self.process {
                Process::Up { .. } => vec![Action::Cue(earcon)],
                // Nobody is there to play it, and later it would say nothing.
                Process::Down { .. } | Process::Starting { .. } | Process::Ended => vec![],
            },
            Event::Measure(request, speech) => self.measure(request, speech),
            Event::Report(report) => self.report(report, now),
            Event::Exited(exit) => self.exited(exit, now),
            Event::Stop => self.stop(),
            Event::Finish => self.finish(),
            Event::Tick => self.tick(now),
        }
    }

    fn speak(&mut self, speech: SpeakRequest, now: Instant) -> Vec<Action> {
        self.n_orders += 1;
        let taken = Taken::new(speech, UtteranceId(self.n_orders));
        let (id, order) = (taken.speech.id, taken.order());
        self.taken.push_back(taken);
        match &mut self.process {
            Process::Up { last_sign } => {
                if self.taken.len() == 1 {
                    *last_sign = now; // it was idle, and owed no sign
                }
                vec![order]
            }
            Process::Down { .. } | Process::Starting { .. } => vec![],
            Process::Ended => self.settle(id, Fate::Failed { why: ENDED.to_owned() }),
        }
    }

    fn measure(&mut self, request: RequestId, speech: SpeakRequest) -> Vec<Action> {
        self.asked.ask(request, speech.clone());
        match self.process {
            Process::Up { .. } => vec![Action::Measure(request, speech)],
            Process::Down { .. } | Process::Starting { .. } | Process::Ended => vec![],
        }
    }

    fn report(&mut self, report: Report, now: Instant) -> Vec<Action> {
        if let Process::Up { last_sign } = &mut self.process {
            *last_sign = now;
        }
        match report {
            Report::Ready => self.ready(now),
            Report::Refused { why, configuration } => self.refused(why, configuration, now),
            Report::Started { id } => self.started(id),
            Report::Word { id, start, length, ms, behind_ms } => {
                let heard = now + Duration::from_millis(u64::from(behind_ms));
                self.word(id, (start, length), ms, heard)
            }
            Report::Made { id } => {
                if let Some(taken) = self.find(id) {
                    taken.is_made = true;
                }
                vec![]
            }
            Report::Finished { id, ms } => {
                self.is_heard();
                let Some(taken) = self.find(id) else { return vec![] };
                let (id, rate, ms) = (taken.speech.id, taken.speech.rate, taken.whole_ms(ms));
                self.settle(id, Fate::Spoken { rate, ms })
            }
            Report::Silent { id } => {
                self.is_heard();
                let Some(taken) = self.find(id) else { return vec![] };
                let id = taken.speech.id;
                self.settle(id, Fate::Dropped { rule: SILENT.to_owned() })
            }
            Report::Failed { id, why } => {
                let id = self.find(id).map(|taken| taken.speech.id);
                let failed = id.map(|id| self.settle(id, Fate::Failed { why })).unwrap_or_default();
                [Action::Cue(Earcon::Lost)].into_iter().chain(failed).collect()
            }
            Report::Lost { why, stood_ms } => {
                let silent = now.checked_sub(Duration::from_millis(stood_ms)).unwrap_or(now);
                self.lost(&why, silent)
            }
            Report::Late { why } => self.wait(&why).into_iter().collect(),
            Report::Moved => {
                self.interrupted(now);
                self.asked.left();
                vec![Action::Kill, Action::Wait(MOVED.to_owned())]
            }
            Report::Hung => {
                self.is_hung = true;
                vec![Action::Kill]
            }
            Report::Measuring { request } => {
                self.asked.begun(request, now);
                vec![]
            }
            Report::MeasuredLater { .. } => {
                self.asked.left();
                vec![]
            }
            Report::Measured { request, ms } => {
                let is_asked = self.asked.answered(request);
                is_asked.then_some(Action::Measured(request, ms)).into_iter().collect()
            }
            Report::Alive => vec![],
            Report::Done => {
                self.process = Process::Ended;
                vec![Action::Done]
            }
        }
    }

    /// The process takes orders: it gets all that is not settled.
    fn ready(&mut self, now: Instant) -> Vec<Action> {
        self.has_been_ready = true;
        let told = (self.engine == Engine::Fallback).then_some(Action::FellBack);
        self.process = Process::Up { last_sign: now };
        let cue = std::mem::take(&mut self.owes_cue).then_some(Action::Cue(Earcon::Lost));
        let again = self.taken.iter().map(Taken::order);
        let mut actions: Vec<_> = told.into_iter().chain(cue).chain(again).collect();
        actions.extend(self.asked.orders());
        if self.is_finishing {
            actions.push(Action::End);
        }
        actions
    }

    /// The first refusal ends the program; later ones are waited out: what worked once may again.
    fn refused(&mut self, why: String, configuration: bool, now: Instant) -> Vec<Action> {
        if !self.has_been_ready {
            self.process = Process::Ended;
            return vec![Action::Refuse { why, configuration }];
        }
        self.process = Process::Starting { since: now };
        if self.engine == Engine::Fallback {
            return vec![Action::Kill]; // and back to the first one, which is told by its speech
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

    /// The process has come to a word, its first character and its length, after `ms` of sound.
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

    /// Sound comes out.
    fn is_heard(&mut self) {
        (self.n_vain_starts, self.n_silences, self.is_waiting) = (0, 0, false);
    }

    /// The output is gone, and has been silent since then: which is no utterance's fault.
    fn lost(&mut self, why: &str, silent: Instant) -> Vec<Action> {
        self.interrupted(silent);
        self.asked.left();
        self.is_lost = true;
        [Action::Kill].into_iter().chain(self.wait(why)).collect()
    }

    /// Tells that the output is waited for, unless that was told.
    fn wait(&mut self, why: &str) -> Option<Action> {
        let is_new = !std::mem::replace(&mut self.is_waiting, true);
        is_new.then(|| Action::Wait(format!("{why}; speech goes on when it is back")))
    }

    /// What the process has is not heard any more.
    fn interrupted(&mut self, silent: Instant) {
        for taken in &mut self.taken {
            taken.interrupted(silent);
        }
    }

    /// The process is gone. Where its engine crashed, the utterance it was at is tried once more,
    /// then given up.
    fn exited(&mut self, exit: Exit, now: Instant) -> Vec<Action> {
        if self.process == Process::Ended {
            return vec![];
        }
        let is_hung = std::mem::take(&mut self.is_hung);
        if let Some(killer) = self.asked.killer() {
            return self.died_measuring(killer, now);
        }
        let has_crashed = (is_hung || exit == Exit::Crashed) && !self.is_lost;
        let was_up = self.choose_engine(has_crashed, now);
        let is_at_work = |taken: &Taken| was_up && has_crashed && !taken.is_made;
        let culprit = self.taken.iter().position(is_at_work);
        let is_vain = was_up && !self.is_lost;
        let was_heard = self.taken.iter().any(|taken| taken.has_started);
        self.interrupted(now);
        if was_heard && !has_crashed && !self.is_lost {
            self.n_vain_starts = 0; // it was killed at its work
        }
        self.is_lost = false;
        self.process = Process::Down { until: now + self.pause() };
        self.n_vain_starts += 1;
        let mut actions = self.give_up(culprit, is_vain);
        if !actions.is_empty() {
            // The process did its work on the others; the next gets a fresh start at once.
            self.process = Process::Down { until: now };
            self.n_vain_starts = 0;
        }
        if self.process == (Process::Down { until: now }) {
            actions.extend(self.spawn(now));
        }
        actions
    }

    /// The process died of what it measured, which is not measured again. That is nobody's fault
    /// who speaks: what was spoken meanwhile goes on.
    fn died_measuring(&mut self, killer: RequestId, now: Instant) -> Vec<Action> {
        self.interrupted(now);
        let mut actions = vec![Action::Measured(killer, None)];
        actions.extend(self.spawn(now));
        actions
    }

    /// Ends the utterance at which the engine crashed, the second time, and one of which nothing
    /// more is heard however often it is tried.
    fn give_up(&mut self, culprit: Option<usize>, is_vain: bool) -> Vec<Action> {
        let mut failed = None;
        if let Some(taken) = culprit.and_then(|at| self.taken.get_mut(at))
            && std::mem::replace(&mut taken.was_retried, true)
        {
            failed = Some((taken.speech.id, TWICE));
        } else if let Some(first) = self.taken.front_mut().filter(|_| is_vain) {
            first.n_vain += 1;
            failed = (first.n_vain >= MOST_VAIN).then_some((first.speech.id, IN_VAIN));
        }
        let Some((id, why)) = failed else { return vec![] };
        self.owes_cue = true;
        self.settle(id, Fate::Failed { why: why.to_owned() })
    }

    /// Chooses the next process's engine now that one is gone; gives whether it was at work. A
    /// fallback that does not start is given up; one that dies at work leaves the work to the first
    /// engine again.
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
                    self.n_vain_starts = 0;
                }
            }
        }
        was_up
    }

    /// None before the first restart, then longer and longer while nothing comes of them.
    fn pause(&self) -> Duration {
        match self.n_vain_starts {
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
        self.asked.clear();
        if matches!(self.process, Process::Up { .. }) && !self.taken.is_empty() {
            actions.push(Action::Silence);
        }
        let skipped = self.taken.drain(..);
        actions.extend(skipped.map(|taken| Action::Settle(taken.speech.id, Fate::Skipped)));
        actions
    }

    fn finish(&mut self) -> Vec<Action> {
        self.is_finishing = true;
        match self.process {
            Process::Up { .. } => vec![Action::End],
            Process::Down { .. } | Process::Starting { .. } => vec![],
            Process::Ended => vec![Action::Done],
        }
    }

    fn tick(&mut self, now: Instant) -> Vec<Action> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return vec![];
        }
        match &mut self.process {
            Process::Down { .. } => self.spawn(now),
            Process::Starting { since } => {
                *since = now; // else the deadline stays in the past and the driver spins
                [Action::Kill].into_iter().chain(self.wait(NO_START)).collect()
            }
            Process::Up { last_sign } => {
                let silent = std::mem::replace(last_sign, now);
                self.interrupted(silent);
                self.n_silences += u32::from(!self.taken.is_empty());
                vec![Action::Kill]
            }
            Process::Ended => vec![],
        }
    }

    /// What was ordered under that number, if it is still to be settled.
    fn find(&mut self, order: UtteranceId) -> Option<&mut Taken> {
        self.taken.iter_mut().find(|taken| taken.order == order)
    }

    /// Ends an utterance; nothing where it has ended already (a report crossed a stop).
    fn settle(&mut self, id: UtteranceId, fate: Fate) -> Vec<Action> {
        let before = self.taken.len();
        self.taken.retain(|taken| taken.speech.id != id);
        if self.taken.len() == before { vec![] } else { vec![Action::Settle(id, fate)] }
    }
}

/// No failure, of which there would be a sound and a sentence each time: somebody who writes `?` or
/// `^` has written nothing that this voice says. It is counted, and listed as missed.
const SILENT: &str = "the voice says nothing of it";
const TWICE: &str = "the voice process died on it twice";
const IN_VAIN: &str = "200 voice processes ended before a word of it was heard";
const NO_START: &str = "the voice process does not start";
const MOVED: &str = "the default sound device is another one now; speech goes on there";
const ENDED: &str = "the voice process has ended";

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;
