#!/usr/bin/python3
"""How soon a line of another sender is begun during a flood, on a private null sink, in three cases:

  paste   100 lines by one nick into a log, then a line by another
  equal   1,000 equal lines by one nick, then a line by another
  source  a source that prints 300 MB as fast as it is read, and a line in another log

The other line is written a second after the flood began. The time until it is begun comes from the
program's events, as do the outcomes of the flood's lines by then and at the end.
"""

import argparse
import collections
import json
import os
import signal
import subprocess
import sys
import threading
import time

from latency import Sound

OTHER = "excuse me, is anybody here"


def sic(nick, text):
    return f"{'#sprint':<12}: 2024-01-22 10:00 <{nick}> {text}\n"


class Listener:
    """irc-speak with --events, and what it reported."""

    def __init__(self, program, sound, *arguments):
        self.begun = None
        self.n_before = 0
        self.fates = collections.Counter()
        self.process = subprocess.Popen(
            [os.path.abspath(program), *arguments, "--events"], env=sound.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "started" and self.begun is None:
                if OTHER in event["text"]:
                    self.begun = time.monotonic()
                else:
                    self.n_before += 1
            if event["event"] == "fate":
                self.fates[event["fate"]] += 1

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def case(name, program, seconds):
    with Sound("pulseaudio") as sound:
        inside = lambda name: os.path.join(sound.folder, name)
        log, config, big = inside("sic.out"), inside("flood.toml"), inside("big")
        open(log, "w").close()
        arguments = ["tail", "-n", "0", log]
        if name == "source":
            with open(big, "w") as out:
                for number in range(300_000_000 // 60):
                    out.write(f"line {number:09} of what is printed without end, and it is long\n"[:60]
                              + "\n")
            with open(config, "w") as out:
                out.write(f'[[source]]\ntail = "{log}"\n[[source]]\nrun = ["cat", "{big}"]\n')
            arguments = ["-c", config]
        listener = Listener(program, sound, *arguments)
        try:
            control = inside("irc-speak/control.sock")
            sound.until("the control socket", lambda: os.path.exists(control), 60)
            time.sleep(1)
            with open(log, "a") as out:
                if name == "paste":
                    out.write("".join(sic("kim", f"this is line {n} of a long paste")
                                      for n in range(100)))
                if name == "equal":
                    out.write(sic("kim", "buy now") * 1000)
            time.sleep(1)
            with open(log, "a") as out:
                out.write(sic("al", OTHER))
            asked = time.monotonic()
            while listener.begun is None and time.monotonic() < asked + seconds:
                time.sleep(0.05)
            took = f"{listener.begun - asked:.1f} s" if listener.begun else f"not in {seconds} s"
            resident = listener.resident()
            print(f"  {name:8} the other's line is begun after {took:>12}, "
                  f"{listener.n_before} utterances of the flood before it; {resident:.0f} MB",
                  flush=True)
        finally:
            listener.end()
        print(f"  {'':8} fates: " + ", ".join(f"{n} {it}" for it, n in listener.fates.items()),
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/irc-speak")
    parser.add_argument("--seconds", type=float, default=120, help="to wait for the line (120)")
    parser.add_argument("cases", nargs="*", help="of paste, equal, source (all)")
    options = parser.parse_args()
    if not os.access(options.program, os.X_OK):
        sys.exit(f"flood: {options.program} is not built")
    for name in options.cases or ["paste", "equal", "source"]:
        case(name, options.program, options.seconds)


if __name__ == "__main__":
    main()
