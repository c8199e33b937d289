#!/usr/bin/python3
"""How far behind live a listener is, measured and simulated, for lines of several scripts.

For each kind, lines arrive at fixed times. They are spoken live into the null sink of a private
sound server, and `--events` reports the lag of each. The same lines as a table go through
`simulate`, with durations measured by the engine, and with durations estimated by the letters.
Prints maximum and median, in seconds, and how far the simulation is from the measurement.
"""

import argparse
import json
import os
import subprocess
import tempfile
import threading
import time

from latency import Sound

KINDS = {
    "english": [
        "I think we should move to the next topic now",
        "the build of the nightly image is green again",
        "thank you very much, see you tomorrow",
        "has anybody seen why the tests have failed",
    ],
    "hebrew": [
        "שלום לכולם, בואו נתחיל",
        "הבנייה של הלילה שוב ירוקה",
        "אני חושב שצריך לעבור לנושא הבא",
        "תודה רבה, נתראה מחר",
    ],
    "chinese": [
        "大家好，我们现在开始开会",
        "夜间构建在第三次尝试后又变绿了",
        "我觉得我们应该讨论下一个议题",
        "谢谢，明天见",
    ],
    "thai": [
        "สวัสดีทุกคน",
        "เริ่มประชุมกันเถอะ",
        "ขอบคุณมาก",
        "แล้วเจอกันพรุ่งนี้",
    ],
    "russian": [
        "всем привет, давайте начнём совещание",
        "ночная сборка снова зелёная",
        "я думаю, нам пора перейти к следующей теме",
        "спасибо большое, увидимся завтра",
    ],
    "hexadecimal": [
        "3f2a9c01d4e87b6650aa12ff09bc34de5678a1b2",
        "0x7fff5fbff8a0",
        "e3b0c44298fc1c149afbf4c8996fb924",
        "commit 83af9a7 of d52b387",
    ],
}


def median(lags):
    """The upper of the two middle values, as in `simulate`."""
    return sorted(lags)[len(lags) // 2]


def lines_of(kind, n_lines):
    return [KINDS[kind][number % len(KINDS[kind])] for number in range(n_lines)]


def live(options, sound, kind, figures):
    """Speaks the lines of `kind` as they arrive; puts the lag of each, in seconds, into `figures`."""
    with tempfile.TemporaryDirectory(prefix="irc-speak-lag-") as folder:
        env = sound.env | {"XDG_RUNTIME_DIR": folder}
        listener = subprocess.Popen(
            [options.program, *options.options.split(), "--events"], env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

        def write():
            start = time.monotonic()
            for number, line in enumerate(lines_of(kind, options.lines)):
                at = start + number // options.at_once * options.every
                time.sleep(max(0.0, at - time.monotonic()))
                listener.stdin.write(line.encode() + b"\n")
                listener.stdin.flush()
            listener.stdin.close()

        writer = threading.Thread(target=write)
        writer.start()
        events = [json.loads(line) for line in listener.stdout]
        writer.join()
        listener.wait()
    figures[kind] = [
        event["lag_ms"] / 1000 for event in events if event["event"] == "fate" and event.get("lag_ms")
    ]


def simulated(options, kind, *arguments):
    """The result of `simulate` for the same lines."""
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as table:
        table.write("seconds_since_start\tkind\tsender\ttext\n")
        for number, line in enumerate(lines_of(kind, options.lines)):
            at = number // options.at_once * options.every
            table.write(f"{at}\tplain\t\t{line}\n")
        table.flush()
        command = [options.program, *options.options.split(), "simulate", "--json", *arguments, table.name]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["lag_s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=12, help="lines of each kind (12)")
    parser.add_argument("--every", type=float, default=12, help="seconds between them (12)")
    parser.add_argument("--at-once", type=int, default=1, help="so many at a time (1)")
    parser.add_argument("--program", default="target/release/irc-speak")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, with commas")
    parser.add_argument("--options", default="", help="of irc-speak, as in '--voice ru'")
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    kinds = options.only.split(",")
    figures = {}
    with Sound("pulseaudio") as sound:
        threads = [
            threading.Thread(target=live, args=[options, sound, kind, figures]) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(f"{options.lines} lines each, {options.at_once} every {options.every:g} s; lag in seconds,"
          " maximum and median")
    print(f"  {'':12} {'measured':>14} {'simulated with --measure':>32} {'and without':>32}")
    for kind in kinds:
        lags = figures[kind]
        real = {"max": max(lags), "median": median(lags)}
        row = f"  {kind:12} {real['max']:7.2f}{real['median']:7.2f}"
        for arguments in (["--measure"], []):
            lag = simulated(options, kind, *arguments)
            row += "".join(
                f" {lag[which]:7.2f} ({100 * (lag[which] / real[which] - 1):+4.0f} %)"
                for which in ("max", "median"))
        print(row + ("" if len(lags) == options.lines else f"  {len(lags)} heard"), flush=True)


if __name__ == "__main__":
    main()
