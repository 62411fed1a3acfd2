#!/bin/sh
# Builds quern for Windows on x86-64, with Debian's gcc-mingw-w64-x86-64: BUILD/quern.exe and BUILD/src/quern.dll. With
# ZIP, also the zip that users unpack: the command with the starter model, the library, headers, licence.
# usage: tools/windows.sh BUILD [ZIP]
set -eu
cd "$(dirname "$0")/.."
build=$1
tools/windows-libraries.sh "$build-libraries"
libraries=$(cd "$build-libraries" && pwd)
export PKG_CONFIG_LIBDIR="$libraries/lib/pkgconfig"
[ -f "$build/build.ninja" ] || meson setup "$build" --cross-file tools/windows.ini >/dev/null
meson compile -C "$build"
[ -n "${2:-}" ] || exit 0

name=quern-$(tools/version.sh)-windows-x86_64
rm -rf "$build/zip"
mkdir -p "$build/zip/$name/include" "$(dirname "$2")"
# The command finds the starter model beside it in models/.
install -D -m 644 models/starter.gguf "$build/zip/$name/models/starter.gguf"
x86_64-w64-mingw32-strip -o "$build/zip/$name/quern.exe" "$build/quern.exe"
x86_64-w64-mingw32-strip -o "$build/zip/$name/quern.dll" "$build/src/quern.dll"
cp "$build/src/quern.dll.a" LICENSE "$build/zip/$name/"
cp include/quern.h include/quern_index.h "$build/zip/$name/include/"
python3 - "$build/zip" "$2" <<'EOF'
import os, sys, zipfile
folder, target = sys.argv[1:]
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
    for base, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(base, name)
            archive.write(path, os.path.relpath(path, folder))
EOF
echo "$2"
