//! How long to wait before the next try: to connect, or to start a command. Time and randomness
//! are passed in.
#![forbid(unsafe_code)]

use std::time::Duration;

/// What the end of a connection, or a refusal, means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The connection broke, or the server went away.
    Ordinary,
    /// It was tried too often, or trying again soon is of no use.
    Throttled,
    /// The listener is banned: trying again soon makes it worse.
    Banned,
}

impl Class {
    /// The class of an `ERROR` message, by its wording: there is no error code.
    pub(crate) fn of_error(text: &str) -> Self {
        const BANNED: [&str; 10] = [
            "banned", "k-line", "g-line", "z-line", "d-line", "kline", "gline", "zline", "dline",
            "akill",
        ];
        const THROTTLED: [&str; 4] = ["throttl", "too fast", "too many", "too often"];
        let text = text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&BANNED) {
            Self::Banned
        } else if says(&THROTTLED) {
            Self::Throttled
        } else {
            Self::Ordinary
        }
    }
}

/// A connection that was registered for this long, or a command that ran for this long, counts as
/// a success.
const STABLE: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(300);
const THROTTLED: Duration = Duration::from_secs(60);
const BANNED: Duration = Duration::from_secs(15 * 60);

/// Counts the tries since the last success.
#[derive(Debug)]
pub(crate) struct Backoff {
    tries: u32,
    jitter: Jitter,
}

impl Backoff {
    /// No try yet. Waits differ by `seed`, so that a thousand clients of a restarted server do
    /// not reconnect at once.
    pub(crate) fn new(seed: u64) -> Self {
        Self { tries: 0, jitter: Jitter::new(seed) }
    }

    /// How long to wait after a connection that was `registered` this long, or a command that ran
    /// this long (zero when it never did), and ended with `class`.
    ///
    /// The first wait is 1 s, the next two are at most 2 s, so that a server that only restarted
    /// is reconnected soon. Then the longest wait doubles up to five minutes; the actual wait is
    /// random below it ("full jitter").
    pub(crate) fn wait(&mut self, class: Class, registered: Duration) -> Duration {
        if is_success(registered) {
            self.tries = 0;
        }
        let shift = self.tries.saturating_sub(1).min(16);
        self.tries = self.tries.saturating_add(1);
        let second = Duration::from_secs(1);
        let longest = if self.tries == 1 {
            second
        } else {
            Duration::from_secs(2 << shift.saturating_sub(1)).min(LONGEST)
        };
        let wait = self.jitter.between(second, longest);
        match class {
            Class::Ordinary => wait,
            Class::Throttled => wait.max(self.jitter.between(THROTTLED, THROTTLED * 3 / 2)),
            Class::Banned => self.jitter.between(BANNED, BANNED * 4 / 3),
        }
    }
}

/// Whether it lasted long enough to be a success, so that the next failure is a new one.
pub(crate) fn is_success(lasted: Duration) -> bool {
    lasted >= STABLE
}

/// Random numbers good enough to spread waits: xorshift64* (Marsaglia 2003, Vigna 2014).
#[derive(Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1) // zero would stay zero
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11 // the low bits are weak
    }

    /// A duration from `shortest` to `longest`, in whole milliseconds.
    fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let span = longest.saturating_sub(shortest).as_millis();
        let part = u128::from(self.next()) % (span + 1);
        shortest + Duration::from_millis(u64::try_from(part).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Duration = Duration::ZERO;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn waits_grow_to_five_minutes_and_are_at_least_a_second() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(seed);
            for longest in [1, 2, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
                let wait = backoff.wait(Class::Ordinary, NEVER);
                assert!(wait >= seconds(1) && wait <= seconds(longest), "{wait:?} of {longest}");
            }
        }
    }

    #[test]
    fn waits_differ_by_seed() {
        let third = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..5).map(|_| backoff.wait(Class::Ordinary, NEVER)).collect::<Vec<_>>()
        };
        assert_ne!(third(3), third(0x9e37_79b9_7f4a_7c15));
    }

    #[test]
    fn a_minute_of_registration_is_a_success() {
        let mut backoff = Backoff::new(7);
        for _ in 0..9 {
            backoff.wait(Class::Ordinary, seconds(59));
        }
        assert_eq!(backoff.wait(Class::Ordinary, seconds(60)), seconds(1));
    }

    #[test]
    fn after_a_ban_waits_are_long() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(seed);
            assert!(backoff.wait(Class::Throttled, NEVER) >= seconds(60));
            assert!(backoff.wait(Class::Banned, NEVER) >= seconds(15 * 60));
        }
    }

    #[test]
    fn errors_are_classified_by_their_words() {
        for (text, class) in [
            ("Closing Link: 127.0.0.1 (K-Lined: go away)", Class::Banned),
            ("You are banned from this server", Class::Banned),
            ("Closing link: (kim@h) [Z-Lined]", Class::Banned),
            ("Trying to reconnect too fast.", Class::Throttled),
            ("Your host is trying to (re)connect too fast -- throttled", Class::Throttled),
            ("Too many connections from your host", Class::Throttled),
            ("Server going down", Class::Ordinary),
            ("Closing Link: h (Ping timeout)", Class::Ordinary),
            ("", Class::Ordinary),
        ] {
            assert_eq!(Class::of_error(text), class, "error: {text}");
        }
    }

    #[test]
    fn no_number_of_tries_overflows() {
        let mut backoff = Backoff { tries: u32::MAX - 1, jitter: Jitter::new(1) };
        for _ in 0..4 {
            assert!(backoff.wait(Class::Ordinary, NEVER) <= LONGEST);
        }
    }
}
