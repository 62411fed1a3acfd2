#!/bin/sh
# Copies the licences of what is linked into a program or library for Windows to FOLDER, by the names of the packages.
# MAP is the linker's, and LIBRARIES was made by tools/windows-libraries.sh.
# usage: tools/release/windows_licences.sh MAP LIBRARIES FOLDER
set -eu
mkdir -p "$3"
linked=$("$(dirname "$0")/linked.py" "$1" "$2")
echo "$linked" | while read -r package _ source; do
    if [ "$package" = "$source" ]; then
        cp "$2/licences/$source" "$3/$package"
    else
        cp "/usr/share/doc/$package/copyright" "$3/$package"
    fi
done
