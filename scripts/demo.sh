#!/bin/sh
# Speaks the sample meeting on the default sound device, or into a WAV file if there is none.
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
    echo "No sound device was found." >&2
fi

echo "Writing the speech to a WAV file instead." >&2
"$program" tail --no-follow -n 100 demo/meeting.log --output "$wav"
echo "$wav"
