//! Voice variants that are distinguishable, and understood.
#![forbid(unsafe_code)]

/// Variants of a voice (`en-us+f3`) beside the plain one, the best understood first, and the number
/// of their timbre: 0 is that of the plain voice.
///
/// Words that a speech recogniser gets wrong in 100, of 60 lines of chats (and of meetings) at 220
/// words a minute (`make bench-understood BENCH=--variants`), with Debian's espeak-ng-data 1.51:
/// plain 20 (20); m6 19 (20), m1 20 (20), max 23 (21), Alex 24 (24). None is kept that is more than
/// 6 above the plain voice, as f3 27 (23), Annie and aunty 31, shelby 47, boris 50, Alicia 53 are,
/// nor m4 22 (23), adam 23 (25) and Mario 25 (25), which lose words and sound little different.
///
/// Nor is one with an echo, as m2 20 (20) and f2 24 (20) have: eSpeak NG keeps the echo of what was
/// spoken before and begins the next line with it, so that its first sound comes 45 ms late.
///
/// The mean spectrum of m6 and max differs from the plain voice's by less than 2 dB, that of m1 by
/// 2.2, of Alex by 2.4 with an even pitch.
pub(crate) const VARIANTS: &[(&str, u8)] = &[("m6", 0), ("m1", 1), ("max", 0), ("Alex", 2)];
