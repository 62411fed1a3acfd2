#!/bin/sh
# Checks that systemd accepts the units and rates the service as secure: an exposure of at most 1.0, where 10 is worst.
# usage: check_units.sh SOURCE-ROOT QUERN
set -eu
root=$1 quern=$2
command -v systemd-analyze >/dev/null || { echo "needs systemd-analyze" >&2; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$quern" "$work"
sed "s,@bindir@,$work," "$root/server/units/quern.service.in" >"$work/quern.service"
cp "$root/server/units/quern.socket" "$work"
systemd-analyze verify --man=no "$work/quern.service" "$work/quern.socket"
systemd-analyze security --offline=true --threshold=10 "$work/quern.service" >"$work/report" # in tenths: 1.0
