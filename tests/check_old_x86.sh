#!/bin/sh
# The programs run on an x86-64 without AVX: newer instructions occur only in the tables that are chosen at run time.
# usage: check_old_x86.sh STATIC-LIBRARY KCHECK MKMODEL [QUERN]
set -eu
[ "$(uname -m)" = x86_64 ] || { echo "for x86-64 only" >&2; exit 77; }
library=$1
kcheck=$2
mkmodel=$3
quern=${4:-}

# "kernels_x86_avx2.c.o:     file format elf64-x86-64" begins each object of the archive.
outside=$(objdump -d --no-show-raw-insn "$library" | awk '
    /:     file format / { object = $1; objects++ }
    /^[0-9a-f]+ </ { symbol = $2 }
    object !~ /kernels_x86_/ && /%[yz]mm|\tv[a-z0-9]+ .*%xmm/ && ++found <= 5 { print object, symbol, $0 }
    END { if (!objects) print "objdump finds no objects" }')
[ -z "$outside" ] || { echo "AVX outside the tables:" >&2; echo "$outside" >&2; exit 1; }

command -v qemu-x86_64 >/dev/null || { echo "needs qemu-x86_64" >&2; exit 77; }
qemu-x86_64 -cpu Nehalem "$kcheck" --filter gemm_fast
[ -n "$quern" ] || exit 0
model=$(mktemp)
trap 'rm -f "$model"' EXIT
"$mkmodel" tiny "$model" --head
qemu-x86_64 -cpu Nehalem "$quern" embed -m "$model" 'one text' >/dev/null
qemu-x86_64 -cpu Nehalem "$quern" embed -m "$model" --exact 'one text' >/dev/null
qemu-x86_64 -cpu Nehalem "$quern" info -m "$model" | grep portable
