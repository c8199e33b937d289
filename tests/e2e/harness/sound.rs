//! A private sound server, and what is heard there.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::wav::{LOUD, Wav, is_loud, lasting};
use super::{directory, end, now, program, signal, wait_for, wait_within};

const RATE: u32 = 48_000;

/// After this much silence nobody is speaking any more: longer than the pause at a full stop.
const SILENCE: Duration = Duration::from_millis(600);

/// What the recorder gave at one moment.
struct Block {
    /// When its last sample was heard.
    arrived: Instant,
    samples: Vec<i16>,
}

impl Block {
    /// When the sample at `index` was heard.
    fn time_of(&self, index: usize) -> Instant {
        let before = lasting(self.samples.len() - index, RATE);
        self.arrived.checked_sub(before).expect("the clock began before the test")
    }
}

type Recording = Arc<Mutex<Vec<Block>>>;

/// PulseAudio with a null sink, whose monitor is recorded from the beginning.
///
/// There is no cookie file, as on most systems today; programs must play without one.
pub(crate) struct SoundServer {
    folder: TempDir,
    server: Child,
    recorder: Option<Child>,
    recording: Recording,
}

/// The sink that is recorded.
const EAR: &str = "module-null-sink sink_name=ear rate=48000 channels=2";

impl SoundServer {
    /// Starts server and recorder, and waits for the first sample.
    pub(crate) fn start() -> Self {
        let folder = directory();
        let server = serve(folder.path(), EAR);
        let (recorder, recording) = listen_to_ear(folder.path());
        let sound = Self { folder, server, recorder: Some(recorder), recording };
        wait_for("the recorder hears the null sink", String::new, || {
            (!sound.blocks().is_empty()).then_some(())
        });
        sound
    }

    /// A server whose only sink wakes late whenever sound begins, as Bluetooth and HDMI do; nothing
    /// is recorded.
    pub(crate) fn start_late(late: Duration) -> Self {
        let folder = directory();
        let pipe = folder.path().join("pipe");
        let sink = format!("module-pipe-sink file={} rate={RATE} channels=2", pipe.display());
        let server = serve(folder.path(), &sink);
        std::thread::spawn(move || play_late(&pipe, late));
        Self { folder, server, recorder: None, recording: Recording::default() }
    }

    /// Kills the server; what was recorded stays, and nothing more is.
    pub(crate) fn kill(&mut self) {
        end(&mut self.server);
    }

    /// Starts the server again, as it was at first.
    pub(crate) fn restart(&mut self) {
        self.server = serve(self.folder.path(), EAR);
    }

    /// Sends the server the signal of that name.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, self.server.id());
    }

    /// Runs `pactl` on the server; returns what it prints.
    pub(crate) fn pactl(&self, arguments: &[&str]) -> String {
        let mut command = program("pactl", "pulseaudio-utils");
        self.surround(&mut command);
        let output = command.args(arguments).output().expect("pactl can be started");
        assert!(output.status.success(), "pactl {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Adds a null sink of that name; gives the module's number.
    pub(crate) fn add_sink(&self, name: &str) -> String {
        let name = format!("sink_name={name}");
        self.pactl(&["load-module", "module-null-sink", &name, "rate=48000", "channels=2"])
    }

    /// Lets `command` play here, without access to the files of the user who runs the tests.
    pub(crate) fn surround(&self, command: &mut Command) {
        surroundings(command, self.folder.path());
    }

    /// Where the control socket is of the listener that plays here.
    pub(crate) fn control(&self) -> PathBuf {
        self.folder.path().join("irc-speak/control.sock")
    }

    fn blocks(&self) -> std::sync::MutexGuard<'_, Vec<Block>> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the first loud sample after `since` was heard, if one was.
    pub(crate) fn onset_after(&self, since: Instant) -> Option<Instant> {
        self.blocks().iter().filter(|block| block.arrived > since).find_map(|block| {
            block.samples.iter().enumerate().find_map(|(index, sample)| {
                let at = block.time_of(index);
                (at > since && sample.unsigned_abs() > LOUD).then_some(at)
            })
        })
    }

    /// When the last loud sample so far was heard, if one was.
    pub(crate) fn last_loud(&self) -> Option<Instant> {
        self.blocks().iter().rev().find_map(|block| {
            let last = block.samples.iter().rposition(|s| s.unsigned_abs() > LOUD)?;
            Some(block.time_of(last))
        })
    }

    /// Waits until something is heard after `since`.
    pub(crate) fn wait_onset(&self, since: Instant) -> Instant {
        wait_for("a sound is heard", String::new, || self.onset_after(since))
    }

    /// Waits until `length` of sound was heard after `since`: until a line is being spoken.
    pub(crate) fn wait_loud(&self, since: Instant, length: Duration) {
        wait_for("sound goes on", String::new, || {
            (self.sound_since(since).loud() >= length).then_some(())
        });
    }

    /// Waits until nobody has spoken for a while.
    pub(crate) fn wait_quiet(&self) {
        wait_within(Duration::from_secs(60), "silence", String::new, || {
            let blocks = self.blocks();
            let edge = now().checked_sub(SILENCE).expect("the clock began before the test");
            let recent = || blocks.iter().rev().take_while(|block| block.arrived > edge);
            let n_samples: usize = recent().map(|block| block.samples.len()).sum();
            let long_enough = lasting(n_samples, RATE) > SILENCE.mul_f32(0.8);
            (long_enough && recent().all(|block| !is_loud(&block.samples))).then_some(())
        });
    }

    /// Waits until what was heard at `moment` is recorded: the recorder is a few milliseconds late.
    pub(crate) fn wait_recorded(&self, moment: Instant) {
        wait_for("the recorder goes on", String::new, || {
            self.blocks().last().filter(|block| block.arrived > moment).map(|_| ())
        });
    }

    /// What was heard after `since`.
    pub(crate) fn sound_since(&self, since: Instant) -> Wav {
        let blocks = self.blocks();
        let first = blocks.partition_point(|block| block.arrived <= since);
        let samples = blocks[first..].iter().flat_map(|block| &block.samples).copied().collect();
        Wav { rate: RATE, samples }
    }

    /// The longest silence between loud samples from `from` until the last one.
    pub(crate) fn longest_gap(&self, from: Instant) -> Duration {
        let (mut longest, mut last) = (Duration::ZERO, from);
        for block in self.blocks().iter().filter(|block| block.arrived > from) {
            for (index, sample) in block.samples.iter().enumerate() {
                if sample.unsigned_abs() > LOUD {
                    let at = block.time_of(index);
                    longest = longest.max(at.saturating_duration_since(last));
                    last = last.max(at);
                }
            }
        }
        longest
    }

    /// Writes what was heard after `since` to a file of that `name`, and gives its path.
    pub(crate) fn wav(&self, name: &str, since: Instant) -> PathBuf {
        let path = self.folder.path().join(name);
        self.sound_since(since).write(&path);
        path
    }
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            end(recorder);
        }
        end(&mut self.server);
    }
}

/// Starts PulseAudio with that `sink` in `folder`, and waits until it takes connections.
fn serve(folder: &Path, sink: &str) -> Child {
    let socket = folder.join("native");
    if let Err(error) = std::fs::remove_file(&socket) {
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"); // one before was killed
    }
    let protocol =
        format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display());
    let mut command = program("pulseaudio", "pulseaudio");
    command.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]);
    command.args(["--log-level=error", "-L", sink, "-L", &protocol]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    surroundings(&mut command, folder);
    let mut server = command.spawn().expect("pulseaudio can be started");
    wait_for("pulseaudio takes connections", String::new, || {
        assert!(matches!(server.try_wait(), Ok(None)), "pulseaudio ended");
        // The file is there before the server listens.
        UnixStream::connect(&socket).ok().map(drop)
    });
    server
}

/// Starts a recorder of what is heard.
fn listen_to_ear(folder: &Path) -> (Child, Recording) {
    let mut command = program("parec", "pulseaudio-utils");
    command.args(["--device=ear.monitor", "--format=s16le", "--channels=1"]);
    command.args(["--latency-msec=5", "--process-time-msec=5"]);
    command.arg(format!("--rate={RATE}"));
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    surroundings(&mut command, folder);
    let recording = Recording::default();
    let mut recorder = command.spawn().expect("parec can be started");
    let sound = recorder.stdout.take().expect("its output is a pipe");
    let shared = Arc::clone(&recording);
    std::thread::spawn(move || record(sound, &shared));
    (recorder, recording)
}

/// Takes what comes out of `pipe` (two channels) as fast as it sounds, and holds back for a while
/// when sound begins after more than a pause between two words.
#[expect(clippy::disallowed_methods, reason = "a sound card keeps time")]
fn play_late(pipe: &Path, late: Duration) {
    let mut pipe = std::fs::File::open(pipe).expect("the sink's pipe");
    let mut bytes = vec![0; RATE as usize * 4 / 50];
    let (mut due, mut n_quiet) = (now(), usize::MAX);
    while let Ok(n_read @ 1..) = pipe.read(&mut bytes) {
        let is_loud = bytes[..n_read].iter().any(|&byte| byte != 0);
        if is_loud && n_quiet > RATE as usize * 4 {
            std::thread::sleep(late);
            due = now();
        }
        n_quiet = if is_loud { 0 } else { n_quiet.saturating_add(n_read) };
        due = (due + lasting(n_read / 4, RATE)).max(now());
        std::thread::sleep(due - now());
    }
}

/// The environment of a program that plays on the server in `folder`.
fn surroundings(command: &mut Command, folder: &Path) {
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PULSE_COOKIE"] {
        command.env_remove(name);
    }
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"] {
        command.env(name, folder);
    }
    command.env("PULSE_SERVER", format!("unix:{}", folder.join("native").display()));
    command.env("LC_ALL", "C.UTF-8");
}

/// Keeps what the recorder says, with the time, until it ends.
fn record(mut sound: impl Read, recording: &Recording) {
    let mut bytes = vec![0; 1 << 16];
    let mut n_kept = 0; // half a sample may be left over from the last read
    loop {
        let n_read = match sound.read(&mut bytes[n_kept..]) {
            Ok(0) | Err(_) => return,
            Ok(n_read) => n_read,
        };
        let arrived = now();
        let n_bytes = n_kept + n_read;
        let samples: Vec<i16> = bytes[..n_bytes]
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        n_kept = n_bytes % 2;
        bytes[0] = bytes[n_bytes - 1];
        if !samples.is_empty() {
            let mut blocks = recording.lock().unwrap_or_else(PoisonError::into_inner);
            blocks.push(Block { arrived, samples });
        }
    }
}

#[test]
fn a_tone_is_heard_when_it_sounds_and_as_long_as_it_does() {
    let sound = SoundServer::start();
    let folder = directory();
    let tone = folder.path().join("tone.wav");
    let samples = (0..RATE / 2).map(|n| if n / 50 % 2 == 0 { 8000 } else { -8000 }).collect();
    Wav { rate: RATE, samples }.write(&tone);
    let began = now();
    let mut command = program("paplay", "pulseaudio-utils");
    sound.surround(&mut command);
    let mut player = command.arg(&tone).spawn().expect("paplay can be started");
    let onset = sound.wait_onset(began);
    sound.wait_quiet();
    end(&mut player);
    assert!(onset > began);
    let heard = sound.sound_since(began).loud();
    assert!((460..=540).contains(&heard.as_millis()), "half a second was heard as {heard:?}");
    let file = Wav::read(&sound.wav("heard.wav", began));
    assert_eq!(file.loud(), heard);
    assert!(sound.last_loud() > Some(onset));
}
