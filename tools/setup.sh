#!/bin/sh
# Installs the Debian packages that a task needs and that are missing. When none is missing it does nothing, so it works
# offline. It waits for an apt that another process uses.
# usage: tools/setup.sh build | check | deb | npm | tarball | wheel | windows | windows-check
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

has_node_headers() {
    test -e "$(node -p 'require("path").join(process.execPath, "../../include/node/node_api.h")')"
}

imports() { # imports MODULE: whether the system's Python has it
    if [ -x /usr/bin/python3 ]; then /usr/bin/python3 -I -c "import $1"; else python3 -I -c "import $1"; fi
}

need_wheel() {
    need python3-build imports build
    need python3-setuptools imports setuptools
    need python3-wheel imports wheel
}

need_windows() {
    need gcc-mingw-w64-x86-64-posix has x86_64-w64-mingw32-gcc-posix
    need dpkg-dev has dpkg-source
}

need_wine() {
    need wine64 test -x /usr/lib/wine/wine64
}

need_npm() {
    need nodejs has node
    need npm has npm
    need libnode-dev has_node_headers
}

need_deb() {
    need build-essential dpkg -s build-essential
    need debhelper has dh
    need lintian has lintian
}

need_arm() {
    need qemu-user has qemu-aarch64
    need gcc-aarch64-linux-gnu has aarch64-linux-gnu-gcc
    need libc6-dev-arm64-cross compiles aarch64-linux-gnu-gcc -static
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
need libpq-dev pkg-config --exists libpq
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
need zlib1g-dev pkg-config --exists zlib
need libzstd-dev pkg-config --exists libzstd
need liblz4-dev pkg-config --exists liblz4
need libsqlite3-dev pkg-config --exists sqlite3
need libcmocka-dev pkg-config --exists cmocka

case ${1:-build} in
build) ;;
deb) need_deb ;;
npm) need_npm ;;
tarball) need_arm ;;
wheel) need_wheel ;;
windows) need_windows ;;
windows-check)
    need_windows
    need_wine
    ;;
check)
    need_wheel
    need python3-venv imports ensurepip
    need python3-numpy imports numpy
    need python3-faiss imports faiss
    need clang has clang
    need libclang-rt-14-dev compiles clang -fsanitize=address,undefined
    need_arm
    need valgrind has valgrind
    need libc6-dbg valgrind -q true
    need curl has curl
    need sqlite3 has sqlite3
    ;;
*)
    echo "usage: tools/setup.sh build | check | deb | npm | tarball | wheel | windows | windows-check" >&2
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

printed=$(mktemp)
trap 'rm -f "$printed"' EXIT

# Runs apt-get, and waits while another process, such as an upgrade in the background, holds one of its locks.
apt() {
    waited=0
    until $sudo env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q "$@" >"$printed" 2>&1; do
        holder=$(sed -n 's/^E: Could not get lock .*held by \(process .*\)/\1/p' "$printed" | head -n 1)
        if ! grep -q '^E: \(Could not get lock\|Unable to \(acquire\|lock\)\)' "$printed" || [ $waited -ge 600 ]; then
            cat "$printed" >&2
            return 1
        fi
        [ $waited -gt 0 ] || echo "apt is locked by ${holder:-another process}: waiting for it, up to 10 minutes." >&2
        sleep 5
        waited=$((waited + 5))
    done
    cat "$printed" >&2
}

echo "Installing:$missing" >&2
apt update || echo "apt-get update failed: trying with the lists of packages that are there." >&2
# shellcheck disable=SC2086 # words are meant to be split
if ! apt install -y --no-install-recommends $missing; then
    echo "quern needs these packages, and apt-get could not install them:$missing" >&2
    echo "Without a network, install them from a mirror or a disk, then run this again." >&2
    exit 1
fi
