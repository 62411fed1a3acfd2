#!/bin/sh
# Downloads over HTTPS: whose certificates are accepted. Speaks TAP. QUERN may be a script that runs quern for Windows
# under Wine; then the system's own check is left out, because Wine accepts every certificate there.
# usage: test_cli_pull_tls.sh QUERN HUB [windows]
set -u
export LC_ALL=C
quern=$1
hub=$2
windows=${3:-}
support=$(dirname "$0")/support
folder=$(mktemp -d)
work="$folder/wörk"
trap 'exec 8>&- 9>&-; rm -rf "$folder"' EXIT
unset XDG_CACHE_HOME HF_ENDPOINT http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy CURL_CA_BUNDLE SSL_CERT_FILE
export HOME="$work/home"
cache=$HOME/.cache/quern
mkdir -p "$HOME"
# shellcheck source=tests/support/tap.sh
. "$support/tap.sh"
for tool in openssl python3; do
    command -v $tool >/dev/null || { echo "1..0 # SKIP needs $tool"; exit 0; }
done

{ printf GGUF && head -c 999996 /dev/urandom; } >"$work/content"
mkfifo "$work/hub.life" "$work/front.life" "$work/ports"
"$hub" "$work/content" "$work/log" <"$work/hub.life" >"$work/ports" &
exec 8>"$work/hub.life"
read -r hub_port _ <"$work/ports"

certificate() { # certificate HOST: makes HOST.pem and HOST.key, which sign themselves
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
        -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}

serve_as() { # serve_as HOST: TLS with its certificate, in place of an earlier one
    exec 9>&-
    python3 "$support/tls_front.py" "$work/$1.pem" "$work/$1.key" "$hub_port" <"$work/front.life" >"$work/ports" 8>&- &
    exec 9>"$work/front.life"
    read -r port <"$work/ports"
    export QUERN_HUB_URL="https://localhost:$port"
}

pull() { # pull FAULT [VARIABLE=VALUE...]: with an empty cache and log, and this environment
    fault=$1
    shift
    rm -rf "$cache"
    : >"$work/log"
    env HF_TOKEN=secret "$@" "$quern" pull "hf:test/$fault/model.gguf" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

complete() {
    [ "$status" = 0 ] && cmp -s "$work/content" "$cache/model.gguf" && grep -q '^hub .*|Bearer secret$' "$work/log"
}

refused() { # refused TEXT: whether it failed at once with this message, and nothing was sent or kept
    fails "$1" && [ ! -s "$work/log" ] && [ -z "$(ls "$cache")" ] && ! grep -q 'trying again' "$work/err"
}

not_accepted="the server's certificate is not accepted: "
certificate localhost
certificate elsewhere.example
serve_as localhost
if ! "$quern" pull hf:test/direct/model.gguf >/dev/null 2>"$work/err" && grep -q 'without libcurl' "$work/err"; then
    echo "1..0 # SKIP built without libcurl"
    exit 0
fi

if [ -z "$windows" ]; then
    pull direct
    check "a certificate that nobody knows is refused" refused "$not_accepted"
fi
pull direct CURL_CA_BUNDLE="$work/localhost.pem"
check "and accepted when CURL_CA_BUNDLE names it" complete
pull direct SSL_CERT_FILE="$work/localhost.pem"
check "or SSL_CERT_FILE" complete
pull direct CURL_CA_BUNDLE="$work/elsewhere.example.pem"
check "a bundle without it does not help" refused "$not_accepted"
pull direct CURL_CA_BUNDLE="$work/none.pem"
check "nor one that is not there" refused "the certificates in $work/none.pem, which CURL_CA_BUNDLE or else"
pull plain CURL_CA_BUNDLE="$work/localhost.pem"
check "a redirect to http is not followed" fails "which is not https, and is not followed"
serve_as elsewhere.example
pull direct CURL_CA_BUNDLE="$work/elsewhere.example.pem"
check "a certificate of another host is refused" refused "$not_accepted"
echo "1..$number"
