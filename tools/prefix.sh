#!/bin/sh
# Sets up a build directory, and gives it a prefix where things will be installed. It is given as meson takes it, as an
# absolute path; when it is empty or the same as before, nothing changes.
# usage: tools/prefix.sh BUILD PREFIX
set -eu
build=$1
prefix=$2
case $prefix in
'' | /*) ;;
*) prefix=$PWD/$prefix ;;
esac
if [ ! -f "$build/build.ninja" ]; then
    exec meson setup "$build" ${prefix:+"--prefix=$prefix"}
fi
has=$(meson introspect "$build" --buildoptions | tr '{' '\n' | sed -n 's/.*"name": "prefix", "value": "\([^"]*\)".*/\1/p')
if [ -n "$prefix" ] && [ "$prefix" != "$has" ]; then
    meson configure "$build" "-Dprefix=$prefix"
fi
