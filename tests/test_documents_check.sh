#!/bin/sh
# check_documents.sh finds what is wrong: each of these made documents must fail, and a right one must pass.
# usage: test_documents_check.sh SOURCE-ROOT BUILD-ROOT
set -eu
. "$1/tests/support/tap.sh"
check_documents=$1/tests/check_documents.sh
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/docs"
ln -s "$1/include" "$1/src" "$work"

document() { # document TEXT [ARGUMENT...]: makes it the only one, and checks it
    printf "%b" "$1" >"$work/README.md"
    shift
    status=0
    sh "$check_documents" "$work" "$build" "$@" >"$work/out" 2>"$work/err" || status=$?
}

complains() { # complains TEXT: whether the check failed and said so
    [ "$status" = 1 ] && grep -qF -- "$1" "$work/err"
}

passes() { # passes TEXT: whether the check passed and printed TEXT
    [ "$status" = 0 ] && grep -qF -- "$1" "$work/out"
}

document 'text\n\n```sh\necho 1.50 a\necho b\n```\n\n<!-- output -->\n```text\n1.51 a\n...\n```\n'
check "a document that is right" passes "1 run, 1 outputs compared"
document '```sh\nfalse\n```\n'
check "a command that fails" complains "README.md:1: this block failed"
document '```sh\necho 1.50\n```\n<!-- output -->\n```text\n1.60\n```\n'
check "another number" complains "README.md:5: this is not what"
document '```sh\necho a\necho b\n```\n<!-- output -->\n```text\na\n```\n'
check "more output than shown" complains "this is not what"
document '```sh\necho a\n```\n<!-- output -->\n```text\na\nb\n```\n'
check "less output than shown" complains "this is not what"
document '```c\nint x = ;\n```\n'
check "C that does not compile" complains "does not compile"
document '```c\nint missing(void);\nint main(void) { return missing(); }\n```\n'
check "C that does not link" complains "does not compile"
document '```python\nprint(1.50)\n```\n<!-- output -->\n```text\n1.51\n```\n'
check "Python that is right" passes "1 run, 1 outputs compared"
document '```python\n1 / 0\n```\n'
check "Python that fails" complains "README.md:1: this block failed"
document '```perl\n1\n```\n'
check "a language that cannot be checked" complains "unknown-language"
document '<!-- do not run -->\n```sh\nfalse\n```\n'
check "a marker that is not known" complains "unknown-comment"
document '<!-- not run: needs root -->\n```sh\nfalse\n```\n'
check "a block that is not run is counted, with its reason" passes "not run: needs root"
mkdir -p "$work/extras/node_modules/other"
echo 'exports.number = 7;' >"$work/extras/node_modules/other/index.js"
echo 8 >"$work/extras/file"
document '<!-- not run: needs a file; tests/howto/run does it -->\n```sh\ncat file\n```\n<!-- output -->\n```text\n8\n```\n
<!-- not run: needs root -->\n```sh\nfalse\n```\n<!-- output -->\n```text\n9\n```\n' "$work/extras" README.md
check "a block that needs extras is run where they are" passes "1 run, 2 outputs compared, 0 compiled, 0 shown only, 1 not"
document '<!-- not run: needs other; tests/howto/run does it -->\n```sh\ncat file\n```\n'
check "and else it is not run" passes "not run: needs other; tests/howto/run does it"
mkdir "$work/docs/man"
printf '.Sh EXAMPLES\n.Bd -literal\necho a \\e\n  b\nfalse\n.Ed\n' >"$work/docs/man/quern.1"
document 'text\n'
check "a block of the manual page that fails" complains "docs/man/quern.1:2: this block failed"
printf '.Sh EXAMPLES\n.\\" not run: needs root\n.Bd -literal\nfalse\n.Ed\n' >"$work/docs/man/quern.1"
document 'text\n'
check "one that is not run is counted, with its reason" passes "docs/man/quern.1:3: not run: needs root"
rm "$work/docs/man/quern.1"
document '[a](docs/missing.md)\n'
check "a link to nothing" complains "leads nowhere"
document 'See `src/nowhere/missing.c`.\n'
check "a path to nothing" complains "there is no src/nowhere/missing.c"
echo "1..$number"
