#!/bin/sh
# Sets up and compiles a build directory with sanitizers, by clang.
# usage: tools/sanitized.sh DIRECTORY SANITIZERS [MESON-OPTION...]
set -eu
directory=$1
sanitizers=$2
shift 2
if [ ! -f "$directory/build.ninja" ]; then
    CC=clang meson setup "$directory" -Db_sanitize="$sanitizers" -Db_lundef=false -Doptimization=1 \
        -Dc_args="-fno-sanitize-recover=all -fno-omit-frame-pointer \
            -fsanitize-ignorelist=$PWD/tools/sanitize-ignore.txt" "$@"
fi
meson compile -C "$directory"
