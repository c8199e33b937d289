#!/bin/sh
# Speaks the sample meeting through the default sound device; where there is none, into a WAV file.
set -eu
cd "$(dirname "$0")/.."
program=${1:-target/release/irc-speak}
wav=$PWD/target/meeting.wav

if [ -n "$("$program" devices 2>/dev/null || true)" ]; then
    echo "Speaking demo/meeting.log; Ctrl-C stops it." >&2
    status=0
    "$program" tail --no-follow -n 100 demo/meeting.log || status=$?
    case $status in
        0 | 130) exit $status ;;
        *) echo "The sound device could not be used." >&2 ;;
    esac
else
    echo "There is no sound device here." >&2
fi

echo "The speech goes into a WAV file instead." >&2
"$program" tail --no-follow -n 100 demo/meeting.log --output "$wav"
echo "$wav"
