//! The listener and the supervisor together, against a **model** of the voice process: a state
//! machine on a virtual clock that speaks one utterance after another, a word at a time. No
//! process, no sound. Messages between the parts are delayed, as on the program's channels and
//! pipes: commands, reports and silence cross each other. The driver's part is [`Whole::obey`], the
//! voice task's ([`Whole::supervise`]) a copy of `voice/mod.rs`.

mod ear;
mod model;
mod script;
mod task;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tokio::sync::oneshot;

use self::ear::Ear;
use self::model::{Process, Start};
use self::script::{Case, LineSpec, N_SOURCES, Step, case, case_of_all, number, settings};
use crate::control::{Command, Request as Asked};
use crate::listener::{Effect, Event, Listener};
use crate::message::{FilePosition, SourceId, UtteranceId};
use crate::source::Input;
use crate::source::lines::Lines;
use crate::voice::VoiceEvent;
use crate::voice::supervisor::{self, Supervisor};
use crate::wire::{Report, Request};

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

/// A process's output; [`None`] is its end.
type Output = Option<Report>;

struct Whole {
    now: Instant,
    listener: Listener,
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
    /// Lines and reads of each source, and what was acknowledged and given back of them.
    n_lines: [u64; N_SOURCES],
    n_acknowledged: [u64; N_SOURCES],
    n_reads: [usize; N_SOURCES],
    n_given_back: [usize; N_SOURCES],
    has_ended: [bool; N_SOURCES],
    /// The listener has ended the program.
    is_over: bool,
    ear: Ear,
}

impl Whole {
    fn new(case: &Case) -> Self {
        let now = crate::clock::test_now();
        let listener = Listener::new(settings(case.naming, false), now);
        Self {
            now,
            listener,
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
            n_lines: [0; N_SOURCES],
            n_acknowledged: [0; N_SOURCES],
            n_reads: [0; N_SOURCES],
            n_given_back: [0; N_SOURCES],
            has_ended: [false; N_SOURCES],
            is_over: false,
            ear: Ear::default(),
        }
    }

    fn soon(&mut self) -> Instant {
        self.now + Duration::from_millis(self.delays.next().unwrap_or(0))
    }

    /// Lets `time` pass; with `is_last`, until the queue is empty.
    fn pass(&mut self, time: Duration, is_last: bool) {
        let end = self.now + time;
        while !(is_last && self.is_over) {
            self.n_steps += 1;
            assert!(self.n_steps < 1_000_000, "it spins: {:?}", self.listener.queue);
            let due = [
                self.voice_events.due(),
                self.requests.due(),
                self.output.due(),
                self.orders.due(),
                self.process.as_ref().and_then(Process::due),
                self.supervisor.deadline(),
                self.listener.deadline(),
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

    /// The driver's part: passes an event to the listener, and obeys.
    fn handle(&mut self, event: Event) {
        let effects = self.listener.handle(event, self.now);
        // What is printed comes after what is spoken; the ear wants it first.
        let (printed, others): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|it| matches!(it, Effect::Emit(_)));
        printed.into_iter().chain(others).for_each(|effect| self.obey(effect));
        let is_paused = self.listener.queue.is_paused();
        self.paused_at = is_paused.then(|| self.paused_at.unwrap_or(self.now));
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Speak(speech) => {
                self.n_in_flight += 1;
                assert!(self.n_in_flight <= 2, "at most two are in flight");
                self.ear.given(&speech, self.now);
                // The supervisor numbers its orders.
                self.n_orders += 1;
                self.ear.ordered(UtteranceId(self.n_orders), speech.id);
                self.request(supervisor::Event::Speak(speech));
            }
            Effect::Measure(request, speech) => {
                self.request(supervisor::Event::Measure(request, speech));
            }
            Effect::Earcon(earcon) => self.request(supervisor::Event::Earcon(earcon)),
            Effect::Silence => self.request(supervisor::Event::Stop),
            Effect::Finish => self.request(supervisor::Event::Finish),
            Effect::Emit(events) => self.printed(&events),
            Effect::GiveBack(source, n) => self.n_given_back[place_of(source)] += n,
            Effect::Acknowledge(source, FilePosition { offset: n, .. }) => {
                let before = std::mem::replace(&mut self.n_acknowledged[place_of(source)], n);
                assert!(before < n, "{source:?}: {n} after {before}");
            }
            Effect::Reload => {
                let other = settings(self.case.naming, true);
                self.handle(Event::Loaded(Ok(Box::new(other))));
            }
            Effect::End { result, .. } => {
                assert!(result.is_ok(), "{result:?}");
                self.is_over = true;
            }
            Effect::Notify(_) | Effect::Reply(..) | Effect::Watch(_) => {}
            effect => panic!("nobody asked for {effect:?}"),
        }
    }

    /// Reads the events; the journal remembers the outcomes in the same order.
    fn printed(&mut self, events: &[u8]) {
        let text = String::from_utf8(events.to_vec()).expect("text");
        let events = text.lines().map(serde_json::from_str);
        let events: Vec<serde_json::Value> = events.map(|it| it.expect("an event")).collect();
        for event in events.iter().filter(|it| it["event"] == "queued") {
            self.ear.queued(id_in(event).expect("a number"), number_in(event));
        }
        let ends: Vec<_> = events.iter().filter(|it| it["event"] == "fate").collect();
        let outcomes = self.listener.journal.last(ends.len(), |_| true);
        for (event, outcome) in ends.into_iter().zip(outcomes) {
            assert_eq!(event["fate"], outcome.fate.name());
            self.ear.ended(id_in(event), number_in(event), outcome.fate.clone());
        }
    }

    fn request(&mut self, event: supervisor::Event) {
        let at = self.soon();
        self.requests.send(at, event);
    }

    /// The driver's part: passes a report of the voice's task to the listener.
    fn voice_event(&mut self, event: VoiceEvent) {
        match &event {
            VoiceEvent::Started(id) => self.ear.reported_start(*id),
            VoiceEvent::Word(id, start, _) => self.ear.reported_word(*id, *start),
            VoiceEvent::Ended(id, fate) => {
                self.n_in_flight -= 1;
                self.ear.reported_end(*id, fate);
            }
            _ => {}
        }
        self.handle(Event::Voice(event));
    }

    /// A source sends one read of these lines.
    fn arrive(&mut self, source: usize, lines: &[LineSpec]) {
        if self.has_ended[source] {
            return;
        }
        let mut read = String::new();
        let mut ends = Vec::new();
        for line in lines {
            self.n_lines[source] += 1;
            ends.push(self.n_lines[source]); // each line has a byte, as it were
            let number = number(source, self.n_lines[source]);
            read.push_str(&line.raw(number));
            read.push('\n');
            self.ear.came(number, source, line, self.now);
        }
        self.n_reads[source] += 1;
        let lines = Lines::new(id_of(source), read.into_bytes(), self.now).ending_at(1, ends);
        self.handle(Event::Input(Input::Lines(lines)));
    }

    fn end_source(&mut self, source: usize) {
        if !std::mem::replace(&mut self.has_ended[source], true) {
            self.handle(Event::Input(Input::Ended(id_of(source), Ok(()))));
        }
    }

    fn command(&mut self, command: Command) {
        let (reply, _client) = oneshot::channel();
        self.handle(Event::Command(Asked { command, reply }));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Say(source, lines) => self.arrive(*source, lines),
            Step::Pass(ms) => self.pass(Duration::from_millis(*ms), false),
            Step::Control(command) => self.command(command.clone()),
            Step::End(source) => self.end_source(*source),
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

    /// Stops all failures, ends the sources and speaks what is left.
    fn finish(&mut self) {
        self.is_calm = true;
        self.with_process(Process::calm);
        self.command(Command::Resume);
        (0..N_SOURCES).for_each(|source| self.end_source(source));
        self.pass(LONG, true);
        assert!(self.is_over, "it never ends: {:?}", self.listener.queue);
    }

    /// Runs all of the case, and checks what does not depend on it.
    fn run(case: &Case) -> Result<Self, TestCaseError> {
        let mut whole = Self::new(case);
        case.steps.iter().for_each(|step| whole.step(step));
        whole.finish();
        let (n_lines, fates) = whole.listener.journal.counts();
        prop_assert_eq!(n_lines, whole.n_lines.iter().sum::<u64>());
        prop_assert_eq!(n_lines, fates.values().sum::<u64>(), "lines in are the sum of fates");
        prop_assert_eq!(whole.n_acknowledged, whole.n_lines, "all are acknowledged");
        prop_assert_eq!(whole.n_given_back, whole.n_reads, "all sources may read on");
        whole.ear.check(case);
        Ok(whole)
    }
}

fn id_of(source: usize) -> SourceId {
    SourceId(u16::try_from(source).expect("a few sources"))
}

fn place_of(source: SourceId) -> usize {
    usize::from(source.0)
}

fn id_in(event: &serde_json::Value) -> Option<UtteranceId> {
    event["id"].as_u64().map(UtteranceId)
}

/// The number of the line that an event is about, among those of all sources.
fn number_in(event: &serde_json::Value) -> u64 {
    let source = usize::from(event["source"] != script::NAMES[0]);
    number(source, event["line"].as_u64().expect("a line"))
}

/// How many cases are tried: `LISTENER_CASES`, for a long run.
fn n_cases() -> u32 {
    std::env::var("LISTENER_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(256)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: n_cases(), ..ProptestConfig::default() })]

    /// Whatever lines come, whatever the user does with what is spoken, however the voice process
    /// fails, and whatever crosses on the way: each line has one fate, the order is kept, nothing
    /// is lost, and no word is heard twice but the one that was interrupted, those whose report was
    /// still on its way then, the part of an utterance in which a process died, and replays.
    #[test]
    fn nothing_is_lost_and_nothing_is_spoken_twice(case in case()) {
        Whole::run(&case)?;
    }

    /// The same with several sources that end when they like, mutes, new configurations, changes
    /// of the volume and of the voices.
    #[test]
    fn no_command_and_no_end_of_a_source_loses_a_line(case in case_of_all()) {
        Whole::run(&case)?;
    }
}
