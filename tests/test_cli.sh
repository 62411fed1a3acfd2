#!/bin/sh
# The command from end to end, on tiny models. Speaks TAP. usage: test_cli.sh QUERN MKMODEL
set -u
export LC_ALL=C
quern=$1
mkmodel=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset QUERN_MODEL XDG_CACHE_HOME NO_COLOR
export HOME="$work/home"
mkdir "$HOME"
# shellcheck source=tests/support/tap.sh
. "$(dirname "$0")/support/tap.sh"

run() { # run ARGUMENT...: standard input from $work/in, which is emptied afterwards
    "$quern" "$@" <"$work/in" >"$work/out" 2>"$work/err"
    status=$?
    : >"$work/in"
}

exits() { # exits CODE [TEXT]: whether the last run ended with this code and this message
    [ "$status" = "$1" ] && { [ $# = 1 ] || grep -qF -- "$2" "$work/err"; }
}

silent() { # whether the output is empty
    [ ! -s "$work/out" ]
}

prints() { # prints TEXT: whether it is in the output
    grep -qF -- "$1" "$work/out"
}

lines() { # lines N: whether the output has so many lines
    [ "$(wc -l <"$work/out")" -eq "$1" ]
}

size() { # size N [FILE]
    [ "$(wc -c <"${2:-$work/out}")" -eq "$1" ]
}

# keep NAME: keeps the output, to compare later ones with it.
keep() {
    cp "$work/out" "$work/$1"
}

same() { # same NAME: whether the output equals the kept one
    cmp -s "$work/$1" "$work/out"
}

differs() {
    [ -s "$work/out" ] && ! same "$1"
}

both() { # both CONDITION -- CONDITION
    first=
    while [ "$1" != -- ]; do
        first="$first '$1'"
        shift
    done
    shift
    eval "$first" && "$@"
}

: >"$work/in"
model=$work/tiny.gguf
"$mkmodel" tiny "$model" --head || exit 1
"$mkmodel" tiny "$work/headless.gguf" || exit 1

# ------------------------------------------------------------------ help and misuse
run
check "no verb is misuse" both exits 2 "usage: quern" -- silent
run --help
check "help" both exits 0 -- prints "exit codes"
run --version
check "version" both exits 0 -- grep -qx 'quern [0-9]*\.[0-9]*\.[0-9]*' "$work/out"
for verb in embed similarity tokenize info verify eval bench demo pull models convert quantize attach-head; do
    run $verb --help
    check "help of $verb has an example" both exits 0 -- prints "  quern $verb"
    run $verb -m
    check "$verb: -m wants a value" both exits 2 "--help" -- silent
    run $verb --nonsense
    check "$verb: an unknown option" both exits 2 "nonsense" -- silent
done
for verb in $("$quern" --help | sed -n 's/^  \([a-z-]*\)  .*/\1/p'); do
    for switch in $("$quern" "$verb" --help | sed -n 's/^  [ ,a-z-]*\(--[a-z-]*\)  .*/\1/p'); do
        [ "$switch" != --help ] || continue
        run "$verb" "$switch" "$switch"
        check "$verb: $switch twice" both exits 2 "$switch is given twice" -- silent
    done
    for option in model threads task output type sha256 port; do
        case "$verb $option" in "eval model" | "serve model") continue ;; esac # may be given several times
        "$quern" "$verb" --help | grep -q -- "--$option " || continue
        case $option in
        task) value=none ;;
        *) value=1 ;;
        esac
        run "$verb" --$option $value --$option=$value
        check "$verb: --$option twice" both exits 2 "--$option is given twice" -- silent
    done
done
run embed -m "$model" --model "$model" hello
check "an option twice, by letter and by name" both exits 2 "--model is given twice" -- silent
run dance
check "an unknown verb" exits 2 "there is no verb 'dance';"
run version
check "quern version" both exits 0 -- grep -qx 'quern [0-9]*\.[0-9]*\.[0-9]*' "$work/out"
run help
check "quern help" both exits 0 -- prints "exit codes"
for word in help version --help; do
    run help $word
    check "quern help $word" both exits 0 -- prints "exit codes"
done
run embed -m embedinggema text
check "a slip in a model's name" exits 1 "'embedinggema' (did you mean 'embeddinggemma'?)"
for place in hf:owner/repository/model.gguf https://example.org/model.gguf; do
    run embed -m $place text
    check "a model on the network: $place" exits 1 "'quern pull' downloads"
done
run help dance
check "quern help of an unknown verb" exits 2 "there is no verb 'dance'"

# A slip of the hand, and what was probably meant: near GIVEN MEANT ARGUMENT...
near() {
    given=$1
    meant=$2
    shift 2
    run "$@"
    check "$given: did you mean $meant?" both exits 2 "'$given'" -- grep -qF "(did you mean '$meant'?)" "$work/err"
}
for verb in $("$quern" --help | sed -n 's/^  \([a-z-]*\)  .*/\1/p') help version; do
    wrong=$(echo "$verb" | sed 's/^\(.\)\(.\)/\2\1/') # the first two letters exchanged
    near "$wrong" "$verb" "$wrong"
done
near EMBED embed EMBED
near sim similarity sim a b
near -output=x --output embed -m "$model" -output=x hello
near -task --task embed -m "$model" -task query hello
near —task --task embed -m "$model" —task query hello
near –t --task embed -m "$model" hello –t query
near ——dims=64 --dims embed -m "$model" ——dims=64 hello
run tokenize -m "$model" -- —task
check "behind -- it is a text" exits 0
run tokenize -m "$model" '— he said'
check "a dash that begins a text" exits 0
near embde embed embde
for verb in embed serve convert; do
    "$quern" help "$verb" >"$work/help"
    run "$verb" --help
    check "quern help $verb" both exits 0 -- same help
    for option in $(sed -n 's/^  [ ,a-zA-Z-]*--\([a-z-]*\) .*/\1/p' "$work/help"); do
        wrong=$(echo "$option" | sed 's/\(.*\)\(.\)\(.\)$/\1\3\2q/') # the last two exchanged, and one more
        [ ${#option} -gt 4 ] && [ "$option" != models ] || continue # --modeslq is as near to --model
        near "--$wrong" "--$option" "$verb" "--$wrong"
    done
done
for wrong in "-m $model --against $work/no" "-m $work/no --against $model" "-m $work/no --against exact"; do
    # shellcheck disable=SC2086
    run verify $wrong # the texts, of which there are none, would be read next
    check "verify $wrong" exits 1 "there is no file or model"
done
run quantize hf:owner/repository "$work/made" q8_0
check "a place on the network in place of a model file" exits 1 "'quern pull' downloads"
run attach-head hf:owner/repository --dense-2 a --dense-3 b -o "$work/made"
check "to attach a head to" exits 1 "'quern pull' downloads"
run convert https://example.org/model -o "$work/made"
check "or of a folder" exits 1 "download the files of the model"
run quantize embedingemma "$work/made" q8_0
check "a slip in the name of a model file" exits 1 "(did you mean 'embeddinggemma'?)"
near -port --port serve -port 1
near -json --log-format serve -json
near -json --json info -json
near -exact --exact serve -exact
near -exact --exact embed -exact x
near -extact --exact embed -extact x
near --dimensions --dims embed --dimensions 256 x
run embed --dimensions=256 x
check "--dimensions=256" exits 2 "'--dimensions' (did you mean '--dims'?)"
near --json --format embed --json x
near -json --format embed -json x
near --served-model-name --model-name serve --served-model-name x
near list models list
near ls models ls
near download pull download x
near compare 'verify --against' compare a b
near benchmark bench benchmark
run completion bash
check "completions of shells" exits 2 "'make install' installs the completions"
for given in --api-key=sesame "--api-key sesame"; do
    # shellcheck disable=SC2086 # words are meant to be split
    run serve $given
    check "serve $given: a key is refused on the command line, and not repeated" \
        sh -c "[ $status = 2 ] && grep -qF api-key-file '$work/err' && ! grep -q sesame '$work/err'"
done
run embed -k x
check "a letter that is no option" exits 2 "there is no option '-k'; see"
near querry query embed -t querry x
check "the tasks are listed" grep -qF "the tasks are none, query, document, similarity" "$work/err"
near serach_query query embed -t serach_query x
near documnt document similarity -t documnt x y
near jsnol jsonl embed -f jsnol x
near pices pieces tokenize -f pices x
near stss sts eval stss file
near retreival retrieval eval retreival folder
near q8_O q8_0 quantize in out q8_O
near f61 f16 convert -o out --type f61 folder
near embedingema embeddinggemma pull embedingema
near stage stages bench --only load,stage
check "the sections are listed" grep -qF "the sections are load, tokenize, forward" "$work/err"
near --versoin --version --versoin
run --quiet embed x
check "an option before the verb" exits 2 "'--quiet' stands where the verb must be"
esc=$(printf '\033[2J')
run "em${esc}bed"
check "a message has no control characters" both exits 2 "'em?[2Jbed'" -- [ "$(grep -cF "$esc" "$work/err")" = 0 ]
run embed -m "$model" -t none "-f$esc" x
check "nor does one about an option" both exits 2 "'?[2J'" -- silent
run embed -t dance x
check "a task that is near no other" exits 2 "there is no task 'dance'; the tasks are"
run embed --t x
check "a beginning of two options" exits 2 "'--t' is the beginning of more than one option"
run embed -t
check "an option without its argument" exits 2 "--task needs TASK"
run embed --exact=yes x
check "an argument that an option does not take" exits 2 "--exact takes no argument"
run embed -Z x
check "an unknown letter" exits 2 "there is no option '-Z'"

# ------------------------------------------------------------------ terminals and signals
if command -v script >/dev/null; then
    on_terminal() { # on_terminal ENVIRONMENT COMMAND: runs the command with a terminal as its output
        env "$1" script -qec "$2" /dev/null >"$work/out" 2>"$work/err" </dev/null
        status=$?
    }
    escapes() { grep -q "$(printf '\033')" "$work/out"; }
    for format in f32 npy; do
        on_terminal TERM=xterm "'$quern' embed -m '$model' -f $format x"
        check "$format is not written to a terminal" both grep -q "a terminal cannot show" "$work/out" -- [ $status = 2 ]
        for name in /dev/tty /dev/stdout; do
            on_terminal TERM=xterm "'$quern' embed -m '$model' -f $format -o $name x"
            check "$format is not written to $name" both grep -q "a terminal cannot show" "$work/out" -- [ $status = 2 ]
        done
    done
    on_terminal TERM=xterm "'$quern' similarity -m '$model' a b"
    check "a matrix on a terminal has colours" escapes
    on_terminal TERM=dumb "'$quern' similarity -m '$model' a b"
    check "but not on one without them" both [ $status = 0 ] -- [ "$(grep -c "$(printf '\033')" "$work/out")" = 0 ]
    on_terminal NO_COLOR=1 "'$quern' similarity -m '$model' a b"
    check "nor with NO_COLOR" both [ $status = 0 ] -- [ "$(grep -c "$(printf '\033')" "$work/out")" = 0 ]
fi
interrupt() { # interrupt SIGNAL ARGUMENT...: embeds two lines, then waits for more, until the signal comes
    signal=$1
    shift
    mkfifo "$work/fifo"
    "$quern" embed -m "$model" -t none -f text "$@" <"$work/fifo" >"$work/out" 2>"$work/err" &
    pid=$!
    exec 9>"$work/fifo"
    printf 'one\ntwo\n' >&9
    for try in $(seq 100); do
        [ "$(cat "$work/out" "$work"/stopped.* 2>/dev/null | wc -l)" -lt 2 ] || break
        sleep 0.1
    done
    kill "-$signal" "$pid"
    wait "$pid"
    status=$?
    exec 9>&-
    rm "$work/fifo"
}
interrupt TERM
check "SIGTERM: says what was written" both exits 143 "interrupted after 2 texts, whose vectors were written" -- lines 2
interrupt TERM -o "$work/stopped"
check "SIGTERM with -o: nothing is left" both exits 143 "nothing was written to $work/stopped" -- \
    [ "$(ls "$work" | grep -c '^stopped')" = 0 ]
for bad in "-t nothing" "-d 0" "-d -3" "-d 1x" "-d 99999999999999999999" "--threads 0" "--threads 257" "-f xml" \
    "-f ''" "-m ''" "-i ''" "-o '' text" "--title x -t query" "-i /dev/null text"; do
    eval "run embed -m '$model' $bad"
    check "embed $bad is misuse" both exits 2 "quern embed --help" -- silent
done
for bad in "--port 65536" "--port x" "--port 1e3" "--port ' 5'" "--port +5" "--port '5 '" "--port 0x50" \
    "--timeout -1" "--timeout nan" "--timeout 1e2" "--timeout 0x10" "--timeout ' 5'" "--timeout +5" "--timeout 5." \
    "--timeout inf" "--timeout 86401" "--cache 1000" "--cache 1T" "--cache 1e9" "--cache 0x1000000" "--cache +5M" "--log-format xml" \
    "--default-task nothing" "--host ''" "--cache-file x" text; do
    eval "run serve -m '$model' $bad"
    check "serve $bad is misuse" both exits 2 "quern serve --help" -- silent
done
run serve --port 70000
check "an upper bound is named" exits 2 "--port takes a number from 0 to 65535, not '70000'"
run serve --cache 65537G
check "an upper bound of bytes is named" exits 2 "--cache takes a size from 1M to 65536G"

run serve -m "$model" -m "$work/no.gguf"
check "serve: each model is looked for at the start" exits 1 "there is no file or model '$work/no.gguf'"
head -c 5000 "$model" >"$work/cut.gguf"
run serve -m "$model" -m "cut=$work/cut.gguf"
check "serve: and looked at" exits 1 "$work/cut.gguf: "
run serve -m "$model" -m "$model"
check "serve: two models of one name" exits 2 "give one another name, as -m NAME=FILE"
run serve -m "a:query=$model" -m "$model"
check "serve: a name that ends in a task" exits 2 "'a:query' ends in a task"
run serve -m "$model" -m "b=$model" --model-name c
check "serve: a name for one model of several" exits 2 "--model-name is for a server of one model"
run serve -m "$model" -m "b=$model" --models-memory 1M --port 70000
check "serve: --port is checked first" exits 2 "--port takes a number"
mkdir "$work/folder" && cp "$work/cut.gguf" "$work/folder"
run serve --models "$work/folder"
check "serve: a folder without a model that can be served" exits 1 "$work/folder/cut.gguf: "
rm "$work/folder/cut.gguf"
run serve --models "$work/folder"
check "serve: a folder without models" exits 1 "there is no model in $work/folder"
run serve --models "$work/no"
check "serve: no such folder" exits 1 "cannot read the models of $work/no: No such file"

# environment SETTING... : what 'serve' says when the environment has these; the word at the end ends it.
environment() {
    env "$@" "$quern" serve -m "$model" word >"$work/out" 2>"$work/err" <"$work/in"
    status=$?
}
for value in 1 0 true False YES no On oFF ''; do
    environment QUERN_INSECURE="$value"
    check "a switch in the environment may be '$value'" exits 2 "it takes no arguments"
done
run serve -m "$model" --host "unix:$work/in"
check "a file in the place of a socket is named as one" exits 1 "unix:$work/in: a file is there, or the socket of"
for name in API_KEY_FILE CACHE_FILE HOST; do
    env QUERN_CACHE=1M "QUERN_$name=$work/no/such" "$quern" serve -m "$model" >"$work/out" 2>"$work/err"
    status=$?
    check "a variable that names what is not there: QUERN_$name" exits 1 "quern: \$QUERN_$name: cannot "
done
env QUERN_MODEL="$work/no/such" "$quern" serve >"$work/out" 2>"$work/err"
status=$?
check "also when it is the model" exits 1 "quern: \$QUERN_MODEL: there is no file or model"
environment QUERN_INSECURE=2
check "a switch in the environment is true or false" exits 2 "\$QUERN_INSECURE takes true or false"
environment QUERN_PORT=x QUERN_TIMEOUT=
check "a variable is blamed by its own name" exits 2 "\$QUERN_PORT takes a number from 0 to 65535, not 'x'"
environment QUERN_DEFAULT_TASK=nothing
check "so is the variable of a task" exits 2 "\$QUERN_DEFAULT_TASK: there is no task 'nothing'"
run embed -m nosuch.gguf hello
check "a model that is not there" fails "there is no file or model 'nosuch.gguf'"
QUERN_MODEL=/nonexistent run embed hello
check "is blamed on the variable" fails "\$QUERN_MODEL: there is no file or model '/nonexistent'"
run serve -m "$model" --model-name a:query
check "a model's name has no task" exits 2 "--model-name: 'a:query' ends in a task"
QUERN_MODEL_NAME=a:passage:latest run serve -m "$model"
check "in no service's word" exits 2 "\$QUERN_MODEL_NAME: 'a:passage:latest' ends in a task"
QUERN_CORS_ORIGIN=localhost run serve -m "$model"
check "so is the variable of origins" exits 2 "\$QUERN_CORS_ORIGIN: 'localhost' can never match"
QUERN_ALLOWED_HOSTS=http://a run serve -m "$model"
check "so is the variable of hosts" exits 2 "\$QUERN_ALLOWED_HOSTS: 'http://a' can never match"
QUERN_CACHE_FILE=there run serve -m "$model"
check "so is the variable of the cache file" exits 2 "\$QUERN_CACHE_FILE needs --cache"
QUERN_MAX_BODY=70000 QUERN_QUEUE_BYTES=65536 run serve -m "$model"
check "so are two variables" exits 2 "\$QUERN_MAX_BODY 70000 is more than \$QUERN_QUEUE_BYTES 65536"
QUERN_CORS_ORIGIN=localhost run serve -m "$model" --cors-origin nowhere
check "an option is blamed by its own name" exits 2 "--cors-origin: 'nowhere' can never match"
environment QUERN_QUIET=true QUERN_ALLOWED_HOST=a.example
check "the environment may ask for quiet" both exits 2 "it takes no arguments" -- test "$(wc -l <"$work/err")" -eq 1
environment QUERN_QUIET=2
check "quiet is true or false, too" exits 2 "\$QUERN_QUIET takes true or false"
QUERN_PORT=x QUERN_TIMEOUT=soon run serve -m "$model" --port 1 --timeout 1 word
check "a variable that the command line overrides is not read" exits 2 "it takes no arguments"
environment QUERN_PORT=tcp://10.96.0.1:8080 QUERN_SERVICE_HOST=10.96.0.1 QUERN_SERVICE_PORT=8080 \
    QUERN_SERVICE_PORT_HTTP=8080 QUERN_PORT_8080_TCP=tcp://10.96.0.1:8080 QUERN_PORT_8080_TCP_PROTO=tcp \
    QUERN_PORT_8080_TCP_PORT=8080 QUERN_PORT_8080_TCP_ADDR=10.96.0.1 QUERN_NAME=/web/quern QUERN_ENV_HOME=/root \
    QUERN_WEB_PORT=tcp://10.96.0.2:80
check "what Kubernetes and Docker set is left alone" exits 2 "it takes no arguments"
check "one notice says so" both exits 2 "\$QUERN_PORT is the address of a service" -- \
    test "$(wc -l <"$work/err")" -eq 2
environment QUERN_ALLOWED_HOST=a.example QUERN_API_KEY=key
check "a name that is no option gets a notice" both exits 2 "\$QUERN_ALLOWED_HOST does nothing" -- \
    test "$(wc -l <"$work/err")" -eq 2
for bad in "--dims 0" "--dims 64," "--dims 64x" "--dims $(seq -s, 17)" "sts" "other file"; do
    eval "run eval -m '$model' $bad"
    check "eval $bad is misuse" both exits 2 "quern eval --help" -- silent
done
run similarity -m "$model" alone
check "similarity of one text is misuse" exits 2 "at least two"
run tokenize -m "$model" -i "$model" text
check "tokenize: text and -i is misuse" exits 2 "not both"
run info -m "$model" more
check "info takes no arguments" exits 2
run verify -m "$model" more
check "verify takes no arguments" exits 2
run embed -m "$model" -d 65 text
check "more dimensions than the model has" both exits 1 "65" -- silent

# ------------------------------------------------------------------ which model
mkdir "$work/bin"
cp "$quern" "$work/bin/quern" # away from a starter model
built=$quern
quern=$work/bin/quern
run embed text
check "without a model the message says how to get one" both exits 1 "quern pull embeddinggemma" -- silent
check "and downloads nothing" [ ! -e "$HOME/.cache" ]
mkdir -p "$work/share/quern" "$work/bin/models"
"$mkmodel" tiny "$work/bin/models/starter.gguf" --no-prompts
run embed text
check "a starter model in a build directory" both exits 0 "using the starter model" -- lines 1
keep none
run embed -t none text
check "its notice comes once, and its default task is none" both same none -- [ ! -s "$work/err" ]
run embed -t document text
check "a model without prompts ignores a task, with a notice" both exits 0 "the task document changes nothing" -- \
    same none
run embed --title 'A day' text
check "it ignores a title, too" both exits 0 "the title changes nothing" -- same none
run embed -f json -t document text
check "and its space has no task" grep -q '"space":"64n-[0-9a-f]*-none"' "$work/out"
run embed -q -t document text
check "--quiet: no notice" both same none -- [ ! -s "$work/err" ]
rm -r "$HOME/.cache"
run embed --quiet text
check "--quiet: none of the starter either" both same none -- [ ! -s "$work/err" ]
run embed text
check "and that one comes later" exits 0 "using the starter model"
run similarity text text
keep similar
run similarity -t none text text
check "similarity has no prompt either" same similar
run info
check "info tells of prompts" both prints "models/starter.gguf" -- grep -qE '^prompts +none' "$work/out"
cp "$work/bin/models/starter.gguf" "$work/share/quern/starter.gguf"
run info
check "an installed starter model is preferred" prints "share/quern/starter.gguf"
run embed -m '' text
check "an empty -m is an error" both exits 2 "FILE is empty" -- silent
mkdir -p "$HOME/.cache/quern"
cp "$model" "$HOME/.cache/quern/a.gguf"
run info
check "a cached model is preferred to a starter model" both prints "/a.gguf" -- grep -qE '^prompts +by task' "$work/out"
rm -r "$HOME/.cache"
quern=$built
run info -m "$work/missing.gguf"
check "a missing model" exits 1 "missing.gguf"
run info -m "$work"
check "a folder as model" exits 1 "$work: it is a folder; name a GGUF file in it, or make one"
run info -m "$quern"
check "a file that is not a model" exits 1
head -c 100000 "$model" >"$work/cut.gguf"
run info -m "$work/cut.gguf"
check "a model cut short" exits 1
export QUERN_MODEL="$work/headless.gguf"
run info
check "\$QUERN_MODEL" both exits 0 -- prints "headless.gguf"
run info -m "$model"
check "-m overrides \$QUERN_MODEL" both exits 0 -- prints "tiny.gguf"
unset QUERN_MODEL
mkdir -p "$HOME/.cache/quern" "$work/cache/quern"
cp "$model" "$HOME/.cache/quern/b.gguf"
cp "$model" "$HOME/.cache/quern/c.gguf"
run info
check "the cache folder: first by name" both exits 0 "/b.gguf" -- prints "/b.gguf"
cp "$model" "$work/cache/quern/d.gguf"
export XDG_CACHE_HOME="$work/cache"
run info
check "\$XDG_CACHE_HOME" both exits 0 -- prints "/d.gguf"
unset XDG_CACHE_HOME
rm -r "$HOME/.cache"
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
    "notes --again" "status --vector vector"; do
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
if command -v python3 >/dev/null; then
    check "bench: JSON that other programs can read" python3 -m json.tool "$work/out"
fi
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
    "--seconds 0" "--seconds x" "text"; do
    eval "run bench $bad"
    check "bench $bad is misuse" both exits 2 "quern bench --help" -- silent
done
run bench --seconds 0.001 --only tokenize --texts "$work/nowhere"
check "bench: a missing folder for texts" both exits 1 nowhere -- silent

# ------------------------------------------------------------------ on a terminal
if command -v script >/dev/null; then
    script -qec "'$quern' similarity hello world" /dev/null </dev/null >"$work/out" 2>"$work/err"
    check "a terminal gets colour" grep -q '\[38;5;' "$work/out"
    NO_COLOR=1 script -qec "'$quern' similarity hello world" /dev/null </dev/null >"$work/out" 2>"$work/err"
    check "no colour with NO_COLOR" both grep -q 1.0000 "$work/out" -- [ "$(tr -cd '\033' <"$work/out" | wc -c)" -eq 0 ]
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
