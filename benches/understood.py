#!/usr/bin/python3
"""How well speech is understood: the word error rate of a speech recogniser.

    understood.py --variants [NAME,...]   each variant of the voice; "plain" is the voice without one
    understood.py --pitches [N,...]       the voices of --voices at these pitches
    understood.py --rates [N,...]         the plain voice at these rates
    understood.py --own                   60 nicks with a voice each, against one voice for all
    understood.py --live LOG...           the busiest two minutes of meetings, played live: the shell
                                          pipeline that irc-speak replaces, irc-speak at its defaults
                                          with a voice for each, and with one voice
    understood.py --demo                  what "make demo" speaks

The lines of --variants, --pitches, --rates and --own go through irc-speak into a WAV file, which is
cut into utterances by the durations in the events. Recordings of --live and --demo are recognised
as a whole: the recogniser cuts them where they are quietest.
A LOG is a table of seconds, kind, sender and text. Errors are words substituted, left out and
inserted; numbers are spelled out, case and punctuation removed. The reference is the spoken text:
the text of the events, with names of speakers; for the pipeline the output of awk. "lines" is the
same against the texts of the log alone.

The recogniser is no part of the project. Its folder is ../shared/tools/asr beside the project, or
the one that IRC_SPEAK_ASR names; it is set up once under target/asr. The figures are those of a
machine, not of people: use them for comparison.
"""

import argparse
import collections
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import wave

from latency import LOUD, RATE as SINK_RATE, Sound

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = os.environ.get("IRC_SPEAK_ASR") or os.path.join(PROJECT, "..", "shared", "tools", "asr")
VENV = os.path.join(PROJECT, "target", "asr")

VARIANTS = "plain,m1,max,m6,f2,f3,Alex,Mario,m4,m2,adam,Annie,aunty,linda,Alicia,boris,shelby"
PITCHES = "20,30,40,50,60,70,80"
RATES = "180,220,260,286,300,330,352,400,450"

# After so much silence following the last line, a program is done.
DONE = 6.0
# The longest wait for a program that is behind.
BEHIND = 600

CHANNEL = "#weekly-meeting"  # so long that sic writes no space behind it, and awk's $3 is the time
PIPELINE = (
    "tail -n 2 -f LOG | egrep --line-buffered -v 'ChanServ|TOPIC|JOIN|PART|QUIT|ubottu'"
    " | awk '{ $1=\"\"; $2=\"\"; $3=\"\"; print; fflush(); }' | tee SAID"
    " | espeak --stdout -s 220 -ven-us | aplay -q"
)
SPEAK = "exec PROGRAM -c CONFIG tail -n 2 LOG --events > SAID"
CONTENDERS = {
    "pipeline": (PIPELINE, ""),
    "own voices": (SPEAK, ""),
    "one voice": (SPEAK, "[speakers]\nown_voices = false\n"),
}
# Bounds, in points of word error rate.
OWN_BOUND = 3
LIVE_BOUND = 5
DEMO_BOUND = 0.8  # of the words


def recogniser_python():
    """Restarts in the Python environment of the recogniser, which it sets up if necessary."""
    python = os.path.join(VENV, "bin", "python")
    if os.path.abspath(sys.prefix) == os.path.abspath(VENV):
        return
    if not os.path.isfile(os.path.join(TOOLS, "asr.py")):
        sys.exit(f"understood: no speech recogniser in {TOOLS}; name the folder of asr.py in "
                 "IRC_SPEAK_ASR")
    ready = os.path.join(VENV, "ready")
    if not os.path.exists(ready):
        if not os.path.exists(python):
            subprocess.run(["sh", os.path.join(TOOLS, "setup.sh"), VENV], check=True)
        open(ready, "w").close()
    os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])


class Ear:
    """The recogniser."""

    def __init__(self, threads):
        sys.path.insert(0, os.path.abspath(TOOLS))
        import asr
        self.asr = asr
        self.recogniser = asr.Recogniser(threads=threads)

    def words(self, text):
        return self.asr.words(text)

    def errors(self, said, heard):
        return self.asr.errors(said, heard)

    def text(self, sound):
        return self.recogniser.text(sound)

    def read(self, path):
        return self.asr.read_wav(path)[0]


class Score:
    """Errors over lines, each recognised separately."""

    def __init__(self):
        self.rows = []  # (errors, words)
        self.seconds = 0.0

    def add(self, errors, n_words):
        self.rows.append((errors, n_words))

    @staticmethod
    def share(rows):
        return sum(row[0] for row in rows) / max(1, sum(row[1] for row in rows))

    @property
    def wer(self):
        return self.share(self.rows)

    def interval(self):
        """The 95 % interval of 1,000 samples of the lines."""
        dice = random.Random(1)
        some = sorted(self.share(dice.choices(self.rows, k=len(self.rows))) for _ in range(1000))
        return some[25], some[974]

    def figures(self):
        low, high = self.interval()
        return {"wer": round(self.wer, 4), "ci95": [round(low, 4), round(high, 4)],
                "words": sum(row[1] for row in self.rows), "sounding_s": round(self.seconds, 1)}


def quiet_environment(folder):
    """An environment without the user's configuration, sound server and listener."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PULSE_SERVER")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    homes = ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")
    return env | {name: folder for name in homes}


def speak(program, ear, lines, options=(), rate=220, pitch=50, own_voices=False):
    """Speaks the lines: for each, the spoken text and its sound."""
    # Speech is never behind: the rate is constant, and nothing is condensed.
    config = (f'rate = {rate}\nmax_rate = {rate}\nmax_lag = "600s"\npitch = {pitch}\n'
              'speaker = "never"\n[earcons]\nhighlight = false\ntopic = false\n'
              f"[speakers]\nown_voices = {str(own_voices).lower()}\n")
    given = "".join(line + "\n" for line in lines).encode()
    for _ in range(5):
        spoken, seconds, sound = into_file(program, ear, config, options, given)
        rest = seconds - sum(it["sound_ms"] for it in spoken) / 1000
        # A restarted voice process writes the file from its beginning.
        if rest > -0.01 * len(spoken):
            break
        print("understood: the voice process was restarted; trying again", file=sys.stderr)
    else:
        sys.exit("understood: the voice is started again and again")
    gap, at = rest / max(1, len(spoken) - 1), 0.0
    for event in spoken:
        end = at + event["sound_ms"] / 1000
        first, last = (round(it * ear.asr.RATE) for it in (at, end))
        yield event["text"], sound[first:last]
        at = end + gap


def into_file(program, ear, config, options, given=b""):
    """Speaks to a WAV file: the events of the spoken lines, and the sound."""
    with tempfile.TemporaryDirectory(prefix="irc-speak-understood-") as folder:
        path, wav = os.path.join(folder, "c.toml"), os.path.join(folder, "x.wav")
        with open(path, "w") as out:
            out.write(config)
        done = subprocess.run(
            [program, "-q", "-c", path, "--output", wav, "--events", *options], input=given,
            capture_output=True, env=quiet_environment(folder))
        if done.returncode:
            sys.exit(f"understood: irc-speak: {done.stderr.decode(errors='replace').strip()}")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        with wave.open(wav) as sound:
            seconds = sound.getnframes() / sound.getframerate()
        return [it for it in events if it.get("fate") == "spoken"], seconds, ear.read(wav)


def score(program, ear, lines, **how):
    result = Score()
    for text, sound in speak(program, ear, lines, **how):
        said = ear.words(text)
        result.add(ear.errors(said, ear.words(ear.text(sound))), len(said))
        result.seconds += len(sound) / ear.asr.RATE
    return result


class Table:
    """Rows as they come, for people or as JSON."""

    def __init__(self, is_json, title):
        self.is_json = is_json
        if not is_json:
            print(title, flush=True)

    def row(self, name, **cells):
        if self.is_json:
            print(json.dumps({"name": name} | cells), flush=True)
            return
        shown = []
        for key, value in cells.items():
            if key == "ci95":
                shown.append(f"({value[0]:.1%} to {value[1]:.1%})")
            elif key.endswith("wer") or key in ("lines", "share"):
                shown.append(f"{key} {value:6.1%}")
            else:
                shown.append(f"{key} {value}")
        print(f"  {name:14} " + "  ".join(shown), flush=True)

    def verdict(self, text, is_kept):
        if not self.is_json:
            print(f"  {'pass' if is_kept else 'FAIL'}  {text}", flush=True)


def voice_option(variant):
    return ["--voice", "en-us" if variant == "plain" else f"en-us+{variant}"]


def variants(options, ear, lines):
    table = Table(options.json, f"variants at {options.rate} words a minute, {len(lines)} lines")
    for name in options.variants.split(","):
        found = score(options.program, ear, lines, options=voice_option(name), rate=options.rate)
        table.row(name, **found.figures())


def pitches(options, ear, lines):
    table = Table(options.json, f"pitches at {options.rate} words a minute, {len(lines)} lines")
    for name in options.voices.split(","):
        for pitch in options.pitches.split(","):
            found = score(options.program, ear, lines, options=voice_option(name),
                          rate=options.rate, pitch=int(pitch))
            table.row(f"{name} {pitch}", **found.figures())


def rates(options, ear, lines):
    table = Table(options.json, f"rates, plain voice, {len(lines)} lines")
    for rate in options.rates.split(","):
        found = score(options.program, ear, lines, rate=int(rate))
        n_words = sum(row[1] for row in found.rows)
        table.row(rate, **found.figures(), wpm=round(n_words / found.seconds * 60))


def nicks(n):
    """Typical nicks, the same every time."""
    heads = "ma ti ro ka be lu jo sa ne vi do fe gu ha".split()
    tails = "ra ni lo mir bert kus dan zo sh wen x7 pi".split()
    dice = random.Random(16)
    pairs = [head + tail for head in heads for tail in tails]
    return dice.sample(pairs, n)


def own(options, ear, lines):
    table = Table(options.json,
                  f"own voices at {options.rate} words a minute, {len(lines)} lines by as many nicks")
    said = [f"{CHANNEL:<12}: 2024-01-22 10:00 <{nick}> {line}"
            for nick, line in zip(nicks(len(lines)), lines)]
    own, one = (score(options.program, ear, said, rate=options.rate, own_voices=is_own)
                for is_own in (True, False))
    table.row("own voices", **own.figures())
    table.row("one voice", **one.figures())
    cost = (own.wer - one.wer) * 100
    table.row("own cost", points=round(cost, 1))
    table.verdict(f"own voices cost at most {OWN_BOUND} points", cost <= OWN_BOUND)


def busiest(path, seconds):
    """The messages of the busiest part of a meeting, the first at 0: (seconds, kind, nick, text)."""
    rows = []
    with open(path, encoding="utf-8") as table:
        next(table)
        for line in table:
            at, kind, sender, text = line.rstrip("\n").split("\t", 3)
            if kind in ("say", "action"):
                rows.append((float(at), kind, sender, text))
    best, first, load = (0, 0, 0), 0, 0
    for last, row in enumerate(rows):
        load += len(row[3])
        while row[0] - rows[first][0] > seconds:
            load -= len(rows[first][3])
            first += 1
        best = max(best, (load, first, last + 1), key=lambda it: it[0])
    part = rows[best[1]:best[2]]
    return [(at - part[0][0], kind, sender, text) for at, kind, sender, text in part]


def sic_line(kind, sender, text):
    text = f"\x01ACTION {text}\x01" if kind == "action" else text
    return f"{CHANNEL:<12}: 2024-01-22 10:00 <{sender}> {text}\n"


class Playing:
    """A program that speaks the log, and its recording."""

    def __init__(self, name, program):
        self.name = name
        self.sound = Sound("pulseaudio")
        folder = self.sound.folder
        self.log, self.said, config = (os.path.join(folder, it) for it in
                                       ("sic.out", "said", "config.toml"))
        open(self.log, "w").close()
        template, text = CONTENDERS[name]
        with open(config, "w") as out:
            out.write(text)
        self.command = template
        for word, value in (("PROGRAM", program), ("CONFIG", config), ("LOG", self.log),
                            ("SAID", self.said)):
            self.command = self.command.replace(word, value)

    def start(self):
        self.sound.__enter__()
        self.shell = subprocess.Popen(
            ["bash", "-c", self.command], env=self.sound.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def write(self, line):
        with open(self.log, "a", encoding="utf-8") as out:
            out.write(line)

    def end(self):
        """Waits until it has spoken everything, stops it, and returns when it was silent."""
        self.sound.until("silence", lambda: self.sound.quiet_for(DONE), BEHIND)
        loud = (at for at, _, loudest in reversed(self.sound.blocks) if loudest > LOUD)
        silent = next(loud, 0.0)
        try:
            os.killpg(self.shell.pid, 15)
        except ProcessLookupError:
            pass
        self.shell.wait(10)
        return silent

    def texts(self, said):
        """The texts that it spoke, in order."""
        if self.name == "pipeline":
            return said.splitlines()
        texts, senders = {}, {}
        for line in said.splitlines():
            event = json.loads(line)
            if event["event"] == "queued":
                texts[event["id"]] = event["text"]
            # A line that was merged into another utterance is spoken without its name.
            if event.get("fate") == "merged":
                name = f"{event['sender']}: "
                texts[event["id"]] = event["text"].removeprefix(name)
            elif event.get("fate") in ("dropped", "expired", "skipped", "failed"):
                texts.pop(event.get("id"), None)
        return list(texts.values())

    def rates(self, said):
        """Share of the speaking time above 1.3 and 1.6 times 220, and the outcomes of the lines."""
        if self.name == "pipeline":
            return {}
        events = [json.loads(line) for line in said.splitlines()]
        rows = [(it["rate"], it["sound_ms"]) for it in events if it.get("fate") == "spoken"]
        total = max(1, sum(ms for _, ms in rows))
        share = lambda bound: round(sum(ms for rate, ms in rows if rate > bound) / total, 3)
        fates = collections.Counter(it["fate"] for it in events if it.get("fate"))
        return {"above_286": share(286), "above_352": share(352), "fates": dict(fates)}


def recording(sound):
    """The recording, as the bytes of a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(SINK_RATE)
        for _, samples, _ in sound.blocks:
            wav.writeframes(samples.tobytes())
    return out.getvalue()


def play(messages, names, program):
    """Plays the messages to all contenders at once; for each, the recording and the spoken text."""
    playing = [Playing(name, program) for name in names]
    results = []
    try:
        for it in playing:
            it.start()
        time.sleep(2)  # they follow the log
        start = time.monotonic()
        for at, kind, sender, text in messages:
            time.sleep(max(0.0, start + at - time.monotonic()))
            for it in playing:
                it.write(sic_line(kind, sender, text))
        last = time.monotonic()
        for it in playing:
            silent = it.end()
            with open(it.said, encoding="utf-8", errors="replace") as file:
                results.append((it, recording(it.sound), file.read(), silent - last))
    finally:
        for it in playing:
            it.sound.__exit__()
    return results


def live(options, ear):
    for path in options.live:
        messages = busiest(path, options.minutes * 60)
        meeting = os.path.basename(path).removesuffix(".tsv")
        texts = [text for _, _, _, text in messages]
        table = Table(options.json, f"{meeting}: {len(messages)} lines in {messages[-1][0]:.0f} s, "
                      f"{sum(len(ear.words(text)) for text in texts)} words")
        wers = {}
        for it, wav, said, after in play(messages, options.only.split(","), options.program):
            with tempfile.NamedTemporaryFile(suffix=".wav") as file:
                file.write(wav)
                file.flush()
                sound = ear.read(file.name)
            heard = ear.words(ear.text(sound))
            want = [word for text in it.texts(said) for word in ear.words(text)]
            plain = [word for text in texts for word in ear.words(text)]
            wers[it.name] = ear.errors(want, heard) / max(1, len(want))
            if options.keep:
                name = f"{meeting}-{it.name.replace(' ', '-')}"
                with open(os.path.join(options.keep, name + ".wav"), "wb") as out:
                    out.write(wav)
                with open(os.path.join(options.keep, name + ".txt"), "w") as out:
                    out.write("\n".join([" ".join(want), " ".join(heard), said]))
            table.row(it.name, wer=round(wers[it.name], 4), words=len(want), heard=len(heard),
                      lines=round(ear.errors(plain, heard) / max(1, len(plain)), 4),
                      silent_after_s=round(after, 1), **it.rates(said))
        if pipeline := wers.pop("pipeline", None):
            for name, wer in wers.items():
                over = (wer - pipeline) * 100
                table.verdict(f"{name}: at most {LIVE_BOUND} points above the pipeline: {over:+.1f}",
                              over <= LIVE_BOUND)


def demo(options, ear):
    """What scripts/demo.sh speaks where there is no sound device."""
    table = Table(options.json, "the speech of make demo")
    log = os.path.join(PROJECT, "demo", "meeting.log")
    spoken, _, sound = into_file(options.program, ear, "",
                                 ["tail", "--no-follow", "-n", "100", log])
    said = [word for it in spoken for word in ear.words(it["text"])]
    heard = ear.words(ear.text(sound))
    n_kept = len(said) - n_missed(ear, said, heard)
    share = n_kept / max(1, len(said))
    table.row("demo", share=round(share, 4), wer=round(ear.errors(said, heard) / len(said), 4),
              words=len(said), heard=len(heard), rates=sorted({it["rate"] for it in spoken}))
    table.verdict(f"at least {DEMO_BOUND:.0%} of the words recognised", share >= DEMO_BOUND)


def n_missed(ear, said, heard):
    """Spoken words that were not recognised: errors without insertions."""
    # At least as many words were inserted as the one is longer than the other.
    return min(len(said), max(0, ear.errors(said, heard) - max(0, len(heard) - len(said))))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="?", const=VARIANTS, metavar="NAME,...")
    parser.add_argument("--pitches", nargs="?", const=PITCHES, metavar="N,...")
    parser.add_argument("--voices", default="plain", metavar="NAME,...", help="for --pitches")
    parser.add_argument("--rates", nargs="?", const=RATES, metavar="N,...")
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--live", nargs="+", metavar="LOG")
    parser.add_argument("--minutes", type=float, default=2, help="of each meeting (2)")
    parser.add_argument("--only", default=",".join(CONTENDERS), help="contenders of --live")
    parser.add_argument("--keep", metavar="FOLDER", help="where recordings of --live are kept")
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--lines", action="append", metavar="FILE",
                        help="what is spoken (chat60.txt beside the recogniser); more than once")
    parser.add_argument("--limit", type=int, help="only so many lines")
    parser.add_argument("--rate", type=int, default=220, help="words a minute (220)")
    parser.add_argument("--program", default="target/release/irc-speak")
    parser.add_argument("--threads", type=int, default=1, help="of the recogniser (1)")
    parser.add_argument("--json", action="store_true", help="a JSON object a row")
    options = parser.parse_args()
    if not any((options.variants, options.pitches, options.rates, options.own, options.live,
                options.demo)):
        options.own = options.demo = True
    for name in options.only.split(","):
        if name not in CONTENDERS:
            parser.error(f"no contender {name!r}; known are {', '.join(CONTENDERS)}")
    recogniser_python()
    options.program = os.path.abspath(options.program)
    if not os.access(options.program, os.X_OK):
        sys.exit(f"understood: {options.program} is not built")
    lines = []
    for path in options.lines or [os.path.join(TOOLS, "chat60.txt")]:
        with open(path, encoding="utf-8") as file:
            lines += [line.strip() for line in file if line.strip()]
    lines = lines[:options.limit]
    ear = Ear(options.threads)
    for chosen, work in ((options.variants, variants), (options.pitches, pitches),
                         (options.rates, rates), (options.own, own)):
        if chosen:
            work(options, ear, lines)
    if options.demo:
        demo(options, ear)
    if options.live:
        live(options, ear)


if __name__ == "__main__":
    main()
