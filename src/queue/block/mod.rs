//! Pasted blocks: drawings made of signs, and code or logs. Lines of one sender that came at once
//! are counted, also where nothing is late: "6 lines of ASCII art"; the first line of code, "and 11
//! more lines". A line that comes alone is spoken at once; only those that wait are gathered.
//! [`Event::More`](super::Event::More) speaks what was counted.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::condense::{is_free, is_like};
use super::fair::talker;
use super::item::Queued;
use super::{Action, HISTORY, Queue};
use crate::message::{Fate, Kind, LinePosition, Message, SourceId, Utterance};

/// Lines within this time of the one before are of one block.
const AT_ONCE: Duration = Duration::from_secs(2);

/// The fewest lines of a drawing, and of code.
const DRAWING: usize = 3;
const CODE: usize = 6;

/// The fewest further lines of a block that was counted already: two take no longer one by one.
const FURTHER: usize = 3;

/// The fewest signs a line that a drawing has on average: people also write "?!" and ":-)".
const DRAWN: usize = 5;

/// Of a drawing, fewer than so many per cent are letters and digits.
const LETTERS: usize = 30;

/// Of a line of code, at least so many per cent are signs that sentences lack.
const SIGNS: usize = 12;

/// Of a block of code, at least so many per cent of the lines look like it.
const ALIKE: usize = 60;

/// The block that was counted last: whose it is, and when its last line came.
#[derive(Debug)]
pub(super) struct Counted {
    source: SourceId,
    name: String,
    last: Instant,
}

impl Queue {
    /// Counts the block that is next, if it is one.
    pub(super) fn count_block(&mut self, start: Instant) -> Vec<Action> {
        let Some(first) = self.waiting.front().filter(|it| is_whole(it)) else { return vec![] };
        if !self.may_count(first) && !is_drawn(text_of(first)) {
            return vec![];
        }
        let its = self.its_lines(first);
        if its.len() < DRAWING {
            return vec![];
        }
        let texts = its.iter().map(|at| text_of(&self.waiting[*at]));
        let drawn = texts.clone().take_while(|text| is_drawn(text)).count();
        if is_drawing(texts.clone().take(drawn)) {
            let words = self.phrases.for_utterance(&first.utterance).art(drawn);
            let name = &first.utterance.text[..first.utterance.name_end];
            return self.count_all(&its[..drawn], format!("{name}{words}"), start);
        }
        let n_code = texts.filter(|text| is_code(text)).count();
        if !self.may_count(first) || 100 * n_code < ALIKE * its.len() {
            return vec![];
        }
        match (self.goes_on(first), self.follows(first)) {
            (true, _) if its.len() >= FURTHER => self.count_rest(&its, start),
            (_, true) if its.len() + 1 >= CODE => self.count_rest(&its, start),
            (false, false) if its.len() >= CODE => self.count_after_first(&its),
            _ => vec![],
        }
    }

    /// The places of the lines that came at once with `first`, by the same sender: it is the first.
    fn its_lines(&self, first: &Queued) -> Vec<usize> {
        let me = talker(&first.utterance);
        let mut last = first.utterance.received;
        let mine = self.waiting.iter().enumerate().filter(|(_, it)| talker(&it.utterance) == me);
        let its = mine.take_while(|(at, it)| {
            let gap = it.utterance.received.saturating_duration_since(last);
            last = it.utterance.received;
            let is_like = *at == 0 || is_like(&first.utterance, &it.utterance);
            gap <= AT_ONCE && is_whole(it) && is_like
        });
        its.map(|(at, _)| at).take(HISTORY).collect()
    }

    /// Whether lines like `first` are counted if they look like code: what people say live. A log or
    /// a text is read.
    fn may_count(&self, first: &Queued) -> bool {
        let message = first.utterance.message.as_ref();
        let is_said = message.is_some_and(|it| it.kind == Kind::Say && it.sender.is_some());
        is_said && first.utterance.is_live && !self.rate_control.is_relaxed
    }

    /// Whether `first` is a further line of the block that was counted last.
    fn goes_on(&self, first: &Queued) -> bool {
        let me = talker(&first.utterance);
        self.counted.as_ref().is_some_and(|it| {
            let gap = first.utterance.received.saturating_duration_since(it.last);
            me == Some((it.source, true, &*it.name)) && gap <= AT_ONCE
        })
    }

    /// Whether the line before `first` was spoken as the first one of its block.
    fn follows(&self, first: &Queued) -> bool {
        let Some(message) = first.utterance.message.as_ref() else { return false };
        self.before.as_ref().is_some_and(|before| {
            let gap = message.received.saturating_duration_since(before.received);
            is_same_talk(before, message) && gap <= AT_ONCE && is_code(&before.text)
        })
    }

    /// Says only how many lines there are at `places`.
    fn count_rest(&mut self, places: &[usize], start: Instant) -> Vec<Action> {
        let Some(first) = self.waiting.front() else { return vec![] };
        let words = self.phrases.for_utterance(&first.utterance).more(places.len(), None);
        let words = words.trim_start_matches("; ").to_owned();
        self.count_all(places, words, start)
    }

    /// Replaces the lines at `places` by an utterance that counts them.
    fn count_all(&mut self, places: &[usize], text: String, start: Instant) -> Vec<Action> {
        let merged = self.take_out(places);
        let Some(Queued { utterance: first, .. }) = merged.first() else { return vec![] };
        let utterance = Utterance {
            id: self.number(),
            text,
            message: None,
            language: first.language,
            name_len: 0,
            name_end: 0,
            line: LinePosition::default(),
            received: start,
            is_replay: false,
            is_live: first.is_live,
            earcon: None,
            expiry: None,
        };
        let into = utterance.id;
        let counter = Queued::new(utterance.clone(), &self.estimate);
        self.waiting.push_front(counter);
        let fate = Fate::Merged { into, is_counted: true };
        let ends = merged.iter().map(|it| Action::ReportOutcome(it.utterance.id, fate.clone()));
        let actions = std::iter::once(Action::Record(utterance)).chain(ends).collect();
        self.keep(merged);
        actions
    }

    /// Speaks the first of the lines at `places`, and counts the others at its end.
    fn count_after_first(&mut self, places: &[usize]) -> Vec<Action> {
        let merged = self.take_out(&places[1..]);
        let actions = self.count_more(0, &merged, None);
        self.keep(merged);
        actions
    }

    /// Keeps lines that were only counted: the user may want to hear them.
    pub(super) fn keep(&mut self, counted: Vec<Queued>) {
        let Some(last) = counted.last() else { return };
        if let Some((source, _, name)) = talker(&last.utterance) {
            let (name, last) = (name.to_owned(), last.utterance.received);
            self.counted = Some(Counted { source, name, last });
        }
        let lines: Vec<_> = counted.into_iter().map(|it| it.utterance).take(HISTORY).collect();
        self.blocks.push_back(lines);
        while self.blocks.iter().map(Vec::len).sum::<usize>() > HISTORY {
            self.blocks.pop_front();
        }
    }

    /// Whether lines were only counted, and not asked for since.
    pub(crate) fn has_more(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Speaks the lines that were counted last, and keeps them for replay.
    pub(super) fn more(&mut self, now: Instant) -> Vec<Action> {
        let Some(lines) = self.blocks.pop_back() else { return vec![] };
        let n = lines.len();
        for line in lines {
            self.remember(line);
        }
        self.repeat(n, now)
    }
}

/// Whether two lines were said by the same sender at the same place.
fn is_same_talk(a: &Message<'_>, b: &Message<'_>) -> bool {
    (a.source, &a.sender, &a.channel) == (b.source, &b.sender, &b.channel)
}

/// Whether a line can be counted in a block: nothing of it was spoken or counted, and no rule marked
/// it.
fn is_whole(it: &Queued) -> bool {
    let is_marked = it.utterance.message.as_ref().is_none_or(|it| it.highlight);
    let is_fresh = !it.has_begun && it.from == 0 && (it.times, it.more) == (1, 0);
    let has_words = it.utterance.name_end < it.utterance.text.len();
    is_fresh && has_words && !is_marked && is_free(&it.utterance)
}

fn text_of(it: &Queued) -> &str {
    it.utterance.message.as_ref().map_or("", |it| &it.text)
}

/// The characters of a line that show something, how many of them are written rather than drawn, and
/// how many draw nothing but boxes and dots.
fn strokes(text: &str) -> [usize; 3] {
    let (mut n, mut n_written, mut n_boxes) = (0, 0, 0);
    for c in text.chars().filter(|c| !c.is_whitespace() && !c.is_control()) {
        n += 1;
        match c {
            // Box drawing, blocks, braille.
            '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}' => n_boxes += 1,
            // Emoji and the like say something.
            _ if c.is_alphanumeric() || c > '\u{ff}' => n_written += 1,
            _ => {}
        }
    }
    [n, n_written, n_boxes]
}

/// Whether a line may be drawn with signs rather than written: it has few letters, or none side by
/// side, as in "( o.o )".
fn is_drawn(text: &str) -> bool {
    let [n, n_written, n_boxes] = strokes(text);
    let is_word = |word: &str| word.chars().nth(1).is_some();
    let has_word = || text.split(|c: char| !c.is_alphanumeric()).any(is_word);
    let is_sparse = 100 * n_written < LETTERS * n || n > n_written && !has_word();
    n > 0 && (is_sparse || 3 * n_boxes > n)
}

/// Whether lines that may be drawn are a drawing.
fn is_drawing<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let [mut n_lines, mut all, mut written, mut boxes] = [0; 4];
    for [n, n_written, n_boxes] in lines.map(strokes) {
        n_lines += 1;
        all += n;
        written += n_written;
        boxes += n_boxes;
    }
    let is_sparse = 100 * written < LETTERS * all || 3 * boxes > all;
    n_lines >= DRAWING && all >= DRAWN * n_lines && is_sparse
}

/// Whether a line looks like code, or a log. Links do not.
fn is_code(text: &str) -> bool {
    let is_level = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
        matches!(word, "TRACE" | "DEBUG" | "INFO" | "WARN" | "WARNING" | "ERROR" | "FATAL")
    };
    let is_stamp = |word: &str| {
        let word = word.trim_start_matches('[');
        word.bytes().take(2).filter(u8::is_ascii_digit).count() == 2
            && word.contains([':', '-'])
            && word.len() >= "10:00".len()
    };
    let words = || text.split_ascii_whitespace().filter(|word| !word.contains("://"));
    if is_drawn(text)
        || text.starts_with(['\t', '}'])
        || text.starts_with("  ")
        || text.trim_end().ends_with([';', '{', '}'])
        || words().take(3).any(is_level)
        || words().next().is_some_and(is_stamp)
    {
        return true;
    }
    let (n, n_signs) = words().flat_map(str::chars).fold((0, 0), |(n, n_signs), c| {
        let is_sign = "{}[]()<>=;\\/|_#$%&*+@\"~^`".contains(c);
        (n + 1, n_signs + usize::from(is_sign))
    });
    n > 0 && 100 * n_signs >= SIGNS * n
}

#[test]
fn drawings_and_code_are_told_from_sentences() {
    for (text, drawn, code) in [
        (r"  /\_/\  ", true, true),
        ("( o.o )", true, true),
        ("+------+------+", true, true),
        ("⣿⣿⣿⡇⠀⢸⣿", true, true),
        ("│ name │ x │", true, true),
        ("let x = f(y);", false, true),
        ("    return 1", false, true),
        ("if (a == b) {", false, true),
        ("2026-11-30 10:00:01 INFO started", false, true),
        ("[10:00:01] it is up", false, true),
        ("foo_bar(baz)", false, true),
        ("I think we should move on to the next topic", false, false),
        ("see https://example.org/a/b_c?d=e for that", false, false),
        ("yes (and no), at 10:30", false, false),
        ("10 of them", false, false),
        ("👍👍👍👍👍", false, false),
        ("", false, false),
    ] {
        assert_eq!((is_drawn(text), is_code(text)), (drawn, code), "{text}");
    }
}

#[cfg(test)]
mod tests;
