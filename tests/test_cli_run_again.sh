#!/bin/sh
# quern run on what it has seen before: texts that come again, and inputs that have changed; and on a system with an odd
# clock and odd files. Speaks TAP.
# usage: test_cli_run_again.sh QUERN MKMODEL ODD-SYSTEM [KILLS]
odd_system=$(realpath "$3")
kills=${4:-8}
# shellcheck source=tests/support/work_folder.sh
. "$(dirname "$0")/support/work_folder.sh"
trap 'umount "$work/small" 2>/dev/null; rm -rf "$work"' EXIT

"$mkmodel" tiny other.gguf --head --seed 2 || exit 1

same() { # same A B: whether two files are there and equal
    [ -s "$1" ] && cmp -s "$1" "$2"
}
copied() { # copied N: whether the last run copied so many vectors
    [ "$status" = 0 ] && grep -qE "(^| )$1 of them were copied" err
}
merged() { # merged OUT NAME: whether OUT has the vectors and ids of NAME
    run run merge "$1" -o merged.npy && same merged.npy "$2.npy" && same merged.ids.jsonl "$2.ids.jsonl"
}
reference() { # reference NAME OPTION...: makes NAME.npy without copying anything
    name=$1
    shift
    if ! "$quern" run --quiet "$@" -o "$name.out" 2>reference.err || ! "$quern" run merge "$name.out" -o "$name.npy"; then
        cat reference.err
        exit 1
    fi
}

# 600 lines, of which 300 come again; and objects that have titles, some of them with texts that are too long.
python3 - <<'END' || exit 1
import json, random
random.seed(2)
words = 'the quick brown fox jumps over a lazy dog by the river'.split()
texts = sorted({' '.join(random.choices(words, k=random.randint(4, 9))) for _ in range(400)})[:300]
assert len(texts) == 300
lines = 2 * texts
random.shuffle(lines)
with open('lines.txt', 'w') as file:
    file.writelines(line + '\n' for line in lines)
with open('titles.jsonl', 'w') as file:
    for i, line in enumerate(lines):
        file.write(json.dumps({'id': i, 'text': line, 'title': 'one' if i % 3 else 'two'}) + '\n')
        if i % 50 == 0:
            file.write(json.dumps({'id': f'long{i}', 'text': 'x ' * 200, 'title': ''}) + '\n')
END
reference lines lines.txt

# ------------------------------------------------------------------ texts that come again
run run lines.txt -o dedupe --dedupe --part-rows 97
check "--dedupe copies the vectors of texts that come again" copied 300
check "and the result is the same" merged dedupe lines
check "and what it kept is removed at the end" test ! -e dedupe/seen
run run lines.txt -o none
check "without it nothing is copied" sh -c '! grep -q copied err'

run run lines.txt -o first --cache kept
check "--cache does the same in one run" copied 300
run run lines.txt -o second --cache kept --part-rows 50
check "and the next run copies all" copied 600
check "and its result is the same" merged second lines
head -n 1 lines.txt >more.txt && echo "a text that is new" >>more.txt
run run more.txt -o more --cache kept
check "a run on other input copies what it knows" copied 1

titled="titles.jsonl --id id --title title -t document"
# shellcheck disable=SC2086 # words are meant to be split
{
    reference cut $titled -d 8 --dtype int8 --truncate
    run run $titled -d 8 --dtype int8 --truncate -o cut --cache kept
    check "a title and a task make another text" copied "$(python3 -c '
import json
rows = [json.loads(line) for line in open("titles.jsonl")]
print(len(rows) - len({(row["text"], row["title"]) for row in rows}))')"
    check "and the vectors are the same" merged cut cut
    reference chunks $titled --chunk 48:2
    run run $titled --chunk 48:2 -o chunks --cache kept
    check "chunks are copied, too" merged chunks chunks
    reference titles $titled
    run run $titled -o titles --cache kept
    check "texts that are too long are errors as ever" same titles/part-00000.errors.jsonl \
        titles.out/part-00000.errors.jsonl
    check "and the other vectors are the same" merged titles titles
}

run run lines.txt -o other --cache kept -m other.gguf
check "another model copies nothing of this one" copied 300
run run lines.txt -o exact --cache kept --exact
check "another path copies nothing of this one" copied 300
reference exact lines.txt --exact
check "and has its own vectors" merged exact exact

# ------------------------------------------------------------------ damage
damage() { # damage KIND: changes every file of the cache
    python3 - "$1" <<'END'
import glob, random, sys
random.seed(3)
for path in glob.glob('kept/*'):
    data = bytearray(open(path, 'rb').read())
    if sys.argv[1] == 'bits':
        for i in range(0, len(data), 199):
            data[i] ^= 1 << random.randrange(8)
    elif sys.argv[1] == 'moved':
        data[:1] = b''
    elif sys.argv[1] == 'short':
        data = data[:len(data) // 3]
    open(path, 'wb').write(data)
END
}
for kind in bits moved short; do
    damage $kind
    run run lines.txt -o damaged.$kind --cache kept
    check "a damaged cache ($kind) is no error" succeeds
    check "and gives the same vectors" merged damaged.$kind lines
    run run lines.txt -o mended.$kind --cache kept
    check "and is mended by the run" copied 600
done
for file in kept/*-exact-*; do
    mv "$file" "$(echo "$file" | sed 's/-exact-/-fast-/')"
done
run run lines.txt -o renamed --cache kept
check "vectors under the name of others are not taken" merged renamed lines
: >file
run run lines.txt -o refused --cache file
check "a file in the place of the folder is an error" fails "file"

mkdir small
if mount -t tmpfs -o size=24k tmpfs small 2>/dev/null; then # it is root who runs the tests
    run run lines.txt -o small.out --cache small/kept
    check "a full disk under the cache is no error" succeeds
    check "but is told" grep -qF "no more vectors are kept" err
    check "and the vectors are the same" merged small.out lines
    umount small
fi

# ------------------------------------------------------------------ kills and shards
rm -rf kept
number_of_kills=0
while [ $number_of_kills -lt "$kills" ]; do
    processes=
    for shard in 0 1; do # both write to one cache; each third time they begin again
        [ $((number_of_kills % 3)) -gt 0 ] || rm -rf killed.$shard
        "$quern" run --quiet lines.txt -o killed.$shard --cache kept --part-rows 30 --shard $shard/2 2>/dev/null &
        processes="$processes $!"
    done
    sleep "0.0$((number_of_kills % 7))"
    # shellcheck disable=SC2086 # words are meant to be split
    kill -9 $processes 2>/dev/null
    # shellcheck disable=SC2086
    wait $processes 2>/dev/null
    number_of_kills=$((number_of_kills + 1))
done
for shard in 0 1 2; do
    "$quern" run --quiet lines.txt -o killed --cache kept --part-rows 30 --shard $shard/3 &
done
wait
check "a cache whose writers were killed $kills times gives the same vectors" merged killed lines
for shard in 0 1 2; do
    "$quern" run --quiet lines.txt -o shared --dedupe --part-rows 30 --shard $shard/3 &
done
wait
check "shards share what they have seen" merged shared lines
check "and the last one removes it" test ! -e shared/seen

# ------------------------------------------------------------------ inputs that have changed
# Objects of 100 KB, so that some texts stand between the samples that are compared at the start. $between is the number
# of one.
between=$(python3 - <<'END'
import json
with open('large.jsonl', 'w') as file:
    for i in range(200):
        file.write(json.dumps({'pad': 'x' * 100000, 'text': f'text number {i}'}) + '\n')
data = open('large.jsonl', 'rb').read()
sample = 1 << 17
step = (len(data) - sample) // 63
places = {i: data.index(b'text number %d"' % i) for i in range(120, 180)}
print(next(i for i, at in places.items() if 0 < at % step - sample < step - sample - 64))
END
)
change() { # change OLD NEW: changes the number of a text in its place; the length stays
    python3 - "$1" "$2" <<'END'
import sys
old, new = (f'text number {number}"'.encode() for number in sys.argv[1:])
with open('large.jsonl', 'r+b') as file:
    at = file.read().index(old)
    file.seek(at)
    file.write(new)
END
}
large() { # large OUT OPTION...
    folder=$1
    shift
    run run large.jsonl -o "$folder" --part-rows 60 "$@"
}
large large && cp -r large kept.large
touch large.jsonl
large large
check "a file that was only touched is the same input" succeeds
touch -r large.jsonl time
change "$between" 999
large large
check "a change between the samples is found" fails "part 2 of large was made from other records"
touch -r time large.jsonl
large large
check "also when the file has its old time" fails "part 2 of large was made from other records"
check "and nothing of the result has changed" diff -r large kept.large
reference changed large.jsonl
large large --force
check "--force begins again" succeeds
check "and makes the vectors of the new input" merged large changed
change 999 "$between"
rm -r large && cp -r kept.large large && rm large/part-00002.* && change "$between" 999
large large
check "a part that is not done yet may have other input" merged large changed
change 999 "$between"

# ------------------------------------------------------------------ what is lost of a part
rm -r large && cp -r kept.large large
large large --text nothing --force
check "a wrong column is refused before --force removes anything" diff -r large kept.large
for lost in part-00001.npy part-00002.ids.jsonl; do
    rm large/$lost
    run run verify large
    check "verify says what to do about $lost" fails "$lost: No such file or directory; the same run makes it again"
    large large
    check "the same run makes $lost again" diff -r large kept.large
    check "and says so" grep -q "is made again, because large/$lost is not as it was written" err
done

# A pipe cannot be read before. So it is compared while it is read.
mkfifo slow
objects() { # objects FIRST LAST
    for i in $(seq "$1" "$2"); do echo "{\"text\": \"line $i\"}"; done
}
piped() { # piped OUT COMMAND...: a run on the output of a command; the last of 230 records may be another one
    folder=$1
    shift
    "$@" >slow &
    writer=$!
    "$quern" run --quiet slow --kind jsonl -o "$folder" --part-rows 60 >out 2>err
    status=$?
    kill $writer 2>/dev/null # it waits, if nobody has opened the pipe
    wait $writer
}
other_first() { objects 99 99 && objects 2 230; }
"$quern" run --quiet slow --kind jsonl -o stopped --part-rows 60 >out 2>err &
process=$!
exec 3>slow
objects 1 200 >&3
while [ ! -e stopped/part-00003.unfinished ] && kill -0 $process; do sleep 0.05; done
sleep 0.3
kill -TERM $process
objects 201 230 >&3
exec 3>&-
wait $process
check "a run on a pipe is stopped in a part" test -e stopped/part-00003.unfinished/checkpoint.json -a \
    -e stopped/part-00002.done
cp -r stopped differs
piped differs other_first
check "a pipe that gives something else the next time is an error" fails "part 0 of differs was made from other records"
check "that tells what to do" fails "remove this one"
piped stopped objects 1 230
check "one that gives the same goes on" succeeds
objects 1 230 >230.jsonl && reference 230 230.jsonl
check "to the same vectors" merged stopped 230
piped stopped objects 1 229
check "one that gives less than before is an error" fails "part 3 of stopped"
piped stopped objects 1 231
check "and one that gives more, too" fails "part 3 of stopped"

# What one shard finds out counts for all.
head -n 200 lines.txt >grows.txt
"$quern" run --quiet --kind lines grows.txt slow -o spoiled --part-rows 150 --shard 0/2 &
echo one >slow
wait
check "a shard comes to the end" test -e spoiled/end.json
"$quern" run --quiet --kind lines grows.txt slow -o spoiled --part-rows 150 --shard 1/2 2>err &
process=$!
exec 3>slow
while [ ! -e spoiled/part-00001.unfinished ] && kill -0 $process; do sleep 0.05; done
echo "a new line" >>grows.txt
echo one >&3
exec 3>&-
wait $process
check "another one finds a change" grep -q "grows.txt has changed while it was read" err
check "and then the result does not count as complete" test ! -e spoiled/end.json -a ! -e spoiled/part-00001.done

# ------------------------------------------------------------------ an odd system
# The clock of the day jumps, and a file server tells of an error although it has renamed a file.
on_odd_system() { # on_odd_system ARGUMENT...
    LD_PRELOAD=$odd_system ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 "$quern" "$@" >out 2>err
    status=$?
}
on_odd_system run lines.txt -o odd --part-rows 60
check "a run does not depend on the clock, nor on the answer to a renaming" succeeds
check "and its rates are those of the time that has passed" python3 -c '
import re
rates = [float(rate) for rate in re.findall(r"errors, ([0-9.]+) vectors/s", open("err").read())]
assert len(rates) == 10 and all(1 < rate < 1e9 for rate in rates), rates'
check "and its vectors are the same" merged odd lines
check "and no other name of a file is left" sh -c '! ls odd/*.new'
mkdir torn && cp lines.txt torn/unreadable && cp lines.txt torn/a.txt && cp lines.txt torn/b.txt
on_odd_system run torn --kind lines -o torn.out
check "a folder that cannot be read to its end is an error" fails "cannot read the folder torn: Input/output error"
: >odd/unreadable
on_odd_system run status odd
check "and so is one of parts" fails "cannot read the folder odd: Input/output error"

echo "1..$number"
