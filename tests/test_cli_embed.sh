#!/bin/sh
# quern embed and quern similarity from end to end: texts, files, pipes, streams. Speaks TAP.
# usage: test_cli_embed.sh QUERN MKMODEL
# shellcheck source=tests/support/tiny_command.sh
. "$(dirname "$0")/support/tiny_command.sh"
export QUERN_MODEL="$model"

# ------------------------------------------------------------------ embed
run embed -t none hello "hello world" ''
check "jsonl: one line for each text" both exits 0 -- lines 3
keep jsonl
check "jsonl: the fields" grep -qE '^\{"index":1,"tokens":[0-9]+,"truncated":0,"embedding":\[-?[0-9]' "$work/out"
check "jsonl: 64 dimensions" [ "$(head -n 1 "$work/out" | tr -cd , | wc -c)" -eq 66 ]
check "with -t there is no message" [ ! -s "$work/err" ]
printf 'hello\nhello world\n\n' >"$work/in"
run embed -t none
check "lines of standard input" same jsonl
printf 'hello\nhello world\n\n' >"$work/lines"
run embed -t none -i "$work/lines"
check "lines of a file" same jsonl
cp "$work/lines" "$work/in"
run embed -t none -i -
check "-i - is standard input" same jsonl
printf 'hello\0hello world\0\0' >"$work/in"
run embed -t none --null
check "--null" same jsonl
run embed -t none --threads 1 hello "hello world" ''
check "one thread gives the same" same jsonl
{ run embed -t none hello && cat "$work/out"; } >"$work/first"
check "a text alone gives the same" [ "$(cat "$work/first")" = "$(head -n 1 "$work/jsonl")" ]
printf 'hello' >"$work/in"
run embed -t none
check "a last line without newline" [ "$(cat "$work/out")" = "$(head -n 1 "$work/jsonl")" ]
run embed -t none
check "no input, no output" both exits 0 -- silent
run embed -t none --exact hello "hello world" ''
check "--exact gives other vectors" both exits 0 -- differs jsonl
run embed -t none --no-normalize hello "hello world" ''
check "--no-normalize" both exits 0 -- differs jsonl
run embed -t query hello "hello world" ''
check "a task gives other vectors" both exits 0 -- differs jsonl
run embed hello
check "without a task a text is embedded as it is, with a notice" both exits 0 "without a prompt" -- lines 1
keep as_it_is
printf 'a\000b\n' >"$work/damaged"
run embed -i "$work/damaged"
check "no such notice when the input cannot be read" sh -c "! grep -q 'without a prompt' '$work/err'"
run embed -t none hello
check "the default task is none" both same as_it_is -- [ ! -s "$work/err" ]
run embed -t query hello
keep query
run embed -t Search_Query hello
check "a task in the words of services" both exits 0 -- same query
run embed -t document hello
check "another task gives other vectors" differs as_it_is
keep document
run embed --title none hello
check "the title 'none' equals no title" same document
run embed -t none 'search: hello'
keep spelled
run embed --prompt 'search: ' hello
check "a prompt of one's own stands before the text, and nobody misses -t" both exits 0 -- same spelled
check "there is no notice then" [ ! -s "$work/err" ]
run embed --prompt 'search: ' --title t -t document hello
check "--prompt and --title" both exits 2 "--prompt takes the place" -- [ ! -s "$work/out" ]
run embed --title 'A day' hello
check "a title gives other vectors" both exits 0 -- differs document
run embed -t none '<eos>'
keep spelled
run embed -t none --parse-special '<eos>'
check "--parse-special" both exits 0 -- differs spelled
check "--parse-special: three tokens" prints '"tokens":3,'
run embed -t none -- -d
check "a text that looks like an option, after --" both exits 0 -- lines 1

run embed -t none -f json hello "hello world"
check "json: one document" both prints '{"space":"64n-' -- prints '"path":"fast","dimensions":64,"embeddings":['
check "json: its end" [ "$(tail -n 1 "$work/out")" = "]}" ]
check "json: the objects of jsonl" grep -qxF ",$(sed -n 2p "$work/jsonl")" "$work/out"
run embed -t none -f json
check "json without texts" [ "$(tail -n 1 "$work/out")" = "]}" ]
run embed -t none -f text hello "hello world"
check "text: numbers between spaces" [ "$(head -n 1 "$work/out" | wc -w)" -eq 64 ]
check "text: the numbers of jsonl" grep -qF -- "$(head -n 1 "$work/out" | tr ' ' ,)" "$work/jsonl"
run embed -t none -f f32 hello "hello world"
check "f32: 4 bytes a number" both exits 0 -- size 512
keep f32
run embed -t none -f npy hello "hello world"
check "npy on standard output: header and rows" both exits 0 -- size 640
keep npy
check "npy: magic" [ "$(head -c 6 "$work/out" | tail -c 5)" = NUMPY ]
check "npy: shape" grep -qaF "'shape': (2, 64)" "$work/out"
tail -c 512 "$work/out" >"$work/tail"
check "npy: the rows of f32" cmp "$work/tail" "$work/f32"
run embed -t none -f npy -o "$work/file.npy" hello "hello world"
check "npy in a file" both silent -- cmp "$work/file.npy" "$work/npy"
run embed -t none -f f32 -d 16 hello "hello world"
check "-d keeps the leading dimensions" size 128
check "-d: the vector is normalised again" differs f32

# ------------------------------------------------------------------ texts that are too long, and strange
awk 'BEGIN { print "short"; for (i = 0; i < 400; i++) printf "x y "; print ""; print "last" }' >"$work/long"
run embed -t none -i "$work/long"
check "a text that is too long fails, with its line" exits 1 "$work/long:2: the text has"
check "the message names the option that helps" exits 1 "truncation (--truncate)"
check "the vectors of the texts before it are written" both lines 1 -- prints '"index":0'
run embed -t none --truncate -i "$work/long"
check "--truncate cuts it" both exits 0 "1 of 3 texts were cut" -- lines 3
check "the output says how many tokens were cut" grep -qE '"index":1,"tokens":256,"truncated":[1-9]' "$work/out"
for format in npy json f32; do
    run embed -t none -f "$format" hello
    keep by_format
    run embed -t none -o "$work/by.$format" hello
    check "-o with the ending .$format" cmp -s "$work/by.$format" "$work/by_format"
done
run embed -t none -f jsonl -o "$work/by.npy" hello
check "-f counts more than the ending" both exits 0 -- grep -q '^{"index":0' "$work/by.npy"
for ending in npz csv parquet jsonl.gz; do
    run embed -t none -o "$work/by.$ending" hello
    check "-o with the ending .$ending, which no format has" both exits 2 "say with -f which one" -- [ ! -e "$work/by.$ending" ]
done
run embed -t none -f text -o "$work/by.csv" hello
check "unless -f says the format" exits 0
rm "$work"/by*
run embed -t none -i "$work/long" -o "$work/failed"
check "-o leaves nothing after a failure" both exits 1 -- [ ! -e "$work/failed" ]
head -c 10000000 /dev/zero | tr '\0' q >"$work/in"
run embed -t none --truncate
check "a line of 10 MB" both exits 0 -- lines 1
run tokenize -i "$work/long" -m "$work/headless.gguf"
check "the notice of a file without head" both exits 0 "dense head" -- lines 3
printf 'ab\n\300\200\355\240\200\n\n \n\t\n\342\226\201\n<bos><eos><pad>\n\r\n' >"$work/in"
run embed -t none
check "invalid UTF-8, blanks and specials" both exits 0 "standard input:2: the line is not UTF-8" -- lines 8
printf 'a\0b\n' >"$work/in"
run embed -t none --null
check "texts between NUL bytes are taken as they are" both exits 0 -- lines 2
printf 'a\0\377\0' >"$work/in"
run embed -t none --null
check "a text between NUL bytes that is not UTF-8" both exits 0 "input:2: the text is not UTF-8; 1 of 2" -- lines 2
printf 'a\0b\n' >"$work/in"
run embed -t none
check "a NUL byte in a line is refused" both exits 1 "--null" -- silent
printf 'hello\nhello world\n' >"$work/in"
run embed -t none -f text
keep plain_lines
printf '\357\273\277hello\r\nhello world\r' >"$work/in"
run embed -t none -f text
check "CRLF and a mark of UTF-8 change nothing" same plain_lines
printf 'hello\rhello world\r' >"$work/in"
run embed -t none
check "ends of lines that are CR alone are refused" both exits 1 "convert it first: tr" -- silent
printf 'hello\rhello world\r' >"$work/in"
run embed -t none --null
check "with --null they are one text" both exits 0 -- lines 1
printf 'hello\rworld\nhello\n' >"$work/in"
run embed -t none
check "a CR in a line that ends with LF is text" both exits 0 -- lines 2
for verb in "embed -t none" tokenize "verify --against $model --exact -m $model"; do
    printf 'hello' | gzip >"$work/in.gz"
    eval "run $verb -i '$work/in.gz'"
    check "$verb: a compressed file is no text" both exits 1 "zcat FILE" -- silent
done
: >"$work/in"
for verb in "embed -t none" tokenize "similarity text" "embed -t none -i"; do
    name=$work/some.csv
    echo text >"$name"
    eval "run $verb '$name'"
    check "$verb: a file of another kind gets a notice" exits 0 "cut -d, -f2"
done
for verb in "embed -t none text" tokenize "similarity text" "demo -m $model"; do
    eval "run $verb '$(printf 'caf\351')'"
    check "$verb: an argument that is not UTF-8 gets a notice" exits 0 "is not UTF-8"
    eval "run $verb '$(printf 'text\r')'"
    check "$verb: so does one with the end of a line" exits 0 "ends with a carriage return"
done
run demo -m "$model" "$work/some.csv"
check "demo: so does its query" exits 0 "cut -d, -f2"
run embed -t none -- -
check "a lone - gets a notice" both exits 0 "to read standard input: -i -" -- lines 1
run embed -t none "$work"
check "the name of a folder gets a notice" both exits 0 "cat FOLDER/* | quern embed" -- lines 1
run embed -t none -q "$work/some.csv"
check "--quiet: no notice of a file" both exits 0 -- [ ! -s "$work/err" ]

# ------------------------------------------------------------------ files and pipes that fail
run embed -t none -i "$work/nowhere"
check "a missing input" both exits 1 nowhere -- silent
run embed -t none -i "$work"
check "a folder as input" both exits 1 "$work: it is a folder; name a file in it" -- silent
run tokenize -i "$work"
check "a folder as input of tokenize" both exits 1 "$work: it is a folder; name a file in it" -- silent
run embed -t none -o "$work" hello
check "a folder as output" exits 1 "$work: it is a folder; name a file in it"
run embed -t none -o "$work/none/file" hello
check "an output in a missing folder" exits 1 "none/file"
run embed -t none -o "$work/new" hello
check "-o writes the file" both exits 0 -- [ "$(cat "$work/new")" = "$(head -n 1 "$work/jsonl")" ]
echo old >"$work/new"
run embed -t none -o "$work/new" hello
check "-o replaces the file" [ "$(cat "$work/new")" = "$(head -n 1 "$work/jsonl")" ]
check "-o leaves no other file" [ "$(echo "$work"/new* "$work"/file.npy*)" = "$work/new $work/file.npy" ]
for given in - /dev/stdout; do
    run embed -t none -o $given hello
    check "-o $given is standard output" both exits 0 -- cmp -s "$work/new" "$work/out"
done
check "and there is no file of that name" [ ! -e - ]
chmod 600 "$work/new"
ln -s new "$work/link"
run embed -t none -o "$work/link" hello hello
check "-o replaces the file that a link points to" both [ -L "$work/link" ] -- [ "$(wc -l <"$work/new")" = 2 ]
check "and keeps its permissions" [ "$(stat -c %a "$work/new")" = 600 ]
rm "$work/link" "$work/new"
mkdir "$work/elsewhere"
ln -s elsewhere/first "$work/link"
ln -s second "$work/elsewhere/first"
run embed -t none -o "$work/link" hello
check "-o through links to no file makes the file" both [ -L "$work/elsewhere/first" ] \
    -- [ "$(wc -l <"$work/elsewhere/second")" = 1 ]
check "and no other" [ "$(ls "$work/elsewhere")" = "first
second" ]
ln -sf nowhere/file "$work/link"
run embed -t none -o "$work/link" hello
check "-o through a link to a missing folder" exits 1 \
    "cannot write to $work/link, which leads to $work/nowhere/file: No such file"
ln -sf link "$work/link"
run embed -t none -o "$work/link" hello
check "-o through a link to itself" exits 1 "cannot write to $work/link: Too many levels"
rm "$work/link"

# What is read is not written to, by whatever name.
mkdir "$work/read"
keeps() { # keeps WHAT: whether the last run was refused because of what is read, and changed nothing
    exits 2 "$1 read from it" && silent && cmp -s "$work/lines" "$work/read/texts" && cmp -s "$model" "$work/read/model"
}
cp "$work/lines" "$work/read/texts"
cp "$model" "$work/read/model"
for file in texts model; do
    ln -s $file "$work/read/$file-link"
    ln "$work/read/$file" "$work/read/$file-hard"
done
for ending in "" -link -hard; do
    run embed -t none -i "$work/read/texts" -o "$work/read/texts$ending"
    check "-o texts$ending does not replace the texts" keeps "the texts are"
    "$quern" embed -t none -o "$work/read/texts$ending" >"$work/out" 2>"$work/err" <"$work/read/texts"
    status=$?
    check "nor when they are standard input" keeps "the texts are"
    run embed -t none -m "$work/read/model" -o "$work/read/model$ending" hello
    check "-o model$ending does not replace the model" keeps "the model is"
    QUERN_MODEL=$work/read/model
    run embed -t none -o "$work/read/model$ending" hello
    check "nor when the environment names it" keeps "the model is"
    run bench --only load --seconds 0.001 --report "$work/read/model$ending"
    check "nor does a report of bench" keeps "the model is"
    QUERN_MODEL=$model
    ln "$work/read/model$ending" "$work/read/question.txt"
    run bench -m "$work/read/model" --only tokenize --seconds 0.001 --texts "$work/read"
    check "nor does a text of bench" both exits 1 "question.txt: the model is read from it" \
        -- cmp -s "$model" "$work/read/model"
    rm "$work/read/question.txt"
done
for verb in "embed -t none" tokenize; do
    # shellcheck disable=SC2086
    "$quern" $verb -i "$work/read/texts" >>"$work/read/texts" 2>"$work/err"
    status=$?
    check "$verb: texts are not added to themselves" both exits 2 "standard output: the texts are read from its file" \
        -- cmp -s "$work/lines" "$work/read/texts"
done
rm -r "$work/read"
if [ "$(id -u)" = 0 ]; then # who may write to any file
    as_other() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
else
    as_other() { "$@"; }
fi
mkdir -m 777 "$work/shared"
echo old >"$work/shared/file"
chmod 444 "$work/shared/file"
chmod 755 "$work"
as_other "$quern" embed -m "$model" -o "$work/shared/file" hello 2>"$work/err"
status=$?
check "-o does not replace a read-only file" exits 1 "Permission denied"
check "the read-only file is unchanged" grep -qx old "$work/shared/file"
run embed -t none -o /dev/full hello
check "a full disk" exits 1 "No space left"
yes hello | head -n 500 >"$work/in"
(ulimit -f 20 && run embed -t none -o "$work/large" && exit "$status")
check "a file that may not grow is like a full disk" both [ $? = 1 ] -- grep -q "large: File too large" "$work/err"
check "and no part of it is left" [ "$(echo "$work"/large*)" = "$work/large*" ]
for format in jsonl npy; do
    "$quern" embed -t none -f $format hello >/dev/full 2>"$work/err"
    status=$?
    check "standard output on a full disk, $format" exits 1 "No space left"
    check "there is one message about it" [ "$(grep -c 'cannot write' "$work/err")" = 1 ]
    "$quern" embed -t none -f $format hello >&- 2>"$work/err"
    status=$?
    check "standard output closed, $format" exits 1 "cannot write"
done
"$quern" --help >/dev/full 2>"$work/err"
status=$?
check "help on a full disk" exits 1 "cannot write to standard output: No space left"
"$quern" embed -t none <&- >"$work/out" 2>"$work/err"
status=$?
check "standard input closed" exits 1 "cannot read"
yes 'a text' | head -n 100000 | { timeout 100 "$quern" embed -t none 2>"$work/err"; echo $? >"$work/status"; } |
    head -n 1 >"$work/out"
check "a reader that closes its pipe ends the command without a message" both lines 1 -- [ ! -s "$work/err" ]
check "by SIGPIPE" [ "$(cat "$work/status")" -gt 128 ]

# ------------------------------------------------------------------ streaming
mkfifo "$work/fifo"
: >"$work/out"
trap : PIPE # should the command have died
"$quern" embed -t none <"$work/fifo" >"$work/out" 2>"$work/err" &
exec 3>"$work/fifo"
echo hello >&3
tries=0
while [ ! -s "$work/out" ] && [ $tries -lt 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
check "lines are embedded while the input stays open" lines 1
echo 'hello world' >&3
exec 3>&-
wait
check "and the rest when it is closed" lines 2
awk 'BEGIN { for (i = 0; i < 3000; i++) print "line " i }' >"$work/many"
run embed -t none -f text -i "$work/many"
check "many batches" both exits 0 -- lines 3000
tail -n 1 "$work/out" >"$work/last"
run embed -t none -f text "line 2999"
check "many batches keep their order" cmp "$work/last" "$work/out"

# ------------------------------------------------------------------ similarity
run similarity hello 'hello world' hello
check "similarity: a matrix" both exits 0 -- lines 4
check "similarity: labels" prints "hello world"
check "similarity: equal texts" grep -qE '^ +1  1\.0000 .* 1\.0000  hello$' "$work/out"
check "similarity: no colour in a file" [ "$(tr -cd '\033' <"$work/out" | wc -c)" -eq 0 ]
run similarity -f json --title 'A day' hello hello
keep titled
run similarity -f json -t document --title 'A day' hello hello
check "similarity: a title means the task document" both exits 0 -- same titled
run similarity -f json hello hello
check "similarity: json" both prints '"similarity":[[1.000000,1.000000],' -- prints '[1.000000,1.000000]]}'
keep similar
run similarity -f json -t similarity hello hello
check "similarity: the default task" same similar
run similarity -f json -t query -d 32 --exact hello hello
check "similarity: options" both exits 0 -- prints '{"space":"32n-'
run similarity hello "$(head -c 5000 "$work/long" | tr -d '\n')"
check "similarity: a text too long" both exits 1 "text 2" -- silent
echo "1..$number"
