//! The command line, as parsed by `clap`. It is checked in [`crate::config`].
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::control;
use crate::diagnostics::ConfigError;
use crate::units::Wpm;

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

impl Cli {
    /// Merges the options after a command into those before it.
    pub fn merged(mut self) -> Result<Self, ConfigError> {
        let before = std::mem::take(&mut self.listening);
        let Some(command) = &mut self.command else {
            self.listening = before;
            return Ok(self);
        };
        self.listening = match command {
            Command::Tail(Tail { listening, .. })
            | Command::Connect(Connect { listening, .. })
            | Command::Run(Run { listening, .. })
            | Command::Simulate(Simulate { listening, .. })
            | Command::SayAs(SayAs { listening, .. })
            | Command::Explain(Explain { listening, .. })
            | Command::Minutes(Minutes { listening, .. }) => std::mem::take(listening).over(before),
            other => other.only_its_own(before)?,
        };
        Ok(self)
    }
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
    /// Show, step by step, how a text is spoken, and speak it
    SayAs(SayAs),
    /// Print the minutes of the meetings in logs: topics, agreements and actions, yours first
    Minutes(Minutes),
    /// List the voices of an engine, for --voice
    Voices {
        /// The speech engine; "irc-speak engines" lists them [default: espeak]
        #[arg(long, value_name = "NAME")]
        engine: Option<String>,
    },
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
    /// List the lexicons, or run their tests
    Lexicons {
        /// The action.
        #[command(subcommand)]
        action: Option<LexiconsAction>,
    },
    /// Write, check or locate the configuration file
    Config {
        /// The configuration file
        #[arg(short, long, global = true, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The action.
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Control the running listener
    Ctl {
        /// The command.
        #[command(subcommand)]
        action: control::Command,
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
    Guardian {
        /// Erase the status line
        #[arg(long)]
        status_line: bool,
    },
}

impl Command {
    /// For a command that does not listen: its own options; an error if others were given before it.
    fn only_its_own(&self, mut before: Listening) -> Result<Listening, ConfigError> {
        let (quiet, verbose) = (before.quiet, before.verbose);
        let mut own = Listening { quiet, verbose, ..Listening::default() };
        match self {
            Self::Config { config, .. } => own.config = config.clone().or(before.config.take()),
            Self::Voices { engine } => own.engine = engine.clone().or(before.engine.take()),
            _ => {}
        }
        if before == (Listening { quiet, verbose, ..Listening::default() }) {
            return Ok(own);
        }
        let problem = "an option before the command is one for commands that listen, such as \
                       tail; leave it out";
        Err(ConfigError::Wrong(problem.to_owned()))
    }
}

/// Files to follow.
#[derive(Debug, Args)]
pub struct Tail {
    /// First speak the last N lines that are already there
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 2, value_parser = lines, allow_negative_numbers = true)]
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
    /// How to listen.
    #[command(flatten)]
    pub listening: Listening,
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
    /// How to listen.
    #[command(flatten)]
    pub listening: Listening,
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
    /// How to listen.
    #[command(flatten)]
    pub listening: Listening,
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
    /// How to listen.
    #[command(flatten)]
    pub listening: Listening,
}

/// A text to speak.
#[derive(Debug, Args)]
#[command(
    after_help = "The names of the steps are those under [phrase] in the configuration. With \
                        --text nothing is spoken."
)]
pub struct SayAs {
    /// The text; the lines of standard input if none is given
    #[arg(value_name = "TEXT", value_parser = text)]
    pub words: Vec<String>,
    /// How to listen.
    #[command(flatten)]
    pub listening: Listening,
}

/// Logs of meetings.
#[derive(Debug, Args)]
#[command(
    after_help = "It knows MeetBot and its relatives (#topic, #action), and the lines for the \
                        W3C's scribes and bots (topic:, RESOLVED:, present+). The exit code is 1 if \
                        there is no meeting in the logs."
)]
pub struct Minutes {
    /// The logs; - is standard input
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Your nick: actions that name it come first, as do those of the nicks in the configuration
    #[arg(long, value_name = "NICK")]
    pub nick: Vec<String>,
    /// How to listen.
    #[command(flatten)]
    pub listening: Listening,
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

/// Actions for lexicons.
#[derive(Debug, Subcommand)]
pub enum LexiconsAction {
    /// Run the tests in the lexicons: the built-in ones, yours, and the files named
    Check {
        /// Lexicon files; all known ones if none is given
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
    /// How to listen.
    #[command(flatten)]
    pub listening: Listening,
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

impl Say {
    /// The command for the listener.
    pub fn command(&self) -> control::Command {
        control::Command::Say { target: self.target.clone(), text: self.words.join(" ") }
    }
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
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Listening")]
pub struct Listening {
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Speech rate in words a minute [default: 220]
    #[arg(short, long, value_name = "WPM", allow_negative_numbers = true)]
    pub rate: Option<Wpm>,
    /// Highest rate when lines queue up [default: 286, or 1.3 times --rate if that is more]
    #[arg(long, value_name = "WPM", allow_negative_numbers = true)]
    pub max_rate: Option<Wpm>,
    /// Speak each line within this time of its arrival, if that can be done [default: 20s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub max_lag: Option<String>,
    /// The engine's voice to speak with; "irc-speak voices" lists them [default: en-us]
    #[arg(long, value_name = "NAME")]
    pub voice: Option<String>,
    /// The speech engine; "irc-speak engines" lists them [default: espeak]
    #[arg(long, value_name = "NAME")]
    pub engine: Option<String>,
    /// Where the sound goes: a device, nowhere, or a WAV file [default: device]
    #[arg(long, value_name = "device|null|FILE.wav")]
    pub output: Option<PathBuf>,
    /// The sound device; "irc-speak devices" lists them [default: the system's]
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Print what would be spoken, one line each, instead of speaking it
    #[arg(long)]
    pub text: bool,
    /// Print events as JSON, one object per line
    #[arg(long)]
    pub events: bool,
    /// Always speak lines whose text or sender matches
    #[arg(long, value_name = "REGEX")]
    pub keep: Vec<String>,
    /// Drop lines whose text or sender matches
    #[arg(long, value_name = "REGEX")]
    pub drop: Vec<String>,
    /// Use this rule set as well; "irc-speak filters" lists them
    #[arg(long, value_name = "NAME")]
    pub filter: Vec<String>,
    /// The log format; "irc-speak formats" lists them [default: recognised]
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// When to speak the sender's name [default: change]
    #[arg(long, value_name = "WHEN")]
    pub speaker: Option<Speaker>,
    /// Print plain lines on the terminal: no marks, no status line
    #[arg(long)]
    pub plain: bool,
    /// Print less on standard error
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more on standard error; twice for even more
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

impl Listening {
    /// These options, given after a command, with those `before` it.
    fn over(self, before: Self) -> Self {
        let all = |before: Vec<String>, after| [before, after].concat();
        Self {
            config: self.config.or(before.config),
            rate: self.rate.or(before.rate),
            max_rate: self.max_rate.or(before.max_rate),
            max_lag: self.max_lag.or(before.max_lag),
            voice: self.voice.or(before.voice),
            engine: self.engine.or(before.engine),
            output: self.output.or(before.output),
            device: self.device.or(before.device),
            text: self.text || before.text,
            events: self.events || before.events,
            keep: all(before.keep, self.keep),
            drop: all(before.drop, self.drop),
            filter: all(before.filter, self.filter),
            format: self.format.or(before.format),
            speaker: self.speaker.or(before.speaker),
            plain: self.plain || before.plain,
            quiet: self.quiet || before.quiet,
            verbose: self.verbose + before.verbose,
        }
    }
}

/// A text in which something is written.
fn text(text: &str) -> Result<String, String> {
    let is_blank = text.trim().is_empty();
    if is_blank { Err("the text is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// A number of lines, from 0.
fn lines(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "it takes a number of lines, such as 10; 0 for none".to_owned())
}

#[test]
fn the_definitions_agree_with_each_other() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

#[test]
fn options_before_a_command_count_where_it_listens() {
    let parsed = |line: &str| {
        let cli = Cli::try_parse_from(["irc-speak"].into_iter().chain(line.split(' ')));
        cli.map_err(|error| error.to_string())?.merged().map_err(|error| error.to_string())
    };
    for line in ["-r 300 --drop a tail --drop b log", "tail --drop a --drop b -r 300 log"] {
        let listening = parsed(line).expect(line).listening;
        let drop = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(listening, Listening { rate: Some(Wpm(300)), drop, ..Listening::default() });
    }
    let after = parsed("-r 300 tail -r 200 log").expect("right").listening;
    assert_eq!(after.rate, Some(Wpm(200)), "the later one counts");
    for line in ["-c a config check", "config -c a check"] {
        assert_eq!(parsed(line).expect(line).listening.config, Some("a".into()));
    }
    for line in ["--engine system voices", "voices --engine system"] {
        assert_eq!(parsed(line).expect(line).listening.engine.as_deref(), Some("system"));
    }
    assert!(parsed("-v devices").is_ok());
    for line in [
        "-r 300 ctl pause",
        "ctl pause -r 300",
        "--text say #rust hello",
        "-c a voices",
        "--engine system config check",
        "voices --rate 300",
        "config check --text",
        "--events formats",
    ] {
        assert!(parsed(line).is_err(), "{line}");
    }
}
