use super::*;
use crate::message::{Earcon, Expiry, LinePosition, Message, UtteranceId};
use crate::queue::rate_control::LagTarget;
use crate::queue::{Action, Event, Queue};
use crate::units::Wpm;

const TARGET: LagTarget = LagTarget { base: Wpm(220), max: Wpm(330), lag: Duration::from_secs(15) };

/// About three seconds.
const SOME: &str = "the build of the nightly image is green again, at last";

/// A line: its arrival in milliseconds, its sender, its text.
type Spec<'a> = (u64, &'a str, &'a str);

/// The utterance of a line. The sender is empty for none, or "nick@#channel"; "!" in front makes it
/// a highlight; a sender that begins with "bot" is of another source.
fn utterance(id: UtteranceId, (ms, who, said): Spec<'_>, start: Instant) -> Utterance {
    let received = start + Duration::from_millis(ms);
    let source = SourceId(u16::from(who.starts_with("bot")));
    let mut message = Message::plain(source, said.to_owned(), received);
    message.highlight = who.starts_with('!');
    let (sender, channel) = who.trim_start_matches('!').split_once('@').unwrap_or((who, "#tea"));
    message.channel = (!channel.is_empty()).then(|| channel.to_owned().into());
    let sender = sender.to_owned();
    let mut text = said.to_owned();
    if !sender.is_empty() {
        message.kind = Kind::Say;
        text = format!("{sender}: {said}");
        message.sender = Some(sender.clone().into());
    }
    Utterance {
        id,
        text,
        message: Some(message),
        language: None,
        name_len: sender.len(),
        name_end: if sender.is_empty() { 0 } else { sender.len() + 2 },
        line: LinePosition { number: id.0, end: None },
        received,
        is_replay: false,
        is_live: true,
        earcon: None,
        expiry: None,
    }
}

/// What was spoken of `lines`, and what was merged.
struct Heard {
    spoken: Vec<String>,
    /// When each began, in milliseconds.
    begun: Vec<u64>,
    merged: Vec<(u64, Fate)>,
}

/// Speaks `lines` with a voice that takes as long as is estimated.
fn hear(lag_target: LagTarget, lines: &[Spec<'_>]) -> Heard {
    let start = crate::clock::test_now();
    let mut queue = Queue::new(lag_target, Phrases::english());
    let mut heard = Heard { spoken: vec![], begun: vec![], merged: vec![] };
    let mut voice: Vec<(UtteranceId, Instant, Instant, bool)> = Vec::new();
    let mut lines = lines.iter().copied().peekable();
    let mut now = start;
    loop {
        let came: Vec<_> = std::iter::from_fn(|| {
            lines.next_if(|(ms, ..)| start + Duration::from_millis(*ms) <= now)
        })
        .collect();
        let came = came.into_iter().map(|it| utterance(queue.number(), it, start)).collect();
        let mut events = vec![Event::Arrived(came)];
        match voice.first_mut() {
            Some((id, begins, _, begun @ false)) if *begins <= now => {
                *begun = true;
                events.push(Event::Started(*id));
            }
            Some((id, _, ends, true)) if *ends <= now => {
                events.push(Event::Ended(*id, Fate::Spoken { rate: Wpm(220), ms: 0 }));
                voice.remove(0);
            }
            Some(_) | None => events.push(Event::Tick),
        }
        for action in events.into_iter().flat_map(|event| queue.handle(event, now)) {
            match action {
                Action::Speak { utterance, from, rate } => {
                    let begins = voice.last().map_or(now, |(_, _, ends, _)| *ends).max(now);
                    let text = utterance.text[from..].to_owned();
                    let estimate = crate::queue::estimate::Estimate::default();
                    let seconds = estimate.seconds(estimate.work(&text), rate);
                    let ends = begins + Duration::from_secs_f64(seconds);
                    voice.push((utterance.id, begins, ends, false));
                    heard.spoken.push(text);
                    let ms = begins.saturating_duration_since(start).as_millis();
                    heard.begun.push(u64::try_from(ms).expect("soon"));
                }
                Action::ReportOutcome(id, fate @ Fate::Merged { .. }) => {
                    heard.merged.push((id.0, fate));
                }
                Action::ReportOutcome(..)
                | Action::Record(_)
                | Action::Silence
                | Action::Measure { .. } => {}
            }
        }
        let voice =
            voice.first().map(|(_, begins, ends, begun)| if *begun { *ends } else { *begins });
        let line = lines.peek().map(|(ms, ..)| start + Duration::from_millis(*ms));
        let next = [voice, line, queue.deadline()].into_iter().flatten().min();
        match next {
            Some(next) => now = next.max(now),
            None => return heard,
        }
    }
}

/// Lines in a row, each with its own text.
fn paste<'a>(n: u64, ms: u64, every: u64, who: &'a str, texts: &'a [String]) -> Vec<Spec<'a>> {
    (0..n).zip(texts).map(|(at, text)| (ms + at * every, who, text.as_str())).collect()
}

fn texts(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("line {n} of what was pasted")).collect()
}

#[test]
fn a_conversation_is_spoken_in_order_of_arrival() {
    let texts = texts(200);
    let long = format!("{SOME}, and so is that of yesterday");
    let monologue: Vec<Spec<'_>> = (0..12).map(|n| (n * 4_500, "kim", long.as_str())).collect();
    let answered = [monologue.clone(), vec![(20_000, "al", "oh"), (41_000, "bo", "so it is")]];
    let mut busy = Vec::new();
    for at in 0..60 {
        let who = ["kim", "al", "kim", "kim", "bo"][usize::try_from(at % 5).expect("small")];
        busy.push((at * 2_300, who, texts[usize::try_from(at).expect("small")].as_str()));
    }
    // A log that is read from its past: all of it at once.
    let past: Vec<Spec<'_>> = busy.iter().map(|(_, who, text)| (0, *who, *text)).collect();
    let statement: Vec<Spec<'_>> =
        (0..9).map(|n| (0, "kim", texts[n].as_str())).chain([(0, "al", "thanks")]).collect();
    // The same, written line by line by a script.
    let replayed: Vec<Spec<'_>> =
        (0..).zip(&past).map(|(at, (_, who, text))| (at * 2, *who, *text)).collect();
    for mut lines in [answered.concat(), busy, past, replayed, statement, vec![]] {
        lines.sort_by_key(|(ms, ..)| *ms);
        let slow = LagTarget { lag: Duration::from_secs(600), ..TARGET };
        let heard = hear(slow, &lines);
        let expected: Vec<_> =
            lines.iter().map(|(_, who, said)| format!("{who}: {said}")).collect();
        assert_eq!(heard.spoken, expected);
        assert!(heard.merged.is_empty());
    }
}

#[test]
fn a_line_by_another_waits_only_a_few_seconds_for_a_flood() {
    let texts = texts(100);
    let slow = LagTarget { lag: Duration::from_secs(3_600), ..TARGET };
    for (mut lines, most_ms) in [
        (paste(100, 0, 0, "kim", &texts), 12_000),
        (paste(100, 0, 100, "kim", &texts), 12_000),
        (paste(30, 0, 1_200, "kim", &texts), 12_000), // as a client pastes
        (paste(100, 0, 10, "", &texts), 12_000),      // a log without senders
        (paste(5, 0, 100, "kim", &texts), 12_000),
    ] {
        let n = lines.len();
        lines.extend([(1_000, "al", "what is that?"), (1_001, "bo", "no idea")]);
        lines.sort_by_key(|(ms, ..)| *ms);
        let heard = hear(slow, &lines);
        let at = |text: &str| heard.spoken.iter().position(|it| it == text).expect("it is spoken");
        let [al, bo] = [at("al: what is that?"), at("bo: no idea")];
        assert!(heard.begun[al] < most_ms, "{:?}", heard.spoken);
        assert!(n == 5 || bo == al + 1, "both before the flood goes on: {:?}", heard.spoken);
        assert_eq!(heard.spoken.len(), n + 2, "nothing is lost: {:?}", heard.merged);
        let pasted: Vec<_> = heard.spoken.iter().filter(|it| it.contains("line ")).collect();
        assert!(
            pasted.is_sorted_by_key(|it| it.split("line ").nth(1).map(|it| {
                it.split(' ').next().and_then(|n| n.parse::<u32>().ok()).expect("a number")
            })),
            "{pasted:?}"
        );
    }
}

#[test]
fn a_highlight_or_private_message_does_not_wait_for_a_flood() {
    let texts = texts(40);
    let slow = LagTarget { lag: Duration::from_secs(3_600), ..TARGET };
    for who in ["!al@#tea", "al@"] {
        let mut lines = paste(40, 0, 10, "kim", &texts);
        lines.push((1_000, who, "ping"));
        let heard = hear(slow, &lines);
        assert_eq!(heard.spoken[1], "al: ping", "{who}: {:?}", heard.spoken);
    }
}

#[test]
fn two_floods_take_turns_and_a_conversation_goes_on() {
    let texts = texts(60);
    let slow = LagTarget { lag: Duration::from_secs(3_600), ..TARGET };
    let mut lines = paste(60, 0, 10, "kim", &texts);
    lines.extend(paste(60, 5, 10, "bot", &texts));
    lines.extend((0..40).map(|n| (1_000 + n * 4_000, "al", "is that of any use to anybody?")));
    lines.sort_by_key(|(ms, ..)| *ms);
    let heard = hear(slow, &lines);
    let of =
        |who: &str, n: usize| heard.spoken[..n].iter().filter(|it| it.starts_with(who)).count();
    for n in [20, 40, 60] {
        assert!(of("kim", n).abs_diff(of("bot", n)) < 8, "{:?}", &heard.spoken[..n]);
        assert!(of("al", n) > n / 6, "{:?}", &heard.spoken[..n]);
    }
    let last = heard.spoken.iter().rposition(|it| it.starts_with("al")).expect("spoken");
    assert!(heard.begun[last] < 200_000, "its last line came after 157 s: {}", heard.begun[last]);
}

#[test]
fn the_rest_of_a_late_flood_is_counted() {
    let texts = texts(100);
    for (who, rest) in [("kim", " more lines by kim"), ("", " more lines")] {
        let mut lines = paste(100, 0, 10, who, &texts);
        lines.extend([(1_500, "al", "what is that?"), (40_000, "bo", "are you done?")]);
        let heard = hear(TARGET, &lines);
        let al = heard.spoken.iter().position(|it| it == "al: what is that?").expect("spoken");
        assert!(heard.begun[al] < 12_000, "{} {:?}", heard.begun[al], heard.spoken);
        let end = heard.spoken.iter().find(|it| it.ends_with(rest)).expect("the rest is counted");
        let n: usize = end
            .split("; and ")
            .nth(1)
            .expect("a count")
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .expect("a number");
        let is_counted =
            |(_, fate): &&(u64, Fate)| matches!(fate, Fate::Merged { is_counted: true, .. });
        assert_eq!(heard.merged.iter().filter(is_counted).count(), n);
        assert!(n > 80, "{:?}", heard.spoken);
        assert!(heard.begun.last().is_some_and(|&ms| ms < 42_000), "{:?}", heard.spoken);
    }
    // No other sender waits: a text is read to its end.
    let heard = hear(TARGET, &paste(100, 0, 0, "", &texts));
    let n_read = heard.spoken.iter().filter(|it| it.starts_with("line ")).count();
    assert_eq!((n_read, heard.merged.len()), (100, 0));
}

/// The text that counts the first of `lines` and its equals, and where these wait.
fn counted_text(lines: &[Spec<'_>]) -> Option<(String, Vec<usize>)> {
    let now = crate::clock::test_now();
    let waiting: Vec<_> = lines
        .iter()
        .map(|it| {
            Queued::new(
                utterance(UtteranceId(1), *it, now),
                &crate::queue::estimate::Estimate::default(),
            )
        })
        .collect();
    let (phrases, names) = (Phrases::english(), Names::default());
    equal(&waiting, |it| it.work, &phrases, &names).map(|it| (it.text, it.others))
}

#[test]
fn equal_lines_are_counted() {
    let all = |who: &[&'static str]| -> Vec<Spec<'static>> {
        who.iter().map(|who| (0, *who, "+1")).collect()
    };
    let flap: Vec<Spec<'_>> = (0..8)
        .map(|n| (n * 100, "bot", ["eth0 is down", "eth0 is up again"][usize::from(n % 2 == 1)]))
        .collect();
    let over = |gap: u64| {
        [(0, "kim", SOME), (gap, "al", "stop"), (2 * gap, "kim", SOME), (3 * gap, "kim", SOME)]
    };
    let refrain: Vec<Spec<'_>> = (0..9)
        .map(|n| {
            (0, "", ["heigh-ho", "sing", "the green holly"][usize::try_from(n % 3).expect("small")])
        })
        .collect();
    for (lines, expected) in [
        (vec![(0, "kim", "no")], None),
        (vec![(0, "kim", "no"); 2], None),
        (vec![(0, "kim", "no"); 3], Some(("3 times: kim: no", vec![1, 2]))),
        (vec![(0, "", "no"); 40], Some(("40 times: no", (1..40).collect()))),
        // In another channel, or by few others, it is another line.
        (vec![(0, "kim", "no"), (0, "kim@#lxc", "no"), (0, "kim@#lxc", "no")], None),
        (all(&["kim", "al", "bo", "cy"]), None),
        (
            all(&["kim", "al", "bo", "cy", "al"]),
            Some(("5 times, by kim, al, bo, cy: +1", vec![1, 2, 3, 4])),
        ),
        (
            all(&["a", "b", "c", "d", "e", "f", "g"]),
            Some(("7 times, by a, b, c, d, e and 2 others: +1", (1..7).collect())),
        ),
        // Three answers to three questions.
        (
            vec![
                (0, "kim", "yes"),
                (0, "al", "and B?"),
                (0, "kim", "yes"),
                (0, "al", "and C?"),
                (0, "kim", "yes"),
            ],
            None,
        ),
        (over(4_000).to_vec(), None),
        // Faster than anybody speaks: across what others say.
        (
            over(100).to_vec(),
            Some((
                "3 times: kim: the build of the nightly image is green again, at last",
                vec![2, 3],
            )),
        ),
        // The last one stays: it says what holds in the end.
        (flap, Some(("3 times: bot: eth0 is down", vec![2, 4]))),
        // A text with a refrain is not counted.
        (refrain, None),
    ] {
        let expected = expected.map(|(text, others)| (text.to_owned(), others));
        assert_eq!(counted_text(&lines), expected, "{lines:?}");
    }
}

#[test]
fn a_count_goes_on_and_an_utterance_that_is_not_free_stays_whole() {
    let now = crate::clock::test_now();
    let line = || {
        Queued::new(
            utterance(UtteranceId(1), (0, "kim", "no"), now),
            &crate::queue::estimate::Estimate::default(),
        )
    };
    let mut first = line();
    let times_len = "40 times: ".len();
    (first.times, first.times_len, first.said_at) = (40, times_len, times_len + first.said_at);
    first.utterance.text = "40 times: kim: no".to_owned();
    let (phrases, names) = (Phrases::english(), Names::default());
    let equal = |waiting: &[Queued]| {
        super::equal(waiting, |it| it.work, &phrases, &names).map(|it| it.text)
    };
    // A counted line has another text than its equals: only as the first one it is counted on.
    assert_eq!(equal(&[first.clone(), line()]), Some("41 times: kim: no".to_owned()));
    assert_eq!(equal(&[line(), first.clone(), line(), line()]), None);
    for change in [
        (|it: &mut Queued| it.has_begun = true) as fn(&mut Queued),
        |it| it.utterance.is_replay = true,
        |it| it.utterance.earcon = Some(Earcon::Highlight),
        |it| it.utterance.expiry = Some(Expiry { at: it.utterance.received, rule: String::new() }),
    ] {
        let mut changed = line();
        change(&mut changed);
        assert_eq!(equal(&[changed.clone(), line(), line(), line()]), None);
        assert_eq!(equal(&[line(), line(), changed]), None);
    }
}
