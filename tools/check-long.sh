#!/bin/sh
# The tests that take long, side by side on all cores: within an hour on two cores with the default settings. Each part
# leaves its output in BUILD/check-long/. Names of parts, like fuzz-gguf or 'fuzz-*', run only these.
# usage: FUZZ_SECONDS=N tools/check-long.sh BUILD [PART...]
set -eu
build=$1
shift
seconds=${FUZZ_SECONDS:-150} # for each fuzz target
mutate_parts=8               # each tries 25,000 damaged model files
folder=$build/check-long
mkdir -p "$folder"

# Long parts come first, so that no core is idle at the end.
parts() {
    # What uses all cores itself, or what is sensitive to time.
    echo "build-tsan alone tools/sanitized.sh $build-tsan thread"
    echo "build-asan alone tools/sanitized.sh $build-asan address,undefined"
    echo "build-fuzz alone tools/sanitized.sh $build-fuzz address,undefined -Dfuzz=true"
    echo "all-tests-tsan alone meson test -C $build-tsan --no-rebuild --print-errorlogs --timeout-multiplier 3"
    echo "soak-asan alone sh tests/soak.sh $build-asan 120"
    echo "soak-tsan alone sh tests/soak.sh $build-tsan 120"
    echo "clients alone tests/clients/run $build"
    # The real vocabulary, beside another tokenizer.
    echo "tokenizers beside tests/tokenizers/run $build"
    # The Node.js package beside the packages whose shapes it has.
    echo "node beside tests/node/run $build"
    echo "node-asan beside tests/node/sanitized $build address"
    echo "node-valgrind beside tests/node/valgrind $build"
    echo "node-tsan beside tests/node/sanitized $build thread"
    # Windows under Wine, and macOS, which is compiled and linked only.
    echo "windows beside tests/windows/run $build"
    echo "macos beside tests/macos/run $build"
    # Files of columns, beside other readers and writers.
    echo "columnar beside tests/columnar/run $build"
    # A folder of 40,000 files of odd names.
    echo "many-files beside python3 tests/test_many_files.py $build/quern $build/tools/mkmodel 40000" \
        ">$folder/files.tap; ! grep -A 8 '^not ok' $folder/files.tap && grep -q '^1\.\.' $folder/files.tap"
    # One index file and many processes, 1,000 of which are killed.
    echo "index-killed beside $build/tests/test_index_processes 1000"
    # Pages of docs/howto with LangChain, DuckDB, sqlite-vec and Dask.
    echo "howto beside tests/howto/run $build"
    # The extension of SQLite, beside others.
    echo "sqlite beside tests/sqlite/run $build"
    # Bulk runs: under schedulers, on a cluster of this one machine; killed 200 times.
    echo "slurm alone tests/slurm/run $build"
    echo "dask beside tests/dask/run $build"
    # Workers for PostgreSQL, killed, and with the server killed.
    echo "postgresql beside tests/postgresql/run $build"
    echo "pgvector beside tests/postgresql/pgvector $build"
    echo "run-killed beside sh tests/test_cli_run.sh $build/quern $build/tools/mkmodel 200" \
        ">$folder/run.tap; ! grep -A 8 '^not ok' $folder/run.tap && grep -q '^1\.\.' $folder/run.tap"
    echo "run-again-killed beside sh tests/test_cli_run_again.sh $build/quern $build/tools/mkmodel" \
        "$build/tests/odd_system.so 100 >$folder/again.tap; ! grep -A 8 '^not ok' $folder/again.tap &&" \
        "grep -q '^1\.\.' $folder/again.tap"
    # The packages, where they are meant to be used.
    echo "deb beside tests/packages/deb $build"
    echo "dist beside tests/packages/dist $build"
    echo "image beside /usr/bin/python3 tests/packages/image ."
    # The Arm tables under qemu.
    echo "arm-kernels beside sh tests/check_arm.sh . kernels"
    echo "arm-vectors beside sh tests/check_arm.sh . vectors"
    # Downloads that are killed 300 times.
    echo "pull-killed beside sh tests/test_cli_pull.sh $build/quern $build/tools/mkmodel $build/tests/hub 300" \
        ">$folder/pull.tap; ! grep -A 8 '^not ok' $folder/pull.tap && grep -q '^1\.\.' $folder/pull.tap"
    # 200,000 damaged model files, with sanitizers.
    for part in $(seq $mutate_parts); do
        echo "mutate-$part beside $build-asan/tests/mutate $((200000 / mutate_parts)) $part"
    done
    for source in fuzz/fuzz_*.c; do
        name=${source#fuzz/fuzz_}
        name=${name%.c}
        echo "fuzz-$name beside $(fuzz "$name")"
    done
    # Tiny models under valgrind.
    echo "valgrind beside sh tests/check_valgrind.sh $build/quern $build/tools/mkmodel"
}

# fuzz NAME: the command that fuzzes a target; what it found before stays in its corpus. A find ends with status 1: 77,
# which the fuzzer would take, means that a part is skipped.
fuzz() {
    corpus=$build-fuzz/corpus/$1
    echo "mkdir -p $corpus && $build-fuzz/fuzz/fuzz_$1 -max_total_time=$seconds -timeout=120 -error_exitcode=1" \
        "-rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix=$build-fuzz/$1- $corpus fuzz/corpus/$1"
}

wanted() { # wanted NAME PATTERN...: whether the part was asked for; without a pattern all are
    name=$1
    shift
    [ $# -gt 0 ] || return 0
    for pattern; do
        # shellcheck disable=SC2254 # a pattern is meant to match as one
        case $name in $pattern) return 0 ;; esac
    done
    return 1
}

parts | while read -r name rest; do
    ! wanted "$name" "$@" || echo "$name $rest"
done >"$folder/parts"
[ -s "$folder/parts" ] || { echo "no part is named $*" >&2; exit 2; }
tools/run_parts.py "$folder" <"$folder/parts"
