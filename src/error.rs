//! What ends the program, and the exit code it ends with.
#![forbid(unsafe_code)]

use std::error::Error as _;
use std::process::ExitCode;

use crate::audio::OutputError;
use crate::config::ConfigError;
use crate::control::client::ClientError;
use crate::engine::EngineError;
use crate::limits::LimitError;
use crate::source::SourceError;

/// Why the program ends before its time.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the user asked for cannot be meant.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A source cannot go on, and there is no other.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Some sources failed, which was told when they did; the others have ended.
    #[error("a source failed")]
    SourcesFailed,
    /// There is no voice.
    #[error("{why}")]
    Voice {
        /// The reason, as a sentence.
        why: String,
        /// Whether the configuration is at fault.
        configuration: bool,
    },
    /// An engine cannot be asked for its voices.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The sound system cannot be asked for its devices.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The listener that runs cannot be steered.
    #[error(transparent)]
    Control(#[from] ClientError),
    /// Tests in files of rules failed, which was told of each.
    #[error("a test failed")]
    TestsFailed,
    /// Who read standard output reads no more.
    #[error("nobody reads standard output")]
    StdoutGone,
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The system has not enough of something to give.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// The system refuses something that is always there.
    #[error("{what}: {source}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// Its reason.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// The system refused `what`.
    pub fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    /// Writing to standard output failed; that its reader left is no failure.
    pub fn stdout(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::StdoutGone,
            _ => Self::System { what: "cannot write to standard output", source: error },
        }
    }

    /// The sentence for the user; none where there is nothing to say.
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
            | Self::Output(_) => Some(self.with_sources()),
        }
    }

    /// The error and what is behind it, joined by `: `, unless it says that already.
    fn with_sources(&self) -> String {
        let mut sentence = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !sentence.contains(&text) {
                sentence = format!("{sentence}: {text}");
            }
            cause = error.source();
        }
        sentence
    }

    /// 0 done, 1 failed at run time, 2 usage or configuration, 130 interrupted; the code of a command
    /// that was all there was to listen to.
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
            | Self::Voice { configuration: false, .. }
            | Self::Engine(_)
            | Self::Control(_)
            | Self::Output(_)
            | Self::Limits(_)
            | Self::System { .. } => 1,
        })
    }
}
