//! Limits how many lines of each source are queued, so that one that floods leaves room for others.
#![forbid(unsafe_code)]

use crate::message::SourceId;

/// The maximum number of queued lines, of all sources. A day and a half of speech: the rest stays
/// in the log, the pipe or the connection.
const MOST_WAITING: usize = 50_000;

/// Reads whose room a source gets back: which source, and how many.
pub(super) type GivenBack = (SourceId, usize);

/// The sources' shares of the queue. A source may have as many lines queued as there is room left:
/// one that floods takes half of the queue, two a third each, and some is always left for another
/// (the "dynamic thresholds" of Choudhury and Hahne, 1998).
#[derive(Default)]
pub(super) struct Shares {
    /// By the number of the source.
    sources: Vec<Share>,
    n_waiting: usize,
    /// The sources that wait for room.
    owing: Vec<SourceId>,
}

#[derive(Default)]
struct Share {
    n_waiting: usize,
    /// Reads that were processed, and whose room is not given back yet.
    n_owed: usize,
}

impl Shares {
    /// The shares of `n` sources.
    pub(super) fn new(n: usize) -> Self {
        let mut shares = Self::default();
        (0..n).for_each(|_| shares.open());
        shares
    }

    /// Adds a source, with the next number.
    pub(super) fn open(&mut self) {
        self.sources.push(Share::default());
    }

    /// A line of `source` was queued.
    pub(super) fn queued(&mut self, source: SourceId) {
        self.n_waiting += 1;
        self.sources[usize::from(source.0)].n_waiting += 1;
    }

    /// A queued line of `source` has ended; returns what sources that waited get back.
    pub(super) fn ended(&mut self, source: SourceId) -> Vec<GivenBack> {
        self.n_waiting -= 1;
        self.sources[usize::from(source.0)].n_waiting -= 1;
        let mut given_back = Vec::new();
        for source in std::mem::take(&mut self.owing) {
            match self.give_back(source) {
                Some(n) => given_back.push((source, n)),
                None => self.owing.push(source),
            }
        }
        given_back
    }

    /// A read of `source` was processed; returns the room it gets back now, if it does not have to
    /// wait.
    pub(super) fn processed(&mut self, source: SourceId) -> Option<GivenBack> {
        self.sources[usize::from(source.0)].n_owed += 1;
        let given_back = self.give_back(source).map(|n| (source, n));
        if given_back.is_none() && !self.owing.contains(&source) {
            self.owing.push(source);
        }
        given_back
    }

    /// How much room the source gets back, if it may read on.
    fn give_back(&mut self, source: SourceId) -> Option<usize> {
        let left = MOST_WAITING.saturating_sub(self.n_waiting);
        let share = &mut self.sources[usize::from(source.0)];
        (share.n_waiting < left).then(|| std::mem::take(&mut share.n_owed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_floods_waits_alone_and_the_others_have_room() {
        let mut shares = Shares::new(3);
        let [flood, other, third] = [0, 1, 2].map(SourceId);
        let fill = |shares: &mut Shares, source: SourceId| {
            let mut n = 0;
            while !shares.owing.contains(&source) {
                shares.queued(source);
                shares.processed(source);
                n += 1;
            }
            n
        };
        assert_eq!(fill(&mut shares, flood), MOST_WAITING / 2);
        assert_eq!(fill(&mut shares, other), MOST_WAITING / 4);
        shares.queued(third);
        shares.processed(third);
        assert_eq!(shares.owing, [flood, other], "the third is not held back");
        for _ in 0..MOST_WAITING / 4 {
            shares.ended(flood);
        }
        assert!(shares.owing.is_empty(), "as soon as there is room");
        assert!(shares.sources.iter().all(|it| it.n_owed == 0));
    }
}
