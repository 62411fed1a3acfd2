#!/bin/sh
# The tests that take long. usage: FUZZ_SECONDS=N tools/check-long.sh BUILD-DIRECTORY
set -eu
build=$1
seconds=${FUZZ_SECONDS:-600}

echo "== all tests with the thread sanitizer"
tools/sanitized.sh "$build-tsan" thread
meson test -C "$build-tsan" --no-rebuild --print-errorlogs

echo "== tiny models under valgrind"
sh tests/check_valgrind.sh "$build/quern" "$build/tools/mkmodel"

echo "== kernels and golden vectors with the tables for Arm, under qemu"
sh tests/check_arm.sh . whole

echo "== 200,000 mutated model files, with address and undefined-behaviour sanitizers"
tools/sanitized.sh "$build-asan" address,undefined
"$build-asan/tests/mutate" 200000

echo "== the server for some minutes, with the address and with the thread sanitizer"
sh tests/soak.sh "$build-asan" 120
sh tests/soak.sh "$build-tsan" 120

echo "== the server's clients from npm, and a browser"
tests/clients/run "$build" || [ $? = 77 ]
echo "== downloads that are killed 300 times"
sh tests/test_cli_pull.sh "$build/quern" "$build/tools/mkmodel" "$build/tests/hub" 300 >"$build/pull.tap"
if grep -A 8 '^not ok' "$build/pull.tap" || ! grep -q '^1\.\.' "$build/pull.tap"; then
    exit 1
fi

echo "== fuzzing, $seconds seconds for each target"
tools/sanitized.sh "$build-fuzz" address,undefined -Dfuzz=true
for target in "$build-fuzz"/fuzz/fuzz_*; do
    if [ ! -f "$target" ] || [ ! -x "$target" ]; then
        continue
    fi
    name=${target##*/fuzz_}
    mkdir -p "$build-fuzz/corpus/$name"
    "$target" -max_total_time="$seconds" -timeout=120 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$build-fuzz/$name-" "$build-fuzz/corpus/$name" "fuzz/corpus/$name"
done
