use proptest::prelude::*;

use super::*;
use crate::message::{Kind, LinePosition, Message, SourceId};

const TARGET: LagTarget = LagTarget { base: Wpm(220), max: Wpm(450), lag: Duration::from_secs(15) };

fn line(id: UtteranceId, text: &str, sender: &str, now: Instant) -> Utterance {
    let mut message = Message::plain(SourceId(0), text.to_owned(), now);
    message.kind = Kind::Say;
    message.sender = Some(sender.to_owned().into());
    Utterance {
        id,
        text: text.to_owned(),
        message: Some(message),
        language: None,
        name_len: 0,
        name_end: 0,
        line: LinePosition { number: id.0, end: None },
        received: now,
        is_replay: false,
        is_live: true,
        earcon: None,
        expiry: None,
    }
}

/// A queue and a simulated voice, on a clock that tests move by hand.
struct Bench {
    queue: Queue,
    now: Instant,
    /// What the voice has, in order.
    voice: VecDeque<Utterance>,
    /// The byte at which each begins.
    from: VecDeque<usize>,
    /// Every utterance that was begun.
    begun: Vec<UtteranceId>,
    ended: Vec<(UtteranceId, Fate)>,
    rates: Vec<Wpm>,
    /// Reports of the voice that have not reached the queue: they can cross a silence.
    on_the_way: VecDeque<Event>,
    /// What the voice was asked to measure.
    asked: VecDeque<(RequestId, String, Wpm)>,
}

impl Bench {
    fn new() -> Self {
        Self {
            queue: Queue::new(TARGET, Phrases::english()),
            now: crate::clock::test_now(),
            voice: VecDeque::new(),
            from: VecDeque::new(),
            begun: Vec::new(),
            ended: Vec::new(),
            rates: Vec::new(),
            on_the_way: VecDeque::new(),
            asked: VecDeque::new(),
        }
    }

    fn say(&mut self, text: &str) -> UtteranceId {
        let id = self.queue.number();
        let sender = ["kim", "al"][usize::from(id.0.is_multiple_of(5))];
        self.handle(Event::Arrived(vec![line(id, text, sender, self.now)]));
        id
    }

    fn handle(&mut self, event: Event) {
        for action in self.queue.handle(event, self.now) {
            match action {
                Action::Speak { utterance, from, rate } => {
                    self.rates.push(rate);
                    self.from.push_back(from);
                    self.voice.push_back(utterance);
                }
                Action::Silence => {
                    self.from.clear();
                    for utterance in self.voice.drain(..) {
                        let event = Event::Ended(utterance.id, Fate::Skipped);
                        self.on_the_way.push_back(event);
                    }
                }
                Action::Measure { request, utterance, from, rate } => {
                    self.asked.push_back((request, utterance.text[from..].to_owned(), rate));
                }
                Action::Record(utterance) => assert!(!utterance.is_new(), "it is no line"),
                Action::ReportOutcome(id, fate) => self.ended.push((id, fate)),
            }
        }
    }

    /// The voice begins its first utterance.
    fn begin(&mut self) {
        let Some(first) = self.voice.front() else { return };
        self.begun.push(first.id);
        self.on_the_way.push_back(Event::Started(first.id));
    }

    /// The voice finishes its first utterance.
    fn end(&mut self) {
        let Some(first) = self.voice.pop_front() else { return };
        let from = self.from.pop_front().unwrap_or(0);
        // As long as a new estimate says.
        let rate = self.queue.current().map_or(Wpm(220), |(_, rate)| rate);
        let estimate = Estimate::default();
        let seconds = estimate.seconds(estimate.work(&first.text[from..]), rate);
        let ms = u32::try_from(Duration::from_secs_f64(seconds).as_millis()).expect("short");
        let fate = Fate::Spoken { rate, ms };
        self.on_the_way.push_back(Event::Ended(first.id, fate));
    }

    /// The voice answers all requests: each character takes `seconds`.
    fn measure(&mut self, seconds: f64) {
        while let Some((request, text, _)) = self.asked.pop_front() {
            let seconds = seconds * text.chars().count() as f64;
            self.handle(Event::Measured(request, Some(seconds)));
        }
    }

    /// The reports on the way reach the queue.
    fn deliver(&mut self) {
        while let Some(event) = self.on_the_way.pop_front() {
            self.handle(event);
        }
    }

    fn speak_all(&mut self) {
        for _ in 0..10_000 {
            self.begin();
            self.end();
            self.deliver();
            if self.queue.is_empty() {
                return;
            }
        }
        panic!("it never ends: {:?}", self.queue);
    }

    fn fate(&self, id: UtteranceId) -> &Fate {
        let of_it: Vec<_> = self.ended.iter().filter(|(other, _)| *other == id).collect();
        assert_eq!(of_it.len(), 1, "{id:?} has one fate");
        &of_it[0].1
    }
}

#[test]
fn lines_are_spoken_in_order_and_the_next_is_requested_ahead() {
    let mut bench = Bench::new();
    let [one, two] = [bench.say("the first of two lines"), bench.say("the second")];
    assert_eq!(bench.voice.len(), 1, "the second waits for its rate");
    bench.begin();
    bench.deliver();
    bench.now = bench.queue.deadline().expect("a time to request the next");
    bench.handle(Event::Tick);
    assert_eq!(bench.voice.iter().map(|it| it.id).collect::<Vec<_>>(), [one, two]);
    assert_eq!(bench.queue.deadline(), None);
}

#[test]
fn a_pause_keeps_the_current_line_and_new_ones() {
    let mut bench = Bench::new();
    let one = bench.say("the first line");
    bench.begin();
    bench.deliver();
    bench.handle(Event::Pause);
    bench.deliver();
    let two = bench.say("the second line");
    assert!(bench.voice.is_empty() && bench.ended.is_empty());
    bench.handle(Event::Resume);
    assert_eq!(bench.voice[0].id, one, "from its beginning");
    bench.speak_all();
    assert!(matches!(bench.fate(one), Fate::Spoken { .. }));
    assert!(matches!(bench.fate(two), Fate::Spoken { .. }));
}

#[test]
fn an_interrupted_line_resumes_at_the_word() {
    let mut bench = Bench::new();
    let one = bench.say("zwölf Boxkämpfer jagen Viktor");
    bench.begin();
    bench.deliver();
    bench.handle(Event::Reached(one, 6));
    let left = |bench: &mut Bench, interrupt: Event| {
        bench.handle(interrupt);
        bench.deliver();
        bench.handle(Event::Resume);
        bench.voice[0].text[bench.from[0]..].to_owned()
    };
    assert_eq!(left(&mut bench, Event::Pause), "Boxkämpfer jagen Viktor");
    assert_eq!(
        left(&mut bench, Event::Pause),
        "Boxkämpfer jagen Viktor",
        "no word was spoken since"
    );
    bench.handle(Event::Reached(one, 11));
    assert_eq!(
        left(&mut bench, Event::Pause),
        "jagen Viktor",
        "counted from where the voice began last"
    );
    bench.handle(Event::Pause);
    bench.handle(Event::Reached(one, 6)); // was on its way
    assert_eq!(left(&mut bench, Event::Pause), "Viktor");
    bench.speak_all();
    assert!(matches!(bench.fate(one), Fate::Spoken { .. }));
}

#[test]
fn an_expired_line_is_not_begun_and_does_not_raise_the_rate() {
    let mut bench = Bench::new();
    let perishable = |bench: &mut Bench, text: &str, seconds| {
        let id = bench.queue.number();
        let rule = format!("config:{seconds}");
        let at = bench.now + Duration::from_secs(seconds);
        let expiry = Some(Expiry { at, rule });
        let utterance = Utterance { expiry, ..line(id, text, "ci", bench.now) };
        bench.handle(Event::Arrived(vec![utterance]));
        id
    };
    let begun = perishable(&mut bench, "the build is red", 10);
    bench.begin();
    bench.deliver();
    let stale: Vec<_> = (0..9).map(|_| perishable(&mut bench, &"word ".repeat(40), 30)).collect();
    let fresh = perishable(&mut bench, "the build is green", 90);
    bench.handle(Event::Pause);
    bench.deliver();
    bench.now += Duration::from_secs(60);
    assert!(bench.ended.is_empty(), "a pause is silent");
    bench.handle(Event::Resume);
    assert_eq!(bench.voice[0].id, begun, "it is finished");
    let expired = Fate::Expired { rule: "config:30".to_owned() };
    assert!(stale.iter().all(|&id| *bench.fate(id) == expired));
    bench.speak_all();
    assert!(matches!(bench.fate(fresh), Fate::Spoken { .. }));
    bench.now += Duration::from_secs(60);
    bench.handle(Event::Repeat(1));
    bench.deliver();
    assert_eq!(bench.voice[0].text, "the build is green", "a replay does not expire");
}

#[test]
fn after_a_replay_the_interrupted_line_goes_on() {
    let mut bench = Bench::new();
    bench.say("the first line");
    bench.speak_all();
    let two = bench.say("the second line");
    bench.begin();
    bench.deliver();
    bench.handle(Event::Reached(two, 4));
    bench.handle(Event::Repeat(1));
    bench.deliver();
    assert_eq!(bench.voice[0].text, "the first line");
    bench.begin();
    bench.end();
    bench.deliver();
    assert_eq!(&bench.voice[0].text[bench.from[0]..], "second line");
}

#[test]
fn an_end_that_crosses_a_pause_counts() {
    let mut bench = Bench::new();
    let one = bench.say("the first line");
    bench.begin();
    bench.deliver();
    bench.end(); // on its way
    bench.handle(Event::Pause);
    bench.deliver();
    bench.handle(Event::Resume);
    assert!(matches!(bench.fate(one), Fate::Spoken { .. }), "not spoken twice");
    assert!(bench.queue.is_empty());
}

#[test]
fn skip_skips_one_and_live_skips_all() {
    let mut bench = Bench::new();
    let lines: Vec<_> = (0..5).map(|n| bench.say(&format!("line number {n}"))).collect();
    bench.handle(Event::Skip);
    assert_eq!(*bench.fate(lines[0]), Fate::Skipped);
    bench.deliver();
    assert_eq!(bench.voice[0].id, lines[1]);
    bench.handle(Event::Live);
    bench.deliver();
    assert!(bench.queue.is_empty());
    assert!(lines.iter().all(|&id| *bench.fate(id) == Fate::Skipped));
}

#[test]
fn spoken_lines_are_repeated_and_are_not_new() {
    let mut bench = Bench::new();
    for text in ["one", "two", "three"] {
        bench.say(text);
    }
    bench.speak_all();
    let texts = |bench: &mut Bench, event| {
        bench.handle(event);
        let mut texts = Vec::new();
        while let Some(first) = bench.voice.front() {
            texts.push(first.text.clone());
            bench.begin();
            bench.end();
            bench.deliver();
        }
        texts
    };
    assert_eq!(texts(&mut bench, Event::Repeat(2)), ["two", "three"]);
    assert_eq!(texts(&mut bench, Event::Back), ["two"], "the one before the last");
    assert_eq!(texts(&mut bench, Event::Back), ["one"]);
    assert_eq!(texts(&mut bench, Event::Back), ["one"], "there is none before");
    assert!(texts(&mut bench, Event::Highlight).is_empty());
}

#[test]
fn lines_in_a_row_are_merged_only_when_the_lag_target_is_near() {
    let mut bench = Bench::new();
    let text = "a sentence of some length, which takes a while to say even when one hurries";
    let lines: Vec<_> = (0..20)
        .map(|n| {
            let id = bench.queue.number();
            line(id, &format!("{n} {text}"), "kim", bench.now) // none like another
        })
        .collect();
    let ids: Vec<_> = lines.iter().map(|it| it.id).collect();
    bench.handle(Event::Arrived(lines));
    bench.speak_all();
    let n_merged = ids.iter().filter(|&&id| matches!(bench.fate(id), Fate::Merged { .. })).count();
    assert!(n_merged > 5, "{n_merged}");
    assert!(bench.rates.iter().all(|&rate| rate == Wpm(450)), "{:?}", bench.rates);
}

#[test]
fn a_repeated_name_is_omitted_when_the_lag_target_is_near() {
    let mut bench = Bench::new();
    let lines = (0..4).map(|n| {
        let later = bench.now + Duration::from_secs(3 * n); // not in a row
        let said = format!("{n} {}", "word ".repeat(70).trim_end()); // none like another
        let spoken = line(bench.queue.number(), &said, "kim", later);
        Utterance { text: format!("kim: {said}"), name_len: 3, name_end: 5, ..spoken }
    });
    let lines = lines.collect();
    bench.handle(Event::Arrived(lines));
    let froms: Vec<_> = (0..4)
        .map(|_| {
            let from = bench.from[0];
            bench.begin();
            bench.end();
            bench.deliver();
            from
        })
        .collect();
    assert_eq!(froms, [0, 5, 5, 0], "the last one is in time, and whole");
}

#[test]
fn a_netsplit_is_one_sentence_without_pressure() {
    let mut bench = Bench::new();
    let now = bench.now;
    let quit = |bench: &mut Bench, n: usize, ms: u64| {
        let nick = format!("nick{}", char::from(b'a' + u8::try_from(n).expect("few")));
        let received = now + Duration::from_millis(ms);
        let mut spoken =
            line(bench.queue.number(), &format!("{nick} quit: *.net *.split"), &nick, received);
        spoken.name_len = nick.len();
        if let Some(message) = &mut spoken.message {
            message.kind = Kind::Quit;
        }
        spoken
    };
    let mut wave: Vec<_> = (0..20).map(|n| quit(&mut bench, n, 50 * n as u64)).collect();
    wave.push(quit(&mut bench, 20, 2_500)); // of its own
    wave.push(line(bench.queue.number(), "what was that?", "kim", now));
    bench.handle(Event::Arrived(wave));
    let first = &bench.voice[0].text;
    assert_eq!(first, "20 quit: nicka, nickb, nickc, nickd, nicke and 15 others");
    bench.speak_all();
    assert_eq!(bench.begun.len(), 3);
    // The first of a wave does not wait for the others, and four are no wave.
    let mut bench = Bench::new();
    for n in 0..5 {
        let quit = quit(&mut bench, n, 0);
        bench.handle(Event::Arrived(vec![quit]));
    }
    assert_eq!(bench.voice[0].text, "nicka quit: *.net *.split");
    bench.speak_all();
    assert_eq!(bench.begun.len(), 5);
}

#[test]
fn waiting_lines_are_measured_and_then_known_at_every_rate() {
    let mut bench = Bench::new();
    for n in 0..100 {
        bench.say(&format!("line {n}"));
    }
    assert_eq!(bench.asked.len(), 64, "not all that are waiting");
    assert!(bench.asked.iter().all(|(_, _, rate)| *rate == Wpm(220)), "at the base rate");
    bench.measure(0.5);
    assert!(bench.asked.is_empty(), "once each");
    let known = &bench.queue.waiting[3];
    let (n, estimate) = (known.utterance.text.len() as f64, &bench.queue.estimate);
    assert!((estimate.seconds(known.work, Wpm(220)) - n * 0.5).abs() < 1e-6);
    assert!(estimate.seconds(known.work, Wpm(440)) < n * 0.3);
    let unknown = &bench.queue.waiting[90];
    let n = unknown.utterance.text.len() as f64;
    let estimated = estimate.seconds(unknown.work, Wpm(220));
    assert!(estimated > n * 0.2, "{estimated:.1} s: learned from the others");
}

#[test]
fn a_silence_discards_requests_and_a_changed_text_is_measured_anew() {
    let mut bench = Bench::new();
    bench.say("the first line");
    bench.say("the second line");
    assert_eq!(bench.asked.len(), 1);
    let stale = bench.asked.pop_front().expect("asked").0;
    bench.handle(Event::Pause);
    bench.deliver();
    assert_eq!(bench.asked.len(), 2, "the first one is waiting, too");
    bench.handle(Event::Measured(stale, Some(99.0)));
    assert!(bench.queue.waiting.iter().all(|it| it.work < 9.0), "a discarded request is ignored");
    let asked = bench.asked.pop_back().expect("asked").0;
    bench.handle(Event::Measured(asked, None));
    bench.handle(Event::Tick);
    assert_eq!(bench.asked.len(), 1, "what cannot be measured is not requested again");
}

#[derive(Debug, Clone)]
enum Step {
    Say(usize),
    Begin,
    End,
    Deliver,
    Pass(u64),
    Control(Event),
}

fn step() -> impl Strategy<Value = Step> {
    let controls = [
        Event::Pause,
        Event::Resume,
        Event::Skip,
        Event::Live,
        Event::Repeat(2),
        Event::Back,
        Event::Highlight,
        Event::Rate(Wpm(300)),
    ];
    prop_oneof![
        6 => (1_usize..200).prop_map(Step::Say),
        6 => Just(Step::Begin),
        6 => Just(Step::End),
        8 => Just(Step::Deliver),
        4 => (1_u64..20_000).prop_map(Step::Pass),
        3 => proptest::sample::select(controls.to_vec()).prop_map(Step::Control),
    ]
}

proptest! {
    /// Whatever lines come, whatever the user does, and whatever reports cross on the way: every
    /// line has one fate, the spoken ones of each sender are in order, and none is spoken to its
    /// end twice.
    #[test]
    fn every_line_has_one_fate(steps in proptest::collection::vec(step(), 1..120)) {
        let mut bench = Bench::new();
        let mut lines = Vec::new();
        for step in steps {
            match step {
                Step::Say(n) => lines.push(bench.say(&"word ".repeat(n / 5 + 1))),
                Step::Begin => bench.begin(),
                Step::End => bench.end(),
                Step::Deliver => bench.deliver(),
                Step::Pass(ms) => {
                    bench.now += Duration::from_millis(ms);
                    bench.handle(Event::Tick);
                }
                Step::Control(event) => bench.handle(event),
            }
            prop_assert!(bench.voice.len() <= 2, "at most two are in flight");
        }
        bench.handle(Event::Resume);
        bench.deliver();
        bench.speak_all();
        for &id in &lines {
            bench.fate(id);
        }
        let is_spoken = |(_, fate): &&(UtteranceId, Fate)| matches!(fate, Fate::Spoken { .. });
        let spoken = bench.ended.iter().filter(is_spoken).map(|(id, _)| *id);
        let spoken: Vec<_> = spoken.filter(|id| lines.contains(id)).collect();
        for is_als in [true, false] {
            let its = spoken.iter().filter(|id| id.0.is_multiple_of(5) == is_als);
            prop_assert!(its.is_sorted(), "{spoken:?}");
        }
    }
}

#[test]
fn lines_of_an_ended_source_have_no_deadline() {
    let line = |n| format!("number {n} of the lines that somebody pasted into the channel at once");
    for (event, is_hurried) in [
        (None, true),
        (Some(Event::SourceEnded(SourceId(0))), false),
        (Some(Event::SourceEnded(SourceId(7))), true),
        (Some(Event::NotLive), false),
    ] {
        let mut bench = Bench::new();
        for n in 0..20 {
            bench.say(&line(n));
        }
        bench.rates.clear();
        if let Some(event) = event.clone() {
            bench.handle(event);
        }
        bench.speak_all();
        let highest = bench.rates.iter().copied().max();
        assert_eq!(highest > Some(Wpm(220)), is_hurried, "{event:?}: {:?}", bench.rates);
    }
}
