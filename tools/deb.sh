#!/bin/sh
# Builds the Debian packages of the tree in a copy of it, as deploy/debian says, for this machine. The same tree gives
# the same bytes. Prints their paths.
# usage: tools/deb.sh FOLDER
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
version=$("$root/tools/version.sh")
SOURCE_DATE_EPOCH=$("$root/tools/source_date.sh")
export SOURCE_DATE_EPOCH
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/quern"
tar -C "$root" --exclude=./.git --exclude='./build*' --exclude=./dist --exclude=node_modules -c . |
    tar -C "$work/quern" -x
cp -r "$root/deploy/debian" "$work/quern/debian"
cat >"$work/quern/debian/changelog" <<DONE
quern ($version) unstable; urgency=medium

  * CHANGELOG.md has the changes.

 -- $(sed -n 's/^Maintainer: //p' "$root/deploy/debian/control")  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
DONE
cd "$work/quern"
if ! dpkg-buildpackage --build=binary --no-sign >"$work/log" 2>&1; then
    tail -n 50 "$work/log" >&2
    exit 1
fi
for package in "$work"/*.deb; do
    mv "$package" "$folder"
    echo "$folder/$(basename "$package")"
done
