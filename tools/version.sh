#!/bin/sh
# Prints the version of quern, which meson.build has.
# usage: tools/version.sh
sed -n "s/^  version: '\([0-9.]*\)',$/\1/p" "$(dirname "$0")/../meson.build"
