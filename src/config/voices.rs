//! The names in a configuration that only the voice process can check: voices and the device. They
//! are collected with their places in the file, and checked in a separate process: the listener
//! itself uses no native library.
#![forbid(unsafe_code)]

use toml::Spanned;

use super::file::Loaded;
use crate::cli::Listening;
use crate::diagnostics::ConfigError;
use crate::diagnostics::escaped;
use crate::voice::check;
use crate::wire::{Check, Setup, Target};

/// The names to check, and their places in the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checks {
    check: Check,
    /// The places of the voices and the device in the file; none for names of the command line.
    voices_at: Vec<Option<At>>,
    device_at: Option<At>,
}

/// Equal if they check the same names, at any place.
impl PartialEq for Checks {
    fn eq(&self, other: &Self) -> bool {
        self.check == other.check
    }
}

/// A place in the file.
#[derive(Debug, Clone)]
struct At {
    path: std::path::PathBuf,
    line: usize,
    column: usize,
}

impl At {
    fn of<T>(loaded: &Loaded, value: &Spanned<T>) -> Option<Self> {
        match loaded.error(value, "") {
            ConfigError::At { path, line, column, .. } => Some(Self { path, line, column }),
            ConfigError::Unreadable { .. } | ConfigError::Wrong(_) => None,
        }
    }
}

impl Checks {
    /// The names in `setup`, which was made from `options` and `file`, and of the file's speakers.
    pub(super) fn of(setup: &Setup, options: &Listening, file: Option<&Loaded>) -> Self {
        let mut checks = Self::default();
        checks.check.engine.clone_from(&setup.engine);
        let own = file.filter(|_| options.voice.is_none());
        let at = own.and_then(|it| At::of(it, it.file.voice.as_ref()?));
        checks.add(&setup.voice, at);
        for (loaded, speaker) in file
            .iter()
            .flat_map(|it| it.file.speakers.voice.values().map(move |speaker| (it, speaker)))
        {
            if let Some(voice) = &speaker.voice {
                checks.add(voice.get_ref(), At::of(loaded, voice));
            }
        }
        for (loaded, voice) in
            file.iter().flat_map(|it| it.file.languages.values().map(move |voice| (it, voice)))
        {
            if !voice.get_ref().is_empty() {
                checks.add(voice.get_ref(), At::of(loaded, voice));
            }
        }
        if let Target::Device(Some(name)) = &setup.target {
            checks.check.device = Some(name.clone());
            let own = file.filter(|_| options.device.is_none());
            checks.device_at = own.and_then(|it| At::of(it, it.file.device.as_ref()?));
        }
        checks
    }

    fn add(&mut self, voice: &str, at: Option<At>) {
        self.check.voices.push(voice.to_owned());
        self.voices_at.push(at);
    }

    /// Whether there are voices of single speakers: the voice process checks the other names when
    /// it starts.
    pub(crate) fn names_speakers(&self) -> bool {
        self.check.voices.len() > 1
    }

    /// Runs the check; passes if the process does not start or does not answer.
    pub(crate) async fn verify(&self) -> Result<(), ConfigError> {
        let Some(checked) = check::ask(&self.check).await else { return Ok(()) };
        let wrong = |at: Option<&At>, why: &str| match at {
            Some(At { path, line, column }) => ConfigError::At {
                path: path.clone(),
                line: *line,
                column: *column,
                problem: escaped(why),
            },
            None => ConfigError::Wrong(escaped(why)),
        };
        for (at, why) in self.voices_at.iter().zip(&checked.voices) {
            if let Some(why) = why {
                return Err(wrong(at.as_ref(), why));
            }
        }
        checked.device.map_or(Ok(()), |why| Err(wrong(self.device_at.as_ref(), &why)))
    }
}
