//! Meetings on IRC: what a line of one is for ([`mark`]), and the minutes that the lines make
//! ([`Meetings`]). Knows MeetBot and its relatives, and the W3C's scribes and bots. Pure: lines go
//! in, minutes come out.
//!
//! A MeetBot meeting begins with `#startmeeting` and ends with `#endmeeting`. The W3C's lines have
//! no beginning; they are taken for a meeting when there are several kinds of them, so that
//! somebody's "topic: ..." in a chat is none.
#![forbid(unsafe_code)]

mod mark;
mod minutes;
mod running;
mod words;

#[cfg(test)]
mod tests;

pub use mark::{Decision, Mark, Note, mark, names};
pub use minutes::{Entry, EntryKind, Minutes, Style, Vote, is_mine};

use crate::message::{Kind, Message, SourceId};
use running::{Meeting, begun};

/// How many channels are kept in mind at once; of the rest, the one heard of first is forgotten.
const ROOMS: usize = 256;

/// A channel, with its meeting.
#[derive(Debug)]
struct Room {
    source: SourceId,
    channel: Option<String>,
    meeting: Meeting,
}

/// The meetings of all channels.
#[derive(Debug, Default)]
pub struct Meetings {
    rooms: Vec<Room>,
    /// The ended ones, in order; only where they are collected.
    ended: Vec<Minutes>,
    collects: bool,
    /// Rules may have made `topic: roses` of `#topic roses`.
    is_rewritten: bool,
    /// The room of the last mark.
    last: usize,
}

impl Meetings {
    /// Keeps the minutes of all meetings, for [`Meetings::finish`].
    pub fn collecting() -> Self {
        Self { collects: true, ..Self::default() }
    }

    /// Hears lines that rules may have rewritten, and keeps each channel's last meeting only.
    pub fn behind_rules() -> Self {
        Self { is_rewritten: true, ..Self::default() }
    }

    /// Hears a line; returns the minutes of the meeting that it ends.
    ///
    /// Without a meeting an ordinary line costs a look at its first word.
    pub fn hear(&mut self, message: &Message<'_>) -> Option<Minutes> {
        let found = mark(message);
        if found.is_none() && self.rooms.is_empty() && !message.text.starts_with(['M', '[', '!']) {
            return None;
        }
        let room = self.rooms.iter().position(|room| {
            room.source == message.source && room.channel.as_deref() == message.channel.as_deref()
        });
        let runs = room.is_some_and(|at| self.rooms[at].meeting.minutes.style == Style::MeetBot);
        let found = found.or_else(|| {
            let is_command = message.kind == Kind::Say && message.text.starts_with(['[', '!']);
            let mark = is_command.then(|| mark::other_command(&message.text)).flatten()?;
            (runs || matches!(mark, Mark::Begins(_))).then_some(mark)
        });
        match found {
            Some(mark) => self.marked(room, mark, message),
            None => self.unmarked(room, message),
        }
    }

    /// All minutes, in the order of their meetings' ends.
    pub fn finish(mut self) -> Vec<Minutes> {
        let rooms = self.rooms.into_iter().filter(|room| room.meeting.is_certain());
        self.ended.extend(rooms.map(|room| room.meeting.into_minutes()));
        self.ended
    }

    /// The minutes so far of the meeting that was heard of last, and whether it still runs.
    pub fn current(&self) -> Option<(Minutes, bool)> {
        let certain = |room: &&Room| room.meeting.is_certain();
        let last = self.rooms.get(self.last).filter(certain);
        let running = |room: &&Room| !room.meeting.is_over;
        let room = last
            .filter(running)
            .or_else(|| self.rooms.iter().filter(certain).find(running))
            .or(last)
            .or_else(|| self.rooms.iter().rfind(certain))?;
        Some((room.meeting.so_far(), !room.meeting.is_over))
    }

    fn unmarked(&mut self, room: Option<usize>, message: &Message<'_>) -> Option<Minutes> {
        let is_said = matches!(message.kind, Kind::Say | Kind::Notice);
        if is_said && begun(&message.text).is_some() {
            let runs = |at: usize| {
                let meeting = &self.rooms[at].meeting;
                meeting.minutes.style == Style::MeetBot && !meeting.is_over && !meeting.is_guessed
            };
            if !room.is_some_and(runs) {
                self.open(room, Style::MeetBot, message).begin("", message);
                return None;
            }
        }
        let meeting = &mut self.rooms.get_mut(room?)?.meeting;
        let was_over = meeting.is_over;
        meeting.hear(message);
        (meeting.is_over && !was_over).then(|| meeting.so_far())
    }

    fn marked(
        &mut self,
        room: Option<usize>,
        mark: Mark<'_>,
        message: &Message<'_>,
    ) -> Option<Minutes> {
        let meeting = room.map(|at| &self.rooms[at].meeting);
        let in_meetbot = meeting.is_some_and(|it| it.minutes.style == Style::MeetBot);
        let runs = meeting.is_some_and(|it| !it.is_over);
        let is_guessed = meeting.is_some_and(|it| it.is_guessed);
        let is_command = message.text.trim_start().starts_with(['#', '!', '[']);
        if let Mark::Begins(title) = mark {
            if is_guessed || !(in_meetbot && runs) {
                self.open(room, Style::MeetBot, message).begin(title, message);
            }
            return None;
        }
        // Who comes late does not hear how it began.
        if self.is_rewritten && room.is_none() && is_command && matches!(mark, Mark::Topic(_)) {
            let meeting = self.open(room, Style::MeetBot, message);
            meeting.begin("", message);
            meeting.is_guessed = true;
            return self.marked(Some(self.last), mark, message);
        }
        let ended = if in_meetbot && runs {
            let at = room?;
            self.last = at;
            if !(is_command || self.is_rewritten || matches!(mark, Mark::Ballot(_))) {
                return self.unmarked(room, message);
            }
            self.rooms[at].meeting.command(mark, message).then_some(at)?
        } else if is_command || room.is_none() && !opens(&mark) {
            return self.unmarked(room, message);
        } else {
            self.for_scribe(room, mark, message)?
        };
        Some(self.rooms[ended].meeting.so_far())
    }

    /// A line for the scribe; returns the room whose meeting it ends.
    fn for_scribe(
        &mut self,
        room: Option<usize>,
        mark: Mark<'_>,
        message: &Message<'_>,
    ) -> Option<usize> {
        let is_other = |meeting: &Meeting| {
            meeting.minutes.style == Style::MeetBot
                || meeting.is_stale(message)
                || meeting.is_over && matches!(mark, Mark::Title(_))
        };
        let at = match room {
            Some(at) if !is_other(&self.rooms[at].meeting) => at,
            _ if !opens(&mark) => return None,
            room => {
                self.open(room, Style::W3c, message);
                room.unwrap_or(self.rooms.len() - 1)
            }
        };
        self.last = at;
        self.rooms[at].meeting.scribe(mark, message).then_some(at)
    }

    /// Begins a meeting, in the place of the room's last one.
    fn open(&mut self, room: Option<usize>, style: Style, message: &Message<'_>) -> &mut Meeting {
        let meeting = Meeting::new(style, message);
        let at = if let Some(at) = room {
            let old = std::mem::replace(&mut self.rooms[at].meeting, meeting);
            if self.collects && old.is_certain() {
                self.ended.push(old.into_minutes());
            }
            at
        } else {
            if self.rooms.len() >= ROOMS {
                self.rooms.remove(0);
            }
            let channel = message.channel.as_deref().map(str::to_owned);
            self.rooms.push(Room { source: message.source, channel, meeting });
            self.rooms.len() - 1
        };
        self.last = at;
        &mut self.rooms[at].meeting
    }
}

/// Whether a meeting may begin with it.
fn opens(mark: &Mark<'_>) -> bool {
    !matches!(
        mark,
        Mark::Ballot(_) | Mark::Corrects { .. } | Mark::Calls(_) | Mark::Leaves(_) | Mark::Ends
    )
}
