//! Media keys, headset buttons, lock screens and `playerctl`: the listener as a media player on the
//! session bus. Rules: <https://specifications.freedesktop.org/mpris-spec/latest/>.
//!
//! A bus that is absent, hung or gone is not an error; it is tried again later: speech must not
//! depend on a desktop.
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

/// The first listener's name on the bus; later ones append `.instance` and their process's id.
pub const NAME: &str = "org.mpris.MediaPlayer2.irc_speak";

/// The object path of every media player.
const PATH: &str = "/org/mpris/MediaPlayer2";

/// The wait after the first failure; it doubles with each one up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

/// A bus that has not answered by then is considered hung.
const CONNECT: Duration = Duration::from_secs(10);

/// How long writing the reply to the last call, most often Quit, may take.
const LEAVE: Duration = Duration::from_millis(100);

/// Serves a media player on the user's session bus, whenever there is one, until `stop` is
/// cancelled or the listener ends.
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
    // Fails once the listener has ended.
    while state.has_changed().is_ok() {
        let connecting = timeout(CONNECT, connect(bus(), &controls));
        let Some(connected) = stop.run_until_cancelled(connecting).await else { return };
        match connected {
            Ok(Ok(connection)) => {
                wait = SHORTEST;
                // A hung bus may block this, but not `stop`.
                match stop.run_until_cancelled(stay(&connection, &mut state)).await {
                    None | Some(Ok(())) => {}
                    Some(Err(error)) => debug!(%error, "cannot report changes to the session bus"),
                }
                // A timeout does no harm: other tasks write what is left.
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

/// Connects to `bus`, serves the interfaces and takes the name.
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

/// Reports changes of `state` on the bus, until the bus is gone or the listener ends.
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
            emit(connection, changed).await?;
        }
        shown = now;
    }
}

/// Emits one signal with the new values of the player's properties.
async fn emit(connection: &Connection, changed: HashMap<&str, Value<'_>>) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(connection, PATH)?;
    let player = InterfaceName::try_from(player::INTERFACE)?;
    fdo::Properties::properties_changed(&emitter, player, changed, [].as_slice().into()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_without_a_bus_is_an_error() {
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
