#!/bin/sh
# Makes everything that is released: Debian packages for this machine; for x86-64 and AArch64 the command as a tarball;
# the zip for Windows; the wheel for Python and the package for Node.js for each system and processor; a list of what is
# in them (SPDX), and their digests in SHA256SUMS. Exit status 77 when the compiler for macOS cannot be had from npm.
# The same tree gives the same bytes, in any folder, as long as compilers and libraries are the same. Prints the paths.
# usage: tools/release/dist.sh FOLDER
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
SOURCE_DATE_EPOCH=$(tools/source_date.sh)
export SOURCE_DATE_EPOCH
made=$(mktemp)
trap 'rm -f "$made"' EXIT
mkdir -p "${RELEASE:-build-release}"
release=$(cd "${RELEASE:-build-release}" && pwd)

pack() { # pack BUILD: the wheel and the packages for Node.js
    tools/wheel.sh "$1" "$folder"
    tools/npm.sh "$1" "$folder"
}

tools/deb.sh "$folder" >"$made"
for architecture in x86_64 aarch64; do
    tools/release/tarball.sh "$architecture" "$folder"
    pack "$(tools/release/build.sh "$architecture" python node)"
done >>"$made"
LISTER=$release/$(uname -m)/quern
export LISTER
tools/release/zip.sh "$release/windows-x86_64" "$folder" >>"$made"
tools/windows.sh "$release/windows-x86_64" python node >&2
pack "$release/windows-x86_64" >>"$made"
for processor in aarch64 x86_64; do
    tools/macos/build $processor "$release/macos-$processor" python node >&2
    pack "$release/macos-$processor"
done >>"$made"
bill=$folder/quern-$(tools/version.sh).spdx.json
sort -u "$made" | xargs tools/release/bill.py "$release" >"$bill"
echo "$bill" >>"$made"
cd "$folder"
sort -u "$made" | sed 's,.*/,,' | xargs sha256sum >SHA256SUMS
sort -u "$made"
echo "$folder/SHA256SUMS"
