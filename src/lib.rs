//! irc-speak turns a stream of text into speech as it arrives.
//!
//! Reading waits for speech only where a source floods, and no line is lost without being counted.
//! The path of a line, and the modules' dependencies, are described in `docs/ARCHITECTURE.md`.

mod audio;
mod cli;
pub mod clock;
mod config;
pub mod control;
mod diagnostics;
mod driver;
mod engine;
mod error;
mod executable;
mod explain;
pub mod filter;
pub mod format;
mod journal;
pub mod language;
mod limits;
mod list;
mod listener;
pub mod meeting;
pub mod message;
mod minutes;
mod names;
pub mod phrase;
mod pipeline;
mod queue;
mod simulate;
pub mod source;
mod speaker;
mod text;
mod toml_file;
pub mod units;
mod voice;
mod wire;

pub use cli::Cli;
pub use error::Error;

use cli::{Command, FiltersAction, LexiconsAction, OnTerminal};
use config::settings::Settings;
use source::command::terminal;

/// How long the end waits for what cannot be cancelled: looking up a server's name, listing a
/// folder of a file system that hangs.
const SHUTDOWN_LIMIT: std::time::Duration = std::time::Duration::from_millis(50);

/// Executes the command line.
pub fn run(cli: Cli) -> Result<(), Error> {
    let cli = &cli.merged()?;
    if let Some(needs) = needs(cli) {
        log(&cli.listening);
        limits::check(needs)?;
    }
    match &cli.command {
        Some(Command::Tail(_) | Command::Connect(_) | Command::Run(_) | Command::SayAs(_))
        | None => listen(cli),
        Some(Command::Simulate(simulate)) => list::simulate(simulate, &cli.listening),
        Some(Command::Explain(explain)) => explain::run(explain, &cli.listening),
        Some(Command::Minutes(minutes)) => minutes::run(minutes, &cli.listening),
        Some(Command::Voices { .. }) => list::voices(&cli.listening),
        Some(Command::Engines) => list::engines(),
        Some(Command::Devices) => list::devices(),
        Some(Command::Formats) => list::formats(),
        Some(Command::Filters { action: None }) => list::filters(),
        Some(Command::Filters { action: Some(FiltersAction::Check { files }) }) => {
            explain::check::run(files)
        }
        Some(Command::Lexicons { action: None }) => list::lexicons(),
        Some(Command::Lexicons { action: Some(LexiconsAction::Check { files }) }) => {
            explain::lexicons::run(files)
        }
        Some(Command::Config { action, .. }) => list::config(*action, &cli.listening),
        Some(Command::Ctl { action }) => ctl(action),
        Some(Command::Say(say)) => ctl(&say.command()),
        Some(Command::Voice) => voice_process().map_err(Error::system("the voice process failed")),
        Some(Command::OnTerminal(OnTerminal { terminal, command })) => {
            terminal::begin(terminal, command).map_err(Error::system("the command does not start"))
        }
        Some(Command::Guardian { status_line }) => {
            control::guardian::run(*status_line);
            Ok(())
        }
    }
}

/// The system resources that the command needs; none for those that the listener starts, which
/// neither check them here nor log.
fn needs(cli: &Cli) -> Option<limits::Needs> {
    match &cli.command {
        Some(Command::Tail(_) | Command::Connect(_) | Command::Run(_) | Command::SayAs(_))
        | None => Some(if cli.listening.text { limits::TEXT } else { limits::SPEECH }),
        // These use an engine or the sound system.
        Some(
            Command::Simulate(_)
            | Command::Voices { .. }
            | Command::Devices
            | Command::Config { .. },
        ) => Some(limits::VOICE),
        Some(
            Command::Explain(_)
            | Command::Minutes(_)
            | Command::Engines
            | Command::Formats
            | Command::Filters { .. }
            | Command::Lexicons { .. }
            | Command::Ctl { .. }
            | Command::Say(_),
        ) => Some(limits::FEW),
        Some(Command::Voice | Command::OnTerminal(_) | Command::Guardian { .. }) => None,
    }
}

/// Speaks the sources as their lines arrive.
fn listen(cli: &Cli) -> Result<(), Error> {
    let settings = Settings::load(cli)?;
    let runtime = runtime()?;
    let ended = runtime.block_on(driver::run(settings, &|| Settings::load(cli)));
    runtime.shutdown_timeout(SHUTDOWN_LIMIT);
    ended
}

/// Sends a command to the running listener, and prints its reply.
fn ctl(command: &control::Command) -> Result<(), Error> {
    list::text(&control::client::run(command)?)
}

/// The voice process, which reports limits that are too low instead of printing them.
fn voice_process() -> std::io::Result<()> {
    match limits::check(limits::VOICE) {
        Ok(()) => engine::process::run(),
        Err(error) => engine::process::refuse(&error.to_string()),
    }
}

/// One thread for all tasks, which run for microseconds between two waits, and a few for blocking
/// calls. The first of those is started now and kept, since tokio panics if it has none and the
/// system allows no more threads.
fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    const FOR_EVER: std::time::Duration = std::time::Duration::from_secs(u32::MAX as u64);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(32)
        .thread_keep_alive(FOR_EVER)
        .build()
        .map_err(Error::system("cannot start"))?;
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}

/// Logs to standard error: warnings, or as set by `--quiet` and `--verbose`.
fn log(options: &cli::Listening) {
    use tracing::level_filters::LevelFilter;
    let level = match (options.quiet, options.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .init();
}
