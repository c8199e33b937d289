//! The settings: command line and configuration file, checked and merged once.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::earcons::Earcons;
use super::file::{self, Loaded};
use super::sources::{configured, nicks, sources};
use super::speakers::speakers;
use super::voices::Checks;
use super::watcher::ConfigWatcher;
use crate::cli::{Cli, Command, Listening, Speaker};
use crate::config::languages::{self, LanguageVoices, language_of};
use crate::diagnostics::{ConfigError, hint};
use crate::engine;
use crate::filter::library::Library;
use crate::filter::{Filter, RuleSet};
use crate::format::Grammars;
use crate::phrase::{Chain, Naming, Phrasing};
use crate::queue::rate_control::{CALM_PERCENT, LagTarget};
use crate::source::SourceSpec;
use crate::source::tail::TailSpec;
use crate::speaker;
use crate::text::hash;
use crate::units::{self, RATES, Wpm};
use crate::wire::{Setup, SpeakRequest, Target};

/// The settings of a listener.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The sources; not empty.
    pub sources: Vec<SourceSpec>,
    /// The grammars of log lines.
    pub grammars: Arc<Grammars>,
    /// The grammar to use; recognised if none is given.
    pub format: Option<String>,
    /// The rules.
    pub filter: Filter,
    /// How messages are phrased.
    pub phrasing: Phrasing,
    /// What becomes of the spoken text.
    pub sink: Sink,
    /// Whether events are printed.
    pub has_events: bool,
    /// Whether the steps from a text to its spoken text are printed.
    pub has_steps: bool,
    /// What to show on a terminal.
    pub screen: Screen,
    /// What the voice process is started with.
    pub setup: Setup,
    /// The voice: a request without a text.
    pub voice_spec: SpeakRequest,
    /// The lag target and the rates.
    pub lag_target: LagTarget,
    /// Notifies when the files that these were read from have changed.
    pub saved: ConfigWatcher,
    /// The speakers' voices.
    pub speakers: speaker::Config,
    /// The voices of other languages than the configured voice's.
    pub languages: LanguageVoices,
    /// Which earcons are played.
    pub earcons: Earcons,
    /// Names that only the voice process can check.
    pub checks: Checks,
    /// Identifies this configuration and its sources; none without a source that another listener
    /// could listen to.
    pub configuration: Option<String>,
}

/// What becomes of the spoken text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sink {
    /// It is spoken.
    Speech,
    /// It is printed.
    Text,
    /// It is printed in events.
    Events,
}

/// What is shown on a terminal while it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    /// Answers to keys, and errors.
    Quiet,
    /// A line for each line.
    Plain,
    /// The line being spoken is marked, and there is a status line, if the terminal can show that.
    AsItCan,
}

impl Settings {
    /// The sources' names, by their numbers.
    pub(crate) fn names(&self) -> Vec<String> {
        self.sources.iter().map(SourceSpec::name).collect()
    }

    /// Whether speech is live: not if it goes to a file or nowhere, nor if logs are only read to
    /// their end.
    pub(crate) fn is_live(&self) -> bool {
        let is_followed = |source: &SourceSpec| match source {
            SourceSpec::Tail(tail) => tail.follow,
            SourceSpec::Text(_) => false,
            SourceSpec::Stdin | SourceSpec::Irc(_) | SourceSpec::Command(_) => true,
        };
        matches!(self.setup.target, Target::Device(_)) && self.sources.iter().any(is_followed)
    }

    /// Makes every check that can be made before listening.
    pub(crate) fn load(cli: &Cli) -> Result<Self, ConfigError> {
        let loaded = read(&cli.listening)?;
        let settings = Self::with(&cli.listening, loaded.as_ref(), |file| sources(cli, file))?;
        Ok(if matches!(cli.command, Some(Command::SayAs(_))) {
            settings.for_steps(&cli.listening)
        } else {
            settings
        })
    }

    /// The same, for texts whose steps are printed: in no format of a log unless one is given, and
    /// without a transcript, which would print each text again.
    fn for_steps(self, options: &Listening) -> Self {
        let format = options.format.clone().or_else(|| Some("plain".to_owned()));
        Self { format, has_steps: !self.has_events, screen: Screen::Quiet, ..self }
    }

    /// The same, for one log that is read once from its beginning.
    pub(crate) fn for_log(options: &Listening, path: &Path) -> Result<Self, ConfigError> {
        let loaded = read(options)?;
        let path = path.to_owned();
        let spec = TailSpec {
            path,
            lines: u64::MAX,
            follow: false,
            retry: false,
            poll: false,
            bookmarks: None,
        };
        Self::with(options, loaded.as_ref(), |_| Ok(vec![SourceSpec::Tail(spec)]))
    }

    /// The user's nicks, as the configuration file has them.
    pub(crate) fn nicks(options: &Listening) -> Result<Vec<String>, ConfigError> {
        let loaded = read(options)?;
        Ok(nicks(&configured(loaded.as_ref())?))
    }

    fn with(
        options: &Listening,
        file: Option<&Loaded>,
        sources: impl FnOnce(Option<&Loaded>) -> Result<Vec<SourceSpec>, ConfigError>,
    ) -> Result<Self, ConfigError> {
        // Before the files are read, so that no save is missed in between.
        let folders = [file::filters_folder(), file::lexicons_folder()];
        let folders: Vec<_> = folders.into_iter().flatten().collect();
        let saved = ConfigWatcher::watch(path(options).as_deref(), &folders);
        let library = Library::load(file::filters_folder().as_deref())?;
        Self::made(options, file, saved, &library, || sources(file))
    }

    /// The settings of a configuration file with this text, without watching it.
    #[cfg(test)]
    pub(crate) fn for_test(text: &str, sources: Vec<SourceSpec>) -> Self {
        use clap::Parser;
        static LIBRARY: std::sync::OnceLock<Library> = std::sync::OnceLock::new();
        let library = LIBRARY.get_or_init(|| Library::load(None).expect("the library"));
        let file = toml::from_str(text).expect("TOML with known keys");
        let loaded = Loaded { path: PathBuf::from("config.toml"), text: text.to_owned(), file };
        let options = Cli::parse_from(["irc-speak"]).listening;
        Self::made(&options, Some(&loaded), ConfigWatcher::none(), library, || Ok(sources))
            .expect("right settings")
    }

    fn made(
        options: &Listening,
        file: Option<&Loaded>,
        saved: ConfigWatcher,
        library: &Library,
        sources: impl FnOnce() -> Result<Vec<SourceSpec>, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let format = format(options, file, library)?;
        let setup = setup(options, file)?;
        let mut settings = Self {
            configuration: None,
            format,
            filter: filter(options, file, library)?,
            phrasing: phrasing(options, file, &setup)?,
            sink: match (options.text, options.events) {
                (false, _) => Sink::Speech,
                (true, false) => Sink::Text,
                (true, true) => Sink::Events,
            },
            has_events: options.events,
            has_steps: false,
            screen: match (options.quiet, options.plain) {
                (true, _) => Screen::Quiet,
                (false, true) => Screen::Plain,
                (false, false) => Screen::AsItCan,
            },
            speakers: speakers(&setup, file)?,
            languages: languages::voices(&setup, file)?,
            checks: Checks::of(&setup, options, file),
            earcons: file.map(|loaded| loaded.file.earcons).unwrap_or_default(),
            setup,
            lag_target: lag_target(options, file)?,
            saved,
            voice_spec: voice_spec(options, file)?,
            grammars: library.grammars(),
            sources: sources()?,
        };
        settings.configuration = configuration(file, &settings.sources);
        Ok(settings)
    }

    /// Checks the configuration file alone; returns its path, and the names that only the voice
    /// process can check.
    pub(crate) fn check(options: &Listening) -> Result<(PathBuf, Checks), ConfigError> {
        let path = path(options).ok_or_else(no_home)?;
        let loaded = Some(Loaded::read(&path)?);
        let file = loaded.as_ref();
        let library = Library::load(file::filters_folder().as_deref())?;
        format(options, file, &library)?;
        filter(options, file, &library)?;
        voice_spec(options, file)?;
        let setup = setup(options, file)?;
        phrasing(options, file, &setup)?;
        speakers(&setup, file)?;
        lag_target(options, file)?;
        configured(file)?;
        Ok((path, Checks::of(&setup, options, file)))
    }
}

/// The identifier of the file and the sources, the same in every process of this program.
fn configuration(file: Option<&Loaded>, sources: &[SourceSpec]) -> Option<String> {
    let addresses: Vec<_> = sources.iter().filter_map(SourceSpec::address).collect();
    if addresses.is_empty() {
        return None;
    }
    let path = file.map(|it| std::path::absolute(&it.path).unwrap_or_else(|_| it.path.clone()));
    let path = path.map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let all = [vec![path], addresses].concat().join("\0\0");
    Some(format!("{:016x}", hash(all.as_bytes())))
}

/// The path of the configuration file, whether it exists or not.
pub(crate) fn path(options: &Listening) -> Option<PathBuf> {
    options.config.clone().or_else(file::default_path)
}

/// The error if the configuration file has no path.
pub(crate) fn no_home() -> ConfigError {
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
        ..default
    })
}

fn voice_spec(options: &Listening, file: Option<&Loaded>) -> Result<SpeakRequest, ConfigError> {
    let default = SpeakRequest::of("");
    let configured = in_range(file, |f| f.rate.as_ref(), RATES, "rate", "words a minute")?;
    Ok(SpeakRequest {
        voice: voice(options, file),
        rate: rate_option("--rate", options.rate)?.or(configured).unwrap_or(default.rate),
        pitch: in_range(file, |f| f.pitch.as_ref(), 0..=100, "pitch", "")?.unwrap_or(default.pitch),
        volume: in_range(file, |f| f.volume.as_ref(), 0..=200, "volume", "per cent")?
            .unwrap_or(default.volume),
        ..default
    })
}

/// The lag target and the rates. The default highest rate is the one at which the engine is still
/// understood; a base rate above it raises it.
pub(crate) fn lag_target(
    options: &Listening,
    file: Option<&Loaded>,
) -> Result<LagTarget, ConfigError> {
    let base = voice_spec(options, file)?.rate;
    let configured = in_range(file, |f| f.max_rate.as_ref(), RATES, "max_rate", "words a minute")?;
    let written = file.and_then(|it| Some((it, it.file.max_rate.as_ref()?)));
    if let (Some((loaded, at)), Some(max), None) = (written, configured, options.rate)
        && max < base
    {
        let problem = format!(
            "max_rate is {max}, and rate is {base}; it takes {base} or more, \
             {base} is one rate for all"
        );
        return Err(loaded.error(at, problem));
    }
    let understood = engine::understood_wpm(&engine_name(options, file)?).ok();
    let max = rate_option("--max-rate", options.max_rate)?.or(configured);
    // A user who listens at a high rate understands a higher one, too.
    let likely = understood.unwrap_or(base).max(base.scaled(CALM_PERCENT, 100)).min(*RATES.end());
    let max = max.unwrap_or(likely);
    if options.max_rate.is_some() && max < base {
        let problem = format!("--max-rate is {max}, less than the rate, which is {base}");
        return Err(ConfigError::Wrong(problem));
    }
    let configured = time(file, |f| f.max_lag.as_ref(), "max_lag")?;
    let lag = options.max_lag.as_deref().map(|text| {
        let problem = || format!("--max-lag is \"{text}\"; it takes a time such as \"15s\"");
        units::duration(text).ok_or_else(|| ConfigError::Wrong(problem()))
    });
    Ok(LagTarget {
        base,
        max: max.max(base),
        lag: lag.transpose()?.or(configured).unwrap_or(MAX_LAG),
    })
}

/// The default lag target. At 286 words a minute it can be met in 75 of 104 meetings; a shorter one
/// hurries the voice, and a longer one is too long for a conversation.
const MAX_LAG: Duration = Duration::from_secs(20);

/// A rate of the command line, checked.
fn rate_option(name: &str, rate: Option<Wpm>) -> Result<Option<Wpm>, ConfigError> {
    rate.map(|rate| rate.checked(name)).transpose().map_err(ConfigError::Wrong)
}

/// The value of a key of the file, checked to be within `range`.
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
    let configured = file.and_then(|loaded| Some(loaded.file.voice.as_ref()?.get_ref().clone()));
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
    let device = options.device.clone().or_else(|| Some(keys?.device.as_ref()?.get_ref().clone()));
    match output.map(|path| (path, path.to_str())) {
        None | Some((_, Some("device"))) => Ok(Target::Device(device)),
        Some((_, Some("null"))) => Ok(Target::Null),
        Some((path, _)) if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("wav")) => {
            Ok(Target::File(path.clone()))
        }
        Some((path, _)) => Err(ConfigError::Wrong(format!(
            "output {} is neither \"device\" nor \"null\" nor a file that ends in .wav",
            crate::diagnostics::quoted(path)
        ))),
    }
}

fn close_after(file: Option<&Loaded>) -> Result<Option<u64>, ConfigError> {
    let time = time(file, |f| f.close_after.as_ref(), "close_after")?;
    Ok(time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
}

/// A duration of the file.
fn time(
    file: Option<&Loaded>,
    key: impl Fn(&file::File) -> Option<&Spanned<String>>,
    name: &str,
) -> Result<Option<Duration>, ConfigError> {
    let Some((loaded, value)) = file.and_then(|it| Some((it, key(&it.file)?))) else {
        return Ok(None);
    };
    let problem = || format!("{name} is \"{}\"; it takes a time such as \"10s\"", value.get_ref());
    let time = units::duration(value.get_ref());
    time.map(Some).ok_or_else(|| loaded.error(value, problem()))
}

/// How messages are phrased.
fn phrasing(
    options: &Listening,
    file: Option<&Loaded>,
    setup: &Setup,
) -> Result<Phrasing, ConfigError> {
    let naming = naming(options, file)?;
    let mut steps = file.map(|loaded| loaded.file.phrase.options()).unwrap_or_default();
    steps.folder = file::lexicons_folder();
    let language = language_of(&setup.voice);
    let chain = Arc::new(Chain::new(steps, language)?);
    let voices = languages::voices(setup, file)?.languages();
    let aliases = file.map(|loaded| loaded.file.speakers.name.clone()).unwrap_or_default();
    let aliases = aliases.into_iter().collect();
    Ok(Phrasing { naming, chain, language, voices, hints: languages::hints(file)?, aliases })
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
    let known = library.format_names();
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

/// The rule set that is used if the file names none.
pub(crate) const DEFAULT_FILTER: &str = "irc-noise";

#[cfg(test)]
mod tests;
