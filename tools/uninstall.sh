#!/bin/sh
# Removes the files that the last installation from a build directory wrote, and the folders that it made.
# usage: tools/uninstall.sh BUILD
set -eu
log=$1/meson-logs/install-log.txt
if [ ! -f "$log" ]; then
    echo "Nothing was installed from $1, so there is nothing to uninstall." >&2
    exit 1
fi
# The log names folders after the files in them.
grep -v '^#' "$log" | while IFS= read -r path; do
    if [ -d "$path" ] && [ ! -L "$path" ]; then
        rmdir "$path" 2>/dev/null || echo "$path is kept, because it is not empty." >&2
    elif [ -e "$path" ] || [ -L "$path" ]; then
        rm -f "$path"
    fi
done
rm -f "$log"
