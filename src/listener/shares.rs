//! Limits how many lines of each source are queued, so that one that floods leaves room for others.
#![forbid(unsafe_code)]

use crate::message::SourceId;
use crate::source::room::Room;

/// The maximum number of queued lines, of all sources. A day and a half of speech: the rest stays
/// in the log, the pipe or the connection.
const MOST_WAITING: usize = 50_000;

/// The sources' shares of the queue. A source may have as many lines queued as there is room left:
/// one that floods takes half of the queue, two a third each, and some is always left for another
/// (the "dynamic thresholds" of Choudhury and Hahne, 1998).
#[derive(Default)]
pub(super) struct Shares {
    /// By the number of the source.
    sources: Vec<Share>,
    n_waiting: usize,
    /// The sources that wait for room.
    owing: Vec<usize>,
}

struct Share {
    room: Room,
    n_waiting: usize,
    /// Reads that were processed, and whose room is not given back yet.
    n_owed: usize,
}

impl Shares {
    /// The shares of the sources with these rooms, in the order of their numbers.
    pub(super) fn new(rooms: impl IntoIterator<Item = Room>) -> Self {
        let mut shares = Self::default();
        rooms.into_iter().for_each(|room| shares.open(room));
        shares
    }

    /// Adds a source, with the next number.
    pub(super) fn open(&mut self, room: Room) {
        self.sources.push(Share { room, n_waiting: 0, n_owed: 0 });
    }

    /// A line of `source` was queued.
    pub(super) fn queued(&mut self, source: SourceId) {
        self.n_waiting += 1;
        self.sources[usize::from(source.0)].n_waiting += 1;
    }

    /// A queued line of `source` has ended.
    pub(super) fn ended(&mut self, source: SourceId) {
        self.n_waiting -= 1;
        self.sources[usize::from(source.0)].n_waiting -= 1;
        let mut owing = std::mem::take(&mut self.owing);
        owing.retain(|&source| !self.give_back(source));
        self.owing = owing;
    }

    /// A read of `source` was processed: gives its room back, at once or later.
    pub(super) fn heard(&mut self, source: SourceId) {
        let source = usize::from(source.0);
        self.sources[source].n_owed += 1;
        if !self.give_back(source) && !self.owing.contains(&source) {
            self.owing.push(source);
        }
    }

    /// Gives the room back, if the source may read on.
    fn give_back(&mut self, source: usize) -> bool {
        let left = MOST_WAITING.saturating_sub(self.n_waiting);
        let share = &mut self.sources[source];
        if share.n_waiting >= left {
            return false;
        }
        share.room.give_back(std::mem::take(&mut share.n_owed));
        true
    }

    /// Lets all sources read on: the listener is ending.
    pub(super) fn lift(&self) {
        self.sources.iter().for_each(|share| share.room.lift());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_floods_waits_alone_and_the_others_have_room() {
        let mut shares = Shares::new([Room::default(), Room::default(), Room::default()]);
        let [flood, other, third] = [0, 1, 2].map(SourceId);
        let fill = |shares: &mut Shares, source: SourceId| {
            let mut n = 0;
            while !shares.owing.contains(&usize::from(source.0)) {
                shares.queued(source);
                shares.heard(source);
                n += 1;
            }
            n
        };
        assert_eq!(fill(&mut shares, flood), MOST_WAITING / 2);
        assert_eq!(fill(&mut shares, other), MOST_WAITING / 4);
        shares.queued(third);
        shares.heard(third);
        assert_eq!(shares.owing, [0, 1], "the third is not held back");
        for _ in 0..MOST_WAITING / 4 {
            shares.ended(flood);
        }
        assert!(shares.owing.is_empty(), "as soon as there is room");
        assert!(shares.sources.iter().all(|it| it.n_owed == 0));
    }
}
