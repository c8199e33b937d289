//! Which language a line is written in, and in which scripts. Pure: the time is handed in, and
//! nothing here knows of voices but the default names of eSpeak NG's.
//!
//! A script is exact, and often decides the language: kana is Japanese. Where it does not, as in
//! Latin letters, common words are evidence, and `whatlang` has the second opinion. A wrong voice
//! is worse than the usual one, so whatever is not clear stays in the default language.
#![forbid(unsafe_code)]

mod code;
mod detector;
mod recent;
mod score;
mod script;
mod second;
mod words;

pub use code::Language;
pub use detector::{Decision, Detector};
pub use script::{describe, n_visible, script_name, script_runs};
pub use unicode_script::Script;
