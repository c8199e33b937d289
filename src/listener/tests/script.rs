//! The script of a case: lines, commands, failures.

use proptest::prelude::*;

use super::ear::word;
use super::model::Start;
use crate::config::settings::Settings;
use crate::control::{Command, LastLines, Switch, Who};
use crate::source::SourceSpec;
use crate::source::tail::TailSpec;
use crate::units::Wpm;

/// The longest delay, in milliseconds.
pub(super) const LONGEST_DELAY: u64 = 40;

/// The sources: logs, named after their channels.
pub(super) const NAMES: [&str; N_SOURCES] = ["#c.log", "#d.log"];
pub(super) const N_SOURCES: usize = 2;

/// A line's number among those of all sources.
pub(super) fn number(source: usize, line: u64) -> u64 {
    line * N_SOURCES as u64 + source as u64
}

/// Lines that end so expire after so many seconds.
const EXPIRES: [u64; 3] = [1, 8, 40];

/// The settings; with `is_other`, those of another configuration, which drops what others
/// highlight.
pub(super) fn settings(naming: &str, is_other: bool) -> Settings {
    let loud = if is_other { "drop" } else { "highlight" };
    let text = format!(
        r#"
        format = "irssi"
        filters = []
        speaker = "{naming}"
        max_rate = 450
        max_lag = "15s"
        [[rule]]
        {loud} = {{ text = '\bloud\b' }}
        "#
    );
    let expiring = EXPIRES.map(|seconds| {
        format!("[[rule]]\nexpire = \"{seconds}s\"\nfor = {{ text = 'soon{seconds}$' }}\n")
    });
    let text = text + &expiring.concat();
    let sources = NAMES.map(|name| {
        SourceSpec::Tail(TailSpec {
            path: name.into(),
            lines: 0,
            follow: true,
            retry: false,
            poll: false,
            bookmarks: None,
        })
    });
    Settings { has_events: true, ..Settings::for_test(&text, sources.to_vec()) }
}

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) naming: &'static str,
    pub(super) steps: Vec<Step>,
    pub(super) starts: Vec<Start>,
    pub(super) delays: Vec<u64>,
    pub(super) word_ms: u64,
    pub(super) reports_words: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A source sends these lines.
    Say(usize, Vec<LineSpec>),
    Pass(u64),
    Control(Command),
    /// A source ends.
    End(usize),
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
    is_loud: bool,
    expires_after: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Words(usize),
    Vote,
    Join,
    Drawing,
    /// With so many words.
    Code(usize),
}

impl LineSpec {
    /// How many words it has that are like no other.
    pub(super) fn n_words(&self) -> usize {
        match self.what {
            What::Words(n) | What::Code(n) => n,
            What::Vote | What::Join | What::Drawing => 0,
        }
    }

    /// After how many seconds it expires.
    pub(super) fn expires_after(&self) -> Option<u64> {
        self.expires_after.filter(|_| matches!(self.what, What::Words(_)))
    }

    /// The line as irssi logs it.
    pub(super) fn raw(&self, number: u64) -> String {
        let sender = ["ann", "bob", "cy", "dan"][self.sender];
        match self.what {
            What::Join => format!("12:00 -!- {sender} [~{sender}@example.org] has joined #c"),
            What::Drawing => format!("12:00 < {sender}> +-----+--^--+-----+"),
            What::Code(n) => {
                let text = (0..n).map(|n| word(number, n)).collect::<Vec<_>>();
                format!("12:00 < {sender}> {} ;", text.join(" "))
            }
            What::Vote => format!("12:00 < {sender}> +1"),
            What::Words(n) => {
                let mut text = (0..n).map(|n| word(number, n)).collect::<Vec<_>>();
                text.extend(self.is_loud.then(|| "loud".to_owned()));
                text.extend(self.expires_after.map(|seconds| format!("soon{seconds}")));
                format!("12:00 < {sender}> {}", text.join(" "))
            }
        }
    }
}

fn line() -> impl Strategy<Value = LineSpec> {
    let what = prop_oneof![
        6 => (1_usize..14).prop_map(What::Words),
        1 => Just(What::Vote),
        1 => Just(What::Join),
        1 => Just(What::Drawing),
        2 => (1_usize..5).prop_map(What::Code),
    ];
    let expiry = prop_oneof![5 => Just(None), 1 => proptest::sample::select(EXPIRES.to_vec()).prop_map(Some)];
    (what, 0_usize..4, proptest::bool::weighted(0.1), expiry).prop_map(
        |(what, sender, is_loud, expires_after)| LineSpec { what, sender, is_loud, expires_after },
    )
}

/// The commands for what is spoken.
fn control() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => Just(Command::Pause),
        4 => Just(Command::Resume),
        1 => Just(Command::Skip),
        1 => Just(Command::Live),
        2 => (1_u32..4).prop_map(|n| Command::Repeat { n }),
        2 => Just(Command::Back),
        1 => Just(Command::Highlight),
        1 => Just(Command::More),
        1 => (150_u32..600).prop_map(|wpm| Command::Rate { wpm: Wpm(wpm) }),
    ]
}

/// All other commands that change something.
fn other_control() -> impl Strategy<Value = Command> {
    let who = prop_oneof![
        3 => proptest::sample::select(vec!["ann", "BOB", "nobody"])
            .prop_map(|nick| Who::Sender(nick.to_owned())),
        1 => Just(Who::Channel("#D".to_owned())),
        1 => Just(Who::AllBut(vec!["cy".to_owned()])),
        1 => Just(Who::All),
    ];
    prop_oneof![
        2 => Just(Command::Toggle),
        1 => Just(Command::Faster),
        1 => Just(Command::Slower),
        1 => any::<u8>().prop_map(|percent| Command::Volume { percent }),
        3 => who.clone().prop_map(|who| Command::Mute { who }),
        3 => who.prop_map(|who| Command::Unmute { who }),
        1 => proptest::sample::select(vec![Switch::On, Switch::Off, Switch::Toggle])
            .prop_map(|own| Command::Voices { own }),
        1 => Just(Command::Where),
        2 => (proptest::sample::select(vec!["ann", "BOB", ""]), any::<bool>()).prop_map(
            |(nick, is_named)| Command::Alias {
                nick: Some(nick.to_owned()),
                name: is_named.then(|| "Otto".to_owned()),
            }
        ),
        1 => (0_u32..2_000).prop_map(|n| Command::Missed(LastLines { n, json: false })),
        1 => (0_u32..2_000).prop_map(|n| Command::Why(LastLines { n, json: false })),
        2 => Just(Command::Reload),
    ]
}

fn say(n_sources: usize) -> impl Strategy<Value = Step> {
    let burst = |most| proptest::collection::vec(line(), 1..most);
    let lines = prop_oneof![8 => burst(4), 1 => burst(25)];
    (0..n_sources, lines).prop_map(|(source, lines)| Step::Say(source, lines))
}

fn step(n_sources: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        9 => say(n_sources),
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

/// One source; commands for what is spoken.
pub(super) fn case() -> impl Strategy<Value = Case> {
    case_of(step(1))
}

/// All sources, which may end; all commands.
pub(super) fn case_of_all() -> impl Strategy<Value = Case> {
    case_of(prop_oneof![
        30 => step(N_SOURCES),
        8 => other_control().prop_map(Step::Control),
        1 => (0..N_SOURCES).prop_map(Step::End),
    ])
}

fn case_of(step: impl Strategy<Value = Step>) -> impl Strategy<Value = Case> {
    let delays = prop_oneof![
        1 => Just(vec![0]),
        3 => proptest::collection::vec(0..=LONGEST_DELAY, 1..20),
    ];
    (
        proptest::sample::select(vec!["always", "change", "never"]),
        proptest::collection::vec(step, 1..60),
        proptest::collection::vec(start(), 1..8),
        delays,
        60_u64..400,
        proptest::bool::weighted(0.8),
    )
        .prop_map(|(naming, steps, starts, delays, word_ms, reports_words)| Case {
            naming,
            steps,
            starts,
            delays,
            word_ms,
            reports_words,
        })
}
