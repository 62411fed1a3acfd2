#!/bin/sh
# Runs test_convert_families.py, where there is a Python. usage: test_convert_families.sh QUERN
set -eu
command -v python3 >/dev/null || exit 77 # skipped
exec python3 -B "$(dirname "$0")/test_convert_families.py" "$1"
