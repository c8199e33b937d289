//! Why a command's output cannot be spoken.
#![forbid(unsafe_code)]

use std::io;
use std::path::PathBuf;

use crate::diagnostics::quoted;
use crate::source::notice::{Notice, Wording};

/// Why a command's output cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is nothing to run.
    #[error("no command; name one after \"--\"")]
    Empty,
    /// The command does not start.
    #[error("cannot run {}: {why}", quoted(program))]
    Unstartable {
        /// The program as given.
        program: PathBuf,
        /// The system's reason.
        why: String,
        /// Whether another try cannot succeed.
        is_final: bool,
    },
    /// The command ended with an exit code other than 0.
    #[error("{} exited with code {code}", quoted(program))]
    Failed {
        /// The program as given.
        program: PathBuf,
        /// Its exit code.
        code: i32,
    },
    /// The command was ended by a signal that we did not send.
    #[error("{} was ended by signal {signal}", quoted(program))]
    Killed {
        /// The program as given.
        program: PathBuf,
        /// The signal's number.
        signal: i32,
    },
    /// The state of the command cannot be read.
    #[error("cannot wait for {}: {why}", quoted(program))]
    Lost {
        /// The program as given.
        program: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
}

impl CommandError {
    /// The exit code of the command as in a shell; none for an error of this program.
    pub fn exit_code(&self) -> Option<u8> {
        match self {
            Self::Failed { code, .. } => u8::try_from(*code).ok(),
            Self::Killed { signal, .. } => u8::try_from(*signal).ok()?.checked_add(128),
            Self::Empty | Self::Unstartable { .. } | Self::Lost { .. } => None,
        }
    }

    /// The error as news to be spoken.
    pub fn notice(&self) -> Notice {
        match self {
            Self::Failed { program, code } => Notice::new(Wording::COMMAND_ENDED)
                .with("command", program.display().to_string())
                .with("code", code.to_string()),
            Self::Killed { program, signal } => Notice::new(Wording::COMMAND_KILLED)
                .with("command", program.display().to_string())
                .with("signal", signal.to_string()),
            Self::Empty | Self::Unstartable { .. } | Self::Lost { .. } => {
                Notice::new(Wording::AS_IT_IS).with("text", self.to_string())
            }
        }
    }
}
