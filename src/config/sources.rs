//! The sources: from the command line, standard input or the configuration file.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::file::{self, Loaded};
use crate::cli::{Cli, Command, Connect, Run, SayAs, Tail};
use crate::diagnostics::ConfigError;
use crate::diagnostics::quoted;
use crate::source::SourceSpec;
use crate::source::command::CommandSpec;
use crate::source::irc::{self, IrcSpec};
use crate::source::tail::TailSpec;

/// The nick where none is given.
const NICK: &str = "irc-speak";

/// The sources of the command line, else standard input, else the file's sources.
pub(super) fn sources(cli: &Cli, file: Option<&Loaded>) -> Result<Vec<SourceSpec>, ConfigError> {
    match &cli.command {
        Some(Command::Tail(tail)) => tails(tail),
        Some(Command::Connect(connect)) => Ok(vec![connection(connect)?]),
        Some(Command::Run(run)) => Ok(vec![command(run)]),
        Some(Command::SayAs(SayAs { words, .. })) if !words.is_empty() => {
            Ok(vec![SourceSpec::Text(words.join(" "))])
        }
        Some(Command::SayAs(_)) if !stdin_has_lines() => {
            Err(ConfigError::Wrong(NO_TEXT.to_owned()))
        }
        _ if stdin_has_lines() => Ok(vec![SourceSpec::Stdin]),
        _ => {
            let sources = configured(file)?;
            if sources.is_empty() {
                return Err(ConfigError::Wrong(NOTHING.to_owned()));
            }
            Ok(sources)
        }
    }
}

const NOTHING: &str = "nothing to listen to; pipe lines in, name a log (irc-speak tail FILE) or a \
                       channel (irc-speak connect SERVER CHANNEL), or list sources in the \
                       configuration file; irc-speak --help says more";

const NO_TEXT: &str = "nothing to speak; write a text (irc-speak say-as TEXT), or pipe lines in";

/// Whether standard input is a pipe, a socket or a file.
fn stdin_has_lines() -> bool {
    if std::io::stdin().is_terminal() {
        return false;
    }
    std::fs::metadata("/dev/stdin").is_ok_and(|stdin| {
        let kind = stdin.file_type();
        kind.is_fifo() || kind.is_socket() || kind.is_file()
    })
}

fn tails(tail: &Tail) -> Result<Vec<SourceSpec>, ConfigError> {
    let bookmarks = bookmarks(tail.resume)?;
    for path in &tail.files {
        let wrong = |problem| ConfigError::Wrong(format!("FILE {}: {problem}", quoted(path)));
        TailSpec::check(path).map_err(wrong)?;
    }
    let spec = |path: &PathBuf| {
        SourceSpec::Tail(TailSpec {
            path: expand_home(path), // the shell does not expand it in quotes
            lines: tail.lines,
            follow: !tail.no_follow,
            retry: tail.retry,
            poll: tail.poll,
            bookmarks: bookmarks.clone(),
        })
    };
    Ok(tail.files.iter().map(spec).collect())
}

/// The folder of the bookmarks, if they are `wanted`.
fn bookmarks(wanted: bool) -> Result<Option<PathBuf>, ConfigError> {
    let nowhere = "neither HOME nor XDG_STATE_HOME is set; resume has no place for its bookmarks";
    match file::state_folder() {
        _ if !wanted => Ok(None),
        Some(folder) => Ok(Some(folder)),
        None => Err(ConfigError::Wrong(nowhere.to_owned())),
    }
}

fn command(run: &Run) -> SourceSpec {
    let Run { command: words, retry, pty, .. } = run.clone();
    SourceSpec::Command(CommandSpec { words, retry, pty })
}

fn connection(connect: &Connect) -> Result<SourceSpec, ConfigError> {
    let port = if connect.no_tls { 6667 } else { 6697 };
    let address = irc::ServerAddress::parse(&connect.server, port).map_err(ConfigError::Wrong)?;
    for channel in &connect.channels {
        irc::ChannelSpec::parse(channel).map_err(ConfigError::Wrong)?;
    }
    let nick = connect.nick.as_deref().unwrap_or(NICK);
    irc::Nick::parse(nick).map_err(ConfigError::Wrong)?;
    Ok(SourceSpec::Irc(IrcSpec {
        host: address.host,
        port: address.port,
        tls: !connect.no_tls,
        nick: nick.to_owned(),
        channels: connect.channels.clone(),
        retry: connect.retry,
    }))
}

/// The nicks that connections take.
pub(crate) fn nicks(sources: &[SourceSpec]) -> Vec<String> {
    let nick = |source: &SourceSpec| match source {
        SourceSpec::Irc(irc) => Some(irc.nick.clone()),
        SourceSpec::Stdin | SourceSpec::Text(_) | SourceSpec::Tail(_) | SourceSpec::Command(_) => {
            None
        }
    };
    sources.iter().filter_map(nick).collect()
}

/// The sources of the file. Files that do not exist yet are waited for, and the first connection to
/// a server is retried.
pub(super) fn configured(file: Option<&Loaded>) -> Result<Vec<SourceSpec>, ConfigError> {
    let Some(loaded) = file else { return Ok(vec![]) };
    loaded.file.source.iter().map(|source| configured_source(loaded, source)).collect()
}

fn configured_source(loaded: &Loaded, source: &file::Source) -> Result<SourceSpec, ConfigError> {
    match (&source.tail, &source.connect, &source.run) {
        (Some(path), None, None) => configured_tail(loaded, source, path),
        (None, Some(server), None) => configured_server(loaded, source, server),
        (None, None, Some(command)) if !command.get_ref().is_empty() => {
            let words = command.get_ref().iter().map(OsString::from).collect();
            Ok(SourceSpec::Command(CommandSpec { words, retry: source.retry, pty: source.pty }))
        }
        (None, None, Some(command)) => Err(loaded.error(command, "run names no command")),
        _ => {
            let problem = "a source has one of tail, connect and run";
            Err(ConfigError::Wrong(format!("{}: {problem}", loaded.path.display())))
        }
    }
}

fn configured_tail(
    loaded: &Loaded,
    source: &file::Source,
    tail: &Spanned<PathBuf>,
) -> Result<SourceSpec, ConfigError> {
    let path = expand_home(tail.get_ref());
    TailSpec::check(&path).map_err(|problem| loaded.error(tail, problem))?;
    Ok(SourceSpec::Tail(TailSpec {
        path,
        lines: source.lines.unwrap_or(2),
        follow: true,
        retry: true,
        poll: source.poll,
        bookmarks: bookmarks(source.resume)?,
    }))
}

fn configured_server(
    loaded: &Loaded,
    source: &file::Source,
    server: &Spanned<String>,
) -> Result<SourceSpec, ConfigError> {
    let tls = source.tls.unwrap_or(true);
    let port = if tls { 6697 } else { 6667 };
    let address = irc::ServerAddress::parse(server.get_ref(), port)
        .map_err(|problem| loaded.error(server, problem))?;
    let channels = source.channels.as_deref().unwrap_or_default();
    if channels.is_empty() {
        return Err(loaded.error(server, "a server needs channels = [\"#channel\"]"));
    }
    for channel in channels {
        irc::ChannelSpec::parse(channel.get_ref())
            .map_err(|problem| loaded.error(channel, problem))?;
    }
    if let Some(nick) = &source.nick {
        irc::Nick::parse(nick.get_ref()).map_err(|problem| loaded.error(nick, problem))?;
    }
    let nick = source.nick.as_ref().map_or(NICK, |nick| nick.get_ref().as_str());
    Ok(SourceSpec::Irc(IrcSpec {
        host: address.host,
        port: address.port,
        tls,
        nick: nick.to_owned(),
        channels: channels.iter().map(|it| it.get_ref().clone()).collect(),
        retry: true,
    }))
}

/// Replaces `~/` at the beginning by the user's home, as a shell does.
fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}
