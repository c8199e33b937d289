use std::time::Duration;

use crate::clock::test_now;
use crate::message::{Fate, Kind, LinePosition, Message, SourceId, Utterance, UtteranceId};
use crate::queue::rate_control::LagTarget;
use crate::queue::{Action, Event, Phrases, Queue};
use crate::units::Wpm;

const TARGET: LagTarget = LagTarget { base: Wpm(220), max: Wpm(330), lag: Duration::from_secs(60) };

/// A line of kim's, or of a text where `is_said` is false, that came after so many milliseconds.
fn line(queue: &mut Queue, ms: u64, text: &str, is_said: bool) -> Utterance {
    let received = test_now() + Duration::from_millis(ms);
    let mut message = Message::plain(SourceId(0), text.to_owned(), received);
    let name = if is_said { "kim: " } else { "" };
    if is_said {
        (message.kind, message.sender) = (Kind::Say, Some("kim".into()));
    }
    Utterance {
        id: queue.number(),
        text: format!("{name}{}", text.trim()),
        message: Some(message),
        language: None,
        name_len: name.trim_end_matches(": ").len(),
        name_end: name.len(),
        line: LinePosition { number: 1, end: None },
        received,
        is_replay: false,
        is_live: true,
        earcon: None,
        expiry: None,
    }
}

/// A queue, what it spoke, and which lines were counted.
struct Heard {
    queue: Queue,
    spoken: Vec<String>,
    counted: Vec<UtteranceId>,
}

impl Heard {
    fn new() -> Self {
        let queue = Queue::new(TARGET, Phrases::english());
        Self { queue, spoken: Vec::new(), counted: Vec::new() }
    }

    /// Handles an event, and everything that is spoken after it.
    fn handle(&mut self, event: Event, is_spoken: bool) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in self.queue.handle(event, test_now()) {
                match action {
                    Action::Speak { utterance, .. } => {
                        self.spoken.push(utterance.text);
                        if is_spoken {
                            let fate = Fate::Spoken { rate: Wpm(220), ms: 0 };
                            events.push(Event::Ended(utterance.id, fate));
                        }
                    }
                    Action::ReportOutcome(id, Fate::Merged { is_counted: true, .. }) => {
                        self.counted.push(id);
                    }
                    Action::ReportOutcome(..)
                    | Action::Record(_)
                    | Action::Silence
                    | Action::Measure { .. } => {}
                }
            }
        }
    }

    fn arrive(&mut self, lines: &[(u64, &str)], is_said: bool, is_spoken: bool) {
        let lines =
            lines.iter().map(|(ms, text)| line(&mut self.queue, *ms, text, is_said)).collect();
        self.handle(Event::Arrived(lines), is_spoken);
    }
}

/// What is spoken of lines that come at once.
fn spoken(lines: &[(u64, &str)], is_said: bool) -> Vec<String> {
    let mut heard = Heard::new();
    heard.arrive(lines, is_said, true);
    heard.spoken
}

const CAT: [(u64, &str); 4] =
    [(0, r"  /\_____/\  "), (10, r" /  o   o  \ "), (20, "( ==  ^  == )"), (30, r" )         ( ")];

fn code(n: usize, from: u64) -> Vec<(u64, &'static str)> {
    let lines = ["let x = f(y);", "if x {", "return x;", "}", "print(x);", "x += 1;", "g(x, y);"];
    (0..).map(|at| from + 100 * at).zip(lines.into_iter().cycle()).take(n).collect()
}

#[test]
fn a_drawing_is_said_once() {
    for is_said in [true, false] {
        let name = if is_said { "kim: " } else { "" };
        assert_eq!(spoken(&CAT, is_said), [format!("{name}4 lines of ASCII art")]);
        let after = [&CAT[..], &[(40, "nice, isn't it?")]].concat();
        assert_eq!(spoken(&after, is_said)[1], format!("{name}nice, isn't it?"));
        assert_eq!(spoken(&CAT[..2], is_said).len(), 2, "two lines are no drawing");
    }
    let apart: Vec<_> = (0..).map(|n| 3_000 * n).zip(CAT.map(|(_, text)| text)).collect();
    assert_eq!(spoken(&apart, true).len(), 4);
    assert_eq!(spoken(&[(0, "?"), (1, "?!"), (2, ":-)")], true).len(), 3);
}

#[test]
fn of_pasted_code_the_first_line_is_said_and_of_sentences_all() {
    assert_eq!(spoken(&code(12, 0), true), ["kim: let x = f(y);; and 11 more lines"]);
    assert_eq!(spoken(&code(5, 0), true).len(), 5);
    assert_eq!(spoken(&code(12, 0), false).len(), 12, "a text is read to its end");
    let prose = ["it is as I said", "and so it stays", "for now"];
    let prose: Vec<_> = (0..12).zip(prose.into_iter().cycle()).collect();
    let all: Vec<String> = spoken(&prose, true);
    assert!(all.iter().all(|it| !it.contains("more lines")), "{all:?}");
}

#[test]
fn the_first_line_does_not_wait_and_a_block_goes_on() {
    let mut heard = Heard::new();
    let lines = code(30, 0);
    heard.arrive(&lines[..1], true, false);
    assert_eq!(heard.spoken, ["kim: let x = f(y);"]);
    heard.arrive(&lines[1..12], true, false);
    let end = |heard: &mut Heard, n| {
        let fate = Fate::Spoken { rate: Wpm(220), ms: 0 };
        heard.handle(Event::Ended(UtteranceId(n), fate), false);
    };
    end(&mut heard, 1);
    assert_eq!(heard.spoken[1], "and 11 more lines");
    heard.arrive(&lines[12..30], true, false);
    end(&mut heard, 13);
    assert_eq!(heard.spoken[2..], ["and 18 more lines"]);
    assert_eq!(heard.counted.len(), 29);
}

#[test]
fn what_was_counted_is_spoken_on_request_the_newest_block_first() {
    let mut heard = Heard::new();
    heard.arrive(&CAT, true, true);
    heard.arrive(&code(7, 60_000), true, true);
    assert!(heard.queue.has_more());
    heard.spoken.clear();
    heard.handle(Event::More, true);
    assert_eq!(heard.spoken.len(), 6);
    assert_eq!(heard.spoken[0], "kim: if x {");
    heard.spoken.clear();
    heard.handle(Event::More, true);
    assert_eq!(heard.spoken.len(), 4);
    assert!(!heard.queue.has_more());
    heard.spoken.clear();
    heard.handle(Event::Repeat(1), true);
    assert_eq!(heard.spoken, ["kim: )         ("], "they can be repeated");
}
