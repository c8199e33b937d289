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
mod limits;
mod list;
mod listener;
pub mod message;
pub mod phrase;
mod pipeline;
mod queue;
mod simulate;
pub mod source;
mod speaker;
mod text;
mod toml_file;
mod units;
mod voice;
mod wire;

pub use cli::Cli;
pub use error::Error;

use cli::{Command, FiltersAction};
use config::settings::Settings;

/// How long the end waits for what cannot be cancelled: looking up a server's name, listing a
/// folder of a file system that hangs.
const SHUTDOWN_LIMIT: std::time::Duration = std::time::Duration::from_millis(50);

/// Executes the command line.
pub fn run(cli: Cli) -> Result<(), Error> {
    let cli = &cli.merged()?;
    match &cli.command {
        Some(Command::Voice) => {
            if let Err(error) = limits::check(limits::VOICE) {
                return engine::process::refuse(&error.to_string())
                    .map_err(Error::system("the voice process failed"));
            }
            return engine::process::run().map_err(Error::system("the voice process failed"));
        }
        Some(Command::Guardian { status_line }) => {
            control::guardian::run(*status_line);
            return Ok(());
        }
        Some(Command::OnTerminal(it)) => {
            let begun = source::command::terminal::begin(&it.terminal, &it.command);
            return begun.map_err(Error::system("the command does not start"));
        }
        _ => log(&cli.listening),
    }
    limits::check(needs(cli))?;
    match &cli.command {
        Some(Command::Simulate(simulate)) => list::simulate(simulate, &cli.listening),
        Some(Command::Explain(explain)) => explain::run(explain, &cli.listening),
        Some(Command::Voices { .. }) => list::voices(&cli.listening),
        Some(Command::Engines) => list::engines(),
        Some(Command::Devices) => list::devices(),
        Some(Command::Formats) => list::formats(),
        Some(Command::Filters { action: None }) => list::filters(),
        Some(Command::Filters { action: Some(FiltersAction::Check { files }) }) => {
            explain::check::run(files)
        }
        Some(Command::Config { action, .. }) => list::config(*action, &cli.listening),
        Some(Command::Ctl { action }) => list::text(&control::client::run(action)?),
        Some(Command::Say(say)) => list::text(&control::client::run(&say.command())?),
        Some(
            Command::Tail(_)
            | Command::Connect(_)
            | Command::Run(_)
            | Command::Voice
            | Command::OnTerminal(_)
            | Command::Guardian { .. },
        )
        | None => {
            let settings = Settings::load(cli)?;
            let runtime = runtime()?;
            let ended = runtime.block_on(driver::run(settings, &|| Settings::load(cli)));
            runtime.shutdown_timeout(SHUTDOWN_LIMIT);
            ended
        }
    }
}

/// The system resources that the command needs.
fn needs(cli: &Cli) -> limits::Needs {
    match &cli.command {
        Some(Command::Tail(_) | Command::Connect(_) | Command::Run(_)) | None => {
            if cli.listening.text { limits::TEXT } else { limits::SPEECH }
        }
        // These use an engine or the sound system.
        Some(
            Command::Simulate(_)
            | Command::Voices { .. }
            | Command::Devices
            | Command::Config { .. },
        ) => limits::VOICE,
        Some(
            Command::Explain(_)
            | Command::Engines
            | Command::Formats
            | Command::Filters { .. }
            | Command::Ctl { .. }
            | Command::Say(_)
            | Command::Voice
            | Command::OnTerminal(_)
            | Command::Guardian { .. },
        ) => limits::FEW,
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
