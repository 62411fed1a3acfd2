#!/bin/sh
# Runs a server under hostile requests, under 64 clients that also send faulty requests, with models that take turns in
# memory, and kills it by kill -9. The server must not crash, every vector must be right, and anonymous memory must not
# grow.
# usage: soak.sh BUILD-DIRECTORY [SECONDS]
set -eu
export ASAN_OPTIONS="quarantine_size_mb=8:${ASAN_OPTIONS:-}" # small, so freed memory is really given back
build=$1
seconds=${2:-60}
root=$(dirname "$0")/..
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT
# shellcheck source=tests/support/serve.sh
. "$root/tests/support/serve.sh"
wire=$build/tests/wire/wire

failed() {
    echo "soak: $*" >&2
    tail -n 30 "$work"/*.log >&2
    exit 1
}

load() { # load SECONDS OPTION...
    time_=$1
    shift
    "$wire" load "$address" --clients 64 --seconds "$time_" --texts 3 --retry 60 "$@"
}

anonymous_kb() {
    awk '/^(RssAnon|VmSwap):/ { sum += $2 } END { print sum }' "/proc/$server/status"
}

"$build/tools/mkmodel" tiny "$work/tiny.gguf" --head
# What a sanitizer keeps of freed memory, some 256 MB, would hide what the server keeps. One that looks for leaks at the
# end needs system calls that the sandbox refuses, so it looks only at servers without the sandbox.
keeps_little=quarantine_size_mb=8
export ASAN_OPTIONS="$keeps_little:detect_leaks=0"
start_server "$build/quern" "$work/tiny.gguf" "$work/first.log"

echo "== 10,000 hostile requests"
"$wire" hostile "$address" --count 10000 || failed "a hostile request was answered wrongly"

echo "== 64 clients, a fifth of their requests faulty"
load $((seconds / 4 + 5)) --faults 20 --pid "$server" || failed "a client got something wrong"
before=$(anonymous_kb)
load "$seconds" --faults 20 --seed 2 --pid "$server" || failed "a client got something wrong"
after=$(anonymous_kb)
[ "$after" -le $((before + before / 10 + 4096)) ] || failed "anonymous memory grew from $before to $after kB"

stop_server || failed "the server did not end well"

echo "== clients of two models that do not fit into memory together"
"$build/tools/mkmodel" wide "$work/wide.gguf"
"$build/tools/mkmodel" wide "$work/broad.gguf" --seed 2
ASAN_OPTIONS=$keeps_little
start_server "$build/quern" "$work/wide.gguf" "$work/several.log" --no-sandbox -m "$work/broad.gguf" --models-memory 3M \
    --unload-after 0.1
for round in 1 2; do
    before=$after
    load $((seconds / 4 + 5)) --faults 20 --model wide &
    clients=$!
    load $((seconds / 4 + 5)) --faults 20 --model broad || failed "a client of the second model got something wrong"
    wait "$clients" || failed "a client of the first model got something wrong"
    after=$(anonymous_kb)
done
[ "$after" -le $((before + before / 10 + 4096)) ] || failed "anonymous memory grew from $before to $after kB"
grep -q 'broad: freed' "$work/several.log" || failed "no model was freed"
stop_server || failed "the server did not end well"
ASAN_OPTIONS=$keeps_little:detect_leaks=0
start_server "$build/quern" "$work/tiny.gguf" "$work/first.log"

echo "== kill -9 and a restart, while clients try again"
load 15 --faults 10 >"$work/load" 2>&1 &
clients=$!
sleep 6
kill -9 "$server"
wait "$server" || true
ASAN_OPTIONS=$keeps_little
port=${address##*:}
start_server "$build/quern" "$work/tiny.gguf" "$work/second.log" --no-sandbox
wait "$clients" || { cat "$work/load"; failed "a client failed because of the restart"; }
cat "$work/load"

echo "== the end, under load"
load 6 >"$work/load" 2>&1 &
clients=$!
sleep 4
stop_server || failed "the server did not end well"
server=
kill "$clients" 2>/dev/null || true
wait "$clients" || true
grep -E 'Sanitizer|runtime error' "$work"/*.log && failed "a sanitizer complained"
echo "the server passed"
