#!/bin/sh
# tokenize, info, verify and bench from end to end, and what a terminal shows. Speaks TAP.
# usage: test_cli_measures.sh QUERN MKMODEL
# shellcheck source=tests/support/tiny_command.sh
. "$(dirname "$0")/support/tiny_command.sh"
export QUERN_MODEL="$model"

# ------------------------------------------------------------------ tokenize
run tokenize hello ''
check "tokenize: one array for each text" both exits 0 -- lines 2
keep ids
check "tokenize: the ids of an empty text" grep -qxE '\[[0-9]+,[0-9]+\]' "$work/out"
run tokenize --no-special hello ''
check "tokenize: --no-special" [ "$(sed -n 2p "$work/out")" = '[]' ]
run tokenize -f pieces hello
check "tokenize: pieces" grep -qxE '\["<bos>",("[^"]+",)+"<eos>"\]' "$work/out"
run tokenize -f pieces --parse-special --no-special '<eos>'
check "tokenize: --parse-special" [ "$(cat "$work/out")" = '["<eos>"]' ]
printf 'hello\0\0' >"$work/in"
run tokenize --null
check "tokenize: --null" same ids
printf 'hello\n\n' >"$work/lines"
run tokenize -i "$work/lines"
check "tokenize: -i" same ids
"$quern" tokenize hello >/dev/full 2>"$work/err"
status=$?
check "tokenize: a full disk" exits 1 "No space left"

# ------------------------------------------------------------------ info and verify
run info
for field in architecture types dimensions head vocabulary space kernels threads memory_bytes tokenizer activations; do
    check "info: $field" grep -q "^$field " "$work/out"
done
check "info: prompts" grep -qx 'prompt_query *task: search result | query: ' "$work/out"
check "info: the format of activations" grep -qxE 'activations *(int8|bfloat16)' "$work/out"
cp "$work/out" "$work/read"
run info --json
check "info: JSON has the same fields, and the size of the file" python3 -c '
import json, os, sys
out, read, model = sys.argv[1:]
told = json.load(open(out))
assert list(told) == [line.split()[0] for line in open(read)]
assert told["file_bytes"] == os.path.getsize(model) and told["memory_bytes"] > told["arena_bytes"] > 0' \
    "$work/out" "$work/read" "$model"
run info --json --exact --threads 1
check "info: activations in JSON" prints '"activations": "float32",'
check "info: JSON" both prints '"path": "exact"' -- prints '"threads": 1,'
check "info: pooling in JSON" prints '"pooling": "mean",'
check "info: head in JSON" prints '"head": true,'
sed 's/tokenizer.ggml.add_eos_token/tokenizer.ggml.add_eos_t0ken/' "$model" >"$work/endless.gguf"
run info -m "$work/endless.gguf"
check "a file whose texts are not closed gives a notice" exits 0 "lacks a token that closes every text"
check "which info lists, with another space" both grep -q '^notice .*add_eos_token' "$work/out" \
    -- [ "$(grep '^space' "$work/out")" != "$("$quern" info -m "$model" | grep '^space')" ]
run info --json -m "$work/headless.gguf"
check "info: notice" both exits 0 "dense head" -- prints '"notice": "'
run verify
check "verify: not the model" both exits 1 -- prints "verdict: this is not EmbeddingGemma-300M"
check "verify: what differs" prints "layers is 6, but 24"
"$mkmodel" bert "$work/bert.gguf"
run verify -m "$work/bert.gguf"
check "verify: a model that nobody knows" both exits 1 -- prints "cannot tell which published model"
run info -m "$work/bert.gguf" --as minilm
check "--as: a model of another shape" exits 1 "this is not minilm"
run info -m "$work/bert.gguf" --as mini
check "--as: no model" exits 1 "did you mean 'minilm'"

# ------------------------------------------------------------------ bench
# fields TABLE KEY...: whether every row of the table in $work/out, and there is one, has these keys in this order
fields() {
    table=$1
    shift
    pattern='^  \{'
    for key; do
        pattern="$pattern\"$key\":(\"[^\"]*\"|-?[0-9.]+|null),"
    done
    pattern="${pattern%,}\\}[],}]*\$"
    sed -n "/^\"$table\":/,/\]/{//!p;/}\]/p}" "$work/out" >"$work/rows"
    [ -s "$work/rows" ] && ! grep -vE "$pattern" "$work/rows"
}

run bench --seconds 0.001 --tokens 8,16 --batches 2x16,3x8 --threads 2 --texts "$work" --json
check "bench: JSON" both exits 0 -- [ ! -s "$work/err" ]
cp "$work/question.txt" "$work/question.kept"
for bad in "" setup "setup notes" "setup notes --text body" "notes others" "status notes others" "notes --text body" \
    "notes --again" "status --vector vector" "status -t query" "status --once" \
    "setup notes --text body --vector vector -m model" "setup notes --text body --vector vector --truncate"; do
    eval "run pg-worker $bad"
    check "pg-worker $bad is misuse" both exits 2 "quern pg-worker --help" -- silent
done
run pg-worker notes -t document -m "$model" --database "host=$work/nowhere"
check "pg-worker: no server, or no libpq" both exits 1 "PostgreSQL" -- silent
run bench --seconds 0.001 --only tokenize --texts "$work"
check "bench: texts that are there already" both exits 0 -- cmp -s "$work/question.txt" "$work/question.kept"
echo mine >"$work/question.txt"
run bench --seconds 0.001 --only tokenize --texts "$work"
check "bench: another text of this name stays" both exits 1 "question.txt is there already" \
    -- grep -qx mine "$work/question.txt"
cp "$work/question.kept" "$work/question.txt"
run bench --seconds 0.001 --tokens 8,16 --batches 2x16,3x8 --threads 2 --texts "$work" --json
check "bench: JSON that other programs can read" python3 -m json.tool "$work/out"
check "bench: system" fields system name value
check "bench: load" fields load step p50_ms min_ms bytes_per_op allocations_per_op
check "bench: memory" fields memory when anonymous_mib file_mib peak_mib
check "bench: tokenize" fields tokenize text bytes tokens ns min_ns ops_per_s mb_per_s first_mb_per_s bytes_per_op \
    allocations_per_op
check "bench: operations" fields operations operation ns min_ns p99_ns ops_per_s bytes_per_op allocations_per_op
allocating=$(sed -n '/^"tokenize"/,/^"goal"/p' "$work/out" | grep allocations | grep -vc '"allocations_per_op":0.0')
check "bench: no operation allocates" both prints '"bytes_per_op":0,"allocations_per_op":0.0' -- [ "$allocating" -eq 0 ]
check "bench: goal" fields goal goal target_ms measured_ms verdict
check "bench: latency" fields latency tokens threads p50_ms min_ms p99_ms tokens_per_s gmac_per_s of_peak
check "bench: the lengths asked for" both prints '{"tokens":8,"threads":2,' -- prints '{"tokens":16,"threads":2,'
check "bench: batches" fields batches texts tokens threads p50_ms min_ms texts_per_s tokens_per_s gmac_per_s of_peak
check "bench: the batches asked for" both prints '{"texts":2,"tokens":16,' -- prints '{"texts":3,"tokens":8,'
check "bench: threads" fields threads tokens threads p50_ms min_ms times_one
check "bench: stages" fields stages tokens stage ms share
check "bench: peaks" fields peaks what value unit
check "bench: search only when it is named" [ "$(grep -c index_build "$work/out")" -eq 0 ]
check "bench: kernels" fields kernels kernel shape ns min_ns gmac_per_s of_peak gb_per_s of_read
check "bench: the texts are kept" size 100000 "$work/markdown-100k.txt"
# How many different words of 100 KB stand there once, and how often the most frequent one does.
once=$(tr -cs A-Za-z '\n' <"$work/english-100k.txt" | sort | uniq -c | awk '$1 == 1' | wc -l)
most=$(tr -cs A-Za-z '\n' <"$work/english-100k.txt" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $1 }')
check "bench: the words are as frequent as in real texts" both [ "$once" -gt 2500 ] -- [ "$most" -gt 500 ]
export TMPDIR="$work"
run bench --only search --rows 20,300 --seconds 0.001 --json
unset TMPDIR
check "bench: indexes" fields index_build rows seconds rows_per_s
check "bench: search" fields search kind rows queries p50_ms min_ms queries_per_s ns_per_row scored recall
check "bench: the rows asked for" both prints '"rows":20,' -- prints '"rows":300,'
check "bench: no index is left" [ "$(find "$work" -name '*.qidx' | wc -l)" -eq 0 ]
mkdir "$work/own"
TMPDIR="$work/own" "$quern" bench --only search --rows 1000000 >"$work/out" 2>"$work/err" &
pid=$!
for try in $(seq 100); do
    [ ! -s "$(find "$work/own" -type f)" ] || break
    sleep 0.1
done
kill -TERM "$pid"
wait "$pid"
status=$?
check "bench: nor when a signal ends it" both exits 143 -- [ "$(find "$work/own" | wc -l)" -eq 1 ]
run bench --seconds 0.001 --only latency --tokens 8 --exact --report "$work/bench.md"
check "bench: a report" both exits 0 -- silent
check "bench: is Markdown" grep -qE '^\| tokens \| threads \| p50, ms ' "$work/bench.md"
check "bench: only the sections that were asked for" [ "$(grep -c '^## ' "$work/bench.md")" -eq 2 ]
check "bench: on the path asked for" grep -qE '^\| path +\| exact ' "$work/bench.md"
run bench -m "$model" --report "$work/nowhere/bench.md"
check "bench: a report that cannot be written fails before the measurements" exits 1 "nowhere/bench.md"
run bench -m embeddinggemma
check "bench: a published name" exits 1 "quern pull embeddinggemma"
run bench --only latency --tokens 257
check "bench: more tokens than the model takes" both exits 2 "takes 256 tokens" -- silent
for bad in "--only dance" "--only latency," "--tokens 0" "--tokens 8," "--tokens 8x" "--batches 64" "--batches 1x2," \
    "--batches ' 1x2'" "--batches 1x+2" "--seconds 0" "--seconds x" "text" "--rows 20" "--only load --rows 20" \
    "--only load --tokens 8" "--only latency --batches 1x2" "--only search --texts '$work'" \
    "--only load --json --report -"; do
    eval "run bench $bad"
    check "bench $bad is misuse" both exits 2 "quern bench --help" -- silent
done
run bench --seconds 0.001 --only tokenize --texts "$work/nowhere"
check "bench: a missing folder for texts" both exits 1 nowhere -- silent

# ------------------------------------------------------------------ on a terminal
if ! lacks script; then
    script -qec "'$quern' similarity hello world" /dev/null </dev/null >"$work/out" 2>"$work/err"
    check "a terminal gets colour" grep -q '\[38;5;' "$work/out"
    NO_COLOR=1 script -qec "'$quern' similarity hello world" /dev/null </dev/null >"$work/out" 2>"$work/err"
    check "no colour with NO_COLOR" both grep -q 1.0000 "$work/out" -- [ "$(tr -cd '\033' <"$work/out" | wc -c)" -eq 0 ]
    measured() { # measured [--quiet]: how often bench names its section on a terminal
        TERM=xterm script -qec "'$quern' bench --only load --seconds 0.001 $* >/dev/null" /dev/null </dev/null |
            grep -c 'load \.\.\.'
    }
    check "bench says what it measures" [ "$(measured)" = 1 ]
    check "but not with --quiet" [ "$(measured --quiet)" = 0 ]
    awk 'BEGIN { for (i = 0; i < 60000; i++) print "line number " i }' >"$work/many"
    script -fqec "echo \$\$ >'$work/pid'; exec '$quern' embed -t none -i '$work/many' >/dev/null" /dev/null \
        </dev/null >"$work/out" 2>&1 &
    terminal=$!
    shows() { grep -qE 'texts/s, .* %, [0-9]+:[0-9]+:[0-9]+ left' "$work/out"; }
    while kill -0 $terminal 2>/dev/null && ! shows; do
        sleep 0.05
    done
    check "progress with rate and time left" shows
    kill "$(cat "$work/pid")" 2>/dev/null
    wait $terminal 2>/dev/null
fi
echo "1..$number"
