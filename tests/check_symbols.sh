#!/bin/sh
# The shared library shows what the public headers declare and nothing else; the static one takes only names that begin with
# quern_. usage: check_symbols.sh SOURCE-ROOT SHARED-LIBRARY STATIC-LIBRARY
set -eu
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "QUERN_API int quern_embed(" -> quern_embed; a declaration has QUERN_API at the beginning of its first line.
sed -n 's/^QUERN_API.*[ *]\(quern_[a-z0-9_]*\)(.*/\1/p' "$1"/include/*.h | sort >"$work/declared"
nm -D --defined-only "$2" | awk '{ print $NF }' | sort >"$work/exported"
diff -u "$work/declared" "$work/exported" || { echo "declared (-) and exported (+) differ" >&2; exit 1; }

foreign=$(nm -g --defined-only "$3" | awk 'NF == 3 { print $3 }' | grep -v '^quern_' || true)
[ -z "$foreign" ] || { echo "global names without quern_: $foreign" >&2; exit 1; }
