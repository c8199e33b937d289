//! What the engine's thread does while it has nothing to speak: it measures queued utterances.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use super::measure;
use super::traits::Engine;
use crate::audio::milliseconds;
use crate::audio::report::Reporter;
use crate::message::RequestId;
use crate::wire::{Report, Request, SpeakRequest};

/// The most that are kept: the queue asks for no more at a time, and it no longer waits for the
/// oldest.
const MOST: usize = 64;

/// How long to wait until the report of what is measured is written.
const REPORT_WITHIN: Duration = Duration::from_millis(100);

/// Requests in order.
type Requests = VecDeque<(RequestId, SpeakRequest)>;

fn keep(requests: &mut Requests, request: RequestId, speech: SpeakRequest) {
    requests.push_back((request, speech));
    if requests.len() > MOST {
        requests.pop_front();
    }
}

/// The requests from the listener, and what to measure between them.
pub(super) struct Idle<'a> {
    orders: &'a Receiver<Request>,
    /// Arrived during a measurement.
    came: Option<Request>,
    requests: Requests,
    /// Whether this engine can be measured, and this output needs it.
    can_measure: bool,
}

impl<'a> Idle<'a> {
    pub(super) fn new(orders: &'a Receiver<Request>, can_measure: bool) -> Self {
        Self { orders, came: None, requests: VecDeque::new(), can_measure }
    }

    /// The next request other than a measurement; measures until it comes. Waits for at most
    /// `rest` once everything is measured.
    pub(super) fn next(
        &mut self,
        engine: &mut dyn Engine,
        reporter: &Reporter,
        rest: Option<Duration>,
    ) -> Result<Request, RecvTimeoutError> {
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
                Request::Measure { request, .. } if !self.can_measure => {
                    reporter.report(Report::Measured { request, ms: None });
                }
                Request::Measure { request, speech } => keep(&mut self.requests, request, speech),
                Request::Stop => {
                    self.requests.clear();
                    return Ok(Request::Stop);
                }
                order @ (Request::Speak(_) | Request::Earcon(_) | Request::Finish) => {
                    return Ok(order);
                }
            }
        }
    }

    /// Makes the first measurement; interrupts it when another request comes. It is reported before
    /// it begins: a crash must not be blamed on the utterance that is playing.
    fn measure(&mut self, engine: &mut dyn Engine, reporter: &Reporter) {
        let Some((request, speech)) = self.requests.pop_front() else { return };
        if !reporter.report_first(Report::Measuring { request }, REPORT_WITHIN) {
            return reporter.report(Report::MeasuredLater { request }); // the listener does not read
        }
        let Self { orders, came, requests, .. } = self;
        let mut wanted = || {
            reporter.progress();
            while let (None, Ok(order)) = (&came, orders.try_recv()) {
                match order {
                    Request::Measure { request, speech } => keep(requests, request, speech),
                    order => *came = Some(order),
                }
            }
            came.is_none() && reporter.is_wanted()
        };
        reporter.in_engine(true); // a hang must be detected: requests wait for the measurement
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
            Err(_) => None, // reported when it is spoken
        };
        reporter.report(Report::Measured { request, ms });
    }
}
