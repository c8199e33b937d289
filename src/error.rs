//! The program's errors and exit codes.
#![forbid(unsafe_code)]

use std::error::Error as _;
use std::process::ExitCode;

use crate::audio::OutputError;
use crate::control::client::ClientError;
use crate::diagnostics::ConfigError;
use crate::engine::EngineError;
use crate::limits::LimitError;
use crate::source::SourceError;

/// Why the program ends early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line or the configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The last source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Some sources failed, which was reported then; the others have ended.
    #[error("a source failed")]
    SourcesFailed,
    /// The voice failed.
    #[error("{why}")]
    Voice {
        /// The reason.
        why: String,
        /// Whether the configuration is at fault.
        configuration: bool,
    },
    /// An engine's voices cannot be listed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The sound devices cannot be listed.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The running listener cannot be controlled.
    #[error(transparent)]
    Control(#[from] ClientError),
    /// Tests in rule set files failed; each failure was printed.
    #[error("a test failed")]
    TestsFailed,
    /// There is no meeting in the logs.
    #[error("no meeting in {0}")]
    NoMeeting(String),
    /// Standard output was closed.
    #[error("standard output was closed")]
    StdoutGone,
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The system's limits are too low.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// A system call failed.
    #[error("{what}: {source}")]
    System {
        /// What failed.
        what: &'static str,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Makes a system's error an error with the message `what`.
    pub fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    /// Writing to standard output failed. That it was closed is not a failure.
    pub fn stdout(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::StdoutGone,
            _ => Self::System { what: "cannot write to standard output", source: error },
        }
    }

    /// The message for the user, if there is one to print.
    pub fn report(&self) -> Option<String> {
        match self {
            Self::StdoutGone | Self::Interrupted | Self::SourcesFailed | Self::TestsFailed => None,
            Self::System { .. } => Some(self.to_string()),
            Self::Config(_)
            | Self::Source(_)
            | Self::Voice { .. }
            | Self::Engine(_)
            | Self::Control(_)
            | Self::Limits(_)
            | Self::NoMeeting(_)
            | Self::Output(_) => Some(self.with_sources()),
        }
    }

    /// The error and its sources, joined by `: `, without repetitions.
    fn with_sources(&self) -> String {
        let mut message = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        message
    }

    /// 0 done, 1 failed at run time, 2 usage or configuration, 130 interrupted; a command's own
    /// code if it was the only source.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Source(SourceError::Command(error)) => error.exit_code().unwrap_or(1),
            Self::StdoutGone => 0,
            Self::Config(_) | Self::Voice { configuration: true, .. } => 2,
            Self::Engine(error) if error.is_configuration() => 2,
            Self::Interrupted => 130,
            Self::Source(_)
            | Self::SourcesFailed
            | Self::TestsFailed
            | Self::NoMeeting(_)
            | Self::Voice { configuration: false, .. }
            | Self::Engine(_)
            | Self::Control(_)
            | Self::Output(_)
            | Self::Limits(_)
            | Self::System { .. } => 1,
        })
    }
}
