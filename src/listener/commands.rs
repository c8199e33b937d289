//! Executes the control commands.
#![forbid(unsafe_code)]

use super::Listener;
use super::mutes::Mutes;
use crate::clock::now;
use crate::control::client::skipped;
use crate::control::{Command, Entry, Reply, Request, Snapshot, TranscriptEvent};
use crate::journal::{Ended, Journal};
use crate::message::{Earcon, Fate, Utterance};
use crate::queue::Event;
use crate::units::RATES;
use crate::voice::Voice;

/// The loudest volume, in per cent.
const LOUDEST: u8 = 200;

/// The maximum number of lines in a reply.
const MOST_LINES: u32 = 1_000;

impl Listener<'_> {
    /// Executes a command and replies; returns whether it was the last one.
    pub(super) fn serve(&mut self, request: Request, voice: &Voice) -> bool {
        let is_last = matches!(request.command, Command::Quit);
        if let Command::Say { target, text } = &request.command {
            self.send_message(target, text, request.reply);
            return false;
        }
        if matches!(request.command, Command::Reload) {
            self.reload(Some(request.reply));
            return false;
        }
        if matches!(request.command, Command::Status) {
            let configuration = self.configuration.clone();
            let snapshot = Snapshot { configuration, ..self.snapshot() };
            self.status.answer(snapshot, request.reply);
            return false;
        }
        let reply = self.execute(request.command, voice);
        self.show(); // the client may look at once
        if request.reply.send(reply).is_err() {
            tracing::debug!("the client has left");
        }
        is_last
    }

    fn execute(&mut self, command: Command, voice: &Voice) -> Reply {
        let event = match command {
            Command::Toggle if !self.queue.is_paused() => Event::Pause,
            Command::Pause => Event::Pause,
            Command::Resume | Command::Toggle => Event::Resume,
            Command::Skip => Event::Skip,
            Command::Live => return self.go_live(voice),
            Command::Repeat { n } => match n_lines(n) {
                Ok(n) => Event::Repeat(n),
                Err(reply) => return reply,
            },
            Command::Back => Event::Back,
            Command::Highlight => Event::Highlight,
            Command::Rate { wpm } if !RATES.contains(&wpm) => {
                let (least, most) = (RATES.start(), RATES.end());
                let why = format!("rate is {wpm}; it takes {least} to {most} words a minute");
                return Reply::Error { why };
            }
            Command::Rate { wpm } => return self.set_rate(wpm, voice),
            Command::Faster => return self.set_rate(self.queue.base_rate() * 11 / 10, voice),
            Command::Slower => return self.set_rate(self.queue.base_rate() * 10 / 11, voice),
            Command::Volume { percent } if percent > LOUDEST => {
                let why = format!("volume is {percent}; it takes 0 to {LOUDEST} per cent");
                return Reply::Error { why };
            }
            Command::Volume { percent } => {
                self.voice_spec.volume = percent;
                return Reply::Done;
            }
            Command::Mute { who } => return self.muted.mute(who),
            Command::Unmute { who } => return self.muted.unmute(&who),
            Command::Missed { n } => {
                let is_missed = |fate: &Fate| match fate {
                    Fate::Spoken { .. } | Fate::Merged { is_counted: false, .. } => false,
                    Fate::Dropped { .. }
                    | Fate::Merged { is_counted: true, .. }
                    | Fate::Expired { .. }
                    | Fate::Skipped
                    | Fate::Failed { .. } => true,
                };
                return self.lines(n, is_missed);
            }
            Command::Why { n } => return self.lines(n, |_| true),
            Command::Voices => {
                self.speakers.toggle();
                return Reply::Done;
            }
            // Answered later, when they are done; for quit, this is the reply.
            Command::Say { .. } | Command::Status | Command::Reload | Command::Quit => {
                return Reply::Done;
            }
        };
        self.handle(event, voice);
        Reply::Done
    }

    /// Skips everything that is queued, and replies with the number of lines.
    fn go_live(&mut self, voice: &Voice) -> Reply {
        let n_skipped = |journal: &Journal| {
            journal.counts().1.get(Fate::Skipped.name()).copied().unwrap_or_default()
        };
        let before = n_skipped(&self.journal);
        self.handle(Event::Live, voice);
        let lines = n_skipped(&self.journal) - before;
        if lines > 0 && self.earcons.is_some_and(|it| it.skipped) {
            voice.earcon(Earcon::Skipped);
        }
        self.transcribe(TranscriptEvent::News(skipped(lines)));
        Reply::Skipped { lines }
    }

    fn set_rate(&mut self, wpm: u32, voice: &Voice) -> Reply {
        let wpm = wpm.clamp(*RATES.start(), *RATES.end());
        self.voice_spec.rate = wpm;
        self.handle(Event::Rate(wpm), voice);
        Reply::Done
    }

    fn lines(&self, n: u32, wanted: impl Fn(&Fate) -> bool) -> Reply {
        let n = match n_lines(n) {
            Ok(n) => n,
            Err(reply) => return reply,
        };
        Reply::Lines { lines: self.journal.last(n, wanted).into_iter().map(entry).collect() }
    }

    /// Publishes the status, if it has changed.
    pub(super) fn show(&self) {
        if self.state.receiver_count() > 0 {
            let snapshot = self.snapshot();
            self.state.send_if_modified(|last| {
                let has_changed = *last != snapshot;
                *last = snapshot;
                has_changed
            });
        }
    }

    fn snapshot(&self) -> Snapshot {
        let (lines, fates) = self.journal.counts();
        let current = self.queue.current();
        let rate = self.queue.base_rate();
        Snapshot {
            paused: self.queue.is_paused(),
            rate,
            rate_now: current.map_or(rate, |(_, rate)| rate),
            volume: self.voice_spec.volume,
            waiting: self.queue.n_waiting(),
            lag_s: (self.queue.lag(now()).as_secs_f64() * 10.0).round() / 10.0,
            current: current.map(|(utterance, _)| self.current(utterance)),
            lines,
            fates: fates.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(),
            muted: self.muted.names(),
            voices: self.speakers.own_voices(),
            sink: None,
            configuration: None,
        }
    }

    /// The transcript's event for a queued utterance.
    pub(super) fn queued(&self, utterance: &Utterance) -> TranscriptEvent {
        let highlight = utterance.message.as_ref().is_some_and(|it| it.highlight);
        TranscriptEvent::Queued { id: utterance.id.0, entry: self.current(utterance), highlight }
    }

    fn current(&self, utterance: &Utterance) -> Entry {
        let message = utterance.message.as_ref();
        let own = |part: Option<&str>| part.map(str::to_owned);
        Entry {
            line: utterance.line,
            source: message
                .map(|it| self.names[usize::from(it.source.0)].clone())
                .unwrap_or_default(),
            channel: own(message.and_then(|it| it.channel.as_deref())),
            sender: own(message.and_then(|it| it.sender.as_deref())),
            text: display_text(&utterance.text),
            fate: None,
            why: None,
        }
    }
}

/// Checks that `n` lines fit in a reply.
fn n_lines(n: u32) -> Result<usize, Reply> {
    match n {
        1..=MOST_LINES => Ok(n as usize),
        n => Err(Reply::Error { why: format!("n is {n}; it takes 1 to {MOST_LINES}") }),
    }
}

/// The words, or a placeholder where there was only an earcon.
fn display_text(text: &str) -> String {
    if text.is_empty() { "(a sound)".to_owned() } else { text.to_owned() }
}

fn entry(ended: &Ended) -> Entry {
    let why = match &ended.fate {
        Fate::Dropped { rule } | Fate::Expired { rule } => Some(rule.clone()),
        Fate::Failed { why } => Some(why.clone()),
        Fate::Spoken { rate, .. } => Some(format!("at {rate} words a minute")),
        Fate::Merged { into, is_counted: false } => Some(format!("into utterance {}", into.0)),
        Fate::Merged { into, is_counted: true } => Some(format!("counted in utterance {}", into.0)),
        Fate::Skipped => None,
    };
    Entry {
        line: ended.line,
        source: ended.source.clone(),
        channel: ended.channel.clone(),
        sender: ended.sender.clone(),
        text: display_text(&ended.text),
        fate: Some(ended.fate.name().to_owned()),
        why,
    }
}

impl Mutes {
    fn mute(&mut self, who: crate::control::Who) -> Reply {
        self.add(who);
        Reply::Done
    }

    fn unmute(&mut self, who: &crate::control::Who) -> Reply {
        if self.remove(who) {
            return Reply::Done;
        }
        Reply::Error { why: "that was not muted".to_owned() }
    }
}
