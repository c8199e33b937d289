//! Clients that write logs in their default format: ii, irssi and `WeeChat`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{SoundServer, Tmux, end, program, wait_for};

/// A client that is running, and the log that it writes of the channel.
pub(crate) struct Client {
    /// The channel's log; it is there once something was written.
    pub(crate) log: PathBuf,
    running: Running,
}

/// What ends it when the test does.
enum Running {
    Process(Child),
    Terminal(#[expect(dead_code, reason = "irssi ends with its terminal")] Tmux),
}

impl Drop for Client {
    fn drop(&mut self) {
        match &mut self.running {
            Running::Process(child) => end(child),
            Running::Terminal(_) => {}
        }
    }
}

/// ii, in `folder`, as `nick` in `channel`.
pub(crate) fn ii(folder: &Path, port: u16, nick: &str, channel: &str) -> Client {
    let mut command = program("ii", "ii");
    command.args(["-s", "127.0.0.1", "-p", &port.to_string(), "-n", nick, "-i"]).arg(folder);
    let running = Running::Process(start(command));
    let server = folder.join("127.0.0.1");
    let out = server.join("out");
    let text = || fs::read_to_string(&out).unwrap_or_default();
    wait_for("ii is welcome", text, || text().contains(nick).then_some(()));
    let mut keys = fs::File::options().write(true).open(server.join("in")).expect("its input");
    // In one write: ii takes a pipe that is empty in the middle of a line for one that has ended.
    keys.write_all(format!("/j {channel}\n").as_bytes()).expect("ii reads what is typed");
    Client { log: server.join(channel).join("out"), running }
}

/// irssi in a terminal, with `autolog` on and defaults otherwise.
pub(crate) fn irssi(folder: &Path, port: u16, nick: &str, channel: &str) -> Client {
    let home = folder.display();
    let config = format!(
        r#"servers = ({{ address = "127.0.0.1"; chatnet = "test"; port = "{port}"; autoconnect = "yes"; }});
chatnets = {{ test = {{ type = "IRC"; }}; }};
channels = ({{ name = "{channel}"; chatnet = "test"; autojoin = "yes"; }});
settings = {{
  core = {{ nick = "{nick}"; user_name = "{nick}"; real_name = "{nick}"; }};
  "fe-common/core" = {{ autolog = "yes"; autolog_path = "{home}/$0.log"; }};
}};
"#
    );
    fs::write(folder.join("config"), config).expect("a configuration");
    program("irssi", "irssi"); // names the missing package
    let terminal = Tmux::start(&SoundServer::start(), "sh");
    terminal.enter(&format!("irssi --home={home}"));
    Client { log: folder.join(format!("{channel}.log")), running: Running::Terminal(terminal) }
}

/// `WeeChat` without a screen, with its defaults, except that it writes its log at once instead of
/// every two minutes.
pub(crate) fn weechat(folder: &Path, port: u16, nick: &str, channel: &str) -> Client {
    let mut command = program("weechat-headless", "weechat-headless");
    command.arg("-d").arg(folder).env("LC_ALL", "C.UTF-8");
    for line in [
        "/set logger.file.flush_delay 0".to_owned(),
        format!("/server add test 127.0.0.1/{port} -nicks={nick} -autojoin={channel}"),
        "/connect test".to_owned(),
    ] {
        command.args(["-r", &line]);
    }
    let log = folder.join(format!("logs/irc.test.{channel}.weechatlog"));
    Client { log, running: Running::Process(start(command)) }
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the client can be started")
}
