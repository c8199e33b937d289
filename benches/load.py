#!/usr/bin/python3
"""Puts a control socket under load: load.py SOCKET, until it gets a signal.

In turn, without a pause: for two seconds, eight clients at a time that request the status, read the
reply and disconnect, and eight that send garbage; then 2,000 connections, as fast as they are
accepted, held open for two seconds. At the end it prints how many there were of each.
"""

import collections
import random
import resource
import selectors
import signal
import socket
import sys
import time

HELD = 2000
AT_ONCE = 8
TURN = 2  # seconds


def garbage(chance):
    return chance.choice([
        chance.randbytes(chance.randrange(1, 5000)),
        b"\n" * 2000,
        b'{"command":' * 300 + b"\n",
        b'{"command":"frobnicate"}\n' * 100,
        b"\xff\xfe\x00" * 1000 + b"\n",
        b"[" * 4096,
    ])


class Load:
    def __init__(self, path):
        self.path, self.chance = path, random.Random(1)
        self.counts, self.open = collections.Counter(), collections.Counter()
        self.watched = selectors.DefaultSelector()
        self.held = []

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect(self.path)
        except BlockingIOError:  # its backlog is full: later
            client.close()
            return None
        self.counts["connections"] += 1
        return client

    def start(self, kind):
        client = self.connect()
        if client is None:
            return False
        self.open[kind] += 1
        self.counts[kind] += 1
        try:
            client.send(b'{"command":"status"}\n' if kind == "asked" else garbage(self.chance))
            if kind == "garbage":
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # turned away already, or it takes no more
        self.watched.register(client, selectors.EVENT_READ, kind)
        return True

    def serve(self, client, kind):
        try:
            data = client.recv(1 << 16)
        except OSError:
            data = b""
        if kind == "asked" and b'"reply":"status"' in data:
            self.counts["answered"] += 1
            data = b""
        if not data:
            self.watched.unregister(client)
            client.close()
            self.open[kind] -= 1

    def ask(self, until):
        while time.monotonic() < until:
            for kind in ("asked", "garbage"):
                while self.open[kind] < AT_ONCE and self.start(kind):
                    pass
            for key, _ in self.watched.select(0.01):
                self.serve(key.fileobj, key.data)

    def hold(self, until):
        while time.monotonic() < until:
            client = self.connect() if len(self.held) < HELD else None
            if client is None:
                time.sleep(0.001)
            else:
                self.held.append(client)
        self.counts["most held"] = max(self.counts["most held"], len(self.held))
        for client in self.held:
            client.close()
        self.held.clear()


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (HELD + 100, HELD + 100))
    load = Load(sys.argv[1])

    def end(*_):
        print(", ".join(f"{name} {n}" for name, n in load.counts.items()), flush=True)
        sys.exit()

    signal.signal(signal.SIGTERM, end)
    while True:
        load.ask(time.monotonic() + TURN)
        load.hold(time.monotonic() + TURN)


if __name__ == "__main__":
    main()
