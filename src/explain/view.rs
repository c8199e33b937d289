//! Rows for people: one column for each part, as wide as the first rows need.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::io::{self, Write};

use super::row::{Fate, Row};
use super::terminal::{Colour, END, Terminal, columns};
use crate::diagnostics::escaped;

/// The names of the columns; the last is as wide as it is.
const HEAD: [&str; 7] = ["line", "fate", "rule", "format", "kind", "channel", "sender"];

/// The widest column: a longer value moves the rest of its row.
const WIDEST: usize = 24;

/// The rows by which the widths of the columns are measured.
const MEASURED: usize = 200;

/// On a terminal narrower than this, the columns format and channel are omitted.
const ROOMY: usize = 120;

/// Stands for a part that is not there.
const ABSENT: &str = "-";

/// A row, ready but for the width of its columns.
struct Cells {
    fate: Fate,
    parts: [String; HEAD.len()],
    words: String,
    also: String,
}

/// Shows rows.
pub(super) struct View {
    terminal: Terminal,
    /// The first rows, until the width is known.
    waiting: Vec<Cells>,
    widths: Option<[usize; HEAD.len()]>,
}

impl View {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, waiting: Vec::new(), widths: None }
    }

    /// Shows `row`, or keeps it until the columns' width is known.
    pub(super) fn row(&mut self, row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
        let cells = Cells::of(row);
        if let Some(widths) = &self.widths {
            return self.write(&cells, widths, out);
        }
        self.waiting.push(cells);
        if self.waiting.len() < MEASURED { Ok(()) } else { self.flush(out) }
    }

    /// Shows the kept rows.
    pub(super) fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut widths = HEAD.map(str::len);
        for cells in &self.waiting {
            for (width, part) in widths.iter_mut().zip(&cells.parts) {
                *width = part.chars().count().clamp(*width, WIDEST.max(*width));
            }
        }
        // A long log's last lines have longer numbers than its first.
        widths[0] = widths[0].max(6);
        if self.terminal.columns.is_some_and(|columns| columns < ROOMY) {
            (widths[3], widths[5]) = (0, 0);
        }
        if self.terminal.columns.is_some() {
            let shown = HEAD.iter().zip(widths).filter(|&(_, width)| width > 0);
            let head = shown.map(|(name, width)| format!("{name:width$}  "));
            let head = head.collect::<String>() + "words, or text";
            let mut pen = Pen::new(self.terminal);
            pen.write(Colour::Dim, &head, out)?;
            pen.end(out)?;
        }
        for cells in std::mem::take(&mut self.waiting) {
            self.write(&cells, &widths, out)?;
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn write(
        &self,
        cells: &Cells,
        widths: &[usize; HEAD.len()],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (fate, words) = match cells.fate {
            Fate::Spoken => (Colour::Green, Colour::None),
            Fate::Dropped => (Colour::Red, Colour::Dim),
        };
        let mut pen = Pen::new(self.terminal);
        let mut padded = String::new();
        // No row ends in blanks.
        let (last, is_last_part) = (HEAD.len() - 1, cells.words.is_empty());
        for (place, (part, &width)) in cells.parts.iter().zip(widths).enumerate() {
            if width == 0 {
                continue; // no room
            }
            let colour = if place == 1 { fate } else { Colour::Dim };
            padded.clear();
            padded.push_str(part);
            let n_blanks = width.saturating_sub(part.chars().count());
            if place == 0 {
                padded.insert_str(0, &" ".repeat(n_blanks));
            } else if place < last || !is_last_part {
                padded.extend(std::iter::repeat_n(' ', n_blanks));
            }
            if place < last || !is_last_part {
                padded.push_str("  ");
            }
            pen.write(colour, &padded, out)?;
        }
        pen.write(words, &cells.words, out)?;
        pen.write(Colour::Yellow, &cells.also, out)?;
        pen.end(out)
    }

    /// Shows a line whose outcome differs: the line, its outcome before, and after.
    pub(super) fn change(
        &self,
        before: &Row<'_>,
        after: &Row<'_>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut pen = Pen::new(self.terminal);
        let place = [after.channel, after.sender].map(|part| part.unwrap_or(ABSENT));
        let [channel, sender] = place.map(clean);
        let line = format!("{:>6}  {}  {channel}  {sender}  ", after.line, after.kind);
        pen.write(Colour::Dim, &line, out)?;
        pen.write(Colour::None, &clean(after.text), out)?;
        pen.end(out)?;
        for (sign, colour, row) in [("-", Colour::Red, before), ("+", Colour::Green, after)] {
            let Cells { parts: [_, fate, rule, ..], also, .. } = Cells::of(row);
            let words = clean(row.spoken.unwrap_or_default());
            let end = format!("        {sign} {fate:7}  {rule:14}  {words}{also}");
            pen.write(colour, end.trim_end(), out)?;
            pen.end(out)?;
        }
        Ok(())
    }
}

impl Cells {
    fn of(row: &Row<'_>) -> Self {
        let part = |part: Option<&str>| clean(part.unwrap_or(ABSENT)).into_owned();
        let text = clean(row.text);
        let words = match row.spoken.map(clean) {
            None => text.into_owned(),
            Some(words) if words.ends_with(&*text) => words.into_owned(),
            Some(words) => format!("{text} -> {words}"),
        };
        let also: Vec<_> = row
            .also
            .iter()
            .map(|(effect, rule)| format!("{} {}", effect.key(), clean(rule.label())))
            .collect();
        Self {
            fate: row.fate,
            parts: [
                row.line.to_string(),
                row.fate.name().to_owned(),
                part(row.rule),
                row.format.to_owned(),
                row.kind.to_string(),
                part(row.channel),
                part(row.sender),
            ],
            words,
            also: if also.is_empty() {
                String::new()
            } else {
                format!("  (also: {})", also.join(", "))
            },
        }
    }
}

/// `text` from outside, without terminal control codes; borrowed where there are none.
fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escaped(text))
}

/// Writes one row, no wider than the terminal.
struct Pen {
    terminal: Terminal,
    column: usize,
}

impl Pen {
    fn new(terminal: Terminal) -> Self {
        Self { terminal, column: 0 }
    }

    fn write(&mut self, colour: Colour, text: &str, out: &mut impl Write) -> io::Result<()> {
        let text = self.fitting(text);
        if text.is_empty() {
            return Ok(());
        }
        if !self.terminal.colour || colour == Colour::None {
            return out.write_all(text.as_bytes());
        }
        write!(out, "{}{text}{END}", colour.begin())
    }

    /// As much of `text` as there is room for.
    fn fitting<'a>(&mut self, text: &'a str) -> &'a str {
        let Some(limit) = self.terminal.columns else { return text };
        for (place, c) in text.char_indices() {
            let after = self.column + columns(c);
            if after > limit {
                self.column = limit;
                return &text[..place];
            }
            self.column = after;
        }
        text
    }

    fn end(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.column = 0;
        out.write_all(b"\n")
    }
}
