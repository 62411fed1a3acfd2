#!/bin/sh
# Runs the code blocks of the documents as they stand, offline, with the starter model.
# usage: check_documents.sh SOURCE-ROOT BUILD-ROOT [EXTRAS DOCUMENT...]
# With EXTRAS, only these documents are checked, and the blocks that "tests/howto/run does" are run. EXTRAS is a folder
# whose files lie in the reader's folder too; what is in its node_modules/ can be imported.
#
# All blocks of a document run in order in one shell, in an empty folder that has build/, models/, examples/ and include/
# of the tree, and with build/ first in PATH. It also has what a reader may have downloaded, both tiny here:
# embeddinggemma-300m/, the folder of a model, and old.gguf, a model without a head. Port 8080 is replaced by a free one. The kinds of blocks:
#
#   ```sh     runs, and must succeed. What it prints is kept for the output block that follows.
#   ```c      is compiled without warnings, and linked if it has main(). A block that begins with the comment
#             "/* NAME.c" is written to the file NAME.c, so that a later ```sh block can use it.
#   ```python runs as a program of its own, with the package of the build directory, as a ```sh block does.
#   ```js     the same with Node.js, as a module. It is not run where that package was not built.
#   ```text   is shown only; or, below the line "<!-- output -->", is compared with what the ```sh block before it
#             printed. Numbers may differ by 0.02, because kernel tables round differently. A line "..." stands for any
#             lines, a word "..." for any word.
#   ```json   like ```text; but it must be an output.
#
# A block below the line "<!-- not run: REASON -->" is not run. How many were run, and how many were not and why, is
# printed. Links to files of the tree must lead to a file, and paths that are named must exist.
#
# The manual page is checked in the same way: a display (.Bd to .Ed) among its examples is a ```sh block, and the comment
# "not run: REASON" before it says that it is not run.
set -eu
root=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)
extras=
if [ $# -gt 2 ]; then
    extras=$(cd "$3" && pwd)
    shift 3
else
    shift 2
fi
cc=${CC:-cc}
python=/usr/bin/python3 # of the system, which has Debian's NumPy
[ -x $python ] || python=python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
: >"$work/totals"

complain() {
    echo "$*" >&2
    failed=1
}

# Splits a document: to stdout a line for each block, "NUMBER KIND LINE REASON", KIND being run, shown, output, compile,
# skip or a complaint; and the block itself to $work/doc/NUMBER.
split_blocks() {
    awk -v folder="$work/doc" -v extras="$extras" '
        function kind(language, note) {
            if (extras != "" && note ~ /^not run: .*; tests\/howto\/run does it$/) note = ""
            if (note ~ /^not run: ./) return "skip"
            if (note == "output" && (language == "text" || language == "json")) return "output"
            if (note != "") return "unknown-comment"
            if (language == "sh") return "run"
            if (language == "c") return "compile"
            if (language == "python") return "python"
            if (language == "js") return "js"
            if (language == "text") return "shown"
            return "unknown-language"
        }
        !inside && /^<!-- .* -->$/ { note = substr($0, 6, length($0) - 9); next }
        !inside && /^```/ {
            inside = 1
            number++
            language = substr($0, 4)
            print number, kind(language, note), NR, (kind(language, note) == "skip" ? substr(note, 10) : language)
            printf "" > (folder "/" number)
            next
        }
        inside && /^```/ { inside = 0; note = ""; close(folder "/" number); next }
        inside { print > (folder "/" number); next }
        /[^ ]/ { note = "" }' "$1"
}

# Whether the words of file $1 are those of file $2, as described above.
same_output() {
    awk '
        function words(line, into) {
            gsub(/[][{}(),:"|]/, " & ", line)
            return split(line, into, " ")
        }
        function is_number(word) { return word ~ /^[-+]?[0-9.]*[0-9]([eE][-+]?[0-9]+)?$/ }
        function same_word(a, b) {
            if (a == b || a == "...") return 1
            if (!is_number(a) || !is_number(b) || (a !~ /[.]/ && b !~ /[.]/)) return 0
            return a - b <= 0.02 && b - a <= 0.02
        }
        function same_line(a, b,    i, n) {
            n = words(a, left)
            if (n != words(b, right)) return 0
            for (i = 1; i <= n; i++) if (!same_word(left[i], right[i])) return 0
            return 1
        }
        NR == FNR { expected[++count] = $0; next }
        { printed[++lines] = $0 }
        END {
            at = 1
            for (i = 1; i <= count; i++) {
                if (expected[i] == "...") {
                    if (i == count) exit 0
                    while (at <= lines && !same_line(expected[i + 1], printed[at])) at++
                    continue
                }
                if (at > lines || !same_line(expected[i], printed[at])) {
                    print "expected: " expected[i]
                    print "printed:  " (at > lines ? "(the end)" : printed[at])
                    exit 1
                }
                at++
            }
            if (at <= lines) { print "printed beyond the expected lines: " printed[at]; exit 1 }
        }' "$1" "$2"
}

# Compiles a C block.
compile() {
    source=$work/doc/block.c
    { echo "#line $3 \"$1\""; cat "$work/doc/$2"; } >"$source"
    if grep -q 'int main(' "$source"; then
        $cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$root/include" "$source" -o "$work/doc/program" \
            "$build/src/libquern.a" -lm -lpthread
    else
        $cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$root/include" -I"$root/src" -c "$source" -o "$work/doc/object"
    fi
}

# An empty folder as a reader has it after make.
make_folder() {
    mkdir -p "$1/build/models" "$1/home" "$1/node_modules"
    if [ -z "$extras" ]; then
        ln -s "$build/bindings/node" "$1/node_modules/quern"
    else # a copy, because it looks for other packages in the folder where it really is
        cp -r "$build/bindings/node" "$1/node_modules/quern"
        ln -s "$extras"/node_modules/* "$1/node_modules/"
        for name in "$extras"/*; do
            [ "${name##*/}" = node_modules ] || ln -s "$name" "$1/"
        done
    fi
    for name in models examples include bench docs deploy; do
        [ ! -e "$root/$name" ] || ln -s "$root/$name" "$1/$name"
    done
    for name in embeddinggemma-300m old.gguf; do
        ln -s "$work/downloads/$name" "$1/$name"
    done
    for name in quern src tools examples bindings meson-uninstalled; do
        [ ! -e "$build/$name" ] || ln -s "$build/$name" "$1/build/$name"
    done
}

# Runs a script in that folder. timeout(1) makes a process group, so that what runs in the background can be ended.
run_script() {
    (cd "$work/folder" && exec env -u QUERN_MODEL -u QUERN_CPU HOME="$work/folder/home" \
        XDG_CACHE_HOME="$work/folder/home" QUERN_PORT="$port" PATH="$work/folder/build:$PATH" \
        PYTHONPATH="$build/bindings/python" PYTHONDONTWRITEBYTECODE=1 \
        LD_LIBRARY_PATH="$work/folder/build/src" PKG_CONFIG_PATH="$work/folder/build/meson-uninstalled" \
        timeout 120 sh "$1") &
    group=$!
    status=0
    wait "$group" || status=$?
    kill -- -"$group" 2>/dev/null || true
    return "$status"
}

# The manual page as such a document, line for line.
convert_manual() {
    awk '
        /^\.Sh / { examples = $2 == "EXAMPLES" }
        !examples { print ""; next }
        /^\.\\" not run: / { print "<!-- " substr($0, 5) " -->"; next }
        /^\.Bd / { inside = 1; print "```sh"; next }
        /^\.Ed/ { inside = 0; print "```"; next }
        { gsub(/\\e/, "\\"); print inside ? $0 : "" }' "$1"
}

# What a reader has downloaded, in $work/downloads.
make_downloads() {
    mkdir -p "$work/downloads/embeddinggemma-300m"
    "$build/tools/mkmodel" tiny "$work/whole.gguf" --head --type f32
    "$build/tools/mkfolder" "$work/whole.gguf" "$work/downloads/embeddinggemma-300m"
    "$build/tools/mkmodel" tiny "$work/downloads/old.gguf" --type f32
}

# Checks one document, named relative to the root.
check_document() {
    document=$1
    text=$root/$document
    rm -rf "$work/doc" "$work/folder"
    mkdir "$work/doc"
    make_folder "$work/folder"
    case $document in
    *.1)
        text=$work/manual
        convert_manual "$root/$document" >"$text"
        ;;
    esac
    split_blocks "$text" >"$work/doc/list"
    cut -d ' ' -f 2 "$work/doc/list" >>"$work/totals"

    script=$work/doc/script
    echo "set -eu" >"$script"
    while read -r number kind line reason; do
        case $kind in
        run | python | js)
            if [ $kind = js ] && [ ! -e "$build/bindings/node/quern.node" ]; then
                echo "$document:$line: not run: the Node.js package was not built"
                last=
                continue
            fi
            cp "$work/doc/$number" "$work/folder/$number.mjs"
            {
                echo "echo $number $line >'$work/doc/current'"
                echo "{"
                case $kind in
                run) cat "$work/doc/$number" ;;
                python) echo "$python '$work/doc/$number'" ;;
                js) echo "node $number.mjs" ;;
                esac
                echo "} >'$work/doc/$number.out'"
            } >>"$script"
            last=$number
            ;;
        compile)
            compile "$document" "$number" "$((line + 1))" || complain "$document:$line: this C block does not compile"
            name=$(sed -n '1s,^/\* \([a-z_]*\.c\).*,\1,p' "$work/doc/$number")
            [ -z "$name" ] || echo "cp '$work/doc/$number' $name" >>"$script"
            ;;
        output) [ -z "$last" ] || echo "$last" >"$work/doc/$number.of" ;;
        skip)
            echo "$document:$line: not run: $reason"
            last=
            ;;
        shown) ;;
        *) complain "$document:$line: a code block with an $kind" ;;
        esac
    done <"$work/doc/list"

    # Replaces the port by one of this process, so that tests can run side by side.
    sed -i "s/\([^0-9]\)8080/\1$port/g" "$script"
    if ! run_script "$script" 2>"$work/doc/messages"; then
        read -r number line <"$work/doc/current"
        complain "$document:$line: this block failed"
        tail -n 5 "$work/doc/messages" >&2
        return
    fi
    for file in "$work"/doc/*.of; do
        [ -e "$file" ] || continue
        number=$(basename "$file" .of)
        line=$(awk -v n="$number" '$1 == n { print $3 }' "$work/doc/list")
        same_output "$work/doc/$number" "$work/doc/$(cat "$file").out" >&2 ||
            complain "$document:$line: this is not what the block before it prints"
    done
}

# Links of a document lead to files.
check_links() {
    sed 's/`[^`]*`//g' "$root/$1" | grep -o '](\([^)#]*\)' | sed 's/^](//' | grep -v '^[a-z]*:' | sort -u >"$work/links" || true
    while read -r link; do
        [ -z "$link" ] || [ -e "$root/$(dirname "$1")/$link" ] || complain "$1: the link to $link leads nowhere"
    done <"$work/links"
}

# Paths in backquotes that begin with a folder of the tree exist.
check_paths() {
    grep -o '`[a-z]*/[A-Za-z0-9_./*-]*`' "$root/$1" | tr -d '`' | sort -u |
        grep -E '^(src|include|server|cli|bulk|bindings|deploy|jobs|json|convert|examples|bench|tests|fuzz|tools|models|docs)/' >"$work/paths" || true
    while read -r path; do
        # shellcheck disable=SC2086 # a pattern must be expanded
        ls -d $path >"$work/found" 2>&1 || complain "$1: there is no $path"
    done <"$work/paths"
}

port=$((20000 + $$ % 10000)) # below those that the system gives out by itself
cd "$root"
make_downloads
if [ $# -eq 0 ]; then
    set -- README.md docs/*.md docs/howto/*.md docs/man/*.1 examples/README.md bindings/node/README.md CONTRIBUTING.md
fi
for document in "$@"; do
    [ ! -f "$document" ] || check_document "$document"
done
for document in *.md docs/*.md docs/howto/*.md examples/*.md bench/*.md models/starter/*.md tests/conformance/*.md; do
    [ ! -f "$document" ] || { check_links "$document"; check_paths "$document"; }
done
count() { grep -c "^$1\$" "$work/totals" || true; }
echo "code blocks: $(count '\(run\|python\|js\)') run, $(count output) outputs compared, $(count compile) compiled, \
$(count shown) shown only, $(count skip) not run"
exit $failed
