#!/bin/sh
# Installs the Debian packages that a task needs and that are missing. When none is missing it does nothing, so it works
# offline.
# usage: tools/setup.sh build | check
set -eu

missing=

need() { # need PACKAGE COMMAND...: the package is missing when the command fails
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

compiles() { # compiles COMPILER FLAG...: whether the compiler can make a program
    compiler=$1
    shift
    echo 'int main(void) { return 0; }' | "$compiler" "$@" -x c -o /dev/null -
}

has() {
    command -v "$1"
}

need make has make
need gcc has gcc
need libc6-dev compiles gcc
need meson has meson
need ninja-build has ninja
need pkg-config has pkg-config
need libjansson-dev pkg-config --exists jansson
need libevent-dev pkg-config --exists libevent_core
need libmd-dev pkg-config --exists libmd
need libcurl4-gnutls-dev pkg-config --exists libcurl
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
need zlib1g-dev pkg-config --exists zlib
need libcmocka-dev pkg-config --exists cmocka

case ${1:-build} in
build) ;;
check)
    need clang has clang
    need libclang-rt-14-dev compiles clang -fsanitize=address,undefined
    need qemu-user has qemu-aarch64
    need gcc-aarch64-linux-gnu has aarch64-linux-gnu-gcc
    need libc6-dev-arm64-cross compiles aarch64-linux-gnu-gcc -static
    need valgrind has valgrind
    need libc6-dbg valgrind -q true
    need curl has curl
    ;;
*)
    echo "usage: tools/setup.sh build | check" >&2
    exit 2
    ;;
esac

if [ -z "$missing" ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "quern needs these Debian packages or their like, and there is no apt-get to install them:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null; then
    sudo=sudo
else
    echo "quern needs these packages:$missing" >&2
    echo "Run as root: apt-get install$missing" >&2
    exit 1
fi

echo "Installing:$missing" >&2
$sudo apt-get update -q >&2
# shellcheck disable=SC2086 # words are meant to be split
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >&2
