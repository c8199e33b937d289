//! Acknowledges how far each source was heard, for sources that resume there.
#![forbid(unsafe_code)]

use std::collections::{BTreeSet, HashMap};

use tokio::time::timeout;

use super::GOODBYE;
use crate::message::{Fate, SourceId, Utterance, UtteranceId};
use crate::source::Ack;

/// Counts the lines that have ended without a gap: a line may end before an earlier one.
#[derive(Default)]
pub(super) struct Acks {
    counts: HashMap<SourceId, Count>,
    /// The lines of the counted sources that have not ended.
    open: HashMap<UtteranceId, (SourceId, u64)>,
    /// Lines that were merged, by the utterance they end with.
    merged: HashMap<UtteranceId, Vec<(SourceId, u64)>>,
}

struct Count {
    ack: Ack,
    /// All lines up to this number have ended.
    n: u64,
    /// Later lines that have ended.
    later: BTreeSet<u64>,
}

impl Acks {
    /// Counts the lines of `source`, and sends the count to `ack`.
    pub(super) fn count(&mut self, source: SourceId, ack: Ack) {
        self.counts.insert(source, Count { ack, n: 0, later: BTreeSet::new() });
    }

    /// An utterance was queued.
    pub(super) fn queued(&mut self, utterance: &Utterance) {
        if let Some(message) = utterance.message.as_ref().filter(|_| utterance.is_new())
            && self.counts.contains_key(&message.source)
        {
            self.open.insert(utterance.id, (message.source, utterance.line));
        }
    }

    /// A line has ended.
    pub(super) fn line(&mut self, source: SourceId, line: u64) {
        let Some(count) = self.counts.get_mut(&source) else { return };
        count.later.insert(line);
        let before = count.n;
        while count.later.first() == Some(&(count.n + 1)) {
            count.later.pop_first();
            count.n += 1;
        }
        if count.n > before {
            count.ack.acknowledge(count.n);
        }
    }

    /// An utterance has ended.
    pub(super) fn ended(&mut self, id: UtteranceId, fate: &Fate) {
        let lines = self.open.remove(&id).into_iter();
        let lines = lines.chain(self.merged.remove(&id).unwrap_or_default());
        match fate {
            Fate::Merged { into, .. } if self.open.contains_key(into) => {
                let lines: Vec<_> = lines.collect();
                self.merged.entry(*into).or_default().extend(lines);
            }
            _ => lines.collect::<Vec<_>>().into_iter().for_each(|(source, line)| {
                self.line(source, line);
            }),
        }
    }

    /// Waits until the last counts are stored, at most [`GOODBYE`] for each source.
    pub(super) async fn finish(&mut self) {
        for (_, count) in self.counts.drain() {
            if timeout(GOODBYE, count.ack.finish()).await.is_err() {
                tracing::warn!("a bookmark was not written in time");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::message::Message;

    #[tokio::test]
    async fn lines_count_once_all_before_them_have_ended() {
        let (sender, count) = watch::channel(0);
        let mut acks = Acks::default();
        acks.count(SourceId(3), Ack::new(sender, tokio::spawn(async {})));
        let now = crate::clock::test_now();
        for (id, line) in [(1, 1), (2, 2), (3, 4), (4, 5)] {
            let message = Message { source: SourceId(3), ..Message::plain(SourceId(3), "", now) };
            acks.queued(&Utterance {
                id: UtteranceId(id),
                text: String::new(),
                message: Some(message),
                line,
                received: now,
                is_replay: false,
                is_live: true,
                earcon: None,
                expiry: None,
            });
        }
        acks.line(SourceId(3), 3); // dropped
        acks.line(SourceId(0), 1); // of another source
        assert_eq!(*count.borrow(), 0);
        let spoken = Fate::Spoken { rate: 220, ms: 0 };
        let merged = Fate::Merged { into: UtteranceId(3), is_counted: false };
        for (id, fate, n) in
            [(2, &spoken, 0), (1, &spoken, 3), (4, &merged, 3), (4, &spoken, 3), (3, &spoken, 5)]
        {
            acks.ended(UtteranceId(id), fate);
            assert_eq!(*count.borrow(), n, "{id} {fate:?}");
        }
        acks.finish().await;
    }
}
