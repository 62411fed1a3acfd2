#!/bin/sh
# The Arm tables under qemu: every table's kernels on a CPU model that it is for, and the golden vectors with the best
# one; with "vectors", only these, with every table, which takes minutes. usage: check_arm.sh SOURCE-ROOT [vectors]
set -eu
cd "$1"
cc=${AARCH64_CC:-aarch64-linux-gnu-gcc}
for tool in "$cc" qemu-aarch64; do
    command -v "$tool" >/dev/null || { echo "needs $tool" >&2; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # build PROGRAM ARGUMENT...
    program=$1
    shift
    "$cc" -std=c11 -D_GNU_SOURCE -O2 -static -ffp-contract=off -Wall -Wextra -Werror -Iinclude -Isrc \
        -o "$work/$program" "$@" src/kernels/*.c src/kernels/arm/*.c -lm -lpthread
}

# shellcheck disable=SC2046 # no name here has a space
build vectors -Itests -Itests/support -Itests/support/plain tests/test_embed.c tests/support/trial.c \
    tests/support/block_maker.c tests/support/model_maker.c tests/support/vocabulary_maker.c $(ls src/*/*.c | grep -v '^src/kernels/')
if [ "${2:-}" = vectors ]; then
    qemu-aarch64 -cpu max "$work/vectors"
    exit
fi
TRIAL_KERNELS=i8mm qemu-aarch64 -cpu max "$work/vectors"
build kcheck tests/kcheck/*.c src/base/quants.c
qemu-aarch64 -cpu cortex-a53 "$work/kcheck" --table portable
qemu-aarch64 -cpu cortex-a53 "$work/kcheck" --table neon
qemu-aarch64 -cpu cortex-a76 "$work/kcheck" --table dotprod
qemu-aarch64 -cpu max "$work/kcheck" --table i8mm
