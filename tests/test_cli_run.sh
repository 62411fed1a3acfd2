#!/bin/sh
# quern run from end to end, on a tiny model. Speaks TAP.
# usage: test_cli_run.sh QUERN MKMODEL [KILLS]
kills=${3:-12}
# shellcheck source=tests/support/work_folder.sh
. "$(dirname "$0")/support/work_folder.sh"
trap 'umount "$work/small" 2>/dev/null; rm -rf "$work"' EXIT

same() { # same A B: whether two files are there and equal
    [ -s "$1" ] && cmp -s "$1" "$2"
}

python3 - <<'END' || exit 1
import csv, json, random
random.seed(1)
words = 'the quick brown fox jumps over a lazy dog by the river'.split()
text = lambda: ' '.join(random.choices(words, k=random.randint(3, 9)))
with open('lines.txt', 'w') as file:
    file.writelines(text() + '\n' for _ in range(300))
with open('a.jsonl', 'w') as file:
    for i in range(500):
        file.write(json.dumps({'id': f'a{i}', 'body': text(), 'n': i / 2, 'more': {'x': [i, '}']}}) + '\n')
with open('b.csv', 'w', newline='') as file:
    writer = csv.writer(file)
    writer.writerow(['n', 'id', 'body', 'more'])
    for i in range(400):
        writer.writerow([i, f'b{i}', f'"quoted", {text()}\nnext', '"' if i % 2 else ''])
open('empty.txt', 'w').close()
END

# ------------------------------------------------------------------ misuse
for bad in "run" "run lines.txt" "run -o out" "run lines.txt -o out --shard 2/2" "run lines.txt -o out --shard x" \
    "run lines.txt -o out --chunk 0" "run lines.txt -o out --chunk 8:8" "run lines.txt -o out --keep a,a" \
    "run lines.txt -o out --part-rows 0" "run lines.txt -o out -f xml" "run merge out"; do
    # shellcheck disable=SC2086 # words are meant to be split
    run $bad
    check "$bad is misuse" is_misuse
done
run run nowhere.txt -o out
check "a missing file is named" fails "nowhere.txt"
printf '[]\n' >list.json
run run list.json -o out
check "a .json file is refused with the way out" fails "--kind jsonl"
run run a.jsonl -o fields --text nobody
check "a missing field is named, and the fields that are there" fails '"id", "body", "n", "more"'
run run b.csv -o fields --text nobody
check "a missing column is named, and the columns that are there" fails '"n", "id", "body", "more"'
run run lines.txt -o fields
check "a run that did nothing does not bind the next one" succeeds

# ------------------------------------------------------------------ vectors, ids and columns
run run lines.txt -o lines --part-rows 128
check "lines are embedded" succeeds
run run merge lines -o lines.npy
check "the parts become one file" succeeds
"$quern" embed --quiet -f npy -i lines.txt -o embed.npy
check "the vectors are those of embed, bit for bit" same lines.npy embed.npy
check "an id is the number of the record" grep -q '^{"id":299,' lines.ids.jsonl

sed 's/^/find: /' lines.txt >found.txt
run run lines.txt -o prompted --prompt 'find: '
check "a prompt of one's own stands before every text" succeeds
run run merge prompted -o prompted.npy
"$quern" embed --quiet -t none -f npy -i found.txt -o found.npy
check "the vectors are those of the texts with the prompt" same prompted.npy found.npy
check "the manifest has the prompt" grep -qF '"prompt": "find: "' prompted/manifest.json
run run lines.txt -o prompted --prompt 'seek: '
check "another prompt is another run" fails "prompt"
run run lines.txt -o titled --prompt 'find: ' --title id
check "--prompt and --title" is_misuse

run run b.csv a.jsonl --id id --text body --keep n,more -o both --part-rows 250
check "files of two kinds are embedded" succeeds
check "a column of JSON is passed on as it is" grep -qF '"n": 10.5, "more": {"x": [21, "}"]}}' both/part-00000.ids.jsonl
check "a column of CSV is passed on as a string" grep -qF '{"id":"b1","tokens"' both/part-00002.ids.jsonl
run run merge both -o both.npy
check "all ids are there, in the order of the files" python3 -c '
import json
ids = [json.loads(line)["id"] for line in open("both.ids.jsonl")]
assert ids == [f"a{i}" for i in range(500)] + [f"b{i}" for i in range(400)]'
run run verify both
check "verify finds nothing wrong" prints "is complete"
run run status both --json
check "status as JSON" prints '"complete":true,"parts_done":4,"parts_begun":0,"parts":4,"records_done":900,"records":900'

# ------------------------------------------------------------------ packed files, marks and standard input
gzip -k lines.txt
run run lines.txt.gz -o gz && run run merge gz -o gz.npy
check "gzip is unpacked" same gz.npy embed.npy
head -c 4000 lines.txt | gzip >two.gz && tail -c +4001 lines.txt | gzip >>two.gz
run run --kind lines two.gz -o gz2 && run run merge gz2 -o gz2.npy
check "a gzip file may have two members" same gz2.npy embed.npy
head -c 600 lines.txt.gz >cut.gz
run run --kind lines cut.gz -o cut
check "a gzip file that ends too early is an error" fails "ends too early"
run run --kind lines cut.gz -o cut --shard 1/2 --part-rows 1000
check "even in records that another shard has" fails "ends too early"
{ printf '\357\273\277' && sed 's/$/\r/' lines.txt; } >crlf.txt
run run crlf.txt -o crlf && run run merge crlf -o crlf.npy
check "a mark of UTF-8 and CRLF are read over" same crlf.npy embed.npy
"$quern" run --quiet - -o stdin <lines.txt && run run merge stdin -o stdin.npy
check "standard input is read" same stdin.npy embed.npy
iconv -f UTF-8 -t UTF-16 lines.txt >wide.txt
run run wide.txt -o wide
check "UTF-16 is refused with the way out" fails "iconv"
mkdir -p notes/inner && printf '# One\n\nText.\n' >notes/b.md && printf 'Two.\n' >notes/inner/a.txt && : >notes/x.bin
run run notes -o notes.out --chunk 16
check "a folder of documents is embedded" succeeds
check "what is not read is named" grep -qF "notes/x.bin" err
check "a chunk has its place" grep -q '"chunk":0,"begin":0,"end":' notes.out/part-00000.ids.jsonl
mkdir -p tree/inner && printf 'One.\n' >tree/a.txt && ln -s .. tree/inner/up && ln -s ../a.txt tree/inner/b.txt
run run tree -o tree.out
check "links to files are read, and those to folders are not followed" \
    sh -c 'test "$(cat tree.out/part-*.ids.jsonl | wc -l)" = 2'

# ------------------------------------------------------------------ formats
run run lines.txt -o js -f jsonl --part-rows 77 && run run merge js -o js.jsonl
check "JSON lines hold the same numbers" python3 -c '
import json, struct
rows = [json.loads(line)["embedding"] for line in open("js.jsonl")]
floats = open("embed.npy", "rb").read()[128:]
assert b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows) == floats'
for dtype in f16 int8 binary; do
    run run lines.txt -o $dtype --dtype $dtype -d 8 --part-rows 100 && run run merge $dtype -o $dtype.npy
    check "npy of $dtype" grep -aqE "'shape': \(300, $([ $dtype = binary ] && echo 1 || echo 8)\)" $dtype.npy
    run run lines.txt -o j$dtype -f jsonl --dtype $dtype -d 8 --part-rows 90 && run run merge j$dtype -o j$dtype.jsonl
    check "JSON lines of $dtype hold the same bytes" python3 -c "
import base64, json
rows = b''.join(base64.b64decode(json.loads(line)['embedding']) for line in open('j$dtype.jsonl'))
assert rows == open('$dtype.npy', 'rb').read()[128:]"
done

# A file of columns holds the vectors one behind the other: up to 65,536 rows of them.
for format in arrow parquet; do
    for dtype in f32 f16 int8 binary; do
        run run a.jsonl --id id --text body --keep n,more -o c$dtype.$format -f $format --dtype $dtype -d 8 \
            --part-rows 120
        run run merge c$dtype.$format -o c$dtype.$format.$format
        run run a.jsonl --id id --text body --keep n,more -o d$dtype.$format -f $format --dtype $dtype -d 8 \
            --part-rows 500
        check "$format of $dtype: merged parts are one part" \
            same c$dtype.$format.$format d$dtype.$format/part-00000.$format
        run run a.jsonl --id id --text body -o n$dtype.$format --dtype $dtype -d 8
        run run merge n$dtype.$format -o n.npy
        check "$format of $dtype holds the same bytes" python3 -c "
assert open('n.npy', 'rb').read()[128:] in open('c$dtype.$format.$format', 'rb').read()"
    done
    run run verify cf32.$format
    check "verify reads $format" prints "is complete"
    printf 'a0' | dd of=cf32.$format/part-00001.$format bs=1 seek=70 conv=notrunc 2>dd.err
    run run verify cf32.$format
    check "and finds a byte that has changed" grep -qF "another checksum" err
    printf 'XXXX' | dd of=cf32.$format/part-00000.$format bs=1 conv=notrunc 2>dd.err
    run run verify cf32.$format
    check "and goes on behind a file of $format that cannot be read" \
        sh -c 'grep -qF "part-00000.$1 is neither" err && grep -qF "part-00001.$1 has another" err' sh $format
    run run a.jsonl --id id --text body --keep tokens -o twice.$format -f $format
    check "two columns of $format with one name are refused" fails '"tokens"'
    run run empty.txt -o none.$format -f $format && run run merge none.$format -o none.merged.$format
    check "a file of $format may have no rows" test -s none.merged.$format
done

# ------------------------------------------------------------------ files of columns as input
run run a.jsonl --id id --text body -o plain && run run merge plain -o plain.npy
for format in arrow parquet; do
    run run a.jsonl --id id --text body --keep body,n -o made.$format -f $format
    cp made.$format/part-00000.$format x.$format
    run run x.$format --id id --text body --keep tokens,n -o read.$format --part-rows 77
    run run merge read.$format -o r.npy
    check "$format is read" same r.npy plain.npy
    check "$format: ids and columns are passed on" grep -qF '{"id":"a3","tokens"' read.$format/part-00000.ids.jsonl
    check "$format: numbers stay numbers" grep -qE '"tokens": [0-9]+, "n": "1.5"' read.$format/part-00000.ids.jsonl
    cp x.$format hidden.bin
    run run hidden.bin --id id --text body -o hidden.$format && run run merge hidden.$format -o r.npy
    check "$format is recognised by its first bytes" same r.npy plain.npy
    for shard in 1 0; do
        run run x.$format --id id --text body -o shard.$format --part-rows 30 --shard $shard/2
    done
    run run merge shard.$format -o r.npy
    check "$format: two shards give the same bytes" same r.npy plain.npy
    run run x.$format --text embedding -o refused
    check "$format: a list is no text" fails "lists"
    run run x.$format --text nobody -o refused
    check "$format: a missing column is named, and those that are there" \
        fails '"id", "tokens", "body", "n", "embedding"'
    run run x.$format --text tokens -o refused
    check "$format: a column of numbers is no text" fails "does not hold texts"
    head -c 9000 x.$format >cut.$format
    run run cut.$format --text body -o refused
    check "$format: a file that ends too early is an error" fails "ends too early"
    "$quern" run --kind $format - --text body -o refused <x.$format >out 2>err
    status=$?
    check "$format: standard input is refused with the way out" fails "name the file"
    run run lines.txt --kind $format -o refused
    check "$format: another file is refused" fails "neither"
done

# ------------------------------------------------------------------ bad records
cat >bad.jsonl <<'END'
{"text": "good", "id": 1}
{"text": "cut
{"text": 7, "id": 3}
{"id": 4, "text": "x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x"}
[1]
{"text": "no id"}

{"text": "last", "id": 7}
END
run run bad.jsonl --id id -o bad
check "bad records do not end a run" succeeds
check "the good ones have vectors" grep -q '^{"id":7,' bad/part-00000.ids.jsonl
check "the bad ones are listed with place and reason" python3 -c '
import json
rows = [json.loads(line) for line in open("bad/part-00000.errors.jsonl")]
assert [row["line"] for row in rows] == [2, 3, 4, 5, 6], rows
assert all(row["file"] == "bad.jsonl" and row["reason"] for row in rows)'
run run bad.jsonl --id id -o limit --max-errors 3
check "more errors than allowed end the run" fails "--max-errors 3"
run run bad.jsonl --id id -o limit --max-errors 5
check "with a higher number it goes on" succeeds
printf 'a,text\n1,x\n1,x,y\n' >short.csv
run run short.csv -o short
check "a record with too many fields is bad" grep -qF '3 fields' short/part-00000.errors.jsonl

# ------------------------------------------------------------------ going on
run run a.jsonl --id id --text body -o both
check "another input is refused" fails "another folder"
run run b.csv a.jsonl --id id --text body --keep n -o both
check "other columns are refused" fails "keep"
cp b.csv kept.csv && printf '9,z,new,\n' >>b.csv
run run b.csv a.jsonl --id id --text body --keep n,more -o both --part-rows 250
check "an input that has changed is refused" fails "its size has changed"
run run b.csv a.jsonl --id id --text body --keep n,more -o both --part-rows 250 --force
check "--force begins again" succeeds
cp kept.csv b.csv

go_on() { # go_on OUT: the run that is killed, in the place of the shell
    exec "$quern" run --quiet b.csv a.jsonl --id id --text body --keep n,more -o "$1" --part-rows 190 >out 2>err
}
(go_on once) && run run merge once -o once.npy
number_of_kills=0
while [ $number_of_kills -lt "$kills" ]; do
    go_on killed &
    process=$!
    sleep "0.0$((number_of_kills % 8))"
    kill -9 $process 2>/dev/null
    wait $process 2>/dev/null
    number_of_kills=$((number_of_kills + 1))
done
(go_on killed) && run run merge killed -o killed.npy
check "a run that was killed $kills times gives the same bytes" same killed.npy once.npy
check "and the same ids" same killed.ids.jsonl once.ids.jsonl
for file in once/part-*.done; do
    same "$file" "killed/${file#once/}" || echo differs >different
done
check "and the same records of parts" test ! -e different
check "and leaves no unfinished part" sh -c '! ls -d killed/*.unfinished'

mkfifo slow
cp lines.txt grows.txt
"$quern" run --kind lines grows.txt slow -o grows >out 2>err &
process=$!
exec 3>slow # from here on the run has found its files
while [ ! -e grows/part-00000.unfinished ] && kill -0 $process; do
    sleep 0.1
done
run run --kind lines grows.txt slow -o grows
check "two processes do not make one part" fails "another process makes part 0"
echo "a new line" >>grows.txt
exec 3>&-
wait $process
status=$?
run_error=$(cat err)
check "an input that changes while it is read is an error" \
    test "$status" = 1 -a "$run_error" != "${run_error#*grows.txt has changed while}"
run run verify grows
check "and the result does not count as complete" test "$status" = 1

mkfifo pipe
"$quern" run --kind lines pipe -o stopped >out 2>err &
process=$!
exec 3>pipe
head -n 100 lines.txt >&3
sleep 1
kill -TERM $process
head -n 300 lines.txt | tail -n 200 >&3
exec 3>&-
wait $process
status=$?
check "SIGTERM ends a run with exit code 75" test $status = 75
check "and a message that tells what to do" grep -qF "The same command goes on" err

for shard in 0 1 2; do
    "$quern" run --quiet b.csv a.jsonl --id id --text body --keep n,more -o shards --part-rows 70 --shard $shard/3 \
        2>err &
done
wait
run run merge shards -o shards.npy
check "three shards with other parts give the same bytes" same shards.npy once.npy
check "three shards give the same ids" same shards.ids.jsonl once.ids.jsonl
SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=4 SLURM_ARRAY_TASK_STEP=3 \
    "$quern" run lines.txt -o slurm --part-rows 100 2>err
check "the shard comes from the scheduler" sh -c 'ls slurm/part-00001.done && ! ls slurm/part-00000.done'
run run status slurm
check "status of a part of the shards" test "$status" = 1
run run merge slurm -o slurm.npy
check "what is not complete is not merged" fails "part 0 of 3 is not done"
RANK=5 WORLD_SIZE=2 "$quern" run lines.txt -o rank >out 2>err
status=$?
check "a shard that is none of them is misuse" is_misuse

# ------------------------------------------------------------------ damage
printf 'x' | dd of=once/part-00001.npy bs=1 seek=500 conv=notrunc 2>dd.err
run run verify once
check "verify finds a byte that has changed" test "$status" = 1
check "and names the file" grep -qF "once/part-00001.npy has another checksum" err
rm once/part-00002.done once/part-00001.done
run run b.csv a.jsonl --id id --text body --keep n,more -o once --part-rows 190
check "parts without .done are made again" succeeds
run run merge once -o again.npy
check "to the same bytes" same again.npy killed.npy
sed '1,2d' killed/part-00000.ids.jsonl >x && mv x killed/part-00000.ids.jsonl
run run verify killed
check "verify finds missing ids" grep -qF "part-00000.ids.jsonl has" err
printf '{"id":1,"text":"a"}\n{"id":1,"text":"b"}\n' >twice.jsonl
run run twice.jsonl --id id -o twice && run run verify twice
check "verify finds an id that is there twice" grep -qF "1 rows have an id" err
sed -i 's/"records": *2/"records":1/' twice/part-00000.done
run run verify twice
check "verify finds a part of too few records" grep -qF "part 0 is of 1 records, and should be of 2" err

# ------------------------------------------------------------------ full disk
(ulimit -f 16 && "$quern" run --quiet lines.txt -o full) >out 2>err
status=$?
check "a full disk is an error that names the folder" fails "cannot write to full"
run run lines.txt -o full && run run merge full -o full.npy
check "and the run goes on when there is room" same full.npy embed.npy
mkdir small
if mount -t tmpfs -o size=64k tmpfs small 2>/dev/null; then # it is root who runs the tests
    run run lines.txt -o small/vectors
    check "a full file system is an error that names the folder" fails "cannot write to small/vectors"
    mount -o remount,size=4m small
    run run lines.txt -o small/vectors && run run merge small/vectors -o small.npy
    check "and the run goes on when it is larger" same small.npy embed.npy
    umount small
fi
run run empty.txt -o nothing
check "an empty file is done at once" succeeds
run run verify nothing
check "and complete" prints "is complete"
echo "1..$number"
