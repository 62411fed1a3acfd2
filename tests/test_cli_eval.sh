#!/bin/sh
# quern eval and quern demo from end to end, on tiny models and data made up. Speaks TAP.
# usage: test_cli_eval.sh QUERN MKMODEL
# shellcheck source=tests/support/work_folder.sh
. "$(dirname "$0")/support/work_folder.sh"
"$mkmodel" tiny bare.gguf --no-prompts || exit 1
"$mkmodel" tiny other.gguf --head --type q4_0 || exit 1

is_same() { # is_same FILE: whether the last run succeeded and printed what is in it, but for its data's name and times
    [ "$status" = 0 ] && sed '1d; /a text has /d' "$1" >expected && sed '1d; /a text has /d' out | cmp -s - expected
}

differs() {
    [ "$status" = 0 ] && ! is_same "$1"
}

# ------------------------------------------------------------------ misuse
for bad in "" "sts" "sts one two" "dance file" "sts --dims 0 file" "sts --dims 64,x file" "sts --dims 64, file"; do
    # shellcheck disable=SC2086 # words are meant to be split
    run eval $bad
    check "eval $bad is misuse" [ "$status" = 2 ]
done

# ------------------------------------------------------------------ pairs
cat >pairs.jsonl <<END
{"a": "a red apple", "b": "a ripe red apple", "score": 5}
{"a": "a red apple", "b": "a red car", "score": 2.5}

{"sentence1": "the tax office", "sentence2": "a red car", "score": 0, "more": [1]}
END
printf 'a red apple\ta ripe red apple\t5\na red apple\ta red car\t2.5\nthe tax office\ta red car\t0\n' >pairs.tsv
run eval sts pairs.jsonl
check "sts prints a line for each number of dimensions" prints '^64 +-?[01]\.[0-9]{4} +-?[01]\.[0-9]{4}$'
check "sts names the task and the path" prints 'fast path, task similarity'
check "sts tells what a text takes" prints '^a text has 41\.7 tokens and takes [0-9.e-]+ ms, the model [0-9]+ MiB of memory$'
check "tf-idf ranks these pairs like people" prints '^tf-idf +1\.0000'
cp out kept
run eval sts pairs.tsv
check "fields between tabs" is_same kept
{ printf 'first\tsecond\tscore\n' && cat pairs.tsv; } >headed.tsv
run eval sts headed.tsv
check "a header" is_same kept
for file in pairs.jsonl headed.tsv; do
    { printf '\n\r\n' && cat "$file"; } >late.tsv
    run eval sts late.tsv
    check "empty lines before $file" is_same kept
done
for score in 4,5 nan '5 ' ''; do
    { printf 'x\ty\t%s\n' "$score" && cat pairs.tsv; } >wrong.tsv
    run eval sts wrong.tsv
    check "a first line with the score '$score' is no header" fails "wrong.tsv:1: the score '$score' is not a number"
done
for file in pairs.jsonl pairs.tsv; do
    { printf '\357\273\277' && sed "s/\$/$(printf '\r')/" "$file"; } >"marked-$file"
    run eval sts "marked-$file"
    check "$file with CRLF and a byte order mark" is_same kept
done
{ head -n 1 pairs.tsv && printf '\357\273\277' && tail -n +2 pairs.tsv; } >joined.tsv
run eval sts joined.tsv
check "two files with marks that were put together" is_same kept
iconv -f UTF-8 -t UTF-16 pairs.tsv >wide.tsv
run eval sts wide.tsv
check "a file in UTF-16" fails "iconv -f UTF-16"
printf '%%PDF-1.7\n' >paper.tsv
run eval sts paper.tsv
check "a file that is not text" fails "pdftotext"
tr '\n' '\r' <pairs.tsv >returns.tsv
run eval sts returns.tsv
check "lines that end with CR alone" fails "tr '\\r' '\\n'"
check "no option is named that eval does not have" sh -c "! grep -q -e --null err"
printf 'GGUF\003\000\000\000\n' >model.tsv
run eval sts model.tsv
check "a model in place of texts" fails "give it with -m"
check "nor is this one" sh -c "! grep -q -e ' -i ' err"
gzip -c pairs.jsonl >packed.jsonl.gz
run eval sts packed.jsonl.gz
check "a compressed file" is_same kept
run eval sts packed.jsonl
check "a compressed file, without .gz" is_same kept
run eval sts --exact pairs.jsonl
check "--exact" prints 'exact path'
run eval sts -t clustering pairs.jsonl
check "-t" prints 'task clustering'
run eval sts -m bare.gguf pairs.jsonl
check "a model without prompts" prints 'task none'
run eval sts --dims 64,16,3 pairs.jsonl
check "--dims" [ "$(grep -cE '^(64|16|3) ' out)" = 3 ]
run eval sts --dims 65 pairs.jsonl
check "more dimensions than the model has" fails "65"
run eval sts --json pairs.jsonl
check "--json" prints '^\{"dims":64,"spearman":-?[01]\.[0-9]{6},"pearson":-?[01]\.[0-9]{6}\},$'
check "--json: the baseline" prints '^\{"baseline":"tf-idf","spearman":1\.000000,'

bad_pairs() { # bad_pairs LINE TEXT: two good lines and this one; expects the message TEXT
    head -n 2 pairs.jsonl >bad
    printf '%b\n' "$1" >>bad
    run eval sts bad
    check "pairs: $2 ($1)" fails "bad:3: $2"
}
bad_pairs '{"a": "x", "b"' "this is not JSON"
bad_pairs '["a"]' "this is not a JSON object"
bad_pairs '{"a": "x", "b": 1, "score": 1}' 'it lacks strings'
bad_pairs '{"a": "x", "b": "y"}' 'it lacks a number'
bad_pairs '{"a": "x", "b": "y", "score": NaN}' "this is not JSON"
bad_pairs '{"a": "x", "b": "y", "score": 1e999}' "this is not JSON"
bad_pairs '{"a": "x\0377", "b": "y", "score": 1}' "this is not JSON"
bad_pairs '{"a": "x\0000", "b": "y", "score": 1}' "there is a NUL byte"
for line in 'one\ttwo' 'one\ttwo\tthree\tfour' 'one\ttwo\tnan' 'one\ttwo\tinf'; do
    { cat pairs.tsv && printf '%b\n' "$line"; } >bad
    run eval sts bad
    check "pairs: bad fields ($line)" fails "bad:4: "
done
head -n 1 pairs.jsonl >one
run eval sts one
check "a single pair" fails "at least two pairs"
: >empty
run eval sts empty
check "no pairs" fails "at least two pairs"
run eval sts nowhere
check "a missing file" fails "cannot open nowhere"
run eval sts "$work"
check "a folder" fails "$work: it is a folder; name a file in it"
tr '\n' '\r' <pairs.jsonl >old-ends
run eval sts old-ends
check "ends of lines that are CR alone" fails "convert it first: tr"
head -c 60 packed.jsonl.gz >cut.gz
run eval sts cut.gz
check "a damaged file" fails "cut.gz"

# ------------------------------------------------------------------ searches
mkdir -p beir/qrels
cat >beir/corpus.jsonl <<END
{"_id": "d1", "title": "Fruit", "text": "an apple is red"}
{"_id": "d2", "title": "", "text": "a car is fast"}
{"_id": "d3", "text": "the office is closed"}
{"_id": "q2", "text": "fast car"}
END
cat >beir/queries.jsonl <<END
{"_id": "q1", "text": "red apple"}
{"_id": "q2", "text": "fast car"}
{"_id": "q3", "text": "without an answer"}
END
printf 'query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td2\t1\n' >beir/qrels/test.tsv
run eval retrieval beir
check "BEIR: BM25 finds both" prints '^BM25 +1\.0000 +1\.0000 +1\.0000 +1\.0000 +1\.0000$'
check "BEIR: queries without an answer do not count" prints '^beir: 2 queries, 4 documents$'
check "BEIR: the tasks" prints 'tasks query and document$'
cp out kept
gzip beir/*.jsonl beir/qrels/test.tsv
run eval retrieval beir
check "BEIR: compressed" is_same kept
gunzip beir/*.gz beir/qrels/*.gz
run eval retrieval beir -t none
check "-t none changes both tasks" prints 'tasks none and none$'
run eval retrieval beir -t code
check "-t changes the task of queries" prints 'tasks code and document$'
sed 's/"title": "Fruit"/"title": "Office"/' beir/corpus.jsonl >x && cp x beir/corpus.jsonl
run eval retrieval beir --json
check "--json" prints '^\{"dims":64,"ndcg@10":[01]\.[0-9]{6},"mrr@10":.*"recall@100":1\.000000\},$'

# ------------------------------------------------------------------ searches in an index
python3 - <<'END' || exit 1
# Documents of made-up words; a query is half of the words of its document. Documents 3 and 4 are the same.
import json, os, random
random.seed(7)
def word():
    return ''.join(random.choice('abcdefghij') for _ in range(random.randint(3, 7)))
os.makedirs('made/qrels')
texts = [' '.join(word() for _ in range(8)) for _ in range(150)]
texts[4] = texts[3]
with open('made/corpus.jsonl', 'w') as corpus, open('made/queries.jsonl', 'w') as queries, \
        open('made/qrels/test.tsv', 'w') as grades:
    grades.write('query-id\tcorpus-id\tscore\n')
    for i, text in enumerate(texts):
        corpus.write(json.dumps({'_id': f'd{i}', 'text': text}) + '\n')
        if i % 3 == 0:
            queries.write(json.dumps({'_id': f'd{i}', 'text': ' '.join(text.split()[::2])}) + '\n')
            grades.write(f'd{i}\td{(i + 1) % 150}\t1\n')
END
run eval retrieval made --dims 64,32 --json
sed -n 's/^{"dims":\([0-9]*\),"ndcg@10":\([0-9.]*\),"mrr@10":\([0-9.]*\),.*"recall@10":\([0-9.]*\),.*/\1 \2 \3 \4/p' out >plain
run eval retrieval made --dims 64,32 --stored --json
sed -n 's/^{"dims":\([0-9]*\),"stored":"f32","ndcg@10":\([0-9.]*\),"mrr@10":\([0-9.]*\),"recall@10":\([0-9.]*\),.*/\1 \2 \3 \4/p' \
    out >indexed
check "--stored: float32 has the figures of a search without an index" sh -c '[ "$(wc -l <plain)" = 2 ] && cmp plain indexed'
check "--stored: certified searches find all that float32 finds" \
    [ "$(grep -c '"stored":"f32",.*"same@10":1\.000000,"scored":[0-9.]*,"bytes_per_document":[0-9.]*}' out)" = 2 ]
check "--stored: half floats nearly so" [ "$(grep -cE '"stored":"f16",.*"same@10":(1\.0|0\.9)' out)" = 2 ]
check "--stored: and are smaller" python3 -c "
import json
rows = json.load(open('out'))['results']
size = {row['stored']: row['bytes_per_document'] for row in rows if row.get('dims') == 64}
assert size['f16'] < size['f32'] <= size['bits'], size"
check "--stored: searches by words have no such figures" prints '^\{"baseline":"BM25",.*"same@10":null,"scored":null,'
run eval retrieval made --dims 64 --stored --oversampling 1 --json
check "--oversampling: so many documents are scored; the query is one" prints '"stored":"bits",.*"scored":11\.000000,'
check "--oversampling: hits are missed" prints '"stored":"bits",.*"same@10":0\.'
run eval retrieval made --dims 64 --stored --oversampling 5000
check "--oversampling: with all documents scored, none is missed" prints '^64 +bits +.* 1\.0000 +15[01]\.0 +[0-9]+$'
sed 's/"_id": "d/"_id": "q/' made/queries.jsonl >q && mv q made/queries.jsonl
sed 's/^d/q/' made/qrels/test.tsv >q && mv q made/qrels/test.tsv
TMPDIR="$work/nowhere" run eval retrieval made --stored
check "a folder for the index that is not there" fails "$work/nowhere"
mkdir tmp
TMPDIR="$work/tmp" run eval retrieval made --stored
check "--stored leaves no file" [ -z "$(ls tmp)" ]
for bad in "sts pairs.tsv --stored" "retrieval made --oversampling 3" "retrieval made --stored --oversampling 0"; do
    # shellcheck disable=SC2086 # words are meant to be split
    run eval $bad
    check "eval $bad is misuse" [ "$status" = 2 ]
done

sed 's/"_id"/"id"/; s/"title": "Fruit", //; s/"q2", "text"/"d4", "text"/' beir/corpus.jsonl >my-corpus.jsonl
cat >my-queries.jsonl <<END
{"q": "red apple", "docs": ["d1", "gone"]}
{"q": "fast car", "doc": "d4"}
END
run eval retrieval my
check "answers in the file of queries" prints '^BM25 +[01]\.[0-9]+ +1\.0000 +0\.7500 +0\.7500 +0\.7500$'
check "an answer that the corpus does not have" grep -q '1 relevant documents are not in the corpus' err
sed 's/, "doc.*}/}/' my-queries.jsonl >x && cp x my-queries.jsonl
run eval retrieval my
check "no answers" fails "my-qrels.txt"
printf '1 0 d1 2\r\n2 0 d2 1\r\n2 0 d4 -1\r\n' >my-qrels.txt
run eval retrieval my
check "TREC's grades; queries are numbered" prints '^my: 2 queries, 4 documents$'
check "the order of equal scores" prints '^BM25 +[01]\.[0-9]+ +(1\.0000|0\.7500)'

bad_search() { # bad_search FILE LINE TEXT
    cp "$1" good
    printf '%b\n' "$2" >>"$1"
    run eval retrieval my
    check "search: $3 ($2)" fails "$3"
    cp good "$1"
}
bad_search my-corpus.jsonl '{"id": "d9"}' 'my-corpus.jsonl:5: it lacks a string "text"'
bad_search my-corpus.jsonl '{"id": [], "text": ""}' 'my-corpus.jsonl:5: its id is neither'
bad_search my-corpus.jsonl '{"title": ["x"], "text": ""}' 'my-corpus.jsonl:5: its title is not a string'
bad_search my-corpus.jsonl '{"id": "d1", "text": ""}' "the id 'd1' occurs twice"
bad_search my-corpus.jsonl '{' 'my-corpus.jsonl:5: this is not JSON'
bad_search my-queries.jsonl '{"q": "x", "docs": [1.5]}' 'my-queries.jsonl:3: a relevant document is named by neither'
bad_search my-qrels.txt '1 d1' 'my-qrels.txt:4: it has 2 fields'
bad_search my-qrels.txt '1 0 d1 high' "my-qrels.txt:4: the grade 'high' is not a number"
bad_search my-qrels.txt '1 0 d1 nan' "my-qrels.txt:4: the grade 'nan' is not a number"
bad_search my-qrels.txt '9 0 d1 1' "my-qrels.txt:4: there is no query '9'"
bad_search my-qrels.txt '1 0 d1 1' "query '1' has two grades for document 'd1'"
printf '1 0 d1 1,0\n1 0 d2 1\n' >my-qrels.txt
run eval retrieval my
check "a first line with a number that is none is no header" fails "my-qrels.txt:1: the grade '1,0' is not a number"
mkdir numbers && echo '{"_id": 7, "text": "red apple"}' >numbers/corpus.jsonl
echo '{"_id": 1, "text": "apple", "docs": [7]}' >numbers/queries.jsonl
run eval retrieval numbers
check "ids that are numbers, also of relevant documents" prints '^numbers: 1 queries, 1 documents$'
mkdir numbers/qrels && ln -s nowhere numbers/qrels/test.tsv
run eval retrieval numbers
check "a link that leads nowhere is not a missing file" fails "cannot open numbers/qrels/test.tsv"
gzip -c pairs.jsonl | head -c 60 >cut.jsonl.gz
run eval sts cut.jsonl.gz
check "a compressed file that is cut off" fails "cut.jsonl.gz:1: cannot read it: unexpected end of file"
printf '1 0 d1 0\n' >my-qrels.txt
run eval retrieval my
check "no relevant document" fails "no query has a relevant document"
: >my-corpus.jsonl
run eval retrieval my
check "no documents" fails "is empty"
run eval retrieval nowhere
check "a missing folder" fails "nowhere-corpus.jsonl"
run eval retrieval pairs.jsonl
check "a file where a folder is measured" fails "pairs.jsonl is a file; a folder with corpus.jsonl"

# ------------------------------------------------------------------ several models
# agrees A B: whether the columns of the wide table are the rows of the narrow tables A and B, and their differences
agrees() {
    [ "$status" = 0 ] && awk '
        FNR == 1 { file++ }
        file < 3 && /^[0-9]/ { for (f = 2; f <= NF; f++) figure[file, $1, f - 1] = $f; expected += NF - 1; next }
        file < 3 { next }
        /^[0-9a-zA-Z]/ { dims = $1; f = 0; $1 = "" }
        dims ~ /^[0-9]+$/ && NF >= 4 {
            f++
            n = split($0, word, " ")
            difference = word[3] - word[2] - word[4]
            if (word[2] != figure[1, dims, f] || word[3] != figure[2, dims, f] || difference^2 > 0.00016^2) exit 1
            compared += 2
        }
        END { if (compared != expected || compared == 0) exit 1 }' "$1" "$2" out
}

run eval retrieval made --dims 64,32 --stored --json -m "$QUERN_MODEL" -m other.gguf
check "--stored: two models, with differences in each form" [ "$(grep -c '^{"dims":[0-9]*,"stored":"' out)" = 18 ]
run eval retrieval made --dims 64,32 --stored -m "$QUERN_MODEL" -m other.gguf
check "--stored: two models side by side" prints '^ +bits +nDCG@10 +[01]\.[0-9]{4} +[01]\.[0-9]{4} +[-+][01]\.[0-9]{4}$'
for what in "sts pairs.tsv" "retrieval beir"; do
    verb=${what% *}
    # shellcheck disable=SC2086 # words are meant to be split
    run eval $what --dims 64,32 && cp out "$verb.A"
    # shellcheck disable=SC2086
    run eval $what --dims 64,32 -m other.gguf && cp out "$verb.B"
    # shellcheck disable=SC2086
    run eval $what --dims 64,32 -m "$QUERN_MODEL" -m other.gguf
    check "$verb: two models side by side" agrees "$verb.A" "$verb.B"
    check "$verb: the files are named" prints '^B  other.gguf: .*, 64 dimensions$'
    # shellcheck disable=SC2086
    run eval $what --json --model=other.gguf -m bare.gguf --model other.gguf
    check "$verb: three in JSON" [ "$(grep -c '^{"file":"[a-z]*.gguf","model":' out)" = 3 ]
    check "$verb: a model does not differ from itself" prints '^{"dims":64(,"[a-z0-9@]+":0\.000000)+}\]}\],"baselines":\['
done
run eval sts pairs.tsv -m other.gguf -m nowhere.gguf
check "a second model that is not there" fails "nowhere.gguf"
# shellcheck disable=SC2046 # words are meant to be split
run eval sts pairs.tsv $(seq -f '-m %g' 9)
check "nine models are too many" [ "$status" = 2 ]

# ------------------------------------------------------------------ demo
run demo
check "demo ranks a dozen sentences" [ "$(grep -cE '^ *[0-9]+ +-?[01]\.[0-9]{3}  [A-Z]' out)" = 12 ]
check "demo compares them" [ "$(grep -cE '^ *[0-9]+( +-?[01]\.[0-9]{2}){12}$' out)" = 12 ]
check "demo prints the speed" prints '[0-9]+ tokens per second'
run demo "my own query"
check "demo takes a query" prints '^query: my own query$'
run demo one two
check "demo takes only one query" [ "$status" = 2 ]

echo "1..$number"
