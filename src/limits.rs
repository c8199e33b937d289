//! Checks at the start that enough files can be opened and threads started: without them, libraries
//! panic or hang, and an early error is more useful.
#![forbid(unsafe_code)]

use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc::channel;
use std::thread::{self, Builder};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The files and threads that are needed in addition to those in use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// Files, pipes, sockets.
    pub files: usize,
    /// Threads and processes.
    pub threads: usize,
}

/// To read files and print.
pub(crate) const FEW: Needs = Needs { files: 4, threads: 0 };

/// To listen and print.
pub(crate) const TEXT: Needs = Needs { files: 16, threads: 4 };

/// To listen and speak, including the voice process's threads.
pub(crate) const SPEECH: Needs = Needs { files: 24, threads: 8 };

/// The voice process, or a query to an engine.
pub(crate) const VOICE: Needs = Needs { files: 10, threads: 4 };

/// The system's limits are too low.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// Files.
    #[error(
        "only {n} more files may be open here, {needed} are needed; \"ulimit -n\", or the service's \
         LimitNOFILE, allows more"
    )]
    Files {
        /// How many could be opened.
        n: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Threads.
    #[error(
        "only {n} more threads can be started here, {needed} are needed ({why}); \"ulimit -u\" and \
         \"ulimit -v\", or the service's TasksMax, allow more"
    )]
    Threads {
        /// How many could be started.
        n: usize,
        /// How many are needed.
        needed: usize,
        /// The system's reason.
        why: io::Error,
    },
}

/// Checks that `needs` can be met, by opening the files and starting the threads.
pub(crate) fn check(needs: Needs) -> Result<(), LimitError> {
    let mut files = Vec::new();
    for n in 0..needs.files {
        let file = io::stderr().as_fd().try_clone_to_owned();
        files.push(file.map_err(|_| LimitError::Files { n, needed: needs.files })?);
    }
    drop(files);
    threads(needs.threads)
}

/// Checks that one more thread can be started: some libraries panic otherwise.
pub(crate) fn check_thread() -> io::Result<()> {
    threads(1).map_err(|error| match error {
        LimitError::Threads { why, .. } => why,
        LimitError::Files { .. } => io::ErrorKind::Other.into(), // none is opened
    })
}

fn threads(needed: usize) -> Result<(), LimitError> {
    let mut held = Vec::new();
    let mut refused = None;
    for n in 0..needed {
        let (release, end) = channel::<()>();
        match Builder::new().spawn(move || end.recv().is_err()) {
            Ok(thread) => held.push((release, thread)),
            Err(why) => {
                refused = Some(LimitError::Threads { n, needed, why });
                break;
            }
        }
    }
    let (releases, threads): (Vec<_>, Vec<thread::JoinHandle<bool>>) = held.into_iter().unzip();
    drop(releases);
    for thread in threads {
        if thread.join().is_err() {
            tracing::debug!("a thread that only waits has failed");
        }
    }
    refused.map_or(Ok(()), Err)
}

/// Raises the limit of open files to the maximum; returns the limit.
pub(crate) fn raise_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit { current: limit.maximum, ..limit };
    let current = match setrlimit(Resource::Nofile, all) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the number of open files stays limited");
            limit.current
        }
    };
    current.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)
}

#[test]
fn an_error_names_what_is_missing_and_needed() {
    assert!(check(Needs { files: 1, threads: 3 }).is_ok());
    let why = io::Error::from_raw_os_error(libc::EAGAIN);
    let message = LimitError::Threads { n: 1, needed: 4, why }.to_string();
    assert!(message.starts_with("only 1 more threads can be started here, 4 are needed (Resource"));
}
