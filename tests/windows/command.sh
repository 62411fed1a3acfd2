# Checks of quern.exe, beside the command of Linux. tests/windows/run sources this file: work is its folder, linux and
# build are the build directories, quern runs the command.
# shellcheck shell=sh disable=SC2154

# A path of this machine as Windows has it: with its drive and '\'.
drive() {
    printf 'Z:%s' "$1" | tr / '\\'
}

# says TEXT COMMAND...: whether a command fails with status 1 and says this, in one line.
says() {
    wanted=$1
    shift
    "$@" >"$work/out" 2>"$work/err" && status=0 || status=$?
    [ "$status" = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -qF -- "$wanted" "$work/err" ||
        { echo "status $status, where this was wanted: $wanted"; cat "$work/err"; return 1; }
}

# ---------------------------------------------------------------- paths

paths() {
    folder="$work/Öl und ελιά 油 😀" &&
    mkdir -p "$folder" &&
    cp "$work/tiny.gguf" "$folder/модель.gguf" &&
    quern info -m "$folder/модель.gguf" >"$work/out" && grep -q architecture "$work/out" &&
    quern embed -m "$folder/модель.gguf" -o "$folder/Ψ😀.npy" a b && [ -s "$folder/Ψ😀.npy" ]
}

long_paths() {
    folder=$work/long
    for _ in 1 2 3 4 5 6 7 8; do
        folder=$folder/0123456789012345678901234567890123456789
    done
    mkdir -p "$folder/texts" &&
    cp "$work/tiny.gguf" "$folder/model.gguf" &&
    printf 'A cat sleeps.\n' >"$folder/texts/a.txt" &&
    quern embed -m "$folder/model.gguf" -o "$folder/out.npy" a && [ -s "$folder/out.npy" ] &&
    quern index -m "$folder/model.gguf" -o "$folder/i.qidx" "$work/long" &&
    quern search "$folder/i.qidx" 'A cat sleeps.' >"$work/out" && grep -q 'a.txt' "$work/out"
}

drives() { # every verb that takes a path
    folder=$work/drive
    mkdir -p "$folder/texts" &&
    printf 'A cat sleeps.\n' >"$folder/texts/a.txt" &&
    printf 'a\tb\t0.5\na\ta\t1\nb\tc\t0.1\n' >"$folder/pairs.tsv" &&
    at=$(drive "$folder") && model=$(drive "$work/tiny.gguf") &&
    quern embed -m "$model" -i "$at\\texts\\a.txt" -o "$at\\a.npy" && [ -s "$folder/a.npy" ] &&
    quern similarity -m "$model" a b >/dev/null &&
    quern tokenize -m "$model" -i "$at\\texts\\a.txt" >/dev/null &&
    quern info -m "$model" >/dev/null &&
    quern index -m "$model" -o "$at\\t.qidx" "$at\\texts" && [ -s "$folder/t.qidx" ] &&
    quern search "$at\\t.qidx" 'A cat sleeps.' >"$work/out" && grep -q 'a.txt' "$work/out" &&
    quern similar "$at\\t.qidx" >/dev/null &&
    quern cluster "$at\\t.qidx" >/dev/null &&
    rm "$folder/texts/a.txt" &&
    quern index --remove -o "$at\\t.qidx" "$at\\texts\\a.txt" 2>"$work/err" && grep -q '1 removed' "$work/err" &&
    printf 'A cat sleeps.\n' >"$folder/texts/a.txt" &&
    quern run -m "$model" -o "$at\\out" "$at\\texts" && ls "$folder"/out/*.npy >/dev/null &&
    quern quantize "$model" "$at\\q4.gguf" q4_0 && [ -s "$folder/q4.gguf" ] &&
    "$linux/tools/mkmodel" tiny "$work/f32.gguf" --head --type f32 && mkdir "$folder/model" &&
    "$linux/tools/mkfolder" "$work/f32.gguf" "$folder/model" &&
    quern convert "$at\\model" -o "$at\\made.gguf" && [ -s "$folder/made.gguf" ] &&
    quern eval -m "$model" sts "$at\\pairs.tsv" >/dev/null &&
    (cd "$folder" && quern embed -m ..\\tiny.gguf -o .\\b.npy a && [ -s b.npy ])
}

# New files at the root of a drive; Z: is the root of this machine's files, so another drive leads to a folder.
roots() {
    mkdir -p "$work/root/sub" && ln -sfn "$work/root" "$WINEPREFIX/dosdevices/y:" &&
    printf 'A cat sleeps.\n' >"$work/root/sub/a.txt" &&
    quern embed -m "$(drive "$work/tiny.gguf")" -o 'Y:\a.npy' a && [ -s "$work/root/a.npy" ] &&
    quern embed -m "$(drive "$work/tiny.gguf")" -o 'Y:b.npy' a && [ -s "$work/root/b.npy" ] &&
    quern index -m "$(drive "$work/tiny.gguf")" -o 'Y:\t.qidx' 'Y:\' && [ -s "$work/root/t.qidx" ] &&
    quern search 'y:/t.qidx' 'A cat sleeps.' >"$work/out" && grep -q 'sub/a.txt' "$work/out"
}

devices() {
    quern embed -m "$work/tiny.gguf" -o NUL a &&
    for name in CON aux.txt 'COM1' "$(drive "$work")\\prn.npy"; do
        says 'No such device' quern embed -m "$work/tiny.gguf" -f jsonl -o "$name" a || return 1
    done
    says 'No such device' quern index -m "$work/tiny.gguf" -o aux.qidx README.md &&
    says 'No such device' quern embed -m CON a &&
    says 'Invalid argument' quern embed -m "$work/tiny.gguf" -f jsonl -o 12:30.npy a && [ ! -e 12 ]
}

read_only() {
    printf 'mine\n' >"$work/mine.npy" && chmod 444 "$work/mine.npy" &&
    says 'mine.npy: Permission denied' quern embed -m "$work/tiny.gguf" -o "$work/mine.npy" a &&
    grep -q mine "$work/mine.npy"
}

odd_names() { # Windows takes dots and spaces from the end of a name; what was named so elsewhere is not lost unseen
    mkdir -p "$work/odd" && printf 'A cat sleeps.\n' >"$work/odd/plain.txt" &&
    printf 'Shares fell.\n' >"$work/odd/dot." && printf 'Shares fell.\n' >"$work/odd/space " &&
    quern embed -m "$work/tiny.gguf" -f npy -o "$work/odd/out.npy. " a && [ -s "$work/odd/out.npy" ] &&
    rm "$work/odd/out.npy" &&
    ! quern index -m "$work/tiny.gguf" -o "$work/odd.qidx" "$work/odd" 2>"$work/err" &&
    grep -qF 'dot.' "$work/err" && grep -qF 'space ' "$work/err" && quern search "$work/odd.qidx" cat >"$work/out" &&
    grep -q plain "$work/out"
}

# ---------------------------------------------------------------- what goes in and out

lines() { # CRLF comes in, LF goes out, and no byte of a vector is changed
    printf 'one text\r\ntwo texts\r\n' | quern embed -m "$work/tiny.gguf" >"$work/b" &&
    printf 'one text\ntwo texts\n' | "$linux/quern" embed -m "$work/tiny.gguf" >"$work/a" &&
    cmp "$work/a" "$work/b"
}

control_z() { # is a byte like others
    printf 'one \032 text\ntwo\r texts\n\n' >"$work/z.txt" &&
    "$linux/quern" embed -m "$work/tiny.gguf" -i "$work/z.txt" -f f32 >"$work/a" &&
    quern embed -m "$work/tiny.gguf" -f f32 <"$work/z.txt" >"$work/b" && cmp "$work/a" "$work/b" &&
    quern embed -m "$work/tiny.gguf" -f f32 -i "$work/z.txt" -o "$work/c" && cmp "$work/a" "$work/c"
}

arguments() { # what shells of Windows quote, and characters beyond U+FFFF
    for text in '😀 𝔘𝔫𝔦' 'a "quoted" text' 'back\slash\' 'back\"slash\\' '' ' ' '*.c' '%PATH%' "ends with \\\\"; do
        "$linux/quern" tokenize -m "$work/tiny.gguf" "$text" >"$work/a" &&
        quern tokenize -m "$work/tiny.gguf" "$text" >"$work/b" && cmp "$work/a" "$work/b" || return 1
    done
}

closed_pipe() { # whose reader has gone
    { quern embed -m "$work/tiny.gguf" -q a a a a a a a a 2>"$work/err" || echo $? >"$work/status"; } | true
    [ "$(cat "$work/status")" = 1 ] && grep -q 'standard output: Broken pipe' "$work/err"
}

statuses() {
    quern --version >"$work/out" && grep -q '^quern [0-9]' "$work/out" || return 1
    quern embed -m "$work/tiny.gguf" --nonsense 2>"$work/err" && return 1 || [ $? = 2 ] || return 1
    quern dance 2>"$work/err" && return 1 || [ $? = 2 ] || return 1
    quern embed --exact=1 a 2>"$work/err" && return 1 || [ $? = 2 ] || return 1
    grep -qF -- '--exact takes no argument' "$work/err" &&
    says 'there is no file or model' quern embed -m "$work/none.gguf" a &&
    says 'folder' quern embed -m "$work" a
}

streaming() { # a line is embedded while more may come
    mkfifo "$work/fifo" && : >"$work/out" || return 1
    quern embed -m "$work/tiny.gguf" -q <"$work/fifo" >"$work/out" &
    exec 3>"$work/fifo"
    echo hello >&3
    for _ in $(seq 300); do
        [ ! -s "$work/out" ] || break
        sleep 0.1
    done
    lines=$(wc -l <"$work/out")
    exec 3>&-
    wait $!
    [ "$lines" = 1 ]
}

# at_console ARGUMENT...: what a console shows. Wine draws it character by character; this leaves the characters.
at_console() {
    printf 'exec %s' "$wine $build/quern.exe" >"$work/shown.sh"
    printf " '%s'" "$@" >>"$work/shown.sh"
    TERM=xterm timeout 100 script -qec "sh $work/shown.sh" /dev/null </dev/null |
        sed 's/\x1b\[?[0-9]*[hl]//g; s/\x1b\[K//g; s/\x1b\[1C/ /g'
}

console() { # progress, and colours unless they are not wanted
    command -v script >/dev/null || { echo "there is no script(1)"; return 77; }
    yes 'some words of a text' | head -n 8000 >"$work/many.txt"
    at_console embed -m "$work/tiny.gguf" -t none -i "$work/many.txt" -o "$work/many.npy" >"$work/out" &&
    grep -q '[0-9] texts/s, .* left' "$work/out" && [ -s "$work/many.npy" ] &&
    at_console similarity -m "$work/tiny.gguf" -t none a b >"$work/out" &&
    grep -q "$(printf '\033')\\[38;5;" "$work/out" && grep -q '1.0000' "$work/out" &&
    NO_COLOR=1 at_console similarity -m "$work/tiny.gguf" -t none a b >"$work/out" &&
    ! grep -q "$(printf '\033')\\[38" "$work/out" && grep -q '1.0000' "$work/out"
}

# ---------------------------------------------------------------- verbs

search() {
    mkdir -p "$work/texts" &&
    printf 'A cat sleeps.\n' >"$work/texts/Kätzchen.txt" &&
    printf 'Shares fell.\n' >"$work/texts/b.txt" &&
    quern index -m "$work/tiny.gguf" -o "$work/t.qidx" "$work/texts" &&
    quern search -m "$work/tiny.gguf" "$work/t.qidx" 'A cat sleeps.' >"$work/out" && grep -q 'Kätzchen' "$work/out" &&
    quern index -m "$work/tiny.gguf" -o "$work/t.qidx" "$work/texts" 2>"$work/err" &&
    grep -q 'nothing has changed' "$work/err"
}

replaced() { # a file is replaced as a whole, also while it is read by others
    printf 'old\n' >"$work/old.npy" && exec 3<"$work/old.npy" &&
    quern embed -m "$work/tiny.gguf" -o "$work/old.npy" a b && quern embed -m "$work/tiny.gguf" -o "$work/old.npy" a b
    code=$?
    exec 3<&-
    [ $code = 0 ] && ! grep -q '^old' "$work/old.npy" && ! ls "$work"/old.npy.?????? 2>/dev/null
}

opened() { # an index is changed while another process has it open, which finds the change
    mkdir -p "$work/three" && mkfifo "$work/calls" && : >"$work/out" || return 1
    for name in a b c; do
        echo "The text of $name." >"$work/three/$name.txt"
    done
    quern index -m "$work/tiny.gguf" -q -o "$work/three.qidx" "$work/three" || return 1
    quern mcp -m "$work/tiny.gguf" --index "$work/three.qidx" <"$work/calls" >"$work/out" 2>"$work/err" &
    exec 3>"$work/calls"
    printf '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",%s\n' \
        '"capabilities":{},"clientInfo":{"name":"t","version":"1"}}}' >&3
    printf '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"search",%s\n' \
        '"arguments":{"query":"text"}}}' >&3
    for _ in $(seq 300); do
        ! grep -q '"id":2' "$work/out" || break
        sleep 0.1
    done
    rm "$work/three/a.txt" "$work/three/b.txt"
    quern index -m "$work/tiny.gguf" -o "$work/three.qidx" "$work/three"
    code=$?
    printf '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"search",%s\n' \
        '"arguments":{"query":"text"}}}' >&3
    exec 3>&-
    wait $!
    grep '"id":2' "$work/out" | grep -q 'a.txt' && grep '"id":3' "$work/out" | grep -q 'c.txt' &&
    ! grep '"id":3' "$work/out" | grep -q 'a.txt' && [ $code = 0 ]
}

run_files() {
    printf 'one\ntwo\nthree\n' >"$work/in.txt" &&
    quern run -m "$work/tiny.gguf" -o "$work/out-windows" "$work/in.txt" &&
    "$linux/quern" run -m "$work/tiny.gguf" -o "$work/out-linux" "$work/in.txt" &&
    for file in "$work"/out-linux/*.npy; do
        cmp "$file" "$work/out-windows/${file##*/}" || return 1
    done
}

pipe() {
    printf '{"text":"one"}\n{"text":"two"}\n' | quern pipe -m "$work/tiny.gguf" >"$work/b" &&
    printf '{"text":"one"}\n{"text":"two"}\n' | "$linux/quern" pipe -m "$work/tiny.gguf" >"$work/a" &&
    cmp "$work/a" "$work/b"
}

mcp() {
    printf '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",%s\n' \
        '"capabilities":{},"clientInfo":{"name":"t","version":"1"}}}' |
        quern mcp -m "$work/tiny.gguf" --index "$work/t.qidx" >"$work/out" && grep -q '"id":1' "$work/out"
}

# ---------------------------------------------------------------- downloads

# Tests of Linux with quern for Windows, as a script. Wine takes the environment for text of the locale.
cat >"$work/quern" <<EOF
#!/bin/sh
export LC_ALL=C.UTF-8
export XDG_CACHE_HOME="\${XDG_CACHE_HOME:-\$HOME/.cache}"
exec "$wine" "$build/quern.exe" "\$@"
EOF
chmod +x "$work/quern"

tap() { # tap TEST ARGUMENT...: a script that speaks TAP
    script=tests/$1.sh
    shift
    sh "$script" "$work/quern" "$@" >"$work/tap" 2>&1
    ! grep -A 12 '^not ok' "$work/tap" && grep '^1\.\.[1-9]' "$work/tap"
}

downloads_folder() {
    ! quern pull http://127.0.0.1:1/a.gguf --sha256 "$(printf '%064d' 1)" --retries 1 &&
    ls -d "$WINEPREFIX"/drive_c/users/*/AppData/Local/quern
}

# ---------------------------------------------------------------- the server

# A process in front of quern for Windows. Wine ends a program at SIGTERM, and makes Ctrl-C of SIGINT.
cat >"$work/quern-serve" <<EOF
#!/bin/sh
export LC_ALL=C.UTF-8
"$wine" "$build/quern.exe" "\$@" &
server=\$!
trap 'kill -INT \$server' TERM
while :; do
    wait \$server
    status=\$?
    kill -0 \$server 2>/dev/null || exit \$status
done
EOF
chmod +x "$work/quern-serve"

conformance() {
    sh tests/test_conformance.sh "$work/quern-serve" "$linux/tools/mkmodel" "$linux/tests/wire/wire" "$PWD" >"$work/tap"
    ! grep -A 12 '^not ok' "$work/tap" && grep '^1\.\.[1-9]' "$work/tap"
}

check_command() {
    part 'the command'
    check 'paths and arguments in UTF-8' paths
    check 'paths longer than 260 characters' long_paths
    check 'paths with drives, of every verb' drives
    check 'files at the root of a drive' roots
    check 'names of devices' devices
    check 'files that are read-only' read_only
    check 'names that end in a dot or a space' odd_names
    check 'lines that end in CRLF' lines
    check 'Ctrl-Z in a file' control_z
    check 'arguments that shells quote' arguments
    check 'a pipe whose reader has gone' closed_pipe
    check 'input that comes bit by bit' streaming
    check 'progress and colours at a console' console
    check 'exit codes' statuses
    check 'index and search' search
    check 'a file that others read is replaced' replaced
    check 'an index that another process has open is changed' opened
    check 'run' run_files
    check 'pipe' pipe
    check 'mcp' mcp
    part 'downloads'
    check 'with faults' tap test_cli_pull "$linux/tools/mkmodel" "$linux/tests/hub" 12 windows
    check 'over HTTPS' tap test_cli_pull_tls "$linux/tests/hub" windows
    check 'the models of the machine' tap test_cli_models "$linux/tools/mkmodel" windows
    check 'in %LOCALAPPDATA%' downloads_folder
    part 'the server'
    check 'what it answers, hostile requests, load' conformance
    for name in answers connections; do
        check "serve_$name" "$linux/tests/test_serve_$name" "$work/quern-serve"
    done
}
