#!/bin/sh
# What the server answers, request by request, on a tiny model; then hostile requests. Speaks TAP.
# usage: test_conformance.sh QUERN MKMODEL WIRE SOURCE-ROOT
set -u
quern=$1 mkmodel=$2 wire=$3 root=$4
cases=$root/tests/conformance
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
# shellcheck source=tests/support/serve.sh
. "$root/tests/support/serve.sh"
number=0

# The lines of one run, with numbers that go on from the last.
renumber() {
    awk -v number="$number" '
        /^(not )?ok / { sub(/ok [0-9]+/, "ok " ++number) }
        !/^1\.\./ { print }
        END { print number > "/dev/stderr" }' 2>"$work/number"
    number=$(cat "$work/number")
}

report() { # report STATUS NAME
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        tail -n 20 "$work/out" "$work/log" | cut -c 1-300 | sed 's/^/# /'
    fi
}

"$mkmodel" tiny "$work/tiny.gguf" --head
start_server "$quern" "$work/tiny.gguf" "$work/log"
"$wire" cases "$address" "$cases"/openai.txt "$cases"/ollama.txt "$cases"/tei.txt "$cases"/llama.txt "$cases"/http.txt \
    >"$work/out"
renumber <"$work/out"

"$wire" hostile "$address" --count 2000 >"$work/out" 2>&1
report $? "2,000 hostile requests are refused, and the server stands"

"$wire" load "$address" --clients 16 --seconds 2 --texts 2 --faults 20 --retry 5 >"$work/out" 2>&1
report $? "16 clients, good and faulty ones, get their own vectors"

stop_server
report $? "The server ends well"

printf 'key-one\nkey-two\n' >"$work/keys"
chmod 600 "$work/keys"
start_server "$quern" "$work/tiny.gguf" "$work/log" --api-key-file "$work/keys" --cors-origin https://app.example \
    --max-body 10000 --strict-model
"$wire" cases "$address" "$cases"/keys.txt >"$work/out"
renumber <"$work/out"
stop_server
report $? "The server with keys ends well"
server=
echo "1..$number"
