#!/bin/sh
# What tools/setup.sh does when a package is missing, with an apt-get of our own. Speaks TAP.
# usage: test_setup.sh SOURCE-ROOT
set -u
root=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/tap.sh
. "$root/tests/support/tap.sh"
mkdir "$work/bin"

stub() { # stub NAME: a program that is the script on standard input
    { echo '#!/bin/sh' && cat; } >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}
stub pkg-config <<'END'
[ "$*" != "--exists libmd" ]
END
stub sleep <<END
echo "slept \$1" >>"$work/calls"
END
stub id <<END
cat "$work/uid"
END
# Fails as often as the file "locked" has lines, which are what it says.
stub apt-get <<END
echo "apt-get \$*" >>"$work/calls"
if [ -s "$work/locked" ]; then
    head -n 1 "$work/locked" >&2
    sed -i 1d "$work/locked"
    exit 100
fi
case "\$*" in
*update*) [ ! -e "$work/offline" ] || { echo "E: Failed to fetch" >&2; exit 100; } ;;
*install*) [ ! -e "$work/offline" ] || { echo "E: Unable to fetch some archives" >&2; exit 100; } ;;
esac
END

setup() {
    : >"$work/calls"
    PATH="$work/bin:$PATH" sh "$root/tools/setup.sh" build >"$work/out" 2>"$work/err"
    status=$?
}

says() { # says CODE TEXT: whether it ended with this code and this message
    [ "$status" = "$1" ] && grep -qF -- "$2" "$work/err"
}

echo 0 >"$work/uid"
: >"$work/locked"
setup
check "what is missing is installed" says 0 "Installing: libmd-dev"
check "by apt-get" grep -q '^apt-get .*install .* libmd-dev$' "$work/calls"
cat >"$work/locked" <<'END'
E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)
E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)
END
setup
check "a locked apt is waited for" says 0 "apt is locked by process 4711 (apt-get): waiting for it"
check "which is said once" [ "$(grep -c 'waiting for it' "$work/err")" = 1 ]
check "and tried again" [ "$(grep -c '^slept' "$work/calls")" = 2 ]
echo 'E: Unable to lock directory /var/lib/apt/lists/' >"$work/locked"
setup
check "a lock of nobody known" says 0 "apt is locked by another process: waiting for it"
i=0
while [ $i -lt 300 ]; do
    echo 'E: Unable to acquire the dpkg frontend lock'
    i=$((i + 1))
done >"$work/locked"
setup
check "waiting has an end" says 1 "apt-get could not install them"
check "after ten minutes for the lists, and ten for the packages" [ "$(grep -c '^slept' "$work/calls")" = 240 ]
: >"$work/locked"
: >"$work/offline"
setup
check "without a network: the packages are named" says 1 "apt-get could not install them: libmd-dev"
check "after a try with the lists that are there" grep -q "apt-get update failed" "$work/err"
rm "$work/offline"
echo 1000 >"$work/uid"
stub sudo <<'END'
"$@"
END
setup
check "a user with sudo" says 0 "Installing: libmd-dev"
ln -sf "$(command -v env)" "$work/bin/env"
rm "$work/bin/sudo"
for name in sh cat grep sed head mktemp rm make gcc meson ninja test; do
    [ -e "$work/bin/$name" ] || ln -s "$(command -v $name)" "$work/bin/$name" 2>/dev/null
done
: >"$work/calls"
PATH="$work/bin" "$work/bin/sh" "$root/tools/setup.sh" build >"$work/out" 2>"$work/err"
status=$?
check "a user without sudo is told what to run" says 1 "Run as root: apt-get install"
check "and nothing is tried" [ ! -s "$work/calls" ]
echo "1..$number"
