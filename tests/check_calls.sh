#!/bin/sh
# No files may call each other in a circle. Reads which symbols the objects of libraries define and use; tsort finds the
# circles. usage: check_calls.sh LIBRARY.a...
set -eu
circles=$(nm -A "$@" 2>/dev/null | awk '
    { file = $1; sub(/:[0-9a-f]*$/, "", file); sub(/.*[:\/]/, "", file) }
    $(NF - 1) ~ /^[TDRB]$/ { defined_by[$NF] = file }
    $(NF - 1) == "U" { uses[file " " $NF] = 1 }
    END {
        for (use in uses) {
            split(use, part, " ")
            if (part[2] in defined_by && defined_by[part[2]] != part[1])
                print part[1], defined_by[part[2]]
        }
    }' | sort | tsort 2>&1 >/dev/null || true)
[ -z "$circles" ] || {
    echo "files call each other in a circle:" >&2
    echo "$circles" | sed 's/^tsort: //; s/^-: input contains a loop:/circle:/' >&2
    exit 1
}
