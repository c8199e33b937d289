#!/usr/bin/python3
"""The time from a command to silence: by a key, the control socket, MPRIS, ctl and playerctl.

irc-speak speaks a long line into the null sink of a private PulseAudio, whose monitor is read in
blocks of 5 ms. A command, pause and skip in turn, is sent in the middle of a sound; the time ends at
the last sample above 200 of 32,768 before at least 150 ms of silence.

Three paths are measured from the write of the command: a key into the pseudo-terminal, a JSON line
on an open connection to the control socket, a method call on an open connection to the session bus.
Two are measured from the start of a process, nothing subtracted: `irc-speak ctl` and `playerctl`.

A sample is timed by two clocks. "steady" counts samples at their constant rate, aligned to the median
arrival of the blocks of the last seconds. "arrival" is when the block was read, which includes delays
of the recorder on a busy machine. A missed bound is reported, and is no error.
"""

import argparse
import fcntl
import json
import os
import random
import socket
import statistics
import struct
import subprocess
import sys
import termios
import time

from latency import LOUD, RATE, Sound, quantile

BOUND = 50  # milliseconds, p95
SILENT = 0.15  # seconds: longer than this nobody speaks any more
LINE = ("the quick brown fox jumps over the lazy dog while nobody in the long meeting room knows "
        "how many more words are going to follow before somebody ends all of this talking today ")
PLAYER = "org.mpris.MediaPlayer2.irc_speak"


class Bus:
    """A connection to a D-Bus session bus: enough of the protocol for a call without arguments."""

    def __init__(self, path):
        self.serial = 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        user = str(os.getuid()).encode().hex()
        self.socket.sendall(f"\0AUTH EXTERNAL {user}\r\n".encode())
        assert self.socket.recv(4096).startswith(b"OK"), "the bus refuses this user"
        self.socket.sendall(b"BEGIN\r\n")
        bus = "org.freedesktop.DBus"
        self.call(bus, "/org/freedesktop/DBus", bus, "Hello")

    def call(self, destination, path, interface, member):
        """Sends the call; its reply is discarded when the next one is sent."""
        self.serial += 1
        fields = b""
        for code, kind, text in ((1, b"o", path), (2, b"s", interface), (3, b"s", member),
                                 (6, b"s", destination)):
            fields += b"\0" * (-len(fields) % 8)
            value = text.encode()
            fields += bytes([code, 1]) + kind + b"\0" + struct.pack("<I", len(value)) + value + b"\0"
        head = struct.pack("<BBBBIII", ord("l"), 1, 0, 1, 0, self.serial, len(fields)) + fields
        self.socket.sendall(head + b"\0" * (-len(head) % 8))

    def drain(self):
        self.socket.setblocking(False)
        try:
            while self.socket.recv(1 << 16):
                pass
        except BlockingIOError:
            pass
        self.socket.setblocking(True)


class Bench:
    """irc-speak with a pipe as standard input, a terminal, a session bus and a null sink."""

    def __init__(self, sound, program):
        self.sound, self.program = sound, program
        bus = os.path.join(sound.folder, "bus")
        sound.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + bus
        sound.run("dbus-daemon", "--session", "--nofork", "--address=unix:path=" + bus)
        sound.until("dbus-daemon", lambda: os.path.exists(bus))
        self.keyboard, terminal = os.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(2, termios.TIOCSCTTY, 0)

        self.child = subprocess.Popen(
            [program, "-r", "220"], env=sound.env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=terminal, preexec_fn=take_terminal)
        os.close(terminal)
        os.set_blocking(self.keyboard, False)
        control = os.path.join(sound.folder, "irc-speak", "control.sock")
        sound.until("the control socket", lambda: os.path.exists(control))
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(control)
        self.replies = self.control.makefile("r")
        self.bus = Bus(bus)
        listed = lambda: PLAYER in subprocess.run(
            ["dbus-send", "--bus=unix:path=" + bus, "--print-reply", "--dest=org.freedesktop.DBus",
             "/", "org.freedesktop.DBus.ListNames"], capture_output=True, text=True).stdout
        sound.until("the media player", listed)

    def ask(self, command):
        self.control.sendall(json.dumps({"command": command}).encode() + b"\n")
        reply = json.loads(self.replies.readline())
        assert reply["reply"] in ("done", "status", "skipped"), reply
        return reply

    def send(self, path, command):
        """Sends it; returns the time before that."""
        before = time.monotonic()
        if path == "socket":
            self.control.sendall(b'{"command":"%s"}\n' % command.encode())
        elif path == "key":
            os.write(self.keyboard, {"pause": b" ", "skip": b"n"}[command])
        elif path == "mpris":
            member = {"pause": "Pause", "skip": "Next"}[command]
            self.bus.call(PLAYER, "/org/mpris/MediaPlayer2", PLAYER.rpartition(".")[0] + ".Player",
                          member)
        else:
            words = {"ctl": [self.program, "ctl", command],
                     "playerctl": ["playerctl", {"pause": "pause", "skip": "next"}[command]]}[path]
            self.late = subprocess.Popen(words, env=self.sound.env, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return before

    def read_replies(self, path):
        """Reads the replies to the command."""
        if path == "socket":
            assert json.loads(self.replies.readline())["reply"] == "done"
        elif path in ("ctl", "playerctl"):
            assert self.late.wait(5) == 0, path
        self.bus.drain()
        try:
            while os.read(self.keyboard, 1 << 16):
                pass
        except BlockingIOError:
            pass

    def is_loud_now(self):
        return self.sound.blocks and self.sound.blocks[-1][2] > 10 * LOUD

    def sample(self, path, command, chance):
        """Milliseconds from the command to the last loud sample, by the two clocks."""
        sound = self.sound
        sound.until("silence", lambda: sound.quiet_for(0.4), 30)
        began = time.monotonic()
        self.child.stdin.write((LINE * 2 + "\n").encode())
        self.child.stdin.flush()
        assert sound.onset(began) is not None, "nothing is spoken"
        time.sleep(chance.uniform(0.4, 1.6))
        sound.until("a sound", self.is_loud_now)
        sent = self.send(path, command)
        # Speech that goes on after this does not pause for 150 ms either.
        time.sleep(0.6)
        sound.until("silence", lambda: sound.quiet_for(SILENT + 0.1))
        self.read_replies(path)
        state = self.ask("status")
        assert state["paused"] == (command == "pause"), state
        assert command == "pause" or state["current"] is None, state
        taken = self.last_loud(sent)
        self.ask("live")
        self.ask("resume")
        return taken

    def last_loud(self, sent):
        blocks = list(self.sound.blocks)
        n_before = sum(len(samples) for _, samples, _ in blocks)
        recent, offsets = [], []
        for arrived, samples, loudest in reversed(blocks):
            if arrived < sent - 3:
                break
            offsets.append(arrived - n_before / RATE)
            n_before -= len(samples)
            recent.append((arrived, n_before, samples, loudest))
        steady = statistics.median(offsets)
        arrived, first, samples, _ = next(it for it in recent if it[3] > LOUD)
        last = max(n for n, sample in enumerate(samples) if abs(sample) > LOUD) + 1
        by_arrival = arrived - (len(samples) - last) / RATE
        by_flow = steady + (first + last) / RATE
        return tuple(max(0.0, (at - sent) * 1000) for at in (by_flow, by_arrival))

    def end(self):
        self.child.terminate()
        self.child.wait(5)


PATHS = ["socket", "key", "mpris", "ctl", "playerctl"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=24, help="commands each (24)")
    parser.add_argument("--program", default="target/release/irc-speak")
    parser.add_argument("--only", default=",".join(PATHS), help="paths, with commas")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    options = parser.parse_args()
    paths = options.only.split(",")
    for path in paths:
        if path not in PATHS:
            parser.error(f"no path {path!r}; known are {', '.join(PATHS)}")
    program = os.path.abspath(options.program)
    if not os.access(program, os.X_OK):
        raise SystemExit(f"silence: {options.program} is not built")
    chance = random.Random(options.seed)
    print(f"pulseaudio, {options.samples} commands each, pause and skip in turn, milliseconds; "
          f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"  {'':10} {'min':>7} {'median':>7} {'p95':>7} {'max':>7}   {'p95 by arrival':>14}",
          flush=True)
    kept = []
    with Sound("pulseaudio") as sound:
        bench = Bench(sound, program)
        try:
            bench.sample("socket", "skip", chance)  # the first start is another matter
            for path in paths:
                rows = [bench.sample(path, ("pause", "skip")[n % 2], chance)
                        for n in range(options.samples)]
                steady, arrival = zip(*rows)
                p95 = quantile(steady, 0.95)
                cells = (min(steady), quantile(steady, 0.5), p95, max(steady))
                print(f"  {path:10} " + " ".join(f"{cell:7.1f}" for cell in cells)
                      + f"   {quantile(arrival, 0.95):14.1f}", flush=True)
                if path in ("socket", "key", "mpris"):
                    kept.append((path, p95 <= BOUND))
        finally:
            bench.end()
    for path, is_kept in kept:
        print(f"  {'pass' if is_kept else 'FAIL'}  {path}: p95 <= {BOUND} ms", flush=True)


if __name__ == "__main__":
    sys.exit(main())
