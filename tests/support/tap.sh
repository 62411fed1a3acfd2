# What the tests of the command share: they run it, and print their results as TAP. A script that sources this must set
# quern, and also work when its current folder is not its own. A failure shows the file $work/log, if there is one.
# shellcheck shell=sh disable=SC2154
number=0
work=${work:-.}

run() {
    "$quern" "$@" >"$work/out" 2>"$work/err"
    status=$?
}

check() { # check NAME COMMAND...: a test that passes when COMMAND succeeds
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

lacks() { # lacks TOOL: whether this machine lacks it; then it is said that what needs it was not tried
    command -v "$1" >/dev/null && return 1
    number=$((number + 1))
    printf "ok %d - what needs %s # SKIP\n" "$number" "$1"
}

fails() { # fails TEXT: whether the last run failed with an error that contains TEXT, and printed nothing
    [ "$status" = 1 ] && grep -qF -- "$1" "$work/err" && [ ! -s "$work/out" ]
}

prints() { # prints REGEX: whether the last run succeeded and printed a line that matches
    [ "$status" = 0 ] && grep -qE -- "$1" "$work/out"
}
