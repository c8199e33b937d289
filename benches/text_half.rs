//! The cost of the text stages, from bytes to spoken text: a million lines of sic, on one thread.
//! Prints nanoseconds per line, cumulatively for each stage.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use irc_speak::clock::now;
use irc_speak::filter::{Filter, Library, Verdict};
use irc_speak::format::Reader;
use irc_speak::message::SourceId;
use irc_speak::phrase::{Naming, Phraser, Phrasing};
use irc_speak::source::lines::Lines;

const LINES: u32 = 1_000_000;
const RUNS: usize = 5;

const SAID: [&str; 8] = [
    "good morning everybody, the build is green again",
    "yes",
    "I think we should look at the second patch before the release, it changes the default",
    "see https://example.org/bugs/1234 for the report",
    "kim: could you review it?",
    "it works here... strange",
    "the test takes 12 minutes on the slow machine, and half of that is the linker",
    "na\u{ef}ve question: why not both?",
];

fn main() {
    let started = now();
    let library = Library::load(None).expect("embedded files");
    println!("library loaded in {:?}", started.elapsed());

    let lines = lines();
    let filter = Filter::new(vec![library.rule_set("irc-noise").expect("a rule set")]);
    let mut recognising = Reader::recognising(library.grammars());
    report("lines", || lines.iter().map(|line| line.text.len()).sum());
    report("lines, read", || lines.iter().map(|line| recognising.read(line).text.len()).sum());
    report("lines, read, judged", || {
        let read = lines.iter().map(|line| recognising.read(line));
        read.filter(|message| is_kept(&filter, message.clone())).count()
    });
    report("lines, read, judged, phrased", || {
        let mut phraser = Phraser::new(Phrasing::english(Naming::Change));
        let mut out = String::with_capacity(128 * 1024 * 1024);
        for line in lines.iter() {
            if let Verdict::Keep(message, _) = filter.judge(recognising.read(line), "sic.out")
                && phraser.phrase(&message, &mut out).is_some()
            {
                out.push('\n');
            }
        }
        out.len()
    });
}

fn is_kept(filter: &Filter, message: irc_speak::message::Message<'_>) -> bool {
    matches!(filter.judge(message, "sic.out"), Verdict::Keep(..))
}

/// A busy channel: seven in eight lines are messages, the others are joins and parts.
fn lines() -> Lines {
    let mut text = String::new();
    for i in 0..LINES {
        let nick = ["kim", "bob", "alice_", "zo\u{eb}"][i as usize / 3 % 4];
        let said = SAID[i as usize / 8 % 8];
        let written = match i % 8 {
            0 => writeln!(text, "{nick:12}: 2024-03-01 16:02 >< JOIN (#lxc): "),
            _ => writeln!(text, "#lxc        : 2024-03-01 16:02 <{nick}> {said}"),
        };
        written.expect("a string grows");
    }
    Lines::new(SourceId(0), text.into_bytes(), now())
}

fn report(stages: &str, mut run: impl FnMut() -> usize) {
    let time = |run: &mut dyn FnMut() -> usize| -> Duration {
        let started: Instant = now();
        black_box(run());
        started.elapsed()
    };
    let best = (0..RUNS).map(|_| time(&mut run)).min().unwrap_or_default();
    println!("{:>5} ns a line: {stages}", best.as_nanos() / u128::from(LINES));
}
