//! The sink that the sound server plays to: that it is muted, or at volume 0, is the first thing to
//! know for a user who hears nothing. Uses PulseAudio's protocol, which PipeWire speaks, too;
//! without such a server, nothing is known. Unlike the rest of this folder it is used by the
//! listener: it is safe, never waits for longer than its limit, and plays nothing.
#![forbid(unsafe_code)]

use std::io::{self, Cursor};
use std::path::PathBuf;
use std::time::Duration;

use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, GetSinkInfo, MAX_VERSION, Prop, Props,
    ProtocolError, SetClientNameReply, SinkInfo, SinkInfoList, Volume,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// The longest message to read, in bytes.
const MOST: usize = 1 << 22;

/// The header of each message: five numbers of four bytes, the first is the message's length.
const HEADING: usize = 20;

/// The cookie's length in bytes.
const COOKIE: usize = 256;

/// A sink of the sound server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sink {
    /// The name that `--device` takes.
    pub name: String,
    /// Its description.
    pub about: String,
    /// Whether it is muted.
    pub muted: bool,
    /// Of the loudest channel, in per cent.
    pub volume: u32,
}

/// The sink of `device`, or the default one; none where no server answers within `limit`.
pub(crate) async fn ask(device: Option<&str>, limit: Duration) -> Option<Sink> {
    match timeout(limit, asked(device)).await {
        Ok(Ok(sink)) => sink.map(|info| sink_of(&info)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "the sound server does not report its sink");
            None
        }
        Err(_) => None,
    }
}

async fn asked(device: Option<&str>) -> Result<Option<SinkInfo>, ProtocolError> {
    let Some(path) = pulseaudio::socket_path_from_env() else { return Ok(None) };
    let mut server = Server { stream: UnixStream::connect(path).await?, version: MAX_VERSION };
    let auth = AuthParams {
        version: MAX_VERSION,
        supports_shm: false,
        supports_memfd: false,
        cookie: cookie(),
    };
    let reply: AuthReply = server.ask(&Command::Auth(auth)).await?;
    server.version = MAX_VERSION.min(reply.version);
    let mut props = Props::new();
    props.set(Prop::ApplicationName, c"irc-speak");
    let _named: SetClientNameReply = server.ask(&Command::SetClientName(props)).await?;
    let Some(device) = device else {
        let name = Some(protocol::DEFAULT_SINK.to_owned());
        return server
            .ask(&Command::GetSinkInfo(GetSinkInfo { index: None, name }))
            .await
            .map(Some);
    };
    let sinks: SinkInfoList = server.ask(&Command::GetSinkInfoList).await?;
    Ok(sinks.into_iter().find(|info| {
        let Sink { name, about, .. } = sink_of(info);
        name == device || about == device
    }))
}

/// A connection to a sound server.
struct Server {
    stream: UnixStream,
    version: u16,
}

impl Server {
    /// Sends a command, and waits for its reply: only one is pending at a time.
    async fn ask<T: CommandReply>(&mut self, command: &Command) -> Result<T, ProtocolError> {
        let mut message = Vec::new();
        protocol::write_command_message(&mut message, 0, command, self.version)?;
        self.stream.write_all(&message).await?;
        let mut reply = vec![0; HEADING];
        self.stream.read_exact(&mut reply).await?;
        let length = u32::from_be_bytes([reply[0], reply[1], reply[2], reply[3]]) as usize;
        if length > MOST {
            return Err(io::Error::other("a reply is too long").into());
        }
        reply.resize(HEADING + length, 0);
        self.stream.read_exact(&mut reply[HEADING..]).await?;
        let (_, reply) = protocol::read_reply_message(&mut Cursor::new(reply), self.version)?;
        Ok(reply)
    }
}

/// The cookie for authentication; zeros suffice where the server lets anyone in.
fn cookie() -> Vec<u8> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let elsewhere = config.map(|config| config.join("pulse/cookie"));
    let files = pulseaudio::cookie_path_from_env().into_iter().chain(elsewhere);
    files.flat_map(std::fs::read).next().unwrap_or_else(|| vec![0; COOKIE])
}

fn sink_of(info: &SinkInfo) -> Sink {
    let text = |it: &std::ffi::CString| it.to_string_lossy().into_owned();
    let loudest = info.cvolume.channels().iter().map(Volume::as_u32).max();
    let full = u64::from(Volume::NORM.as_u32());
    let percent = loudest.map_or(100, |it| (u64::from(it) * 100).div_ceil(full));
    Sink {
        name: text(&info.name),
        about: info.description.as_ref().map(text).unwrap_or_default(),
        muted: info.muted,
        volume: u32::try_from(percent).unwrap_or(u32::MAX),
    }
}
