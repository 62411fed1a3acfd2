#!/bin/sh
# Unpacks packages of Debian for a kind of machine, and those that they need, into FOLDER/root, without installing them.
# FOLDER/packages names the files of each: lines "PACKAGE VERSION SOURCE PATH". They are of the release of Debian that
# this machine has, and come from the same mirrors, over the network. Exit status 77 when that fails.
# usage: tools/release/sysroot.sh x86_64 | aarch64 FOLDER PACKAGE...
set -eu
case $1 in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) echo "usage: tools/release/sysroot.sh x86_64 | aarch64 FOLDER PACKAGE..." >&2 && exit 2 ;;
esac
folder=$2
shift 2
made=$folder.part
rm -rf "$folder" "$made"
mkdir -p "$made/apt/lists/partial" "$made/apt/archives/partial" "$made/root"
made=$(cd "$made" && pwd)
: >"$made/apt/status" # nothing is installed there

apt() {
    apt-get -q -o APT::Architecture=$architecture -o APT::Architectures=$architecture -o Dir::State="$made/apt" \
        -o Dir::State::status="$made/apt/status" -o Dir::Cache="$made/apt" -o APT::Sandbox::User=root "$@"
}

if ! { apt update && apt install -y --no-install-recommends --download-only "$@"; } >"$made/log" 2>&1; then
    tail -n 5 "$made/log" >&2
    echo "Debian's packages for $architecture could not be downloaded." >&2
    exit 77
fi
for archive in "$made"/apt/archives/*.deb; do
    dpkg-deb --extract "$archive" "$made/root"
    # shellcheck disable=SC2016 # for dpkg-deb
    about=$(dpkg-deb --show --showformat '${Package} ${Version} ${source:Package}' "$archive")
    dpkg-deb --fsys-tarfile "$archive" | tar -t | sed -n "s|^\./\(.*[^/]\)\$|$about \1|p"
done >"$made/packages"
# Links to /lib lead there from outside, too.
find "$made/root" -type l -lname '/*' | while read -r link; do
    ln -sfnr "$made/root$(readlink "$link")" "$link"
done
rm -rf "$made/apt" "$made/log"
mv "$made" "$folder"
