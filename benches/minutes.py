#!/usr/bin/env python3
"""Compares `irc-speak minutes` with the minutes that were published of the same meetings.

    benches/minutes.py CORPUS [--program PATH] [--verbose]

Reads every CORPUS/*/NAME.log that has a NAME.minutes.html beside it, as the W3C's and the JSON-LD
group's scribe tools write them: topics, resolutions and actions, in their lists or in their text.
Minutes that are plain text were written by people, in words and topics of their own (or hold only
who was there): they are named, and not counted. Of the logs without minutes it says in how many a
meeting is found, by folder.

An entry is found if its words are the same, apart from case, space and marks. Each is counted once
for each time it was published.
"""

import argparse
import collections
import html
import json
import pathlib
import re
import subprocess

KINDS = ["topics", "resolutions", "actions"]


def words(text):
    return " ".join(re.findall(r"\w+", html.unescape(text).lower()))


def plain(markup):
    markup = re.sub(r"<a id=\"link-.*?</a>", "", markup, flags=re.S)
    return html.unescape(re.sub(r"<[^>]+>", "", markup)).strip()


def listed(page, heading):
    found = re.search(rf"<dt>{heading}</dt>\s*<dd>(.*?)</dd>", page, re.S)
    return [plain(item) for item in re.split(r"<li>", found.group(1))[1:]] if found else []


def in_text(page, kind, label):
    pattern = rf'<(h1|h2|div)[^>]*class="{kind}"[^>]*>(.*?)</\1>'
    entries = [plain(found[1]) for found in re.findall(pattern, page, re.S)]
    return [re.sub(rf"^{label}:\s*", "", entry) for entry in entries]


def published(path):
    page = path.read_text(encoding="utf-8", errors="replace")
    return {
        "topics": listed(page, "Topics") or in_text(page, "topic", "Topic"),
        "resolutions": listed(page, "Resolutions") or in_text(page, "resolution", "RESOLUTION"),
        "actions": listed(page, "Action Items") or in_text(page, "action", "ACTION"),
    }


def found(program, log):
    ran = subprocess.run([program, "minutes", "--json", log], capture_output=True, text=True)
    meetings = json.loads(ran.stdout or '{"meetings": []}')["meetings"]
    entries = {kind: [] for kind in KINDS}
    for meeting in meetings:
        entries["topics"] += [it["title"] for it in meeting["topics"] if not it["subtopic"]]
        entries["resolutions"] += [it["text"] for it in meeting["decisions"]]
        entries["actions"] += [it["text"] for it in meeting["actions"]]
    return entries, len(meetings)


def matches(expected, got):
    """How many are in both, and what is only in one."""
    expected = collections.Counter(map(words, expected))
    got = collections.Counter(map(words, got))
    both = expected & got
    return sum(both.values()), list((expected - got).elements()), list((got - expected).elements())


def share(n, of):
    return "   - " if of == 0 else f"{n / of:5.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--program", default="target/release/irc-speak")
    parser.add_argument("--verbose", action="store_true", help="print what differs")
    arguments = parser.parse_args()
    total = {kind: [0, 0, 0] for kind in KINDS}
    print(f"{'log':45}" + "".join(f"  {kind + ' P, R':>22}" for kind in KINDS))
    for minutes in sorted(arguments.corpus.glob("*/*.minutes.html")):
        log = minutes.with_name(minutes.name.replace(".minutes.html", ".log"))
        expected, (got, _) = published(minutes), found(arguments.program, log)
        row = f"{log.parent.name + '/' + log.name:45}"
        for kind in KINDS:
            n, missing, extra = matches(expected[kind], got[kind])
            total[kind][0] += n
            total[kind][1] += len(got[kind])
            total[kind][2] += len(expected[kind])
            figures = f"{share(n, len(got[kind]))} {share(n, len(expected[kind]))}"
            row += f"  {figures:>14} of {len(expected[kind]):4}"
            if arguments.verbose:
                row += "".join(f"\n    not found: {it}" for it in missing)
                row += "".join(f"\n    not published: {it}" for it in extra)
        print(row)
    print(f"{'all':45}", end="")
    for n, n_got, n_expected in total.values():
        print(f"  {share(n, n_got) + ' ' + share(n, n_expected):>14} of {n_expected:4}", end="")
    print("\n\nminutes in people's own words, not counted:", end=" ")
    print(", ".join(sorted(f"{n} in {folder}" for folder, n in collections.Counter(
        path.parent.name for path in arguments.corpus.glob("*/*.minutes.txt")).items())))
    print("\nmeetings in logs without published minutes:")
    for folder in sorted(path for path in arguments.corpus.iterdir() if path.is_dir()):
        logs = [log for log in sorted(folder.glob("*.log"))
                if not log.with_name(log.stem + ".minutes.html").exists()]
        n = {log.name: found(arguments.program, log) for log in logs}
        held = {name: result for name, result in n.items() if result[1] > 0}
        if logs:
            print(f"  {folder.name}: {len(held)} of {len(logs)}")
        for name, (entries, n_meetings) in held.items():
            counts = ", ".join(f"{len(entries[kind])} {kind}" for kind in KINDS)
            print(f"    {name}: {n_meetings} with {counts}")


main()
