#!/bin/sh
# Packs what tools/windows.sh builds in BUILD as the zip that users of Windows unpack: the command with the starter
# model beside it, the library with its import library and headers, licences. The same build gives the same bytes.
# Prints its path.
# usage: tools/release/zip.sh BUILD FOLDER
set -eu
mkdir -p "$1" "$2"
build=$(cd "$1" && pwd)
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/../.."
tools/windows.sh "$build" quern.exe src/quern.dll >&2
name=quern-$(tools/version.sh)-windows-x86_64
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/$name
mkdir -p "$root/include" "$root/models"
for file in quern.exe src/quern.dll; do
    x86_64-w64-mingw32-strip --strip-all -o "$root/${file#src/}" "$build/$file"
done
cp "$build/src/quern.dll.a" LICENSE "$root"
cp include/quern.h include/quern_index.h "$root/include"
cp models/starter.gguf "$root/models" # where the command looks for it
cp models/starter/SOURCES.md "$root/models/STARTER-SOURCES.md"
# What else is in the command and the library has licences of its own.
tools/release/windows_licences.sh "$build/quern.map" "$build-libraries" "$root/linked"
python3 - "$work" "$name" "$folder/$name.zip" "$(tools/source_date.sh)" <<'DONE'
import os, sys, time, zipfile
work, name, target, seconds = sys.argv[1:]
paths = sorted(os.path.relpath(os.path.join(base, file), work)
               for base, _, files in os.walk(os.path.join(work, name)) for file in files)
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
    for path in paths:
        entry = zipfile.ZipInfo(path, time.gmtime(int(seconds))[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100644 << 16
        with open(os.path.join(work, path), "rb") as file:
            archive.writestr(entry, file.read())
DONE
echo "$folder/$name.zip"
