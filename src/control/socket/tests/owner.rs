//! The socket's owner, its replacement, and the program's own client.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

use super::super::super::client::{self, ClientError};
use super::*;

#[tokio::test]
async fn the_socket_is_the_users_alone() {
    let served = Served::done().await;
    let mode = |path: &Path| path.metadata().expect("made").permissions().mode() & 0o777;
    assert_eq!(mode(&served.path()), 0o600);
    assert_eq!(mode(served.path().parent().expect("a folder")), 0o700);
    for (uid, ours, may) in
        [(1000, 1000, true), (0, 1000, true), (1001, 1000, false), (1, 0, false)]
    {
        assert_eq!(may_control(uid, ours), may, "{uid} controls {ours}");
    }
    served.end().await;
}

/// Only root can become another user; without root, only the table above is tested.
#[tokio::test]
async fn another_user_cannot_connect_and_is_not_answered_if_it_does() {
    const SKIP: &str = r#"use IO::Socket::UNIX; $SIG{PIPE} = 'IGNORE'; $) = $( = 65534; $< = $> = 65534;
        my $socket = IO::Socket::UNIX->new(Peer => $ARGV[0]) or print("$!") && exit;
        $socket->print("skip\n"); print("answered: ", <$socket> // "not")"#;
    if !rustix::process::geteuid().is_root() {
        return eprintln!("not tried: only root can become another user");
    }
    let served = Served::done().await;
    let skip = async || {
        let mut perl = tokio::process::Command::new("perl");
        let output = perl.args(["-e", SKIP]).arg(served.path()).output();
        let output = soon("perl", output).await.expect("perl, of the package perl-base");
        String::from_utf8(output.stdout).expect("text")
    };
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    mode(served.folder.path(), 0o755);
    assert_eq!(skip().await, "Permission denied", "the folder is closed");
    mode(served.path().parent().expect("a folder"), 0o755);
    assert_eq!(skip().await, "Permission denied", "the socket is closed");
    mode(&served.path(), 0o666);
    assert_eq!(skip().await, "answered: not", "the peer is asked who it is");
    assert_eq!(served.end().await, []);
}

/// It failed in one of a few hundred on two processors (issue 16): the file existed before it
/// accepted connections.
#[tokio::test]
async fn whoever_finds_the_socket_can_connect() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = place_in(&folder);
    for _ in 0..300 {
        let found = path.clone();
        let client = std::thread::spawn(move || {
            while !found.exists() {
                std::thread::yield_now();
            }
            std::os::unix::net::UnixStream::connect(&found).map(|_| ())
        });
        let server = Server::bind(&path).await.expect("bound");
        client.join().expect("no panic").expect("whoever finds it is not refused");
        drop(server);
    }
}

#[tokio::test]
async fn a_killed_listeners_socket_is_replaced_and_a_living_ones_is_not() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = place_in(&folder);
    drop(place::prepare(&path).expect("a folder"));
    // A listener of std leaves its socket behind, as a killed one does.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    assert!(path.symlink_metadata().expect("left behind").file_type().is_socket());

    let first = Server::bind(&path).await.expect("the left-over is replaced");
    let error = Server::bind(&path).await.expect_err("the first one answers");
    assert!(matches!(error, SocketError::Taken(_)), "{error}");
    assert!(error.to_string().starts_with("another listener uses the control socket"), "{error}");
    assert!(path.exists(), "the first one's socket stays");
    drop(first);
    assert!(!path.exists());

    let first = Server::bind(&path).await.expect("nobody is there");
    std::fs::remove_file(&path).expect("removed by hand");
    let second = Server::bind(&path).await.expect("nobody can be found there");
    drop(first);
    assert!(path.exists(), "it is the second one's");
    drop(second);

    std::fs::write(&path, "notes").expect("a file");
    let error = Server::bind(&path).await.expect_err("somebody's file");
    assert!(matches!(error, SocketError::NoSocket(_)), "{error}");
    assert!(path.exists());
}

#[tokio::test]
async fn the_client_gets_a_reply_or_an_error() {
    let ask = |path: PathBuf, command: Command| async move {
        let asking = tokio::task::spawn_blocking(move || client::ask(&path, &command));
        soon("the client", asking).await.expect("no panic")
    };
    let folder = tempfile::tempdir().expect("a directory");
    let nobody = place_in(&folder);
    let message = format!("no listener answers at \"{}\"; start one first", nobody.display());
    let refusal = |answer: Result<Reply, ClientError>| answer.expect_err("nobody").to_string();
    assert_eq!(refusal(ask(nobody.clone(), Command::Skip).await), message, "no folder");
    drop(place::prepare(&nobody).expect("a folder"));
    assert_eq!(refusal(ask(nobody.clone(), Command::Skip).await), message, "no socket");
    drop(std::os::unix::net::UnixListener::bind(&nobody).expect("bound"));
    assert_eq!(refusal(ask(nobody.clone(), Command::Skip).await), message, "a left-over");

    let status = Snapshot { rate: Wpm(220), lag_s: 1.5, lines: 7, ..Snapshot::default() };
    let snapshot = status.clone();
    let served = Served::with(move |command| match command {
        Command::Status { .. } => Reply::Status(Box::new(snapshot.clone())),
        Command::Skip => Reply::Done,
        _ => error("not \u{1b}now"),
    })
    .await;
    let reply = ask(served.path(), Command::Status { json: false }).await.expect("answered");
    assert_eq!(reply, Reply::Status(Box::new(status)));
    assert_eq!(ask(served.path(), Command::Skip).await.expect("answered"), Reply::Done);
    assert_eq!(refusal(ask(served.path(), Command::Live).await), "not \\u{1b}now");

    let mut crowd = Vec::new();
    for _ in 0..CLIENTS_MAX {
        let mut client = served.client().await;
        client.ask("skip").await;
        crowd.push(client);
    }
    let busy = refusal(ask(served.path(), Command::Skip).await);
    assert_eq!(busy, "32 clients are served already; try again later");
    served.end().await;
}
