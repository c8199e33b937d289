//! The command line, as parsed by `clap`. It is checked in [`crate::config`].
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// Speaks IRC channels, logs, commands and standard input, line by line, as they arrive.
#[derive(Debug, Parser)]
#[command(
    name = "irc-speak",
    version,
    about,
    args_conflicts_with_subcommands = false,
    after_help = "Without a command it reads standard input when that is a pipe or a file, and \
                  listens to the sources of the configuration file otherwise."
)]
pub struct Cli {
    /// What to listen to, or what to show.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to listen.
    #[command(flatten)]
    pub listening: Listening,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Follow log files; their format is recognised
    Tail(Tail),
    /// Join channels of an IRC server and listen
    Connect(Connect),
    /// Run a command and speak its output
    Run(Run),
    /// Show how far behind live a time-stamped log would have been spoken
    Simulate(Simulate),
    /// Show how each line of a log is read, filtered and spoken
    Explain(Explain),
    /// List the voices of the engine
    Voices,
    /// List the engines in this program
    Engines,
    /// List the sound devices
    Devices,
    /// List the known log formats
    Formats,
    /// List the known rule sets, or run their tests
    Filters {
        /// The action.
        #[command(subcommand)]
        action: Option<FiltersAction>,
    },
    /// Write, check or locate the configuration file
    Config {
        /// The action.
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Control the running listener
    Ctl {
        /// The command.
        #[command(subcommand)]
        action: Ctl,
    },
    /// Send a message through the running listener
    Say(Say),
    /// The voice process; started by the listener
    #[command(hide = true)]
    Voice,
    /// Run a command on a terminal of its own; started by the listener
    #[command(hide = true)]
    OnTerminal(OnTerminal),
    /// Restore the terminal if the listener is killed; started by the listener
    #[command(hide = true)]
    Guardian(Guardian),
}

/// Options of the guardian.
#[derive(Debug, Args)]
pub struct Guardian {
    /// Erase the status line
    #[arg(long)]
    pub status_line: bool,
}

/// Files to follow.
#[derive(Debug, Args)]
pub struct Tail {
    /// First speak the last N lines that are already there
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 2)]
    pub lines: u64,
    /// Stop at the end of the files
    #[arg(long)]
    pub no_follow: bool,
    /// Wait for files that do not exist yet
    #[arg(short = 'F', long)]
    pub retry: bool,
    /// Poll instead of using file events (network and FUSE file systems)
    #[arg(long)]
    pub poll: bool,
    /// Resume where each file was last heard, and keep the position
    #[arg(long)]
    pub resume: bool,
    /// The files; a folder, or a quoted name with *, ?, [a-z], ** or {date}, follows every file that
    /// matches, also those that appear later
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// A server and channels.
#[derive(Debug, Args)]
pub struct Connect {
    /// The server; the port is 6697, or 6667 with --no-tls, unless given
    #[arg(value_name = "HOST[:PORT]")]
    pub server: String,
    /// The channels; write "#channel key" for one that needs a key
    #[arg(required = true, value_name = "CHANNEL")]
    pub channels: Vec<String>,
    /// Connect without encryption
    #[arg(long)]
    pub no_tls: bool,
    /// The nick to use
    #[arg(long, value_name = "NICK")]
    pub nick: Option<String>,
    /// Keep trying if the server cannot be reached at first
    #[arg(long)]
    pub retry: bool,
}

/// A log to replay.
#[derive(Debug, Args)]
pub struct Simulate {
    /// A log with time stamps, or a table of seconds, kind, sender and text
    #[arg(value_name = "LOG")]
    pub log: PathBuf,
    /// Print the figures as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Measure how long the engine takes for each line, instead of estimating it
    #[arg(long)]
    pub measure: bool,
    /// Pause in between, and show how long it takes to be live again: 600s+5m pauses for five
    /// minutes, ten minutes in
    #[arg(long, value_name = "AT+FOR")]
    pub pause: Option<String>,
}

/// A log to explain.
#[derive(Debug, Args)]
pub struct Explain {
    /// The log; standard input if none is given, or for -
    #[arg(value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
    /// Show only what this configuration or rule set would change
    #[arg(long, value_name = "OTHER.toml")]
    pub diff: Option<PathBuf>,
}

/// Actions for rule sets.
#[derive(Debug, Subcommand)]
pub enum FiltersAction {
    /// Run the tests in the rule sets: the built-in ones, yours, and the files named
    Check {
        /// Rule set files; all known ones if none is given
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// A command to run.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Many programs buffer their output unless it goes to a terminal, so it is heard \
                  late, in blocks. Give them a terminal: irc-speak run --pty -- COMMAND. Or make \
                  them flush each line, with an option of their own (grep --line-buffered, \
                  python3 -u, sed -u) or with stdbuf, which works for most programs written in C: \
                  irc-speak run -- stdbuf -oL COMMAND. In a pipeline, only flushing helps: \
                  stdbuf -oL COMMAND | irc-speak."
)]
pub struct Run {
    /// Restart the command when it fails, after a second at first, later after up to five minutes
    #[arg(long)]
    pub retry: bool,
    /// Give the command a terminal, so that it flushes each line
    #[arg(long)]
    pub pty: bool,
    /// The command and its arguments, after --
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub command: Vec<OsString>,
}

/// A command, and its terminal.
#[derive(Debug, Args)]
pub struct OnTerminal {
    /// The terminal's name
    pub terminal: OsString,
    /// The command and its arguments, after --
    #[arg(required = true, last = true)]
    pub command: Vec<OsString>,
}

/// Actions for the configuration file.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigAction {
    /// Write a commented file with the defaults, unless there is one
    Init,
    /// Check the file
    Check,
    /// Print the path of the file
    Path,
}

/// Commands for the running listener.
#[derive(Debug, Subcommand)]
pub enum Ctl {
    /// Pause; new lines are queued
    Pause,
    /// Resume where the pause began
    Resume,
    /// Pause or resume
    Toggle,
    /// Skip the line that is being spoken
    Skip,
    /// Skip everything that is queued
    Live,
    /// Speak the last lines again
    Repeat {
        /// How many
        #[arg(default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        n: u32,
    },
    /// Repeat the previous line; each further time the one before it
    Back,
    /// Repeat from the last highlighted line on
    Highlight,
    /// Speak a tenth faster
    Faster,
    /// Speak a tenth slower
    Slower,
    /// Set the speech rate
    Rate {
        /// Words a minute
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        wpm: u32,
    },
    /// Set the volume
    Volume {
        /// Percent, 0 to 200
        #[arg(value_parser = clap::value_parser!(u8).range(0..=200))]
        percent: u8,
    },
    /// Mute a nick or a channel
    Mute(MuteWho),
    /// Unmute a nick or a channel
    Unmute(UnmuteWho),
    /// Print the status
    Status {
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the last lines that were not spoken, and why not
    Missed {
        /// At most N lines
        #[arg(default_value_t = 10)]
        n: u32,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the outcome of the last lines, and the rule that decided it
    Why {
        /// At most N lines
        #[arg(default_value_t = 10)]
        n: u32,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Switch between a voice for each speaker and one voice for all
    Voices,
    /// Reload the configuration
    Reload,
    /// Quit the listener
    Quit,
}

/// Whom to mute.
#[derive(Debug, Args)]
pub struct MuteWho {
    /// A nick or a #channel
    #[arg(required_unless_present = "all_but", value_name = "WHO")]
    pub who: Option<String>,
    /// All nicks except these
    #[arg(long, num_args = 1.., conflicts_with = "who", value_name = "NICK")]
    pub all_but: Vec<String>,
}

/// Whom to unmute.
#[derive(Debug, Args)]
pub struct UnmuteWho {
    /// A nick or a #channel
    #[arg(required_unless_present_any = ["all_but", "all"], value_name = "WHO")]
    pub who: Option<String>,
    /// All nicks except these
    #[arg(long, num_args = 1.., conflicts_with_all = ["who", "all"], value_name = "NICK")]
    pub all_but: Vec<String>,
    /// All nicks and channels
    #[arg(long, conflicts_with = "who")]
    pub all: bool,
}

/// A message to send.
#[derive(Debug, Args)]
pub struct Say {
    /// The channel or nick
    pub target: String,
    /// The text; write -- first if it begins with a hyphen
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "TEXT"
    )]
    pub words: Vec<String>,
}

/// When the sender's name is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Speaker {
    /// On every line
    Always,
    /// When the sender changes
    Change,
    /// Never
    Never,
}

/// The options of every command that listens.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Listening")]
pub struct Listening {
    /// The configuration file
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Speech rate in words a minute [default: 220]
    #[arg(short, long, global = true, value_name = "WPM")]
    pub rate: Option<u32>,
    /// Highest rate when lines queue up [default: 286, or 1.3 times --rate if that is more]
    #[arg(long, global = true, value_name = "WPM")]
    pub max_rate: Option<u32>,
    /// Speak each line within this time of its arrival, if that can be done [default: 20s]
    #[arg(long, global = true, value_name = "TIME")]
    pub max_lag: Option<String>,
    /// The engine's voice to speak with; "irc-speak voices" lists them [default: en-us]
    #[arg(long, global = true, value_name = "NAME")]
    pub voice: Option<String>,
    /// The speech engine; "irc-speak engines" lists them [default: espeak]
    #[arg(long, global = true, value_name = "NAME")]
    pub engine: Option<String>,
    /// Where the sound goes: a device, nowhere, or a WAV file [default: device]
    #[arg(long, global = true, value_name = "device|null|FILE.wav")]
    pub output: Option<PathBuf>,
    /// The sound device; "irc-speak devices" lists them [default: the system's]
    #[arg(long, global = true, value_name = "NAME")]
    pub device: Option<String>,
    /// Print what would be spoken, one line each, instead of speaking it
    #[arg(long, global = true)]
    pub text: bool,
    /// Print events as JSON, one object per line
    #[arg(long, global = true)]
    pub events: bool,
    /// Always speak lines whose text or sender matches
    #[arg(long, global = true, value_name = "REGEX")]
    pub keep: Vec<String>,
    /// Drop lines whose text or sender matches
    #[arg(long, global = true, value_name = "REGEX")]
    pub drop: Vec<String>,
    /// Use this rule set as well; "irc-speak filters" lists them
    #[arg(long, global = true, value_name = "NAME")]
    pub filter: Vec<String>,
    /// The log format; "irc-speak formats" lists them [default: recognised]
    #[arg(long, global = true, value_name = "NAME")]
    pub format: Option<String>,
    /// When to speak the sender's name [default: change]
    #[arg(long, global = true, value_name = "WHEN")]
    pub speaker: Option<Speaker>,
    /// Print plain lines on the terminal: no marks, no status line
    #[arg(long, global = true)]
    pub plain: bool,
    /// Print less on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more on standard error; twice for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

#[test]
fn the_definitions_agree_with_each_other() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}
