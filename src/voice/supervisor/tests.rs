use super::Action::*;
use super::*;
use crate::units::Wpm;

/// A supervisor on a clock that tests move by hand.
struct Bench {
    supervisor: Supervisor,
    start: Instant,
}

impl Bench {
    fn new() -> Self {
        let start = crate::clock::test_now();
        Self { supervisor: Supervisor::new(start, false), start }
    }

    /// A bench with a fallback engine, whose first engine has crashed three times.
    fn fallen() -> Self {
        let mut bench = Self::new();
        bench.supervisor.has_fallback = true;
        bench.at(0, Event::Tick);
        bench.at(0, Event::Report(Report::Ready));
        bench.at(0, Event::Speak(speech(1)));
        bench.at(0, Event::Speak(speech(2)));
        assert_eq!(bench.at(1, Event::Exited(Exit::Crashed)), [Spawn]);
        assert_eq!(bench.at(2, Event::Report(Report::Ready)), [Say(speech(1)), Say(speech(2))]);
        assert_eq!(bench.at(3, Event::Exited(Exit::Crashed)), [failed(1), Spawn]);
        bench.at(4, Event::Report(Report::Ready));
        assert_eq!(bench.at(60_001, Event::Exited(Exit::Crashed)), [SpawnFallback]);
        bench
    }

    /// A bench whose process is up.
    fn ready() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.at(0, Event::Tick), [Spawn]);
        assert_eq!(bench.at(0, Event::Report(Report::Ready)), []);
        bench
    }

    fn at(&mut self, ms: u64, event: Event) -> Vec<Action> {
        self.supervisor.handle(event, self.start + Duration::from_millis(ms))
    }

    fn deadline(&self) -> Option<u64> {
        let deadline = self.supervisor.deadline()?;
        Some(u64::try_from((deadline - self.start).as_millis()).expect("a short test"))
    }
}

#[test]
fn a_process_that_does_not_end_when_everything_is_spoken_is_not_waited_for() {
    let mut bench = Bench::ready();
    assert_eq!(bench.at(10_000, Event::Finish), [End]);
    assert_eq!(bench.deadline(), Some(13_000));
    assert_eq!(bench.at(12_000, Event::Report(Report::Alive)), []);
    assert_eq!(bench.at(13_000, Event::Tick), [], "it is there");
    assert_eq!(bench.at(15_000, Event::Tick), [Kill, Done]);
    assert_eq!(bench.deadline(), None);
}

#[test]
fn no_process_is_started_only_to_end() {
    let mut bench = Bench::ready();
    for ms in [1, 2] {
        assert_eq!(bench.at(ms, Event::Exited(Exit::Killed)), [Spawn]);
    }
    assert_eq!(bench.at(3, Event::Exited(Exit::Killed)), []);
    assert_eq!(bench.at(4, Event::Finish), [Done]);
}

fn speech(id: u64) -> SpeakRequest {
    SpeakRequest { id: UtteranceId(id), ..SpeakRequest::of("hello") }
}

fn started(id: u64) -> Event {
    Event::Report(Report::Started { id: UtteranceId(id) })
}

fn finished(id: u64) -> Event {
    Event::Report(Report::Finished { id: UtteranceId(id), ms: 5 })
}

fn word(id: u64, start: usize, ms: u32, behind_ms: u32) -> Event {
    Event::Report(Report::Word { id: UtteranceId(id), start, length: 3, ms, behind_ms })
}

fn made(id: u64) -> Event {
    Event::Report(Report::Made { id: UtteranceId(id) })
}

fn lost() -> Event {
    Event::Report(Report::Lost { why: "it is gone".to_owned(), stood_ms: 0 })
}

fn waits(why: &str) -> Action {
    Wait(format!("{why}; speech goes on when it is back"))
}

fn rest(id: u64, text: &str) -> Action {
    Say(SpeakRequest { text: text.to_owned(), ..speech(id) })
}

fn spoken(id: u64) -> Action {
    ReportOutcome(UtteranceId(id), Fate::Spoken { rate: Wpm(220), ms: 5 })
}

fn failed(id: u64) -> Action {
    ReportOutcome(UtteranceId(id), Fate::Failed { why: TWICE.to_owned() })
}

#[test]
fn an_utterance_is_spoken_and_reported() {
    let mut bench = Bench::ready();
    assert_eq!(bench.at(1, Event::Speak(speech(1))), [Say(speech(1))]);
    assert_eq!(bench.at(2, started(1)), [Started(UtteranceId(1))]);
    assert_eq!(bench.at(900, finished(1)), [spoken(1)]);
    assert_eq!(bench.deadline(), None, "no heartbeat is due");
}

#[test]
fn utterances_wait_until_the_process_is_ready() {
    let mut bench = Bench::new();
    assert_eq!(bench.at(0, Event::Speak(speech(1))), []);
    assert_eq!(bench.at(0, Event::Tick), [Spawn]);
    assert_eq!(bench.at(5, Event::Report(Report::Ready)), [Say(speech(1))]);
}

#[test]
fn a_hung_engine_is_killed_and_its_utterance_is_tried_once_more() {
    let mut bench = Bench::ready();
    bench.at(0, Event::Speak(speech(1)));
    bench.at(0, Event::Speak(speech(2)));
    assert_eq!(bench.at(500, Event::Report(Report::Alive)), []);
    assert_eq!(bench.at(1_400, Event::Report(Report::Hung)), [Kill]);
    assert_eq!(bench.at(1_401, Event::Exited(Exit::Killed)), [Spawn]);
    let again = bench.at(1_410, Event::Report(Report::Ready));
    assert_eq!(again, [Say(speech(1)), Say(speech(2))]);
    assert_eq!(bench.at(1_420, Event::Exited(Exit::Crashed)), [failed(1), Spawn]);
    let rest = bench.at(1_430, Event::Report(Report::Ready));
    assert_eq!(
        rest,
        [Earcon(crate::message::Earcon::Lost), Say(speech(2))],
        "the second still has both tries"
    );
}

#[test]
fn a_stopped_or_killed_process_counts_against_no_utterance() {
    let mut bench = Bench::ready();
    bench.at(0, Event::Speak(speech(1)));
    bench.at(500, Event::Report(Report::Alive));
    assert_eq!(bench.deadline(), Some(1_400));
    assert_eq!(bench.at(1_399, Event::Tick), []);
    assert_eq!(bench.at(1_400, Event::Tick), [Kill], "it is stopped");
    let mut ms = 1_401;
    for n in 0..38 {
        let actions = bench.at(ms, Event::Exited(Exit::Killed));
        assert!(actions.iter().all(|it| *it == Spawn), "{n}: {actions:?}");
        let until = bench.deadline().expect("a deadline");
        ms = if actions.is_empty() { until } else { ms };
        bench.at(ms, Event::Tick);
        assert_eq!(bench.at(ms + 1, Event::Report(Report::Ready)), [Say(speech(1))]);
        ms += 2;
    }
    bench.at(ms, started(1));
    assert_eq!(bench.at(ms, Event::Exited(Exit::Killed)), [Spawn], "at once: it was speaking");
    bench.at(ms, Event::Report(Report::Ready));
    assert_eq!(bench.at(ms, finished(1)), [spoken(1)]);
}

#[test]
fn retrying_ends() {
    let mut bench = Bench::ready();
    bench.at(0, Event::Speak(speech(1)));
    let (mut ms, mut n_tried) = (1, 1);
    loop {
        let actions = bench.at(ms, Event::Exited(Exit::Killed));
        let failed = |it: &Action| matches!(it, ReportOutcome(_, Fate::Failed { .. }));
        if actions.iter().any(failed) {
            break;
        }
        ms = bench.deadline().unwrap_or(ms).max(ms + 1);
        bench.at(ms, Event::Tick);
        bench.at(ms, Event::Report(Report::Ready));
        n_tried += 1;
    }
    assert_eq!(n_tried, MOST_ATTEMPTS);
}

#[test]
fn a_crash_counts_only_against_the_current_text() {
    let mut bench = Bench::ready();
    bench.at(0, Event::Speak(speech(1)));
    bench.at(0, Event::Speak(speech(2)));
    for n in 0..2 {
        bench.at(n, made(1));
        let actions = bench.at(n, Event::Exited(Exit::Crashed));
        assert_eq!(actions.contains(&failed(2)), n == 1, "{actions:?}");
        bench.at(n, Event::Report(Report::Ready));
    }
    assert_eq!(bench.at(9, finished(1)), [spoken(1)]);
    let mut bench = Bench::new();
    bench.at(0, Event::Speak(speech(1)));
    bench.at(0, Event::Tick);
    for _ in 0..9 {
        let actions = bench.at(9_000, Event::Exited(Exit::Crashed));
        assert!(!actions.contains(&failed(1)), "it was not begun: {actions:?}");
        let ms = bench.deadline().expect("a process is to be started");
        bench.at(ms, Event::Tick);
    }
}

#[test]
fn speech_resumes_at_the_word_that_was_heard_last() {
    let text = "one two three four";
    let mut bench = Bench::ready();
    bench.at(0, Event::Speak(SpeakRequest { text: text.to_owned(), ..speech(1) }));
    bench.at(0, started(1));
    assert_eq!(bench.at(0, word(1, 0, 0, 100)), [Action::Word(UtteranceId(1), 0, 3)]);
    bench.at(300, word(1, 4, 300, 100));
    bench.at(600, word(1, 8, 600, 100));
    bench.at(699, Event::Exited(Exit::Killed));
    let ready = bench.at(720, Event::Report(Report::Ready));
    assert_eq!(ready, [rest(1, "two three four")], "\"three\" was made and not heard");
    assert_eq!(bench.at(800, started(1)), [Started(UtteranceId(1))]);
    let reached = bench.at(1_100, word(1, 4, 300, 100));
    assert_eq!(reached, [Action::Word(UtteranceId(1), 8, 3)], "places are those of the whole text");
    let actions =
        bench.at(9_000, Event::Report(Report::Lost { why: "no".to_owned(), stood_ms: 6_000 }));
    assert_eq!(actions, [Kill, waits("no")]);
    bench.at(9_001, Event::Exited(Exit::Killed));
    let ready = bench.at(9_020, Event::Report(Report::Ready));
    assert_eq!(ready, [rest(1, "three four")]);
    let ended = bench.at(9_900, finished(1));
    assert_eq!(ended, [ReportOutcome(UtteranceId(1), Fate::Spoken { rate: Wpm(220), ms: 605 })]);
}

#[test]
fn a_late_or_lost_device_is_reported_once_until_something_is_heard() {
    let late = || Event::Report(Report::Late { why: "it sleeps".to_owned() });
    let mut bench = Bench::new();
    bench.at(0, Event::Tick);
    assert_eq!(bench.at(2_500, late()), [waits("it sleeps")], "also at the start");
    assert_eq!(bench.at(6_000, lost()), [Kill]);
    assert_eq!(bench.at(6_001, Event::Exited(Exit::Killed)), [Spawn]);
    bench.at(6_002, Event::Report(Report::Ready));
    bench.at(6_002, Event::Speak(speech(1)));
    bench.at(6_003, started(1));
    bench.at(6_003, word(1, 0, 0, 100));
    assert_eq!(bench.at(9_000, late()), [], "what went out may be in its buffer");
    bench.at(9_003, word(1, 4, 600, 100));
    assert_eq!(bench.at(20_000, late()), [waits("it sleeps")]);
    let moved = bench.at(20_001, Event::Report(Report::Moved));
    assert_eq!(moved, [Kill, Wait(MOVED.to_owned())]);
    assert_eq!(bench.at(20_001, Event::Exited(Exit::Killed)), [Spawn], "at once");
}

#[test]
fn a_busy_machine_is_given_more_time() {
    let mut bench = Bench::ready();
    bench.at(0, Event::Speak(speech(1)));
    for limit in [900, 1_800, 2_700] {
        let ms = bench.deadline().expect("a heartbeat is due");
        assert_eq!(bench.at(ms, Event::Tick), [Kill]);
        bench.at(ms, Event::Exited(Exit::Killed));
        let until = bench.deadline().expect("a process is to be started").min(ms + 200);
        bench.at(until, Event::Tick);
        bench.at(until, Event::Report(Report::Ready));
        assert_eq!(bench.deadline(), Some(until + limit + 900));
    }
    bench.at(9_000, finished(1));
    bench.at(9_000, Event::Speak(speech(2)));
    assert_eq!(bench.deadline(), Some(9_900));
}

#[test]
fn an_idle_process_owes_no_heartbeat() {
    let mut bench = Bench::ready();
    bench.at(100_000, Event::Speak(speech(1)));
    assert_eq!(bench.at(100_001, Event::Tick), []);
    assert_eq!(bench.deadline(), Some(100_900));
}

#[test]
fn the_first_refusal_ends_the_program_and_later_ones_are_retried() {
    let refused = || {
        Event::Report(Report::Refused { why: "no sound device".to_owned(), configuration: false })
    };
    let mut bench = Bench::new();
    bench.at(0, Event::Tick);
    let why = "no sound device".to_owned();
    assert_eq!(bench.at(1, refused()), [Refuse { why: why.clone(), configuration: false }]);

    let mut bench = Bench::ready();
    bench.at(0, Event::Speak(speech(1)));
    bench.at(1, lost());
    let mut ms = 2;
    for _ in 0..20 {
        bench.at(ms, Event::Exited(Exit::Crashed));
        ms = bench.deadline().unwrap_or(ms);
        bench.at(ms, Event::Tick);
        assert_eq!(bench.at(ms, refused()), [Kill], "reported once, and retried");
    }
    bench.at(ms, Event::Exited(Exit::Crashed));
    assert_eq!(bench.deadline(), Some(ms + 1_000), "the longest pause");
    bench.at(ms + 1_000, Event::Tick);
    assert_eq!(bench.at(ms + 1_001, Event::Report(Report::Ready)), [Say(speech(1))]);
}

#[test]
fn a_stop_skips_everything_and_late_reports_change_nothing() {
    let mut bench = Bench::ready();
    bench.at(0, Event::Speak(speech(1)));
    bench.at(0, Event::Speak(speech(2)));
    let skipped = |id| ReportOutcome(UtteranceId(id), Fate::Skipped);
    assert_eq!(bench.at(5, Event::Stop), [Silence, skipped(1), skipped(2)]);
    assert_eq!(bench.at(6, finished(1)), []);
    assert_eq!(bench.at(6, started(2)), []);
}

#[test]
fn finish_waits_for_the_last_word_even_after_a_crash() {
    let mut bench = Bench::ready();
    bench.at(0, Event::Speak(speech(1)));
    assert_eq!(bench.at(1, Event::Finish), [End]);
    assert_eq!(bench.at(2, Event::Exited(Exit::Crashed)), [Spawn]);
    assert_eq!(bench.at(9, Event::Report(Report::Ready)), [Say(speech(1)), End]);
    assert_eq!(bench.at(20, finished(1)), [spoken(1)]);
    assert_eq!(bench.at(25, Event::Report(Report::Done)), [Done]);
    assert_eq!(bench.at(26, Event::Exited(Exit::Crashed)), [], "it was done");
}

#[test]
fn three_crashes_in_a_minute_start_the_fallback_and_its_crash_the_first_engine() {
    let mut bench = Bench::fallen();
    assert_eq!(bench.at(60_010, Event::Report(Report::Ready))[0], FellBack);
    bench.at(60_020, finished(2));
    bench.at(60_030, Event::Speak(speech(3)));
    assert_eq!(bench.at(60_040, Event::Exited(Exit::Crashed)), [Spawn], "the fallback crashed");
    assert_eq!(bench.at(60_050, Event::Report(Report::Ready)), [Say(speech(3))]);
    assert_eq!(bench.at(60_060, Event::Exited(Exit::Crashed)), [failed(3), Spawn]);
    bench.at(60_070, Event::Report(Report::Ready));
    bench.at(60_080, Event::Exited(Exit::Crashed));
    let again = bench.deadline().expect("a process is to be started");
    bench.at(again, Event::Tick);
    bench.at(again, Event::Report(Report::Ready));
    assert_eq!(
        bench.at(again, Event::Exited(Exit::Crashed)),
        [SpawnFallback],
        "the fallback may be tried again"
    );
}

#[test]
fn a_fallback_that_does_not_start_is_given_up_and_fails_no_utterance() {
    let why = "no Speech Dispatcher".to_owned();
    let refused = Event::Report(Report::Refused { why, configuration: false });
    for is_refused in [true, false] {
        let mut bench = Bench::fallen();
        if is_refused {
            assert_eq!(bench.at(60_002, refused.clone()), [Kill], "not reported");
        }
        assert_eq!(bench.at(60_003, Event::Exited(Exit::Crashed)), [Spawn]);
        let ready = bench.at(60_004, Event::Report(Report::Ready));
        assert!(ready.contains(&Say(speech(2))), "{ready:?}");
        bench.at(60_005, finished(2));
        for n in 0..5 {
            let ms = bench.deadline().unwrap_or(60_010 + n);
            bench.at(ms, Event::Tick);
            bench.at(ms, Event::Report(Report::Ready));
            assert!(!bench.at(ms, Event::Exited(Exit::Crashed)).contains(&SpawnFallback));
        }
    }
}

#[test]
fn a_crash_a_minute_and_a_lost_device_start_no_fallback() {
    let mut bench = Bench::ready();
    bench.supervisor.has_fallback = true;
    for n in 1..9 {
        let ms = n * 30_001;
        assert_eq!(bench.at(ms, Event::Exited(Exit::Crashed)), [Spawn]);
        bench.at(ms + 1, Event::Report(Report::Ready));
        bench.at(ms + 1, Event::Speak(speech(n)));
        bench.at(ms + 2, finished(n));
    }
    for _ in 0..9 {
        bench.at(400_000, lost());
        assert!(!bench.at(400_000, Event::Exited(Exit::Crashed)).contains(&SpawnFallback));
        let ms = bench.deadline().expect("a process is to be started");
        assert!(!bench.at(ms, Event::Tick).contains(&SpawnFallback));
        bench.at(ms, Event::Report(Report::Ready));
    }
}

fn measuring(request: u64) -> Event {
    Event::Report(Report::Measuring { request: RequestId(request) })
}

fn measured(request: u64, ms: Option<u32>) -> Event {
    Event::Report(Report::Measured { request: RequestId(request), ms })
}

#[test]
fn a_measurement_is_answered_once_and_needs_no_heartbeat() {
    let mut bench = Bench::ready();
    let [one, two] = [1, 2].map(RequestId);
    let asked = bench.at(1, Event::Measure(one, speech(7)));
    assert_eq!(asked, [Action::Measure(one, speech(7))]);
    assert_eq!(bench.deadline(), None, "measured when idle");
    bench.at(2, measuring(1));
    assert_eq!(bench.at(3, measured(1, Some(900))), [Action::Measured(one, Some(900))]);
    assert_eq!(bench.at(4, measured(1, Some(900))), [], "already answered");
    assert_eq!(bench.deadline(), None);
    bench.at(5, Event::Measure(two, speech(8)));
    bench.at(6, Event::Speak(speech(1)));
    assert_eq!(bench.at(7, Event::Exited(Exit::Crashed)), [Spawn]);
    let again = bench.at(8, Event::Report(Report::Ready));
    assert_eq!(again, [Say(speech(1)), Action::Measure(two, speech(8))]);
    bench.at(9, Event::Stop);
    assert_eq!(bench.at(10, measured(2, Some(5))), [], "cancelled");
    bench.at(11, Event::Exited(Exit::Crashed));
    assert_eq!(bench.at(12, Event::Report(Report::Ready)), []);
}

#[test]
fn a_crash_while_measuring_counts_against_no_utterance() {
    let mut bench = Bench::ready();
    bench.supervisor.has_fallback = true;
    bench.at(0, Event::Speak(speech(1)));
    bench.at(1, started(1));
    let mut ms = 2;
    for n in 1..9 {
        let request = RequestId(n);
        bench.at(ms, Event::Measure(request, speech(n)));
        bench.at(ms, measuring(n));
        let died = bench.at(ms + 1, Event::Exited(Exit::Crashed));
        assert_eq!(died, [Action::Measured(request, None), Spawn], "at once, and no fallback");
        let ready = bench.at(ms + 2, Event::Report(Report::Ready));
        assert_eq!(ready, [Say(speech(1))], "the measurement is not repeated");
        ms += 10;
    }
    assert_eq!(bench.at(ms, Event::Exited(Exit::Crashed)), [Spawn], "it still has both tries");
    bench.at(ms, Event::Report(Report::Ready));
    assert_eq!(bench.at(ms, Event::Exited(Exit::Crashed)), [failed(1), Spawn]);
}

#[test]
fn a_measurement_that_hangs_before_an_utterance_does_not_count_against_it() {
    let mut bench = Bench::ready();
    for n in 1..4 {
        bench.at(0, Event::Measure(RequestId(n), speech(9)));
        bench.at(0, measuring(n));
        bench.at(0, Event::Speak(speech(n)));
        assert_eq!(bench.at(1_000, Event::Report(Report::Hung)), [Kill]);
        let died = bench.at(1_001, Event::Exited(Exit::Killed));
        assert_eq!(died, [Action::Measured(RequestId(n), None), Spawn]);
        assert_eq!(bench.at(1_002, Event::Report(Report::Ready)), [Say(speech(n))]);
        assert_eq!(bench.at(1_003, finished(n)), [spoken(n)]);
    }
}

#[test]
fn a_measurement_that_hangs_is_killed_and_one_with_a_lost_output_is_repeated() {
    let mut bench = Bench::ready();
    bench.at(0, Event::Measure(RequestId(1), speech(1)));
    bench.at(10, measuring(1));
    assert_eq!(bench.deadline(), Some(5_010));
    assert_eq!(bench.at(5_010, Event::Tick), [Kill]);
    let died = bench.at(5_011, Event::Exited(Exit::Crashed));
    assert_eq!(died, [Action::Measured(RequestId(1), None), Spawn]);
    bench.at(5_012, Event::Report(Report::Ready));
    bench.at(5_013, Event::Measure(RequestId(2), speech(2)));
    bench.at(5_014, measuring(2));
    bench.at(5_015, lost());
    bench.at(5_016, Event::Exited(Exit::Crashed));
    let ms = bench.deadline().expect("a process is to be started");
    bench.at(ms, Event::Tick);
    let again = bench.at(ms, Event::Report(Report::Ready));
    assert_eq!(again, [Action::Measure(RequestId(2), speech(2))]);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Speak,
        Alive,
        Started,
        Finished,
        Failed,
        Lost,
        Late,
        Hung,
        Made,
        Word,
        Crashed,
        Killed,
        Stop,
        Tick,
    }

    fn step() -> impl Strategy<Value = Step> {
        use Step::*;
        prop_oneof![
            4 => Just(Speak), 2 => Just(Alive), 4 => Just(Started), 4 => Just(Finished),
            1 => Just(Failed), 1 => Just(Lost), 1 => Just(Late), 1 => Just(Hung),
            2 => Just(Made), 4 => Just(Word), 1 => Just(Crashed), 2 => Just(Killed),
            1 => Just(Stop), 3 => Just(Tick)
        ]
    }

    /// A model of the process: it answers requests in order, or dies.
    #[derive(Default)]
    struct Model {
        is_up: bool,
        requested: Vec<UtteranceId>,
        with_outcome: Vec<UtteranceId>,
    }

    impl Model {
        fn obey(&mut self, actions: &[Action], bench: &mut Bench, ms: u64) {
            for action in actions {
                match action {
                    Say(speech) => {
                        assert!(self.is_up, "a request needs a process");
                        self.requested.push(speech.id);
                    }
                    ReportOutcome(id, _) => {
                        assert!(!self.with_outcome.contains(id), "{id:?} has two outcomes");
                        self.with_outcome.push(*id);
                    }
                    Spawn | SpawnFallback => {
                        assert!(!self.is_up, "two processes");
                        (self.is_up, self.requested) = (true, vec![]);
                        let actions = bench.at(ms, Event::Report(Report::Ready));
                        self.obey(&actions, bench, ms);
                    }
                    Kill if self.is_up => self.exit(Exit::Killed, bench, ms),
                    Silence => self.requested.clear(),
                    Kill
                    | FellBack
                    | Earcon(_)
                    | End
                    | Action::Started(_)
                    | Action::Word(..)
                    | Action::Measure(..)
                    | Action::Measured(..)
                    | Refuse { .. }
                    | Wait(_)
                    | Done => {}
                }
            }
        }

        fn exit(&mut self, exit: Exit, bench: &mut Bench, ms: u64) {
            (self.is_up, self.requested) = (false, vec![]);
            let actions = bench.at(ms, Event::Exited(exit));
            self.obey(&actions, bench, ms);
        }
    }

    proptest! {
        #[test]
        fn each_utterance_has_one_outcome_whatever_the_process_does(
            has_fallback: bool,
            steps in proptest::collection::vec((step(), 1_u64..2_000), 1..80)
        ) {
            let (mut bench, mut model) = (Bench::new(), Model::default());
            bench.supervisor.has_fallback = has_fallback;
            let (mut ms, mut n_spoken) = (0, 0_u64);
            let first = bench.at(0, Event::Tick);
            model.obey(&first, &mut bench, 0);
            for (step, pause) in steps {
                ms += pause;
                let current = model.requested.first().copied();
                let event = match (step, current) {
                    (Step::Speak, _) => {
                        n_spoken += 1;
                        Event::Speak(speech(n_spoken))
                    }
                    (Step::Crashed, _) if model.is_up => {
                        model.exit(Exit::Crashed, &mut bench, ms);
                        continue;
                    }
                    (Step::Killed, _) if model.is_up => {
                        model.exit(Exit::Killed, &mut bench, ms);
                        continue;
                    }
                    (Step::Stop, _) => Event::Stop,
                    (Step::Tick, _) => Event::Tick,
                    (Step::Alive, Some(_)) => Event::Report(Report::Alive),
                    (Step::Started, Some(id)) => Event::Report(Report::Started { id }),
                    (Step::Finished, Some(id)) => {
                        model.requested.remove(0);
                        Event::Report(Report::Finished { id, ms: 5 })
                    }
                    (Step::Failed, Some(id)) => {
                        model.requested.remove(0);
                        Event::Report(Report::Failed { id, why: "no".to_owned() })
                    }
                    (Step::Lost, Some(_)) => lost(),
                    (Step::Late, Some(_)) => Event::Report(Report::Late { why: "no".to_owned() }),
                    (Step::Hung, Some(_)) => Event::Report(Report::Hung),
                    (Step::Made, Some(id)) => Event::Report(Report::Made { id }),
                    (Step::Word, Some(UtteranceId(id))) => word(id, 1, 600, 90),
                    (Step::Crashed | Step::Killed, _) | (_, None) => continue,
                };
                let actions = bench.at(ms, event);
                model.obey(&actions, &mut bench, ms);
                if let Some(deadline) = bench.deadline().filter(|&deadline| deadline <= ms) {
                    let actions = bench.at(ms, Event::Tick);
                    model.obey(&actions, &mut bench, ms);
                    prop_assert_ne!(bench.deadline(), Some(deadline), "a tick moves the deadline");
                }
            }
            let actions = bench.at(ms, Event::Stop);
            model.obey(&actions, &mut bench, ms);
            prop_assert_eq!(model.with_outcome.len() as u64, n_spoken);
        }
    }
}
