#!/bin/sh
# Prints the formula of Homebrew for the sources in FILE, a .tar.gz, that are published at URL; HOMEPAGE is the page of
# the project. usage: tools/release/formula.sh HOMEPAGE URL FILE
set -eu
digest=$(sha256sum "$3" | cut -d ' ' -f 1)
sed "s,@homepage@,$1,; s,@url@,$2,; s,@sha256@,$digest," "$(dirname "$0")/../../deploy/homebrew/quern.rb.in"
