//! The commands that list things, `simulate`, and those for the configuration file.
#![forbid(unsafe_code)]

use std::io::{self, Write};

use crate::audio::cards;
use crate::cli::{ConfigAction, Listening, Simulate};
use crate::clock;
use crate::config::file;
use crate::config::settings::{self, Settings};
use crate::diagnostics::{ConfigError, escaped, quoted, reason};
use crate::engine;
use crate::error::Error;
use crate::filter::library::Library;
use crate::language::Language;
use crate::phrase::LexiconFile;
use crate::pipeline::Pipeline;
use crate::simulate;
use crate::wire::SpeakRequest;

/// Lists the engine's voices, with their languages, and which of them are not installed completely.
pub(crate) fn voices(options: &Listening) -> Result<(), Error> {
    let engine = options.engine.as_deref().unwrap_or("espeak");
    let voices = engine::voices(engine)?;
    print(voices.into_iter().map(|voice| {
        let language = Language::from_code(&voice.language).map(Language::name);
        let missing = if voice.has_dictionary { "" } else { " (no dictionary)" };
        let about = match language {
            Some(language) => format!("{language:NAME_WIDTH$}  {}{missing}", voice.about),
            None => format!("{:NAME_WIDTH$}  {}{missing}", voice.language, voice.about),
        };
        (voice.name, about)
    }))
}

/// The longest common names of languages; only constructed and extinct ones are longer.
const NAME_WIDTH: usize = 14;

/// Lists the engines.
pub(crate) fn engines() -> Result<(), Error> {
    print(engine::ENGINES.iter().map(|engine| (engine.name.to_owned(), engine.about.to_owned())))
}

/// Lists the sound devices.
pub(crate) fn devices() -> Result<(), Error> {
    let devices = cards::devices()?;
    print(devices.into_iter().map(|device| {
        let default = if device.is_default { " (default)" } else { "" };
        (device.name, format!("{}{default}", device.about))
    }))
}

/// Lists the log formats.
pub(crate) fn formats() -> Result<(), Error> {
    print(owned(Library::load(file::filters_folder().as_deref())?.formats()))
}

/// Lists the rule sets.
pub(crate) fn filters() -> Result<(), Error> {
    print(owned(Library::load(file::filters_folder().as_deref())?.rule_sets()))
}

/// Lists the lexicons: the user's with their paths, then the built-in ones.
pub(crate) fn lexicons() -> Result<(), Error> {
    let own = LexiconFile::folder(file::lexicons_folder().as_deref())?;
    let ours = LexiconFile::ours()?;
    let name = |it: &LexiconFile| it.language.map_or("all", Language::code).to_owned();
    let paths = own.iter().map(|it| (name(it), it.path().to_string_lossy().into_owned()));
    print(paths.chain(ours.iter().map(|it| (name(it), it.about().to_owned()))))
}

/// Writes, checks or locates the configuration file.
pub(crate) fn config(action: ConfigAction, options: &Listening) -> Result<(), Error> {
    let path = settings::path(options).ok_or_else(settings::no_home)?;
    match action {
        ConfigAction::Path => print([(path.to_string_lossy().into_owned(), String::new())]),
        ConfigAction::Check => {
            let (path, checks) = Settings::check(options)?;
            wait_for(checks.verify())?;
            print([(format!("{}: no errors", quoted(&path)), String::new())])
        }
        ConfigAction::Init => {
            file::init(&path)?;
            print([(format!("wrote {}", quoted(&path)), String::new())])
        }
    }
}

/// Runs a check that needs a runtime, on this thread.
fn wait_for(checked: impl Future<Output = Result<(), ConfigError>>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(Error::system("cannot start"))?.block_on(checked)?)
}

/// Prints text that includes its line feeds.
pub(crate) fn text(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Error::stdout)
}

fn owned<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    rows.map(|(name, about)| (name.to_owned(), about.to_owned())).collect()
}

/// Replays a log, and prints a report.
pub(crate) fn simulate(arguments: &Simulate, options: &Listening) -> Result<(), Error> {
    let pause = arguments.pause.as_deref().map(str::parse::<simulate::Pause>);
    let pause = pause.transpose().map_err(ConfigError::Wrong)?;
    let settings = Settings::for_log(options, &arguments.log)?;
    let name = arguments.log.to_string_lossy().into_owned();
    let format = settings.format.as_deref();
    let mut pipeline =
        Pipeline::new([name], &settings.grammars, format, settings.filter, settings.phrasing);
    let wrong =
        |why: &str| ConfigError::Wrong(format!("cannot replay {}: {why}", quoted(&arguments.log)));
    let log = std::fs::read(&arguments.log).map_err(|error| wrong(&reason(&error)))?;
    let start = clock::now();
    let (arrivals, n_dropped) =
        simulate::read(log, &mut pipeline, start).map_err(|why| wrong(&why))?;
    let measure = arguments.measure.then(|| engine::measure::Measure::open(&settings.setup));
    let measure = measure.transpose()?.map(std::cell::RefCell::new);
    let seconds = |text: &str, head_len, rate| match &measure {
        Some(measure) => measure.borrow_mut().seconds(&SpeakRequest {
            text: text.to_owned(),
            head_len,
            rate,
            ..settings.voice_spec.clone()
        }),
        None => simulate::estimated_for(&settings.voice_spec.voice, text, rate),
    };
    let lag_target = settings.lag_target;
    let mut report = simulate::Report::of(&arrivals, n_dropped, lag_target, start, &seconds);
    if let Some(pause) = pause {
        report = report.paused(&arrivals, lag_target, start, pause, &seconds);
    }
    let text = if arguments.json {
        serde_json::to_string(&report).unwrap_or_default()
    } else {
        report.to_string()
    };
    writeln!(io::stdout(), "{}", text.trim_end()).map_err(Error::stdout)
}

/// Prints names and descriptions in two columns, escaped.
fn print(rows: impl IntoIterator<Item = (String, String)>) -> Result<(), Error> {
    let rows: Vec<_> = rows.into_iter().collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(32);
    let mut stdout = io::stdout().lock();
    for (name, about) in rows {
        let row = format!("{:width$}  {}", escaped(&name), escaped(&about));
        writeln!(stdout, "{}", row.trim_end()).map_err(Error::stdout)?;
    }
    stdout.flush().map_err(Error::stdout)
}
