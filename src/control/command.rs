//! The commands: what `irc-speak ctl` parses, the control socket reads, and keys and media keys send.
//! CONTRIBUTING.md says what a new one needs.
#![forbid(unsafe_code)]

use clap::{ArgMatches, Args, FromArgMatches, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::names::is_channel;
use crate::units::{Wpm, n_lines, volume};

/// Whom a mute or unmute applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// A nick, in any case.
    Sender(String),
    /// A channel, in any case.
    Channel(String),
    /// Everybody but these nicks.
    AllBut(Vec<String>),
    /// All senders; for an unmute, all channels as well.
    All,
}

impl Who {
    /// A channel by its first character; a nick otherwise.
    fn named(name: String) -> Self {
        if is_channel(&name) { Self::Channel(name) } else { Self::Sender(name) }
    }

    /// Whether each name is one: not blank, and on one line.
    pub(crate) fn is_named(&self) -> bool {
        let is_name = |name: &String| !name.trim().is_empty() && !name.contains(char::is_control);
        match self {
            Self::Sender(name) | Self::Channel(name) => is_name(name),
            Self::AllBut(names) => names.iter().all(is_name),
            Self::All => true,
        }
    }
}

/// Whether something is to be on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On
    On,
    /// Off
    Off,
    /// The other of the two
    #[default]
    Toggle,
}

/// How many lines are repeated, and how many listed, unless the command says.
const ONCE: u32 = 1;
const LISTED: u32 = 10;

fn once() -> u32 {
    ONCE
}

fn listed() -> u32 {
    LISTED
}

/// A command of the user, from any control surface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subcommand)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Command {
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
        #[arg(default_value_t = ONCE, value_parser = n_lines, allow_negative_numbers = true)]
        #[serde(default = "once")]
        n: u32,
    },
    /// Repeat the previous line; each further time the one before it
    Back,
    /// Repeat from the last highlighted line on
    Highlight,
    /// Speak the lines that were counted last ("and 11 more lines")
    More,
    /// Speak a tenth faster
    Faster,
    /// Speak a tenth slower
    Slower,
    /// Set the speech rate
    Rate {
        /// Words a minute
        #[arg(allow_negative_numbers = true)]
        wpm: Wpm,
    },
    /// Set the volume
    Volume {
        /// Percent, 0 to 200
        #[arg(value_parser = volume, allow_negative_numbers = true)]
        percent: u8,
    },
    /// Mute a nick or a channel
    Mute {
        /// Whom.
        #[command(flatten)]
        who: Who,
    },
    /// Unmute a nick or a channel
    Unmute {
        /// Whom.
        #[command(flatten)]
        who: Who,
    },
    /// Call a nick by a name; without a name, by the nick again; without a nick, list the names
    Alias {
        /// The nick
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nick: Option<String>,
        /// What it is called
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Send a message to a channel or nick, through one of the listener's connections
    #[command(skip)]
    Say {
        /// The channel or nick.
        target: String,
        /// The text.
        text: String,
    },
    /// Give each speaker a voice of their own, or all the same one
    Voices {
        /// On: one voice each; off: one for all
        #[arg(value_name = "on|off|toggle", default_value = "toggle", hide_default_value = true)]
        #[serde(default)]
        own: Switch,
    },
    /// Print the status
    Status {
        /// Print a JSON object
        #[arg(long)]
        #[serde(skip)]
        json: bool,
    },
    /// Say where the meeting stands: its topic, since when, and the last action
    Where,
    /// List the last lines that were not spoken, and why not
    Missed(LastLines),
    /// List the outcome of the last lines, and the rule that decided it
    Why(LastLines),
    /// Reload the configuration
    Reload,
    /// Quit the listener
    Quit,
}

/// The last lines to list, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Args)]
#[serde(deny_unknown_fields)]
pub struct LastLines {
    /// At most N lines
    #[arg(default_value_t = LISTED, value_parser = n_lines, allow_negative_numbers = true)]
    #[serde(default = "listed")]
    pub n: u32,
    /// Print a JSON object
    #[arg(long)]
    #[serde(skip)]
    pub json: bool,
}

/// [`Who`] as the command line names them.
#[derive(Args)]
struct WhoArguments {
    /// A nick or a #channel
    #[arg(required_unless_present_any = ["all_but", "all"], value_name = "WHO")]
    who: Option<String>,
    /// All nicks except these
    #[arg(long, num_args = 1.., conflicts_with_all = ["who", "all"], value_name = "NICK")]
    all_but: Vec<String>,
    /// All nicks and channels
    #[arg(long, conflicts_with = "who")]
    all: bool,
}

impl FromArgMatches for Who {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let WhoArguments { who, all_but, .. } = WhoArguments::from_arg_matches(matches)?;
        let others = if all_but.is_empty() { Self::All } else { Self::AllBut(all_but) };
        Ok(who.map_or(others, Self::named))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        Self::from_arg_matches(matches).map(|who| *self = who)
    }
}

impl Args for Who {
    fn augment_args(command: clap::Command) -> clap::Command {
        WhoArguments::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        WhoArguments::augment_args_for_update(command)
    }
}
