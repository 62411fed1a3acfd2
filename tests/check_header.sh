#!/bin/sh
# quern.h stands alone, as C99 and as C++, without a warning, and so does the example at its beginning.
# usage: check_header.sh SOURCE-ROOT
set -eu
header=$1/include/quern.h
cc=${CC:-cc} # may have several words, such as "ccache gcc"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The example is what is indented by four more spaces in the first comment.
{
    printf '#include "quern.h"\n#include <stdio.h>\nint main(void)\n{\n'
    sed -n '1,/\*\//s/^ \*     / /p' "$header"
    printf '    return 0;\n}\n'
} >"$work/example.c"
grep -q quern_embed "$work/example.c"
$cc -std=c99 -Wall -Wextra -pedantic -Werror -fsyntax-only -I "$1/include" "$work/example.c"

$cc -std=c99 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c "$header"
$cc -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c "$header"
for cxx in g++ clang++; do
    if command -v $cxx >/dev/null; then
        $cxx -std=c++11 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c++ "$header"
        exit
    fi
done
echo "no C++ compiler: the header was tried as C only"
exit 77
