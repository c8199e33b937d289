//! The queue, the supervisor and the journal together, against a **model** of the voice process: a
//! state machine on a virtual clock that speaks one utterance after another, a word at a time. No
//! process, no sound. Messages between the parts are delayed, as on the program's channels and
//! pipes: commands, reports and silence cross each other. The listener's part ([`Whole::handle`],
//! [`Whole::voice_event`]) is a copy of `listener/speech.rs`, the voice task's
//! ([`Whole::supervise`]) of `voice/mod.rs`.

mod ear;
mod model;
mod script;
mod task;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use self::ear::Ear;
use self::model::{Process, Start};
use self::script::{Case, LineSpec, Step, case};
use crate::journal::Journal;
use crate::message::{Fate, RequestId, UtteranceId};
use crate::queue::rate_control::LagTarget;
use crate::queue::{Action, Event, Queue};
use crate::voice::supervisor::{self, Supervisor};
use crate::wire::{Report, Request, SpeakRequest};

const TARGET: LagTarget = LagTarget { base: 220, max: 450, lag: Duration::from_secs(15) };

/// Enough virtual time to speak what any script leaves.
const LONG: Duration = Duration::from_secs(20_000);

/// A channel from one part to another: first in, first out, each item with its delay.
#[derive(Debug)]
struct Delayed<T> {
    items: VecDeque<(Instant, T)>,
}

impl<T> Delayed<T> {
    fn new() -> Self {
        Self { items: VecDeque::new() }
    }

    fn send(&mut self, at: Instant, item: T) {
        let last = self.items.back().map_or(at, |(last, _)| *last);
        self.items.push_back((at.max(last), item));
    }

    fn due(&self) -> Option<Instant> {
        self.items.front().map(|(at, _)| *at)
    }

    fn receive(&mut self) -> Option<T> {
        self.items.pop_front().map(|(_, item)| item)
    }
}

/// What the voice's task reports to the listener.
#[derive(Debug)]
enum VoiceEvent {
    Started(UtteranceId),
    Word(UtteranceId, usize),
    Ended(UtteranceId, Fate),
    Measured(RequestId, Option<f64>),
}

/// A process's output; [`None`] is its end.
type Output = Option<Report>;

struct Whole {
    now: Instant,
    queue: Queue,
    journal: Journal,
    supervisor: Supervisor,
    process: Option<Process>,
    /// From the listener to the voice's task, and back.
    requests: Delayed<supervisor::Event>,
    voice_events: Delayed<VoiceEvent>,
    /// From the voice's task to the process, and back.
    orders: Delayed<Request>,
    output: Delayed<Output>,
    /// How the next processes start, and how long items are under way: over and over.
    starts: std::iter::Cycle<std::vec::IntoIter<Start>>,
    delays: std::iter::Cycle<std::vec::IntoIter<u64>>,
    case: Case,
    has_been_ready: bool,
    n_orders: u64,
    /// No further failures.
    is_calm: bool,
    n_steps: u64,
    /// Utterances given to the voice whose end it has not reported.
    n_in_flight: usize,
    paused_at: Option<Instant>,
    ear: Ear,
}

impl Whole {
    fn new(case: &Case) -> (Self, std::sync::mpsc::Receiver<Vec<u8>>) {
        let now = crate::clock::test_now();
        let (events, printed) = std::sync::mpsc::channel();
        let whole = Self {
            now,
            queue: Queue::new(TARGET),
            journal: Journal::new(Some(events)),
            supervisor: Supervisor::new(now, false),
            process: None,
            requests: Delayed::new(),
            voice_events: Delayed::new(),
            orders: Delayed::new(),
            output: Delayed::new(),
            starts: case.starts.clone().into_iter().cycle(),
            delays: case.delays.clone().into_iter().cycle(),
            case: case.clone(),
            has_been_ready: false,
            n_orders: 0,
            is_calm: false,
            n_steps: 0,
            n_in_flight: 0,
            paused_at: None,
            ear: Ear::default(),
        };
        (whole, printed)
    }

    fn soon(&mut self) -> Instant {
        self.now + Duration::from_millis(self.delays.next().unwrap_or(0))
    }

    /// Lets `time` pass; with `is_last`, until the queue is empty.
    fn pass(&mut self, time: Duration, is_last: bool) {
        let end = self.now + time;
        while !(is_last && self.queue.is_empty()) {
            self.n_steps += 1;
            assert!(self.n_steps < 1_000_000, "it spins: {:?}", self.queue);
            let due = [
                self.voice_events.due(),
                self.requests.due(),
                self.output.due(),
                self.orders.due(),
                self.process.as_ref().and_then(Process::due),
                self.supervisor.deadline(),
                self.queue.deadline(),
            ];
            let next = (0..).zip(due).filter_map(|(which, due)| Some((due?, which))).min();
            let Some((at, which)) = next.filter(|(at, _)| *at <= end) else { break };
            self.now = self.now.max(at);
            self.happen(which);
        }
        if !is_last {
            self.now = end;
        }
    }

    fn happen(&mut self, which: u8) {
        match which {
            0 => {
                if let Some(event) = self.voice_events.receive() {
                    self.voice_event(event);
                }
            }
            1 => {
                if let Some(event) = self.requests.receive() {
                    self.supervise(event);
                }
            }
            2 => match self.output.receive() {
                Some(Some(report)) => {
                    self.has_been_ready |= report == Report::Ready;
                    self.supervise(supervisor::Event::Report(report));
                }
                Some(None) => {
                    self.process = None;
                    self.supervise(supervisor::Event::Exited(supervisor::Exit::Crashed));
                }
                None => {}
            },
            3 => {
                if let (Some(order), Some(process)) = (self.orders.receive(), &mut self.process) {
                    process.obey(order, self.now, &mut self.ear);
                }
            }
            4 => self.work(),
            5 => self.supervise(supervisor::Event::Tick),
            _ => self.handle(Event::Tick),
        }
    }

    /// The process does what is due.
    fn work(&mut self) {
        let Some(process) = &mut self.process else { return };
        let output = process.work(self.now, &mut self.ear);
        if let Some(paused) = self.paused_at {
            // The silence takes two delays at most, and longer where a process starts.
            let limit = paused + Duration::from_millis(2 * script::LONGEST_DELAY);
            let is_word =
                matches!(output.first(), Some(Some(Report::Word { .. } | Report::Started { .. })));
            assert!(!is_word || self.now <= limit, "a pause is silence");
        }
        for item in output {
            let at = self.soon();
            self.output.send(at, item);
        }
    }

    /// The listener's part: handles an event (`Listener::handle`).
    fn handle(&mut self, event: Event) {
        for action in self.queue.handle(event, self.now) {
            match action {
                Action::Speak { utterance, from, rate, gap_ms } => {
                    self.n_in_flight += 1;
                    assert!(self.n_in_flight <= 2, "at most two are in flight");
                    self.ear.given(&utterance, from, self.now);
                    let speech = SpeakRequest {
                        id: utterance.id,
                        text: utterance.text[from..].to_owned(),
                        rate,
                        gap_ms,
                        ..SpeakRequest::of("")
                    };
                    // The supervisor numbers its orders.
                    self.n_orders += 1;
                    self.ear.ordered(UtteranceId(self.n_orders), speech.id);
                    self.request(supervisor::Event::Speak(speech));
                }
                Action::Measure { request, utterance, from, rate } => {
                    let text = utterance.text[from..].to_owned();
                    let speech =
                        SpeakRequest { id: utterance.id, text, rate, ..SpeakRequest::of("") };
                    self.request(supervisor::Event::Measure(request, speech));
                }
                Action::Silence => self.request(supervisor::Event::Stop),
                Action::ReportOutcome(id, fate) => {
                    self.journal.ended(id, &fate, self.now);
                    self.ear.ended(id, fate);
                }
            }
        }
        self.paused_at = self.queue.is_paused().then(|| self.paused_at.unwrap_or(self.now));
    }

    fn request(&mut self, event: supervisor::Event) {
        let at = self.soon();
        self.requests.send(at, event);
    }

    /// The listener's part: handles a report of the voice's task.
    fn voice_event(&mut self, event: VoiceEvent) {
        match event {
            VoiceEvent::Started(id) => {
                self.journal.started(id, self.now);
                self.ear.reported_start(id);
                self.handle(Event::Started(id));
            }
            VoiceEvent::Word(id, start) => {
                self.ear.reported_word(id, start);
                self.handle(Event::Reached(id, start));
            }
            VoiceEvent::Ended(id, fate) => {
                self.n_in_flight -= 1;
                self.ear.reported_end(id, &fate);
                self.handle(Event::Ended(id, fate));
            }
            VoiceEvent::Measured(request, seconds) => {
                self.handle(Event::Measured(request, seconds));
            }
        }
    }

    fn arrive(&mut self, lines: &[LineSpec]) {
        let mut utterances = Vec::new();
        for line in lines {
            let id = self.queue.number();
            let n_before = self.ear.lines.len() as u64;
            let utterance = line.utterance(id, n_before + 1, self.now);
            self.ear.came(&utterance, line);
            self.journal.queued(&utterance, "a source", 220);
            utterances.push(utterance);
        }
        self.handle(Event::Arrived(utterances));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Say(lines) => self.arrive(lines),
            Step::Pass(ms) => self.pass(Duration::from_millis(*ms), false),
            Step::Control(event) => self.handle(event.clone()),
            Step::Crash => self.crash(),
            Step::Hang => self.with_process(Process::hang),
            Step::Fail => self.with_process(Process::fail_next),
            Step::Lose => self.with_process(Process::lose_output),
            Step::DieMeasuring => self.with_process(Process::die_measuring),
        }
    }

    fn with_process(&mut self, change: impl FnOnce(&mut Process)) {
        if let Some(process) = &mut self.process {
            change(process);
        }
    }

    /// Stops all failures and speaks what is left.
    fn finish(&mut self) {
        self.is_calm = true;
        self.with_process(Process::calm);
        self.handle(Event::Resume);
        self.pass(LONG, true);
        assert!(self.queue.is_empty(), "it never ends: {:?}", self.queue);
    }
}

/// The fates of each line among the events that the journal printed.
fn printed_fates(printed: &std::sync::mpsc::Receiver<Vec<u8>>) -> HashMap<u64, Vec<String>> {
    let mut fates: HashMap<u64, Vec<String>> = HashMap::new();
    for line in printed.try_iter() {
        let event: serde_json::Value = serde_json::from_slice(&line).expect("an event");
        if event["event"] == "fate" {
            let (line, fate) = (event["line"].as_u64(), event["fate"].as_str());
            let fate = fate.expect("a fate").to_owned();
            fates.entry(line.expect("a line")).or_default().push(fate);
        }
    }
    fates
}

proptest! {
    /// Whatever lines come, whatever the user does, however the voice process fails, and whatever
    /// crosses on the way: each line has one fate, the order is kept, nothing is lost, and no word
    /// is heard twice but the one that was interrupted, those whose report was still on its way
    /// then, the part of an utterance in which a process died, and replays.
    #[test]
    fn nothing_is_lost_and_nothing_is_spoken_twice(case in case()) {
        let (mut whole, printed) = Whole::new(&case);
        for step in &case.steps {
            whole.step(step);
        }
        whole.finish();
        let printed = printed_fates(&printed);
        let (n_lines, fates) = whole.journal.counts();
        prop_assert_eq!(n_lines, whole.ear.lines.len() as u64);
        prop_assert_eq!(n_lines, fates.values().sum::<u64>(), "lines in are the sum of fates");
        for line in whole.ear.lines.keys() {
            let fates = printed.get(line).map_or(0, Vec::len);
            prop_assert_eq!(fates, 1, "line {} has one fate: {:?}", line, printed.get(line));
        }
        whole.ear.check(&case);
    }
}
