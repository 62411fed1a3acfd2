#!/bin/sh
# The house's rules that a compiler does not see. usage: check_layers.sh SOURCE-ROOT
# shellcheck disable=SC2013,SC2044 # no name here has a space
set -eu
cd "$1"
failed=0

complain() {
    echo "$*" >&2
    failed=1
}

# What the files of a folder under src/ may include from src/.
allowed() {
    case $1 in
    base) echo 'base' ;;
    formats) echo 'base|formats' ;;
    gguf) echo 'base|formats|gguf' ;;
    text) echo 'base|text' ;;
    kernels) echo 'base|formats|kernels' ;;
    arch) echo 'base|formats|kernels|arch' ;;
    network) echo 'base|formats|gguf|kernels|arch|network' ;;
    engine) echo 'base|formats|kernels|arch|network|engine' ;;
    api) echo 'base|formats|gguf|text|kernels|arch|network|engine|api' ;;
    *) echo 'no-such-layer' ;;
    esac
}

# What a library does not call.
final='(^|[^a-z_])(printf|fprintf|puts|putchar|perror|exit|_exit|abort|assert)\('

sources=$(find src json jobs convert server cli include fuzz tests tools bench -name '*.[ch]')
for file in $(find src -name '*.[ch]'); do
    layer=${file#src/}
    layer=${layer%%/*}
    bad=$(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file" | grep -vE "^quern\.h$|^($(allowed "$layer"))/" || true)
    [ -z "$bad" ] || complain "$file ($layer) may not include: $bad"
    bad=$(grep -nE "$final" "$file" || true)
    [ -z "$bad" ] || complain "$file: a library does not print, exit or abort: $bad"
done

# What makes model files, in convert/, uses files and vocabularies of the library, and never what computes; nor does it
# print or exit.
for file in $(find convert -name '*.[ch]'); do
    for name in $(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file"); do
        echo "$name" | grep -qE '^quern\.h$|^(base|formats|gguf|arch)/|^text/tokenizer\.h$' || [ -f "convert/$name" ] ||
            complain "$file may not include $name"
    done
    bad=$(grep -nE "$final" "$file" || true)
    [ -z "$bad" ] || complain "$file: a library does not print, exit or abort: $bad"
done

# What stands on the library knows the public header, what lies beside it, and what is named here. (The command's verb
# bench, in bench/, looks inside.)
for file in $(find json jobs server cli -name '*.[ch]'); do
    folder=$(dirname "$file")
    for name in $(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file"); do
        case $folder:$name in
        *:quern.h | server/http:json_text.h | server/requests:json_text.h | server/*:server.h) ;;
        server/*:array_count.h) ;;
        server/requests:http/* | server/requests:steps/* | server/dialects:requests/* | server/dialects:page/page.h) ;;
        server/loop:requests/* | server/loop:http/* | server/loop:steps/*) ;;
        jobs:json_text.h | cli:array_count.h | cli:jobs.h) ;;
        cli/*:json_text.h | cli/*:cli.h | cli/*:arguments.h | cli/making:convert.h | cli/pull:store/store.h) ;;
        cli/quality:store/session.h | cli/verbs:store/session.h | cli/verbs:server.h) ;;
        *) [ -f "$folder/$name" ] || complain "$file may not include $name" ;;
        esac
    done
done

# jobs/ writes to the files it is given, and says nothing itself.
bad=$(grep -nE "(^|[^a-z_])(printf|puts|putchar|perror|exit|_exit|abort)\(|std(out|err)" jobs/*.[ch] || true)
[ -z "$bad" ] || complain "jobs does not print or exit: $bad"

twice=$(for file in $sources; do basename "$file"; done | sort | uniq -d)
[ -z "$twice" ] || complain "file names must be unique: $twice"

exit $failed
