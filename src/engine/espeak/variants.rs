//! Speakers that can be told apart, and understood.
#![forbid(unsafe_code)]

/// Variants of a voice (`en-us+f3`) beside the plain one, the best understood first, and the number
/// of their timbre: 0 is that of the plain voice.
///
/// Words that a speech recogniser gets wrong in 100, of 60 lines of chats (and of meetings) at 220
/// words a minute (`make bench-understood BENCH=--variants`), with Debian's espeak-ng-data 1.51:
/// plain 20 (20); m6 19 (20), m2 20 (20), m1 20 (20), Alex 24 (24), f2 24 (20), which at other
/// pitches loses 9 more than the plain voice. None is kept that is more than 6 above that, as f3 27
/// (23), Annie and aunty 31, shelby 47, boris 50 and Alicia 53 are, nor max 23 (21), m4 22 (23),
/// adam 23 (25) and Mario 25 (25), which lose words and add little that is heard.
///
/// The mean spectrum of m6 differs from the plain voice's by 1.5 dB, that of m1 by 2.2, of Alex by
/// 2.4 with an even pitch, of m2 by 2.7, of f2 by 4.5 and nearly an octave.
pub const VARIANTS: &[(&str, u8)] = &[("m6", 0), ("m2", 1), ("m1", 2), ("Alex", 3), ("f2", 4)];
