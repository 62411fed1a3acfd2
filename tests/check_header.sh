#!/bin/sh
# The public headers stand alone, as C99 and as C++, without a warning, and so do the examples at their beginning.
# usage: check_header.sh SOURCE-ROOT
set -eu
folder=$1/include
cc=${CC:-cc} # may have several words, such as "ccache gcc"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cxx=
for name in g++ clang++; do
    [ -n "$cxx" ] || ! command -v $name >/dev/null || cxx=$name
done

for header in "$folder"/quern.h "$folder"/quern_index.h; do
    # The example is what is indented by four more spaces in the first comment.
    {
        printf '#include "%s"\n#include <stdio.h>\nint main(void)\n{\n' "${header##*/}"
        sed -n '1,/\*\//s/^ \*     / /p' "$header"
        printf '    return 0;\n}\n'
    } >"$work/example.c"
    grep -q 'quern_[a-z]*(' "$work/example.c"
    $cc -std=c99 -Wall -Wextra -pedantic -Werror -fsyntax-only -I "$folder" "$work/example.c"

    $cc -std=c99 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c "$header"
    $cc -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c "$header"
    [ -z "$cxx" ] || $cxx -std=c++11 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c++ "$header"
done
[ -n "$cxx" ] || { echo "no C++ compiler: the headers were tried as C only"; exit 77; }
