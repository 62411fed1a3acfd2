#!/bin/sh
# quern run on inputs and folders that are not as they should be: no text in a record, inputs that are gone, lost files
# of a run, two runs in one folder, pipes. Speaks TAP.
# usage: test_cli_run_odd.sh QUERN MKMODEL
# shellcheck source=tests/support/work_folder.sh
. "$(dirname "$0")/support/work_folder.sh"

same() { # same A B: whether two files are there and equal
    [ -s "$1" ] && cmp -s "$1" "$2"
}
seq 1 90 | sed 's/.*/{"id": "n&", "text": "text & of many"}/' >docs.jsonl

# ------------------------------------------------------------------ what was made stays
run run docs.jsonl --id id -o kept --part-rows 40
ls kept >before
for input in nowhere.jsonl docs.jsonl/x .; do
    run run $input --id id -o kept --part-rows 40
    ls kept >after
    check "an input that cannot be read does not cost what was made ($input)" same before after
done
mv docs.jsonl away.jsonl
run run docs.jsonl --id id -o kept --part-rows 40
check "an input that is gone is named" fails "docs.jsonl"
run run status kept
check "and the run is still complete" succeeds
mv away.jsonl docs.jsonl

cp -r kept lost && rm lost/manifest.json
run run docs.jsonl --id id -o lost --part-rows 40 -d 8
check "parts without a manifest are not taken for those of this run" fails "--force"
check "and stay" test -s lost/part-00001.npy -a ! -e lost/manifest.json
run run docs.jsonl --id id -o lost --part-rows 40 -d 8 --force
check "--force makes them again" succeeds

yes '{"text": "a line that is long enough to make this file longer than what is read of it at once"}' |
    head -n 6000 >long.jsonl
run run long.jsonl -o damaged -d 1 --part-rows 2000
run run merge damaged -o damaged.npy
rm damaged/part-00002.* && cp damaged/part-00001.done done.json
for damage in '"end_offset": [0-9]*/"end_offset": 3' '"end_file": [0-9]*/"end_file": 1' \
    '"end_line": [0-9]*/"end_line": 0' '"records": [0-9]*/"records": 9000000000000000000' \
    '"end_offset": [0-9]*/"end_offset": 9000000000000000000'; do
    sed "s/$damage/" done.json >damaged/part-00001.done
    run run long.jsonl -o damaged -d 1 --part-rows 2000
    check "a .done that is wrong is an error (${damage#*/})" test "$status" = 1
done
cp done.json damaged/part-00001.done
run run long.jsonl -o damaged -d 1 --part-rows 2000
run run merge damaged -o damaged/part-00000.npy
check "merge does not write over a part" fails "is a part of damaged"
run run verify damaged
check "which stays as it was" succeeds
run run merge damaged -o mended.npy
check "with the right one the run goes on" same mended.npy damaged.npy

mkfifo pipe
"$quern" run --quiet --kind jsonl pipe --id id -o busy --part-rows 40 2>first.err &
exec 3>pipe
while [ ! -e busy/part-00000.unfinished/lock ]; do
    sleep 0.05
done
sleep 0.2
run run docs.jsonl --id id -o busy --part-rows 7 --force
check "--force does not take a folder from a run that is at work" fails "another process makes part 0"
cat docs.jsonl >&3
exec 3>&-
wait
run run merge busy -o busy.npy && run run merge kept -o kept.npy
check "which ends as if nothing had been" same busy.npy kept.npy

mkdir names && odd=$(printf 'names/caf\351.jsonl') && cp docs.jsonl "$odd"
run run names --id id -o named
check "a file may have a name that is not UTF-8" succeeds
sed 's/text/tuxt/2' docs.jsonl >"$odd"
run run names --id id -o named
check "and is known again when its bytes have changed" fails "its digest has changed"
run run docs.jsonl --id "$(printf 'i\351')" -o oddly
check "the name of a column must be UTF-8" fails "not UTF-8"

# ------------------------------------------------------------------ records without a text
printf '%s\n' '{"id": 5, "text": "a"}' '{"id": 7}' '{"id": [1], "text": "b"}' '{"id": 8, "text": "c"}' '{"id": 9}' \
    '{"text' >holes.jsonl
for shard in 2 1 0; do
    run run holes.jsonl --id id -o holes --part-rows 1 --shard $shard/3
    check "shard $shard begins with any record" succeeds
done
run run verify holes
check "and all records are accounted for" succeeds
check "a bad record has its own id, or null" python3 -c '
import glob, json
rows = [json.loads(line) for name in sorted(glob.glob("holes/*.errors.jsonl")) for line in open(name)]
assert [(row["id"], row["line"]) for row in rows] == [(7, 2), (None, 3), (9, 5), (None, 6)], rows'
run run merge holes -o merged.npy
check "merge writes what has no vector beside the vectors" test -s merged.errors.jsonl
run run docs.jsonl --id id -o whole && run run merge whole -o merged.npy
check "and leaves nothing there of what was merged before" test -s merged.npy -a ! -e merged.errors.jsonl
run run docs.jsonl -o untitled --title titel
check "a column of titles that nothing has is told" grep -qF 'no record had a title in "titel"' err
run run docs.jsonl -o titled --title id
check "and one that has some is not" sh -c '! grep -qF "no record had" err'
printf '%s\n' '{"n": 1}' '{"n": 2}' >other.jsonl
run run other.jsonl -o refused
check "a file that has no text from its beginning on is refused" fails '"n"'
printf 'id,text\n4,\n,x\n5,a,b\n' >holes.csv
run run holes.csv --id id -o csv
check "CSV: the same" python3 -c '
import json
rows = [json.loads(line) for line in open("csv/part-00000.errors.jsonl")]
assert [(row["id"], row["line"]) for row in rows] == [("", 3), (None, 4)], rows'

printf 'text\ncaf\303\251\ncaf\351\nna\357ve\n' >latin.csv
run run latin.csv -o latin
check "texts that are not UTF-8 are told" grep -qF "latin.csv:3: the text is not UTF-8; so it is with 2 records" err
{ printf '{"id":1,"text":"a"}\n{"id":2,"text":"' && yes | tr -d '\n' | head -c 68000000 && printf '"}\n{"id":3,"text":"b"}\n'; } \
    >wide.jsonl
for kind in jsonl lines; do
    run run wide.jsonl --kind $kind -o too.$kind
    check "a line of more than 64 MiB is a bad record ($kind)" \
        test "$(cat too.$kind/*.ids.jsonl | wc -l) $(grep -c '"line":2,.*64 MiB' too.$kind/*.errors.jsonl)" = "2 1"
done
run run wide.jsonl -o too.shard --part-rows 1 --shard 2/3
check "and a line that is skipped" grep -qF '{"id":2,' too.shard/part-00002.ids.jsonl
mkdir wide && mv wide.jsonl wide/b.md && echo one >wide/a.md && echo two >wide/c.md
run run wide -o too.document
check "and so is a document" grep -qF '"file":"wide/b.md","line":1,' too.document/part-00000.errors.jsonl
check "behind which the others are read" grep -qF '{"id":2,' too.document/part-00000.ids.jsonl
rm -r wide
{ printf 'text,n\nx,1\n"y,2\n' && yes 'z,3' | head -c 68000000; } >open.csv
run run open.csv -o open
check "a quote that is never closed is told with its line" fails "open.csv:3: a quote"
rm open.csv
mkdir parts && : >parts/a.csv && printf 'text,n\n' >parts/b.csv && printf 'text,n\nx,1\n' >parts/c.csv && : >parts/d.jsonl
run run parts --keep n -o parted
check "files without records are read over" grep -qF '{"id":0,' parted/part-00000.ids.jsonl

# ------------------------------------------------------------------ a part of two kernel tables
{ cat docs.jsonl docs.jsonl docs.jsonl && echo '{"id": "bad"}'; } >tables.jsonl
run run tables.jsonl -o tables --max-errors 0
check "a part is begun" test "$status" = 1 -a -d tables/part-00000.unfinished
table=$(sed 's/.*"table": "\([^"]*\)".*/\1/' tables/part-00000.unfinished/checkpoint.json)
QUERN_CPU=portable "$quern" run tables.jsonl -o tables >out 2>err
status=$?
check "and ended with another kernel table, which is told" \
    sh -c '[ "$1" = portable ] || grep -qF "made with the kernel table $1+portable" err' sh "$table"
check "by .done, too" sh -c '[ "$1" = portable ] || grep -qF "\"$1+portable\"" tables/part-00000.done' sh "$table"

# ------------------------------------------------------------------ OUT in a folder that is read
mkdir in && cp docs.jsonl in
run run in --id id -o in/out --part-rows 40 --shard 0/2
run run in --id id -o in/out --part-rows 40 --shard 1/2
check "OUT may lie in a folder that is read" succeeds
run run merge in/out -o in.npy
check "and is not read itself" same in.npy kept.npy
run run in --id id -o in
check "OUT and the input are not one folder" fails "name another one"

# ------------------------------------------------------------------ pipes
{ printf '"number, ' && sleep 0.3 && printf 'all";n;text\n1;2;hello, you\n' && sleep 0.3 && printf '2;3;and "me"\n'; } |
    "$quern" run --quiet --kind csv - --id 'number, all' --keep n -o slow 2>err
check "the separator is found in a header that comes in pieces" \
    test "$(sed 's/"tokens":[0-9]*,//' slow/part-00000.ids.jsonl | tr '\n' ' ')" \
    = '{"id":"1","n": "2"} {"id":"2","n": "3"} '
cat >unblocked.py <<'END'
import os, subprocess, sys, time
out, end = os.pipe()
os.set_blocking(out, False)
child = subprocess.Popen([sys.argv[1], "run", "--quiet", "-", "-o", "unblocked"], stdin=out)
os.close(out)
for line in (b"hello\n", b"world\n"):
    time.sleep(0.3)
    os.write(end, line)
os.close(end)
sys.exit(child.wait())
END
check "standard input may be a pipe that does not block" python3 unblocked.py "$quern"
{ gzip -c docs.jsonl && head -c 200000 /dev/zero; } >padded.jsonl.gz
run run padded.jsonl.gz --id id -o padded && run run merge padded -o padded.npy
check "zeros behind a gzip file are no damage" same padded.npy kept.npy
{ gzip -c docs.jsonl && echo more; } >more.jsonl.gz
run run more.jsonl.gz --id id -o more
check "other bytes are" fails "more.jsonl.gz is damaged"
if ! lacks zstd; then
    { printf 'P*M\030\004\000\000\000abcd' && zstd -q -c docs.jsonl; } >frames.jsonl.zst
    run run frames.jsonl.zst --id id -o frames && run run merge frames -o frames.npy
    check "a Zstandard file may begin with a frame that is skipped, as those of pzstd do" same frames.npy kept.npy
    "$quern" embed -i frames.jsonl.zst >out 2>err
    status=$?
    check "and embed tells what it is" fails "zstdcat"
fi

# ------------------------------------------------------------------ JSON
python3 -c '
print("""{"id": 1, "text": "a", "tree": %s}""" % ("[" * 40 + "]" * 40))
print("""{"id": 2, "text": "a", "tree": %s}""" % ("[" * 99 + "]" * 99))' >deep.jsonl
run run deep.jsonl --id id --keep tree -o deep
check "objects may be nested 64 levels" grep -qF '{"id":1,' deep/part-00000.ids.jsonl
check "and one that is nested deeper is not called wrong" \
    grep -qF '"reason":"it is nested deeper' deep/part-00000.errors.jsonl
echo "1..$number"
