//! What the engine's thread does while nothing is to be spoken: it measures what waits.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use super::{Engine, measure};
use crate::audio::milliseconds;
use crate::audio::report::Reporter;
use crate::message::RequestId;
use crate::voice::wire::{Order, Report, SpeakRequest};

/// The most that is kept: more is not asked for at a time, and the oldest is not waited for any
/// more.
const MOST: usize = 64;

/// How long to wait until the listener has been told what is measured.
const TOLD_WITHIN: Duration = Duration::from_millis(100);

/// Requests in their order.
type Requests = VecDeque<(RequestId, SpeakRequest)>;

fn keep(requests: &mut Requests, request: RequestId, speech: SpeakRequest) {
    requests.push_back((request, speech));
    if requests.len() > MOST {
        requests.pop_front();
    }
}

/// Orders as they come, and what is to be measured between them.
pub(super) struct Idle<'a> {
    orders: &'a Receiver<Order>,
    /// Came while something was measured.
    came: Option<Order>,
    requests: Requests,
    /// Whether this engine, into this output, is worth measuring.
    can_measure: bool,
}

impl<'a> Idle<'a> {
    pub(super) fn new(orders: &'a Receiver<Order>, can_measure: bool) -> Self {
        Self { orders, came: None, requests: VecDeque::new(), can_measure }
    }

    /// The next order that is no request to measure; until it comes, what was requested is
    /// measured. Waits for at most `rest`, from when all is measured on.
    pub(super) fn next(
        &mut self,
        engine: &mut dyn Engine,
        reporter: &Reporter,
        rest: Option<Duration>,
    ) -> Result<Order, RecvTimeoutError> {
        loop {
            let order = match self.came.take() {
                Some(order) => order,
                None if self.requests.is_empty() => match rest {
                    Some(rest) => self.orders.recv_timeout(rest)?,
                    None => self.orders.recv().map_err(|_| RecvTimeoutError::Disconnected)?,
                },
                None => match self.orders.try_recv() {
                    Ok(order) => order,
                    Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                    Err(TryRecvError::Empty) => {
                        self.measure(engine, reporter);
                        continue;
                    }
                },
            };
            match order {
                Order::Measure { request, .. } if !self.can_measure => {
                    reporter.report(Report::Measured { request, ms: None });
                }
                Order::Measure { request, speech } => keep(&mut self.requests, request, speech),
                Order::Stop => {
                    self.requests.clear();
                    return Ok(Order::Stop);
                }
                order @ (Order::Speak(_) | Order::Cue(_) | Order::Finish) => return Ok(order),
            }
        }
    }

    /// Measures what was requested first; leaves it when an order comes. What the engine is at is
    /// told before it begins: a text that kills it must not be taken for the one that sounds.
    fn measure(&mut self, engine: &mut dyn Engine, reporter: &Reporter) {
        let Some((request, speech)) = self.requests.pop_front() else { return };
        if !reporter.report_first(Report::Measuring { request }, TOLD_WITHIN) {
            return reporter.report(Report::MeasuredLater { request }); // the listener does not read
        }
        let Self { orders, came, requests, .. } = self;
        let mut wanted = || {
            reporter.progress();
            while let (None, Ok(order)) = (&came, orders.try_recv()) {
                match order {
                    Order::Measure { request, speech } => keep(requests, request, speech),
                    order => *came = Some(order),
                }
            }
            came.is_none() && reporter.is_wanted()
        };
        reporter.in_engine(true); // where it hangs, what was ordered meanwhile must not wait for it
        let counted = measure::count(engine, &speech, &mut wanted);
        reporter.in_engine(false);
        let ms = match counted {
            Ok(Some(n_samples)) => {
                Some(milliseconds(n_samples, engine.sample_rate().unwrap_or_default()))
            }
            Ok(None) => {
                self.requests.push_front((request, speech));
                return reporter.report(Report::MeasuredLater { request });
            }
            Err(_) => None, // told when it is to be spoken
        };
        reporter.report(Report::Measured { request, ms });
    }
}
