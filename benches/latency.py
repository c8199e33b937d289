#!/usr/bin/python3
"""The time from the last byte of a chat line to the first sample heard, for four programs.

Each follows its own log, as written by sic, and plays into the null sink of a private sound
server. A line is appended at a random moment, and the sink's monitor is read in blocks of 5 ms:
the first sample above 200 of 32,768 ends the time. Prints the figures for PulseAudio and for PipeWire
with its pulse server, and whether irc-speak meets its bounds. A missed bound is no error, since a
busy machine can miss it too.

With --load, irc-speak alone is measured twice: without load, and with thousands of clients, garbage
and 2,000 open connections on its control socket, from a process that takes processor time, too.
"""

import argparse
import array
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

RATE = 48000
LOUD = 200
QUIET_SECONDS = 0.5

CHANNEL = "#sprint"
CHAT = [
    ("mira", "good morning to all of you"),
    ("tobias", "morning"),
    ("ada", "the nightly build is green again"),
    ("kim", "who has looked at the crash in the parser?"),
    ("mira", "I have, it was a missing check"),
    ("tobias", "nice catch"),
    ("ada", "should that go into the point release?"),
    ("kim", "yes, please"),
    ("mira", "then I will write the note tonight"),
    ("tobias", "does the new mirror work for you"),
    ("ada", "not yet, it answers very slowly"),
    ("kim", "same over here"),
    ("mira", "let us ask the people who run it"),
    ("tobias", "ok"),
    ("ada", "by the way, the wiki lost its search box"),
    ("kim", "that was me, sorry, I will put it back"),
    ("mira", "thanks"),
    ("tobias", "seven bugs are left on the list"),
    ("ada", "I could take two of them"),
    ("kim", "can somebody review my branch before lunch?"),
    ("mira", "sure, send me the link"),
    ("tobias", "five people have voted so far"),
    ("ada", "question: when do we freeze?"),
    ("kim", "on Friday at noon, unless anybody objects"),
    ("mira", "friday is fine"),
    ("tobias", "works for me"),
]

# Everything before the text is blanked, the nick too: eSpeak begins "<mira>" with 60 ms of silence,
# which would be counted against the other three programs.
FILTER = (
    "egrep --line-buffered -v 'ChanServ|TOPIC|JOIN|PART|QUIT|ubottu'"
    " | awk '{ $1=\"\"; $2=\"\"; $3=\"\"; $4=\"\"; $5=\"\"; print; fflush(); }'"
)
CONTENDERS = {
    "pipeline": f"tail -n 0 -f LOG | {FILTER} | espeak --stdout -s 220 -v en-us | aplay -q",
    "spd-say": f"tail -n 0 -f LOG | {FILTER} | spd-say -e -r 20",
    "espeak-ng": f"tail -n 0 -f LOG | {FILTER} | espeak-ng -s 220 -v en-us",
    "irc-speak": "exec PROGRAM tail -n 0 LOG",
}
# server: upper bounds of median and p95, in milliseconds
BOUNDS = {"pulseaudio": (15, 45), "pipewire": (25, 45)}
PIPELINE_SHARE = 0.25


class Sound:
    """A private sound server with a null sink, and a recording of it."""

    def __init__(self, server):
        self.server = server
        self.children = []
        self.blocks = []  # (time of arrival, samples, loudest)
        self.folder = tempfile.mkdtemp(prefix="irc-speak-latency-")
        inside = lambda name: os.path.join(self.folder, name)
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PULSE_SERVER")
        self.env = {k: v for k, v in os.environ.items() if k not in hidden}
        self.env |= {
            "HOME": self.folder,
            "XDG_RUNTIME_DIR": self.folder,
            "XDG_CONFIG_HOME": inside("config"),
            "XDG_STATE_HOME": inside("state"),
            "XDG_CACHE_HOME": inside("cache"),
            "XDG_DATA_HOME": inside("data"),
            "PULSE_SERVER": "unix:" + inside("pulse/native"),
            "SPEECHD_ADDRESS": "unix_socket:" + inside("speech-dispatcher/speechd.sock"),
            "LC_ALL": "C.UTF-8",
        }
        for name in ("pulse", "config", "speech-dispatcher"):
            os.makedirs(inside(name))
        with open(inside(".asoundrc"), "w") as rc:
            rc.write("pcm.!default { type pulse }\nctl.!default { type pulse }\n")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            try:
                child.wait(3)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command, stdout=subprocess.DEVNULL):
        child = subprocess.Popen(
            command, env=self.env, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def pactl(self, *arguments):
        return subprocess.run(
            ["pactl", *arguments], env=self.env, stdin=subprocess.DEVNULL,
            capture_output=True, text=True)

    def until(self, what, ready, seconds=10):
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise SystemExit(f"latency: {what}: not within {seconds} s")
            time.sleep(0.02)

    def start(self):
        sink = ["sink_name=ear", f"rate={RATE}", "channels=2"]
        if self.server == "pipewire":
            bus = os.path.join(self.folder, "bus")
            self.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + bus
            self.run("dbus-daemon", "--session", "--nofork", "--address=unix:path=" + bus)
            self.until("dbus-daemon", lambda: os.path.exists(bus))
            self.run("pipewire")
            socket = os.path.join(self.folder, "pipewire-0")
            self.until("pipewire", lambda: os.path.exists(socket))
            self.run("wireplumber")
            self.run("pipewire-pulse")
            answers = lambda: self.pactl("info").returncode == 0
            self.until("pipewire-pulse", answers)
            self.pactl("load-module", "module-null-sink", *sink)
            listed = lambda: "\tear\t" in self.pactl("list", "short", "sinks").stdout
            self.until("the null sink", listed)
            chosen = lambda: (self.pactl("set-default-sink", "ear"),
                              self.pactl("get-default-sink").stdout.strip() == "ear")[1]
            self.until("the default sink", chosen)
        else:
            native = os.path.join(self.folder, "pulse/native")
            self.run(
                "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
                "-L", f"module-native-protocol-unix socket={native} auth-anonymous=1",
                "-L", "module-null-sink " + " ".join(sink))
            self.until("pulseaudio", lambda: self.pactl("info").returncode == 0)
        recorder = self.run(
            "parec", "--device=ear.monitor", "--format=s16le", f"--rate={RATE}", "--channels=1",
            "--latency-msec=5", "--process-time-msec=5", stdout=subprocess.PIPE)
        threading.Thread(target=self.listen, args=[recorder.stdout.fileno()], daemon=True).start()
        self.until("the recorder", lambda: len(self.blocks) > 20)

    def listen(self, fd):
        rest = b""
        while data := os.read(fd, 1 << 16):
            now = time.monotonic()
            data = rest + data
            whole = len(data) & ~1
            data, rest = data[:whole], data[whole:]
            samples = array.array("h", data)
            if samples:
                self.blocks.append((now, samples, max(max(samples), -min(samples))))

    def quiet_for(self, seconds):
        """Whether nothing was heard in the last `seconds`."""
        edge = time.monotonic() - seconds
        for arrived, _, loudest in reversed(self.blocks):
            if arrived < edge:
                break
            if loudest > LOUD:
                return False
        return True

    def wait_quiet(self):
        time.sleep(0.05)
        self.until("silence", lambda: self.quiet_for(QUIET_SECONDS), 30)

    def onset(self, since, seconds=6):
        """When the first loud sample after `since` was heard; None if there was none."""
        at, end = len(self.blocks), since + seconds
        while at and self.blocks[at - 1][0] >= since:
            at -= 1
        while time.monotonic() < end:
            if at == len(self.blocks):
                time.sleep(0.005)
                continue
            arrived, samples, loudest = self.blocks[at]
            at += 1
            if loudest > LOUD:
                first = next(n for n, sample in enumerate(samples) if abs(sample) > LOUD)
                return max(since, arrived - (len(samples) - first) / RATE)
        return None


def sic_line(number):
    nick, text = CHAT[number % len(CHAT)]
    return f"{CHANNEL:<12}: 2024-01-22 10:{number % 60:02} <{nick}> {text}\n"


def burden(sound):
    """Starts load.py on the control socket of the irc-speak that plays on `sound`."""
    control = os.path.join(sound.folder, "irc-speak", "control.sock")
    sound.until("the control socket", lambda: os.path.exists(control))
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load.py")
    return sound.run(sys.executable, script, control, stdout=subprocess.PIPE)


def measure(name, program, server, n_lines, chance, is_burdened=False):
    """Milliseconds from write to sound for each line that was heard, and how many were not."""
    times, missed = [], 0
    with Sound(server) as sound:
        log = os.path.join(sound.folder, "sic.out")
        open(log, "w").close()
        command = CONTENDERS[name].replace("LOG", log).replace("PROGRAM", program)
        shell = subprocess.Popen(
            ["bash", "-c", command], env=sound.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

        def say(number, seconds=6):
            with open(log, "ab", buffering=0) as out:
                line = sic_line(number).encode()
                before = time.monotonic()
                out.write(line)
            heard = sound.onset(before, seconds)
            return None if heard is None else (heard - before) * 1000

        try:
            # Warm up: a program does not read a line written before it follows the log.
            if not any(say(number, 3) is not None for number in range(5)):
                return [], n_lines
            sound.wait_quiet()
            say(5)
            load = burden(sound) if is_burdened else None
            for number in range(n_lines):
                sound.wait_quiet()
                time.sleep(chance.uniform(0.05, 0.5))
                took = say(number)
                if took is None:
                    missed += 1
                else:
                    times.append(took)
            if load:
                load.terminate()
                print(f"  the load: {load.stdout.read().decode().strip()}", flush=True)
        finally:
            for sign in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(shell.pid, sign)
                    shell.wait(2)
                    break
                except subprocess.TimeoutExpired:
                    continue
                except ProcessLookupError:
                    break
    return times, missed


def compare_load(program, server, n_lines, seed):
    """Prints the latency of irc-speak without and with a loaded control socket."""
    print(f"{server}, {n_lines} lines each, milliseconds")
    print(f"  {'':10} {'min':>7} {'median':>7} {'p95':>7} {'max':>7}  missed", flush=True)
    for name, is_burdened in (("alone", False), ("with load", True)):
        chance = random.Random(seed)
        times, missed = measure("irc-speak", program, server, n_lines, chance, is_burdened)
        if not times:
            print(f"  {name:10} nothing was heard", flush=True)
            continue
        cells = (min(times), quantile(times, 0.5), quantile(times, 0.95), max(times))
        print(f"  {name:10} " + " ".join(f"{cell:7.1f}" for cell in cells) + f"  {missed}",
              flush=True)


def quantile(values, share):
    """The nearest-rank quantile: always a value that was measured."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def verdict(server, figures):
    """Prints the bounds of irc-speak, and whether this run met them."""
    ours = figures.get("irc-speak")
    if not ours:
        return
    median_bound, p95_bound = BOUNDS[server]
    checks = [
        (f"median <= {median_bound} ms", ours["median"] <= median_bound),
        (f"p95 <= {p95_bound} ms", ours["p95"] <= p95_bound),
    ]
    if pipeline := figures.get("pipeline"):
        bound = PIPELINE_SHARE * pipeline["median"]
        checks.append((f"p95 <= {PIPELINE_SHARE} x pipeline's median = {bound:.1f} ms",
                       ours["p95"] <= bound))
    if speechd := figures.get("spd-say"):
        checks.append((f"goal: median below spd-say's {speechd['median']:.1f} ms",
                       ours["median"] < speechd["median"]))
    for text, kept in checks:
        print(f"  {'pass' if kept else 'FAIL'}  {text}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=24, help="lines each (24)")
    parser.add_argument("--program", default="target/release/irc-speak")
    parser.add_argument("--only", default=",".join(CONTENDERS), help="contenders, with commas")
    parser.add_argument("--server", default="pulseaudio,pipewire", help="servers, with commas")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    parser.add_argument("--load", action="store_true",
                        help="irc-speak without and with a loaded control socket")
    options = parser.parse_args()
    names = options.only.split(",")
    for name in names:
        if name not in CONTENDERS:
            parser.error(f"no contender {name!r}; known are {', '.join(CONTENDERS)}")
    program = os.path.abspath(options.program)
    if "irc-speak" in names and not os.access(program, os.X_OK):
        print(f"latency: {options.program} is not built; the others are measured", file=sys.stderr)
        names.remove("irc-speak")
    for server in options.server.split(","):
        if server not in BOUNDS:
            parser.error(f"no server {server!r}; known are {', '.join(BOUNDS)}")
        if options.load:
            compare_load(program, server, options.lines, options.seed)
            continue
        print(f"{server}, {options.lines} lines each, milliseconds")
        print(f"  {'':10} {'min':>7} {'median':>7} {'p95':>7} {'p99':>7}  missed", flush=True)
        figures = {}
        for name in names:
            chance = random.Random(options.seed)
            times, missed = measure(name, program, server, options.lines, chance)
            if not times:
                print(f"  {name:10} nothing was heard", flush=True)
                continue
            row = {"min": min(times), "median": quantile(times, 0.5),
                   "p95": quantile(times, 0.95), "p99": quantile(times, 0.99)}
            figures[name] = row
            cells = " ".join(f"{value:7.1f}" for value in row.values())
            print(f"  {name:10} {cells}  {missed}", flush=True)
        verdict(server, figures)


if __name__ == "__main__":
    main()
