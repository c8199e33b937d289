//! Control as a media player: a session bus for each test, the real `playerctl`, and a listener
//! that only records commands.
#![forbid(unsafe_code)]

use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt;
use irc_speak::control::mpris::{NAME, serve_on};
use irc_speak::control::{Command, Controls, Entry, Reply, Request, Snapshot};
use irc_speak::units::Wpm;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;
use tokio::process::{Child, Command as Program};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zbus::fdo::{DBusProxy, PropertiesProxy};
use zbus::zvariant::Value;

const DEADLINE: Duration = Duration::from_secs(30);
/// Less than any wait for a bus.
const PROMPT: Duration = Duration::from_secs(3);
const PATH: &str = "/org/mpris/MediaPlayer2";
const ROOT: &str = "org.mpris.MediaPlayer2";
const PLAYER: &str = "org.mpris.MediaPlayer2.Player";

#[tokio::test]
async fn playerctl_controls_the_listener() {
    let (bus, mut listener) = found().await;

    for (arguments, command) in [
        (&["play-pause"][..], Command::Toggle),
        (&["play"], Command::Resume),
        (&["pause"], Command::Pause),
        (&["stop"], Command::Pause),
        (&["next"], Command::Skip),
        (&["previous"], Command::Repeat { n: 1 }),
        (&["volume", "0.5"], Command::Volume { percent: 50 }),
    ] {
        assert_eq!(bus.playerctl(arguments).await, "", "playerctl {arguments:?}");
        assert_eq!(listener.asked().await, command, "playerctl {arguments:?}");
    }
    listener.end().await;
}

#[tokio::test]
async fn playerctl_shows_the_status() {
    let (bus, listener) = found().await;

    assert_eq!(bus.playerctl(&["--list-all"]).await, "irc_speak");
    assert_eq!(bus.playerctl(&["status"]).await, "Playing");
    assert_eq!(bus.playerctl(&["volume"]).await, "1.000000");
    listener.state.send_modify(|state| {
        state.paused = true;
        state.volume = 150;
        state.current = Some(line("is \0it\u{1b} ü?"));
    });
    assert_eq!(bus.playerctl(&["status"]).await, "Paused");
    assert_eq!(bus.playerctl(&["volume"]).await, "1.500000");
    let format = "{{mpris:trackid}}|{{artist}}|{{album}}|{{title}}";
    assert_eq!(
        bus.playerctl(&["metadata", "--format", format]).await,
        "'/org/irc_speak/_libera/412'|kim|#ubuntu|is  it  ü?"
    );
    listener.end().await;
}

#[tokio::test]
async fn the_rate_is_relative_to_the_base_rate() {
    let (bus, mut listener) = found().await;
    let player = bus.player().await;

    for (rate, command) in [
        (1.5, Command::Rate { wpm: Wpm(330) }),
        (100.0, Command::Rate { wpm: Wpm(1_000) }),
        (0.01, Command::Rate { wpm: Wpm(60) }),
        (0.0, Command::Pause),
    ] {
        player.set_property("Rate", rate).await.expect("the rate is set");
        assert_eq!(listener.asked().await, command, "rate {rate}");
    }
    assert!(player.set_property("Rate", f64::NAN).await.is_err(), "no number");
    for (name, wpm) in [("Rate", 60.0), ("MinimumRate", 60.0), ("MaximumRate", 1_000.0)] {
        let ratio: f64 = player.get_property(name).await.expect("a property");
        assert!((ratio - wpm / 220.0).abs() < 1e-9, "{name} is {ratio}");
    }
    listener.end().await;
}

#[tokio::test]
async fn one_signal_has_all_changes() {
    let (bus, listener) = found().await;
    let client = bus.client().await;
    let properties = PropertiesProxy::new(&client, NAME, PATH).await.expect("a proxy");
    let mut signals = properties.receive_properties_changed().await.expect("a match");

    // The first change is not sent to the bus; the next two are sent as one.
    listener.state.send_modify(|state| state.waiting = 12);
    tokio::task::yield_now().await;
    listener.state.send_modify(|state| state.paused = true);
    listener.state.send_modify(|state| state.rate = Wpm(330));

    let signal = within("a signal", signals.next()).await.expect("an open bus");
    let changes = signal.args().expect("its arguments");
    assert_eq!(changes.interface_name(), PLAYER);
    assert_eq!(changes.changed_properties().len(), 2, "{changes:?}");
    assert_eq!(changes.changed_properties()["PlaybackStatus"], Value::from("Paused"));
    assert_eq!(changes.changed_properties()["Rate"], Value::from(1.5));
    listener.end().await;
}

#[tokio::test]
async fn the_player_can_quit_and_has_no_window() {
    let (bus, mut listener) = found().await;
    let client = bus.client().await;
    let root = zbus::Proxy::new(&client, NAME, PATH, ROOT).await.expect("a proxy");

    for (name, value) in [("CanQuit", true), ("CanRaise", false), ("HasTrackList", false)] {
        assert_eq!(root.get_property::<bool>(name).await.expect("a property"), value, "{name}");
    }
    assert_eq!(root.get_property::<String>("Identity").await.expect("a property"), "irc-speak");
    // The listener stops the service on Quit, as the real one does; the caller still gets a reply.
    root.call::<_, _, ()>("Quit", &()).await.expect("a reply");
    assert_eq!(listener.asked().await, Command::Quit);
    within("its end", listener.serving).await.expect("no panic");
}

#[tokio::test]
async fn a_refused_command_is_an_error_on_the_bus() {
    let bus = Bus::start().await;
    let listener =
        Listener::answering(&bus, Reply::Error { why: "there is nothing to skip".to_owned() });
    bus.wait_for(NAME).await;
    let player = bus.player().await;

    let error = player.call::<_, _, ()>("Next", &()).await.expect_err("a refusal");
    assert!(error.to_string().contains("there is nothing to skip"), "{error}");
    listener.end().await;
}

#[tokio::test]
async fn a_second_listener_has_its_own_name() {
    let bus = Bus::start().await;
    let first = Listener::start(&bus);
    bus.wait_for(NAME).await;
    let mut second = Listener::start(&bus);
    let instance = format!("{NAME}.instance{}", std::process::id());
    bus.wait_for(&instance).await;
    first.end().await;

    let name = instance.trim_start_matches("org.mpris.MediaPlayer2.");
    assert_eq!(bus.playerctl(&["--player", name, "next"]).await, "");
    assert_eq!(second.asked().await, Command::Skip);
    second.end().await;
}

#[tokio::test]
async fn a_bus_that_starts_late_or_restarts_is_found() {
    let mut bus = Bus::absent();
    let mut listener = Listener::start(&bus);
    bus.run().await;
    bus.wait_for(NAME).await;
    bus.stop().await;
    bus.run().await;
    bus.wait_for(NAME).await;
    bus.playerctl(&["next"]).await;
    assert_eq!(listener.asked().await, Command::Skip);
    listener.end().await;
}

#[tokio::test]
async fn a_bus_that_hangs_does_not_delay_exit() {
    let (bus, listener) = found().await;
    bus.hang();
    // More than the socket buffer holds.
    for n in 0..4_000 {
        listener.state.send_modify(|state| state.current = Some(line(&format!("{n:0256}"))));
        tokio::task::yield_now().await;
    }
    listener.end().await;
}

#[tokio::test]
async fn a_socket_that_is_no_bus_does_no_harm() {
    for answer in [&b""[..], b"\0\xff\r\n", b"OK\r\n", b"OK 00000000000000000000000000000000\r\nl"]
    {
        let bus = Bus::absent();
        let socket = UnixListener::bind(bus.folder.path().join("bus")).expect("a socket");
        let listener = Listener::start(&bus);
        let (mut stream, _) = within("a caller", socket.accept()).await.expect("a caller");
        stream.write_all(answer).await.expect("a caller that reads");
        stream.shutdown().await.expect("a caller that reads");
        // The caller gives up and closes, in whatever way.
        within("its end", stream.read_to_end(&mut Vec::new())).await.unwrap_or_default();
        assert!(!listener.serving.is_finished(), "it tries again later");
        listener.end().await;
    }
}

#[tokio::test]
async fn a_bus_that_never_answers_does_not_delay_exit() {
    let bus = Bus::absent();
    let socket = UnixListener::bind(bus.folder.path().join("bus")).expect("a socket");
    let listener = Listener::start(&bus);
    let _held = within("a caller", socket.accept()).await.expect("a caller");
    listener.end().await;
}

#[tokio::test]
async fn a_flood_of_calls_keeps_its_order() {
    let (bus, mut listener) = found().await;
    let player = bus.player().await;

    let flood = async {
        for n in 0..2_000 {
            let method = if n % 3 == 0 { "Previous" } else { "Next" };
            player.call_noreply(method, &()).await.expect("a bus that takes it");
        }
    };
    let heard = async {
        for n in 0..2_000 {
            let command = if n % 3 == 0 { Command::Repeat { n: 1 } } else { Command::Skip };
            assert_eq!(listener.asked().await, command, "call {n}");
        }
    };
    tokio::join!(flood, heard);
    listener.end().await;
}

/// A listener on a bus.
async fn found() -> (Bus, Listener) {
    let bus = Bus::start().await;
    let listener = Listener::start(&bus);
    bus.wait_for(NAME).await;
    (bus, listener)
}

/// A session bus in its own folder.
struct Bus {
    folder: TempDir,
    daemon: Option<Child>,
}

impl Bus {
    async fn start() -> Self {
        let mut bus = Self::absent();
        bus.run().await;
        bus
    }

    fn absent() -> Self {
        Self { folder: TempDir::new().expect("a folder"), daemon: None }
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.folder.path().join("bus").display())
    }

    /// Starts the bus; returns when it listens.
    async fn run(&mut self) {
        let mut daemon = program("dbus-daemon", "dbus-daemon", |it| {
            it.args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
                .arg(format!("--address={}", self.address()));
        });
        let stdout = daemon.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines();
        let line = within("the bus", lines.next_line()).await.expect("its output");
        assert!(line.is_some(), "the bus has an address");
        self.daemon = Some(daemon);
    }

    /// Kills the bus.
    async fn stop(&mut self) {
        self.daemon.take().expect("a bus that runs").kill().await.expect("its end");
        std::fs::remove_file(self.folder.path().join("bus")).unwrap_or_default();
    }

    /// Stops the bus, until it is killed.
    fn hang(&self) {
        let id = self.daemon.as_ref().and_then(Child::id).expect("a bus that runs");
        let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::STOP).expect("our own child");
    }

    async fn client(&self) -> zbus::Connection {
        let builder = zbus::connection::Builder::address(&*self.address()).expect("an address");
        builder.method_timeout(DEADLINE).build().await.expect("a connection")
    }

    /// The player, for what `playerctl` does not do.
    async fn player(&self) -> zbus::Proxy<'static> {
        zbus::Proxy::new_owned(self.client().await, NAME, PATH, PLAYER).await.expect("a proxy")
    }

    /// Waits until `name` is on the bus.
    async fn wait_for(&self, name: &str) {
        let client = self.client().await;
        let proxy = DBusProxy::new(&client).await.expect("a proxy");
        let mut owners = proxy
            .receive_name_owner_changed_with_args(&[(0, name)])
            .await
            .expect("a match for the signal");
        let there = proxy.name_has_owner(name.try_into().expect("a name")).await;
        if !there.expect("an answer") {
            within(name, owners.next()).await.expect("an open bus");
        }
    }

    /// What `playerctl` prints, without the end of the line.
    async fn playerctl(&self, arguments: &[&str]) -> String {
        let child = program("playerctl", "playerctl", |it| {
            it.args(arguments).env("DBUS_SESSION_BUS_ADDRESS", self.address());
        });
        let output = within("playerctl", child.wait_with_output()).await.expect("its output");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "playerctl {arguments:?}: {complaint}");
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }
}

/// Stands in for the queue: records each command and applies its visible effect.
struct Listener {
    commands: mpsc::UnboundedReceiver<Command>,
    state: watch::Sender<Snapshot>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Listener {
    fn start(bus: &Bus) -> Self {
        Self::answering(bus, Reply::Done)
    }

    fn answering(bus: &Bus, reply: Reply) -> Self {
        let (requests, mut inbox) = mpsc::channel::<Request>(16);
        let (note, commands) = mpsc::unbounded_channel();
        let state =
            watch::Sender::new(Snapshot { rate: Wpm(220), volume: 100, ..Snapshot::default() });
        let stop = CancellationToken::new();
        let (shown, stopping) = (state.clone(), stop.clone());
        tokio::spawn(async move {
            while let Some(request) = inbox.recv().await {
                shown.send_modify(|state| apply(state, &request.command));
                if request.command == Command::Quit {
                    stopping.cancel();
                }
                note.send(request.command).unwrap_or_default();
                request.reply.send(reply.clone()).unwrap_or_default();
            }
        });
        let (controls, address) = (Controls::new(requests, state.subscribe()), bus.address());
        let until = stop.clone();
        let serving = tokio::spawn(async move { serve_on(&address, controls, until).await });
        Self { commands, state, stop, serving }
    }

    /// The next command.
    async fn asked(&mut self) -> Command {
        within("a command", self.commands.recv()).await.expect("a listener")
    }

    async fn end(self) {
        self.stop.cancel();
        let end = tokio::time::timeout(PROMPT, self.serving).await;
        end.expect("a prompt end").expect("no panic");
    }
}

fn apply(state: &mut Snapshot, command: &Command) {
    match command {
        Command::Toggle => state.paused = !state.paused,
        Command::Pause => state.paused = true,
        Command::Resume => state.paused = false,
        Command::Rate { wpm } => state.rate = *wpm,
        Command::Volume { percent } => state.volume = *percent,
        _ => {}
    }
}

fn line(text: &str) -> Entry {
    let [source, channel, sender, text] = ["libera", "#ubuntu", "kim", text].map(str::to_owned);
    let (channel, sender) = (Some(channel), Some(sender));
    Entry { line: 412, source, channel, sender, text, ..Entry::default() }
}

/// Starts a program that ends with the test.
fn program(name: &str, package: &str, set: impl FnOnce(&mut Program)) -> Child {
    let mut program = Program::new(name);
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    set(&mut program);
    program.spawn().unwrap_or_else(|error| {
        panic!("{name}: {error}; it is in the Debian package {package}");
    })
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}
