# What the tests of the command on tiny models share: settings, conditions, and the models $model (with a head) and
# headless.gguf in $work. A script that sources this has the arguments QUERN MKMODEL.
# shellcheck shell=sh
set -u
export LC_ALL=C
quern=$1
mkmodel=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset QUERN_MODEL XDG_CACHE_HOME NO_COLOR
export HOME="$work/home"
mkdir "$HOME"
# shellcheck source=tests/support/tap.sh
. "$(dirname "$0")/support/tap.sh"

run() { # run ARGUMENT...: standard input from $work/in, which is emptied afterwards
    "$quern" "$@" <"$work/in" >"$work/out" 2>"$work/err"
    status=$?
    : >"$work/in"
}

exits() { # exits CODE [TEXT]: whether the last run ended with this code and this message
    [ "$status" = "$1" ] && { [ $# = 1 ] || grep -qF -- "$2" "$work/err"; }
}

silent() { # whether the output is empty
    [ ! -s "$work/out" ]
}

prints() { # prints TEXT: whether it is in the output
    grep -qF -- "$1" "$work/out"
}

lines() { # lines N: whether the output has so many lines
    [ "$(wc -l <"$work/out")" -eq "$1" ]
}

size() { # size N [FILE]
    [ "$(wc -c <"${2:-$work/out}")" -eq "$1" ]
}

# keep NAME: keeps the output, to compare later ones with it.
keep() {
    cp "$work/out" "$work/$1"
}

same() { # same NAME: whether the output equals the kept one
    cmp -s "$work/$1" "$work/out"
}

differs() {
    [ -s "$work/out" ] && ! same "$1"
}

both() { # both CONDITION -- CONDITION
    first=
    while [ "$1" != -- ]; do
        first="$first '$1'"
        shift
    done
    shift
    eval "$first" && "$@"
}

: >"$work/in"
model=$work/tiny.gguf
"$mkmodel" tiny "$model" --head || exit 1
"$mkmodel" tiny "$work/headless.gguf" || exit 1
