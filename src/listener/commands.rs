//! Executes the control commands.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::{Effect, Listener};
use crate::control::client::skipped;
use crate::control::{Command, Entry, Reply, Request, Snapshot, Switch, TranscriptEvent, Who};
use crate::journal::Ended;
use crate::message::{Earcon, Fate, Utterance};
use crate::queue::Event;
use crate::units::Wpm;

/// The loudest volume, in per cent.
const LOUDEST: u8 = 200;

/// The maximum number of lines in a reply.
const MOST_LINES: u32 = 1_000;

impl Listener {
    /// Executes a command and replies.
    pub(super) fn serve(&mut self, Request { command, reply }: Request, now: Instant) {
        match command {
            Command::Say { target, text } => {
                self.effects.push(Effect::Send { target, text, reply });
            }
            Command::Reload => self.reload(reply),
            Command::Status { .. } => {
                let configuration = self.configuration.clone();
                let snapshot = Box::new(Snapshot { configuration, ..self.snapshot(now) });
                self.effects.push(Effect::ReplyStatus(reply, snapshot));
            }
            Command::Quit => {
                self.effects.push(Effect::Reply(reply, Reply::Done));
                self.end(Ok(()), true);
            }
            command => {
                let done = self.execute(command, now).unwrap_or_else(|why| Reply::Error { why });
                self.effects.push(Effect::Reply(reply, done));
            }
        }
    }

    /// Executes a command that has its reply at once; an error is the reason, in words.
    fn execute(&mut self, command: Command, now: Instant) -> Result<Reply, String> {
        let event = match command {
            Command::Toggle if !self.queue.is_paused() => Event::Pause,
            Command::Pause => Event::Pause,
            Command::Resume | Command::Toggle => Event::Resume,
            Command::Skip => Event::Skip,
            Command::Live => return Ok(self.go_live(now)),
            Command::Repeat { n } => Event::Repeat(n_lines(n)?),
            Command::Back => Event::Back,
            Command::Highlight => Event::Highlight,
            Command::More if !self.queue.has_more() => {
                return Err("no line was only counted".to_owned());
            }
            Command::More => Event::More,
            Command::Rate { wpm } => self.rate(wpm.checked("rate")?),
            Command::Faster => self.rate(self.queue.base_rate().scaled(11, 10)),
            Command::Slower => self.rate(self.queue.base_rate().scaled(10, 11)),
            Command::Volume { percent } => return self.set_volume(percent),
            Command::Mute { who } => return self.mute(who),
            Command::Unmute { who } if self.mutes.remove(&who) => return Ok(Reply::Done),
            Command::Unmute { .. } => return Err("that was not muted".to_owned()),
            Command::Alias { nick, name } => return self.alias(nick, name),
            Command::Where => return Ok(self.whereabouts(now)),
            Command::Missed(it) => return self.lines(it.n, is_missed),
            Command::Why(it) => return self.lines(it.n, |_| true),
            Command::Voices { own } => return Ok(self.switch_voices(own)),
            // Served above.
            Command::Say { .. } | Command::Status { .. } | Command::Reload | Command::Quit => {
                return Ok(Reply::Done);
            }
        };
        self.queue(event, now);
        Ok(Reply::Done)
    }

    /// Skips everything that is queued, and replies with the number of lines.
    fn go_live(&mut self, now: Instant) -> Reply {
        let lines = self.queue_and_count(Event::Live, now);
        if lines > 0 && self.earcons.skipped {
            self.effects.push(Effect::Earcon(Earcon::Skipped));
        }
        self.transcribe(|_| TranscriptEvent::News(skipped(lines)));
        Reply::Skipped { lines }
    }

    /// Sets the base rate, as far as the range allows.
    fn rate(&mut self, wpm: Wpm) -> Event {
        let wpm = wpm.clamped();
        self.voice_spec.rate = wpm;
        Event::Rate(wpm)
    }

    fn mute(&mut self, who: Who) -> Result<Reply, String> {
        if !who.is_named() {
            return Err("mute takes a nick or a channel, such as kim or #rust".to_owned());
        }
        self.mutes.add(who);
        Ok(Reply::Done)
    }

    fn set_volume(&mut self, percent: u8) -> Result<Reply, String> {
        if percent > LOUDEST {
            return Err(format!("volume is {percent}; it takes 0 to {LOUDEST} per cent"));
        }
        self.voice_spec.volume = percent;
        Ok(Reply::Done)
    }

    fn switch_voices(&mut self, own: Switch) -> Reply {
        let is_on = match own {
            Switch::On => true,
            Switch::Off => false,
            Switch::Toggle => !self.speakers.own_voices(),
        };
        self.speakers.set_own_voices(is_on);
        Reply::Done
    }

    fn lines(&self, n: u32, wanted: impl Fn(&Fate) -> bool) -> Result<Reply, String> {
        let lines = self.journal.last(n_lines(n)?, wanted).into_iter().map(entry).collect();
        Ok(Reply::Lines { lines })
    }

    /// The status.
    pub(crate) fn snapshot(&self, now: Instant) -> Snapshot {
        let (lines, fates) = self.journal.counts();
        let current = self.queue.current();
        let rate = self.queue.base_rate();
        Snapshot {
            paused: self.queue.is_paused(),
            rate,
            rate_now: current.map_or(rate, |(_, rate)| rate),
            volume: self.voice_spec.volume,
            waiting: self.queue.n_waiting(),
            lag_s: (self.queue.lag(now).as_secs_f64() * 10.0).round() / 10.0,
            current: current.map(|(utterance, _)| self.current(utterance)),
            lines,
            fates: fates.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(),
            muted: self.mutes.names(),
            voices: self.speakers.own_voices(),
            sink: None,
            configuration: None,
        }
    }

    /// The transcript's event for an utterance that is given to the voice.
    pub(super) fn given(&self, utterance: &Utterance) -> TranscriptEvent {
        let highlight = utterance.message.as_ref().is_some_and(|it| it.highlight);
        TranscriptEvent::Given { id: utterance.id.0, entry: self.current(utterance), highlight }
    }

    fn current(&self, utterance: &Utterance) -> Entry {
        let message = utterance.message.as_ref();
        let own = |part: Option<&str>| part.map(str::to_owned);
        Entry {
            line: utterance.line.number,
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

/// Whether a line with that outcome was not heard.
fn is_missed(fate: &Fate) -> bool {
    match fate {
        Fate::Spoken { .. } | Fate::Merged { is_counted: false, .. } => false,
        Fate::Dropped { .. }
        | Fate::Merged { is_counted: true, .. }
        | Fate::Expired { .. }
        | Fate::Skipped
        | Fate::Failed { .. } => true,
    }
}

/// Checks that `n` lines fit in a reply.
fn n_lines(n: u32) -> Result<usize, String> {
    match n {
        1..=MOST_LINES => Ok(n as usize),
        n => Err(format!("n is {n}; it takes 1 to {MOST_LINES}")),
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
