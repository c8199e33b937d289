//! The script of a case: lines, commands, failures.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::ear::word;
use super::model::Start;
use crate::message::{Expiry, Kind, Message, SourceId, Utterance, UtteranceId};
use crate::queue::Event;

/// The longest delay, in milliseconds.
pub(super) const LONGEST_DELAY: u64 = 40;

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) steps: Vec<Step>,
    pub(super) starts: Vec<Start>,
    pub(super) delays: Vec<u64>,
    pub(super) word_ms: u64,
    pub(super) reports_words: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Say(Vec<LineSpec>),
    Pass(u64),
    Control(Event),
    /// The process dies.
    Crash,
    /// The process stops sending heartbeats.
    Hang,
    /// The engine fails on the next utterance.
    Fail,
    /// The sound output is lost.
    Lose,
    /// The process dies during the next measurement.
    DieMeasuring,
}

#[derive(Debug, Clone)]
pub(super) struct LineSpec {
    what: What,
    pub(super) sender: usize,
    is_named: bool,
    highlight: bool,
    pub(super) expires_after_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Words(usize),
    Vote,
    Join,
}

impl LineSpec {
    /// How many words it has that are like no other.
    pub(super) fn n_words(&self) -> usize {
        match self.what {
            What::Words(n) => n,
            What::Vote | What::Join => 0,
        }
    }

    pub(super) fn utterance(&self, id: UtteranceId, line: u64, now: Instant) -> Utterance {
        let sender = ["ann", "bob", "cy", "dan"][self.sender];
        let said = match self.what {
            What::Words(n) => (0..n).map(|n| word(line, n)).collect::<Vec<_>>().join(" "),
            What::Vote => "+1".to_owned(),
            What::Join => String::new(),
        };
        let text = match self.what {
            What::Join => format!("{sender} joined"),
            What::Words(_) | What::Vote if self.is_named => format!("{sender}: {said}"),
            What::Words(_) | What::Vote => said.clone(),
        };
        let mut message = Message::plain(SourceId(0), said, now);
        message.kind = if matches!(self.what, What::Join) { Kind::Join } else { Kind::Say };
        message.sender = Some(sender.into());
        message.highlight = self.highlight;
        let at = self.expires_after_ms.map(|ms| now + Duration::from_millis(ms));
        Utterance {
            id,
            text,
            message: Some(message),
            line,
            received: now,
            is_replay: false,
            is_live: true,
            earcon: None,
            expiry: at.map(|at| Expiry { at, rule: "config:1".to_owned() }),
        }
    }
}

fn line() -> impl Strategy<Value = LineSpec> {
    let what = prop_oneof![
        6 => (1_usize..14).prop_map(What::Words),
        1 => Just(What::Vote),
        1 => Just(What::Join),
    ];
    let expiry = prop_oneof![5 => Just(None), 1 => (500_u64..40_000).prop_map(Some)];
    (what, 0_usize..4, any::<bool>(), proptest::bool::weighted(0.1), expiry).prop_map(
        |(what, sender, is_named, highlight, expires_after_ms)| LineSpec {
            what,
            sender,
            is_named,
            highlight,
            expires_after_ms,
        },
    )
}

fn control() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Pause),
        4 => Just(Event::Resume),
        1 => Just(Event::Skip),
        1 => Just(Event::Live),
        2 => (1_usize..4).prop_map(Event::Repeat),
        2 => Just(Event::Back),
        1 => Just(Event::Highlight),
        1 => (150_u32..600).prop_map(Event::Rate),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let burst = |most| proptest::collection::vec(line(), 1..most).prop_map(Step::Say);
    prop_oneof![
        8 => burst(4),
        1 => burst(25),
        10 => (1_u64..1_500).prop_map(Step::Pass),
        3 => (1_500_u64..30_000).prop_map(Step::Pass),
        6 => control().prop_map(Step::Control),
        1 => Just(Step::Crash),
        1 => Just(Step::Hang),
        1 => Just(Step::Fail),
        1 => Just(Step::Lose),
        2 => Just(Step::DieMeasuring),
    ]
}

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        6 => Just(Start::Ready),
        2 => Just(Start::Refused),
        1 => Just(Start::Dies),
        1 => Just(Start::Silent),
    ]
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let delays = prop_oneof![
        1 => Just(vec![0]),
        3 => proptest::collection::vec(0..=LONGEST_DELAY, 1..20),
    ];
    (
        proptest::collection::vec(step(), 1..60),
        proptest::collection::vec(start(), 1..8),
        delays,
        60_u64..400,
        proptest::bool::weighted(0.8),
    )
        .prop_map(|(steps, starts, delays, word_ms, reports_words)| Case {
            steps,
            starts,
            delays,
            word_ms,
            reports_words,
        })
}
