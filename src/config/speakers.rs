//! The speakers' voices, checked.
#![forbid(unsafe_code)]

use std::ops::RangeInclusive;

use toml::Spanned;

use super::file::{Loaded, SpeakerVoice};
use crate::diagnostics::ConfigError;
use crate::engine::espeak::VARIANTS;
use crate::speaker::{Config, SenderVoice};
use crate::wire::Setup;

/// The speakers' voices by the file, and the variants by engine and voice.
pub(super) fn speakers(setup: &Setup, file: Option<&Loaded>) -> Result<Config, ConfigError> {
    // A voice with a variant was chosen for its sound.
    let varies = setup.engine == "espeak" && !setup.voice.contains('+');
    let variants = if varies { VARIANTS } else { &[] };
    let Some(loaded) = file else {
        return Ok(Config { own_voices: true, variants, named: Vec::new() });
    };
    let keys = &loaded.file.speakers;
    let named =
        keys.voice.iter().map(|(nick, voice)| Ok((nick.clone(), voice_settings(loaded, voice)?)));
    Ok(Config {
        own_voices: keys.own_voices.unwrap_or(true),
        variants,
        named: named.collect::<Result<_, ConfigError>>()?,
    })
}

fn voice_settings(loaded: &Loaded, voice: &SpeakerVoice) -> Result<SenderVoice, ConfigError> {
    let SpeakerVoice { voice, pitch, pan, volume } = voice;
    Ok(SenderVoice {
        voice: voice.as_ref().map(|voice| voice.get_ref().clone()),
        pitch: checked(loaded, pitch.as_ref(), 0..=100, "pitch")?,
        pan: checked(loaded, pan.as_ref(), -100..=100, "pan")?,
        volume: checked(loaded, volume.as_ref(), 0..=200, "volume")?,
    })
}

fn checked<T: TryFrom<i64>>(
    loaded: &Loaded,
    value: Option<&Spanned<i64>>,
    range: RangeInclusive<i64>,
    name: &str,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = value else { return Ok(None) };
    let number = *value.get_ref();
    let checked = T::try_from(number).ok().filter(|_| range.contains(&number));
    checked.map(Some).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        loaded.error(value, format!("{name} is {number}; it takes {least} to {most}"))
    })
}
