#!/bin/sh
# Packs the Python package of a build directory as a wheel, without the network. The same package gives the same bytes.
# Prints the path of the wheel.
# usage: tools/wheel.sh BUILD FOLDER
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
SOURCE_DATE_EPOCH=$("$root/tools/source_date.sh")
export SOURCE_DATE_EPOCH
umask 022 # which the files that setuptools writes have
mkdir -p "$2"
folder=$(cd "$2" && pwd)
python=/usr/bin/python3 # of the system, which Debian's packages belong to
[ -x $python ] || python=python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$build/bindings/python" "$work/python"
cp "$root/LICENSE" "$work/python"
cp "$root/models/starter/SOURCES.md" "$work/python/STARTER-SOURCES.md"
if [ -e "$build/quern-dll.map" ]; then
    "$root/tools/release/windows_licences.sh" "$build/quern-dll.map" "$build-libraries" "$work/python/quern/linked"
fi
find "$work" -name __pycache__ -exec rm -rf {} +
find "$work" -type f -exec chmod 644 {} +
find "$work" -name '*quern.*' -exec chmod 755 {} + # the library
cd "$work/python"
if ! $python -m build --wheel --no-isolation --outdir "$work/dist" . \
    >"$work/log" 2>&1; then
    cat "$work/log" >&2
    exit 1
fi
wheel=$(basename "$work"/dist/*.whl)
mv "$work/dist/$wheel" "$folder/$wheel"
echo "$folder/$wheel"
