#!/bin/sh
# Builds what is released for a kind of machine, in build-release/ARCHITECTURE, and prints this folder. The command is
# linked statically. TARGETs are those of Meson: installed, python, node. $RELEASE is another folder than build-release.
#
# The C library is glibc, not musl, as in every other build: Debian has the libraries that the command needs for it; its
# mathematical functions are those that the other packages compute with, so that vectors have the same bits; and giving
# memory back to the system, which the server does, is a function of glibc. A static glibc cannot load libraries, which
# downloads and PostgreSQL need: "quern pull" then names the address, for another program.
# usage: tools/release/build.sh x86_64 | aarch64 TARGET...
set -eu
cd "$(dirname "$0")/../.."
architecture=$1
shift
release=${RELEASE:-build-release}
mkdir -p "$release"
release=$(cd "$release" && pwd)
build=$release/$architecture
sysroot=$release/sysroot-$architecture
prefix=$architecture-linux-gnu
if [ ! -d "$sysroot" ]; then
    rm -rf "$build" # linked with others
    tools/release/sysroot.sh "$architecture" "$sysroot" libc6-dev libevent-dev libjansson-dev liblz4-dev libmd-dev \
        libsqlite3-dev libzstd-dev zlib1g-dev
fi
libraries=$sysroot/root/usr/lib/$prefix

if [ ! -f "$build/build.ninja" ]; then
    # Nothing that is released depends on folders; the id of a build would, by way of the debug information.
    # The folder with the libraries is named (-B), too: a cross compiler has a C library of its own.
    cat >"$release/$architecture.ini" <<DONE
[binaries]
c = ['$prefix-gcc', '--sysroot=$sysroot/root', '-B$libraries']
ar = '$prefix-gcc-ar'
strip = '$prefix-strip'
pkgconfig = 'pkg-config'
$([ "$architecture" = "$(uname -m)" ] || echo "exe_wrapper = ['qemu-$architecture', '-L', '$sysroot/root']")
[properties]
sys_root = '$sysroot/root'
pkg_config_libdir = '$libraries/pkgconfig:$sysroot/root/usr/share/pkgconfig'
needs_exe_wrapper = $([ "$architecture" = "$(uname -m)" ] && echo false || echo true)
[built-in options]
c_link_args = ['-Wl,--build-id=none']
[host_machine]
system = 'linux'
cpu_family = '$architecture'
cpu = '$architecture'
endian = 'little'
DONE
    meson setup "$build" --cross-file "$release/$architecture.ini" --prefix /usr/local --libdir lib \
        -Dpostgresql=disabled -Dprefer_static=true -Dpull=disabled -Dstatic=true -Dtests=false >&2
fi
meson compile -C "$build" "$@" >&2
echo "$build"
