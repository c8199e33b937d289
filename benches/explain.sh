#!/usr/bin/env bash
# Lines a second and memory of irc-speak explain, on a generated sic log.
#
# usage: explain.sh [MEGABYTES [PROGRAM]]        (100, target/release/irc-speak)
set -eu
cd "$(dirname "$0")/.."
megabytes=${1:-100}
program=$(realpath "${2:-target/release/irc-speak}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Ignore the user's configuration.
export HOME=$folder XDG_CONFIG_HOME=$folder LC_ALL=C.UTF-8
log=$folder/sic.out

awk -v bytes="$((megabytes * 1000000))" 'BEGIN {
    srand(1)
    split("mira tobias ada kim xena jo_ann [erik] hal9000", nick, " ")
    for (i = 0; n < bytes; i++) {
        who = nick[1 + int(rand() * 8)]
        time = sprintf("2024-01-%02d %02d:%02d", 1 + i / 86400 % 28, i / 3600 % 24, i / 60 % 60)
        if (rand() < 0.85) line = sprintf("%-12s: %s <%s> %s %d, see https://example.org/bugs/%d",
            "#rust-lang", time, who, "the build of the nightly image is green again, try", i, i)
        else line = sprintf("%-12s: %s >< JOIN (): %s", who, time, "#rust-lang")
        n += length(line) + 1
        print line
    }
}' >"$log"
n=$(wc -l <"$log")
echo "$n lines, $(($(stat -c %s "$log") / 1000000)) MB, $(nproc) cores"
measure() {
    /usr/bin/python3 - "$n" "$program" explain -q "$@" "$log" <<'EOF'
import resource, subprocess, sys, time
n, *command = sys.argv[1:]
began = time.monotonic()
subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
took = time.monotonic() - began
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
options = " ".join(command[3:-1]) or "rows"
print(f"  {options:8} {took:6.2f} s  {int(n) / took:10.0f} lines/s  {peak:5.1f} MB at the most")
EOF
}
measure --json
measure
