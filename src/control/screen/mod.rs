//! The terminal's display: the transcript scrolls, the line being spoken is marked, and the status
//! line is at the bottom. [`Screen`] is pure: events in, text out; [`drive`] is its driver.
//!
//! An utterance's line is printed when its speech begins, or when it ends without being spoken: one
//! line each, in the order of speech. On a screen, the line being spoken and the status line are
//! the last rows; the cursor stays at the end of the status line, so that both can be erased from
//! there. Only changes are written, since a screen reader reads everything that is.
#![forbid(unsafe_code)]

pub mod drive;
pub mod style;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::tty::Size;
use super::{Snapshot, TranscriptEvent};
use style::{Look, Style};
use text::Line;

/// Words are marked at most this often: ten times a second.
const WORD_INTERVAL: Duration = Duration::from_millis(100);

/// The status line is redrawn at most this often: four times a second.
const STATUS_INTERVAL: Duration = Duration::from_millis(250);

/// The fate that is not printed.
const SPOKEN: &str = "spoken";

/// Printed for a line that cannot be redrawn, is no longer being spoken, and has not ended.
const INTERRUPTED: &str = "interrupted";

/// The transcript and the status line.
#[derive(Debug)]
pub struct Screen {
    style: Style,
    size: Size,
    is_foreground: bool,
    lines: BTreeMap<u64, Line>,
    current: Option<Current>,
    state: Snapshot,
    /// Lines to be written.
    scroll: String,
    last: Drawn,
}

/// The utterance that is being spoken.
#[derive(Debug)]
struct Current {
    id: u64,
    line: Line,
    word: Option<(usize, usize)>,
    place: Place,
}

/// Where the current line is on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Above the status line, where it can be redrawn.
    Bottom,
    /// In the transcript, without a mark.
    Printed,
    /// Marked, and where it cannot be redrawn: its outcome is printed on another line.
    Left,
}

/// What was written last at the bottom.
#[derive(Debug, Default)]
struct Drawn {
    /// Rows of the current line.
    n_rows: usize,
    word: Option<(usize, usize)>,
    word_at: Option<Instant>,
    status: Option<String>,
    status_at: Option<Instant>,
    /// Something was erased or scrolled: all has to be redrawn.
    is_stale: bool,
}

impl Screen {
    /// An empty screen.
    pub fn new(style: Style, size: Size, state: Snapshot) -> Self {
        let (lines, current, scroll) = (BTreeMap::new(), None, String::new());
        let last = Drawn::default();
        Self { style, size, is_foreground: true, lines, current, state, scroll, last }
    }

    /// Handles an event; [`Self::paint`] returns the text that it changed.
    pub fn handle(&mut self, event: TranscriptEvent) {
        match event {
            // With quiet, no lines are kept that could begin or end.
            TranscriptEvent::Given { .. } | TranscriptEvent::News(_)
                if self.style.look == Look::Quiet => {}
            TranscriptEvent::Notice(words) | TranscriptEvent::News(words) => {
                self.print(&self.style.clean(&words));
            }
            // After a pause it is queued again: its line is already printed.
            TranscriptEvent::Given { id, .. } if self.is_current(id) => {}
            TranscriptEvent::Given { id, entry, highlight } => {
                self.lines.insert(id, Line { entry, highlight });
            }
            TranscriptEvent::Started { id } => {
                if let Some(line) = self.lines.remove(&id) {
                    self.release(None);
                    self.begin(id, line);
                }
            }
            TranscriptEvent::Word { id, start, length } => {
                if let Some(current) = self.current.as_mut().filter(|it| it.id == id) {
                    current.word = Some((start, length));
                }
            }
            TranscriptEvent::Ended { id, fate } if self.is_current(id) => self.release(Some(fate)),
            TranscriptEvent::Ended { id, fate } => {
                if let Some(line) = self.lines.remove(&id) {
                    let text = line.text(self.style) + &unspoken(Some(fate));
                    self.print(&text);
                }
            }
        }
    }

    fn is_current(&self, id: u64) -> bool {
        self.current.as_ref().is_some_and(|it| it.id == id)
    }

    /// Sets the state that the status line shows.
    pub fn set_state(&mut self, state: Snapshot) {
        self.state = state;
    }

    /// Sets whether the terminal is ours. While another job has it, nothing is erased.
    pub fn set_foreground(&mut self, is_foreground: bool) {
        if self.is_foreground != is_foreground {
            self.is_foreground = is_foreground;
            self.leave_bottom();
        }
    }

    /// The program was stopped and continues: the shell has written since.
    pub fn resume(&mut self) {
        self.leave_bottom();
    }

    /// The terminal's size has changed: what was drawn has moved, unless it takes the same rows.
    pub fn resize(&mut self, size: Size) {
        if self.size != size {
            let stays = self.draws() && self.fits_as_well(size);
            self.size = size;
            if stays {
                return;
            }
            let had_status = self.last.status.is_some();
            self.leave_bottom();
            if had_status {
                self.scroll.insert_str(0, "\r\x1b[J");
            }
        }
    }

    /// Whether everything drawn takes as many rows in `size`, in terminals that rewrap text and in
    /// those that do not.
    fn fits_as_well(&self, size: Size) -> bool {
        let status = self.last.status.as_ref().is_none_or(|it| it.chars().count() < size.columns);
        let current = self.current.as_ref().filter(|it| it.place == Place::Bottom);
        let line = current.is_none_or(|current| {
            let text = self.style.mark().to_owned() + &current.line.text(self.style);
            let n_rows = text::rows(&text, size.columns);
            n_rows == Some(self.last.n_rows) && n_rows.is_some_and(|n| n + 2 <= size.rows)
        });
        status && line
    }

    /// When to paint next.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.draws() {
            return None;
        }
        let word = self.word_differs().then_some(()).and(self.last.word_at);
        let status = self.status_differs().then_some(()).and(self.last.status_at);
        let (word, status) =
            (word.map(|at| at + WORD_INTERVAL), status.map(|at| at + STATUS_INTERVAL));
        word.into_iter().chain(status).min()
    }

    /// The text to write now; empty if nothing changed, or if it is too early.
    pub fn paint(&mut self, now: Instant) -> String {
        let scroll = std::mem::take(&mut self.scroll);
        if !self.draws() {
            return scroll;
        }
        let is_due = |at: Option<Instant>, interval| at.is_none_or(|at| now >= at + interval);
        let has_news = !scroll.is_empty() || self.last.is_stale;
        let status = self.status_differs() && is_due(self.last.status_at, STATUS_INTERVAL);
        if has_news || self.word_differs() && is_due(self.last.word_at, WORD_INTERVAL) {
            let erased = self.erase();
            erased + &scroll + &self.draw_current(now) + &self.draw_status(now, status)
        } else if status {
            "\r\x1b[K".to_owned() + &self.draw_status(now, true)
        } else {
            String::new()
        }
    }

    /// The last text; it removes the status line.
    pub fn finish(mut self) -> String {
        self.release(None);
        let erased = if self.draws() { self.erase() } else { String::new() };
        erased + &self.scroll
    }

    /// Whether the current line and the status line are drawn.
    fn draws(&self) -> bool {
        match self.style.look {
            Look::Quiet | Look::Plain => false,
            Look::Rich => self.is_foreground,
        }
    }

    fn begin(&mut self, id: u64, line: Line) {
        let place = if self.draws() && self.size.rows > 2 { Place::Bottom } else { Place::Printed };
        match place {
            Place::Bottom => self.last.is_stale = true,
            Place::Printed | Place::Left => self.print(&line.text(self.style)),
        }
        self.current = Some(Current { id, line, word: None, place });
    }

    /// Moves the current line to the transcript.
    fn release(&mut self, fate: Option<&str>) {
        let Some(current) = self.current.take() else { return };
        match current.place {
            Place::Bottom => {
                let text = current.line.text(self.style) + &unspoken(fate);
                self.print(&text);
            }
            Place::Printed => match unspoken(fate).trim_start() {
                "" => {}
                fate => self.print(fate),
            },
            Place::Left => self.print(&format!("({})", fate.unwrap_or(INTERRUPTED))),
        }
    }

    /// Adds a line to the transcript, indented like the text behind a mark.
    fn print(&mut self, text: &str) {
        let margin = match self.style.look {
            Look::Quiet | Look::Plain => "",
            Look::Rich => "  ",
        };
        self.scroll.extend([margin, text, "\n"]);
    }

    /// Leaves what is drawn where it is; it cannot be redrawn from now on.
    fn leave_bottom(&mut self) {
        self.last = Drawn { is_stale: true, ..Drawn::default() };
        if let Some(current) = self.current.as_mut().filter(|it| it.place == Place::Bottom) {
            current.place = Place::Left;
        }
    }

    /// Erases the status line and the current line.
    fn erase(&mut self) -> String {
        let n_rows = std::mem::take(&mut self.last.n_rows);
        match (n_rows, self.last.status.is_some()) {
            (0, false) => "\r\x1b[K".to_owned(), // a shell may have left the cursor anywhere
            (0, true) => "\r\x1b[J".to_owned(),
            (n_rows, _) => format!("\r\x1b[{n_rows}A\x1b[J"),
        }
    }

    fn draw_current(&mut self, now: Instant) -> String {
        self.last.is_stale = false;
        let Some(current) = self.current.as_ref().filter(|it| it.place == Place::Bottom) else {
            return String::new();
        };
        let (line, n_rows) = current.line.marked(self.style, current.word, self.size);
        (self.last.word, self.last.word_at) = (current.word, Some(now));
        self.last.n_rows = n_rows;
        line + "\n"
    }

    /// Draws the status line: updated if `is_due`, else as it was.
    fn draw_status(&mut self, now: Instant, is_due: bool) -> String {
        let last = self.last.status.take().filter(|_| !is_due);
        let status = last.unwrap_or_else(|| {
            self.last.status_at = Some(now);
            self.status()
        });
        let drawn = format!("\x1b[2m{status}\x1b[0m");
        self.last.status = Some(status);
        drawn
    }

    fn status(&self) -> String {
        text::status(&self.state, self.style, self.size.columns)
    }

    fn status_differs(&self) -> bool {
        self.last.status.as_ref() != Some(&self.status())
    }

    fn word_differs(&self) -> bool {
        let current = self.current.as_ref().filter(|it| it.place == Place::Bottom);
        current.is_some_and(|it| it.word != self.last.word)
    }
}

/// ` (skipped)`; nothing for what was spoken.
fn unspoken(fate: Option<&str>) -> String {
    match fate {
        None | Some(SPOKEN) => String::new(),
        Some(fate) => format!(" ({fate})"),
    }
}
