#!/bin/sh
# Prints the functions of Node.js that sources call, as lines IMPORT(name). usage: node-functions.sh SOURCE...
set -eu
grep -oh '\<napi_[a-z0-9_]*(' "$@" | LC_ALL=C sort -u | sed 's/\(.*\)(/IMPORT(\1)/'
