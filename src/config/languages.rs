//! The voices of languages, and the languages that the user says senders, channels and sources
//! write, checked.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use toml::Spanned;

use super::file::Loaded;
use crate::diagnostics::{ConfigError, escaped};
use crate::language::Language;
use crate::message::SourceId;
use crate::phrase::Hints;
use crate::wire::Setup;

/// Languages that are spoken by their own voice unless the configuration says otherwise: those whose
/// lines are not taken for English ones (`make bench-languages`), and which eSpeak NG
/// reads. Japanese is not among them: of its characters eSpeak NG knows only the syllables.
const SPOKEN: [&str; 22] = [
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "el", "he", "ar", "fa", "hi", "th",
    "ko", "zh", "ka", "hy", "bn", "ta",
];

/// The voices of languages, as the engine names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LanguageVoices(Vec<(Language, String)>);

impl LanguageVoices {
    /// The voice of a language; none where it has none of its own.
    pub(crate) fn voice(&self, language: Language) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == language).map(|(_, voice)| voice.as_str())
    }

    /// The languages that have a voice.
    pub(crate) fn languages(&self) -> Vec<Language> {
        self.0.iter().map(|(language, _)| *language).collect()
    }
}

/// The language of the configured voice: voices are named for theirs.
pub(crate) fn language_of(voice: &str) -> Language {
    Language::from_code(voice).unwrap_or(Language::ENGLISH)
}

/// The voices of the languages other than the configured voice's.
pub(super) fn voices(setup: &Setup, file: Option<&Loaded>) -> Result<LanguageVoices, ConfigError> {
    let mut voices = Vec::new();
    if setup.engine == "espeak" {
        let spoken = SPOKEN.iter().filter_map(|code| Language::from_code(code));
        voices.extend(spoken.map(|language| (language, language.espeak_voice().to_owned())));
    }
    for (loaded, (code, voice)) in
        file.iter().flat_map(|loaded| loaded.file.languages.iter().map(move |it| (loaded, it)))
    {
        let language = known(loaded, code, voice)?;
        voices.retain(|(known, _)| *known != language);
        if !voice.get_ref().is_empty() {
            voices.push((language, voice.get_ref().clone()));
        }
    }
    voices.retain(|(language, _)| *language != language_of(&setup.voice));
    Ok(LanguageVoices(voices))
}

/// The configured languages of senders, channels and sources.
pub(super) fn hints(file: Option<&Loaded>) -> Result<Hints, ConfigError> {
    let Some(loaded) = file else { return Ok(Hints::default()) };
    let sources = (0..).map(SourceId).zip(&loaded.file.source);
    let of_source = |(id, language): (SourceId, &Spanned<String>)| {
        Ok((id, known(loaded, language.get_ref(), language)?))
    };
    Ok(Hints {
        senders: by_name(loaded, &loaded.file.speakers.language)?,
        channels: by_name(loaded, &loaded.file.channels.language)?,
        sources: sources
            .filter_map(|(id, source)| Some((id, source.language.as_ref()?)))
            .map(of_source)
            .collect::<Result<_, ConfigError>>()?,
    })
}

fn by_name(
    loaded: &Loaded,
    hints: &BTreeMap<String, Spanned<String>>,
) -> Result<Vec<(String, Language)>, ConfigError> {
    let hint = |(name, code): (&String, &Spanned<String>)| {
        Ok((name.clone(), known(loaded, code.get_ref(), code)?))
    };
    hints.iter().map(hint).collect()
}

fn known<T>(loaded: &Loaded, code: &str, at: &Spanned<T>) -> Result<Language, ConfigError> {
    Language::from_code(code).ok_or_else(|| {
        let code = escaped(code);
        let problem = format!(
            "\"{code}\" is no language; it takes a code of ISO 639, such as \"de\" or \"ru\""
        );
        loaded.error(at, problem)
    })
}
