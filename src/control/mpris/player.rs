//! The two interfaces of a media player, each method a [`Command`].
#![forbid(unsafe_code)]
#![expect(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "the interfaces are fixed by MPRIS, and `zbus::interface` wants methods"
)]

use std::collections::HashMap;

use zbus::fdo;
use zbus::zvariant::{ObjectPath, Value};

use super::super::{Command, Controls, Reply};
use super::properties::{PlayerProperties, percent, ratio, wpm};
use crate::units::RATES;

/// The player's interface, by name.
pub(super) const INTERFACE: &str = "org.mpris.MediaPlayer2.Player";

/// `org.mpris.MediaPlayer2`: the program.
#[derive(Debug)]
pub(super) struct Root {
    controls: Controls,
}

/// `org.mpris.MediaPlayer2.Player`: the player.
#[derive(Debug)]
pub(super) struct Player {
    controls: Controls,
}

impl Root {
    pub(super) fn new(controls: Controls) -> Self {
        Self { controls }
    }
}

impl Player {
    pub(super) fn new(controls: Controls) -> Self {
        Self { controls }
    }

    fn shown(&self) -> PlayerProperties {
        PlayerProperties::of(&self.controls.state().borrow())
    }
}

/// Sends `command`; the listener's error is returned to the caller on the bus.
async fn ask(controls: &Controls, command: Command) -> fdo::Result<()> {
    match controls.ask(command).await {
        Reply::Error { why } => Err(fdo::Error::Failed(why)),
        Reply::Done
        | Reply::Skipped { .. }
        | Reply::Status(_)
        | Reply::Where { .. }
        | Reply::Aliases { .. }
        | Reply::Lines { .. } => Ok(()),
    }
}

/// Checks that a number from the bus is finite.
fn finite(number: f64) -> fdo::Result<f64> {
    let problem = || fdo::Error::InvalidArgs(format!("{number} is not a finite number"));
    number.is_finite().then_some(number).ok_or_else(problem)
}

// One call after the other (`spawn = false`): they keep their order, and a flood of calls is queued
// on the bus instead of in memory.
#[zbus::interface(name = "org.mpris.MediaPlayer2", spawn = false)]
impl Root {
    async fn quit(&self) -> fdo::Result<()> {
        ask(&self.controls, Command::Quit).await
    }

    fn raise(&self) {}

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_quit(&self) -> bool {
        true
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_raise(&self) -> bool {
        false
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn has_track_list(&self) -> bool {
        false
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn identity(&self) -> &'static str {
        "irc-speak"
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn supported_uri_schemes(&self) -> Vec<String> {
        Vec::new()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn supported_mime_types(&self) -> Vec<String> {
        Vec::new()
    }
}

#[zbus::interface(name = "org.mpris.MediaPlayer2.Player", spawn = false)]
impl Player {
    async fn play_pause(&self) -> fdo::Result<()> {
        ask(&self.controls, Command::Toggle).await
    }

    async fn play(&self) -> fdo::Result<()> {
        ask(&self.controls, Command::Resume).await
    }

    async fn pause(&self) -> fdo::Result<()> {
        ask(&self.controls, Command::Pause).await
    }

    /// Pauses, so that no line is lost: a live conversation has no beginning to go back to, and the
    /// next play resumes where it was.
    async fn stop(&self) -> fdo::Result<()> {
        ask(&self.controls, Command::Pause).await
    }

    async fn next(&self) -> fdo::Result<()> {
        ask(&self.controls, Command::Skip).await
    }

    async fn previous(&self) -> fdo::Result<()> {
        ask(&self.controls, Command::Repeat { n: 1 }).await
    }

    /// Does nothing, as MPRIS requires of a player that cannot seek.
    fn seek(&self, _microseconds: i64) {}

    /// Does nothing, like [`Self::seek`].
    fn set_position(&self, _track: ObjectPath<'_>, _microseconds: i64) {}

    fn open_uri(&self, _uri: &str) -> fdo::Result<()> {
        Err(fdo::Error::NotSupported("irc-speak opens no addresses".to_owned()))
    }

    #[zbus(property)]
    fn playback_status(&self) -> &'static str {
        self.shown().status
    }

    #[zbus(property)]
    fn rate(&self) -> f64 {
        self.shown().rate
    }

    /// In MPRIS zero means pause; negative rates, too, as speech does not run backwards.
    #[zbus(property)]
    async fn set_rate(&self, rate: f64) -> fdo::Result<()> {
        let rate = finite(rate)?;
        let command = if rate > 0.0 { Command::Rate { wpm: wpm(rate) } } else { Command::Pause };
        ask(&self.controls, command).await
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn minimum_rate(&self) -> f64 {
        ratio(*RATES.start())
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn maximum_rate(&self) -> f64 {
        ratio(*RATES.end())
    }

    #[zbus(property)]
    fn volume(&self) -> f64 {
        self.shown().volume
    }

    #[zbus(property)]
    async fn set_volume(&self, volume: f64) -> fdo::Result<()> {
        let percent = percent(finite(volume)?);
        ask(&self.controls, Command::Volume { percent }).await
    }

    #[zbus(property)]
    fn metadata(&self) -> HashMap<&'static str, Value<'static>> {
        self.shown().metadata()
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn position(&self) -> i64 {
        0
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_go_next(&self) -> bool {
        true
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_go_previous(&self) -> bool {
        true
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_play(&self) -> bool {
        true
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_pause(&self) -> bool {
        true
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_seek(&self) -> bool {
        false
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_control(&self) -> bool {
        true
    }
}
