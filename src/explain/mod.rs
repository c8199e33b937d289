//! Shows how each line of a log is read, filtered and spoken, for people who write rules. Knows the
//! pipeline up to the spoken text, and nothing of queue and voice.
//!
//! A log is read once, a piece at a time: memory does not grow with it.
#![forbid(unsafe_code)]

pub(crate) mod check;
mod diff;
pub(crate) mod lexicons;
mod row;
mod rule_run;
mod rule_stats;
mod terminal;
mod view;

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cli::{Explain, Listening};
use crate::clock;
use crate::config::settings::Settings;
use crate::diagnostics::reason;
use crate::error::Error;
use crate::message::{Line, SourceId};
use crate::source::SourceError;
use crate::source::lines::{Lines, Splitter};
use crate::source::tail::TailError;
use diff::Difference;
use row::Row;
use rule_run::RuleRun;
use terminal::Terminal;
use view::View;

/// The bytes that are read at once.
const READ: usize = 256 * 1024;

/// The lines by which the format is recognised before the first is explained.
const SAMPLE: usize = 200;

/// After this long a pause of a pipe, the lines read so far are explained.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 300_000_000 };

/// `irc-speak explain`.
pub(crate) fn run(arguments: &Explain, options: &Listening) -> Result<(), Error> {
    let path = arguments.log.as_deref().filter(|path| *path != Path::new("-"));
    let name = path.unwrap_or(Path::new("stdin"));
    let settings = Settings::for_log(options, name)?;
    let knows_format = settings.format.is_some();
    let input = match path {
        Some(path) => File::open(path),
        None => io::stdin().as_fd().try_clone_to_owned().map(File::from),
    };
    let input = input.map_err(|error| unreadable(path, &error))?;
    let other = arguments.diff.as_deref().map(|other| diff::settings(other, options, name));
    let other = other.transpose()?;
    let mut runs = match other {
        None => RuleRuns::One(Box::new(RuleRun::new(settings, name))),
        Some((changed, notice)) => {
            if !options.quiet {
                eprintln!("{notice}");
            }
            let runs = (RuleRun::new(settings, name), RuleRun::new(changed, name));
            RuleRuns::Two(Box::new(runs), Difference::default())
        }
    };
    let terminal = Terminal::stdout();
    let output = if arguments.json { Output::Json } else { Output::Human(View::new(terminal)) };
    let mut log = Log { input, path: path.map(Path::to_path_buf), splitter: Splitter::default() };
    let mut out = Printer { out: BufWriter::with_capacity(READ, io::stdout().lock()), output };
    if let Err(error) = explain(&mut log, knows_format, &mut runs, &mut out) {
        // Print what was explained before the error.
        out.flush()?;
        return Err(error);
    }
    if !options.quiet {
        eprint!("{}", runs.summary());
    }
    Ok(())
}

/// Explains `log` to its end.
fn explain(
    log: &mut Log,
    knows_format: bool,
    runs: &mut RuleRuns,
    out: &mut Printer<impl Write>,
) -> Result<(), Error> {
    let mut waiting = Vec::new();
    let mut unsampled = if knows_format { 0 } else { SAMPLE };
    loop {
        let lines = log.read()?;
        let ended = lines.is_none();
        if let Some(lines) = lines {
            if unsampled > 0 {
                unsampled = unsampled.saturating_sub(lines.iter().count());
                runs.sample(&lines);
            }
            waiting.push(lines);
        }
        // A slow pipe's lines are shown when they come; the format is recognised by those so far.
        if unsampled == 0 || ended || log.pauses() {
            unsampled = 0;
            for line in waiting.iter().flat_map(Lines::iter) {
                runs.line(line, out).map_err(Error::stdout)?;
            }
            waiting.clear();
            out.flush()?;
        }
        if ended {
            return Ok(());
        }
    }
}

/// The rules that lines are explained by: one set of them, or those before and after a change.
enum RuleRuns {
    One(Box<RuleRun>),
    Two(Box<(RuleRun, RuleRun)>, Difference),
}

impl RuleRuns {
    fn sample(&mut self, lines: &Lines) {
        match self {
            Self::One(side) => side.sample(lines),
            Self::Two(runs, _) => {
                let (before, after) = &mut **runs;
                before.sample(lines);
                after.sample(lines);
            }
        }
    }

    fn line(&mut self, line: Line<'_>, out: &mut Printer<impl Write>) -> io::Result<()> {
        match self {
            Self::One(side) => side.explain(line, |row| out.row(row)),
            Self::Two(runs, difference) => {
                let (before, after) = &mut **runs;
                before.explain(line.clone(), |before| {
                    after.explain(line, |after| {
                        let differs = difference.count(before, after);
                        if differs { out.change(before, after) } else { Ok(()) }
                    })
                })
            }
        }
    }

    fn summary(&self) -> String {
        match self {
            Self::One(side) => side.tally.summary(side.rules()) + &side.recognised(),
            Self::Two(runs, difference) => {
                format!("{difference}{}", runs.1.tally.never(runs.1.rules()))
            }
        }
    }
}

/// Where rows go, and in which form.
struct Printer<W> {
    out: W,
    output: Output,
}

enum Output {
    Json,
    Human(View),
}

impl<W: Write> Printer<W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        match &mut self.output {
            Output::Json => row::json(row, None, &mut self.out),
            Output::Human(view) => view.row(row, &mut self.out),
        }
    }

    fn change(&mut self, before: &Row<'_>, after: &Row<'_>) -> io::Result<()> {
        match &mut self.output {
            Output::Json => row::json(after, Some(before), &mut self.out),
            Output::Human(view) => view.change(before, after, &mut self.out),
        }
    }

    /// Writes everything held back.
    fn flush(&mut self) -> Result<(), Error> {
        let shown = match &mut self.output {
            Output::Json => Ok(()),
            Output::Human(view) => view.flush(&mut self.out),
        };
        shown.and_then(|()| self.out.flush()).map_err(Error::stdout)
    }
}

/// The log that is explained.
struct Log {
    input: File,
    path: Option<PathBuf>,
    splitter: Splitter,
}

impl Log {
    /// Whether nothing comes for a while; false for a regular file.
    fn pauses(&self) -> bool {
        let mut inputs = [PollFd::new(&self.input, PollFlags::IN)];
        poll(&mut inputs, Some(&PAUSE)).is_ok_and(|n_ready| n_ready == 0)
    }

    /// The next whole lines; none at the end.
    fn read(&mut self) -> Result<Option<Lines>, Error> {
        let lines = |bytes| Lines::new(SourceId(0), bytes, clock::now());
        let mut buffer = vec![0; READ];
        loop {
            match self.input.read(&mut buffer) {
                Ok(0) => return Ok(self.splitter.flush().map(lines)),
                Ok(n) => {
                    if let Some(bytes) = self.splitter.push(&buffer[..n]) {
                        return Ok(Some(lines(bytes)));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(self.path.as_deref(), &error)),
            }
        }
    }
}

fn unreadable(path: Option<&Path>, error: &io::Error) -> Error {
    Error::Source(match path {
        Some(path) => TailError::Unreadable { path: path.to_owned(), why: reason(error) }.into(),
        None => SourceError::Stdin(io::Error::from(error.kind())),
    })
}
