//! The sound devices, through cpal.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};

use super::OutputError;
use crate::clock;
use crate::diagnostics::escaped;

/// A sound system answers, or refuses, within this time. One that takes longer hangs.
const PROMPT: Duration = Duration::from_secs(1);

/// A device as `irc-speak devices` lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct DeviceInfo {
    /// The name that `--device` takes.
    pub name: String,
    /// Its description.
    pub about: String,
    /// Whether it is used without `--device`.
    pub is_default: bool,
}

/// The devices that sound can go to.
pub(crate) fn devices() -> Result<Vec<DeviceInfo>, OutputError> {
    let host = host(false)?;
    let default = find(&host, None).ok().and_then(|device| name_of(&device));
    let mut known = Vec::new();
    for device in host.output_devices().map_err(|error| no_device(&error))? {
        let Some(name) = name_of(&device).filter(|name| !is_converter(name)) else { continue };
        let about = device.description().map(|it| it.name().to_owned()).unwrap_or_default();
        let is_default = Some(&name) == default.as_ref();
        known.push(DeviceInfo { name, about, is_default });
    }
    Ok(known)
}

/// ALSA lists its converters as devices.
fn is_converter(name: &str) -> bool {
    const CONVERTERS: [&str; 8] =
        ["null", "lavrate", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "oss"];
    CONVERTERS.contains(&name)
}

/// A device, and how it was found.
#[derive(Clone)]
pub(super) struct Sound {
    host: Arc<cpal::Host>,
    /// The requested name; none for the default device.
    name: Option<String>,
    pub(super) device: cpal::Device,
}

impl Sound {
    /// The device of that name, or the default one; with `wants_server` only on a sound server.
    pub(super) fn find(name: Option<&str>, wants_server: bool) -> Result<Self, OutputError> {
        Self::find_on(Arc::new(host(wants_server)?), name)
    }

    fn find_on(host: Arc<cpal::Host>, name: Option<&str>) -> Result<Self, OutputError> {
        let device = find(&host, name)?;
        Ok(Self { host, name: name.map(str::to_owned), device })
    }

    /// Whether a stream opens within milliseconds, however large its buffer is.
    pub(super) fn opens_fast(&self) -> bool {
        self.host.id() == cpal::HostId::PulseAudio
    }

    /// Finds the device again; the server may have changed, too.
    pub(super) fn fresh(self) -> Result<Self, OutputError> {
        if !self.opens_fast() {
            return Ok(self); // no server to ask
        }
        let Self { host, name, .. } = self;
        Self::find_on(host, name.as_deref()).or_else(|_| Self::find(name.as_deref(), true))
    }

    /// Whether the default device was requested and has changed since the last call. `false` where
    /// the old one is gone: the server has moved the stream itself.
    pub(super) fn has_moved(&mut self) -> bool {
        if self.name.is_some() || !self.opens_fast() {
            return false;
        }
        let Ok(now) = find(&self.host, None) else { return false };
        let (Some(old), Some(new)) = (name_of(&self.device), name_of(&now)) else { return false };
        if old == new {
            return false;
        }
        self.device = now;
        find(&self.host, Some(&old)).is_ok()
    }
}

/// Looks for the device of that name, or the default one.
pub(crate) fn look(name: Option<&str>) -> Result<(), OutputError> {
    Sound::find(name, false).map(|_| ())
}

/// PulseAudio's host where a server answers (PipeWire's counts), otherwise the system's own. Where
/// one does not answer, the others are not tried: they would ask it, too, and wait longer. With
/// `wants_server` only the first will do.
fn host(wants_server: bool) -> Result<cpal::Host, OutputError> {
    let mut why = None;
    let is_wanted = |id: &cpal::HostId| !wants_server || *id == cpal::HostId::PulseAudio;
    for id in cpal::available_hosts().into_iter().filter(is_wanted) {
        let asked = clock::now();
        match cpal::host_from_id(id) {
            Ok(host) => return Ok(host),
            Err(_) if clock::now() - asked > PROMPT => return Err(OutputError::NoAnswer),
            Err(error) => why = Some(error),
        }
    }
    Err(why.map_or(OutputError::NoDevice { why: "no sound system".to_owned() }, |e| no_device(&e)))
}

fn find(host: &cpal::Host, name: Option<&str>) -> Result<cpal::Device, OutputError> {
    let Some(name) = name else {
        return host
            .default_output_device()
            .ok_or_else(|| OutputError::NoDevice { why: "the sound system has none".to_owned() });
    };
    let mut n_known = 0;
    for device in host.output_devices().map_err(|error| no_device(&error))? {
        n_known += 1;
        let about = device.description().map(|it| it.name().to_owned()).unwrap_or_default();
        if name_of(&device).as_deref() == Some(name) || about == name {
            return Ok(device);
        }
    }
    Err(OutputError::UnknownDevice { name: name.to_owned(), n_known })
}

fn name_of(device: &cpal::Device) -> Option<String> {
    device.id().ok().map(|id| id.id().to_owned())
}

pub(super) fn no_device(error: &cpal::Error) -> OutputError {
    OutputError::NoDevice { why: clause(&error.to_string()) }
}

/// The first part of the sound system's message, in lower case, without a full stop.
pub(super) fn clause(message: &str) -> String {
    let first = message.split(". ").next().unwrap_or(message).trim_end_matches('.');
    let is_name = first.chars().nth(1).is_some_and(|c| c.is_uppercase() || c == '/');
    let mut letters = first.chars();
    let begin = letters.next().map(|c| if is_name { c } else { c.to_ascii_lowercase() });
    escaped(&begin.into_iter().chain(letters).collect::<String>())
}

#[test]
fn the_sound_systems_messages_are_shortened() {
    for (message, expected) in [
        ("The device is gone. It may have been unplugged.", "the device is gone"),
        ("I/O error: refused", "I/O error: refused"),
        ("", ""),
    ] {
        assert_eq!(clause(message), expected);
    }
}
