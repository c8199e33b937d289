#!/usr/bin/env python3
"""Prints figures of the source tree: scripts/figures.py [FOLDER], default src.

Files, lines, the median and the longest file, lines without tests, functions over 40 lines, public
items, and where tasks, threads and channels are made. Tests are files named tests.rs, those in
folders named tests, those declared under #[cfg(test)], and what follows #[cfg(test)] or #[test].
"""
import re
import statistics
import sys
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else "src")
LONG = 40


def code(text):
    """The lines before the tests at the foot."""
    text = re.sub(r"#\[cfg\(test\)\]\n(#\[path[^\n]*\n)?(pub(\(\w+\))? )?mod \w+;\n", "", text)
    return re.split(r"(?m)^#\[cfg\(test\)\]$|^#\[(?:tokio::)?test\]$", text)[0]


def declared_tests(path, text):
    folder = path.parent if path.name in ("mod.rs", "lib.rs") else path.with_suffix("")
    for path_attr, name in re.findall(r'#\[cfg\(test\)\]\n(?:#\[path = "([^"]+)"\]\n)?mod (\w+);', text):
        yield from (path.parent / path_attr,) if path_attr else (folder / f"{name}.rs", folder / name / "mod.rs")


def functions(text):
    """Each function's name and its number of lines."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        begun = re.match(r"( *)(?:pub(?:\([^)]*\))? )?(?:const |async |unsafe )*fn (\w+)", line)
        if begun:
            head = next(n for n in range(at, len(lines)) if lines[n].endswith(("{", ";", "}")))
            if not lines[head].endswith(";"):  # else it is a declaration
                end = next((n for n in range(at, len(lines)) if lines[n] == begun[1] + "}"), at)
                yield begun[2], end - at + 1


texts = {path: path.read_text() for path in sorted(ROOT.rglob("*.rs"))}
tests = {test for path, text in texts.items() for test in declared_tests(path, text)}
tests |= {path for path in texts if path.name == "tests.rs" or "tests" in path.parts}
lines = {path: text.count("\n") for path, text in texts.items()}
plain = {path: code(text) for path, text in texts.items() if path not in tests}

print(f"files: {len(texts)}, of them tests: {len(tests & set(texts))}")
print(f"lines: {sum(lines.values())}; without tests: {sum(text.count(chr(10)) for text in plain.values())}")
print(f"median: {statistics.median(lines.values()):.0f}")
longest = max(lines, key=lines.get)
print(f"longest: {longest.relative_to(ROOT)}, {lines[longest]}")
long = [(n, f"{path.relative_to(ROOT)}: {name}") for path, text in plain.items()
        for name, n in functions(text) if n > LONG]
print(f"functions over {LONG} lines: {len(long)}")
for n, name in sorted(long, reverse=True):
    print(f"  {n} {name}")
public = sum(len(re.findall(r"(?m)^ *pub (?:const |async |unsafe )*(?:fn|struct|enum|trait|type|const|static|mod|use)\b", text))
             for text in plain.values())
print(f"public items: {public}")
for what, pattern in [
    ("tasks", r"tokio::spawn\(|spawn_blocking\(|\.spawn\(async|tries\.spawn\(|clients\.spawn\("),
    ("threads", r"thread::spawn\(|Builder::new\(\)[^;]*?\.spawn\(|\.spawn_scoped\("),
    ("channels", r"(?:mpsc::|oneshot::|watch::)(?:unbounded_)?channel(?:::<[^>]*>+)?\("),
]:
    found = {path: len(re.findall(pattern, text)) for path, text in plain.items()}
    found = {path: n for path, n in found.items() if n}
    print(f"{what}: {sum(found.values())} in {len(found)} files")
    print("  " + ", ".join(f"{path.relative_to(ROOT)} {n}" for path, n in found.items()))
