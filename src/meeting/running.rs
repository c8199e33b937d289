//! One meeting while it runs: what each line adds to its minutes.
//!
//! MeetBot's own rules hold: a meeting begins and ends by command; topics, decisions, votes and
//! corrections are the chairs', actions and notes anybody's. The W3C's have no beginning: lines for
//! the scribe are a meeting's once there are enough of them.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use super::mark::{Decision, Mark};
use super::minutes::{Entry, EntryKind, Minutes, Style, Vote};
use super::words::{action_parts, is_bot, list, mentions, owners, spaced};
use crate::format::time;
use crate::message::{Kind, Message};
use crate::names::same_name;

/// This long after the last line for the scribe, the next one is another meeting's.
const PAUSE_S: i64 = 3 * 3600;

/// How many lines a correction looks back, and how long they may be.
const RECENT: usize = 300;
const RECENT_LENGTH: usize = 2_000;

/// No meeting has more entries, votes or people. A meeting that nobody ends, or somebody who floods
/// one, does not fill the memory.
const MOST_ENTRIES: usize = 10_000;
const MOST_VOTES: usize = 1_000;
const MOST_PEOPLE: usize = 1_000;

/// A meeting that runs, or has just ended.
#[derive(Debug)]
pub(super) struct Meeting {
    pub(super) minutes: Minutes,
    pub(super) is_over: bool,
    /// Nobody was heard to begin it.
    pub(super) is_guessed: bool,
    /// The kinds of lines for the scribe so far, as bits.
    signs: u32,
    /// The bot, once it has said something.
    bot: Option<String>,
    /// Who said to be there.
    has_roll: bool,
    /// Everybody who spoke, and those named by `#nick`.
    people: Vec<String>,
    /// The number of the vote that is open, and whether it is one between answers.
    open_vote: Option<(usize, bool)>,
    /// The last lines, with the number of the entry that each is, for corrections.
    recent: VecDeque<(String, Option<usize>)>,
    /// When the last line of the minutes was written, in seconds; and whether that has a date.
    last: Option<(i64, bool)>,
}

impl Meeting {
    /// A meeting that begins with `message`.
    pub(super) fn new(style: Style, message: &Message<'_>) -> Self {
        let own = |part: Option<&str>| part.map(str::to_owned);
        Self {
            minutes: Minutes {
                style,
                title: None,
                channel: own(message.channel.as_deref()),
                began: own(message.stamp.as_deref()),
                ended: None,
                at: message.received,
                chairs: Vec::new(),
                scribes: Vec::new(),
                present: Vec::new(),
                regrets: Vec::new(),
                agenda: Vec::new(),
                entries: Vec::new(),
                votes: Vec::new(),
            },
            is_over: false,
            is_guessed: false,
            signs: 0,
            bot: None,
            has_roll: false,
            people: Vec::new(),
            open_vote: None,
            recent: VecDeque::new(),
            last: None,
        }
    }

    /// Whether it is a meeting, and not a chat with a line or two that look like it.
    pub(super) fn is_certain(&self) -> bool {
        let strong = (self.signs & STRONG).count_ones();
        self.minutes.style == Style::MeetBot
            || strong >= 1 && self.signs.count_ones() >= 2
            || self.signs.count_ones() >= 3
    }

    /// Whether `message`, a line for the scribe, comes too late to be this meeting's.
    pub(super) fn is_stale(&self, message: &Message<'_>) -> bool {
        match (self.last, seconds(message)) {
            (Some((last, true)), Some((now, true))) => now - last > PAUSE_S,
            (Some((last, _)), Some((now, _))) => {
                // Without a date; a line that is a little out of order is not a day later.
                let passed = (now - last).rem_euclid(86_400);
                passed > PAUSE_S && passed < 23 * 3600
            }
            _ => false,
        }
    }

    /// The minutes, with the rest filled in.
    pub(super) fn into_minutes(mut self) -> Minutes {
        if !self.has_roll {
            self.minutes.present.append(&mut self.people);
        }
        self.minutes
    }

    /// The minutes as they would be if it ended now.
    pub(super) fn so_far(&self) -> Minutes {
        let mut minutes = self.minutes.clone();
        if !self.has_roll {
            minutes.present.clone_from(&self.people);
        }
        minutes
    }

    /// Hears a line that has no mark: who speaks, and what a correction may be of.
    pub(super) fn hear(&mut self, message: &Message<'_>) {
        if !matches!(message.kind, Kind::Say | Kind::Action) || self.is_over {
            return;
        }
        let Some(sender) = message.sender.as_deref() else { return };
        if self.minutes.style == Style::MeetBot {
            if self.bot_speaks(sender, &message.text) {
                return;
            }
            if has_url_first(&message.text) {
                self.add(EntryKind::Link, &message.text, message);
            }
        } else {
            self.remember(&message.text, None);
        }
        self.speaks(sender);
    }

    fn speaks(&mut self, sender: &str) {
        let is_known = self.people.iter().any(|known| known == sender);
        if !is_known && self.people.len() < MOST_PEOPLE {
            self.people.push(sender.to_owned());
        }
    }

    /// Keeps the last lines, in buffers that are used again.
    fn remember(&mut self, text: &str, entry: Option<usize>) {
        if text.len() > RECENT_LENGTH {
            return;
        }
        let full = self.recent.len() >= RECENT;
        let mut kept = if full { self.recent.pop_front() } else { None }.unwrap_or_default().0;
        kept.clear();
        kept.push_str(text);
        self.recent.push_back((kept, entry));
    }

    fn dated(&mut self, message: &Message<'_>) {
        self.last = seconds(message).or(self.last);
        self.minutes.ended = message.stamp.as_deref().map(str::to_owned);
    }

    fn add(&mut self, kind: EntryKind, text: &str, message: &Message<'_>) {
        let text = text.trim();
        if text.is_empty() || self.minutes.entries.len() >= MOST_ENTRIES {
            return;
        }
        let who = if kind == EntryKind::Action { self.doers(text) } else { Vec::new() };
        if self.minutes.style == Style::W3c {
            self.remember(text, Some(self.minutes.entries.len()));
        }
        self.minutes.entries.push(Entry {
            kind,
            text: text.to_owned(),
            by: message.sender.as_deref().unwrap_or_default().to_owned(),
            stamp: message.stamp.as_deref().map(str::to_owned),
            at: message.received,
            who,
            filed: None,
        });
    }

    /// Who an action is for: the names in front of it, else all who take part and are named in it,
    /// as MeetBot has it.
    fn doers(&self, text: &str) -> Vec<String> {
        if let (Some(names), _) = action_parts(text) {
            return owners(names).map(str::to_owned).collect();
        }
        self.people.iter().filter(|nick| mentions(text, nick)).cloned().collect()
    }
}

// MeetBot.
impl Meeting {
    /// Begins a meeting by `#startmeeting`, or by what the bot says of one.
    pub(super) fn begin(&mut self, title: &str, message: &Message<'_>) {
        let sender = message.sender.as_deref().unwrap_or_default();
        self.dated(message);
        self.title(title);
        if message.text.starts_with(['#', '!', '[']) {
            add_name(&mut self.minutes.chairs, sender);
            self.speaks(sender);
        } else {
            self.bot_speaks(sender, &message.text);
        }
    }

    fn title(&mut self, title: &str) {
        if !title.is_empty() {
            self.minutes.title = Some(title.to_owned());
        }
    }

    fn is_chair(&self, nick: &str) -> bool {
        self.minutes.chairs.iter().any(|chair| same_name(chair, nick))
    }

    /// Carries out a command; true where it ends the meeting.
    pub(super) fn command(&mut self, mark: Mark<'_>, message: &Message<'_>) -> bool {
        let sender = message.sender.as_deref().unwrap_or_default();
        if self.bot.as_deref().is_some_and(|bot| same_name(bot, sender)) {
            self.bot_speaks(sender, &message.text);
            return false;
        }
        if self.is_over {
            return false;
        }
        self.dated(message);
        self.speaks(sender);
        match mark {
            Mark::Action(text) => self.add(EntryKind::Action, text, message),
            Mark::Note(note, text) => self.add(note.into(), text, message),
            Mark::Link(text) => self.add(EntryKind::Link, text, message),
            Mark::Nicks(names) => spaced(names).for_each(|nick| self.speaks(nick)),
            Mark::Ballot(choice) => self.cast(sender, choice),
            Mark::Vote(choice) if self.open_vote.is_some_and(|(_, answers)| answers) => {
                self.cast(sender, choice);
            }
            // Where no bot is heard, nobody checks who ends it.
            Mark::Ends if self.is_chair(sender) || self.bot.is_none() => return self.end(),
            mark if self.is_chair(sender) => self.chair_says(mark, message),
            _ => {}
        }
        false
    }

    fn chair_says(&mut self, mark: Mark<'_>, message: &Message<'_>) {
        match mark {
            Mark::Topic(text) => self.add(EntryKind::Topic, text, message),
            Mark::Subtopic(text) => self.add(EntryKind::Subtopic, text, message),
            Mark::Decides(decision, text) => self.add(decision.into(), text, message),
            Mark::Title(text) => self.title(text),
            Mark::Chairs(names) => {
                for nick in spaced(names) {
                    add_name(&mut self.minutes.chairs, nick);
                    self.speaks(nick);
                }
            }
            Mark::Unchairs(names) => {
                // Who began it stays.
                let founder = self.minutes.chairs.first().cloned();
                let goes = |nick: &String| spaced(names).any(|name| same_name(name, nick));
                self.minutes.chairs.retain(|nick| Some(nick) == founder.as_ref() || !goes(nick));
            }
            Mark::Undo => drop(self.minutes.entries.pop()),
            Mark::Vote(question) => self.open_vote(question, false),
            Mark::StartVote(question) => self.open_vote(question, true),
            Mark::EndVote => self.open_vote = None,
            _ => {}
        }
    }

    fn open_vote(&mut self, question: &str, has_answers: bool) {
        if self.open_vote.is_some() || self.minutes.votes.len() >= MOST_VOTES {
            return;
        }
        self.open_vote = Some((self.minutes.votes.len(), has_answers));
        self.minutes.votes.push(Vote { question: question.to_owned(), ..Vote::default() });
    }

    fn cast(&mut self, voter: &str, choice: &str) {
        if let Some((vote, _)) = self.open_vote {
            self.minutes.votes[vote].cast(voter, choice);
        }
    }

    /// Ends it; true where it had not ended before.
    pub(super) fn end(&mut self) -> bool {
        self.open_vote = None;
        !std::mem::replace(&mut self.is_over, true)
    }

    /// What the bot says of the meeting; true where it is the bot's.
    pub(super) fn bot_speaks(&mut self, sender: &str, text: &str) -> bool {
        if let Some(chair) = begun(text) {
            self.bot.get_or_insert_with(|| sender.to_owned());
            add_name(&mut self.minutes.chairs, chair);
        }
        if !self.bot.as_deref().is_some_and(|bot| same_name(bot, sender)) {
            return false;
        }
        if text.starts_with("Meeting ended ") || text.starts_with("Meeting finished ") {
            self.end();
        } else if let Some(names) = text.strip_prefix("Current chairs: ") {
            for nick in spaced(names) {
                add_name(&mut self.minutes.chairs, nick);
            }
        } else if let Some(name) = text.strip_prefix("Meeting name set to: ") {
            self.title(name);
        } else if let Some(last) = self.minutes.votes.last_mut() {
            last.counted = counted(text).or(last.counted);
            if let Some(outcome) = text.strip_prefix("Motion ") {
                last.outcome = Some(outcome.trim().to_owned());
            }
        }
        true
    }
}

// The W3C.
impl Meeting {
    /// Hears a line for the scribe; true where it ends the meeting.
    pub(super) fn scribe(&mut self, mark: Mark<'_>, message: &Message<'_>) -> bool {
        let sender = message.sender.as_deref().unwrap_or_default();
        self.signs |= sign(&mark);
        if !matches!(mark, Mark::Ballot(_)) {
            self.dated(message);
        }
        match mark {
            Mark::Topic(text) => self.topic(text, message),
            Mark::Subtopic(text) => self.add(EntryKind::Subtopic, text, message),
            Mark::Action(text) => self.add(EntryKind::Action, text, message),
            Mark::Filed { id, who, due } => self.filed(id, who, due),
            Mark::Decides(decision, text) => self.resolved(decision, text, message),
            Mark::Proposal(text) => {
                self.open_vote = None;
                self.open_vote(text, false);
                self.remember(text, None);
            }
            Mark::Ballot(choice) => self.cast(sender, choice),
            Mark::Title(text) => self.title(text),
            Mark::Agenda(text) => add_name(&mut self.minutes.agenda, text),
            Mark::Corrects { old, new, everywhere } => self.correct(old, new, everywhere),
            Mark::Ends => return self.is_certain() && self.end(),
            mark => self.people_of(mark, sender),
        }
        false
    }

    /// Who is there, and as what.
    fn people_of(&mut self, mark: Mark<'_>, sender: &str) {
        let minutes = &mut self.minutes;
        let (to, names) = match mark {
            Mark::Present(names) => {
                self.has_roll = true;
                (&mut minutes.present, names)
            }
            Mark::Regrets(names) => (&mut minutes.regrets, names),
            Mark::Chairs(names) => (&mut minutes.chairs, Some(names)),
            Mark::Scribes(names) => (&mut minutes.scribes, names),
            Mark::Absent(names) => {
                let names = names.unwrap_or(sender);
                minutes.present.retain(|nick| !list(names).any(|name| same_name(name, nick)));
                return;
            }
            _ => return,
        };
        list(names.unwrap_or(sender)).for_each(|name| add_name(to, name));
    }

    /// A new topic. Zakim announces the agenda's, which a scribe may repeat.
    fn topic(&mut self, text: &str, message: &Message<'_>) {
        self.open_vote = None;
        let same = |last: &Entry| last.text.eq_ignore_ascii_case(text.trim());
        let is_repeated = self.minutes.of(EntryKind::is_topic).last().is_some_and(|last| {
            same(last) && (is_zakim(&last.by) || message.sender.as_deref().is_some_and(is_zakim))
        });
        if !is_repeated {
            self.add(EntryKind::Topic, text, message);
        }
    }

    fn resolved(&mut self, decision: Decision, text: &str, message: &Message<'_>) {
        if let Some((vote, _)) = self.open_vote.take() {
            self.minutes.votes[vote].outcome = Some("resolved".to_owned());
        }
        self.add(decision.into(), text, message);
    }

    /// A tracker has filed the last action.
    fn filed(&mut self, id: &str, who: &str, due: &str) {
        let mut entries = self.minutes.entries.iter_mut().rev();
        let Some(action) = entries.find(|entry| entry.kind == EntryKind::Action) else { return };
        action.filed = Some((id.to_owned(), due.to_owned()));
        if action.who.is_empty() {
            action.who.push(who.to_owned());
        }
    }

    /// Corrects the last line that has `old`, or all of them.
    fn correct(&mut self, old: &str, new: &str, everywhere: bool) {
        for (line, entry) in self.recent.iter_mut().rev() {
            if !line.contains(old) {
                continue;
            }
            *line = if everywhere { line.replace(old, new) } else { line.replacen(old, new, 1) };
            if let Some(entry) = entry.and_then(|at| self.minutes.entries.get_mut(at)) {
                entry.text.clone_from(line);
            }
            if !everywhere {
                return;
            }
        }
    }
}

fn is_zakim(sender: &str) -> bool {
    is_bot(sender, "zakim")
}

fn add_name(names: &mut Vec<String>, name: &str) {
    let is_room = names.len() < MOST_PEOPLE;
    if is_room && !name.is_empty() && !names.iter().any(|known| same_name(known, name)) {
        names.push(name.to_owned());
    }
}

/// Signs of a meeting that ordinary chat does not have.
const STRONG: u32 = 0b1111;

/// The bit of a mark's kind.
fn sign(mark: &Mark<'_>) -> u32 {
    let bit = match mark {
        Mark::Present(_) | Mark::Regrets(_) | Mark::Absent(_) => 0,
        Mark::Scribes(_) => 1,
        Mark::Queues { .. } => 2,
        Mark::Clerical | Mark::Filed { .. } => 3,
        Mark::Topic(_) | Mark::Subtopic(_) => 4,
        Mark::Action(_) => 5,
        Mark::Decides(..) => 6,
        Mark::Proposal(_) => 7,
        Mark::Title(_) => 8,
        Mark::Agenda(_) => 9,
        Mark::Chairs(_) => 10,
        _ => return 0,
    };
    1 << bit
}

/// The chair in what a bot says when a meeting begins.
pub(super) fn begun(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("Meeting started ")?;
    let (_, rest) = rest.split_once("The chair is ")?;
    let chair = rest.split(' ').next()?.trim_end_matches('.');
    (!chair.is_empty()).then_some(chair)
}

/// The numbers in `Votes for: 3, Votes against: 0, Abstentions: 1`.
fn counted(text: &str) -> Option<[u32; 3]> {
    let mut numbers = text.strip_prefix("Votes for:")?.split([',', ':', ' ']).filter_map(|it| {
        let number: Option<u32> = it.trim().parse().ok();
        number
    });
    Some([numbers.next()?, numbers.next()?, numbers.next()?])
}

/// Whether the line begins with a link, which MeetBot notes down.
fn has_url_first(text: &str) -> bool {
    ["http://", "https://", "ftp://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    })
}

/// When a message was written, in seconds, and whether its stamp has the day.
fn seconds(message: &Message<'_>) -> Option<(i64, bool)> {
    let stamp = time::parse(message.stamp.as_deref()?)?;
    let (hours, minutes, seconds) = stamp.time.as_hms();
    let of_day = i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds);
    let days = stamp.date.map(|date| i64::from(date.to_julian_day()));
    Some((days.unwrap_or(0) * 86_400 + of_day, days.is_some()))
}
