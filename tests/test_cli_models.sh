#!/bin/sh
# The verb models, and what may lie in the cache folder. Speaks TAP. QUERN may be a script that runs quern for Windows
# under Wine; then the links and pipes of Linux are left out.
# usage: test_cli_models.sh QUERN MKMODEL [windows]
set -u
export LC_ALL=C
quern=$1
mkmodel=$2
windows=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset QUERN_MODEL XDG_CACHE_HOME HF_TOKEN
export HOME="$work/home"
cache=$HOME/.cache/quern
mkdir "$HOME"
# shellcheck source=tests/support/tap.sh
. "$(dirname "$0")/support/tap.sh"

"$mkmodel" tiny "$work/tiny.gguf" --head || exit 1
{ printf GGUF && head -c 3999996 /dev/urandom; } >"$work/content"
digest=$(sha256sum "$work/content" | cut -d ' ' -f 1)
if ! "$quern" pull http://127.0.0.1:1/x.gguf --sha256 "$digest" --retries 1 2>"$work/err" &&
    grep -q 'without libcurl' "$work/err"; then
    echo "1..0 # SKIP built without libcurl"
    exit 0
fi

refused() { # refused TEXT: whether it failed with this message
    [ "$status" = 1 ] && says "$1"
}

says() {
    grep -qF -- "$1" "$work/err"
}

# ------------------------------------------------------------------ the list, and what it removes
run models
check "an empty cache" [ "$status" = 0 ]
check "the message says how to get a model" says "quern pull embeddinggemma"
run models --quiet
check "which is no error, so --quiet silences it" [ "$status$(cat "$work/err")" = 0 ]
run models --json
check "an empty cache as JSON" [ "$(cat "$work/out")" = '[]' ]
mkdir -p "$cache"
cp "$work/tiny.gguf" "$cache/b.gguf"
cp "$work/tiny.gguf" "$cache/a.gguf"
cp "$work/tiny.gguf" "$cache/c.gguf.part"
run models
check "digests that are not known are not computed unasked" \
    [ "$(grep -c "bytes, SHA-256 not known: --digests" "$work/out")" -eq 2 ]
run models --json
check "in JSON they are empty" [ "$(grep -c '"sha256": "", ' "$work/out")" -eq 3 ]
run models --digests
tiny=$(sha256sum "$work/tiny.gguf" | cut -d ' ' -f 1)
check "the list has digests" [ "$(grep -c "SHA-256 $tiny" "$work/out")" -eq 2 ]
check "the list says which model is used" grep -qx 'a.gguf  (used when no other is named)' "$work/out"
check "the list has unfinished downloads" grep -qx 'c.gguf.part' "$work/out"
run models --json
check "the list in JSON" grep -qF "\"sha256\": \"$tiny\", \"size\": $(wc -c <"$work/tiny.gguf")" "$work/out"
check "other programs can read the JSON" python3 -m json.tool "$work/out"
cp "$work/content" "$cache/a.gguf"
run models
check "the digest of a file that has changed is not known" [ "$(grep -c "SHA-256 not known" "$work/out")" -eq 1 ]
run models --digests
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
run models rm a
check "rm of a name without its ending suggests the name" says "(did you mean 'a.gguf'?)"
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

mkdir "$cache/z.gguf"
run models rm z.gguf
check "rm does not remove a folder" says "z.gguf: it is a folder; remove it yourself"
rmdir "$cache/z.gguf"
: >"$work/quern"
export XDG_CACHE_HOME="$work"
run models
unset XDG_CACHE_HOME
check "a cache folder that is a file" [ "$status" = 1 ]
check "the message names it" says "cannot read the folder $work/quern: Not a directory"
run models rm
check "rm without a name" [ "$status" = 2 ]

# ------------------------------------------------------------------ what else may lie there
[ -z "$windows" ] || { echo "1..$number"; exit 0; }
mkfifo "$cache/b.gguf.part"
run models
check "an odd part alone is said, too" [ "$status $(grep -c 'b.gguf.part is not a regular file' "$work/err")" = "1 1" ]
rm "$cache/b.gguf.part"
mkdir "$work/elsewhere"
: >"$work/elsewhere/precious.gguf"
ln -s "$work/elsewhere" "$cache/bench"
run models rm bench
check "what a link leads to is not" [ -e "$work/elsewhere/precious.gguf" ]
check "and the message says so" refused "cannot remove $cache/bench: it is no folder"
rm "$cache/bench"
within() { # within ARGUMENT...: like run, but it must not wait for anything
    timeout 20 "$quern" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
echo precious >"$work/precious"
mkfifo "$cache/0.gguf" "$cache/y.gguf.part" "$cache/a.gguf.json.fifo"
mv "$cache/a.gguf.json.fifo" "$cache/a.gguf.json"
mkdir "$cache/z.gguf" "$cache/e.gguf.json" "$cache/z.gguf.part"
ln -s nowhere "$cache/1.gguf"
ln -s 2.gguf "$cache/2.gguf"
ln -s /dev/zero "$cache/3.gguf"
ln -s "$work/precious" "$cache/x.gguf.part"
ln "$work/precious" "$cache/d.gguf.json"
ln "$work/precious" "$cache/d.gguf.part"
cp /dev/null "$cache/9a.gguf"
echo "no model" >"$cache/9b.gguf"
for file in d e f g h "$(printf 'i\033[31m\nj')"; do
    cp "$work/tiny.gguf" "$cache/$file.gguf"
done
head -c 1000000 /dev/zero >"$cache/f.gguf.json"
echo '{}' >"$cache/g.gguf.json"
ln -s h.gguf.json "$cache/h.gguf.json"
chmod 0 "$cache/g.gguf.json"
echo part >"$cache/v.gguf.part"
within models
check "models says that some are odd" [ "$status" = 1 ]
for file in 9a 9b a d e f g h 'i.\[31m.j'; do
    check "and lists $file.gguf" grep -q "^$file\.gguf" "$work/out"
done
check "names show no control characters" [ "$(grep -c "$(printf '\033')" "$work/out")" = 0 ]
for file in 0 1 2 3 z; do
    check "but not $file.gguf, which is named" [ "$(grep -c "^$file" "$work/out") $(grep -c "/$file\.gguf[ :]" "$work/err")" = "0 1" ]
done
check "it lists a part without a record" grep -qF "not finished: 5 bytes, without a record" "$work/out"
check "the first model is used" grep -qx 'a.gguf  (used when no other is named)' "$work/out"
within models --json
check "the list in JSON" [ "$(grep -c '"finished": true' "$work/out")" = 9 ]
check "other programs can read it" python3 -m json.tool "$work/out"
within info
check "other verbs use the first model" says "model $cache/a.gguf"
for file in 0 1 2 3 z; do
    within info -m "$cache/$file.gguf"
    check "info of $file.gguf names it" fails "$cache/$file.gguf"
done
for file in 0 3 z; do
    within pull "http://127.0.0.1:1/$file.gguf" --sha256 "$digest"
    check "pull does not wait for $file.gguf" says "$file.gguf is not a regular file"
done
within pull "http://127.0.0.1:1/y.gguf" --sha256 "$digest"
check "nor for a part that is a pipe" says "y.gguf.part: it is no regular file; remove it"
mv "$cache/d.gguf" "$cache/0d"
within pull "http://127.0.0.1:1/x.gguf" --sha256 "$digest"
check "a download does not write through a link" says "x.gguf.part: it is a symbolic link; remove it"
within pull "http://127.0.0.1:1/d.gguf" --sha256 "$digest"
check "nor to a file that has another name" says "d.gguf.part: it is a file that has another name too"
check "what these lead to is untouched" [ "$(cat "$work/precious")" = precious ]
within models rm 0.gguf 9a.gguf 9b.gguf 1.gguf 2.gguf 3.gguf a.gguf d.gguf f.gguf g.gguf h.gguf v.gguf x.gguf y.gguf \
    "$(printf 'i\033[31m\nj').gguf"
check "rm removes links, pipes, records and parts" [ "$status" = 0 ]
within models rm z.gguf e.gguf
check "rm does not remove folders" says "z.gguf: it is a folder; remove it yourself"
check "and goes on" [ "$(cd "$cache" && echo *)" = '0d e.gguf.json notes.txt z.gguf z.gguf.part' ]
rm -r "$cache"/z.* "$cache/e.gguf.json" "$cache/0d"
check "what the links led to is still there" [ "$(cat "$work/precious")" = precious ]
check "files outside the cache are untouched" [ -e "$HOME/.cache/other.gguf" ]
check "files that are not models are untouched" [ -e "$cache/notes.txt" ]
echo "1..$number"
