#!/bin/sh
# quern.h stands alone, as C99 and as C++, without a warning. usage: check_header.sh SOURCE-ROOT
set -eu
header=$1/include/quern.h
cc=${CC:-cc}
"$cc" -std=c99 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c "$header"
"$cc" -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c "$header"
for cxx in g++ clang++; do
    if command -v $cxx >/dev/null; then
        $cxx -std=c++11 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c++ "$header"
        exit
    fi
done
echo "no C++ compiler: the header was tried as C only"
exit 77
