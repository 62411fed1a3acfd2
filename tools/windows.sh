#!/bin/sh
# Builds quern for Windows on x86-64, with Debian's gcc-mingw-w64-x86-64-posix: BUILD/quern.exe and
# BUILD/src/quern.dll, or other targets of ninja. Its libraries are built in BUILD-libraries; LIBRARIES in the
# environment names the sources of those to build, else all are. With LISTER, the path of a command that runs here, there
# are the targets python and node.
# usage: tools/windows.sh BUILD [TARGET...]
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
# shellcheck disable=SC2086 # names have no spaces
tools/windows-libraries.sh "$build-libraries" ${LIBRARIES:-}
libraries=$(cd "$build-libraries" && pwd)
export PKG_CONFIG_LIBDIR="$libraries/lib/pkgconfig"
compiler=$libraries/compiler.ini
if [ ! -f "$compiler" ]; then
    # Meson uses ccache by itself only for what is not cross-compiled.
    if command -v ccache >/dev/null; then ccache="'ccache', "; else ccache=; fi
    printf '[binaries]\nc = [%s%s]\n' "$ccache" "'x86_64-w64-mingw32-gcc-posix'" >"$compiler"
fi
[ -f "$build/build.ninja" ] || meson setup "$build" --cross-file tools/windows.ini --cross-file "$compiler"
[ -z "${LISTER:-}" ] || grep -q quern.node "$build/build.ninja" ||
    meson setup --reconfigure "$build" "-Dlister=$LISTER"
[ $# -gt 0 ] || set -- quern.exe src/quern.dll
ninja -C "$build" "$@"
