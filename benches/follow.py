#!/usr/bin/python3
"""Follows 500 files, one of them flooded at 100 MB/s: how soon lines of the others are printed, and the
cost of the idle program. Prints milliseconds and processor time."""
import pathlib
import subprocess
import tempfile
import threading
import time

PROGRAM = pathlib.Path(__file__).parent.parent / "target/release/irc-speak"
FILES, RATE, SECONDS, LINE = 500, 100_000_000, 8, b"the flood goes on and on and on and on\n"


def processor_ms(pid):
    """From the scheduler; /proc/PID/stat misses what is shorter than a tick."""
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def n_waits(pid):
    """How often any thread began to wait, so far."""
    lines = "".join(it.read_text() for it in pathlib.Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(int(line.split()[1]) for line in lines.splitlines()
               if line.startswith("voluntary_ctxt_switches"))


def flood(path, end):
    block, began, written = LINE * 1500, time.monotonic(), 0
    with open(path, "ab", buffering=0) as out:
        while time.monotonic() < end:
            written += out.write(block)
            time.sleep(max(0, began + written / RATE - time.monotonic()))
    print(f"flood: {written / (time.monotonic() - began) / 1e6:.0f} MB/s")


with tempfile.TemporaryDirectory() as folder:
    paths = [pathlib.Path(folder, f"{n}.log") for n in range(FILES)]
    for path in paths:
        path.touch()
    process = subprocess.Popen([PROGRAM, "tail", "--text", "--config", "/dev/null", "-n0", *paths],
                               stdout=subprocess.PIPE)
    seen = {}

    def read():
        for line in process.stdout:
            if line.startswith(b"probe "):
                seen[int(line.split()[1])] = time.monotonic()

    threading.Thread(target=read, daemon=True).start()
    time.sleep(3)
    cost, waits = processor_ms(process.pid), n_waits(process.pid)
    time.sleep(60)  # two looks at all files
    cost, waits = processor_ms(process.pid) - cost, n_waits(process.pid) - waits
    print(f"idle: {cost / 60:.3f} ms of processor time and {waits / 60:.2f} wake-ups a second")
    end = time.monotonic() + SECONDS
    flooding = threading.Thread(target=flood, args=(paths[0], end))
    flooding.start()
    written, n = {}, 0
    while time.monotonic() < end:
        written[n] = time.monotonic()
        with open(paths[1 + n % (FILES - 1)], "a") as out:
            out.write(f"probe {n}\n")
        n += 1
        time.sleep(0.02)
    flooding.join()
    time.sleep(2)
    process.kill()
    late = sorted((seen[n] - at) * 1000 for n, at in written.items() if n in seen)
    print(f"other files: {len(late)} of {len(written)} lines; median {late[len(late) // 2]:.1f} ms,"
          f" 99th {late[len(late) * 99 // 100]:.1f} ms, longest {late[-1]:.1f} ms")
