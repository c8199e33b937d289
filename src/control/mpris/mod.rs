//! Media keys, headset buttons, lock screens and `playerctl`: the listener as a media player on the
//! session bus. Rules: <https://specifications.freedesktop.org/mpris-spec/latest/>.
//!
//! Knows the bus and what is shown on it, no more. A bus that is absent, hung or gone is no error,
//! but a reason to look for it again later: speech must not depend on a desktop.
#![forbid(unsafe_code)]

mod player;
mod properties;

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;
use zbus::connection::{Builder, Connection};
use zbus::fdo::{self, RequestNameFlags};
use zbus::names::InterfaceName;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;

use self::player::{Player, Root};
use self::properties::PlayerProperties;
use super::{Controls, Snapshot};

/// The first listener's name on the bus; those after it add `.instance` and their process's id.
pub const NAME: &str = "org.mpris.MediaPlayer2.irc_speak";

/// Where every media player is.
const PATH: &str = "/org/mpris/MediaPlayer2";

/// The wait after the first failure; it doubles with each one up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

/// A bus that has not answered by then hangs.
const CONNECT: Duration = Duration::from_secs(10);

/// For the reply to a last call, most often Quit, to be written.
const LEAVE: Duration = Duration::from_millis(100);

/// Is a media player on the user's session bus, whenever there is one, until `stop` is cancelled
/// or the listener ends.
pub async fn serve(controls: Controls, stop: CancellationToken) {
    run(Builder::session, controls, stop).await;
}

/// As [`serve`], on the bus at a D-Bus `address`, as in `DBUS_SESSION_BUS_ADDRESS`.
pub async fn serve_on(address: &str, controls: Controls, stop: CancellationToken) {
    run(|| Builder::address(address), controls, stop).await;
}

async fn run<'a>(
    bus: impl Fn() -> zbus::Result<Builder<'a>>,
    controls: Controls,
    stop: CancellationToken,
) {
    let mut wait = SHORTEST;
    let mut state = controls.state();
    // Fails once the listener has ended: then nobody is there to be steered.
    while state.has_changed().is_ok() {
        let connecting = timeout(CONNECT, connect(bus(), &controls));
        let Some(connected) = stop.run_until_cancelled(connecting).await else { return };
        match connected {
            Ok(Ok(connection)) => {
                wait = SHORTEST;
                // A bus that hangs may hold this up, but not the stop.
                match stop.run_until_cancelled(stay(&connection, &mut state)).await {
                    None | Some(Ok(())) => {}
                    Some(Err(error)) => debug!(%error, "cannot tell the session bus what changed"),
                }
                // Late is no harm: what is still to be written is written by other tasks.
                timeout(LEAVE, connection.graceful_shutdown()).await.unwrap_or_default();
            }
            Ok(Err(error)) => debug!(%error, "no session bus to be a media player on"),
            Err(_) => debug!("the session bus does not answer"),
        }
        if stop.run_until_cancelled(sleep(wait)).await.is_none() {
            return;
        }
        wait = (wait * 2).min(LONGEST);
    }
}

/// Connects to `bus` and is found there by name, with all it has to offer.
async fn connect(bus: zbus::Result<Builder<'_>>, controls: &Controls) -> zbus::Result<Connection> {
    let connection = bus?
        .method_timeout(CONNECT)
        .serve_at(PATH, Root::new(controls.clone()))?
        .serve_at(PATH, Player::new(controls.clone()))?
        .build()
        .await?;
    let name = claim(&connection).await?;
    debug!(name, "a media player on the session bus");
    Ok(connection)
}

/// Takes the first of the listener's names that is free.
async fn claim(connection: &Connection) -> zbus::Result<String> {
    let instance = format!("{NAME}.instance{}", std::process::id());
    for name in [NAME.to_owned(), instance] {
        let flags = RequestNameFlags::DoNotQueue.into();
        match connection.request_name_with_flags(name.as_str(), flags).await {
            Ok(_) => return Ok(name),
            Err(zbus::Error::NameTaken) => {}
            Err(error) => return Err(error),
        }
    }
    Err(zbus::Error::NameTaken)
}

/// Tells the bus what changes in `state`, until the bus goes or the listener ends.
async fn stay(connection: &Connection, state: &mut watch::Receiver<Snapshot>) -> zbus::Result<()> {
    let mut shown = PlayerProperties::of(&state.borrow_and_update());
    loop {
        tokio::select! {
            () = connection.closed() => return Ok(()),
            changed = state.changed() => if changed.is_err() { return Ok(()) },
        }
        let now = PlayerProperties::of(&state.borrow_and_update());
        let changed = now.since(&shown);
        if !changed.is_empty() {
            tell(connection, changed).await?;
        }
        shown = now;
    }
}

/// Announces new values of the player's properties, in one signal.
async fn tell(connection: &Connection, changed: HashMap<&str, Value<'_>>) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(connection, PATH)?;
    let player = InterfaceName::try_from(player::INTERFACE)?;
    fdo::Properties::properties_changed(&emitter, player, changed, [].as_slice().into()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_without_a_bus_is_an_error_and_no_more() {
        let (requests, _inbox) = tokio::sync::mpsc::channel(1);
        let state = watch::Sender::new(Snapshot::default());
        let controls = Controls::new(requests, state.subscribe());
        for address in [
            "",
            "unix",
            "unix:",
            "unix:path=/nowhere/bus",
            "unix:path=\0",
            "unix:abstract=irc-speak/nobody/is/here",
            "tcp:host=127.0.0.1,port=1",
            "unixexec:path=/nowhere/bus",
            "unixexec:path=/bin/false",
            "autolaunch:",
            "carrier-pigeon:name=kim",
        ] {
            let connected = connect(Builder::address(address), &controls).await;
            assert!(connected.is_err(), "address: {address:?}");
        }
    }
}
