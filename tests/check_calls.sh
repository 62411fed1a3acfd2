#!/bin/sh
# No files may call each other in a circle. Reads which symbols the objects of libraries define and use; tsort finds the
# circles. usage: check_calls.sh LIBRARY.a...
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm -A "$@" >"$work/symbols" 2>"$work/messages" || { cat "$work/messages" >&2; exit 1; }
awk 'NF < 3 { next }
    { file = $1; sub(/:[0-9a-f]*$/, "", file); sub(/.*[:\/]/, "", file) }
    $(NF - 1) ~ /^[TDRB]$/ { defined_by[$NF] = file }
    $(NF - 1) == "U" { uses[file " " $NF] = 1 }
    END {
        for (use in uses) {
            split(use, part, " ")
            if (part[2] in defined_by && defined_by[part[2]] != part[1])
                print part[1], defined_by[part[2]]
        }
    }' "$work/symbols" | sort >"$work/calls"
[ -s "$work/calls" ] || { echo "no file calls another: the symbols were not understood" >&2; exit 1; }
tsort "$work/calls" >"$work/sorted" 2>"$work/circles" || {
    echo "files call each other in a circle:" >&2
    sed 's/^tsort: //; s/^.*: input contains a loop:/circle:/' "$work/circles" >&2
    exit 1
}
