#!/bin/sh
# Install the Debian packages that are missing: `sh samples/packages.sh build` for building
# labeld, `... test` for its tests as well, `... bench` for measuring too. Says which, asks nothing; as root or through sudo;
# without either it prints the one line to run and ends with 1.
set -eu

build="build-essential cmake ninja-build pkg-config libxml2-dev libmagic-dev
libdeflate-dev zlib1g-dev libfyaml-dev libjansson-dev libmicrohttpd-dev libcurl4-openssl-dev
libsodium-dev libsqlite3-dev libutf8proc-dev libseccomp-dev libssl-dev curl openssl"
test="libcmocka-dev python3 age"
bench="ripgrep clamav python3-docx python3-openpyxl" # what labeld is measured beside

wanted=$build
case ${1:-build} in
test) wanted="$build $test" ;;
bench) wanted="$build $test $bench" ;;
esac

missing=
for package in $wanted; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
# Hyperscan and Vectorscan offer the same libhs.pc and exclude each other: either will do.
if ! pkg-config --exists libhs 2>/dev/null; then
    case $(dpkg --print-architecture) in
    amd64 | i386) missing="$missing libhyperscan-dev" ;;
    *) missing="$missing libvectorscan-dev" ;;
    esac
fi
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null 2>&1; then
    sudo=sudo
else
    echo "These Debian packages are missing; as root, run:" >&2
    echo "  apt-get update && $install" >&2
    exit 1
fi
echo "Installing Debian packages:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq >&2
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
