//! From a source's lines to spoken text: format, filter and phrase, line by line, in one pass and
//! without waiting.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::RangeInclusive;
use std::sync::{Arc, mpsc};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use crate::filter::{Effect, Expires, Filter, Verdict};
use crate::format::{Grammars, Reader, tidy};
use crate::message::{Kind, Line, LinePosition, Message, SourceId};
use crate::phrase::{Chain, Phrased, Phraser, Phrasing, Prepared, Preparer};
use crate::source::Input;
use crate::source::lines::Lines;

/// The rule reported for a line with nothing that can be spoken.
const NOTHING_TO_SAY: &str = "nothing to say";

/// This many bytes in one read are a backlog, not a conversation: two threads parse them, of which
/// one also phrases what both have parsed. For less, the other one is not worth waking.
const BACKLOG: usize = 32 * 1024;

/// How much of a backlog the thread reads that also phrases all, in sixteenths.
const SHARES: RangeInclusive<usize> = 4..=10;

/// How many lines one thread passes to the other at once.
const CHUNK: usize = 128;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome<'a> {
    /// Its spoken text, how that is made up, and when it expires.
    Words(&'a str, Phrased, Option<Expires<'a>>),
    /// This rule dropped it.
    Dropped(&'a str),
}

/// A line as it was read, and its outcome.
#[derive(Debug)]
pub(crate) struct Explained<'a> {
    /// Its number in the source, from 1.
    pub number: u64,
    /// The grammar that it was read by.
    pub format: &'a str,
    /// Its parts, before any rule changed them.
    pub message: Message<'a>,
    /// The rules that applied to it, by their number in the filter, in order.
    pub effects: &'a [(usize, Effect)],
    /// Whether it is spoken.
    pub outcome: Outcome<'a>,
}

/// A source: its name, its format, its lines so far.
struct SourceState {
    name: String,
    /// The channel in a log's name, for lines without one.
    channel: Option<String>,
    reader: Reader,
    n_lines: u64,
}

/// Turns lines into spoken text.
pub(crate) struct Pipeline {
    filter: Filter,
    phraser: Phraser,
    sources: Vec<SourceState>,
    /// How a source is read at first.
    reader: Reader,
    words: String,
    effects: Vec<(usize, Effect)>,
    /// How much of a backlog this thread reads, in sixteenths.
    share: usize,
    /// What helps with backlogs, started with the first one; none where there can be no thread.
    helper: OnceCell<Option<Helper>>,
}

/// A second thread for backlogs. A new one for each read often shared a core with the first, since the
/// next read was under way on the other core when it began: a million lines took a third longer on two
/// cores.
struct Helper {
    thread: ThreadPool,
    /// The same rules, whose expressions have a memory of their own: that of one expression is handed
    /// out under a lock to every thread but the first.
    filter: Filter,
}

impl Helper {
    fn new(filter: Filter) -> Option<Self> {
        let thread = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "helper".to_owned());
        Some(Self { thread: thread.build().ok()?, filter })
    }
}

impl Pipeline {
    /// A pipeline for the sources `names`, in the order of their ids.
    pub(crate) fn new(
        names: impl IntoIterator<Item = String>,
        grammars: &Arc<Grammars>,
        format: Option<&str>,
        filter: Filter,
        phrasing: Phrasing,
    ) -> Self {
        let known = format.and_then(|name| Reader::named(Arc::clone(grammars), name).ok());
        let mut pipeline = Self {
            filter,
            phraser: Phraser::new(phrasing),
            sources: Vec::new(),
            reader: known.unwrap_or_else(|| Reader::recognising(Arc::clone(grammars))),
            words: String::new(),
            effects: Vec::new(),
            share: *SHARES.start(),
            helper: OnceCell::new(),
        };
        names.into_iter().for_each(|name| pipeline.open(name));
        pipeline
    }

    /// Adds a source called `name`; its id is the next one.
    pub(crate) fn open(&mut self, name: String) {
        let channel = channel_of(&name).map(str::to_owned);
        self.sources.push(SourceState { name, channel, reader: self.reader.clone(), n_lines: 0 });
    }

    /// Changes the rules and the phrasing, from the next line on.
    pub(crate) fn configure(&mut self, filter: Filter, phrasing: Phrasing) {
        self.filter = filter;
        self.helper.take();
        self.phraser = Phraser::new(phrasing);
    }

    /// Changes what the user calls people, from the next line on.
    pub(crate) fn set_aliases(&mut self, aliases: Vec<(String, String)>) {
        self.phraser.set_aliases(aliases);
    }

    /// The format of a source, as far as it was recognised, and how sure that is: the share of the
    /// lines that it describes, from 0 to 1.
    pub(crate) fn recognised(&self, source: SourceId) -> (&str, f32) {
        let reader = &self.sources[usize::from(source.0)].reader;
        (reader.format(), reader.sureness())
    }

    /// Takes lines that serve only to recognise the format.
    pub(crate) fn sample(&mut self, lines: &Lines) {
        self.sources[usize::from(lines.source().0)].reader.sample(lines);
    }

    /// Processes the lines, or the message, that a source sent; anything else is nothing to speak.
    pub(crate) fn input(
        &mut self,
        input: Input,
        take: impl FnMut(Message<'_>, LinePosition, Outcome<'_>),
    ) {
        match input {
            Input::Lines(lines) => self.lines(&lines, take),
            Input::Message(message) => self.message(message, take),
            Input::Sample(_)
            | Input::Notice(..)
            | Input::Opened(..)
            | Input::Resumable(..)
            | Input::Ended(..) => {}
        }
    }

    /// Processes `lines`: passes each to `take`, with its number in the source.
    pub(crate) fn lines(
        &mut self,
        lines: &Lines,
        mut take: impl FnMut(Message<'_>, LinePosition, Outcome<'_>),
    ) {
        let source = &mut self.sources[usize::from(lines.source().0)];
        let (filter, phraser, words) = (&self.filter, &mut self.phraser, &mut self.words);
        let origin = Origin { name: &source.name, channel: source.channel.as_deref() };
        let mut places = 0..;
        let preparer = phraser.preparer();
        let process = |(verdict, prepared)| {
            source.n_lines += 1;
            let end = places.next().and_then(|at| lines.end(at));
            let line = LinePosition { number: source.n_lines, end };
            emit(phraser, words, verdict, prepared, line, &mut take);
        };
        let is_backlog = lines.n_bytes() >= BACKLOG && source.reader.is_sure();
        let judging = Judging { reader: &mut source.reader, filter, origin };
        let helper = || self.helper.get_or_init(|| Helper::new(filter.clone())).as_ref();
        let helper = is_backlog.then(helper);
        match helper.flatten() {
            Some(helper) => {
                in_two_threads(helper, judging, lines, &preparer, &mut self.share, process);
            }
            None => judging.judged(lines.iter()).map(|it| (it, None)).for_each(process),
        }
    }

    /// Processes `line`, and passes everything known of it to `take`.
    pub(crate) fn explain<R>(
        &mut self,
        line: Line<'_>,
        take: impl FnOnce(Explained<'_>) -> R,
    ) -> R {
        self.effects.clear();
        let report = |number, effect| self.effects.push((number, effect));
        let source = &mut self.sources[usize::from(line.source.0)];
        source.n_lines += 1;
        let blank = is_blank(&line);
        let origin = Origin { name: &source.name, channel: source.channel.as_deref() };
        let message = origin.place(source.reader.read(line));
        let verdict = if blank {
            Verdict::Drop { message: message.clone(), rule: NOTHING_TO_SAY }
        } else {
            self.filter.judge_and_report(message.clone(), &source.name, report)
        };
        let outcome = match &verdict {
            Verdict::Drop { rule, .. } => Outcome::Dropped(rule),
            Verdict::Keep(message, expires) => {
                words_for(message, None, *expires, &mut self.phraser, &mut self.words)
            }
        };
        let format = source.reader.line_format();
        let effects = &self.effects;
        take(Explained { number: source.n_lines, format, message, effects, outcome })
    }

    /// The steps that texts go through.
    pub(crate) fn chain(&self) -> Arc<Chain> {
        self.phraser.chain()
    }

    /// Processes a message whose parts are known.
    pub(crate) fn message(
        &mut self,
        message: Message<'_>,
        mut take: impl FnMut(Message<'_>, LinePosition, Outcome<'_>),
    ) {
        let source = &mut self.sources[usize::from(message.source.0)];
        source.n_lines += 1;
        let verdict = self.filter.judge(tidy(message), &source.name);
        let line = LinePosition { number: source.n_lines, end: None };
        emit(&mut self.phraser, &mut self.words, verdict, None, line, &mut take);
    }
}

/// Where a line comes from.
#[derive(Clone, Copy)]
struct Origin<'a> {
    name: &'a str,
    channel: Option<&'a str>,
}

impl<'a> Origin<'a> {
    /// Adds the channel to a recognised message without one.
    fn place(self, mut message: Message<'a>) -> Message<'a> {
        if message.channel.is_none() && message.kind != Kind::Plain {
            message.channel = self.channel.map(Cow::Borrowed);
        }
        message
    }
}

/// The channel in a log's name: `#rust` in `logs/#rust.log`, `libera_#rust_20261124.log` and
/// `#rust/2026-11-24.log`.
fn channel_of(name: &str) -> Option<&str> {
    let begins = |at: &usize, part: &str| *at == 0 || part[..*at].ends_with(['.', '_', '-']);
    let mut parts = name.rsplit('/').filter(|part| part.contains('#'));
    let (part, start) = parts.find_map(|part| {
        let start = part.match_indices('#').map(|(at, _)| at).find(|at| begins(at, part));
        Some((part, start?))
    })?;
    let channel = &part[start..];
    let endings = [".log", ".txt", ".weechatlog", ".html", ".json"];
    let channel = endings.iter().find_map(|it| channel.strip_suffix(it)).unwrap_or(channel);
    // A date, with the separator before it.
    let is_date = |at: &usize| {
        let digits = channel[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        matches!(digits, 4 | 6 | 8)
    };
    let date = channel.match_indices(['.', '_', '-']).map(|(at, _)| at).find(is_date);
    Some(&channel[..date.unwrap_or(channel.len())]).filter(|it| it.len() > 1)
}

fn is_blank(line: &Line<'_>) -> bool {
    line.text.trim_ascii().is_empty()
}

/// Applies the rules to a line.
fn judge<'r, 'm>(
    reader: &mut Reader,
    filter: &'r Filter,
    origin: Origin<'m>,
    line: Line<'m>,
) -> Verdict<'r, 'm> {
    if is_blank(&line) {
        let message = Message::plain(line.source, "", line.received);
        return Verdict::Drop { message, rule: NOTHING_TO_SAY };
    }
    filter.judge(origin.place(reader.read(line)), origin.name)
}

/// What reads and judges the lines of a source.
struct Judging<'r, 'a, 'm> {
    reader: &'r mut Reader,
    filter: &'a Filter,
    origin: Origin<'m>,
}

impl<'a, 'm> Judging<'_, 'a, 'm> {
    fn judged(
        self,
        lines: impl Iterator<Item = Line<'m>>,
    ) -> impl Iterator<Item = Verdict<'a, 'm>> {
        lines.map(move |line| judge(self.reader, self.filter, self.origin, line))
    }
}

/// Judges `lines` by this thread and the `helper`, which also prepares its part; `process` gets all, in
/// order, in this thread. Sets this thread's `share` of the next backlog.
fn in_two_threads<'a, 'm>(
    helper: &'a Helper,
    judging: Judging<'_, 'a, 'm>,
    lines: &'m Lines,
    preparer: &Preparer,
    share: &mut usize,
    mut process: impl FnMut((Verdict<'a, 'm>, Option<Prepared>)),
) {
    let [first, second] = lines.parts(*share);
    let (filter, origin) = (&helper.filter, judging.origin);
    let mut other_reader = judging.reader.clone();
    let (sender, receiver) = mpsc::channel();
    helper.thread.in_place_scope(|scope| {
        scope.spawn(move |_| {
            let other = Judging { reader: &mut other_reader, filter, origin };
            let verdicts = other.judged(second);
            send_chunks(verdicts.map(|it| with_prepared(it, preparer)), &sender);
        });
        judging.judged(first).map(|it| (it, None)).for_each(&mut process);
        *share = adjusted(*share, drain(&receiver, &mut process));
    });
}

/// A verdict, and what is said for the text of the message.
fn with_prepared<'r, 'm>(
    verdict: Verdict<'r, 'm>,
    preparer: &Preparer,
) -> (Verdict<'r, 'm>, Option<Prepared>) {
    let text = match &verdict {
        Verdict::Keep(message, _) => preparer.prepare(message),
        Verdict::Drop { .. } => None,
    };
    (verdict, text)
}

/// Processes all that comes from another thread; whether it was waited for at the end.
fn drain<T>(receiver: &mpsc::Receiver<Vec<T>>, mut process: impl FnMut(T)) -> bool {
    let mut was_late = false;
    loop {
        let next = receiver.try_recv();
        let is_late = matches!(next, Err(mpsc::TryRecvError::Empty));
        let Ok(verdicts) = next.or_else(|_| receiver.recv()) else { return was_late };
        was_late = is_late;
        verdicts.into_iter().for_each(&mut process);
    }
}

/// This thread's share of the next backlog: more where it waited for the other one.
fn adjusted(share: usize, was_late: bool) -> usize {
    let next = if was_late { share + 1 } else { share - 1 };
    next.clamp(*SHARES.start(), *SHARES.end())
}

/// Sends verdicts, many at once.
fn send_chunks<T>(verdicts: impl Iterator<Item = T>, to: &mpsc::Sender<Vec<T>>) {
    let mut chunk = Vec::with_capacity(CHUNK);
    for verdict in verdicts {
        chunk.push(verdict);
        if chunk.len() == CHUNK {
            // The receiver ends first only where it panics.
            let _ = to.send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)));
        }
    }
    let _ = to.send(chunk);
}

/// Passes `take` the words for a message, or the rule that dropped it.
fn emit(
    phraser: &mut Phraser,
    words: &mut String,
    verdict: Verdict<'_, '_>,
    prepared: Option<Prepared>,
    line: LinePosition,
    take: &mut impl FnMut(Message<'_>, LinePosition, Outcome<'_>),
) {
    match verdict {
        Verdict::Drop { message, rule } => take(message, line, Outcome::Dropped(rule)),
        Verdict::Keep(message, expires) => {
            let outcome = words_for(&message, prepared, expires, phraser, words);
            take(message, line, outcome);
        }
    }
}

/// The words for a message that is kept, if anything in it can be spoken.
fn words_for<'a>(
    message: &Message<'_>,
    prepared: Option<Prepared>,
    expires: Option<Expires<'a>>,
    phraser: &mut Phraser,
    words: &'a mut String,
) -> Outcome<'a> {
    words.clear();
    match phraser.phrase_prepared(message, prepared, words) {
        Some(made) => Outcome::Words(words, made, expires),
        None => Outcome::Dropped(NOTHING_TO_SAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_found_in_a_logs_name() {
        for (name, channel) in [
            ("irclogs/libera/#rust.log", Some("#rust")),
            ("##c++.log", Some("##c++")),
            ("#node.js.log", Some("#node.js")),
            ("irc.libera.#rust-de.weechatlog", Some("#rust-de")),
            ("user_libera_#rust_20261124.log", Some("#rust")),
            ("log/#rust/2026-11-24.log", Some("#rust")),
            ("#rust.2026-11-24.log", Some("#rust")),
            ("#area-51", Some("#area-51")),
            ("sic.out", None),
            ("kim.log", None),
            ("c#/notes", None),
            ("#.log", None),
        ] {
            assert_eq!(channel_of(name), channel, "{name}");
        }
    }
}
