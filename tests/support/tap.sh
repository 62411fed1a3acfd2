# What tests of the command share: running it, and telling what was found as TAP. To be read by a script that has set quern,
# in a folder of its own.
# shellcheck shell=sh disable=SC2154
number=0

run() {
    "$quern" "$@" >out 2>err
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
        sed 's/^/# out: /' out | head -n 12 | cut -c 1-200
        sed 's/^/# err: /' err | head -n 5
    fi
}

fails() { # fails TEXT: whether the last run failed, saying TEXT and printing nothing
    [ "$status" = 1 ] && grep -qF -- "$1" err && [ ! -s out ]
}

prints() { # prints REGEX: whether the last run succeeded and printed it
    [ "$status" = 0 ] && grep -qE -- "$1" out
}
