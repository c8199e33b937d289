#!/usr/bin/env bash
# Lines a second through the text half: irc-speak --text beside grep and awk, on generated sic logs.
#
# usage: text.sh [LINES [PROGRAM]]        (1000000, target/release/irc-speak)
# Each runs seven times, in turn; the best time counts. Then the lines that both would speak are
# compared.
set -eu
cd "$(dirname "$0")/.."
lines=${1:-1000000}
runs=7
program=$(realpath "${2:-target/release/irc-speak}")
[ -x "$program" ] || { echo "text.sh: ${2:-target/release/irc-speak} is not built" >&2; exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Ignore the user's configuration.
export HOME=$folder XDG_CONFIG_HOME=$folder LC_ALL=C.UTF-8
log=$folder/sic.out

# 8 of 10 lines are messages, 1 of 20 contains a protocol word; channel names are of any length.
awk -v n="$lines" 'BEGIN {
    srand(1)
    split("mira tobias ada kim xena jo_ann [erik] hal9000", nick, " ")
    split("#tea #lxc #rust-lang #ubuntu-devel #kernel-newbies #release-engineering", channel, " ")
    split("the build of the nightly image is green again after the third try|ok|could you look" \
          " at my branch before lunch?|see https://example.org/bugs/4711 for what was tried so far" \
          "|I think that we should wait until Friday, when all of us are back|thanks, that helps" \
          "|five machines are out of disk space, and nobody knows why yet", text, "|")
    for (i = 0; i < n; i++) {
        who = nick[1 + int(rand() * 8)]; where = channel[1 + int(rand() * 6)]
        time = sprintf("2024-01-%02d %02d:%02d", 1 + i / 86400 % 28, i / 3600 % 24, i / 60 % 60)
        dice = rand()
        if (dice < 0.80) printf "%-12s: %s <%s> %s\n", where, time, who, text[1 + int(rand() * 7)]
        else if (dice < 0.85) printf "%-12s: %s <%s> please %s us, number %d\n",
            where, time, who, (i % 2 ? "JOIN" : "PART from"), i
        else if (dice < 0.87) printf "%-12s: %s <ubottu> bug %d is fixed\n", where, time, i
        else if (dice < 0.93) printf "%-12s: %s >< JOIN (): %s\n", who, time, where
        else if (dice < 0.97) printf "%-12s: %s >< QUIT (): gone\n", who, time
        else printf "%-12s: %s >< TOPIC (%s): topic %d\n", who, time, where, i
    }
}' >"$log"
bytes=$(stat -c %s "$log")
echo "$lines lines, $((bytes / 1000000)) MB, $(nproc) cores; best of $runs"

pipeline() {
    tail -n "$lines" "$log" |
        grep -E --line-buffered -v 'ChanServ|TOPIC|JOIN|PART|QUIT|ubottu' |
        awk '{ $1=""; $2=""; $3=""; print; fflush(); }'
}
followed() { "$program" tail --no-follow -n "$lines" --text --speaker always "$log"; }
piped() { "$program" --text --speaker always <"$log"; }

# time_of COMMAND: runs it into a pipe, as a voice would read it; sets $took, in nanoseconds
time_of() {
    local began
    began=$(date +%s%N)
    "$1" | cat >"$folder/$1"
    took=$(($(date +%s%N) - began))
}

# row NAME COMMAND TIME: prints a contender's best time
row() {
    awk -v name="$1" -v n="$lines" -v ns="$3" -v spoken="$(wc -l <"$folder/$2")" \
        'BEGIN { printf "  %-34s %6.2f s %10.0f lines/s  %d lines out\n",
                 name, ns / 1e9, n / (ns / 1e9), spoken }'
}

# In turn, so that a machine that is slower for some seconds is so for all three.
declare -A best
for ((run = 0; run < runs; run++)); do
    for contender in pipeline followed piped; do
        time_of "$contender"
        ((took >= ${best[$contender]:-took + 1})) || best[$contender]=$took
    done
done
row "grep --line-buffered | awk fflush" pipeline "${best[pipeline]}"
row "irc-speak tail --text" followed "${best[followed]}"
row "irc-speak --text < log" piped "${best[piped]}"
reference=${best[pipeline]}
ours=$((best[followed] > best[piped] ? best[followed] : best[piped]))
awk -v reference="$reference" -v ours="$ours" 'BEGIN {
    times = reference / ours
    printf "  %s  the slower of both is %.2f times as fast as the pipeline; required: 2, goal: 4\n",
        (times >= 2 ? "pass" : "FAIL"), times
}'

# The text that each speaks, without time and nick: irc-speak formats the nick differently.
sed -E 's/^ *([0-9]{2}:[0-9]{2} )?<[^>]+> ?//' "$folder/pipeline" >"$folder/a"
sed -E 's/^[^:]*: //' "$folder/followed" >"$folder/b"
count() { grep -cE "$1" "$2" || true; }
echo
cmp -s "$folder/followed" "$folder/piped" ||
    echo "  FAIL  the followed and the piped log are not spoken alike"
echo "  $(count '^ *[0-9]{2}:[0-9]{2} ' "$folder/pipeline") lines are spoken by the pipeline with" \
    "the time in front: sic pads short channels, and awk blanks one field too few"
echo "  $(count 'please (JOIN|PART)' "$log") lines somebody said hold JOIN or PART: the pipeline" \
    "speaks $(count 'please (JOIN|PART)' "$folder/pipeline") of them, irc-speak" \
    "$(count 'please (JOIN|PART)' "$folder/followed")"
echo "  all other differences, how often (<: the pipeline says, >: irc-speak says):"
grep -vE 'please (JOIN|PART)' "$folder/b" >"$folder/c" || true
diff --speed-large-files "$folder/a" "$folder/c" | grep '^[<>]' | sort | uniq -c | sort -rn |
    head -n 12 || true
