#!/usr/bin/python3
"""Seconds of speech for the same messages: what the plain pipeline reads, and what irc-speak says.

    seconds.py FOLDER [--program PATH] [--meetings N]

FOLDER holds tables of seconds, kind, sender and text (as `benches/meetings.py` reads them). Each
meeting's messages and actions are written as a log of sic. The pipeline's text is that of awk, which
strips the first three fields; irc-speak's is that of `--text`, without rules that drop lines. eSpeak NG
then speaks both, all of each, at the same rate, and the samples are counted: the pipeline's with the
pauses that eSpeak NG makes between lines, irc-speak's with the gaps that it makes, from the WAV file
that it writes. eSpeak NG's 220 is 256 words a minute. Every line is spoken whole, at one rate, in one
voice. Prints hours of speech and what is saved; "By words alone" is the saving where espeak-ng speaks
both texts.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import wave

SAMPLES_A_SECOND = 22_050

# eSpeak NG's rate of the pipeline, and how many words a minute that is.
PARAMETER, WPM = 220, 256


def messages(path):
    for row in path.read_text(errors="replace").splitlines()[1:]:
        fields = row.split("\t", 3)
        if len(fields) == 4 and fields[1] in ("say", "action") and fields[2]:
            yield fields[1], fields[2], fields[3]


def sic_log(path):
    """The messages as sic prints them."""
    lines = []
    for kind, sender, text in messages(path):
        said = text if kind == "say" else f"\x01ACTION {text}\x01"
        lines.append(f"#meeting    : 2031-04-09 10:00 <{sender}> {said}\n")
    return "".join(lines)


def piped(log):
    """What the pipeline's awk prints for the log."""
    strip = '{ $1=""; $2=""; $3=""; print; fflush(); }'
    # sic pads the channel, so that the colon is a field of its own: awk strips one field too few.
    log = re.sub(r"^#meeting +:", "#meeting:", log, flags=re.M)
    return subprocess.run(["awk", strip], input=log, capture_output=True, text=True).stdout


def run(program, options, text):
    with tempfile.TemporaryDirectory() as home:
        settings = pathlib.Path(home, "config.toml")
        settings.write_text('filters = ["bridges"]\n[speakers]\nown_voices = false\n')
        command = [program, "--config", settings, *options]
        done = subprocess.run(command, input=text, capture_output=True, text=True,
                              env={"HOME": home, "PATH": "/usr/bin:/bin"})
    if done.returncode != 0:
        sys.exit(f"seconds.py: {done.stderr.strip()}")
    return done.stdout


def heard(program, log):
    """How long irc-speak speaks the log."""
    with tempfile.TemporaryDirectory() as folder:
        wav = pathlib.Path(folder, "out.wav")
        rate = ["--rate", str(WPM), "--max-rate", str(WPM)]
        run(program, ["--format", "sic", *rate, "--output", str(wav)], log)
        with wave.open(str(wav)) as sound:
            return sound.getnframes() / sound.getframerate()


def seconds(text):
    """How long eSpeak NG speaks the text, read from a pipe, line by line."""
    command = ["espeak-ng", "-v", "en-us", "-s", str(PARAMETER), "--stdout"]
    with tempfile.TemporaryFile("w+") as file:
        file.write(text)
        file.seek(0)
        speech = subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        n_bytes = 0
        while part := speech.stdout.read(1 << 20):
            n_bytes += len(part)
        if speech.wait() != 0:
            sys.exit("seconds.py: espeak-ng failed")
    return n_bytes / 2 / SAMPLES_A_SECOND


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default="target/release/irc-speak")
    parser.add_argument("--meetings", type=int, default=0, help="only the first N")
    args = parser.parse_args()
    paths = sorted(args.folder.glob("*.tsv"))[:args.meetings or None]
    if not paths:
        sys.exit(f"seconds.py: no .tsv file in {args.folder}")
    plain = ours = words = n_lines = 0
    for path in paths:
        log = sic_log(path)
        before, after = seconds(piped(log)), heard(args.program, log)
        words += seconds(run(args.program, ["--format", "sic", "--text"], log))
        plain, ours, n_lines = plain + before, ours + after, n_lines + log.count("\n")
        print(f"{path.stem:44.44} {log.count(chr(10)):5} lines {before:8.1f} s {after:8.1f} s "
              f"{(1 - after / before) * 100:5.1f} % fewer")
    print(f"{len(paths)} meetings, {n_lines} lines: the pipeline speaks for {plain / 3600:.2f} hours, "
          f"irc-speak for {ours / 3600:.2f}: {(1 - ours / plain) * 100:.1f} % fewer seconds "
          f"({(1 - words / plain) * 100:.1f} % by words alone)")


if __name__ == "__main__":
    main()
