#!/bin/sh
# tools/run_parts.py runs parts side by side, keeps apart what must run alone, goes on after a failed part, says what
# runs, and fails when a part failed. usage: check_run_parts.sh SOURCE-ROOT
set -eu
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Each part but the last notes when it begins and ends. "left" and "right" each wait until the other has begun.
run() {
    status=0
    CORES=2 STATUS_SECONDS=0.3 "$root/tools/run_parts.py" "$work/logs" >"$work/out" || status=$?
}
meet() { # meet OWN OTHER
    echo "echo $1 begins >>$work/order; n=0; until grep -q '$2 begins' $work/order; do sleep 0.1; n=\$((n + 1));" \
        "[ \$n -lt 100 ] || exit 1; done; sleep 0.5; echo $1 ends >>$work/order"
}

expect() { # expect COMMAND...
    "$@" >/dev/null && return
    cat "$work/out" "$work/order"
    echo "this does not hold: $*" >&2
    exit 1
}

run <<END
first alone echo first begins >>$work/order; sleep 0.3; echo first ends >>$work/order
left beside echo left says something; $(meet left right)
right beside $(meet right left)
last alone echo last begins >>$work/order
missing beside exit 77
END
expect [ $status = 0 ]
expect [ "$(head -n 2 "$work/order" | tr '\n' ' ')" = 'first begins first ends ' ]
expect [ "$(tail -n 1 "$work/order")" = 'last begins' ]
expect grep -q 'left has been running for .*: left says something' "$work/out"
expect grep -q 'parts wait: .*missing' "$work/out"
expect grep -q '^missing  *skipped' "$work/out"
expect grep -q '0 of 5 parts failed' "$work/out"

run <<END
bad beside echo the reason; exit 3
good beside true
END
expect [ $status = 1 ]
expect grep -q '^bad  *FAILED with status 3' "$work/out"
expect grep -q '^good  *passed' "$work/out"
expect grep -q 'the reason' "$work/logs/bad.log"
