//! The channels to be in: which were joined, refused or left, and when to ask again.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use irc::proto::Command;

use super::name::ChannelSpec;
use crate::names::same_name;
use crate::source::notice::{Notice, Wording};

/// How long after a refusal a channel is asked for again.
const RETRY: Duration = Duration::from_secs(60);

/// How long after a kick it is joined again.
const REJOIN: Duration = Duration::from_secs(2);

/// How often at most a channel is joined again within [`FORGIVEN`], so as not to fight a kick.
const MAX_REJOINS: u8 = 3;
const FORGIVEN: Duration = Duration::from_secs(600);

/// What a `JOIN` may hold; RFC 2812 ends lines at 512 bytes, and a server may repeat it in one.
const MAX_JOIN: usize = 400;

#[derive(Debug)]
struct Channel {
    spec: ChannelSpec,
    /// When to ask for it; none while asked for, in it, or given up.
    due: Option<Instant>,
    /// Whether it was reported that it cannot be joined.
    reported: bool,
    rejoins: u8,
    kicked: Option<Instant>,
}

impl Channel {
    fn name(&self) -> String {
        self.spec.name().to_owned()
    }
}

/// All channels to be in, with what was reported of them. Kept across connections.
#[derive(Debug)]
pub(crate) struct Joins {
    channels: Vec<Channel>,
}

impl Joins {
    pub(crate) fn new(mut specs: Vec<ChannelSpec>) -> Self {
        // In a packed `JOIN` the keys belong to the first channels.
        specs.sort_by_key(|spec| spec.key().is_none());
        let channel = |spec| Channel { spec, due: None, reported: false, rejoins: 0, kicked: None };
        Self { channels: specs.into_iter().map(channel).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// A new connection: in no channel, and none is asked for before [`Self::begin`].
    pub(crate) fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.due = None;
        }
    }

    /// Registered: all channels are due.
    pub(crate) fn begin(&mut self, now: Instant) {
        for channel in &mut self.channels {
            channel.due = Some(now);
        }
    }

    /// When the next channel is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.channels.iter().filter_map(|channel| channel.due).min()
    }

    /// Asks for the channels that are due, as many as fit in a line.
    pub(crate) fn ask(&mut self, now: Instant) -> Vec<Command> {
        let is_due = |channel: &&mut Channel| channel.due.is_some_and(|due| due <= now);
        let mut lines: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
        let mut length = usize::MAX;
        for channel in self.channels.iter_mut().filter(is_due) {
            channel.due = None;
            let (name, key) = (channel.spec.name(), channel.spec.key());
            let more = name.len() + key.map_or(0, |key| key.len() + 1) + 1;
            if length.saturating_add(more) > MAX_JOIN {
                lines.push((Vec::new(), Vec::new()));
                length = "JOIN ".len();
            }
            length += more;
            if let Some((names, keys)) = lines.last_mut() {
                names.push(name);
                keys.extend(key);
            }
        }
        let join = |(names, keys): (Vec<&str>, Vec<&str>)| {
            let keys = (!keys.is_empty()).then(|| keys.join(","));
            Command::JOIN(names.join(","), keys, None)
        };
        lines.into_iter().map(join).collect()
    }

    /// We are in `name`.
    pub(crate) fn joined(&mut self, name: &str) {
        if let Some(channel) = self.find(name) {
            channel.due = None;
            channel.reported = false;
        }
    }

    /// The server refused to let us join `name`, with the numeric `number`. Returns the notice for
    /// the listener, the first time only.
    pub(crate) fn refused(&mut self, name: &str, number: u16, now: Instant) -> Refusal {
        let (Some(why), Some(channel)) = (reason(number), self.find(name)) else {
            return Refusal::Other;
        };
        channel.due = Some(now + RETRY);
        if std::mem::replace(&mut channel.reported, true) {
            return Refusal::Known;
        }
        let notice = Notice::new(Wording::CANNOT_JOIN).with("channel", channel.name());
        Refusal::News(notice.with("why", Notice::new(why)))
    }

    /// We were kicked from `name`, or made to part. Returns a notice if the channel is given up.
    pub(crate) fn kicked(&mut self, name: &str, now: Instant) -> Option<Notice> {
        let channel = self.find(name)?;
        if channel.kicked.is_none_or(|before| now >= before + FORGIVEN) {
            channel.rejoins = 0;
        }
        channel.kicked = Some(now);
        if channel.rejoins == MAX_REJOINS {
            channel.due = None;
            return Some(Notice::new(Wording::NOT_REJOINED).with("channel", channel.name()));
        }
        channel.rejoins += 1;
        channel.due = Some(now + REJOIN);
        None
    }

    fn find(&mut self, name: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| same_name(channel.spec.name(), name))
    }
}

/// What a numeric about a channel means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// We cannot join; the notice for the listener.
    News(Notice),
    /// We still cannot join.
    Known,
    /// Something else.
    Other,
}

/// Why a channel cannot be joined, by the server's number.
fn reason(number: u16) -> Option<&'static Wording> {
    match number {
        403 => Some(Wording::NO_CHANNEL),
        405 => Some(Wording::TOO_MANY_CHANNELS),
        437 => Some(Wording::NOT_AVAILABLE),
        471 => Some(Wording::CHANNEL_FULL),
        473 => Some(Wording::INVITE_ONLY),
        474 => Some(Wording::BANNED),
        475 => Some(Wording::OTHER_KEY),
        476 => Some(Wording::BAD_CHANNEL),
        477 => Some(Wording::UNREGISTERED),
        489 => Some(Wording::NEEDS_TLS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joins(specs: &[&str]) -> Joins {
        Joins::new(specs.iter().map(|spec| ChannelSpec::parse(spec).expect("a channel")).collect())
    }

    fn lines(joins: &mut Joins, now: Instant) -> Vec<String> {
        joins.ask(now).iter().map(String::from).collect()
    }

    #[test]
    fn channels_share_a_line_and_keys_come_first() {
        let now = crate::clock::test_now();
        let mut joins = joins(&["#a", "#b kb", "#c", "#d kd"]);
        assert_eq!(lines(&mut joins, now), [""; 0]);
        joins.begin(now);
        assert_eq!(lines(&mut joins, now), ["JOIN #b,#d,#a,#c kb,kd"]);
        assert_eq!(lines(&mut joins, now), [""; 0]);
    }

    #[test]
    fn lines_are_bounded() {
        let now = crate::clock::test_now();
        let specs: Vec<_> = (0..200).map(|n| format!("#channel{n} key{n}")).collect();
        let mut joins = joins(&specs.iter().map(String::as_str).collect::<Vec<_>>());
        joins.begin(now);
        let lines = lines(&mut joins, now);
        assert!(lines.iter().all(|line| line.len() <= MAX_JOIN), "{lines:?}");
        let asked: usize = lines.iter().map(|line| line.matches('#').count()).sum();
        assert_eq!((asked, lines.len()), (200, 10));
    }

    #[test]
    fn a_refused_channel_is_reported_once_and_asked_for_every_minute() {
        let start = crate::clock::test_now();
        let mut joins = joins(&["#a", "#b"]);
        joins.begin(start);
        joins.ask(start);
        joins.joined("#b");
        let Refusal::News(notice) = joins.refused("#A", 473, start) else { panic!("it is news") };
        assert_eq!(notice.to_string(), "#a: cannot join: invite only");
        assert_eq!(joins.deadline(), Some(start + RETRY));
        assert_eq!(lines(&mut joins, start + RETRY / 2), [""; 0]);
        assert_eq!(lines(&mut joins, start + RETRY), ["JOIN #a"]);
        assert_eq!(joins.refused("#a", 473, start + RETRY), Refusal::Known);
        joins.joined("#a");
        assert_eq!(joins.deadline(), None);
        assert_eq!(joins.refused("#other", 473, start), Refusal::Other);
        assert_eq!(joins.refused("#a", 404, start), Refusal::Other);
    }

    #[test]
    fn a_channel_is_given_up_after_three_rejoins() {
        let start = crate::clock::test_now();
        let mut joins = joins(&["#a"]);
        for n in 1..=3 {
            let now = start + Duration::from_secs(n * 10);
            assert_eq!(joins.kicked("#a", now), None);
            assert_eq!(lines(&mut joins, now + REJOIN), ["JOIN #a"]);
        }
        let now = start + Duration::from_secs(40);
        let notice = joins.kicked("#a", now).expect("a notice");
        assert_eq!(notice.to_string(), "#a: thrown out again; not rejoined");
        assert_eq!(joins.deadline(), None);
        assert_eq!(joins.kicked("#a", now + FORGIVEN), None, "a new day");
    }
}
