//! The command line, as `clap` reads it. What it means is checked in [`crate::config`].
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
    /// Speak what a command prints
    Run(Run),
    /// Replay a time-stamped log over a virtual clock: how far behind live one would have been
    Simulate(Simulate),
    /// Tell for each line of a log whether it is spoken, by which rule, and in which words
    Explain(Explain),
    /// List the voices of the engine
    Voices,
    /// List the engines in this program
    Engines,
    /// List the sound devices
    Devices,
    /// List the log formats that are known
    Formats,
    /// List the rule sets that are known, or check them
    Filters {
        /// What about them.
        #[command(subcommand)]
        action: Option<FiltersAction>,
    },
    /// The configuration file: write a commented one, check it, or tell where it is
    Config {
        /// What about it.
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Steer the listener that runs
    Ctl {
        /// What it is to do.
        #[command(subcommand)]
        action: Ctl,
    },
    /// Say a line in a channel, or to a nick, through the listener that runs
    Say(Say),
    /// The voice process; started by the listener
    #[command(hide = true)]
    Voice,
    /// Becomes a command on a terminal of its own; started by the listener
    #[command(hide = true)]
    OnTerminal(OnTerminal),
    /// The process that puts the terminal back when the listener is killed; started by the listener
    #[command(hide = true)]
    Guardian(Guardian),
}

/// What the guardian has to take away.
#[derive(Debug, Args)]
pub struct Guardian {
    /// A status line stands on the terminal
    #[arg(long)]
    pub status_line: bool,
}

/// Files to follow.
#[derive(Debug, Args)]
pub struct Tail {
    /// How many of the lines that are there already to speak first
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 2)]
    pub lines: u64,
    /// End when the end of the files is reached
    #[arg(long)]
    pub no_follow: bool,
    /// Wait for files that are not there yet
    #[arg(short = 'F', long)]
    pub retry: bool,
    /// Look 4 times a second, for files whose changes the system does not tell of
    #[arg(long)]
    pub poll: bool,
    /// Go on where each file was last heard, not with its last lines, and remember how far it is
    /// heard this time
    #[arg(long)]
    pub resume: bool,
    /// The files; a folder, or a name in quotes with *, ?, [a-z], ** or {date} stands for many, also
    /// for those that appear later
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// A server and channels.
#[derive(Debug, Args)]
pub struct Connect {
    /// The server; port 6697, or 6667 with --no-tls, where none is given
    #[arg(value_name = "HOST[:PORT]")]
    pub server: String,
    /// The channels; "#channel key" where one has a key
    #[arg(required = true, value_name = "CHANNEL")]
    pub channels: Vec<String>,
    /// Talk in the clear
    #[arg(long)]
    pub no_tls: bool,
    /// The nick to take
    #[arg(long, value_name = "NICK")]
    pub nick: Option<String>,
    /// Go on trying when the server cannot be reached at first
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
    /// Have the engine speak every line unheard, to take its sounding times and not the estimate's
    #[arg(long)]
    pub measure: bool,
    /// Pause in between, and tell how long after it one is live again: 600s+5m pauses for five
    /// minutes, ten minutes in
    #[arg(long, value_name = "AT+FOR")]
    pub pause: Option<String>,
}

/// A log to explain.
#[derive(Debug, Args)]
pub struct Explain {
    /// The log; standard input without one, and for -
    #[arg(value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Show only what a changed configuration, or a changed rule set, would change
    #[arg(long, value_name = "OTHER.toml")]
    pub diff: Option<PathBuf>,
}

/// What about the rule sets.
#[derive(Debug, Subcommand)]
pub enum FiltersAction {
    /// Run the tests in the files of rules: those in the program, yours, and those named
    Check {
        /// Files of rules; without one, all that are known
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// A command to run.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Many programs gather what they print where it does not go to a terminal, and \
                        are then heard late, in blocks. Either give them a terminal: irc-speak run \
                        --pty -- COMMAND; or have them print each line at once, by an option of \
                        theirs (grep --line-buffered, python3 -u, sed -u) or by stdbuf, for most \
                        that are written in C: irc-speak run -- stdbuf -oL COMMAND. In a pipeline \
                        before irc-speak only the latter does: stdbuf -oL COMMAND | irc-speak."
)]
pub struct Run {
    /// Start it again when it fails: after a second, later after up to five minutes
    #[arg(long)]
    pub retry: bool,
    /// Give it a terminal to print to: each line is heard at once
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

/// A command to become, and its terminal.
#[derive(Debug, Args)]
pub struct OnTerminal {
    /// The terminal's name
    pub terminal: OsString,
    /// The command and its arguments, after --
    #[arg(required = true, last = true)]
    pub command: Vec<OsString>,
}

/// What about the configuration file.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigAction {
    /// Write a commented file with the defaults, where there is none
    Init,
    /// Say whether the file is right
    Check,
    /// Print where the file is looked for
    Path,
}

/// What the listener is to do.
#[derive(Debug, Subcommand)]
pub enum Ctl {
    /// Be silent; what comes waits
    Pause,
    /// Go on where the pause began
    Resume,
    /// Pause, or resume
    Toggle,
    /// Leave the line that is being spoken
    Skip,
    /// Leave everything that waits
    Live,
    /// Speak the last lines again
    Repeat {
        /// How many
        #[arg(default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        n: u32,
    },
    /// Speak the line before again; the one before that when asked again
    Back,
    /// Speak again from the last line that was addressed to you
    Highlight,
    /// Speak a tenth faster
    Faster,
    /// Speak a tenth slower
    Slower,
    /// Set how fast it speaks
    Rate {
        /// Words a minute
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        wpm: u32,
    },
    /// Set how loud it speaks
    Volume {
        /// Per cent, up to 200
        #[arg(value_parser = clap::value_parser!(u8).range(0..=200))]
        percent: u8,
    },
    /// Do not speak what somebody says
    Mute(MuteWho),
    /// Speak them again
    Unmute(UnmuteWho),
    /// Tell how it stands
    Status {
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the last lines that were not spoken, and why
    Missed {
        /// At most so many
        #[arg(default_value_t = 10)]
        n: u32,
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// List what became of the last lines, and by which rule
    Why {
        /// At most so many
        #[arg(default_value_t = 10)]
        n: u32,
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Give everybody a voice of their own, or all the same
    Voices,
    /// Read the configuration again
    Reload,
    /// End
    Quit,
}

/// Who is to be silent.
#[derive(Debug, Args)]
pub struct MuteWho {
    /// A nick or a #channel
    #[arg(required_unless_present = "all_but", value_name = "WHO")]
    pub who: Option<String>,
    /// Everybody but these nicks
    #[arg(long, num_args = 1.., conflicts_with = "who", value_name = "NICK")]
    pub all_but: Vec<String>,
}

/// Who is to be heard again.
#[derive(Debug, Args)]
pub struct UnmuteWho {
    /// A nick or a #channel
    #[arg(required_unless_present_any = ["all_but", "all"], value_name = "WHO")]
    pub who: Option<String>,
    /// Everybody but these nicks
    #[arg(long, num_args = 1.., conflicts_with_all = ["who", "all"], value_name = "NICK")]
    pub all_but: Vec<String>,
    /// Everybody and every channel
    #[arg(long, conflicts_with = "who")]
    pub all: bool,
}

/// A line to say.
#[derive(Debug, Args)]
pub struct Say {
    /// The channel or nick
    pub target: String,
    /// The line; after -- where it begins with a hyphen
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "TEXT"
    )]
    pub words: Vec<String>,
}

/// When the sender is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Speaker {
    /// On every line
    Always,
    /// When another one speaks than before
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
    /// Words a minute [default: 220]
    #[arg(short, long, global = true, value_name = "WPM")]
    pub rate: Option<u32>,
    /// The highest rate, for when much is said at once [default: 286, as far as eSpeak NG is well
    /// understood, or 1.3 times --rate where that is more]
    #[arg(long, global = true, value_name = "WPM")]
    pub max_rate: Option<u32>,
    /// How long after it came a line has been heard, if it can be [default: 20s]
    #[arg(long, global = true, value_name = "TIME")]
    pub max_lag: Option<String>,
    /// The voice, by the engine's name for it [default: en-us]
    #[arg(long, global = true, value_name = "NAME")]
    pub voice: Option<String>,
    /// The engine [default: espeak]
    #[arg(long, global = true, value_name = "NAME")]
    pub engine: Option<String>,
    /// Where sound goes: device, null, or a WAV file [default: device]
    #[arg(long, global = true, value_name = "device|null|FILE.wav")]
    pub output: Option<PathBuf>,
    /// The sound device [default: the system's]
    #[arg(long, global = true, value_name = "NAME")]
    pub device: Option<String>,
    /// Print what would be spoken, a line each, instead of speaking it
    #[arg(long, global = true)]
    pub text: bool,
    /// Print what happens to each line as JSON objects, a line each
    #[arg(long, global = true)]
    pub events: bool,
    /// Speak lines whose text or sender matches, whatever other rules say
    #[arg(long, global = true, value_name = "REGEX")]
    pub keep: Vec<String>,
    /// Do not speak lines whose text or sender matches
    #[arg(long, global = true, value_name = "REGEX")]
    pub drop: Vec<String>,
    /// A rule set to use beside those of the configuration; "irc-speak filters" lists them
    #[arg(long, global = true, value_name = "NAME")]
    pub filter: Vec<String>,
    /// The log format; recognised where it is not given
    #[arg(long, global = true, value_name = "NAME")]
    pub format: Option<String>,
    /// When to name the sender [default: change]
    #[arg(long, global = true, value_name = "WHEN")]
    pub speaker: Option<Speaker>,
    /// Plain lines on a terminal: no marks, no status line
    #[arg(long, global = true)]
    pub plain: bool,
    /// Say less on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more on standard error; twice for still more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

#[test]
fn the_definitions_agree_with_each_other() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}
