# What tests of the command share: running it, and telling what was found as TAP. To be read by a script that has set
# quern, and work unless it is in a folder of its own. A file named log there is shown with a failure.
# shellcheck shell=sh disable=SC2154
number=0
work=${work:-.}

run() {
    "$quern" "$@" >"$work/out" 2>"$work/err"
    status=$?
}

check() { # check NAME COMMAND...: a test that passes when the command succeeds
    number=$((number + 1))
    name=$1
    shift
    if "$@" >/dev/null 2>&1; then
        printf "ok %d - %s\n" "$number" "$name"
    else
        printf "not ok %d - %s\n" "$number" "$name"
        sed 's/^/# out: /' "$work/out" | head -n 12 | cut -c 1-200
        sed 's/^/# err: /' "$work/err" | head -n 8
        [ ! -f "$work/log" ] || sed 's/^/# log: /' "$work/log" | head -n 8
    fi
}

fails() { # fails TEXT: whether the last run failed, saying TEXT and printing nothing
    [ "$status" = 1 ] && grep -qF -- "$1" "$work/err" && [ ! -s "$work/out" ]
}

prints() { # prints REGEX: whether the last run succeeded and printed it
    [ "$status" = 0 ] && grep -qE -- "$1" "$work/out"
}
