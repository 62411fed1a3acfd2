#!/bin/sh
# Embeds with tiny models under valgrind: there is no error and no leak. usage: check_valgrind.sh QUERN MKMODEL
set -eu
quern=$1
mkmodel=$2
if ! command -v valgrind >/dev/null; then
    echo "valgrind is not installed"
    exit 77 # skipped
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$mkmodel" tiny "$folder/q4_0.gguf" --type q4_0 --head
"$mkmodel" tiny "$folder/bf16.gguf" --type bf16
long=$(printf '%0400d' 0)

embed() { # embed MODEL OPTION...: embeds three texts, one of them too long
    model=$1
    shift
    printf '%s\n' 'one text' "$long" 'and another, longer one' |
        valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all \
            "$quern" embed -m "$folder/$model.gguf" -t query --threads 2 --truncate "$@" >"$folder/out"
    test "$(wc -l <"$folder/out")" = 3
}

# valgrind knows AVX2, but not AVX-512 and AMX.
if QUERN_CPU=avx2 "$quern" info -m "$folder/q4_0.gguf" >/dev/null 2>&1; then
    export QUERN_CPU=avx2
fi
embed q4_0
embed bf16 --exact
