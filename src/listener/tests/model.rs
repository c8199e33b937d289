//! A model of the voice process: it starts or fails to, speaks and reports one utterance after the
//! other, takes the same time for every word, and fails as the script says.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Output;
use super::ear::{Ear, End};
use super::script::Case;
use crate::message::RequestId;
use crate::wire::{GAP, Report, Request, SpeakRequest};

/// How a process starts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    Ready,
    /// It reports that there is no sound output, and ends.
    Refused,
    /// It ends without a report.
    Dies,
    /// It never reports anything.
    Silent,
}

const STARTING: Duration = Duration::from_millis(20);

/// The interval of its heartbeats while it has work.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// How long a measurement takes.
const MEASURING: Duration = Duration::from_millis(3);

#[derive(Debug)]
enum State {
    Starting {
        until: Instant,
        how: Start,
    },
    Up,
    /// It hangs, or is about to end.
    Stuck,
}

/// An utterance that is being spoken.
#[derive(Debug)]
struct Current {
    speech: SpeakRequest,
    /// Words: the first character, and the word.
    words: Vec<(usize, String)>,
    n_spoken: usize,
    /// When the next word begins; after the last one, when that ends.
    at: Instant,
    performance: usize,
}

#[derive(Debug)]
pub(super) struct Process {
    state: State,
    waiting: VecDeque<SpeakRequest>,
    current: Option<Current>,
    heartbeat_at: Instant,
    word: Duration,
    reports_words: bool,
    fails_next: bool,
    loses_output: bool,
    /// The measuring requests, and when the next one is due.
    requests: VecDeque<(RequestId, SpeakRequest)>,
    measures_at: Instant,
    dies_measuring: bool,
    /// It ends once everything is spoken.
    is_finishing: bool,
}

impl Process {
    pub(super) fn new(how: Start, now: Instant, case: &Case) -> Self {
        Self {
            state: State::Starting { until: now + STARTING, how },
            waiting: VecDeque::new(),
            current: None,
            heartbeat_at: now,
            word: Duration::from_millis(case.word_ms),
            reports_words: case.reports_words,
            fails_next: false,
            loses_output: false,
            requests: VecDeque::new(),
            measures_at: now,
            dies_measuring: false,
            is_finishing: false,
        }
    }

    /// The time of its next action.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.state {
            State::Starting { how: Start::Silent, .. } | State::Stuck => None,
            State::Starting { until, .. } => Some(until),
            State::Up => {
                let measures_at = (!self.requests.is_empty()).then_some(self.measures_at);
                let speaks_at = self.current.as_ref().map(|it| it.at.min(self.heartbeat_at));
                let ends_at = self.is_done().then_some(self.heartbeat_at);
                [measures_at, speaks_at, ends_at].into_iter().flatten().min()
            }
        }
    }

    /// Whether it was asked to end, and everything is spoken.
    fn is_done(&self) -> bool {
        self.is_finishing && self.current.is_none() && self.waiting.is_empty()
    }

    pub(super) fn hang(&mut self) {
        self.state = State::Stuck;
    }

    pub(super) fn fail_next(&mut self) {
        self.fails_next = true;
    }

    pub(super) fn lose_output(&mut self) {
        self.loses_output = true;
    }

    pub(super) fn die_measuring(&mut self) {
        self.dies_measuring = true;
    }

    pub(super) fn calm(&mut self) {
        (self.fails_next, self.loses_output, self.dies_measuring) = (false, false, false);
    }

    /// The process is gone.
    pub(super) fn die(self, ear: &mut Ear) {
        if let Some(current) = self.current {
            ear.end(current.performance, End::Died);
        }
    }

    pub(super) fn obey(&mut self, order: Request, now: Instant, ear: &mut Ear) {
        if matches!(self.state, State::Stuck) {
            return;
        }
        match order {
            Request::Speak(speech) => {
                self.waiting.push_back(speech);
                self.begin(now, false, ear);
            }
            Request::Stop => {
                self.waiting.clear();
                self.requests.clear();
                if let Some(current) = self.current.take() {
                    ear.end(current.performance, End::Stopped);
                }
            }
            Request::Measure { request, speech } => {
                self.requests.push_back((request, speech));
                self.measures_at = self.measures_at.max(now + MEASURING);
            }
            Request::Earcon(_) => {}
            Request::Finish => self.is_finishing = true,
        }
    }

    /// Begins the next utterance, if none is being spoken.
    fn begin(&mut self, now: Instant, is_after: bool, ear: &mut Ear) {
        if self.current.is_some() {
            return;
        }
        let Some(speech) = self.waiting.pop_front() else { return };
        let gap = if is_after { GAP } else { Duration::ZERO };
        let mut at = 0;
        let mut words = Vec::new();
        for word in speech.text.split(' ') {
            words.push((at, word.to_owned()));
            at += word.chars().count() + 1;
        }
        let performance = ear.begin(speech.id);
        self.heartbeat_at = now + HEARTBEAT;
        self.current = Some(Current { speech, words, n_spoken: 0, at: now + gap, performance });
    }

    /// Does what is due; returns the output.
    pub(super) fn work(&mut self, now: Instant, ear: &mut Ear) -> Vec<Output> {
        if let State::Starting { how, .. } = self.state {
            return self.come_up(how);
        }
        if std::mem::take(&mut self.loses_output) {
            self.state = State::Stuck;
            return vec![
                Some(Report::Lost { why: "the output is gone".to_owned(), stood_ms: 0 }),
                None,
            ];
        }
        if self.current.as_ref().is_some_and(|it| it.at <= now) {
            return self.speak(now, ear);
        }
        if self.current.as_ref().is_some_and(|_| self.heartbeat_at <= now) {
            self.heartbeat_at = now + HEARTBEAT;
            return vec![Some(Report::Alive)];
        }
        if self.is_done() {
            self.state = State::Stuck;
            return vec![Some(Report::Done), None];
        }
        self.measure(now, ear)
    }

    /// Answers the first measuring request, also while it speaks: that was synthesised long before.
    fn measure(&mut self, now: Instant, ear: &mut Ear) -> Vec<Output> {
        let Some((request, speech)) = self.requests.pop_front() else { return vec![] };
        self.measures_at = now + MEASURING;
        if std::mem::take(&mut self.dies_measuring) {
            self.state = State::Stuck;
            if let Some(current) = self.current.take() {
                ear.end(current.performance, End::Died);
            }
            return vec![Some(Report::Measuring { request }), None];
        }
        let n = u32::try_from(speech.text.split(' ').count()).unwrap_or(0);
        let ms = u32::try_from((self.word * n).as_millis()).ok();
        vec![Some(Report::Measuring { request }), Some(Report::Measured { request, ms })]
    }

    fn come_up(&mut self, how: Start) -> Vec<Output> {
        self.state = State::Stuck;
        match how {
            Start::Ready => {
                self.state = State::Up;
                vec![Some(Report::Ready)]
            }
            Start::Refused => {
                let why = "no output".to_owned();
                vec![Some(Report::Refused { why, configuration: false }), None]
            }
            Start::Dies => vec![None],
            Start::Silent => vec![],
        }
    }

    fn speak(&mut self, now: Instant, ear: &mut Ear) -> Vec<Output> {
        let Some(current) = &mut self.current else { return vec![] };
        let id = current.speech.id;
        let (performance, n) = (current.performance, current.n_spoken);
        if n == 0 && std::mem::take(&mut self.fails_next) {
            return self.end(End::Failed, Report::Failed { id, why: "no".to_owned() }, now, ear);
        }
        let Some((start, word)) = current.words.get(n) else {
            let ms = u32::try_from((self.word * u32::try_from(n).unwrap_or(0)).as_millis());
            let finished = Report::Finished { id, ms: ms.unwrap_or(u32::MAX) };
            return self.end(End::Finished, finished, now, ear);
        };
        ear.hear(performance, word);
        let mut output = Vec::new();
        if n == 0 {
            output.push(Some(Report::Started { id }));
        }
        if self.reports_words {
            let length = word.chars().count();
            output.push(Some(Report::Word { id, start: *start, length, ms: 0, behind_ms: 0 }));
        }
        current.n_spoken += 1;
        current.at = now + self.word;
        output
    }

    fn end(&mut self, end: End, report: Report, now: Instant, ear: &mut Ear) -> Vec<Output> {
        if let Some(current) = self.current.take() {
            ear.end(current.performance, end);
        }
        self.begin(now, true, ear);
        vec![Some(report)]
    }
}
