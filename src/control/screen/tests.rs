use std::time::{Duration, Instant};

use expect_test::{Expect, expect};

use super::super::tty::Size;
use super::super::{Entry, Snapshot, TranscriptEvent};
use super::Screen;
use super::style::{Charset, Look, Style};
use crate::clock::test_now;
use crate::units::Wpm;

const SIZE: Size = Size { columns: 40, rows: 10 };

/// A screen, its clock, and what it wrote: a `ms: "text"` line for each piece.
struct Script {
    screen: Screen,
    start: Instant,
    state: Snapshot,
    written: String,
}

impl Script {
    fn new(look: Look) -> Self {
        let state = Snapshot { rate: Wpm(220), volume: 100, ..Snapshot::default() };
        let style = Style { look, charset: Charset::Utf8 };
        let screen = Screen::new(style, SIZE, state.clone());
        Self { screen, start: test_now(), state, written: String::new() }
    }

    fn at(&mut self, ms: u64, events: Vec<TranscriptEvent>) -> &mut Self {
        for event in events {
            self.screen.handle(event);
        }
        self.screen.set_state(self.state.clone());
        self.paint(ms)
    }

    fn paint(&mut self, ms: u64) -> &mut Self {
        let text = self.screen.paint(self.start + Duration::from_millis(ms));
        if !text.is_empty() {
            self.written = format!("{}{ms}: {text:?}\n", self.written);
        }
        self
    }

    fn deadline(&self) -> Option<u128> {
        self.screen.deadline().map(|at| (at - self.start).as_millis())
    }

    fn ends(self, expected: &Expect) {
        let text = self.screen.finish();
        expected.assert_eq(&format!("{}end: {text:?}\n", self.written));
    }
}

fn queued(id: u64, text: &str) -> TranscriptEvent {
    let (channel, sender) = (Some("#chan".to_owned()), Some("kim".to_owned()));
    let entry = Entry { channel, sender, text: text.to_owned(), ..Entry::default() };
    TranscriptEvent::Given { id, entry, highlight: id == 9 }
}

fn started(id: u64) -> TranscriptEvent {
    TranscriptEvent::Started { id }
}

fn word(id: u64, start: usize, length: usize) -> TranscriptEvent {
    TranscriptEvent::Word { id, start, length }
}

fn ended(id: u64, fate: &'static str) -> TranscriptEvent {
    TranscriptEvent::Ended { id, fate }
}

#[test]
fn a_plain_style_prints_one_line_for_each_utterance() {
    let mut script = Script::new(Look::Plain);
    script.at(0, vec![queued(1, "hello \x1b[2J"), queued(9, "kim: look"), queued(3, "gone")]);
    script.at(10, vec![started(1), word(1, 0, 5)]).at(20, vec![ended(1, "spoken")]);
    script.state.paused = true;
    script.at(500, vec![started(9), ended(3, "skipped"), ended(9, "failed")]);
    script.at(900, vec![TranscriptEvent::Notice("s: print the status\x07".to_owned())]);
    assert_eq!(script.deadline(), None);
    script.ends(&expect![[r#"
        10: "[#chan] kim: hello \\u{1b}[2J\n"
        500: "* [#chan] kim: kim: look\n[#chan] kim: gone (skipped)\n(failed)\n"
        900: "s: print the status\\u{7}\n"
        end: ""
    "#]]);
}

#[test]
fn the_spoken_line_is_marked_word_by_word_and_then_scrolls() {
    let mut script = Script::new(Look::Rich);
    script.at(0, vec![queued(1, "hello world")]).at(1000, vec![started(1)]);
    script.at(1200, vec![word(1, 0, 5)]).at(1400, vec![word(1, 6, 5)]);
    script.at(1600, vec![ended(1, "spoken")]);
    script.at(1700, vec![queued(9, "hi"), started(9)]).at(1800, vec![ended(9, "skipped")]);
    script.ends(&expect![[r#"
        0: "\r\u{1b}[K\u{1b}[2m220 wpm\u{1b}[0m"
        1000: "\r\u{1b}[J▶ [#chan] kim: hello world\n\u{1b}[2m220 wpm\u{1b}[0m"
        1200: "\r\u{1b}[1A\u{1b}[J▶ [#chan] kim: \u{1b}[1;4mhello\u{1b}[0m world\n\u{1b}[2m220 wpm\u{1b}[0m"
        1400: "\r\u{1b}[1A\u{1b}[J▶ [#chan] kim: hello \u{1b}[1;4mworld\u{1b}[0m\n\u{1b}[2m220 wpm\u{1b}[0m"
        1600: "\r\u{1b}[1A\u{1b}[J  [#chan] kim: hello world\n\u{1b}[2m220 wpm\u{1b}[0m"
        1700: "\r\u{1b}[J▶ * [#chan] kim: hi\n\u{1b}[2m220 wpm\u{1b}[0m"
        1800: "\r\u{1b}[1A\u{1b}[J  * [#chan] kim: hi (skipped)\n\u{1b}[2m220 wpm\u{1b}[0m"
        end: "\r\u{1b}[J"
    "#]]);
}

#[test]
fn redraws_are_limited_and_need_a_change() {
    let mut script = Script::new(Look::Rich);
    script.at(0, vec![queued(1, "one two three"), started(1)]);
    for ms in (0..1000).step_by(10) {
        script.state.waiting = usize::try_from(ms).unwrap();
        script.at(ms, vec![word(1, usize::from(ms % 20 == 0), 2)]);
    }
    let n_written = script.written.lines().count();
    assert!((10..=15).contains(&n_written), "{}", script.written);
    script.paint(2000);
    let n_written = script.written.len();
    for ms in (2000..5000).step_by(10) {
        script.at(ms, vec![]);
    }
    assert_eq!((script.written.len(), script.deadline()), (n_written, None));
}

#[test]
fn a_paint_at_the_deadline_moves_it() {
    let mut script = Script::new(Look::Rich);
    script.at(0, vec![queued(1, "one two"), started(1)]);
    script.state.waiting = 3;
    script.at(50, vec![word(1, 0, 3)]);
    assert_eq!(script.deadline(), Some(100));
    script.paint(100);
    assert_eq!(script.deadline(), Some(250));
    script.paint(250);
    assert_eq!(script.deadline(), None);
}

#[test]
fn wrapped_and_wide_lines_are_erased_whole() {
    let mut script = Script::new(Look::Rich);
    let long = "a line that is longer than one row of forty";
    script.at(0, vec![queued(1, long), started(1)]).at(200, vec![word(1, 2, 4)]);
    script.at(400, vec![ended(1, "spoken")]);
    script.at(600, vec![queued(2, "日本語日本語日本語日本語日本語"), started(2)]);
    script.at(800, vec![word(2, 0, 3)]).at(1000, vec![ended(2, "failed")]);
    script.ends(&expect![[r#"
        0: "\r\u{1b}[K▶ [#chan] kim: a line that is longer than one row of forty\n\u{1b}[2m220 wpm\u{1b}[0m"
        200: "\r\u{1b}[2A\u{1b}[J▶ [#chan] kim: a \u{1b}[1;4mline\u{1b}[0m that is longer than one row of forty\n\u{1b}[2m220 wpm\u{1b}[0m"
        400: "\r\u{1b}[2A\u{1b}[J  [#chan] kim: a line that is longer than one row of forty\n\u{1b}[2m220 wpm\u{1b}[0m"
        600: "\r\u{1b}[J▶ [#chan] kim: 日本語日本語日本語日本語\n日本語\n\u{1b}[2m220 wpm\u{1b}[0m"
        800: "\r\u{1b}[2A\u{1b}[J▶ [#chan] kim: \u{1b}[1;4m日本語\u{1b}[0m日本語日本語日本語\n日本語\n\u{1b}[2m220 wpm\u{1b}[0m"
        1000: "\r\u{1b}[2A\u{1b}[J  [#chan] kim: 日本語日本語日本語日本語日本語 (failed)\n\u{1b}[2m220 wpm\u{1b}[0m"
        end: "\r\u{1b}[J"
    "#]]);
}

#[test]
fn what_a_shell_wrote_is_not_erased() {
    let mut script = Script::new(Look::Rich);
    script.at(0, vec![queued(1, "one"), started(1)]);
    script.screen.resume(); // Ctrl-Z, fg
    script.at(1000, vec![word(1, 0, 3)]);
    script.screen.set_foreground(false); // bg
    script.at(2000, vec![ended(1, "spoken"), queued(2, "two"), started(2)]);
    script.at(3000, vec![ended(2, "spoken")]);
    script.screen.set_foreground(true);
    script.at(4000, vec![]);
    script.ends(&expect![[r#"
        0: "\r\u{1b}[K▶ [#chan] kim: one\n\u{1b}[2m220 wpm\u{1b}[0m"
        1000: "\r\u{1b}[K\u{1b}[2m220 wpm\u{1b}[0m"
        2000: "  (spoken)\n  [#chan] kim: two\n"
        4000: "\r\u{1b}[K\u{1b}[2m220 wpm\u{1b}[0m"
        end: "\r\u{1b}[J"
    "#]]);
}

#[test]
fn another_size_leaves_the_line_and_cuts_the_status() {
    let mut script = Script::new(Look::Rich);
    script.state.waiting = 123;
    script.at(0, vec![queued(1, "one"), started(1)]);
    script.screen.resize(Size { columns: 12, rows: 10 });
    script.at(1000, vec![word(1, 0, 3), ended(1, "spoken")]);
    script.ends(&expect![[r#"
        0: "\r\u{1b}[K▶ [#chan] kim: one\n\u{1b}[2m220 wpm · 123 waiting\u{1b}[0m"
        1000: "\r\u{1b}[K\r\u{1b}[J  (spoken)\n\u{1b}[2m220 wpm · 1\u{1b}[0m"
        end: "\r\u{1b}[J"
    "#]]);
}

#[test]
fn a_marked_line_gets_its_outcome_wherever_it_is() {
    let mut script = Script::new(Look::Rich);
    script.at(0, vec![queued(1, "one"), started(1)]);
    script.at(300, vec![queued(1, "one"), started(1)]); // paused and resumed, or spoken again
    script.screen.resize(Size { columns: 50, rows: 12 });
    script.at(600, vec![ended(1, "spoken"), queued(2, "two"), started(2)]);
    script.screen.resume(); // Ctrl-Z, fg
    script.at(900, vec![ended(2, "skipped"), queued(3, "three"), started(3)]);
    script.screen.resume();
    script.at(1200, vec![queued(4, "four"), started(4), ended(4, "merged")]);
    script.ends(&expect![[r#"
        0: "\r\u{1b}[K▶ [#chan] kim: one\n\u{1b}[2m220 wpm\u{1b}[0m"
        600: "\r\u{1b}[1A\u{1b}[J  [#chan] kim: one\n▶ [#chan] kim: two\n\u{1b}[2m220 wpm\u{1b}[0m"
        900: "\r\u{1b}[K  (skipped)\n▶ [#chan] kim: three\n\u{1b}[2m220 wpm\u{1b}[0m"
        1200: "\r\u{1b}[K  (interrupted)\n  [#chan] kim: four (merged)\n\u{1b}[2m220 wpm\u{1b}[0m"
        end: "\r\u{1b}[J"
    "#]]);
}

#[test]
fn quiet_prints_notices_only() {
    let mut script = Script::new(Look::Quiet);
    script.at(0, vec![queued(1, "one"), started(1), word(1, 0, 3), ended(1, "failed")]);
    script.at(10, vec![TranscriptEvent::News("2 lines skipped".to_owned())]);
    script.at(20, vec![TranscriptEvent::Notice("a line was not spoken".to_owned())]);
    assert_eq!(script.deadline(), None);
    script.ends(&expect![[r#"
        20: "a line was not spoken\n"
        end: ""
    "#]]);
}

#[test]
fn events_may_come_in_any_order() {
    let mut script = Script::new(Look::Rich);
    script.at(0, vec![started(7), word(7, 0, 1), ended(7, "spoken")]);
    script.at(300, vec![queued(1, "one"), started(1), started(1), word(2, 0, 1)]);
    script.at(600, vec![queued(2, ""), started(2), ended(1, "spoken"), word(2, 5, usize::MAX)]);
    script.ends(&expect![[r#"
        0: "\r\u{1b}[K\u{1b}[2m220 wpm\u{1b}[0m"
        300: "\r\u{1b}[J▶ [#chan] kim: one\n\u{1b}[2m220 wpm\u{1b}[0m"
        600: "\r\u{1b}[1A\u{1b}[J  [#chan] kim: one\n▶ [#chan] kim: \n\u{1b}[2m220 wpm\u{1b}[0m"
        end: "\r\u{1b}[1A\u{1b}[J  [#chan] kim: \n"
    "#]]);
}
