#!/usr/bin/python3
"""Memory and processor time of both processes, idle and speaking, on a private null sink.

RSS counts all pages, PSS the share of those that both processes or other programs use too.
"""

import argparse
import os
import signal
import subprocess
import sys
import time

from latency import CHAT, Sound

TICKS = os.sysconf("SC_CLK_TCK")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as listed:
        return [int(child) for child in listed.read().split()]


def memory(pid):
    """RSS and PSS in MB."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        rows = dict(line.split(":", 1) for line in rollup if ":" in line)
    return [int(rows[name].split()[0]) / 1024 for name in ("Rss", "Pss")]


def cpu_and_wakeups(pid):
    """Seconds of processor time, and how often any thread began to wait, so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    switches = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/status") as status:
                rows = dict(line.split(":", 1) for line in status)
            switches += int(rows["voluntary_ctxt_switches"])
        except FileNotFoundError:
            continue
    return (int(fields[11]) + int(fields[12])) / TICKS, switches


def report(what, processes, seconds):
    """Memory and activity of each process in the next `seconds`."""
    before = {pid: cpu_and_wakeups(pid) for pid in processes.values()}
    time.sleep(seconds)
    total = [0.0, 0.0]
    for name, pid in processes.items():
        cpu, wakeups = (b - a for a, b in zip(before[pid], cpu_and_wakeups(pid)))
        rss, pss = memory(pid)
        total = [total[0] + rss, total[1] + pss]
        print(f"  {what:22} {name:9} {rss:6.1f} {pss:6.1f} {100 * cpu / seconds:6.2f} "
              f"{wakeups / seconds:9.1f}", flush=True)
    print(f"  {what:22} {'both':9} {total[0]:6.1f} {total[1]:6.1f}", flush=True)
    return total[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/irc-speak")
    parser.add_argument("--seconds", type=float, default=10, help="of each row (10)")
    options = parser.parse_args()
    if not os.access(options.program, os.X_OK):
        sys.exit(f"memory: {options.program} is not built")
    with Sound("pulseaudio") as sound:
        log = os.path.join(sound.folder, "sic.out")
        open(log, "w").close()
        config = os.path.join(sound.folder, "soon.toml")
        with open(config, "w") as out:
            out.write('close_after = "5s"\n')
        listener = subprocess.Popen(
            [os.path.abspath(options.program), "-c", config, "tail", "-n", "0", log],
            env=sound.env, stdin=subprocess.DEVNULL)

        def say(number):
            nick, text = CHAT[number % len(CHAT)]
            with open(log, "a") as out:
                out.write(f"#sprint     : 2024-01-22 10:00 <{nick}> {text}\n")

        try:
            sound.until("the voice process", lambda: children(listener.pid))
            processes = {"listener": listener.pid, "voice": children(listener.pid)[0]}
            print(f"  {'':22} {'':9} {'RSS MB':>6} {'PSS MB':>6} {'CPU %':>6} {'wake-ups/s':>9}")
            time.sleep(1)
            report("before the first line", processes, options.seconds)
            heard = time.monotonic()
            say(0)
            if sound.onset(heard) is None:
                sys.exit("memory: nothing was heard")
            for number in range(int(options.seconds) * 2):
                say(number)
            most = report("speaking", processes, options.seconds)
            sound.until("silence", lambda: sound.quiet_for(2), 120)
            report("idle, device open", processes, 2)
            time.sleep(6)
            most = max(most, report("idle, device closed", processes, options.seconds))
            for kept, text in ((most <= 40, "both processes <= 40 MB"), (most <= 25, "goal: 25 MB")):
                print(f"  {'pass' if kept else 'FAIL'}  {text} ({most:.1f} MB RSS)")
        finally:
            listener.send_signal(signal.SIGTERM)
            try:
                listener.wait(3)
            except subprocess.TimeoutExpired:
                listener.kill()
                listener.wait()


if __name__ == "__main__":
    main()
