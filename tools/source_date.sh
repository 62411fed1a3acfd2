#!/bin/sh
# Prints the time that files of packages bear, in seconds since 1970: $SOURCE_DATE_EPOCH, or else that of the last
# commit of the tree, or else, where the tree is no repository, that of its list of changes.
# usage: tools/source_date.sh
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
    echo "$SOURCE_DATE_EPOCH"
elif [ -e "$root/.git" ]; then
    git -C "$root" log -1 --format=%ct
else
    stat -c %Y "$root/CHANGELOG.md"
fi
