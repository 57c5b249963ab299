#!/bin/sh
# The one command for all tests: installs what they need, builds with AddressSanitizer and
# UndefinedBehaviorSanitizer, runs everything through ctest, ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
sh samples/packages.sh test || exit 1

jobs=$(nproc)
cmake --preset debug >/dev/null && cmake --build --preset debug -j "$jobs" || exit 1
# What only holds without sanitizers (memory limits, linked libraries) is tested on a release.
cmake --preset release >/dev/null &&
    cmake --build --preset release -j "$jobs" -t labeld labelctl labeld-parse forbidden_test parser_test || exit 1

log=$(mktemp)
trap 'rm -f "$log"' EXIT INT TERM
failed=0
for preset in debug release; do
    set --
    [ $preset = release ] && set -- -L release
    ctest --test-dir "build/$preset" -j "$jobs" --timeout 600 --output-on-failure "$@" |
        tee -a "$log"
done
passed=$(grep -c '^ *[0-9]*/[0-9]* Test .* Passed ' "$log")
failed=$(grep -c -E '^ *[0-9]*/[0-9]* Test .*(\*\*\*|Failed|Timeout|Exception|Not Run)' "$log")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
