#!/bin/sh
# quern pipe from end to end, on a tiny model. Speaks TAP.
# usage: test_cli_pipe.sh QUERN MKMODEL
# shellcheck source=tests/support/work_folder.sh
. "$(dirname "$0")/support/work_folder.sh"

pipe() { # pipe INPUT [OPTION]...
    input=$1
    shift
    "$quern" pipe "$@" <"$input" >out 2>err
    status=$?
}

# Three batches, with what other programs write: escapes, CRLF, a mark, no newline at the end.
python3 - <<'END' || exit 1
import json
with open('texts.txt', 'w') as texts, open('docs.jsonl', 'w', newline='') as docs:
    docs.write('\ufeff')
    for i in range(600):
        text = f'caf\u00e9 "number" {i * 7 % 41} \\ of {i}'
        texts.write(text + '\n')
        docs.write(json.dumps({'n': i, 'body': text, 'more': {'x': [i, '}']}}) + ('\r\n' if i < 599 else ''))
END
pipe docs.jsonl --text body -d 8
check "objects come back in order, with their members and vectors" python3 -c '
import json
rows = [json.loads(line) for line in open("out")]
assert [row["n"] for row in rows] == list(range(600))
for i, row in enumerate(rows):
    assert list(row) == ["n", "body", "more", "embedding"] and row["more"] == {"x": [i, "}"]}
    assert len(row["embedding"]) == 8'
"$quern" embed --quiet -f f32 -d 8 -i texts.txt -o embed.f32
check "the vectors are those of embed, bit for bit" python3 -c '
import json, struct
rows = [json.loads(line)["embedding"] for line in open("out")]
assert b"".join(struct.pack("<8f", *row) for row in rows) == open("embed.f32", "rb").read()'
pipe docs.jsonl --text body -d 8 -t query
"$quern" embed --quiet -f f32 -d 8 -t query -i texts.txt -o query.f32
check "a task has its prompt" python3 -c '
import json, struct
rows = [json.loads(line)["embedding"] for line in open("out")]
assert b"".join(struct.pack("<8f", *row) for row in rows) == open("query.f32", "rb").read()'

{
    printf '%s\n' '{"text": "good", "id": 1, "error": "old", "embedding": [7]}' '' '{"text": "cut' '[1]' '{"id": "a"}' \
        '{}' '{"text": 7}'
    printf '{"id": 4, "text": "%s"}\n' "$(yes x | head -n 300 | tr '\n' ' ')"
    printf '{"text": "bad \377"}\n  \n{"text": "last"}\n'
} >bad.jsonl
pipe bad.jsonl
check "bad lines do not end it" test "$status" = 0
check "each has the reason in its place" python3 -c '
import json
rows = [json.loads(line) for line in open("out")]
assert ["embedding" in row for row in rows] == [True] + 7 * [False] + [True], rows
assert all(("error" in row) != ("embedding" in row) for row in rows)
assert len(rows[0]["embedding"]) > 1 and rows[0]["id"] == 1
for row, words in zip(rows[1:8], ["line 3 is not JSON", "line 4 is a list", "missing", "missing", "a number",
                                  "the text has", "line 9 is not JSON"]):
    assert words in row["error"], row
assert rows[3]["id"] == "a" and rows[6]["id"] == 4'
python3 -c 'print("""{"text": "a", "tree": %s}""" % ("[" * 99 + "]" * 99))' >deep.jsonl
pipe deep.jsonl
check "an object that is nested too deep is not called wrong" grep -qF '"error":"line 1 is not read: it is nested' out
pipe bad.jsonl --truncate
check "--truncate helps a text that is too long" python3 -c '
import json
assert "embedding" in [json.loads(line) for line in open("out")][6]'

mkfifo in answers
"$quern" pipe --quiet -d 1 <in >answers &
exec 3>in 4<answers
printf '{"text": "a", "n": 1}\n{"text": "b", "n": 2}\n{"te' >&3
read -r first <&4
read -r second <&4
printf 'xt": "c", "n": 3}\n' >&3
exec 3>&-
read -r third <&4
exec 4<&-
wait
echo "$first $second $third" >all
check "lines are answered while the input stays open" grep -q '"n":1,.*"n":2,.*"n":3,' all

: >empty
pipe empty
check "no input, no output" test "$status" = 0 -a ! -s out
if [ -e /dev/full ]; then
    "$quern" pipe --quiet <docs.jsonl --text body >/dev/full 2>err
    status=$?
    check "output that cannot be written is an error" test "$status" = 1 -a -s err
fi
run pipe x
check "an argument is misuse" test "$status" = 2
echo "1..$number"
