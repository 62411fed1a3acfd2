# shellcheck shell=sh
# Starts servers for tests in sh, which source this. Sets address (HOST:PORT) and server (its process id).

# start_server QUERN MODEL LOG OPTION...: on any free port, or on $port if that is set
start_server() {
    quern_=$1 model_=$2 log_=$3
    shift 3
    rm -f "$log_" # an earlier server may still write to it
    : >"$log_"
    "$quern_" serve -m "$model_" --port "${port:-0}" "$@" >"$log_" 2>&1 &
    server=$!
    address=
    tries_=0
    while [ -z "$address" ]; do
        address=$(sed -n 's,.*ready on http://\([^ ,]*\).*,\1,p' "$log_")
        tries_=$((tries_ + 1))
        if [ $tries_ -gt 600 ] || ! kill -0 "$server" 2>/dev/null; then
            sed 's/^/# /' "$log_"
            echo "Bail out! the server did not start"
            exit 1
        fi
        sleep 0.1
    done
}

# Ends the server. Fails when it had ended already, or when its exit status is not 0.
stop_server() {
    kill -TERM "$server" && wait "$server"
}
