#!/bin/sh
# Packs the command that tools/release/build.sh builds for a kind of machine, with its manual page, completions, units,
# licences and the starter model, in folders as /usr/local has them. The same build gives the same bytes. Prints its path.
# usage: tools/release/tarball.sh x86_64 | aarch64 FOLDER
set -eu
architecture=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/../.."
build=$(tools/release/build.sh "$architecture" installed)
sysroot=$(dirname "$build")/sysroot-$architecture
name=quern-$(tools/version.sh)-linux-$architecture
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$build/meson-logs/install-log.txt
DESTDIR="$work" meson install -C "$build" --no-rebuild --quiet >&2
rm -f "$log" # which is for make uninstall
mv "$work/usr/local" "$work/$name"

# The files for development belong to the other packages.
(cd "$work/$name" && rm -rf include lib/pkgconfig lib/libquern* lib/quern0.so)
"$architecture-linux-gnu-strip" --strip-all "$work/$name/bin/quern"

# What else is in the command, and in the model, has licences and authors of its own.
licences=$work/$name/share/doc/quern
mkdir -p "$licences/linked"
cp LICENSE "$licences"
cp models/starter/SOURCES.md "$licences/STARTER-SOURCES.md"
tools/release/linked.py "$build/quern.map" "$sysroot" >"$work/linked"
while read -r package _; do
    cp "$sysroot/root/usr/share/doc/$package/copyright" "$licences/linked/$package"
done <"$work/linked"
tar -C "$work" --sort=name --mtime="@$(tools/source_date.sh)" --owner=0 --group=0 --numeric-owner \
    --mode=u=rwX,go=rX -c "$name" | gzip -n -9 >"$folder/$name.tar.gz"
echo "$folder/$name.tar.gz"
