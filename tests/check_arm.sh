#!/bin/sh
# The Arm tables under qemu, each on a CPU model that it is for: some cases of every kernel. "kernels" tries all cases
# of every kernel, compiled as for a release, and "vectors" the golden vectors with every table: both take minutes.
# usage: check_arm.sh SOURCE-ROOT [kernels|vectors]
set -eu
cd "$1"
part=${2:-some}
level=-O2 every=1
[ "$part" != some ] || level=-Og every=8 # -Og compiles in a third of the time that -O2 takes
cc=${AARCH64_CC:-aarch64-linux-gnu-gcc}
for tool in "$cc" qemu-aarch64; do
    command -v "$tool" >/dev/null || { echo "needs $tool" >&2; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # build PROGRAM ARGUMENT...
    program=$1
    shift
    "$cc" -std=c11 -D_GNU_SOURCE $level -static -ffp-contract=off -Wall -Wextra -Werror -Iinclude -Isrc \
        -o "$work/$program" "$@" src/kernels/*.c src/kernels/arm/*.c src/base/system/linux*.c src/base/system/posix.c \
        -lm -lpthread
}

if [ "$part" != vectors ]; then
    build kcheck tests/kcheck/*.c src/formats/unpack.c
    for table in portable:cortex-a53 neon:cortex-a53 dotprod:cortex-a76 i8mm:max; do
        qemu-aarch64 -cpu "${table#*:}" "$work/kcheck" --table "${table%:*}" --every $every
    done
    exit
fi

# shellcheck disable=SC2046,SC2010 # no name here has a space
build vectors -Itests -Itests/support -Itests/support/plain tests/test_embed.c tests/support/trial.c \
    tests/support/block_maker.c tests/support/merge_maker.c tests/support/model_*.c \
    tests/support/vocabulary_maker.c \
    $(ls src/*/*.c | grep -v '^src/kernels/')
qemu-aarch64 -cpu max "$work/vectors"
