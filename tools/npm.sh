#!/bin/sh
# Packs the Node.js package of a build directory: quern, and the package for this kind of machine, which has what is
# built. Without the network. The same packages give the same bytes. Prints the paths of the tarballs.
# usage: tools/npm.sh BUILD FOLDER
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
built=$build/bindings/node
mkdir -p "$2"
folder=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/quern" "$work/platform"
cp "$built"/*.js "$built"/*.mjs "$built"/*.d.ts "$built"/*.d.mts "$built/package.json" \
    "$root/bindings/node/README.md" "$root/LICENSE" "$work/quern"
cp "$built/quern.node" "$built/catalog.json" "$built/starter.gguf" "$root/LICENSE" "$work/platform"
cp "$built/platform.json" "$work/platform/package.json"
cp "$root/models/starter/SOURCES.md" "$work/platform/STARTER-SOURCES.md"
if [ -e "$build/quern-node.map" ]; then
    "$root/tools/release/windows_licences.sh" "$build/quern-node.map" "$build-libraries" "$work/platform/linked"
fi
for package in quern platform; do
    find "$work/$package" -type f -exec chmod 644 {} +
    name=$(cd "$work/$package" && npm pack --ignore-scripts --silent --offline --pack-destination "$folder")
    echo "$folder/$name"
done
