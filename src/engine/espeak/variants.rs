//! Speakers that can be told apart.
#![forbid(unsafe_code)]

/// Variants of a voice (`en-us+f3`) that sound unlike each other, the most distinct first, so that
/// the first few do for the first few speakers. Of the 110 in Debian's espeak-ng-data 1.51, those
/// that neither clip nor whisper, and keep what consonants need (2 to 4 kHz) within 17 dB of the
/// whole and the voice's loudness within 3 dB at full speed; of these each is the farthest from
/// those before it in pitch, spectrum and harmonicity, measured over a sentence.
pub const VARIANTS: &[&str] = &[
    "Alicia", "aunty", "shelby", "boris", "Mario", "linda", "Alex", "f3", "adam", "m2", "max",
    "m6", "Annie", "m4", "f2", "m1",
];
