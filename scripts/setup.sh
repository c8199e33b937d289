#!/bin/sh
# Installs missing system packages: setup.sh build|test|bench
# Debian and Ubuntu only; elsewhere it names the packages and stops. If nothing is missing, it does
# not use the network.
set -eu

build="gcc make pkg-config libespeak-ng-dev espeak-ng-data libasound2-dev libspeechd-dev libclang-dev"
tests="$build ngircd sic ii irssi weechat-headless pulseaudio pulseaudio-utils openssl dbus playerctl tmux dash perl-base
    util-linux"
# With a recogniser beside the project, the tests check the spoken words.
[ ! -e "$(dirname "$0")/../../shared/tools/asr/setup.sh" ] || tests="$tests python3 python3-venv"
bench="$tests python3 procps gawk espeak espeak-ng alsa-utils libasound2-plugins
    speech-dispatcher speech-dispatcher-espeak-ng pipewire wireplumber pipewire-pulse"

case ${1-} in
    build) wanted=$build ;;
    test) wanted=$tests ;;
    bench) wanted=$bench ;;
    *) echo "usage: setup.sh build|test|bench" >&2; exit 2 ;;
esac

say() { echo "setup: $*" >&2; }

if ! command -v cargo >/dev/null; then
    say "cargo is missing: install Rust 1.88 or later, https://rustup.rs"
    exit 1
fi

if ! command -v apt-get >/dev/null; then
    # Only apt knows which packages are installed; elsewhere, check for the programs themselves.
    there=yes
    command -v pkg-config >/dev/null && pkg-config --exists espeak-ng || there=no
    if [ "$1" != build ]; then
        for program in ngircd sic ii irssi weechat-headless pulseaudio parec openssl dbus-daemon dbus-send playerctl tmux \
            dash perl setpriv; do
            command -v $program >/dev/null || there=no
        done
    fi
    [ $there = no ] || exit 0
    if command -v dnf >/dev/null; then
        say "install these, then run make again: sudo dnf install gcc make pkgconf-pkg-config" \
            "espeak-ng-devel alsa-lib-devel speech-dispatcher-devel clang-devel"
    elif command -v pacman >/dev/null; then
        say "install these, then run make again: sudo pacman -S gcc make pkgconf" \
            "espeak-ng alsa-lib speech-dispatcher clang"
    elif command -v brew >/dev/null; then
        say "install these, then run make again: brew install pkg-config espeak-ng"
    else
        say "install the development files of eSpeak NG, ALSA, Speech Dispatcher and libclang," \
            "and gcc, make and pkg-config, then run make again"
    fi
    # shellcheck disable=SC2086 # a list of package names
    [ "$1" = build ] || say "and these, whose names here are Debian's:" ${wanted#"$build"}
    exit 1
fi

missing=
for package in $wanted; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        say "run as root: apt-get install$missing"
        exit 1
    fi
    root=sudo
fi

# Keep ngircd and Speech Dispatcher from starting as system services; the tests start their own.
policy=/usr/sbin/policy-rc.d
if [ "$1" != build ] && [ ! -e $policy ]; then
    trap '$root rm -f $policy' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null
    $root chmod 755 $policy
fi

say "installing$missing"
apt() {
    # shellcheck disable=SC2086 # $root is empty or one word
    $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null >&2
}
apt update || say "the package lists could not be refreshed; trying with those that are there"
# shellcheck disable=SC2086 # a list of package names
apt install --no-install-recommends $missing
