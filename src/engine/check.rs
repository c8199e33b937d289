//! Checks that the voices and the device that a configuration names exist.
#![forbid(unsafe_code)]

use super::traits::EngineError;
use crate::audio::{OutputError, cards};
use crate::wire::{Check, Checked};

/// Looks up all names of `check`. A failure to look up is not a configuration error.
pub(super) fn run(check: &Check) -> Checked {
    let device = check.device.as_deref().and_then(|name| match cards::look(Some(name)) {
        Err(error @ OutputError::UnknownDevice { .. }) => Some(error.to_string()),
        Ok(())
        | Err(
            OutputError::NoDevice { .. }
            | OutputError::Device(_)
            | OutputError::Gone(_)
            | OutputError::NoAnswer
            | OutputError::Stalled { .. }
            | OutputError::File { .. },
        ) => None,
    });
    let engine = super::find(&check.engine);
    let wrong = engine.and_then(|engine| (engine.check)(&check.voices));
    let is_wrong = |error: &EngineError| error.is_configuration();
    let message = |error: EngineError| Some(error).filter(is_wrong).map(|it| it.to_string());
    let voices = match wrong {
        Ok(voices) => voices.into_iter().map(|it| it.err().and_then(message)).collect(),
        Err(error) => vec![message(error)],
    };
    Checked { voices, device }
}
