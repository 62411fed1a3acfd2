#!/bin/sh
# quern convert, quantize, attach-head and verify --against from end to end, on a tiny model. Speaks TAP.
# usage: test_cli_making.sh QUERN MKMODEL MKFOLDER
mkfolder=$(realpath "$3")
# shellcheck source=tests/support/work_folder.sh
. "$(dirname "$0")/support/work_folder.sh"
unset QUERN_MODEL

"$mkmodel" tiny made.gguf --head --type f32 || exit 1
"$mkmodel" tiny made-headless.gguf --type f32 || exit 1
mkdir model && "$mkfolder" made.gguf model --shards 3 || exit 1

# ------------------------------------------------------------------ misuse
for bad in "convert -o x.gguf" "convert model" "convert a b -o x.gguf" "quantize made.gguf" \
    "quantize made.gguf x.gguf" "quantize made.gguf x.gguf q8_0 more" "attach-head made.gguf -o x.gguf" \
    "attach-head made.gguf --dense-2 a --dense-3 b" "verify -m made.gguf -i x" "verify -m made.gguf --json" \
    "verify -m made.gguf --exact" "verify -m made.gguf -t query" "convert model -o x.gguf --type q3_k" \
    "quantize made.gguf - q8_0" "convert model -o -" "attach-head made.gguf --dense-2 a --dense-3 b -o -" \
    "quantize made.gguf x.gguf int8" "attach-head made.gguf --dense-2 a --dense-3 b -o x.gguf --type q3_k"; do
    # shellcheck disable=SC2086 # words are meant to be split
    run $bad
    check "$bad is misuse" is_misuse
done
run quantize made.gguf - q8_0
check "standard output is no file of a model" grep -qF "name a file, or ./- for a file of this name" err
run convert model -o x.gguf --type q3_k
check "the message names an unknown type" grep -qF "there is no type 'q3_k'" err

# ------------------------------------------------------------------ convert
run convert model -o f32.gguf --type f32
check "convert prints what it wrote" prints '^f32.gguf: [0-9]+ bytes, F32 x 82, with the head$'
mkdir again && mkdir again/model && "$mkfolder" f32.gguf again/model
run convert again/model -o again.gguf --type f32
check "a folder made from the file gives the same file" cmp f32.gguf again.gguf
run convert model -o q8_0.gguf --json
check "q8_0 is the default; JSON" \
    prints '^\{"file":"q8_0.gguf","bytes":[0-9]+,"tensors":82,"types":"[^"]+","head":true,"notice":null\}$'
cp q8_0.gguf kept.gguf
run convert model -o q8_0.gguf --threads 1
check "one thread gives the same" cmp q8_0.gguf kept.gguf
run convert nowhere -o x.gguf
check "convert: a missing folder" fails "nowhere/config.json"
run convert model -o nowhere/x.gguf
check "convert: an output in a missing folder" fails "nowhere/x.gguf"
run convert model -o /dev/null
check "convert: an output that is not a regular file" fails "not a regular file"
check "and it is unchanged" [ -c /dev/null ]
mkdir there
ln -s there/came.gguf link.gguf
run convert model -o link.gguf
check "convert through a link to no file makes the file" cmp q8_0.gguf there/came.gguf
run quantize made.gguf link.gguf f32
check "quantize through a link replaces the file" [ "$(stat -c %s there/came.gguf)" -gt "$(stat -c %s q8_0.gguf)" ]
check "and keeps the link" [ -L link.gguf ]
check "and no other file is left" [ "$(ls there)" = came.gguf ]
(trap '' XFSZ && ulimit -f 100 && "$quern" quantize made.gguf link.gguf f32 >out 2>err)
status=$?
check "messages name the link that was given" fails "cannot write link.gguf: File too large"
run quantize made.gguf there q8_0
check "quantize: a folder as output" fails "cannot write there: it is a folder; name a file in it"
run quantize there x.gguf q8_0
check "quantize: a folder as input" fails "cannot read there: it is a folder; name a GGUF file in it"
run convert made.gguf -o x.gguf
check "convert: a file as input" fails "made.gguf is no folder: name the one that holds config.json"
rm link.gguf there/came.gguf
for file in model/*.safetensors; do
    break
done
truncate -s -1 "$file"
run convert model -o kept.gguf
check "convert: a checkpoint cut off" fails "cut off"
check "a failure leaves the old file" cmp q8_0.gguf kept.gguf
check "and no other file" [ "$(echo kept.gguf*)" = kept.gguf ]

# ------------------------------------------------------------------ quantize
for type in q8_0 bf16 f16 f32; do
    "$mkmodel" tiny straight.gguf --head --type $type
    run quantize made.gguf x.gguf $type
    check "quantize $type gives the file that convert gives" cmp x.gguf straight.gguf
done
"$mkmodel" tiny straight.gguf --type q4_0
run quantize made-headless.gguf x.gguf Q4_0
check "quantize q4_0 gives the file that convert gives" cmp x.gguf straight.gguf
check "quantize says what it wrote" prints '^x.gguf: [0-9]+ bytes, Q4_0 x 42, F32 x 37, Q8_0 x 1, without a head$'
run quantize f32.gguf x.gguf q8_0
check "convert to f32 and quantize equals convert" cmp x.gguf q8_0.gguf
run quantize x.gguf y.gguf q4_0
check "quantize: weights that were rounded before" grep -q "rounded to Q8_0 already" err
refused() { [ "$status" = 2 ] && grep -qF -- "$1" "$work/err" && cmp -s x.gguf q8_0.gguf; }
ln -s x.gguf x-link.gguf
ln x.gguf x-hard.gguf
for other in x.gguf ./x.gguf x-link.gguf x-hard.gguf; do
    run quantize x.gguf "$other" q4_0
    check "quantize: x.gguf is not replaced as $other" refused "the model is read from it"
done
run attach-head made-headless.gguf --dense-2 x.gguf --dense-3 x.gguf -o x-link.gguf
check "attach-head: nor is the head's file" refused "a layer of the head is read from it"
cp model/config.json before.json
run convert model -o model/config.json
check "convert: nor is a file of the folder" refused "would replace a file of the folder"
check "and it is unchanged" cmp model/config.json before.json
rm x-link.gguf x-hard.gguf
run quantize model/config.json x.gguf q8_0
check "quantize: a file that is not a model" fails "not a GGUF file, but JSON"

# What people have in place of a model's file: wrong FORMAT-OF-PRINTF WORDS
wrong() {
    # shellcheck disable=SC2059 # the bytes of the file
    printf "$1" >wrong.gguf
    run info -m wrong.gguf
    check "a model that is $2" fails "$2"
    cp -r model wrong-folder
    cp wrong.gguf wrong-folder/model.safetensors
    run convert wrong-folder -o wrong-made.gguf
    check "weights that are $2" fails "$2"
    rm -r wrong-folder
}
wrong 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' 'a pointer of Git LFS'
wrong '<!DOCTYPE html><html>' 'a web page'
wrong '<HTML><body>' 'a web page'
wrong 'PK\003\004archive/data.pkl' 'a ZIP archive'
wrong '\037\213\010\000\000\000\000\000' 'compressed by gzip'
wrong '{"error":"not found"}' 'JSON'
printf '\100\0\0\0\0\0\0\0{"__metadata__":{}}' >wrong.gguf
run info -m wrong.gguf
check "safetensors as a model" fails "a safetensors file"
: >wrong.gguf
run info -m wrong.gguf
check "an empty file as a model" fails "empty"
mkdir wrong-folder && "$mkfolder" made.gguf wrong-folder
printf 'version https://git-lfs.github.com/spec/v1\n' >wrong-folder/tokenizer.model
run convert wrong-folder -o wrong-made.gguf
check "a tokenizer that is a pointer" fails "a pointer of Git LFS"
rm wrong-folder/tokenizer.model
printf 'version https://git-lfs.github.com/spec/v1\n' >wrong-folder/tokenizer.json
run convert wrong-folder -o wrong-made.gguf
check "and a JSON file that is one" fails "a pointer of Git LFS"
rm -r wrong-folder
printf 'x' >>y.gguf.part
(flock 9 && exec sleep 100) 9>y.gguf.part &
holder=$!
tries=0
while flock -n y.gguf.part true && [ $tries -lt 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
run quantize x.gguf y.gguf q8_0
check "quantize: a file that another process is writing" fails "another process is writing it"
kill $holder
wait $holder 2>/dev/null
run quantize x.gguf y.gguf q8_0
check "quantize: the unfinished file of a killed process is replaced" cmp y.gguf q8_0.gguf
check "and removed" [ ! -e y.gguf.part ]

(trap '' XFSZ && ulimit -f 100 && "$quern" quantize x.gguf z.gguf f32 >out 2>err)
status=$?
check "quantize: no room for the file" fails "File too large"
check "and no file is left" [ "$(echo z.gguf*)" = 'z.gguf*' ]

# ------------------------------------------------------------------ attach-head
run quantize made-headless.gguf headless.gguf q8_0
first=model/2_Dense/model.safetensors
second=model/3_Dense/model.safetensors
run attach-head headless.gguf --dense-2 $first --dense-3 $second -o whole.gguf
check "attach-head from safetensors" prints 'Q8_0 x 45, F32 x 37, with the head$'
"$mkmodel" tiny straight.gguf --head --type q8_0
run verify -m whole.gguf --against straight.gguf -i "$support/tap.sh" --exact --json
check "it gives the vectors of the whole model" prints '"mean_cosine":1.000000000,"worst_cosine":1.000000000,'
run attach-head headless.gguf --dense-2 made.gguf --dense-3 straight.gguf -o again.gguf
check "attach-head from model files gives the same" cmp again.gguf whole.gguf
run attach-head made-headless.gguf --dense-2 made.gguf --dense-3 made.gguf -o again.gguf
check "the head has the float type of the layers" prints ': [0-9]+ bytes, F32 x 82, with the head$'
run attach-head made-headless.gguf --dense-2 made.gguf --dense-3 made.gguf -o again.gguf --type bf16
check "or the type asked for" prints ': [0-9]+ bytes, F32 x 80, BF16 x 2, with the head$'
run attach-head whole.gguf --dense-2 made.gguf --dense-3 made.gguf -o x.gguf
check "attach-head: a file that has a head" fails "has a head already"
run attach-head headless.gguf --dense-2 headless.gguf --dense-3 made.gguf -o x.gguf
check "attach-head: a file without a head" fails "no tensor dense_2.weight"
run attach-head headless.gguf --dense-2 $second --dense-3 $first -o x.gguf
check "attach-head: the layers in the wrong order" fails "$second: dense_2.weight is [64][128], which does not go with vectors of 64"
run attach-head headless.gguf --dense-2 $first --dense-3 $first -o x.gguf
check "attach-head: one layer twice" fails "$first: dense_3.weight is [128][64]"
run attach-head headless.gguf --dense-2 again/model/model.safetensors --dense-3 $second -o x.gguf
check "attach-head: the weights of a model" fails "does not hold the tensor linear.weight alone, as 2_Dense/model"
run attach-head headless.gguf --dense-2 model/config.json --dense-3 made.gguf -o x.gguf
check "attach-head: a file that is JSON" fails "is not a safetensors file"

# ------------------------------------------------------------------ verify --against
awk 'BEGIN { for (i = 0; i < 30; i++) print "text " i " of " i * i }' >texts
run verify -m q8_0.gguf --against f32.gguf -i texts
check "verify: the sides" prints '^q8_0.gguf, fast path, against f32.gguf, exact path$'
check "verify: how many texts" prints '^30 texts, task document, 64 dimensions$'
check "verify: the mean" prints '^mean cosine +0\.99[0-9]+$'
check "verify: the worst" prints '^worst cosine +0\.9[0-9]+  text [0-9]+$'
check "verify: neighbours" prints '^neighbours shared +[01]\.[0-9]+ +of the 10 nearest, mean over 30 texts$'
# The same figures from the vectors themselves.
"$quern" embed -m q8_0.gguf -t document -f text -i texts >left
"$quern" embed -m f32.gguf -t document -f text --exact -i texts >right
paste -d ' ' left right | awk '
    { for (k = 1; k <= 128; k++) v[NR, k] = $k }
    function dot(a, b, from, to,  k, sum) { for (k = 1; k <= 64; k++) sum += v[a, from + k] * v[b, to + k]; return sum }
    function better(side, a, b, c) { return dot(a, b, side, side) > dot(a, c, side, side) }
    function near(side, a, b,  c, rank) {
        for (c = 1; c <= NR; c++) rank += c != a && c != b && better(side, a, c, b)
        return rank < 10
    }
    END {
        worst = 2
        for (a = 1; a <= NR; a++) {
            cosine = dot(a, a, 0, 64)
            mean += cosine / NR
            if (cosine < worst) { worst = cosine; text = a }
            for (b = 1; b <= NR; b++) if (b != a) shared += near(0, a, b) && near(64, a, b)
        }
        printf "%.5f %.5f %d %.4f\n", mean, worst, text, shared / 10 / NR
    }' >expected
awk '/^mean/ { mean = $3 } /^worst/ { worst = $3; text = $5 } /^neighbours/ { shared = $3 }
    END { printf "%.5f %.5f %d %.4f\n", mean, worst, text, shared }' out >found
check "verify: the figures are right" cmp expected found
run verify -m q8_0.gguf --against exact -i texts --json -t query -d 32
check "verify: against the exact path, as JSON" prints '"against":\{"file":"q8_0.gguf","path":"exact","task":"query"\},"task":"query",'
check "verify: fewer dimensions" prints '"dimensions":32,"texts":30,'
run verify -m f32.gguf --against exact --exact -i texts --json
check "verify: a file equals itself" prints '"mean_cosine":1.000000000,"worst_cosine":1.000000000,"worst_text":[0-9]+,'
check "verify: and has the same neighbours" prints '"neighbours":10,"neighbours_of":30,"neighbour_overlap":1.000000\}'
"$quern" verify -m q8_0.gguf --against f32.gguf --json <texts >out 2>err
status=$?
check "verify: standard input" prints '"texts":30,'
echo one >text
run verify -m q8_0.gguf --against f32.gguf -i text --json
check "verify: one text has no neighbours" prints '"neighbours":0,"neighbours_of":1,"neighbour_overlap":null\}'
printf '\n\n\n' >text
run verify -m q8_0.gguf --against f32.gguf -i text
check "verify: empty texts" prints '^3 texts'
run verify -m q8_0.gguf --against f32.gguf -i /dev/null
check "verify: no texts" fails "holds no texts"
"$mkmodel" tiny bare.gguf --head --type f32 --no-prompts
run verify -m f32.gguf --against bare.gguf -i texts
check "verify: a model that has no prompts got another task" prints '^30 texts, task document against none, 64 dimensions'
run verify -m bare.gguf --against f32.gguf -i texts --exact
check "verify: one without prompts comes first: the other gets none" \
    sh -c "grep -q '^30 texts, task none, 64 ' out && grep -q '^mean cosine        1.0000000' out"
run verify -m q8_0.gguf --against nowhere.gguf -i texts
check "verify: a missing file" fails "nowhere.gguf"

# ------------------------------------------------------------------ ended by a signal
# A file that takes seconds: 4 GiB of zeros, which are not on the disk, as one tensor, F32[33554432][32].
zeros='\0\0\0\0\0\0\0'
# shellcheck disable=SC2059 # the format is meant to be put together
printf "GGUF\003\0\0\0\001$zeros\001$zeros\024${zeros}general.architecture" >large.gguf
# shellcheck disable=SC2059
printf "\010\0\0\0\017${zeros}gemma-embedding" >>large.gguf
# shellcheck disable=SC2059
printf "\001${zeros}a\002\0\0\0\040$zeros\0\0\0\002\0\0\0\0\0\0\0\0\0$zeros" >>large.gguf
truncate -s 4294967424 large.gguf
"$quern" quantize large.gguf larger.gguf q8_0 >out 2>err &
maker=$!
tries=0
while [ ! -s larger.gguf.part ] && [ $tries -lt 600 ]; do
    sleep 0.02
    tries=$((tries + 1))
done
kill -TERM $maker
wait $maker 2>/dev/null
status=$?
check "a signal ends it" [ "$status" = 143 ]
check "and the unfinished file is removed" [ "$(echo larger.gguf*)" = 'larger.gguf*' ]
echo "1..$number"
