#!/bin/sh
# The library builds without a build system: one compiler call over all sources. usage: check_plain_cc.sh SOURCE-ROOT
set -eu
cd "$1"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
kernels=
case $(uname -m) in
x86_64) kernels=$(echo src/kernels/x86/*.c) ;;
aarch64) kernels=$(echo src/kernels/arm/*.c) ;;
esac
# shellcheck disable=SC2086 # words are meant to be split
${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -Isrc -shared -fPIC -o "$output" \
    src/*/*.c src/base/system/linux*.c src/base/system/posix.c $kernels -lm -lpthread -Wl,--no-undefined
test -s "$output"
