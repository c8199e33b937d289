#!/usr/bin/env python3
"""The cost of sound faults: for each, how many lines are begun twice, how many fail, which messages are
printed, how soon speech resumes after the cause is gone, and how much processor time that takes.

usage: faults.py [--bin FILE] [--runs N] [--only NAME,NAME] [--server pulseaudio|pipewire]

It starts private sound servers, with null sinks. Needs pulseaudio, pulseaudio-utils,
and for pipewire also pipewire, pipewire-pulse, wireplumber and dbus.
"""
import argparse, json, os, shutil, signal, subprocess, sys, tempfile, threading, time

LINES = ["this is line %s of the ten lines that are to be spoken here" % n for n in
         "one two three four five six seven eight nine ten".split()]
NULL = "module-null-sink sink_name=ear rate=48000 channels=2"
HOMES = "HOME XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME".split()


class Server:
    """A sound server in its own folder."""

    def __init__(self, kind, *modules):
        self.kind = kind
        self.folder = tempfile.mkdtemp(prefix="faults-")
        self.modules = [module.replace("FOLDER", self.folder) for module in modules]
        self.socket = self.folder + "/pulse/native"
        os.makedirs(self.folder + "/pulse")
        unwanted = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PULSE_COOKIE")
        self.env = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.env.update({home: self.folder for home in HOMES}, LC_ALL="C.UTF-8")
        self.env["PULSE_SERVER"] = "unix:" + self.socket
        self.processes = []
        self.start()

    def spawn(self, *command):
        process = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)

    def start(self):
        if self.kind == "pipewire":
            if "DBUS_SESSION_BUS_ADDRESS" not in self.env:
                bus = "unix:path=%s/bus" % self.folder
                self.spawn("dbus-daemon", "--session", "--nofork", "--address=" + bus)
                self.env["DBUS_SESSION_BUS_ADDRESS"] = bus
                wait(lambda: os.path.exists(self.folder + "/bus"))
            for program in ("pipewire", "wireplumber", "pipewire-pulse"):
                self.spawn(program)
                time.sleep(0.5)
        else:
            load = [word for module in self.modules for word in ("-L", module)]
            self.spawn("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
                       "--log-level=error", "-L",
                       "module-native-protocol-unix auth-anonymous=1 socket=" + self.socket, *load)
        wait(lambda: self.pactl("info").returncode == 0)
        if self.kind == "pipewire":
            for module in self.modules:
                self.pactl("load-module", *module.split())
            self.pactl("set-default-sink", "ear")

    def pactl(self, *words):
        return subprocess.run(["pactl", *words], env=self.env, capture_output=True, text=True, timeout=20)

    def signal(self, which):
        for process in self.processes:
            process.send_signal(which)

    def kill(self):
        self.signal(signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.processes.clear()
        self.env.pop("DBUS_SESSION_BUS_ADDRESS", None)

    def close(self):
        self.signal(signal.SIGCONT)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class LateReader(threading.Thread):
    """Reads a pipe sink in real time, and holds back for a while when sound begins after a pause."""

    def __init__(self, server, late):
        super().__init__(daemon=True)
        self.pipe = os.open(server.folder + "/fifo", os.O_RDONLY)
        self.late = late
        self.start()

    def run(self):
        due, n_quiet = time.time(), 48_000 * 4
        while data := os.read(self.pipe, 48_000 * 4 // 50):
            is_loud = any(data)
            if is_loud and n_quiet >= 48_000 * 4:
                time.sleep(self.late)
                due = time.time()
            n_quiet = 0 if is_loud else n_quiet + len(data)
            due = max(due + len(data) / (48_000 * 4), time.time() - 0.2)
            time.sleep(max(0.0, due - time.time()))


def wait(is_true, limit=15.0):
    end = time.time() + limit
    while not is_true():
        if time.time() > end:
            raise SystemExit("timed out")
        time.sleep(0.02)


class Speaker:
    """The program, with its events and messages."""

    def __init__(self, binary, server, *arguments):
        self.process = subprocess.Popen([binary, "--events", *arguments], env=server.env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.events, self.said, self.used = [], [], {}
        threading.Thread(target=self.watch, daemon=True).start()
        threading.Thread(target=self.read, args=(self.process.stdout, self.events), daemon=True).start()
        threading.Thread(target=self.read, args=(self.process.stderr, self.said), daemon=True).start()

    @staticmethod
    def read(pipe, kept):
        for line in pipe:
            kept.append((time.time(), json.loads(line) if line.startswith("{") else line.strip()))

    def write(self, lines):
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def all(self, event):
        return [(at, it["text"]) for at, it in list(self.events) if it["event"] == event]

    def fates(self):
        return [it["fate"] for _, it in list(self.events) if it["event"] == "fate"]

    def watch(self):
        """Records the processor time of it and its voice processes, in ticks."""
        while self.process.poll() is None:
            for pid in (self.process.pid, self.voice()):
                try:
                    fields = open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split()
                    self.used[pid] = int(fields[11]) + int(fields[12])
                except OSError:
                    pass
            time.sleep(0.1)

    def end(self, limit):
        """Waits for it to exit; returns its processor time in seconds."""
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return sum(self.used.values()) / os.sysconf("SC_CLK_TCK")

    def voice(self):
        tasks = "/proc/%d/task" % self.process.pid
        try:
            for task in os.listdir(tasks):
                for child in open("%s/%s/children" % (tasks, task)).read().split():
                    if b"\0voice\0" in open("/proc/%s/cmdline" % child, "rb").read():
                        return int(child)
        except OSError:
            pass
        return None


def stopped(server, speaker, seconds=10.0):
    server.signal(signal.SIGSTOP)
    time.sleep(seconds)
    server.signal(signal.SIGCONT)


def suspended(server, speaker, seconds=4.0):
    server.pactl("suspend-sink", "ear", "1")
    time.sleep(seconds)
    server.pactl("suspend-sink", "ear", "0")


def suspended_long(server, speaker):
    suspended(server, speaker, 20.0)


def sink_id(server, name):
    for line in server.pactl("list", "short", "modules").stdout.splitlines():
        if "sink_name=" + name in line:
            return line.split()[0]


def unloaded(server, speaker):
    server.pactl("unload-module", sink_id(server, "ear"))
    time.sleep(3.0)
    server.pactl("load-module", *NULL.split())


def unloaded_of_two(server, speaker):
    server.pactl("load-module", *NULL.replace("ear", "other").split())
    server.pactl("unload-module", sink_id(server, "ear"))


def default_changed(server, speaker):
    server.pactl("load-module", *NULL.replace("ear", "other").split())
    server.pactl("set-default-sink", "other")


def rate_changed(server, speaker):
    server.pactl("unload-module", sink_id(server, "ear"))
    server.pactl("load-module", *NULL.replace("48000", "44100").split())


def restarted(server, speaker):
    server.kill()
    time.sleep(2.0)
    server.start()


def voice_killed(server, speaker):
    for _ in range(38):
        time.sleep(20.0 / 38)
        voice = speaker.voice()
        if voice:
            try:
                os.kill(voice, signal.SIGKILL)
            except ProcessLookupError:
                pass


def nothing(server, speaker):
    pass


def recorder(server, speaker):
    server.spawn("parec", "--device=ear.monitor", "--file-format=wav", server.folder + "/ear.wav")


PIPE = "module-pipe-sink sink_name=ear file=FOLDER/fifo rate=48000 channels=2"
# The fault, whether it happens before the first line or two seconds after it, and the modules.
FAULTS = {
    "none": (nothing, False, [NULL]),
    "suspend-on-idle": (nothing, False, [NULL, "module-suspend-on-idle timeout=1"]),
    "recorder": (recorder, True, [NULL]),
    "remap": (nothing, False, [NULL, "module-remap-sink sink_name=remap master=ear"]),
    "late-1.2": (1.2, False, [PIPE]),
    "late-2.5": (2.5, False, [PIPE]),
    "server-stopped-10s": (stopped, False, [NULL]),
    "sink-suspended-4s": (suspended, False, [NULL]),
    "sink-suspended-20s": (suspended_long, False, [NULL]),
    "sink-unloaded": (unloaded, False, [NULL]),
    "sink-unloaded-of-two": (unloaded_of_two, False, [NULL]),
    "default-changed": (default_changed, False, [NULL]),
    "rate-changed": (rate_changed, False, [NULL]),
    "server-killed": (restarted, False, [NULL]),
    "voice-killed-38": (voice_killed, False, [NULL]),
    "server-stopped-at-start": (stopped, True, [NULL]),
}


def run(binary, kind, name):
    fault, is_before, modules = FAULTS[name]
    server = Server(kind, *modules)
    if not callable(fault):
        LateReader(server, fault)
        fault = nothing
    if name == "remap":
        server.pactl("set-default-sink", "remap")
    began = time.time()
    gone = threading.Event()
    at = [began]

    def cause(speaker):
        fault(server, speaker)
        at[0] = time.time()
        gone.set()

    speaker = Speaker(binary, server)
    if is_before:
        threading.Thread(target=cause, args=(speaker,), daemon=True).start()
        time.sleep(0.1)
    speaker.write(LINES)
    if not is_before:
        wait(lambda: speaker.all("started"), 30.0)
        time.sleep(2.0)
        cause(speaker)
    gone.wait()
    speaker.process.stdin.close()
    cpu = speaker.end(120)
    ended = time.time()
    time.sleep(0.1)
    signs = [t for t, _ in speaker.all("started") + speaker.all("finished") if t > at[0]]
    started = [text for _, text in speaker.all("started")]
    result = {
        "twice": len(started) - len(set(started)),
        "failed": speaker.fates().count("failed"),
        "spoken": speaker.fates().count("spoken"),
        "warned": len(speaker.said),
        "sign": round(min(signs) - at[0], 2) if signs else None,
        "cpu": round(cpu / (ended - began) * 100, 1),
        "said": [line for _, line in speaker.said],
    }
    server.close()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="target/release/irc-speak")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--server", default="pulseaudio", choices=["pulseaudio", "pipewire"])
    options = parser.parse_args()
    binary = os.path.abspath(options.bin)
    wanted = [name for name in options.only.split(",") if name] or list(FAULTS)
    head = ("fault", "runs", "spoken", "twice", "failed", "warned", "after", "cpu", "said")
    print("%-24s %5s %6s %6s %6s %6s %8s %6s  %s" % head)
    for name in wanted:
        results = [run(binary, options.server, name) for _ in range(options.runs)]
        total = {key: sum(result[key] for result in results) for key in ("spoken", "twice", "failed", "warned")}
        signs = [result["sign"] for result in results if result["sign"] is not None]
        said = sorted({line for result in results for line in result["said"]})
        print("%-24s %5d %6d %6d %6d %6d %6s s %4.1f %%  %s" % (
            name, len(results), total["spoken"], total["twice"], total["failed"], total["warned"],
            max(signs) if signs else "-", max(result["cpu"] for result in results), " | ".join(said)), flush=True)


if __name__ == "__main__":
    main()
