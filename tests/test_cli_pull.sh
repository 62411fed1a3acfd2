#!/bin/sh
# Downloads from a hub with faults. Speaks TAP. QUERN may be a script that runs quern for Windows under Wine: it starts
# more slowly, limits of Linux end Wine itself, and a terminal gets what Wine makes of a console.
# usage: test_cli_pull.sh QUERN MKMODEL HUB [KILLS [windows]]
set -u
export LC_ALL=C
quern=$1
mkmodel=$2
hub=$3
kills=${4:-12}
windows=${5:-}
work=$(mktemp -d)
unset QUERN_MODEL XDG_CACHE_HOME HF_TOKEN HF_ENDPOINT http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy
export HOME="$work/home ü"
mkdir "$HOME"
# shellcheck source=tests/support/tap.sh
. "$(dirname "$0")/support/tap.sh"
tests=0

"$mkmodel" tiny "$work/tiny.gguf" --head || exit 1
{ printf GGUF && head -c 3999996 /dev/urandom; } >"$work/content"
digest=$(sha256sum "$work/content" | cut -d ' ' -f 1)

# Starts a hub that serves a file and logs; sets hub_port and store_port. It ends when the descriptor is closed.
start_hub() { # start_hub FILE LOG DESCRIPTOR
    rm -f "$work/life" "$work/ports" # an earlier hub may still have the old ones open
    mkfifo "$work/life" "$work/ports"
    "$hub" "$1" "$2" <"$work/life" >"$work/ports" 8>&- 9>&- &
    eval "exec $3>'$work/life'"
    read -r hub_port store_port <"$work/ports"
    export QUERN_HUB_URL="http://127.0.0.1:$hub_port"
}
trap 'exec 8>&- 9>&-; rm -rf "$work"' EXIT

begin() { # starts a test with an empty cache and log, and with its own names
    tests=$((tests + 1))
    cache=$HOME/.cache/quern
    rm -rf "$cache"
    : >"$work/log"
}

run() { # run ARGUMENT...
    "$quern" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

pull() { # pull FAULT [OPTION...]
    fault=$1
    shift
    run pull "hf:test$tests/$fault/model.gguf" "$@"
}

complete() { # whether the pull succeeded: the cache has the file and its record, and nothing else
    [ "$status" = 0 ] && cmp -s "$work/content" "$cache/model.gguf" &&
        [ "$(cd "$cache" && echo *)" = 'model.gguf model.gguf.json' ]
}

refused() { # refused TEXT: whether it failed with this message, and there is no model
    [ "$status" = 1 ] && grep -qF -- "$1" "$work/err" && [ ! -e "$cache/model.gguf" ]
}

nothing_left() { # whether the cache is empty
    [ -z "$(ls "$cache")" ]
}

misuse() { # misuse TEXT
    [ "$status" = 2 ] && grep -qF -- "$1" "$work/err" && [ ! -s "$work/log" ]
}

requests() { # requests N: to the store
    [ "$(grep -c '^store ' "$work/log")" = "$1" ]
}

says() {
    grep -qF -- "$1" "$work/err"
}

side=$work/side
mkdir "$side"
start_hub "$work/content" "$side/log" 8
if ! "$quern" pull hf:test0/direct/model.gguf >/dev/null 2>"$work/err" && grep -q 'without libcurl' "$work/err"; then
    echo "1..0 # SKIP built without libcurl"
    exit 0
fi

# ------------------------------------------------------------------ one pull for each fault, side by side
# Most of them wait for something, so they all run at once, beside the other tests, with a hub for them all and a cache
# for each. The fault is the name of the repository, so it tells the requests of one from those of others. The checks are
# near the end.
sides=

beside() { # beside FAULT COMMAND...: runs it in the background
    fault=$1
    shift
    mkdir -p "$side/$fault"
    (
        export HOME="$side/$fault"
        "$@" >"$side/$fault/out" 2>"$side/$fault/err" </dev/null
        echo $? >"$side/$fault/status"
    ) &
    sides="$sides $!"
}

start() { # start FAULT [OPTION...]: a pull in the background
    fault=$1
    shift
    beside "$fault" timeout 60 "$quern" pull "hf:side/$fault/model.gguf" "$@"
}

with_progress() { # with_progress FAULT
    script -qec "'$quern' pull hf:side/$1/model.gguf >/dev/null" /dev/null
}

await_store() { # await_store FAULT LOG: until the store was asked, at most 60 s
    tries=0
    while [ $tries -lt 1200 ] && ! grep -q "^store /[^/]*/$1/" "$2"; do
        sleep 0.05
        tries=$((tries + 1))
    done
}

pull_twice() { # pull_twice FAULT: two at once; the exit code of the first is written to the file `first`
    "$quern" pull "hf:side/$1/model.gguf" >/dev/null 2>&1 &
    await_store "$1" "$side/log"
    "$quern" pull "hf:side/$1/model.gguf"
    code=$?
    wait $!
    echo $? >"$side/$1/first"
    return $code
}

kill_often() { # kill_often FAULT: kills pulls at random times; fails when one left an incomplete file with the name
    model=$HOME/.cache/quern/model.gguf
    round=0
    while [ $round -lt "$kills" ]; do
        round=$((round + 1))
        "$quern" pull "hf:side/$1/model.gguf" &
        victim=$!
        sleep "$(awk -v seed="$$$round" -v most="${windows:+3}" 'BEGIN { srand(seed); print rand() * (most + 0.5) }')"
        kill -9 $victim
        wait $victim
        if [ -e "$model" ]; then
            cmp "$work/content" "$model" || return 1
            [ $round = "$kills" ] || "$quern" models rm model.gguf
        fi
    done
}

ended() { # ended FAULT: the checks that follow look at this pull, and at its requests
    status=$(cat "$side/$1/status")
    cache=$side/$1/.cache/quern
    cp "$side/$1/out" "$work/out"
    cp "$side/$1/err" "$work/err"
    grep -F "/side/$1/" "$side/log" >"$work/log"
}

gives_up() { # gives_up FAULT REQUESTS REASON: the pull failed after so many requests, and one line says why
    ended "$1"
    check "$1: the reason" refused "$3"
    check "$1: it is in one line" [ "$(grep -c '^quern: cannot download' "$work/err")" -eq 1 ]
    check "$1: $2 requests" [ "$(wc -l <"$work/log")" -eq "$2" ]
}

for fault in break-1500000 unavailable corrupt once-corrupt-break-2000000 corrupt-break-2000000 wrong-digest no-digest \
    wrong-size no-size short long chunked loop nowhere far downgrade to-file long-redirect endless-error garbage empty \
    page json pointer continues fields long-field bad-range other-range created gone later status-401 status-403 \
    status-404 status-410 status-418; do
    start $fault
done
start stall-1000000 --stall 2
start trickle --retries 1 --stall 3 # 3 s, so that on a busy machine no other answer counts as stalled
start slow-head --retries 1 --stall 3
start waits --wait 3
for fault in status-429 status-500 status-503 no-wait no-range-break-3000000 long-break-2000000 closes to-nobody; do
    start $fault --retries 1
done
for fault in changing-break-3000000 bad-range-break-3000000 unsatisfied-break-3000000; do
    start $fault --retries 2
done
if [ -z "$windows" ] && ! lacks script; then
    beside slow-progress with_progress slow-progress
fi
beside no-hub env QUERN_HUB_URL=http://127.0.0.1:1 "$quern" pull hf:side/no-hub/model.gguf
beside once-corrupt-slow pull_twice once-corrupt-slow
beside slow-kill kill_often slow-kill
start_hub "$work/content" "$work/log" 9

# ------------------------------------------------------------------ downloads without faults
begin
pull plain
check "a download" complete
check "prints the path" [ "$(cat "$work/out")" = "$cache/model.gguf" ]
check "says nothing of terms that are not known" [ "$(grep -c -i terms "$work/err")" -eq 0 ]
: >"$work/log"
pull plain
check "a file that is there is not downloaded again" complete
check "and the server is not asked" [ ! -s "$work/log" ]
rm "$cache/model.gguf.json"
pull plain
check "a file of unknown origin does not count as the hub's file" [ "$status" = 1 ]
check "the message says how to replace it" says "quern models rm model.gguf"
pull plain --sha256 "$digest"
check "a file of unknown origin with the same digest counts" [ "$status" = 0 ]
pull plain --sha256 "$(printf '%064d' 5)"
check "a file with another digest does not count" [ "$status" = 1 ]
begin
pull plain --json
check "JSON that other programs can read" python3 -m json.tool "$work/out"
check "with the origin" grep -qF "\"origin\": \"hf:test$tests/plain/model.gguf\", \"sha256\": \"$digest\", \"size\": 4000000}" \
    "$work/out"
begin
pull direct
check "a hub that does not redirect" complete
begin
pull relative
check "a relative redirect" complete
begin
run pull "http://127.0.0.1:$store_port/test/plain/model.gguf?download=true" --sha256 "$digest"
check "a URL with its digest" complete
begin
run pull "http://127.0.0.1:$store_port/test/plain/model.gguf" --sha256 "$(printf '%064d' 5)"
check "a URL with another digest" refused "the file is removed"
check "a URL with another digest leaves no file" nothing_left

# ------------------------------------------------------------------ several pulls
begin
pull break-300000 --retries 1
check "a connection that breaks too often is given up" refused "(1 of 1)"
check "the part that arrived is kept" [ "$(wc -c <"$cache/model.gguf.part")" -eq 600000 ]
run models
check "and models lists it" grep -qF "not finished: 600000 of 4000000 bytes" "$work/out"
pull break-300000 --retries 1
check "the next run continues it" [ "$(wc -c <"$cache/model.gguf.part")" -eq 1200000 ]
check "and says so" says "continuing after 0.6 of 4.0 MB"
run pull "hf:test$tests/plain/model.gguf"
check "a part from another source is removed" complete
begin
pull break-1500000 --retries 1 --sha256 "$(printf '%064d' 5)"
check "a hub whose digest is not that of --sha256" refused "the hub has another file there"
check "is not asked for the file" requests 0
begin
pull no-digest --sha256 "$digest"
check "a hub without digest is enough with --sha256" complete
begin
run pull "http://127.0.0.1:$store_port/test/empty/model.gguf" --sha256 "$digest"
check "a file without bytes, of a size that nobody knows" refused "the server says that the file is empty"

# ------------------------------------------------------------------ the token
export HF_TOKEN=secret
begin
pull plain
check "a download with a token" complete
check "the hub gets the token" grep -q '^hub .*|Bearer secret$' "$work/log"
check "the server of the file does not get it" [ "$(grep -c '^store .*||*$' "$work/log")" -eq 1 ]
begin
run pull "http://127.0.0.1:$store_port/test/plain/model.gguf" --sha256 "$digest"
check "the server of a URL does not get it" [ "$(grep -c secret "$work/log")" -eq 0 ]
begin
pull relative
check "a redirect within the hub keeps the token" [ "$(grep -c '^hub .*secret' "$work/log")" -eq 2 ]
begin
pull status-401
check "a token that is refused" refused "does not accept the token"
begin
HF_TOKEN="two
lines"
pull plain
check "a token with characters that HTTP does not allow" misuse "HF_TOKEN"
unset HF_TOKEN

# ------------------------------------------------------------------ environment
begin
pull_env() { # pull_env FAULT VARIABLE=VALUE...: with this environment
    fault=$1
    shift
    env "$@" "$quern" pull "hf:test$tests/$fault/model.gguf" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
pull_env plain QUERN_HUB_URL= HF_ENDPOINT="$QUERN_HUB_URL/"
check "HF_ENDPOINT" complete
begin
pull_env direct http_proxy="$QUERN_HUB_URL" QUERN_HUB_URL=http://127.0.0.1:1
check "a proxy" complete
check "the proxy is asked" grep -q '^hub http://127.0.0.1:1/test' "$work/log"
begin
pull_env plain http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1
check "no_proxy" complete
begin
hub_was=$QUERN_HUB_URL
for url in http://example.com ftp://127.0.0.1 "$QUERN_HUB_URL@example.com" http://127.0.0.1.example.com; do
    QUERN_HUB_URL=$url
    run pull embeddinggemma
    check "the hub $url" misuse "the hub must be"
    check "its variables are named" misuse "'$url', as \$QUERN_HUB_URL or else \$HF_ENDPOINT has it"
done
QUERN_HUB_URL=$hub_was
for name in nothing "hf:a/b" "hf:a/b/c" "hf:a/../c.gguf" "hf:a//c.gguf" "hf:a/b/.gguf" "hf:a/b/c.gguf?x" "../x.gguf" \
    http://example.com/x.gguf https://user@example.com/x.gguf https://example.com/x.gguf; do
    run pull "$name"
    check "pull $name is misuse" misuse "quern pull --help"
done
run pull
check "pull of nothing" misuse "one model"
run pull a b
check "pull of two" misuse "one model"
run pull embeddinggemma --sha256 "$digest"
check "a published name with a digest" misuse "is known"
run pull hf:a/b/c.gguf --sha256 12
check "a digest of too few digits" misuse "64 hexadecimal digits"

# ------------------------------------------------------------------ the published models
begin
run pull embeddinggemma
check "a published model of another size" refused "4000000 bytes, but it should have 333590944"
check "its terms of use are announced" says "embeddinggemma is google/embeddinggemma-300m, provided under the Gemma Terms of Use: https://ai.google.dev/gemma/terms"
check "its revision is requested" \
    grep -q '^hub /ggml-org/embeddinggemma-300M-GGUF/resolve/[0-9a-f]\{40\}/embeddinggemma-300M-Q8_0.gguf|' "$work/log"
run pull minilm
check "a published model whose digest nobody knows" [ "$status" = 0 ]
check "its license is announced" says "minilm is sentence-transformers/all-MiniLM-L6-v2, provided under the license Apache-2.0"
check "the hub's digest is recorded" grep -qF "$digest" "$cache/all-MiniLM-L6-v2-Q8_0.gguf.json"
run models
check "and the file has its name" grep -q '^all-MiniLM-L6-v2-Q8_0.gguf  minilm' "$work/out"
QUERN_HUB_URL="$QUERN_HUB_URL/x/status-404" run pull bge-small
check "a name of a file that was inferred wrongly" says "quern has inferred its name: look for the right one at"
run pull --list
check "the list" [ "$(grep -c '^embeddinggemma' "$work/out")" -eq 6 ]
run pull --list --json
check "the list in JSON" [ "$(grep -cE '"sha256": ("[0-9a-f]{64}"|null)' "$work/out")" -eq "$(wc -l <"$work/out")" ]

# ------------------------------------------------------------------ full disks
begin
if [ -z "$windows" ]; then
    (
        ulimit -f 2000 # blocks of 512 or 1024 bytes
        "$quern" pull "hf:test$tests/plain/model.gguf" >"$work/out" 2>"$work/err"
    )
    status=$?
    check "a file that may not grow" refused "the part that has arrived is kept"
    pull plain
    check "the next run, which may, continues it" complete
    check "from the byte where it stopped" grep -qE 'bytes=(1024000|2048000)-' "$work/log"
fi
begin
mkdir -p "$cache"
if mount -t tmpfs -o size=3m tmpfs "$cache" 2>/dev/null; then
    pull plain
    check "a disk that is too small" refused "has only 3.1 MB left"
    umount "$cache"
fi

# ------------------------------------------------------------------ two processes, and unfinished files
begin
"$quern" pull "hf:test$tests/slow/model.gguf" >/dev/null 2>"$work/first.err" &
first=$!
await_store slow "$work/log"
run models rm model.gguf
check "an active download is not removed" refused "is being downloaded"
pull slow
check "two pulls of one file: the second waits" complete
check "the second says that it waits" says "waiting for it"
wait $first
check "the first succeeds" [ $? = 0 ]
check "the file was requested once" requests 1
begin
pull break-3000000 --retries 1
mkdir -p "$cache"
for record in '' '{' '{"size": -1}'; do
    head -c 3000000 /dev/zero >"$cache/model.gguf.part"
    printf '%s' "$record" >"$cache/model.gguf.part.json"
    rm -f "$cache/model.gguf"
    pull plain
    check "a part with the record '$record' is removed" complete
done
begin
mkdir -p "$cache"
cp "$work/content" "$cache/model.gguf.part"
printf '{"origin": "hf:test%s/plain/model.gguf", "sha256": "%s", "size": 4000000, "etag": "", "modified_ns": 0}' \
    "$tests" "$digest" >"$cache/model.gguf.part.json"
pull plain
check "a file that was complete when the process was killed gets its name" complete
check "without a request" [ ! -s "$work/log" ]

# ------------------------------------------------------------------ what has ended beside
# shellcheck disable=SC2086
wait $sides

# Connections that break.
given_up="given up after 2 failures in a row"
ended break-1500000
check "a connection that breaks twice" complete
check "the next request begins where the first one broke" grep -qF 'model.gguf|bytes=1500000-|"version-0"|' "$work/log"
check "and the third where the second one broke" requests 3
ended stall-1000000
check "a connection that stalls" complete
check "the next request begins where it stalled" grep -qF '|bytes=1000000-|' "$work/log"
check "the message says how much arrived" says "in 2 s less than 2 KiB arrived; trying again"
ended unavailable
check "a server that is busy twice" complete
check "pull waits as long as the server asks for" says "503; trying again in 1.0 s (1 of 5)"
gives_up changing-break-3000000 6 "given up after 3 failures in a row"
check "the last line says that the command can continue" \
    says "in a row; the part that has arrived is kept, and the same command continues it"
check "versions of a file are not mixed" [ "$(wc -c <"$cache/model.gguf.part")" -eq 3000000 ]
gives_up no-range-break-3000000 4 "$given_up"
gives_up bad-range-break-3000000 8 "sends the bytes from 2999000 on, but those from 3000000 on were requested"
gives_up unsatisfied-break-3000000 8 "another version"
gives_up closes 4 "$given_up"
gives_up trickle 4 "in 3 s less than 3 KiB arrived; $given_up"
gives_up slow-head 4 "in 3 s less than 3 KiB arrived; $given_up"

# Data that is not the file.
ended corrupt
check "a damaged file" refused "the file is removed"
check "a damaged file is removed" nothing_left
ended once-corrupt-break-2000000
check "after a damaged part the whole file is downloaded again" complete
check "the message says so" says "do not fit together"
ended corrupt-break-2000000
check "a hub that always breaks off and sends wrong data: two downloads, then an end" refused "the file is removed"
check "and it was tried again in one piece" says "do not fit together"
ended wrong-digest
check "a hub with a wrong digest" refused "the file is removed"
gives_up no-digest 2 "give it with --sha256"
gives_up wrong-size 2 "4000000 bytes, but it should have 4000001"
gives_up no-size 1 "the hub says that the file is empty"
gives_up short 2 "3999000 bytes, but it should have 4000000"
gives_up long 2 "4001000 bytes, but it should have 4000000"
gives_up empty 2 "0 bytes, but it should have 4000000"
gives_up long-break-2000000 4 "more than the 4000000 bytes"
gives_up chunked 2 "how long the file is"
gives_up bad-range 2 "how long the file is"
gives_up other-range 2 "sends the bytes from 1000 on, but those from 0 on were requested"
gives_up page 2 "what the server sends is a web page"
gives_up json 2 "what the server sends is JSON, perhaps an error of a server"
gives_up pointer 2 "what the server sends is a pointer of Git LFS"

# Heads, redirects and statuses.
gives_up garbage 2 "HTTP/0.9"
check "a server that does not speak HTTP leaves no file" nothing_left
for fault in continues fields long-field; do
    gives_up $fault 2 "the head of the server's response has more than 64 KiB"
done
gives_up loop 9 "more than 8 times"
gives_up nowhere 1 "without saying where"
gives_up far 1 "to a URL of 90"
gives_up downgrade 1 "which is not https"
gives_up to-file 1 "which is not https"
gives_up to-nobody 2 "$given_up"
gives_up no-hub 0 "given up after 3 failures in a row"
gives_up long-redirect 1 "a redirect with more than 64 KiB of text"
gives_up endless-error 1 "no such file (404)"
gives_up created 2 "status 201"
gives_up gone 2 "no such file (410)"
gives_up status-401 1 "set HF_TOKEN"
gives_up status-403 1 "accept the model's terms"
gives_up status-404 1 "there is no such file"
gives_up status-410 1 "there is no such file"
gives_up status-418 1 "the server answers with status 418"
gives_up status-429 2 "too many requests from this address (429); $given_up"
gives_up no-wait 4 "too many requests from this address (429); $given_up"
gives_up waits 4 "(429); it asks to wait for 2 s, which is more than is left of 3 s (--wait)"
gives_up later 1 "(429); it asks to wait for 600 s, which is more than is left of 120 s (--wait)"
gives_up status-500 2 "status 500; $given_up"
gives_up status-503 2 "status 503; $given_up"
check "a download that failed leaves no file" nothing_left

# Progress, two pulls at once, kill -9.
if [ -e "$side/slow-progress" ]; then
    ended slow-progress
    check "progress with rate and time left" \
        grep -qE '\[#* *\] [0-9]+ of 4 MB, [0-9.]+ MB/s, .* %, [0-9]+:[0-9]+:[0-9]+ left' "$work/out"
fi
ended once-corrupt-slow
check "two pulls of one file: the first fails" [ "$(cat "$side/once-corrupt-slow/first")" = 1 ]
check "then the second downloads the file" complete
check "the second says that it waited" says "waiting for it"
ended slow-kill
check "after $kills kills at random times no incomplete file has the model's name" [ "$status" = 0 ]
HOME="$side/slow-kill" "$quern" pull hf:side/slow-kill/model.gguf >"$work/out" 2>"$work/err"
status=$?
check "the next run completes the file" complete
check "and continues what the killed runs left" grep -q '^store .*bytes=' "$work/log"

# ------------------------------------------------------------------ a real model
begin
exec 9>&-
start_hub "$work/tiny.gguf" "$work/log" 9
run pull hf:test/plain/model.gguf
run embed -t none hello
check "a model that was pulled is used" [ "$status" = 0 ]
echo "1..$number"
