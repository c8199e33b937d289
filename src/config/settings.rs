//! The command line and the configuration file, checked and put together once.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::ConfigError;
use super::file::{self, Loaded, RATES};
use super::set::hint;
use crate::cli::{Cli, Command, Connect, Listening, Speaker, Tail};
use crate::engine;
use crate::filter::library::Library;
use crate::filter::{Filter, RuleSet};
use crate::format::Grammars;
use crate::phrase::Naming;
use crate::queue::pace::Promise;
use crate::source::SourceSpec;
use crate::source::irc::{self, IrcSpec};
use crate::source::tail::TailSpec;
use crate::voice::wire::{Setup, Speech, Target};

/// The nick where none is given.
const NICK: &str = "irc-speak";

/// Everything that listening needs to know.
#[derive(Debug)]
pub struct Settings {
    /// What to listen to; not empty.
    pub sources: Vec<SourceSpec>,
    /// The grammars of log lines.
    pub grammars: Arc<Grammars>,
    /// The one grammar to use; recognised where there is none.
    pub format: Option<String>,
    /// The rules.
    pub filter: Filter,
    /// When to name the sender.
    pub naming: Naming,
    /// Print instead of speaking.
    pub text: bool,
    /// Print what happens to each line.
    pub events: bool,
    /// What to show on a terminal.
    pub screen: Screen,
    /// What the voice process is started with.
    pub setup: Setup,
    /// How to speak: all but the words.
    pub manner: Speech,
    /// How far behind live the listener may get, and how fast.
    pub promise: Promise,
}

/// What is shown on a terminal while it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Nothing, and no keys.
    Nothing,
    /// A line for each line.
    Plain,
    /// The line that is being spoken marked, and a status line, where the terminal can.
    AsItCan,
}

impl Settings {
    /// Makes every check that can be made before listening.
    pub fn load(cli: &Cli) -> Result<Self, ConfigError> {
        let loaded = read(&cli.listening)?;
        Self::with(&cli.listening, loaded.as_ref(), |file| sources(cli, file))
    }

    /// The same for one log that is read once, from its beginning.
    pub fn for_log(options: &Listening, path: &Path) -> Result<Self, ConfigError> {
        let loaded = read(options)?;
        let path = path.to_owned();
        let spec = TailSpec { path, lines: u64::MAX, follow: false, retry: false };
        Self::with(options, loaded.as_ref(), |_| Ok(vec![SourceSpec::Tail(spec)]))
    }

    fn with(
        options: &Listening,
        file: Option<&Loaded>,
        sources: impl FnOnce(Option<&Loaded>) -> Result<Vec<SourceSpec>, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let library = Library::load(file::filters_folder().as_deref())?;
        let format = format(options, file, &library)?;
        Ok(Self {
            format,
            filter: filter(options, file, &library)?,
            naming: naming(options, file)?,
            text: options.text,
            events: options.events,
            screen: match (options.quiet, options.plain) {
                (true, _) => Screen::Nothing,
                (false, true) => Screen::Plain,
                (false, false) => Screen::AsItCan,
            },
            setup: setup(options, file)?,
            promise: promise(options, file)?,
            manner: manner(options, file)?,
            grammars: library.grammars(),
            sources: sources(file)?,
        })
    }

    /// Checks the configuration file alone; gives where it is.
    pub fn check(options: &Listening) -> Result<PathBuf, ConfigError> {
        let path = path(options).ok_or_else(no_home)?;
        let loaded = Some(Loaded::read(&path)?);
        let file = loaded.as_ref();
        let library = Library::load(file::filters_folder().as_deref())?;
        format(options, file, &library)?;
        filter(options, file, &library)?;
        naming(options, file)?;
        setup(options, file)?;
        promise(options, file)?;
        configured(file)?;
        Ok(path)
    }
}

/// The file that is or would be used.
pub fn path(options: &Listening) -> Option<PathBuf> {
    options.config.clone().or_else(file::default_path)
}

/// Where no file can be looked for.
pub fn no_home() -> ConfigError {
    ConfigError::Wrong("neither HOME nor XDG_CONFIG_HOME is set; name the file by --config".into())
}

/// The file that was named, or the default one where it exists.
fn read(options: &Listening) -> Result<Option<Loaded>, ConfigError> {
    if let Some(path) = &options.config {
        return Loaded::read(path).map(Some);
    }
    match file::default_path().filter(|path| path.exists()) {
        Some(path) => Loaded::read(&path).map(Some),
        None => Ok(None),
    }
}

fn setup(options: &Listening, file: Option<&Loaded>) -> Result<Setup, ConfigError> {
    let default = Setup::default();
    let keys = file.map(|loaded| &loaded.file);
    Ok(Setup {
        engine: engine_name(options, file)?,
        voice: voice(options, file),
        target: target(options, file)?,
        buffer_frames: in_range(
            file,
            |f| f.buffer_frames.as_ref(),
            64..=16_384,
            "buffer_frames",
            "frames",
        )?
        .unwrap_or(default.buffer_frames),
        close_after_ms: close_after(file)?.unwrap_or(default.close_after_ms),
        guard: keys.and_then(|keys| keys.espeak.guard).unwrap_or(default.guard),
    })
}

fn manner(options: &Listening, file: Option<&Loaded>) -> Result<Speech, ConfigError> {
    let default = Speech::of("");
    let configured = in_range(file, |f| f.rate.as_ref(), RATES, "rate", "words a minute")?;
    if let Some(rate) = options.rate.filter(|rate| !RATES.contains(rate)) {
        let (least, most) = (RATES.start(), RATES.end());
        let problem = format!("--rate is {rate}; it takes {least} to {most} words a minute");
        return Err(ConfigError::Wrong(problem));
    }
    Ok(Speech {
        voice: voice(options, file),
        rate: options.rate.or(configured).unwrap_or(default.rate),
        pitch: in_range(file, |f| f.pitch.as_ref(), 0..=100, "pitch", "")?.unwrap_or(default.pitch),
        volume: in_range(file, |f| f.volume.as_ref(), 0..=200, "volume", "per cent")?
            .unwrap_or(default.volume),
        ..default
    })
}

/// The promise: the base rate, and the file's bounds. A base above the highest rate raises that.
pub fn promise(options: &Listening, file: Option<&Loaded>) -> Result<Promise, ConfigError> {
    let base = manner(options, file)?.rate;
    let max = in_range(file, |f| f.max_rate.as_ref(), RATES, "max_rate", "words a minute")?;
    let lag = time(file, |f| f.max_lag.as_ref(), "max_lag")?;
    Ok(Promise { base, max: max.unwrap_or(MAX_RATE).max(base), lag: lag.unwrap_or(MAX_LAG) })
}

/// The highest rate and the lag where none are configured.
const MAX_RATE: u32 = 450;
const MAX_LAG: Duration = Duration::from_secs(15);

/// The value of a key of the file, where it is there and within `range`.
fn in_range<T: Copy + PartialOrd + std::fmt::Display>(
    file: Option<&Loaded>,
    key: impl Fn(&file::File) -> Option<&Spanned<T>>,
    range: std::ops::RangeInclusive<T>,
    name: &str,
    unit: &str,
) -> Result<Option<T>, ConfigError> {
    let Some((loaded, value)) = file.and_then(|it| Some((it, key(&it.file)?))) else {
        return Ok(None);
    };
    if range.contains(value.get_ref()) {
        return Ok(Some(*value.get_ref()));
    }
    let problem = format!(
        "{name} is {}; it takes {} to {} {unit}",
        value.get_ref(),
        range.start(),
        range.end()
    );
    Err(loaded.error(value, problem.trim_end()))
}

fn voice(options: &Listening, file: Option<&Loaded>) -> String {
    let configured = file.and_then(|loaded| loaded.file.voice.clone());
    options.voice.clone().or(configured).unwrap_or_else(|| Setup::default().voice)
}

fn engine_name(options: &Listening, file: Option<&Loaded>) -> Result<String, ConfigError> {
    let known = engine::names();
    let unknown = |name: &str| format!("no engine \"{name}\"; {}", hint(name, &known));
    if let Some(name) = &options.engine {
        let is_known = known.contains(&name.as_str());
        return if is_known { Ok(name.clone()) } else { Err(ConfigError::Wrong(unknown(name))) };
    }
    match file.and_then(|loaded| Some((loaded, loaded.file.engine.as_ref()?))) {
        Some((_, name)) if known.contains(&name.get_ref().as_str()) => Ok(name.get_ref().clone()),
        Some((loaded, name)) => Err(loaded.error(name, unknown(name.get_ref()))),
        None => Ok(Setup::default().engine),
    }
}

fn target(options: &Listening, file: Option<&Loaded>) -> Result<Target, ConfigError> {
    let keys = file.map(|loaded| &loaded.file);
    let output = options.output.as_ref().or_else(|| keys?.output.as_ref());
    let device = options.device.as_ref().or_else(|| keys?.device.as_ref()).cloned();
    match output.map(|path| (path, path.to_str())) {
        None | Some((_, Some("device"))) => Ok(Target::Device(device)),
        Some((_, Some("null"))) => Ok(Target::Null),
        Some((path, _)) if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("wav")) => {
            Ok(Target::File(path.clone()))
        }
        Some((path, _)) => Err(ConfigError::Wrong(format!(
            "output {} is neither \"device\" nor \"null\" nor a file that ends in .wav",
            super::error::quoted(path)
        ))),
    }
}

fn close_after(file: Option<&Loaded>) -> Result<Option<u64>, ConfigError> {
    let time = time(file, |f| f.close_after.as_ref(), "close_after")?;
    Ok(time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
}

/// A time of the file.
fn time(
    file: Option<&Loaded>,
    key: impl Fn(&file::File) -> Option<&Spanned<String>>,
    name: &str,
) -> Result<Option<Duration>, ConfigError> {
    let Some((loaded, value)) = file.and_then(|it| Some((it, key(&it.file)?))) else {
        return Ok(None);
    };
    let problem = || format!("{name} is \"{}\"; it takes a time such as \"10s\"", value.get_ref());
    let time = file::duration(value.get_ref());
    time.map(Some).ok_or_else(|| loaded.error(value, problem()))
}

fn naming(options: &Listening, file: Option<&Loaded>) -> Result<Naming, ConfigError> {
    let configured = match file.and_then(|it| Some((it, it.file.speaker.as_ref()?))) {
        None => None,
        Some((loaded, name)) => Some(file::speaker(name.get_ref()).ok_or_else(|| {
            let problem =
                format!("speaker is \"{}\"; it takes always, change or never", name.get_ref());
            loaded.error(name, problem)
        })?),
    };
    Ok(match options.speaker.or(configured).unwrap_or(Speaker::Change) {
        Speaker::Always => Naming::Always,
        Speaker::Change => Naming::Change,
        Speaker::Never => Naming::Never,
    })
}

fn format(
    options: &Listening,
    file: Option<&Loaded>,
    library: &Library,
) -> Result<Option<String>, ConfigError> {
    let known: Vec<_> = library.formats().map(|(name, _)| name).collect();
    let unknown = |name: &str| format!("no format \"{name}\"; {}", hint(name, &known));
    if let Some(name) = &options.format {
        let is_known = known.contains(&name.as_str());
        return if is_known {
            Ok(Some(name.clone()))
        } else {
            Err(ConfigError::Wrong(unknown(name)))
        };
    }
    match file.and_then(|it| Some((it, it.file.format.as_ref()?))) {
        Some((_, name)) if known.contains(&name.get_ref().as_str()) => {
            Ok(Some(name.get_ref().clone()))
        }
        Some((loaded, name)) => Err(loaded.error(name, unknown(name.get_ref()))),
        None => Ok(None),
    }
}

/// The rules in order: the command line's, the file's own, the named sets.
fn filter(
    options: &Listening,
    file: Option<&Loaded>,
    library: &Library,
) -> Result<Filter, ConfigError> {
    let mut sets = vec![RuleSet::from_patterns(&options.keep, &options.drop)?];
    if let Some(loaded) = file {
        let rules = loaded.file.rule.clone();
        sets.push(RuleSet::compile("config", &loaded.path, &loaded.text, rules)?);
    }
    for name in &options.filter {
        sets.push(library.rule_set(name)?);
    }
    match file.and_then(|loaded| Some((loaded, loaded.file.filters.as_ref()?))) {
        Some((loaded, names)) => {
            for name in names {
                let set = library.rule_set(name.get_ref());
                sets.push(set.map_err(|error| loaded.error(name, error.to_string()))?);
            }
        }
        None => sets.push(library.rule_set(DEFAULT_FILTER)?),
    }
    Ok(Filter::new(sets))
}

/// The rule set that is used where the file names none.
pub const DEFAULT_FILTER: &str = "irc-noise";

/// What to listen to: what the command line names, else standard input, else the file's sources.
fn sources(cli: &Cli, file: Option<&Loaded>) -> Result<Vec<SourceSpec>, ConfigError> {
    match &cli.command {
        Some(Command::Tail(tail)) => Ok(tails(tail)),
        Some(Command::Connect(connect)) => Ok(vec![connection(connect)?]),
        Some(Command::Run(run)) => Ok(vec![SourceSpec::Command(run.command.clone())]),
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

/// Whether standard input is something with lines of its own: a pipe, a socket or a file.
fn stdin_has_lines() -> bool {
    if std::io::stdin().is_terminal() {
        return false;
    }
    std::fs::metadata("/dev/stdin").is_ok_and(|stdin| {
        let kind = stdin.file_type();
        kind.is_fifo() || kind.is_socket() || kind.is_file()
    })
}

fn tails(tail: &Tail) -> Vec<SourceSpec> {
    tail.files
        .iter()
        .map(|path| {
            SourceSpec::Tail(TailSpec {
                path: path.clone(),
                lines: tail.lines,
                follow: !tail.no_follow,
                retry: tail.retry,
            })
        })
        .collect()
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

/// The sources of the file. What it names may come later: files are waited for, and servers tried
/// again, also at first.
fn configured(file: Option<&Loaded>) -> Result<Vec<SourceSpec>, ConfigError> {
    let Some(loaded) = file else { return Ok(vec![]) };
    loaded.file.source.iter().map(|source| configured_source(loaded, source)).collect()
}

fn configured_source(loaded: &Loaded, source: &file::Source) -> Result<SourceSpec, ConfigError> {
    match (&source.tail, &source.connect, &source.run) {
        (Some(path), None, None) => Ok(SourceSpec::Tail(TailSpec {
            path: expand_home(path.get_ref()),
            lines: source.lines.unwrap_or(2),
            follow: true,
            retry: true,
        })),
        (None, Some(server), None) => configured_server(loaded, source, server),
        (None, None, Some(command)) if !command.get_ref().is_empty() => {
            Ok(SourceSpec::Command(command.get_ref().iter().map(OsString::from).collect()))
        }
        (None, None, Some(command)) => Err(loaded.error(command, "run names no command")),
        _ => {
            let problem = "a source has one of tail, connect and run";
            Err(ConfigError::Wrong(format!("{}: {problem}", loaded.path.display())))
        }
    }
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

/// `~/` at the beginning is the user's home, as a shell would have it.
fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn example() -> Loaded {
        let path = PathBuf::from("config.example.toml");
        let text = file::EXAMPLE.to_owned();
        let file = toml::from_str(&text).expect("the example is TOML with known keys only");
        Loaded { path, text, file }
    }

    #[test]
    fn the_example_says_what_the_defaults_are() {
        let options = Cli::parse_from(["irc-speak"]).listening;
        let loaded = example();
        let library = Library::load(None).expect("the library");
        for file in [None, Some(&loaded)] {
            assert_eq!(setup(&options, file).expect("right"), Setup::default_device());
            assert_eq!(manner(&options, file).expect("right"), Speech::of(""));
            let promised = Promise { base: 220, max: MAX_RATE, lag: MAX_LAG };
            assert_eq!(promise(&options, file).expect("right"), promised);
            assert_eq!(naming(&options, file).expect("right"), Naming::Change);
            assert_eq!(format(&options, file, &library).expect("right"), None);
            assert!(configured(file).expect("right").is_empty());
        }
        let names = loaded.file.filters.expect("named");
        assert_eq!(
            names.iter().map(|it| it.get_ref().as_str()).collect::<Vec<_>>(),
            [DEFAULT_FILTER]
        );
    }

    #[test]
    fn the_examples_commented_parts_are_right_too() {
        let mut text = String::new();
        for line in file::EXAMPLE.lines() {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let is_toml = bare.starts_with('[') || bare.contains(" = ") && !bare.ends_with('.');
            text.push_str(if is_toml { bare } else { "" });
            text.push('\n');
        }
        let file = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let loaded = Loaded { path: PathBuf::from("config.toml"), text, file };
        assert_eq!(loaded.file.rule.len(), 3);
        assert!(loaded.file.device.is_some() && loaded.file.format.is_some());
        assert_eq!(configured(Some(&loaded)).expect("right").len(), 3);
    }

    #[test]
    fn a_wrong_value_is_named_with_its_place() {
        let options = Cli::parse_from(["irc-speak"]).listening;
        for (text, problem) in [
            ("rate = 5", "c.toml:1:8: rate is 5; it takes 60 to 1000 words a minute"),
            ("\npitch = 200", "c.toml:2:9: pitch is 200; it takes 0 to 100"),
            ("volume = 201", "c.toml:1:10: volume is 201; it takes 0 to 200 per cent"),
            ("engine = \"espaek\"", "c.toml:1:10: no engine \"espaek\"; did you mean \"espeak\"?"),
            (
                "speaker = \"loud\"",
                "c.toml:1:11: speaker is \"loud\"; it takes always, change or never",
            ),
            (
                "close_after = \"soon\"",
                "c.toml:1:15: close_after is \"soon\"; it takes a time such as \"10s\"",
            ),
        ] {
            let file = toml::from_str(text).expect("TOML");
            let loaded = Loaded { path: PathBuf::from("c.toml"), text: text.to_owned(), file };
            let file = Some(&loaded);
            let checks = setup(&options, file).err().or(manner(&options, file).err());
            let error = checks.or(naming(&options, file).err()).expect(text);
            assert_eq!(error.to_string(), problem);
        }
    }

    #[test]
    fn an_output_is_a_device_nothing_or_a_wav_file() {
        let target_of = |output: &str| {
            target(&Cli::parse_from(["irc-speak", "--output", output]).listening, None)
        };
        assert_eq!(target_of("null").expect("right"), Target::Null);
        assert_eq!(target_of("device").expect("right"), Target::Device(None));
        assert_eq!(target_of("a/b.WAV").expect("right"), Target::File("a/b.WAV".into()));
        assert!(target_of("speech.mp3").is_err());
    }
}
