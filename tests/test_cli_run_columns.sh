#!/bin/sh
# quern run reads files of columns that other programs wrote, with all their encodings and packings. The files are
# fuzz/corpus/column_file/{written,refused}_*: tests/columnar/write.mjs FOLDER 24 made them, and each has one byte for
# the fuzzer before it. All of them hold the same rows. Speaks TAP.
# usage: test_cli_run_columns.sh QUERN MKMODEL SOURCE-ROOT
corpus=$(realpath "$3")/fuzz/corpus/column_file
# shellcheck source=tests/support/work_folder.sh
. "$(dirname "$0")/support/work_folder.sh"

same() { # same NAME: whether its vectors, ids and kept columns are those of the rows
    [ -s "$1.npy" ] && cmp -s "$1.npy" rows.npy && cmp -s "$1.ids.jsonl" rows.ids.jsonl
}

# The rows: every third flag is set, half is n / 2, long is n % 40 times "x" and n, and a text is missing.
seq 0 23 | python3 -c '
import json, sys
words = "the quick brown fox jumps over a lazy dog by the river, naïve über 東京".split(" ")
for i in map(int, sys.stdin):
    text = None if i == 5 else " ".join(words[(i * (j + 3) + j) % len(words)] for j in range(3))
    print(json.dumps({"id": f"id-{i}", "text": text, "n": i, "half": i / 2 if i % 2 else i // 2, "flag": i % 3 == 0,
                      "long": "x" * (i % 40) + f" {i}"}))' >rows.jsonl
embed() { # embed INPUT NAME
    run run "$1" --id id --keep n,half,flag,long -o "$2.out" && run run merge "$2.out" -o "$2.npy"
}
embed rows.jsonl rows
check "23 rows have a text" test "$(wc -l <rows.ids.jsonl)" = 23

for seed in "$corpus"/written_*; do
    name=${seed##*/written_}
    tail -c +2 "$seed" >"$name"
    embed "$name" "$name.read"
    check "$name has the rows that were written" same "$name.read"
done
tail -c +2 "$corpus/refused_brotli_parquet" >brotli.parquet
run run brotli.parquet --id id -o brotli.out
check "what is packed in another way is refused by name" fails "is packed with Brotli"
printf '\177' | dd of=hyparquet_parquet bs=1 seek=172 conv=notrunc 2>dd.err # a part of the length of a text
run run hyparquet_parquet --id id -o longer.out
check "a text that is longer than its page is an error" fails "hyparquet_parquet is damaged"
printf '\377' | dd of=zstd_arrow bs=1 seek=115 conv=notrunc 2>dd.err # the number of its codec
run run zstd_arrow --id id -o codec.out
check "a codec that is not known is refused" fails "packed in a way that is not known"
echo "1..$number"
