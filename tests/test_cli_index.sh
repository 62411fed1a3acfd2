#!/bin/sh
# quern index and quern search from end to end, on a tiny model. Speaks TAP.
# usage: test_cli_index.sh QUERN MKMODEL
# shellcheck source=tests/support/work_folder.sh
. "$(dirname "$0")/support/work_folder.sh"
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT

"$mkmodel" tiny other.gguf --head --seed 5 2>/dev/null || "$mkmodel" tiny other.gguf || exit 1

says() { # says TEXT: whether the last run succeeded and said so
    [ "$status" = 0 ] && grep -qF -- "$1" err
}
# fact NAME: the number of that name in the JSON that the last run has printed
fact() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" out; }
has() { # has "NAME NUMBER ...": whether the last run succeeded with these facts
    [ "$status" = 0 ] || return 1
    # shellcheck disable=SC2086 # words are meant to be split
    set -- $1
    while [ $# -gt 1 ]; do
        [ "$(fact "$1")" = "$2" ] || return 1
        shift 2
    done
}
# rows INDEX FILE: the passages of an index, sorted, without the folder: "ID TEXT SCORE", one a line
rows() {
    "$quern" search -q --no-mark --json -k 10000 "$1" 'red apple' >rows.json && python3 - "$PWD" >"$2" <<'END'
import json, sys
for hit in sorted(json.load(open('rows.json', encoding='utf-8'))['hits'], key=lambda hit: hit['id']):
    print(ascii(hit['id'].replace(sys.argv[1] + '/', '')), ascii(hit['text']), hit['score'])
END
}
same_rows() { # same_rows A B: whether two indexes hold the same
    rows "$1" rows.a && rows "$2" rows.b && [ -s rows.a ] && cmp -s rows.a rows.b
}

# ------------------------------------------------------------------ misuse
mkdir notes
printf '# Plants\n\nRoots take water.\n' >notes/plants.md
for bad in "index" "index notes" "index notes -o x --chunk 0" "index -o nothing.qidx" "index --remove -o x" \
    "index notes -o x --dtype int8" "search" "search x" "search x a b" "search x a -k 0" "search x --vectors y z" \
    "search x a --hybrid --least 0.3" "search x a --least much" "search x --vectors y --path z" \
    "search x --vectors y --hybrid" "search x --vectors y --full" "search x --vectors y --no-mark" \
    "search x --vectors y --as none" "search x --vectors y -m z" "search x --vectors y --exact" \
    "index notes -o x --ids y" "index notes -o x -f npy" "index notes -o x --null" "index notes -o x --space y" \
    "index notes -o x --remove --chunk 9" "index notes -o x --remove --exact" "index notes -o x --remove --force" \
    "index info x --bits" "index check x --json" "index compact x -o y" "index import x -o y -d 9" \
    "index import x -o y --watch" "index export x -o y --ids z" "index export x -o y --bits"; do
    # shellcheck disable=SC2086 # words are meant to be split
    run $bad
    check "$bad is misuse" is_misuse
done
run index nowhere -o x.qidx
check "a missing folder is named" fails "cannot read nowhere"
run search nowhere.qidx query
check "a missing index is named" fails "nowhere.qidx"
mkdir empty
run index empty -o x.qidx
check "an empty folder makes no index" fails "nothing to index"
run index notes -o nofolder/x.qidx
check "the index's folder must be there" fails "nofolder/x.qidx"

# ------------------------------------------------------------------ a folder with all sorts of files
python3 - <<'END' || exit 1
import json, os
words = 'roots take water from the soil and leaves make sugar of light'.split()
def text(seed, count):
    return ' '.join(words[(seed * 7 + i * i) % len(words)] for i in range(count))
os.makedirs('notes/deep/er')
open('notes/long.txt', 'w').write('\n\n'.join(text(i, 40) + '.' for i in range(30)))
open('notes/deep/code.c', 'w').write('int one(void)\n{\n\n    return 1;\n}\n\nint two(void)\n{\n    return 2;\n}\n')
open('notes/deep/er/empty.txt', 'w').close()
open('notes/deep/er/white.txt', 'w').write(' \n\n ')
open('notes/picture.png', 'wb').write(b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR')
open('notes/zeros', 'wb').write(b'text\0more')
open('notes/latin1.txt', 'wb').write(b'caf\xe9 au lait')
with open('notes/records.jsonl', 'w') as file:
    for i in range(20):
        file.write(json.dumps({'text': text(i, 9), 'name': f'n{i}'}) + '\n')
open('notes/table.csv', 'w').write('a,b\n1,2\n')
open('notes/.hidden.md', 'w').write('hidden')
os.makedirs('notes/.git')
open('notes/.git/config.txt', 'w').write('hidden')
os.symlink('plants.md', 'notes/a-link.md')
os.symlink('.', 'notes/loop')
os.symlink('nowhere', 'notes/dangling')
os.mkfifo('notes/pipe')
for name in (b'new\nline.txt', b'tab\t.md', b'\xff\xfe.txt', b'-o', b'a#b#2', b'quote"\\.txt', b' ', b'\xe2\x80\xae.md'):
    open(b'notes/' + name, 'w').write('file of an odd name')
END
run index notes -o notes.qidx --chunk 64 --json
check "a folder becomes an index" has "files 16 new 18 changed 0 removed 0 not_text 2 failed 0"
check "the index is whole" test "$(fact passages)" -gt 60
mkdir one
echo 'one text' >one/one.txt
printf 'a\0b' >one/no-text
run index one -o one.qidx
check "one is told as one" says "one.qidx has 1 passage of 1 file: 2 new, 0 changed, 0 removed; embedded 1 passage"
check "also of files without text" says "skipped 1 file without text: one/no-text"
run index notes -o notes.qidx
cp notes.qidx before.qidx
run index notes -o notes.qidx
check "a second run says that nothing has changed" says "nothing has changed"
check "a second run writes nothing" cmp -s notes.qidx before.qidx
run index -o notes.qidx -m tiny.gguf --json
check "without arguments, the same folder is looked at" has "files 16 new 0 embedded 0"
check "files that are no text are counted" has "not_text 2"
run index "$work/notes/../notes/" -o notes.qidx
check "another way to name the folder is the same folder" says "nothing has changed"
rows notes.qidx rows.txt
check "a text of bytes that are not UTF-8 is found" grep -q 'caf.* au lait' rows.txt
check "a name with a newline is found" grep -q 'new.*nline.txt#0' rows.txt
check "a link is not followed twice" test "$(grep -c 'Roots take water' rows.txt)" = 1
check "hidden files are left out" test "$(grep -c hidden rows.txt)" = 0
check "records are rows" test "$(grep -c 'records.jsonl#' rows.txt)" -ge 20
check "a table without a column of texts is plain text" grep -q "table.csv#0' 'a,b" rows.txt

# ------------------------------------------------------------------ what cannot be read, once and again
mkdir records
printf '{"text":"one"}\n{"no":1}\nrubbish\n{"text":"two"}\n' >records/a.jsonl
printf 'text,b\none,1\ntwo\n' >records/b.csv
run index records -o records.qidx
check "a record without text is told, and is no failure" says \
    "records/a.jsonl:2: the record is skipped, and so are 1 more: its \"text\" is missing, not a string"
check "of a file with one, too" says "records/b.csv:3: the record is skipped: it has 1 fields"
check "records without text are counted" says "skipped 3 records without text, such as records/a.jsonl:2"
run index records -o records.qidx
check "a run without changes tells of them again" says "skipped 3 records without text, such as records/a.jsonl:2"
run index records -o records.qidx --json
check "and so does the JSON" has "files 2 bad_records 3 failed 0"
run index info records.qidx
check "and info" prints '^files +2, and 0 without text; 3 records without text$'
echo '{"text":"one"}' >records/a.jsonl
run index records -o records.qidx
check "records that are mended are forgotten" says "skipped 1 record without text: records/b.csv:3"

printf 'PAR1junkPAR1' >records/c.parquet
run index records -o records.qidx
check "a file that cannot be read is a failure" fails "records/c.parquet is damaged"
cp records.qidx before.qidx
run index records -o records.qidx --json
check "and one again" test "$status" = 1
check "but no change" grep -q '"new":0,"changed":0,.*"failed":1,.*"written":false' out
check "so the index does not grow" cmp -s records.qidx before.qidx

mkdir own
echo 'words beside the index' >own/index.md
run index own -o own/index --json
echo 'half an index' >own/index.part
run index own -o own/index --json
check "an index in the folder is left out, and a file whose name only begins like it is not" has "files 1 new 0 not_text 0"

# ------------------------------------------------------------------ scores, beside a search in Python
run search notes.qidx 'roots and leaves' --json -k 5 -q
cp out found.json
cat >compare.py <<'END'
import json, subprocess, sys
found = json.load(open('found.json', encoding='utf-8'))
assert found['certified'] and len(found['hits']) == 5
def embed(*arguments):
    out = subprocess.run([sys.argv[1], 'embed', '-q', *arguments], capture_output=True, check=True).stdout
    return json.loads(out)['embedding']
query = embed('-t', 'query', 'roots and leaves')
for hit in found['hits']:
    title = ['--title', hit['title']] if hit['title'] else []
    row = embed('-t', 'document', *title, hit['text'])
    score = sum(a * b for a, b in zip(query, row))
    assert abs(score - hit['score']) < 1e-5, (score, hit)
    assert hit['best'] in hit['text']
    lines = open(hit['path'], encoding='latin1').read()
    if hit['path'].endswith('.txt'):
        assert lines.encode('latin1')[hit['begin']:hit['end']].decode() == hit['text'], hit
        assert lines[:hit['begin']].count('\n') + 1 == hit['line'], hit
assert [hit['score'] for hit in found['hits']] == sorted((hit['score'] for hit in found['hits']), reverse=True)
END
check "scores, places and texts are those of the files" python3 compare.py "$quern"
run search notes.qidx 'roots' -k 2
check "hits have their file, line and score" prints '^notes/.*:[0-9]+  -?[0-9]\.[0-9]{4}'
(cd notes && "$quern" search -q ../notes.qidx 'roots' -k 1) >out
check "paths are shown from the current folder" sh -c '! grep -q "^notes/" out'
run search notes.qidx 'roots' --least 2
check "--least leaves out what is below" says "nothing was found"
run search notes.qidx 'water' --path plants.md --path 'no*ere' --json
check "--path finds in the files that are named" prints '"path":"[^"]*/plants.md"'
check "and in no others" sh -c '[ "$(grep -c "\"path\"" out)" = "$(grep -c "/plants.md\"" out)" ]'
run search notes.qidx 'water' --path nowhere
check "a path that is not there finds nothing" says "nothing was found"
run search notes.qidx 'water' --path ''
check "an empty path is misuse" is_misuse
run search notes.qidx 'n7' --hybrid -k 3 --json
check "--hybrid joins two searches" prints '"hits":'
run search notes.qidx 'two' --hybrid -k 1
check "a word that one file has decides" prints 'deep/code.c:'
run search notes.qidx 'x' --fast
check "--fast needs bits" fails "notes.qidx has no bits, which --fast needs"
run search notes.qidx 'x' --oversampling 9
check "--oversampling goes with --fast" is_misuse
run index notes -o notes.qidx --bits
check "--bits is refused where there are none" fails "without --bits; --force"
run index notes -o notes.qidx --dtype f16
check "so is another --dtype" fails "has vectors of f32, not f16; --force"
run search notes.qidx 'x' -m other.gguf
check "another model is refused" fails "space"
run index notes -o notes.qidx -m other.gguf --json
check "another model is refused by index, too" test "$status" = 1
printf '%s' '# now' >>notes/plants.md
run index notes -o notes.qidx -m other.gguf
check "the refusal says what to do" fails "--force"

# ------------------------------------------------------------------ changes
run index -o notes.qidx --json
check "a file that has changed is embedded again" has "new 0 changed 1 removed 0"
touch notes/long.txt
run index -o notes.qidx --json
check "a file that was only touched is not" has "changed 0 embedded 0"
echo '{"text": "one more record"}' >>notes/records.jsonl
run index -o notes.qidx --json
check "of a file that grew, only the new passage is embedded" has "changed 1 embedded 1"
mv notes/long.txt notes/moved.txt
rm notes/table.csv
run index -o notes.qidx --json
check "what is gone is removed" has "new 1 removed 2"
head -n 3 notes/records.jsonl >shorter && mv shorter notes/records.jsonl
run index -o notes.qidx --json
check "of a file that became shorter, the vectors stay" has "changed 1 embedded 0"
"$quern" index -q notes -o fresh.qidx --chunk 64 || exit 1
check "the index is the same as one that is made anew" same_rows notes.qidx fresh.qidx
run index notes/deep -o notes.qidx --remove --json
check "--remove takes a folder out" has "new 0 embedded 0"
check "and says that it will come back" says "notes/deep is in $PWD/notes, so the next run takes it again"
run index nowhere -o notes.qidx --remove
check "and tells what was not there" says "the index has nothing of $PWD/nowhere"
rows notes.qidx rows.txt
check "its passages are gone" sh -c '! grep -q deep/ rows.txt'
run index notes -o notes.qidx --chunk 40 --json
check "other chunks are cut anew" test "$(fact changed)" -gt 5
run index notes -o notes.qidx -m other.gguf --force --json
check "--force makes the index anew" has "changed 0 removed 0"
run search notes.qidx 'x'
check "the index names its model" succeeds
run index notes/plants.md -o small.qidx --dtype f16 --bits -d 16 --json
check "an index of one file, of few half floats and bits" has "files 1"
run search small.qidx 'x' --fast --json
check "--fast says that it is not certified" prints '"certified":false'
if [ "$(id -u)" != 0 ]; then
    chmod 000 notes/moved.txt
    echo again >>notes/plants.md
    run index -o notes.qidx
    check "a file that cannot be read is told" fails "moved.txt"
    rows notes.qidx rows.txt
    check "and its passages stay" sh -c 'test "$(grep -c moved.txt rows.txt)" -gt 5'
    chmod 644 notes/moved.txt
fi

# ------------------------------------------------------------------ vectors of others
/usr/bin/python3 - <<'END' && has_numpy=1 || has_numpy=0
import numpy
query = [1.0] + [0.0] * 15
numpy.save('queries.npy', numpy.array([query, query[::-1]], dtype='<f4'))
END
if [ $has_numpy = 1 ]; then
    run search small.qidx --vectors queries.npy -k 1
    check "a line for each query" sh -c 'test "$(wc -l <out)" = 2'
    check "with hits, certainty and work" prints '^\{"query":1,"hits":\[\{"id":".*plants.md#0","score":[-0-9.e]*\}\],"certified":true,"rescored":[0-9]+\}$'
    /usr/bin/python3 -c "
import numpy
rows = numpy.ones((100, 16), '<f4')
rows[70, 3] = numpy.nan
numpy.save('nan.npy', rows)"
    run search small.qidx --vectors nan.npy
    check "a query that is no vector is told by its row" grep -q "nan.npy, row 70: the query has a number" err
    run search fresh.qidx --vectors queries.npy
    check "vectors of other dimensions are refused" fails "16 dimensions"
fi

# ------------------------------------------------------------------ import, export, info, check, compact
run index info fresh.qidx
check "info tells model and files" prints '^model +.*tiny.gguf$'
run index info fresh.qidx --json
check "and does so as JSON" has "files 15 not_text 2 chunk 64 removed 0"
run index check fresh.qidx
check "check reads all of it" prints "is whole"
cp fresh.qidx damaged.qidx
python3 -c "
import os
with open('damaged.qidx', 'r+b') as file:
    file.seek(6000)
    byte = file.read(1)
    file.seek(6000)
    file.write(bytes([byte[0] ^ 1]))"
run index check damaged.qidx
check "check finds damage" fails "damaged"
python3 - <<'END'
import struct
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }"
header += ' ' * (117 - len(header)) + '\n'
open('bad.npy', 'wb').write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() +
                           struct.pack('<3f', 1, float('nan'), 1))
END
run index import bad.npy -o bad.qidx
check "a vector that is none is told by its row" fails "bad.npy, row 1: the vector has a number that is not finite"
run search notes.qidx ''
check "an empty query is misuse" is_misuse
for bad in "index import x.npy" "index export fresh.qidx" "index export fresh.qidx -f xml -o x" \
    "index export fresh.qidx -o -" "index export fresh.qidx -f fvecs -o /dev/null"; do
    # shellcheck disable=SC2086 # words are meant to be split
    run $bad
    check "$bad is misuse" is_misuse
done
check "and no file of ids is left where there is none of vectors" sh -c 'test ! -e -.ids.txt && test ! -e /dev/null.ids.txt'
run index export fresh.qidx -o newline.npy
check "an id with a newline is refused without --null" fails "--null"
check "and leaves no file" sh -c 'test ! -e newline.npy && test ! -e newline.ids.txt'
for name in b d e; do
    case $name in
    b) run index export fresh.qidx -o b.npy --null ;;
    d) run index import b.npy --ids b.ids.txt --null -o d.qidx ;;
    e) run index export d.qidx -o e.npy --null ;;
    esac
    check "an export can be imported, and exported ($name)" succeeds
done
check "with the same vectors" cmp -s b.npy e.npy
check "and ids" cmp -s b.ids.txt e.ids.txt
run index compact notes.qidx
check "compact works" succeeds
run index export fresh.qidx -f sqlite-vec -o fresh.sql
check "SQL is written" succeeds
cat >sql.py <<'END'
import sqlite3, struct, subprocess, sys
# sqlite-vec's table is replaced by one of SQLite's own, which stores the same.
script = open('fresh.sql', encoding='utf-8').read()
assert script.count('CREATE VIRTUAL TABLE vectors USING vec0(id TEXT PRIMARY KEY, embedding float[') == 1
head, rest = script.split('\n', 2)[1:]
base = sqlite3.connect(':memory:')
base.text_factory = bytes
base.executescript('BEGIN; CREATE TABLE vectors(id TEXT PRIMARY KEY, embedding BLOB, text TEXT);' + rest)
rows = dict((id, (blob, text)) for id, blob, text in base.execute('SELECT id, embedding, text FROM vectors'))
ids = open('b.ids.txt', 'rb').read().split(b'\0')[:-1]
array = open('b.npy', 'rb').read()[128:]
assert len(rows) == len(ids) and len(array) % len(ids) == 0
width = len(array) // len(ids)
for i, id in enumerate(ids):
    assert rows[id][0] == array[i * width:(i + 1) * width], id
assert any(b'caf\xe9 au lait' in text for _, text in rows.values())
# COPY BINARY, read as PostgreSQL's manual describes it.
data = open('fresh.pgcopy', 'rb').read()
assert data[:19] == b'PGCOPY\n\xff\r\n\0' + bytes(8)
at, count = 19, 0
while (fields := struct.unpack_from('>h', data, at)[0]) != -1:
    at += 2
    values = []
    for _ in range(fields):
        length, = struct.unpack_from('>i', data, at)
        values.append(data[at + 4:at + 4 + length])
        at += 4 + length
    id, vector, text = values
    dimensions, unused = struct.unpack_from('>hh', vector)
    assert unused == 0 and len(vector) == 4 + 4 * dimensions
    assert struct.pack(f'<{dimensions}f', *struct.unpack_from(f'>{dimensions}f', vector, 4)) == \
        array[count * width:(count + 1) * width]
    assert id.decode() == ids[count].decode(errors='replace') or b'\xff' in ids[count]
    text.decode()
    count += 1
assert at == len(data) - 2 and count == len(ids)
END
run index export fresh.qidx -f pgvector -o fresh.pgcopy
check "both forms have all ids, vectors and texts" python3 sql.py
run index export fresh.qidx -f fvecs -o fresh.fvecs --null
check "fvecs has the dimensions before each vector" sh -c '[ "$(od -An -td4 -N4 fresh.fvecs | tr -d " ")" = 64 ]'
printf '7\n18446744073709551615\n' >numbers.txt
printf 'seven\nlast\n' >texts.txt
if [ $has_numpy = 1 ]; then
    run index import queries.npy --ids numbers.txt --payloads texts.txt -o numbers.qidx
    check "ids that are whole numbers are numbers" says "2 vectors of 16"
    run search numbers.qidx --vectors queries.npy -k 1
    check "and come back as numbers" prints '"hits":\[\{"id":18446744073709551615,"score":1\}\]'
    run index import queries.npy --ids compare.py -o numbers.qidx
    check "the number of ids must be that of the vectors" fails "lines"
    run index import tiny.gguf -o numbers.qidx
    check "another file is no array" fails "NumPy"
    printf '7\n7\n' >numbers.txt
    run index import queries.npy --ids numbers.txt -o twice.qidx
    check "ids that come again are told" says "left out 1 vector whose id came again"
    run index numbers.qidx -o numbers.qidx
    check "an index of vectors takes no files" fails "not made from files"
fi

# ------------------------------------------------------------------ near-duplicates and groups
cat >pairs.txt <<'END'
roots take water from the soil

leaves make sugar of light
roots take water from the soil
the tax office is closed
END
run similar pairs.txt --least 0.999
check "equal lines are similar" prints '^1\.0000  1  roots take water'
check "and no others" sh -c '[ "$(wc -l <out)" = 2 ]'
run similar pairs.txt --least 0.999 --json
check "pairs as JSON" prints '^\{"a":1,"b":4,"score":1\.000000\}$'
run similar pairs.txt --least 2
check "nothing so similar is told" says "no two"
run similar tiny.gguf
check "what is neither index nor text is refused" fails "tiny.gguf"
cat >similar.py <<'END'
import json, struct, sys
# All pairs of the exported vectors, in Python.
ids = open('b.ids.txt', 'rb').read().split(b'\0')[:-1]
data = open('b.npy', 'rb').read()[128:]
width = len(data) // len(ids) // 4
rows = [struct.unpack_from(f'<{width}f', data, i * width * 4) for i in range(len(ids))]
pairs = {}
for i, a in enumerate(rows):
    for k in range(i):
        score = sum(x * y for x, y in zip(a, rows[k]))
        if score > 0.9:
            pairs[frozenset((ids[i].decode(errors='replace'), ids[k].decode(errors='replace')))] = score
found = [json.loads(line) for line in open('out', encoding='utf-8')]
assert [pair['score'] for pair in found] == sorted((pair['score'] for pair in found), reverse=True)
found = {frozenset((pair['a'], pair['b'])): pair['score'] for pair in found}
assert found.keys() == pairs.keys() and len(found) > 3, (len(found), len(pairs))
assert all(abs(found[pair] - pairs[pair]) < 1e-5 for pair in pairs)
END
run similar fresh.qidx --least 0.9 -k 10000 --json
check "the pairs of an index are those of a search in Python" python3 similar.py
cat >cluster.py <<'END'
import json, struct
groups = [json.loads(line) for line in open('out', encoding='utf-8')]
ids = [id.decode(errors='replace') for id in open('b.ids.txt', 'rb').read().split(b'\0')[:-1]]
data = open('b.npy', 'rb').read()[128:]
width = len(data) // len(ids) // 4
rows = {id: struct.unpack_from(f'<{width}f', data, i * width * 4) for i, id in enumerate(ids)}
assert sorted(id for group in groups for id in group['members']) == sorted(ids)
assert [group['size'] for group in groups] == sorted((len(group['members']) for group in groups), reverse=True)
means = [[sum(rows[id][k] for id in group['members']) for k in range(width)] for group in groups]
norms = [sum(x * x for x in mean) ** 0.5 for mean in means]
# At the end of k-means, each row is in the group with the nearest mean.
for number, group in enumerate(groups):
    for id in group['members']:
        scores = [sum(x * y for x, y in zip(rows[id], mean)) / norm for mean, norm in zip(means, norms)]
        assert scores[number] > max(scores) - 1e-5, (id, number, scores)
END
run cluster fresh.qidx -k 5 --json --threads 1
cp out groups.json
check "every row is in the group with the nearest mean" python3 cluster.py
run cluster fresh.qidx -k 5 --json --threads 2
check "groups do not depend on threads" cmp -s out groups.json
python3 - <<'END' || exit 1
import struct
data = open('b.npy', 'rb').read()
rows = len(open('b.ids.txt', 'rb').read().split(b'\0')[:-1])
numbers = struct.unpack(f'<{(len(data) - 128) // 4}f', data[128:])
width = len(numbers) // rows
scaled = [number * (1 + 40 * (i // width % 2)) for i, number in enumerate(numbers)]
open('scaled.npy', 'wb').write(data[:128] + struct.pack(f'<{len(scaled)}f', *scaled))
END
run index import scaled.npy --ids b.ids.txt --null -o scaled.qidx
run cluster scaled.qidx -k 5 --json
check "groups do not depend on how long the vectors are" \
    sh -c 'test -s out && for file in out groups.json; do grep -o "\"members\".*" $file >$file.members; done &&
        cmp -s out.members groups.json.members'
run cluster pairs.txt -k 10
check "there are no more groups than texts that differ" sh -c '[ "$(grep -c "^group" out)" = 3 ]'
for bad in "similar fresh.qidx -m tiny.gguf" "cluster fresh.qidx --as none" "cluster fresh.qidx --exact" \
    "similar" "similar a b" "cluster" "cluster a -k 0"; do
    # shellcheck disable=SC2086 # words are meant to be split
    run $bad
    check "$bad is misuse" is_misuse
done

# ------------------------------------------------------------------ following a folder
mkdir -p live/sub
echo 'the first text' >live/one.txt
# waits PATTERN: whether a line like this comes within ten seconds
waits() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        if grep -q "$1" watch.out; then return 0; fi
        sleep 0.5
    done
    cp watch.out out
    return 1
}
"$quern" index live -o live.qidx --watch --json >watch.out 2>err &
watcher=$!
check "the first run is as without --watch" waits '"files":1,"new":1'
while ! grep -q following err; do sleep 0.1; done
echo 'the second text' >live/sub/two.txt
check "a new file is followed" waits '"files":2,"new":1'
mkdir live/later
sleep 0.5
echo 'the third text' >live/later/three.txt
check "and one in a new folder" waits '"files":3,"new":1'
mv live/one.txt live/uno.txt
check "and one with another name" waits '"files":3,"new":1,"changed":0,"removed":1'
rm -r live/sub
check "and one that is gone" waits '"files":2,"new":0,"changed":0,"removed":1'
python3 - live.qidx <<'END' &
import fcntl, os, sys, time
with open(sys.argv[1], 'r+b') as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    open('is-locked', 'w').close()
    while not os.path.exists('unlock'):
        time.sleep(0.05)
END
locker=$!
while [ ! -e is-locked ]; do sleep 0.1; done
mkdir fresh
echo 'the fourth text' >fresh/four.txt
echo 'the fifth text' >fresh/five.txt
mv fresh live/
for _ in $(seq 100); do
    if grep -q 'another process is changing it' err; then break; fi
    sleep 0.1
done
check "an index that another process changes is told" grep -q 'tried again until that works' err
touch unlock
check "and tried again" waits '"files":4,"new":2'
wait $locker
kill -INT $watcher
wait $watcher
status=$?
check "a signal ends it" succeeds

# ------------------------------------------------------------------ kill -9, and searches meanwhile
python3 - <<'END' || exit 1
import os
words = 'roots take water from the soil and leaves make sugar of light'.split()
os.mkdir('many')
for i in range(600):
    with open(f'many/{i}.txt', 'w') as file:
        file.write(' '.join(words[(i * 31 + k * k + k) % len(words)] for k in range(60 + i % 50)))
END
"$quern" index -q many -o whole.qidx --chunk 64 || exit 1
kills=0
for pause in 0.02 0.05 0.1 0.15 0.2 0.1 0.05; do
    "$quern" index -q many -o killed.qidx --chunk 64 --commit 0 2>/dev/null &
    victim=$!
    sleep $pause
    if [ -e killed.qidx ]; then
        "$quern" search -q killed.qidx 'water' -k 3 >out 2>err || { echo "search failed" >>err; break; }
    fi
    kill -9 $victim 2>/dev/null && kills=$((kills + 1))
    wait $victim 2>/dev/null
done
check "searches work while an index is made" sh -c '! grep -q failed err'
run index many -o killed.qidx --chunk 64 --json
check "after $kills kills, the same command goes on" has "files 600"
check "and makes the same index" same_rows killed.qidx whole.qidx
"$quern" index -q many -o signalled.qidx --chunk 64 --commit 0 &
victim=$!
sleep 0.1
kill -TERM $victim
wait $victim
status=$?
check "a signal ends a run cleanly" sh -c "test $status = 75 || test $status = 0"
run index many -o signalled.qidx --chunk 64
check "and the next run goes on" same_rows signalled.qidx whole.qidx

echo "1..$number"
