#!/bin/sh
# Makes docs/page.png, the picture of the page with the starter model. Needs what tests/clients/run needs.
# usage: tools/picture.sh [BUILD-DIRECTORY]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
[ -d tests/clients/node_modules ] || npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund >&2
work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
# shellcheck source=tests/support/serve.sh
. tests/support/serve.sh
start_server "$build/quern" models/starter.gguf "$work/log"
node tests/clients/picture.mjs "http://$address" "$work/profile" docs/page.png
