//! The control socket under load and attack: everything is still spoken, and no other user can
//! control the listener.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::{Event, SoundServer, Speak, ctl, directory, program, status_of, wait_for};

const N_HELD: usize = 2_000;
const N_CLIENTS: usize = 10_000;

/// Attacks on a socket.
const GARBAGE: &[&[u8]] = &[
    b"\n\n\n\n\n\n",
    b"\xff\xfe\0\0",
    b"{\"command\":",
    b"{\"command\":\"frobnicate\"}\n",
    b"GET / HTTP/1.1\r\n\r\n",
    &[b'['; 5_000],
];

fn listening(sound: &SoundServer) -> Speak {
    let speak = Speak::start(sound, [""; 0]);
    let transcript = || speak.transcript();
    wait_for("it can be controlled", transcript, || sound.control().exists().then_some(()));
    speak
}

/// The reply to a client that sends only `bytes`; empty if the connection was closed.
fn sent(socket: &Path, bytes: &[u8]) -> String {
    let mut client = UnixStream::connect(socket).expect("a listener takes all that come");
    // A rejected client may be disconnected before it has written or read.
    let mut reply = String::new();
    let talk = client.write_all(bytes).and_then(|()| {
        client.shutdown(Shutdown::Write)?;
        BufReader::new(&client).read_line(&mut reply).map(|_| ())
    });
    if let Err(error) = talk {
        let kinds = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset, ErrorKind::NotConnected];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
    reply
}

#[test]
fn every_line_is_spoken_whatever_comes_to_the_socket() {
    let limit = rustix::process::Rlimit { current: Some(4_096), maximum: Some(4_096) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).expect("descriptors");
    let sound = SoundServer::start();
    let mut speak = listening(&sound);
    let socket = sound.control();
    let is_over = AtomicBool::new(false);
    let write = |speak: &mut Speak, from: usize| {
        for number in from..from + 8 {
            speak.write_line(&format!("line {number:02}"));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for garbage in GARBAGE.iter().cycle() {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let reply = sent(&socket, garbage);
                assert!(reply.is_empty() || reply.contains("\"reply\":\"error\""), "{reply}");
            }
        });
        write(&mut speak, 0);
        for number in 0..N_CLIENTS {
            let reply = sent(&socket, b"{\"command\":\"status\"}\n");
            assert!(reply.contains("\"reply\":\"status\""), "client {number}: {reply:?}");
        }
        write(&mut speak, 8);
        let held: Vec<_> = (0..N_HELD).map(|_| UnixStream::connect(&socket)).collect();
        assert!(held.iter().all(Result::is_ok));
        write(&mut speak, 16);
        let last = |event: &Event| event.is_fate("spoken", "line 23");
        speak.wait_event_within(Duration::from_secs(60), "the last is spoken", last);
        is_over.store(true, Ordering::Relaxed);
    });
    let is_fate = |event: &&Event| event.name == "fate";
    let events = speak.events();
    let fates: Vec<_> = events.iter().filter(is_fate).map(|it| (&*it.text, &it.fate)).collect();
    let (texts, spoken): (Vec<_>, _) =
        ((0..24).map(|number| format!("line {number:02}")).collect(), Some("spoken".to_owned()));
    let wanted: Vec<_> = texts.iter().map(|text| (&**text, &spoken)).collect();
    assert_eq!(fates, wanted, "{}", speak.transcript());
    // The clients have left: new ones are served.
    wait_for("it can be controlled again", String::new, || {
        sent(&socket, b"status\n").contains("\"reply\":\"status\"").then_some(())
    });
    assert_eq!(status_of(&sound)["fates"]["spoken"], 24);
    assert_eq!(ctl(&sound, &["quit"]), "");
    assert_eq!(speak.wait_end().code(), Some(0), "{}", speak.transcript());
}

#[test]
fn another_user_cannot_control_it() {
    let sound = SoundServer::start();
    let mut speak = listening(&sound);
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    let folder = sound.control();
    let folder = folder.parent().expect("a folder");
    assert_eq!((mode(folder), mode(&sound.control())), (0o700, 0o600));
    if rustix::process::geteuid().is_root() {
        // Even with open file permissions, the listener rejects other users.
        for door in [folder.parent().expect("a folder"), folder, &sound.control()] {
            std::fs::set_permissions(door, PermissionsExt::from_mode(0o777)).expect("it is ours");
        }
        let copies = directory();
        std::fs::set_permissions(copies.path(), PermissionsExt::from_mode(0o755)).expect("ours");
        let copy = copies.path().join("irc-speak");
        std::fs::copy(env!("CARGO_BIN_EXE_irc-speak"), &copy).expect("a copy");
        let as_nobody = |words: &[&str], arguments: &[&str]| {
            let mut command = program("setpriv", "util-linux");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
            command.args(words).args(arguments);
            sound.surround(&mut command);
            command.output().expect("setpriv can be started")
        };
        let program = copy.display().to_string();
        let version = as_nobody(&[&program], &["--version"]);
        assert!(version.status.success(), "nobody can run it: {version:?}");
        let quit = as_nobody(&[&program], &["ctl", "quit"]);
        assert_eq!(quit.status.code(), Some(1), "{quit:?}");
        // By hand, because the client itself refuses such a folder.
        let script = "use Socket; $SIG{PIPE} = q(IGNORE); socket(my $s, AF_UNIX, SOCK_STREAM, 0); \
                      connect($s, sockaddr_un($ARGV[0])) or die; \
                      syswrite($s, \"quit\\n\"); sysread($s, my $reply, 99); print \"[$reply]\"";
        let by_hand = as_nobody(&["perl", "-e", script], &[&sound.control().to_string_lossy()]);
        let reply = String::from_utf8_lossy(&by_hand.stdout).into_owned();
        assert_eq!(reply, "[]", "{by_hand:?}");
    }
    speak.write_line("and it goes on");
    speak.wait_spoken("it goes on");
}
