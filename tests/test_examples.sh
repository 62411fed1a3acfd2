#!/bin/sh
# The programs of examples/, run with the starter model. usage: test_examples.sh SOURCE-ROOT MODEL EXAMPLES-FOLDER
set -eu
. "$1/tests/support/tap.sh"
root=$1 model=$2 folder=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

example() { # example NAME ARGUMENT...
    quern=$folder/example_$1
    shift
    run "$@"
}

first_line() { # first_line REGEX: whether the last run succeeded and its first line matches
    [ "$status" = 0 ] && head -n 1 "$work/out" | grep -qE -- "$1"
}

lines() { # lines N: whether the last run printed so many
    [ "$(wc -l <"$work/out")" = "$1" ]
}

set +e
example embed "$model" 'a red apple'
check "embed prints a vector" prints '^5 tokens, 448 dimensions:( -?[01]\.[0-9]{3}){448}$'
example embed "$model" ''
check "embed takes an empty text" prints '^[0-9]+ tokens, 448 dimensions:'
example embed "$work/missing.gguf" 'a red apple'
check "embed says which file is missing" fails "missing.gguf"
example embed "$model"
check "embed tells its usage" [ "$status" = 2 ]

example search "$model" "$root/examples/lines.txt" 'how do I cook a meal'
check "search finds the lines on cooking" prints '^0\.[0-9]+  (Bake the bread|Soup is made)'
check "search prints three lines" lines 3
example search "$model" "$root/examples/lines.txt" 'share prices'
check "search finds the line on the stock market" first_line 'The stock market fell'
{ printf 'short\n\n'; awk 'BEGIN { for (i = 0; i < 5000; i++) printf "word%d ", i % 90; print "" }'; } >"$work/long.txt"
example search "$model" "$work/long.txt" 'short'
check "search cuts a line that is too long" lines 3
: >"$work/empty.txt"
example search "$model" "$work/empty.txt" 'anything'
check "search takes an empty file" lines 0
example search "$model" "$work/none.txt" 'anything'
check "search says which file is missing" fails "none.txt"

example threads "$model" 1 'A kitten is napping.' 'The cat sleeps.' 'The stock market fell.' 'Prices rose.' 'A dog.'
check "threads compares a text with itself" first_line '^1\.00  A kitten'
cp "$work/out" "$work/one"
example threads "$model" 3 'A kitten is napping.' 'The cat sleeps.' 'The stock market fell.' 'Prices rose.' 'A dog.'
check "threads prints the same with three threads" cmp "$work/out" "$work/one"
example threads "$model" 0 'a'
check "threads tells its usage" [ "$status" = 2 ]
echo "1..$number"
