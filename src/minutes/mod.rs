//! `irc-speak minutes`: the minutes of the meetings in logs. A log is read once, a piece at a time.
#![forbid(unsafe_code)]

mod found;
mod json;
mod text;

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use self::found::Found;
use crate::cli::{Listening, Minutes as Arguments};
use crate::clock;
use crate::config::settings::Settings;
use crate::diagnostics::{quoted, reason};
use crate::error::Error;
use crate::filter::Filter;
use crate::list;
use crate::meeting::{Meetings, Minutes};
use crate::message::SourceId;
use crate::pipeline::Pipeline;
use crate::source::SourceError;
use crate::source::lines::{Lines, Splitter};
use crate::source::tail::TailError;

/// The bytes that are read at once.
const READ: usize = 256 * 1024;

/// Prints the minutes of all meetings in the logs; an error if there is none.
pub(crate) fn run(arguments: &Arguments, options: &Listening) -> Result<(), Error> {
    let mut nicks = arguments.nick.clone();
    nicks.extend(Settings::nicks(options)?);
    let mut found = Vec::new();
    for log in &arguments.logs {
        let meetings = meetings_in(log, options)?;
        found.extend(meetings.into_iter().map(|minutes| Found { log, minutes }));
    }
    if arguments.json {
        list::text(&json::of(&found, &nicks))?;
    } else {
        list::text(&text::of(&found, &nicks))?;
    }
    if found.is_empty() { Err(Error::NoMeeting(named(&arguments.logs))) } else { Ok(()) }
}

/// The logs, as part of a message.
fn named(logs: &[PathBuf]) -> String {
    match logs {
        [log] if log == Path::new("-") => "standard input".to_owned(),
        [log] => quoted(log),
        logs => format!("{} logs", logs.len()),
    }
}

/// The minutes of the meetings in `path`, in order.
fn meetings_in(path: &Path, options: &Listening) -> Result<Vec<Minutes>, Error> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { Path::new("stdin") } else { path };
    let Settings { format, grammars, phrasing, .. } = Settings::for_log(options, name)?;
    let input = if is_stdin {
        io::stdin().as_fd().try_clone_to_owned().map(File::from)
    } else {
        File::open(path)
    };
    let unreadable = |error: io::Error| unreadable(path, is_stdin, &error);
    let mut input = input.map_err(unreadable)?;
    // No rule applies: the minutes are of what was said.
    let name = name.to_string_lossy().into_owned();
    let filter = Filter::new(Vec::new());
    let mut pipeline = Pipeline::new([name], &grammars, format.as_deref(), filter, phrasing);
    let mut meetings = Meetings::collecting();
    let mut is_first = true;
    let mut splitter = Splitter::default();
    while let Some(lines) = read(&mut input, &mut splitter).map_err(unreadable)? {
        if std::mem::take(&mut is_first) {
            pipeline.sample(&lines);
        }
        for line in lines.iter() {
            pipeline.explain(line, |explained| drop(meetings.hear(&explained.message)));
        }
    }
    Ok(meetings.finish())
}

/// The next whole lines; none at the end.
fn read(input: &mut File, splitter: &mut Splitter) -> io::Result<Option<Lines>> {
    let lines = |bytes| Lines::new(SourceId(0), bytes, clock::now());
    let mut buffer = vec![0; READ];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(splitter.flush().map(lines)),
            Ok(n) => {
                if let Some(bytes) = splitter.push(&buffer[..n]) {
                    return Ok(Some(lines(bytes)));
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn unreadable(path: &Path, is_stdin: bool, error: &io::Error) -> Error {
    Error::Source(if is_stdin {
        SourceError::Stdin(io::Error::from(error.kind()))
    } else {
        TailError::Unreadable { path: path.to_owned(), why: reason(error) }.into()
    })
}
