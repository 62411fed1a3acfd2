#!/bin/sh
# tools/compare-builds finds a build equal to itself, and tells a build that uses another table, gives another space id,
# or fails. usage: check_compare_builds.sh SOURCE-ROOT BUILD-DIRECTORY
set -eu
root=$1
build=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/other"

other() { # other LINE: a build whose command is a script of this line
    printf '#!/bin/sh\n%s\n' "$1" >"$work/other/quern"
    chmod +x "$work/other/quern"
}

differs() { # differs TEXT: the comparison ends with 1 and prints TEXT
    status=0
    "$root/tools/compare-builds" "$build" "$work/other" tiny-q8_0 >"$work/out" 2>&1 || status=$?
    [ $status = 1 ] && grep -q -- "$1" "$work/out" && return
    cat "$work/out"
    echo "a comparison that must print '$1' and exit 1 exited $status" >&2
    exit 1
}

"$root/tools/compare-builds" "$build" "$build" tiny-q8_0
if QUERN_CPU=avx2 "$build/quern" --version >/dev/null 2>&1 && grep -q avx2 /proc/cpuinfo; then
    other "[ \"\${QUERN_CPU-}\" != avx2 ] || export QUERN_CPU=portable; exec '$build/quern' \"\$@\""
    differs 'avx2 .* != '
fi
other "'$build/quern' \"\$@\" | sed 's/\"space\":\"64n/\"space\":\"64m/'"
differs 'space id of tiny-q8_0'
other "case \$* in *--exact*) exit 1 ;; esac; exec '$build/quern' \"\$@\""
differs 'failed'
