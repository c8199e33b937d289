#!/usr/bin/env python3
"""Makes the tables of src/phrase/emoji: scripts/emoji-data.py [FOLDER], default src/phrase/emoji.

Fetches the packages below by `npm pack`, and writes en.tsv, de.tsv, fr.tsv, es.tsv (what an emoji or
a symbol is called, by CLDR) and codes.tsv (the shortcodes of GitHub, Slack and Discord). own.tsv and
smileys.tsv, which lie beside them, are written by hand.
"""
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ANNOTATIONS = "cldr-annotations-full@48.2.0"
DERIVED = "cldr-annotations-derived-full@48.2.0"
EMOJIBASE = "emojibase-data@17.0.0"

LANGUAGES = {"en": "and", "de": "und", "fr": "et", "es": "y"}
# Whose code it is, where one code has two meanings.
CODES = ("github", "iamcal", "joypixels")

TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
# Tones, and the choice between picture and text: the program removes them before it looks up.
UNSEEN = re.compile(f"[{TONES}\ufe0e\ufe0f]")
KEYCAP = "\u20e3"

# Symbols that are not emoji. Not those of prose (dashes, quotes, dots), of money and of numbers,
# nor letters: engines and other modules read them.
SYMBOLS = re.compile(
    "[§©¬®°±¶×÷†‡•‣‰‱※‽℗\u2190-\u21ff\u2200-\u22ff\u25a0-\u25ff\u2600-\u27bf♪♭♯⨯⩽⪍⪚⪺⨧⨼⩣]")
# Of those: what stands for a dot, a colon, a stroke, a tilde or an ellipsis.
PROSE = set("∕∗∘∙∣∶∼⋅⋆⋮⋯⋰⋱")
# Single letters in squares and circles become letters elsewhere.
LETTERS = re.compile("[\u24c2\U0001f130-\U0001f189]")

# Of emojibase's groups and subgroups: which emoji a run of is said once.
FACES = ("face-", "cat-face", "monkey-face")
PEOPLE = "people-body"
FLAGS = ("country-flag", "subdivision-flag")


def fetch(package, folder):
    """The package's files as a function from a path to what its JSON holds."""
    packed = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True,
                            capture_output=True, text=True)
    archive = tarfile.open(Path(folder) / packed.stdout.split()[-1])
    return lambda path: json.load(archive.extractfile(f"package/{path}"))


def key(emoji):
    return UNSEEN.sub("", emoji)


def spoken(name, language):
    """A name without what a voice stumbles over: quotes, brackets, colons, abbreviations."""
    name = re.sub("[\u00a0\u202f]", " ", name).replace("’", "'")
    name = re.sub("[„“”\"«»]", "", name)
    name = re.sub(r"(?<=\w)\(\w+\)", "", name)  # "Fußgänger(in)"
    name = re.sub(r"[()]", "", name).replace("St. ", "Saint ").replace("&", LANGUAGES[language])
    name = re.sub(r"(?<=\d):00 Uhr", " Uhr", name)
    name = re.sub(r"(\d+):(\d+) Uhr", r"\1 Uhr \2", name)
    name = re.sub(r" ?: ", ", ", name)
    return " ".join(name.split())


def kind(emoji, groups):
    """How a run of the emoji is said."""
    if emoji.endswith(KEYCAP):
        return "each"
    group, subgroup = groups.get(emoji, ("", ""))
    once = group == PEOPLE or subgroup.startswith(FACES) or subgroup in FLAGS
    return "once" if once else "counted"


def name(emoji, name, language, groups):
    group, subgroup = groups.get(emoji, ("", ""))
    if emoji.endswith(KEYCAP) or subgroup in FLAGS or emoji == "🔟":
        name = name.split(":", 1)[-1]
    if subgroup == "family" and "\u200d" in emoji:
        name = name.split(":", 1)[0]
    return spoken(name, language)


def wanted(emoji, groups):
    if LETTERS.search(emoji):
        return False
    if emoji in groups:
        return emoji not in TONES
    return len(emoji) == 1 and bool(SYMBOLS.match(emoji)) and emoji not in PROSE


def names(language, annotations, derived, groups):
    """From each wanted emoji to its name."""
    found = {}
    for package, root in ((annotations, "annotations"), (derived, "annotationsDerived")):
        entries = package(f"{root}/{language}/annotations.json")[root]["annotations"]
        for emoji, entry in entries.items():
            if not any(tone in emoji for tone in TONES):
                found[key(emoji)] = entry["tts"][0]
    return {emoji: name(emoji, text, language, groups)
            for emoji, text in found.items() if wanted(emoji, groups)}


def groups_of(emojibase):
    """From each emoji to its group and subgroup."""
    messages = emojibase("en/messages.json")
    groups, subgroups = ({entry["order"]: entry["key"] for entry in messages[part]}
                         for part in ("groups", "subgroups"))
    return {key(entry["emoji"]): (groups[entry["group"]], subgroups[entry["subgroup"]])
            for entry in emojibase("en/data.json") if "group" in entry}


def codes_of(emojibase, emoji):
    """From each shortcode to its emoji, of those in `emoji`."""
    found = {}
    for source in CODES:
        for hexcode, codes in emojibase(f"en/shortcodes/{source}.json").items():
            text = "".join(chr(int(code, 16)) for code in hexcode.split("-"))
            if any(tone in text for tone in TONES) or key(text) not in emoji:
                continue
            for code in [codes] if isinstance(codes, str) else codes:
                found.setdefault(code.lower(), key(text))
    return found


def write(path, head, rows):
    lines = [f"# {line}" for line in head] + rows
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path}: {len(rows)} lines, {path.stat().st_size} bytes")


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "src/phrase/emoji")
    with tempfile.TemporaryDirectory() as packed:
        annotations, derived, emojibase = (fetch(package, packed)
                                           for package in (ANNOTATIONS, DERIVED, EMOJIBASE))
        groups = groups_of(emojibase)
        for language in LANGUAGES:
            table = names(language, annotations, derived, groups)
            rows = []
            for section in ("once", "counted", "each"):
                rows.append(f"[{section}]")
                rows += [f"{emoji}\t{table[emoji]}" for emoji in sorted(table)
                         if kind(emoji, groups) == section]
            write(folder / f"{language}.tsv", [
                f"Made by scripts/emoji-data.py of {ANNOTATIONS} and {DERIVED}.",
                "Copyright © 2004-2026 Unicode, Inc. Licence: Unicode-3.0.",
            ], rows)
        codes = codes_of(emojibase, table)
        write(folder / "codes.tsv", [
            f"Made by scripts/emoji-data.py of {EMOJIBASE}.",
            "Copyright 2017-2019 Miles Johnson. Licence: MIT.",
        ], [f"{code}\t{codes[code]}" for code in sorted(codes)])


if __name__ == "__main__":
    main()
