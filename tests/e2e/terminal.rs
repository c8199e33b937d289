//! The program on a real terminal, in tmux: keys, transcript and status line, and that every exit
//! restores the terminal.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::harness::{
    SoundServer, Tmux, child_of, ctl, now, program, signal, status_of, text_of, wait_for,
};

const LONG: &str = "a sentence that is so long that there is time enough to press a key or two \
                    while it is being spoken";

/// Longer than the pause that ends a paste.
const AFTER_PASTE: Duration = Duration::from_millis(300);

/// A terminal in which the program follows a log of sic.
struct Stage {
    sound: SoundServer,
    tmux: Tmux,
    log: PathBuf,
}

impl Stage {
    fn new(shell: &str) -> Self {
        let sound = SoundServer::start();
        let tmux = Tmux::start(&sound, shell);
        let log = tmux.path("sic.out");
        std::fs::write(&log, "").expect("a log");
        Self { sound, tmux, log }
    }

    /// Starts the program in the terminal, in an environment with `variables`.
    fn start(&self, variables: &str, options: &str) {
        let program = env!("CARGO_BIN_EXE_irc-speak");
        self.tmux.enter(&format!(
            "echo $$ > {0}.pid; env -u NO_COLOR {variables} '{program}' tail -n 0 \
             --format sic --speaker never {options} {0}",
            self.log.display()
        ));
        wait_for(
            "it can be controlled",
            || self.tmux.screen(),
            || self.sound.control().exists().then_some(()),
        );
    }

    /// Has `nick` say `text`.
    fn say(&self, nick: &str, text: &str) {
        let mut log = OpenOptions::new().append(true).open(&self.log).expect("a log");
        writeln!(log, "#rust       : 2024-01-22 10:00 <{nick}> {text}").expect("it is written");
    }

    /// The program's process: the child of the shell.
    fn pid(&self) -> u32 {
        let shell = text_of(&PathBuf::from(format!("{}.pid", self.log.display())));
        let children = format!("/proc/{0}/task/{0}/children", shell.trim());
        let children = text_of(&PathBuf::from(children));
        children.trim().parse().unwrap_or_else(|error| panic!("{error}: {children:?}"))
    }

    /// The terminal's settings, read from outside: a shell may change them for what it runs.
    fn mode(&self) -> String {
        let mut stty = program("stty", "coreutils");
        let output = stty.args(["-a", "-F"]).arg(self.tmux.device()).output();
        String::from_utf8(output.expect("stty can be started").stdout).expect("text")
    }

    /// Waits until keys are taken.
    fn wait_key_mode(&self) {
        let is_set = || self.mode().contains(" -icanon ").then_some(());
        wait_for("keys are taken", || self.tmux.screen(), is_set);
    }

    /// Waits until the terminal is set as `wanted`.
    fn wait_mode(&self, wanted: &str, what: &str) {
        let is_so = || (self.mode() == wanted).then_some(());
        wait_for(what, || format!("{}\n{}", self.mode(), self.tmux.screen()), is_so);
    }

    /// Waits until it has ended, and the terminal is the shell's again.
    fn wait_gone(&self) {
        wait_for(
            "it is gone",
            || self.tmux.screen(),
            || (!self.sound.control().exists()).then_some(()),
        );
    }
}

#[test]
fn keys_work_and_their_effect_is_shown() {
    let stage = Stage::new("bash --norc");
    let tmux = &stage.tmux;
    let before = tmux.shell("stty -a");
    stage.start("", "");
    tmux.wait_seen("220 wpm");

    stage.say("kim", LONG);
    tmux.wait_seen("▶ [#rust] kim: a sentence");
    tmux.keys(&["Space"]);
    tmux.wait_seen("paused");
    assert_eq!(status_of(&stage.sound)["paused"], true);
    stage.say("mira", "one more");
    tmux.wait_screen("queue and lag are shown", |screen| {
        let status = screen.lines().find(|line| line.contains("220 wpm")).unwrap_or_default();
        ["2 waiting", " s behind", "paused"].iter().all(|part| status.contains(part))
    });
    tmux.keys(&["Space"]);
    tmux.wait_screen("it goes on", |screen| !screen.contains("paused"));
    tmux.keys(&["n"]);
    tmux.wait_screen("it is skipped, and the next is spoken", |screen| {
        screen.contains("(skipped)") && screen.contains("[#rust] mira: one more")
    });
    tmux.wait_screen("nothing is left to say", |screen| !screen.contains('▶'));
    tmux.keys(&["r"]);
    tmux.wait_screen("it is said again", |screen| screen.matches("mira: one more").count() == 2);

    for (key, seen) in [
        ("+", "242 wpm"),
        ("-", "220 wpm"),
        ("Up", "volume 110 %"),
        ("Down", "220 wpm"),
        ("s", "words a minute, base 220"),
        ("m", "nobody is speaking"),
        ("?", "q: quit"),
    ] {
        tmux.keys(&[key]);
        tmux.wait_seen(seen);
    }
    assert_eq!(status_of(&stage.sound)["volume"], 100);
    stage.say("lee", LONG);
    tmux.wait_seen("▶ [#rust] lee");
    tmux.keys(&["m"]);
    tmux.wait_seen("lee is muted");
    tmux.wait_seen("1 muted");
    tmux.keys(&["u"]);
    tmux.wait_seen("everybody is unmuted");
    tmux.keys(&["l"]);
    tmux.wait_screen("it is left", |screen| !screen.contains('▶'));
    let screen = tmux.wait_seen("220 wpm");
    assert_eq!(screen.matches("220 wpm").count(), 1, "one status line:\n{screen}");
    tmux.keys(&["q"]);
    stage.wait_gone();
    assert_eq!(tmux.shell("stty -a"), before);
    assert!(!tmux.screen().contains("220 wpm"), "no status line stays:\n{}", tmux.screen());
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let stage = Stage::new("bash --norc");
    let tmux = &stage.tmux;
    let before = tmux.shell("stty -a");
    stage.start("", "");
    tmux.wait_seen("220 wpm");
    tmux.keys(&["C-z"]);
    tmux.wait_seen("Stopped");
    assert!(!tmux.screen().contains("220 wpm"), "no status line stays:\n{}", tmux.screen());
    assert_eq!(tmux.shell("stty -a"), before);
    tmux.enter("clear; fg");
    tmux.wait_seen("220 wpm");
    stage.say("kim", "hello again");
    tmux.wait_seen("[#rust] kim: hello again");
    tmux.keys(&["Space"]);
    tmux.wait_seen("paused");
    // In the background it speaks and can be controlled, and does not touch the terminal.
    tmux.keys(&["C-z"]);
    tmux.wait_seen("Stopped");
    tmux.enter("clear; bg");
    tmux.wait_seen("[1]+");
    assert_eq!(tmux.shell("stty -a"), before);
    assert!(tmux.shell("jobs").contains("Running"));
    assert_eq!(ctl(&stage.sound, &["resume"]), "");
    stage.say("kim", "spoken in the background");
    wait_for(
        "it is spoken",
        || tmux.screen(),
        || (status_of(&stage.sound)["fates"]["spoken"] == 2).then_some(()),
    );
    tmux.enter("clear; fg");
    tmux.wait_seen("220 wpm");
    tmux.keys(&["C-c"]);
    stage.wait_gone();
    assert_eq!(tmux.shell("(echo $?; stty -a)"), format!("130\n{before}"));
}

#[test]
fn plain_lines_where_they_are_asked_for() {
    for (variables, options) in [("", "--plain"), ("NO_COLOR=1", ""), ("TERM=dumb", "")] {
        let stage = Stage::new("dash");
        let tmux = &stage.tmux;
        let raw = tmux.path("raw");
        tmux.keep_raw(&raw);
        stage.start(variables, options);
        stage.say("kim", "hello");
        tmux.wait_seen("[#rust] kim: hello");
        tmux.keys(&["+"]);
        wait_for(
            "keys work",
            || tmux.screen(),
            || (status_of(&stage.sound)["rate"] == 242).then_some(()),
        );
        tmux.wait_seen("faster, 242 words a minute");
        wait_for(
            "it is spoken",
            || tmux.screen(),
            || (status_of(&stage.sound)["fates"]["spoken"] == 1).then_some(()),
        );
        for (key, seen) in [
            ("-", "slower, 220 words a minute"),
            ("Space", "paused"),
            ("Space", "resumed"),
            ("n", "nothing to skip"),
            ("r", "the last line again"),
            ("h", "no highlight yet"),
            ("l", "skipped"),
            ("Up", "volume 110 per cent"),
            ("u", "everybody is unmuted"),
            ("v", "one voice for all"),
            ("s", "words a minute, base 220"),
            ("x", "x does nothing"),
            ("?", "q: quit"),
        ] {
            tmux.keys(&[key]);
            tmux.wait_seen(seen);
        }
        assert!(!tmux.screen().contains("wpm"), "no status line:\n{}", tmux.screen());
        tmux.keys(&["q"]);
        stage.wait_gone();
        wait_for(
            "all is kept",
            || text_of(&raw),
            || text_of(&raw).contains("q: quit").then_some(()),
        );
        assert!(!text_of(&raw).contains('\x1b'), "{variables}{options}: {:?}", text_of(&raw));
    }
}

#[test]
fn quiet_shows_no_lines_and_keeps_the_keys() {
    let stage = Stage::new("dash");
    let tmux = &stage.tmux;
    stage.start("", "-q");
    stage.say("kim", "hello");
    wait_for(
        "it is spoken",
        || tmux.screen(),
        || (status_of(&stage.sound)["fates"]["spoken"] == 1).then_some(()),
    );
    tmux.keys(&["+"]);
    wait_for(
        "keys are read",
        || tmux.screen(),
        || (status_of(&stage.sound)["rate"] == 242).then_some(()),
    );
    let screen = tmux.screen();
    for shown in ["hello", "wpm", "242"] {
        assert!(!screen.contains(shown), "{screen}");
    }
    tmux.keys(&["s"]);
    tmux.wait_seen("words a minute, base 242"); // it was asked for
    tmux.keys(&["q"]);
    stage.wait_gone();
}

/// Terminals differ in how wide these characters are.
#[test]
fn a_line_of_unknown_width_loses_its_mark_when_it_ends() {
    let stage = Stage::new("dash");
    let tmux = &stage.tmux;
    stage.start("", "");
    tmux.wait_seen("220 wpm");
    for n in 1..=2 {
        stage.say("kim", &format!("{LONG} 日本 {LONG}"));
        let screen = tmux.wait_seen("▶ [#rust] kim: a sentence");
        assert_eq!(screen.matches('▶').count(), 1, "{screen}");
        tmux.keys(&["n"]);
        tmux.wait_screen("it is skipped", |screen| screen.matches("(skipped)").count() == n);
        let screen = tmux.screen();
        assert!(!screen.contains('▶'), "no mark stays:\n{screen}");
        assert_eq!(screen.matches("kim: a sentence").count(), n, "once each:\n{screen}");
    }
    tmux.keys(&["q"]);
    stage.wait_gone();
}

#[test]
fn a_paste_is_ignored() {
    let stage = Stage::new("bash --norc");
    let tmux = &stage.tmux;
    stage.start("", "");
    tmux.wait_seen("220 wpm");
    let paste = tmux.path("paste");
    std::fs::write(&paste, "nq+rl ".repeat(2_000)).expect("a paste");
    tmux.paste(&paste);
    // A key soon after the paste counts as pasted: it is pressed repeatedly until it works.
    let mut pressed = now();
    wait_for(
        "a key is heard again",
        || tmux.screen(),
        || {
            if pressed + AFTER_PASTE < now() {
                pressed = now();
                tmux.keys(&["s"]);
            }
            tmux.screen().contains("base 220").then_some(())
        },
    );
    assert_eq!(status_of(&stage.sound)["rate"], 220);
    tmux.keys(&["q"]);
    stage.wait_gone();
}

/// In dash, which does not touch the terminal; bash restores it after a job was killed.
#[test]
fn every_exit_restores_the_terminal() {
    let stage = Stage::new("dash");
    let tmux = &stage.tmux;
    tmux.shell("ulimit -c 0");
    let before = stage.mode();
    assert!(before.contains(" echo "), "{before}");
    for name in ["INT", "TERM", "HUP", "QUIT", "ABRT", "SEGV", "KILL"] {
        tmux.enter("clear");
        tmux.wait_screen("it is clear", |screen| !screen.contains("wpm"));
        stage.start("", "");
        tmux.wait_seen("220 wpm");
        stage.wait_key_mode();
        let pid = stage.pid();
        signal(name, pid);
        if name == "SEGV" {
            // The first one removes Rust's handler for stack overflows; a second one before that
            // would have no other effect.
            let is_over = || (!catches(pid, 11)).then_some(());
            wait_for("the first is taken", || tmux.screen(), is_over);
            signal(name, pid);
        }
        wait_for(
            &format!("SIG{name} ends it"),
            || tmux.screen(),
            || (!PathBuf::from(format!("/proc/{pid}")).exists()).then_some(()),
        );
        stage.wait_mode(&before, &format!("after SIG{name}"));
        assert!(!tmux.screen().contains("220 wpm"), "after SIG{name}:\n{}", tmux.screen());
    }
}

/// Whether a process handles the signal of that number.
fn catches(pid: u32, number: u32) -> bool {
    let status = text_of(&PathBuf::from(format!("/proc/{pid}/status")));
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("signals");
    let caught = u64::from_str_radix(caught.trim(), 16).expect("a number");
    caught & (1 << (number - 1)) != 0
}

#[test]
fn a_kill_by_key_restores_the_terminal_also_after_a_stop() {
    let stage = Stage::new("dash");
    let tmux = &stage.tmux;
    tmux.shell("ulimit -c 0");
    stage.start("", "");
    tmux.wait_seen("220 wpm");
    stage.wait_key_mode();
    tmux.keys(&["C-z"]);
    tmux.wait_seen("Stopped");
    // Settings that the user changes meanwhile must be there at the end.
    tmux.shell("stty -ixon");
    let changed = stage.mode();
    tmux.enter("clear; fg");
    tmux.wait_seen("220 wpm");
    stage.wait_key_mode();
    tmux.keys(&["C-\\"]);
    stage.wait_mode(&changed, "after Ctrl-\\");
}

#[test]
fn settings_that_a_shell_has_made_since_are_kept() {
    let stage = Stage::new("dash");
    let tmux = &stage.tmux;
    stage.start("", "");
    tmux.wait_seen("220 wpm");
    stage.wait_key_mode();
    let pid = stage.pid();
    signal("STOP", pid); // it cannot leave key mode before
    tmux.wait_seen("Stopped");
    tmux.shell("stty icanon -echo");
    let set = stage.mode();
    let guardian = child_of(pid, "guardian").expect("a guardian");
    signal("KILL", pid);
    wait_for(
        "its guardian ends",
        || tmux.screen(),
        || text_of(&PathBuf::from(format!("/proc/{guardian}/cmdline"))).is_empty().then_some(()),
    );
    assert_eq!(stage.mode(), set);
}
