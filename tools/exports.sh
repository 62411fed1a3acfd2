#!/bin/sh
# Prints what the library shows on Windows: the functions that the public headers declare. usage: exports.sh HEADER...
set -eu
echo EXPORTS
# "QUERN_API int quern_embed(" -> quern_embed; a declaration has QUERN_API at the beginning of its first line.
sed -n 's/^QUERN_API.*[ *]\(quern_[a-z0-9_]*\)(.*/    \1/p' "$@"
