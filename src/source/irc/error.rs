//! Why a server cannot be listened to, as messages for users.
#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use super::name::ServerAddress;
use crate::diagnostics;
use crate::source::backoff::Class;

/// How long a server's address may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(15);

/// Why a server cannot be listened to.
#[derive(Debug, thiserror::Error)]
pub enum IrcError {
    /// An invalid nick or channel name.
    #[error("{0}")]
    Wrong(String),
    /// A name without an address.
    #[error("{host}: no address found: {why}")]
    Lookup {
        /// The name.
        host: String,
        /// The system's reason.
        why: String,
    },
    /// No connection.
    #[error("{server}: {why}")]
    Connect {
        /// The server.
        server: ServerAddress,
        /// The system's reason.
        why: String,
    },
    /// A connection, but no TLS.
    #[error("{server}: {why}")]
    Tls {
        /// The server.
        server: ServerAddress,
        /// The reason.
        why: String,
    },
    /// An untrusted certificate.
    #[error("{server}: its certificate is not trusted: {why}")]
    Untrusted {
        /// The server.
        server: ServerAddress,
        /// The reason.
        why: String,
    },
    /// A connection that ended before the server let us in.
    #[error("{server}: {}", ending.why)]
    Refused {
        /// The server.
        server: ServerAddress,
        /// How it ended.
        ending: Parting,
    },
}

/// How a connection ended before the server let us in.
#[derive(Debug)]
pub struct Parting {
    pub(super) why: String,
    pub(super) class: Class,
}

impl IrcError {
    /// What it means for the next try.
    pub(super) fn class(&self) -> Class {
        match self {
            Self::Refused { ending, .. } => ending.class,
            // Only a person can fix that: no use trying every few seconds.
            Self::Untrusted { .. } | Self::Wrong(_) => Class::Throttled,
            Self::Lookup { .. } | Self::Connect { .. } | Self::Tls { .. } => Class::Ordinary,
        }
    }
}

/// The system's error text, for use inside a message.
pub(super) fn reason(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::TimedOut {
        return format!("no answer within {} s", ANSWER.as_secs());
    }
    diagnostics::reason(error)
}

#[test]
fn system_errors_read_well_inside_a_message() {
    for (error, text) in [
        (io::Error::from_raw_os_error(111), "connection refused"),
        (io::ErrorKind::TimedOut.into(), "no answer within 15 s"),
    ] {
        assert_eq!(reason(&error), text);
    }
}
