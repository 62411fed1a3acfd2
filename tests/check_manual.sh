#!/bin/sh
# The manual page knows every verb and option of the command. usage: check_manual.sh SOURCE-ROOT QUERN
set -eu
manual=$1/docs/man/quern.1
quern=$2
failed=0
options=0
for verb in $("$quern" --help | sed -n 's/^  \([a-z-]*\)  .*/\1/p'); do
    grep -q "^\.It Cm $verb\$" "$manual" || { echo "no verb $verb" >&2; failed=1; }
    for option in $("$quern" "$verb" --help | sed -n 's/^  .*--\([a-z0-9-]*\) .*/\1/p'); do
        options=$((options + 1))
        grep -qE "^\.It (Fl [a-z] , -|Fl -)$option( Ar [a-z]+)?\$" "$manual" ||
            { echo "no option --$option of $verb" >&2; failed=1; }
    done
done
[ $options -gt 20 ] || { echo "only $options options found in the help" >&2; failed=1; }
[ $failed = 0 ] || exit 1
command -v mandoc >/dev/null || { echo "no mandoc: the verbs and options were checked only"; exit 77; }
mandoc -Tlint -Wwarning "$manual"
