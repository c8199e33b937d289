//! What happens to each line, and what the user's commands do: a pure state machine (events and the
//! time in, effects out). It owns the pipeline, the queue, the mutes, the speakers' voices and the
//! journal. The [`driver`](crate::driver) waits for events and carries out the effects; speech,
//! `--text` and `--text --events` differ only in what becomes of the spoken text ([`Sink`]).
//!
//! A source waits only until its earlier reads are processed. One with more lines queued than the
//! queue has room left waits for speech.
#![forbid(unsafe_code)]

mod aliases;
mod commands;
mod input;
mod meeting;
mod mutes;
mod reload;
mod shares;
mod sources;
mod speech;
mod steps;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use self::aliases::Aliases;
use self::meeting::Watched;
use self::mutes::Mutes;
use self::reload::Reloading;
use self::shares::Shares;
use self::sources::RunningSources;
use self::steps::Steps;
use crate::config::earcons::Earcons;
use crate::config::languages::LanguageVoices;
use crate::config::settings::{Settings, Sink};
use crate::config::voices::Checks;
use crate::config::watcher::ConfigWatcher;
use crate::control::{Reply, Request, Snapshot, TranscriptEvent};
use crate::diagnostics::ConfigError;
use crate::error::Error;
use crate::journal::Journal;
use crate::language::Language;
use crate::message::{Earcon, FilePosition, RequestId, SourceId};
use crate::phrase::{Chain, Phrasing};
use crate::pipeline::Pipeline;
use crate::queue::{self, CatchUp, Phrases, Queue};
use crate::source::room::Room;
use crate::source::{Ack, Input};
use crate::speaker::Speakers;
use crate::voice::VoiceEvent;
use crate::wire::SpeakRequest;

/// Where the reply to a command goes.
pub(crate) type ReplySender = oneshot::Sender<Reply>;

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A source sent this.
    Input(Input),
    /// No source can send any more.
    SourcesGone,
    /// The voice reported this.
    Voice(VoiceEvent),
    /// The voice has ended without a report.
    VoiceGone,
    /// A command came.
    Command(Request),
    /// A file of the configuration was saved, or SIGHUP asked to read it again.
    Saved,
    /// The configuration was read again, for [`Effect::Reload`].
    Loaded(Result<Box<Settings>, ConfigError>),
    /// Its names were checked, for [`Effect::Check`].
    Checked(Result<(), ConfigError>),
    /// The time returned by [`Listener::deadline`] has come.
    Tick,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM, or the terminal is gone.
    Terminated,
    /// Standard output cannot be written to.
    OutputFailed(std::io::Error),
    /// The program ends: what is open is skipped, and so is what the sources still send.
    Ending,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Give this to the voice.
    Speak(SpeakRequest),
    /// Ask the voice how long this sounds.
    Measure(RequestId, SpeakRequest),
    /// Let the voice play an earcon.
    Earcon(Earcon),
    /// Silence the voice.
    Silence,
    /// Let the voice end once everything is spoken.
    Finish,
    /// Print these lines, or events, and wait until they are printed.
    Print(Vec<u8>),
    /// Print these events, one JSON object a line.
    Emit(Vec<u8>),
    /// Show this in the transcript.
    Transcribe(TranscriptEvent),
    /// Print a notice: in the transcript, or on standard error.
    Notify(String),
    /// So many reads of the source were processed: it may send as many more.
    GiveBack(SourceId, usize),
    /// A source was opened, with this room.
    Open(Room),
    /// Acknowledge the lines of this source through this.
    KeepAck(SourceId, Ack),
    /// All lines of the source up to the one that ends here have ended.
    Acknowledge(SourceId, FilePosition),
    /// Read the configuration again; [`Event::Loaded`] follows.
    Reload,
    /// Check these names; [`Event::Checked`] follows. An earlier check is over.
    Check(Checks),
    /// Watch the files of the new configuration.
    Watch(ConfigWatcher),
    /// Reply to a command.
    Reply(ReplySender, Reply),
    /// Add the sound server's state to the status, and reply with it.
    ReplyStatus(ReplySender, Box<Snapshot>),
    /// Send a message over IRC, and reply once it was written.
    Send {
        /// The channel or nick.
        target: String,
        /// The text.
        text: String,
        /// Where the reply goes.
        reply: ReplySender,
    },
    /// End the program.
    End {
        /// The result, for the exit code.
        result: Result<(), Error>,
        /// The user quit, or a signal came: the end does not wait long for a slow reader of events.
        is_cut_short: bool,
    },
}

/// The listener.
pub(crate) struct Listener {
    pipeline: Pipeline,
    /// The sources' names, by their numbers.
    names: Vec<String>,
    sources: RunningSources,
    queue: Queue,
    journal: Journal,
    sink: Sink,
    /// How each text becomes spoken text, where that is printed.
    steps: Option<Steps>,
    voice_spec: SpeakRequest,
    mutes: Mutes,
    aliases: Aliases,
    /// What has the words of announcements, and the language of the voice.
    wording: (Arc<Chain>, Language),
    watched: Watched,
    /// The senders' voices.
    speakers: Speakers,
    /// The voices of languages.
    languages: LanguageVoices,
    /// Which earcons are played.
    earcons: Earcons,
    /// How many lines of each source may be queued.
    shares: Shares,
    /// Identifies this configuration and its sources.
    configuration: Option<String>,
    /// The names that were checked last.
    checks: Checks,
    reloading: Reloading,
    /// Somebody reads the transcript.
    is_shown: bool,
    /// The voice ends once everything is spoken.
    is_finishing: bool,
    /// The last source's failure, which is the result once everything is spoken.
    failed: Result<(), Error>,
    /// The program ends.
    is_ending: bool,
    /// What is to be done, until it is returned.
    effects: Vec<Effect>,
}

impl Listener {
    /// A listener with these settings, for their sources.
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        let names = settings.names();
        let queue = queue_for(&settings, now);
        let wording = (Arc::clone(&settings.phrasing.chain), settings.phrasing.language);
        let aliases = Aliases::new(settings.phrasing.aliases.clone());
        let format = settings.format.as_deref();
        Self {
            pipeline: Pipeline::new(
                names.clone(),
                &settings.grammars,
                format,
                settings.filter,
                settings.phrasing,
            ),
            sources: RunningSources::new(names.len()),
            shares: Shares::new(names.len()),
            names,
            queue,
            journal: Journal::new(settings.has_events),
            sink: settings.sink,
            steps: settings.has_steps.then(Steps::default),
            voice_spec: settings.voice_spec,
            mutes: Mutes::default(),
            aliases,
            wording,
            watched: Watched::new(crate::config::sources::nicks(&settings.sources)),
            speakers: Speakers::new(settings.speakers),
            languages: settings.languages,
            earcons: settings.earcons,
            configuration: settings.configuration,
            checks: settings.checks,
            reloading: Reloading::default(),
            is_shown: false,
            is_finishing: false,
            failed: Ok(()),
            is_ending: false,
            effects: Vec::new(),
        }
    }

    /// From now on somebody reads the transcript, on a terminal whose keys are read.
    pub(crate) fn show_transcript(&mut self) {
        self.is_shown = true;
        self.queue.set_catch_up(CatchUp::Key);
    }

    /// Handles an event; returns what to do, in order.
    pub(crate) fn handle(&mut self, event: Event, now: Instant) -> Vec<Effect> {
        match event {
            Event::Input(input) => self.input(input, now),
            Event::SourcesGone => self.sources.all_gone(),
            Event::Voice(report) => self.report(report, now),
            Event::VoiceGone => {
                let why = "the voice ended without a reason".to_owned();
                self.end(Err(Error::Voice { why, configuration: false }), false);
            }
            Event::Command(request) => self.serve(request, now),
            Event::Saved => self.effects.push(Effect::Reload),
            Event::Loaded(settings) => self.loaded(settings),
            Event::Checked(checked) => self.checked(checked),
            Event::Tick => self.queue(queue::Event::Tick, now),
            Event::Interrupted => self.end(Err(Error::Interrupted), true),
            Event::Terminated => self.end(Ok(()), true),
            Event::OutputFailed(error) => self.end(Err(Error::stdout(error)), false),
            Event::Ending => {
                self.is_ending = true;
                self.journal.finish(now);
            }
        }
        if !self.is_ending && self.sources.is_empty() {
            self.finish();
        }
        if let Some(events) = self.journal.take_events() {
            // Speech does not wait for who reads its events.
            let is_speech = self.sink == Sink::Speech;
            self.effects.push(if is_speech { Effect::Emit(events) } else { Effect::Print(events) });
        }
        let acknowledged = self.journal.take_acknowledged();
        self.effects.extend(acknowledged.map(|(source, end)| Effect::Acknowledge(source, end)));
        std::mem::take(&mut self.effects)
    }

    /// When to send [`Event::Tick`], if no event comes before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.queue.deadline()
    }

    /// Whether all sources have ended.
    pub(crate) fn has_no_source(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether nothing is queued.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// All sources have ended: so does the program, when everything is spoken.
    fn finish(&mut self) {
        match self.sink {
            Sink::Speech if self.queue.is_empty() && !self.is_finishing => {
                self.is_finishing = true;
                self.effects.push(Effect::Finish);
            }
            Sink::Speech => {}
            Sink::Text | Sink::Events => {
                let result = self.result();
                self.end(result, false);
            }
        }
    }

    /// The result when all sources have ended.
    fn result(&mut self) -> Result<(), Error> {
        std::mem::replace(&mut self.failed, Ok(())).and(self.sources.result())
    }

    fn end(&mut self, result: Result<(), Error>, is_cut_short: bool) {
        self.effects.push(Effect::End { result, is_cut_short });
    }

    fn transcribe(&mut self, event: impl FnOnce(&Self) -> TranscriptEvent) {
        if self.is_shown {
            let event = event(self);
            self.effects.push(Effect::Transcribe(event));
        }
    }

    fn notify(&mut self, text: String) {
        self.effects.push(Effect::Notify(text));
    }
}

/// An empty queue, whose lines have deadlines where speech is live.
fn queue_for(settings: &Settings, now: Instant) -> Queue {
    let queue = Queue::new(settings.lag_target, phrases(&settings.phrasing));
    let mut queue = queue.with_voice(&settings.voice_spec.voice);
    if !settings.is_live() {
        queue.handle(queue::Event::NotLive, now);
    }
    queue
}

/// What the queue says about lines, in the language of each voice.
fn phrases(phrasing: &Phrasing) -> Phrases {
    let languages = std::iter::once(phrasing.language).chain(phrasing.voices.iter().copied());
    let chain = Arc::clone(&phrasing.chain);
    Phrases::of(languages, move |name, language| chain.phrase(name, language).to_owned())
}

#[cfg(test)]
mod tests;
