//! Flood control: a server disconnects a client that sends too fast.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use irc::proto::Command;

/// Queues lines: a burst goes at once, then one every two seconds, which is what servers allow
/// (RFC 2813, section 5.8).
#[derive(Debug, Default)]
pub(crate) struct FloodControl {
    waiting: VecDeque<Turn>,
    /// The time up to which the lines sent are paid for.
    paid_until: Option<Instant>,
}

/// A line, and the number of the text that is complete with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) command: Command,
    pub(crate) said: Option<u64>,
}

const BURST: u32 = 4;
/// Lines that wait at most: with more, the last would wait longer than a minute.
const MOST_WAITING: usize = 30;
const PRICE: Duration = Duration::from_secs(2);

impl FloodControl {
    pub(crate) fn push(&mut self, command: Command) {
        self.waiting.push_back(Turn { command, said: None });
    }

    /// Queues the lines of one text; false, and queues none, where too many wait already.
    pub(crate) fn push_text(&mut self, commands: Vec<Command>, number: u64) -> bool {
        let n_lines = commands.len();
        let has_room = self.waiting.len() + n_lines <= MOST_WAITING;
        if has_room {
            for (n, command) in (1..).zip(commands) {
                self.waiting.push_back(Turn { command, said: (n == n_lines).then_some(number) });
            }
        }
        has_room
    }

    /// When the next line may be sent.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.front()?;
        self.paid_until.map(|paid| paid.checked_sub(PRICE * (BURST - 1)).unwrap_or(paid))
    }

    /// The lines that may be sent now.
    pub(crate) fn take(&mut self, now: Instant) -> Vec<Turn> {
        let mut taken = Vec::new();
        while !self.waiting.is_empty() {
            let paid = self.paid_until.map_or(now, |paid| paid.max(now));
            if paid > now + PRICE * (BURST - 1) {
                break;
            }
            self.paid_until = Some(paid + PRICE);
            taken.extend(self.waiting.pop_front());
        }
        taken
    }
}

/// Answers to `PING`: ten a second at once; of more, only the last one at the second's end. One
/// answer is enough to show that we are alive.
#[derive(Debug, Default)]
pub(crate) struct Pongs {
    second: Option<Instant>,
    answered: u32,
    waiting: Option<String>,
}

const PONGS: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

impl Pongs {
    /// A `PING` came; returns the answer to be sent now, if any.
    pub(crate) fn asked(&mut self, token: String, now: Instant) -> Option<String> {
        if self.second.is_none_or(|second| now >= second + SECOND) {
            self.second = Some(now);
            self.answered = 0;
            self.waiting = None;
        }
        if self.answered == PONGS {
            self.waiting = Some(token);
            return None;
        }
        self.answered += 1;
        Some(token)
    }

    /// When the answer that waits is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.as_ref().and(self.second).map(|second| second + SECOND)
    }

    /// The waiting answer, when it is due.
    pub(crate) fn due(&mut self, now: Instant) -> Option<String> {
        if self.deadline().is_none_or(|due| now < due) {
            return None;
        }
        let token = self.waiting.take()?;
        self.asked(token, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn four_lines_go_at_once_then_one_every_two_seconds() {
        let start = crate::clock::test_now();
        let mut flood = FloodControl::default();
        for _ in 0..7 {
            flood.push(Command::QUIT(None));
        }
        assert_eq!(flood.take(start).len(), 4);
        assert_eq!(flood.take(start).len(), 0);
        assert_eq!(flood.deadline(), Some(start + ms(2000)));
        assert_eq!(flood.take(start + ms(1999)).len(), 0);
        assert_eq!(flood.take(start + ms(2000)).len(), 1);
        assert_eq!(flood.take(start + ms(9000)).len(), 2);
        assert_eq!(flood.deadline(), None);
    }

    #[test]
    fn a_flood_of_pings_is_answered_ten_times_a_second() {
        let start = crate::clock::test_now();
        let mut pongs = Pongs::default();
        let answered = (0..20_000).filter(|n| pongs.asked(n.to_string(), start).is_some()).count();
        assert_eq!(answered, 10);
        assert_eq!(pongs.due(start + ms(999)), None);
        assert_eq!(pongs.deadline(), Some(start + SECOND));
        assert_eq!(pongs.due(start + SECOND).as_deref(), Some("19999"));
        assert_eq!(pongs.deadline(), None);
        assert_eq!(pongs.asked("x".to_owned(), start + SECOND).as_deref(), Some("x"));
    }
}
