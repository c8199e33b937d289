#!/usr/bin/python3
"""How much speech is hurried: every meeting of a folder through `irc-speak simulate`.

    meetings.py FOLDER [--program PATH] [OPTION ...]

FOLDER holds tables of seconds, kind, sender and text, as `irc-speak simulate` reads them; OPTIONs are
passed to the program (--max-lag 15s, --max-rate 450, --measure). Prints, for the program and for
the optimum (all arrivals known): the share of the speaking time above 1.3 and 1.6 times the base rate,
its mean over the meetings in which the highest rate meets the lag target; lines and meetings later than
the target; the worst lag as a multiple of it; rate changes a minute. Then the meetings in which the
base rate alone meets the target, and the share of their time above 1.3 times.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys


def simulated(program, options, path):
    command = [program, "simulate", "--json", *options, str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"meetings.py: {done.stderr.strip()}")
    return json.loads(done.stdout)


def row(name, figures, lag):
    late = [f["lag_s"].get("late_share", 0.0) * f["n"] for f in figures]
    n_lines = sum(f["n"] for f in figures)
    mean = lambda key: statistics.mean(f["rate"][key] for f in figures)
    print(f"{name:10} {mean('share_above_1_3') * 100:6.1f}% {mean('share_above_1_6') * 100:6.1f}% "
          f"{round(sum(late)):6} ({sum(late) / n_lines * 100:.3f}%) "
          f"{sum(share > 0 for share in late):4} of {len(figures)} "
          f"{max(f['lag_s']['max'] for f in figures) / lag:6.2f} {mean('changes_per_minute'):8.2f} "
          f"{max(f['rate']['changes_per_minute'] for f in figures):6.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default="target/release/irc-speak")
    args, options = parser.parse_known_args()
    paths = sorted(args.folder.glob("*.tsv"))
    if not paths:
        sys.exit(f"meetings.py: no .tsv file in {args.folder}")
    reports = {path.name: simulated(args.program, options, path) for path in paths}
    for report in reports.values():
        report["n"] = report["fates"]["spoken"]
    feasible = {name: report for name, report in reports.items() if report["feasible"]}
    lag = next(iter(reports.values()))["max_lag_s"]
    print(f"{len(reports)} meetings, lag {lag:g} s; the highest rate keeps it in {len(feasible)}")
    print(f"{'':10} {'> 1.3':>7} {'> 1.6':>7} {'late lines':>16} {'meetings':>10} {'worst':>6} {'changes':>8} {'most':>6}")
    row("irc-speak", list(feasible.values()), lag)
    for policy in ("optimum", "max_rate", "fixed"):
        figures = [report["policies"].get(policy) for report in feasible.values()]
        if all(figures):
            row(policy, [dict(f, n=report["n"]) for f, report in zip(figures, feasible.values())], lag)
    base = [report for report in feasible.values() if report["policies"]["fixed"]["lag_s"]["max"] <= lag]
    above = max((report["rate"]["share_above_1_3"] for report in base), default=0.0)
    print(f"the base rate keeps it in {len(base)}; their time above 1.3: at most {above * 100:.1f}%")
    for name, report in feasible.items():
        if report["lag_s"]["max"] > lag:
            print(f"late: {name}, {report['lag_s']['max']:.1f} s; at the highest rate "
                  f"{report['policies']['max_rate']['lag_s']['max']:.1f} s")


if __name__ == "__main__":
    main()
