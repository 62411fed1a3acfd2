#!/bin/sh
# Makes everything that is released: Debian packages for this machine; for x86-64 and AArch64 the command as a tarball,
# the wheel for Python and the package for Node.js; the zip for Windows; a list of what is in them (SPDX), and their
# digests in SHA256SUMS.
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
tools/deb.sh "$folder" >"$made"
for architecture in x86_64 aarch64; do
    tools/release/tarball.sh "$architecture" "$folder"
    build=$(tools/release/build.sh "$architecture" python node)
    tools/wheel.sh "$build" "$folder"
    tools/npm.sh "$build" "$folder"
done >>"$made"
tools/release/zip.sh "${RELEASE:-build-release}/windows-x86_64" "$folder" >>"$made"
bill=$folder/quern-$(tools/version.sh).spdx.json
sort -u "$made" | xargs tools/release/bill.py "${RELEASE:-build-release}" >"$bill"
echo "$bill" >>"$made"
cd "$folder"
sort -u "$made" | sed 's,.*/,,' | xargs sha256sum >SHA256SUMS
sort -u "$made"
echo "$folder/SHA256SUMS"
