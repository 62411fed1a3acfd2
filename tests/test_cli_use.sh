#!/bin/sh
# How the command is used: help, misuse, terminals, signals, the choice of a model. Speaks TAP.
# usage: test_cli_use.sh QUERN MKMODEL
# shellcheck source=tests/support/tiny_command.sh
. "$(dirname "$0")/support/tiny_command.sh"

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
for more in "help embed more" "version more" "--version --json" "--help embed more"; do
    # shellcheck disable=SC2086
    run $more
    check "$more: a word too many" both exits 2 "is one word too many" -- silent
done
run --help embed
check "--help of a verb" both exits 0 -- prints "usage: quern embed"
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
if ! lacks script; then
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
for bad in "models rm --json a.gguf" "models rm --digests bench" "models known --digests" "pull --list --sha256 00" \
    "pull --list --retries 1" "verify --json" "verify -t query" "run status folder --shard 0/2" "run verify folder --json" \
    "run merge folder --force" "run lines.txt -o folder --json" "index info file --chunk 8" "index check file --json" \
    "index compact file -d 8" "index import vectors.npy -o file -m model" "index export file -o vectors.npy --bits" \
    "index folder -o file --ids ids"; do
    # shellcheck disable=SC2086
    run $bad
    check "$bad: an option that the use does not have" both exits 2 "quern ${bad%% *} --help" -- silent
done
for bad in "256:" ":8" "8:8" "+8" "' 8'" "8: 2" 0x8 1e2 8:2:1 99999999999999999999; do
    eval "run run lines.txt -o folder --chunk $bad"
    check "run --chunk $bad is misuse" both exits 2 "TOKENS:OVERLAP" -- silent
done
for bad in 0x1 nan inf "' 0.5'" "'0.5 '" 1e999; do
    eval "run similar --least $bad file"
    check "similar --least $bad is misuse" both exits 2 "quern similar --help" -- silent
done
run embed -f 'jsonl|json' text
check "two formats at once are none" both exits 2 "--format takes jsonl|json|" -- silent
for verb in embed tokenize; do
    run $verb -m "$model" --null text
    check "$verb: --null and texts is misuse" both exits 2 "--null goes with" -- silent
done
long=$(seq 300)
run similarity -m "$model" --truncate one "$long"
check "similarity says how many texts were cut" both exits 0 "1 of 2 texts were cut to 256 tokens" -- lines 3
run similarity -m "$model" one "$long"
check "and names the option that cuts them" exits 1 "(--truncate)"
run demo -m "$model" "$long"
check "a verb without this option does not name it" both exits 1 "the model takes 256" -- \
    [ "$(grep -c -e --truncate "$work/err")" = 0 ]
c1=$(printf '\302\2332J') # the control sequence introducer in one character
odd=$(printf 'odd\nname\033[2J.gguf')
cp "$model" "$work/$odd"
clean() { # clean TEXT: whether the output has this text, and no control character
    both exits 0 -- prints "$1" && [ "$(tr -d '\n' <"$work/out" | grep -c "$(printf '[\001-\037\177]\|\302[\200-\237]')")" = 0 ]
}
run similarity -m "$model" "a${c1}b" "c${esc}d"
check "a matrix has no control characters of its texts" both clean '  a?' -- prints '  c?[2Jd'
run similarity -m "$model" "$(printf '%061d' 0)" "$(printf '%060d' 0)"
check "and cuts long texts" both prints "$(printf '  %060d...' 0)" -- grep -q '0000$' "$work/out"
run demo -m "$model" "a${esc}b"
check "nor has demo of its query" clean 'query: a?[2Jb'
run info -m "$work/$odd"
check "nor info of a file's name" clean 'odd\nname?[2J.gguf'
printf 'one\ntwo\n' >"$work/in"
run verify -m "$work/$odd" --against exact
check "nor verify --against" clean 'odd\nname?[2J.gguf, fast path, against '
run quantize "$work/$odd" "$work/new$odd" f16
check "nor quantize" clean 'newodd\nname?[2J.gguf: '
run info --json -m "$work/$odd"
check "JSON has the name as it is" prints 'odd\u000aname\u001b[2J.gguf'
for bad in "convert '' -o '$work/made'" "quantize '' '$work/made' f16" "quantize '$model' '' f16" "run status ''" \
    "run '' -o '$work/made'" "run merge '' -o '$work/made'" "index '' -o '$work/made'" "index info ''" "similar ''" \
    "cluster ''" "eval sts ''" "eval retrieval ''" "pg-worker ''" \
    "attach-head '' --dense-2 a --dense-3 b -o '$work/made'"; do
    eval "run $bad"
    check "$bad: an empty name" both exits 2 " is empty; a name must stand there" -- silent
done
run tokenize -m "$model" -- one two -f --
keep words
run tokenize one -m "$model" two -- -f --
check "options may stand behind texts, and -- ends them" both exits 0 -- same words
POSIXLY_CORRECT=1 run tokenize one -m "$model" two -- -f --
check "also with POSIXLY_CORRECT" both exits 0 -- same words
run similarity -m "$model" '' ''
check "a text may be empty" both exits 0 -- lines 3
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
echo "1..$number"
