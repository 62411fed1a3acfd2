#!/bin/sh
# Downloads from a hub with faults. Speaks TAP. usage: test_cli_pull.sh QUERN MKMODEL HUB [KILLS]
set -u
export LC_ALL=C
quern=$1
mkmodel=$2
hub=$3
kills=${4:-12}
work=$(mktemp -d)
unset QUERN_MODEL XDG_CACHE_HOME HF_TOKEN HF_ENDPOINT http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy
export HOME="$work/home"
mkdir "$HOME"
cache=$HOME/.cache/quern
# shellcheck source=tests/support/tap.sh
. "$(dirname "$0")/support/tap.sh"
tests=0

"$mkmodel" tiny "$work/tiny.gguf" --head || exit 1
head -c 4000000 /dev/urandom >"$work/content"
digest=$(sha256sum "$work/content" | cut -d ' ' -f 1)

# Starts a hub that serves a file; sets hub_port and store_port. It ends when descriptor 9 is closed.
start_hub() {
    rm -f "$work/life" "$work/ports" # an earlier hub may still have the old ones open
    mkfifo "$work/life" "$work/ports"
    "$hub" "$1" "$work/log" <"$work/life" >"$work/ports" 9>&- &
    exec 9>"$work/life"
    read -r hub_port store_port <"$work/ports"
    export QUERN_HUB_URL="http://127.0.0.1:$hub_port"
}
trap 'exec 9>&-; rm -rf "$work"' EXIT
start_hub "$work/content"

begin() { # starts a test with an empty cache and log, and with its own names
    tests=$((tests + 1))
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

if ! "$quern" pull hf:test0/direct/model.gguf >/dev/null 2>"$work/err" && grep -q 'without libcurl' "$work/err"; then
    echo "1..0 # SKIP built without libcurl"
    exit 0
fi

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
check "JSON" grep -qF "\"origin\": \"hf:test$tests/plain/model.gguf\", \"sha256\": \"$digest\", \"size\": 4000000}" \
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

# ------------------------------------------------------------------ broken connections
begin
pull break-1500000
check "a connection that breaks twice" complete
check "the next request begins where the first one broke" grep -qF 'model.gguf|bytes=1500000-|"version-0"|' "$work/log"
check "and the third where the second one broke" requests 3
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
pull stall-1000000 --stall 2
check "a connection that stalls" complete
check "the next request begins where it stalled" grep -qF '|bytes=1000000-|' "$work/log"
begin
pull unavailable
check "a server that is busy twice" complete
check "pull waits as long as the server asks for" says "503; trying again in 1.0 s (1 of 5)"
begin
pull changing-break-3000000 --retries 2
check "a file that changes with every request is given up" refused "(2 of 2)"
check "the last line says the reason, and that the command can continue" \
    grep -qE "^quern: cannot download hf:test[0-9]+/changing.*; the part that has arrived is kept, and the same command continues it" \
    "$work/err"
check "versions of a file are not mixed" [ "$(wc -c <"$cache/model.gguf.part")" -eq 3000000 ]
begin
pull no-range-break-3000000 --retries 1
check "a server without ranges whose connection breaks" refused "(1 of 1)"
begin
pull bad-range-break-3000000 --retries 2
check "a server that sends another range" refused "another version"
begin
pull unsatisfied-break-3000000 --retries 2
check "a range that the server refuses" refused "another version"
begin
pull garbage
check "a server that does not speak HTTP" refused "HTTP/0.9"
check "a server that does not speak HTTP leaves no file" nothing_left

# ------------------------------------------------------------------ wrong data
begin
pull corrupt
check "a damaged file" refused "the file is removed"
check "a damaged file is removed" nothing_left
begin
pull once-corrupt-break-2000000
check "after a damaged part the whole file is downloaded again" complete
check "the message says so" says "do not fit together"
begin
pull corrupt-break-2000000
check "a hub that always breaks off and sends wrong data: two downloads, then an end" refused "the file is removed"
check "and it was tried again in one piece" says "do not fit together"
begin
pull break-1500000 --retries 1 --sha256 "$(printf '%064d' 5)"
check "a hub whose digest is not that of --sha256" refused "the hub has another file there"
check "is not asked for the file" requests 0
begin
pull wrong-digest
check "a hub with a wrong digest" refused "the file is removed"
begin
pull no-digest
check "a hub without digest" refused "give it with --sha256"
pull no-digest --sha256 "$digest"
check "a hub without digest is enough with --sha256" complete
begin
pull wrong-size
check "a hub and a store that disagree about the size" refused "but it should have 4000001"
begin
pull short
check "a length that is too small" refused "3999000 bytes, but it should have 4000000"
begin
pull long
check "a length that is too large" refused "4001000 bytes, but it should have 4000000"
begin
pull long-break-2000000 --retries 1
check "a body that is too long" refused "more than the 4000000 bytes"
begin
pull chunked
check "a response without a length" refused "how long the file is"
begin
pull loop
check "redirects without end" refused "more than 8 times"
begin
pull nowhere
check "a redirect without a URL" refused "nowhere"
begin
pull downgrade
check "a redirect away from https" refused "which is not https"
begin
pull to-file
check "a redirect to a file" refused "which is not https"
begin
pull endless-error
check "an error page without end" refused "no such file (404)"

# ------------------------------------------------------------------ status codes
for pair in "401 set HF_TOKEN" "403 accept the model's terms" "404 there is no such file" "410 there is no such file" \
    "418 the server answers with status 418"; do
    begin
    pull "status-${pair%% *}"
    check "status ${pair%% *}" refused "${pair#* }"
    check "status ${pair%% *} is not tried again" [ "$(wc -l <"$work/log")" -eq 1 ]
done
begin
pull status-429 --retries 1
check "status 429 is tried again" refused "too many requests"
begin
pull later
check "but not when the server asks for a long wait" refused "try again in 10 minutes"
begin
pull status-500 --retries 1
check "status 500 is tried again" refused "(1 of 1)"
check "a download that failed leaves no file" nothing_left

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
check "its terms of use are announced" says "embeddinggemma is provided under the Gemma Terms of Use: https://ai.google.dev/gemma/terms"
check "its revision is requested" \
    grep -q '^hub /ggml-org/embeddinggemma-300M-GGUF/resolve/[0-9a-f]\{40\}/embeddinggemma-300M-Q8_0.gguf|' "$work/log"
run pull --list
check "the list" [ "$(grep -c '^embeddinggemma' "$work/out")" -eq 4 ]
run pull --list --json
check "the list in JSON" [ "$(grep -cE '"sha256": "[0-9a-f]{64}"' "$work/out")" -eq 4 ]

if command -v script >/dev/null; then
    begin
    script -qec "'$quern' pull hf:test/slow/model.gguf >/dev/null" /dev/null </dev/null >"$work/out" 2>&1
    check "progress with rate and time left" \
        grep -qE '\[#* *\] [0-9]+ of 4 MB, [0-9.]+ MB/s, .* %, [0-9]+:[0-9]+:[0-9]+ left' "$work/out"
fi

# ------------------------------------------------------------------ full disks
begin
(
    ulimit -f 2000 # blocks of 512 or 1024 bytes
    "$quern" pull "hf:test$tests/plain/model.gguf" >"$work/out" 2>"$work/err"
)
status=$?
check "a file that may not grow" refused "the part that has arrived is kept"
pull plain
check "the next run, which may, continues it" complete
check "from the byte where it stopped" grep -qE 'bytes=(1024000|2048000)-' "$work/log"
begin
mkdir -p "$cache"
if mount -t tmpfs -o size=3m tmpfs "$cache" 2>/dev/null; then
    pull plain
    check "a disk that is too small" refused "has only 3.1 MB left"
    umount "$cache"
fi

# ------------------------------------------------------------------ two processes, and kill -9
begin_first() { # begin_first FAULT: a pull in the background, process $first, which has asked the store when this ends
    "$quern" pull "hf:test$tests/$1/model.gguf" >"$work/first" 2>"$work/first.err" &
    first=$!
    while ! grep -q '^store ' "$work/log"; do
        sleep 0.05
    done
}
begin
begin_first slow
run models rm model.gguf
check "an active download is not removed" refused "is being downloaded"
pull slow
check "two pulls of one file: the second waits" complete
check "the second says that it waits" says "waiting for it"
wait $first
check "the first succeeds" [ $? = 0 ]
check "the file was requested once" requests 1
begin
begin_first once-corrupt-slow
pull once-corrupt-slow
wait $first
check "two pulls of one file: the first fails" [ $? = 1 ]
check "then the second downloads the file" complete
check "the second says that it waited" says "waiting for it"
begin
broken=0
round=0
while [ $round -lt "$kills" ]; do
    round=$((round + 1))
    "$quern" pull "hf:test$tests/slow/model.gguf" >/dev/null 2>&1 &
    victim=$!
    sleep "$(awk -v seed="$$$round" 'BEGIN { srand(seed); print rand() * 0.5 }')"
    kill -9 $victim 2>/dev/null
    wait $victim 2>/dev/null
    if [ -e "$cache/model.gguf" ]; then
        cmp -s "$work/content" "$cache/model.gguf" || broken=1
        [ $round = "$kills" ] || run models rm model.gguf
    fi
done
check "after $kills kills at random times no incomplete file has the model's name" [ $broken = 0 ]
pull slow
check "the next run completes the file" complete
check "and continues what the killed runs left" grep -q '^store .*bytes=' "$work/log"
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

# ------------------------------------------------------------------ models
begin
run models
check "an empty cache" [ "$status" = 0 ]
check "the message says how to get a model" says "quern pull embeddinggemma"
run models --json
check "an empty cache as JSON" [ "$(cat "$work/out")" = '[]' ]
mkdir -p "$cache"
cp "$work/tiny.gguf" "$cache/b.gguf"
cp "$work/tiny.gguf" "$cache/a.gguf"
cp "$work/tiny.gguf" "$cache/c.gguf.part"
run models
tiny=$(sha256sum "$work/tiny.gguf" | cut -d ' ' -f 1)
check "the list has digests" [ "$(grep -c "SHA-256 $tiny" "$work/out")" -eq 2 ]
check "the list says which model is used" grep -qx 'a.gguf  (used when no other is named)' "$work/out"
check "the list has unfinished downloads" grep -qx 'c.gguf.part' "$work/out"
run models --json
check "the list in JSON" grep -qF "\"sha256\": \"$tiny\", \"size\": $(wc -c <"$work/tiny.gguf")" "$work/out"
if command -v python3 >/dev/null; then
    check "other programs can read the JSON" python3 -m json.tool "$work/out"
fi
cp "$work/content" "$cache/a.gguf"
run models
check "a file that has changed is hashed again" grep -qF "4000000 bytes, SHA-256 $digest" "$work/out"
cp "$work/tiny.gguf" "$cache/embeddinggemma-300M-Q8_0.gguf"
run info
check "the default published model is preferred" says "embeddinggemma-300M-Q8_0.gguf"
run info -m embeddinggemma
check "and can be given by its name" grep -q '^file .*/embeddinggemma-300M-Q8_0.gguf' "$work/out"
run info -m embeddinggemma:q4_0
check "a published model that is not there" [ "$status" = 1 ]
check "is not downloaded; the message says how to do it" says "quern pull embeddinggemma:q4_0"
run pull embeddinggemma
check "another file of that name is not replaced" [ "$status" = 1 ]
check "the message says what to do" says "quern models rm embeddinggemma-300M-Q8_0.gguf"
run models rm embeddinggemma b.gguf c.gguf.part
check "rm removes a model" [ "$status" = 0 ]
check "and its records" [ "$(cd "$cache" && echo *)" = 'a.gguf a.gguf.json' ]
run models rm b.gguf
check "rm of a model that is not there" [ "$status" = 1 ]
: >"$HOME/.cache/other.gguf"
: >"$cache/notes.txt"
for given in ../other.gguf "$HOME/.cache/other.gguf" .. '' notes.txt a.gguf.json; do
    run models rm "$given"
    check "rm '$given' fails" [ "$status" = 1 ]
    check "the message says that '$given' is not a model" says "'$given' is not the name of a model"
done
mkdir -p "$cache/bench"
head -c 1000000 /dev/zero >"$cache/bench/made.gguf"
run models
check "what bench has left is told" says "1 MB that 'quern bench' made"
run models rm bench
check "and removed" [ "$status $(ls "$cache" | grep -c bench)" = "0 0" ]
run models rm bench
check "when there is nothing, it says so" [ "$status" = 1 ]

# Anything may lie in the cache folder.
echo precious >"$work/precious"
ln -s "$work/precious" "$cache/x.gguf.part"
mkfifo "$cache/y.gguf.part" "$cache/a.gguf.json.fifo"
mv "$cache/a.gguf.json.fifo" "$cache/a.gguf.json"
mkdir "$cache/z.gguf"
ln -s nowhere "$cache/w.gguf"
cp "$work/tiny.gguf" "$cache/$(printf 'e\033[31m.gguf')"
timeout 20 "$quern" models >"$work/out" 2>"$work/err"
status=$?
check "models lists the rest, and does not wait" grep -q '^a.gguf' "$work/out"
check "names show no control characters" [ "$(grep -c "$(printf '\033')" "$work/out")" = 0 ]
check "what is odd is named" says "z.gguf is not a regular file"
timeout 20 "$quern" models rm y.gguf >"$work/out" 2>"$work/err"
status=$?
check "rm of a pipe does not wait" [ "$status" = 0 ]
run pull "http://127.0.0.1:1/x.gguf" --sha256 "$digest"
check "a download does not write through a link" [ "$(cat "$work/precious")" = precious ]
check "and says what lies there" says "it is a symbolic link; remove it"
rm -r "$cache"/x.gguf.part "$cache"/a.gguf.json "$cache"/z.gguf "$cache"/w.gguf "$cache"/e*
check "files outside the cache are untouched" [ -e "$HOME/.cache/other.gguf" ]
check "files that are not models are untouched" [ -e "$cache/notes.txt" ]
: >"$work/quern"
export XDG_CACHE_HOME="$work"
run models
unset XDG_CACHE_HOME
check "a cache folder that is a file" [ "$status" = 1 ]
check "the message names it" says "cannot read the folder $work/quern: Not a directory"
run models rm
check "rm without a name" [ "$status" = 2 ]
begin
exec 9>&-
start_hub "$work/tiny.gguf"
run pull hf:test/plain/model.gguf
run embed -t none hello
check "a model that was pulled is used" [ "$status" = 0 ]
echo "1..$number"
