# What tests of the command share that work in a folder of their own, $work: settings, conditions, and its model
# tiny.gguf with a head, which is the default. A script that sources this has the arguments QUERN MKMODEL, and is in that
# folder afterwards, so it makes paths that it was given absolute before.
# shellcheck shell=sh
set -u
export LC_ALL=C
support=$(realpath "$(dirname "$0")")/support
quern=$(realpath "$1")
mkmodel=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset NO_COLOR XDG_CACHE_HOME
unset SLURM_ARRAY_TASK_ID JOB_COMPLETION_INDEX AWS_BATCH_JOB_ARRAY_INDEX OMPI_COMM_WORLD_RANK RANK # they name shards
cd "$work" || exit 1
# shellcheck source=tests/support/tap.sh
. "$support/tap.sh"
"$mkmodel" tiny tiny.gguf --head || exit 1
export QUERN_MODEL="$work/tiny.gguf"

succeeds() { # whether the last run did
    [ "$status" = 0 ]
}

is_misuse() { # whether the last run was: it says where help is, and prints nothing
    [ "$status" = 2 ] && grep -qF -- "--help" err && [ ! -s out ]
}
