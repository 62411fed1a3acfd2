#!/bin/sh
# Shows what quern does, with the starter model. Without the starter it makes a model of random weights.
# usage: tools/demo.sh BUILD
set -eu
build=$1

show() {
    echo
    echo "\$ $*"
    "$@"
}

if [ -f "$build/models/starter.gguf" ]; then
    export QUERN_MODEL="$build/models/starter.gguf"
    show "$build/quern" demo
    show "$build/quern" embed -d 64 -f text 'The cat sleeps on the sofa.'
    cat <<END

The starter model is small: it is there to try, to test and to demonstrate. For real work get EmbeddingGemma, which is
used from then on (334 MB):
  $build/quern pull embeddinggemma
END
    exit
fi

export QUERN_MODEL="$build/demo.gguf"
if [ ! -f "$QUERN_MODEL" ]; then
    echo "Making a model of EmbeddingGemma's true shape with random weights: $QUERN_MODEL (320 MiB)"
    "$build/tools/mkmodel" full "$QUERN_MODEL" --head
fi
show "$build/quern" info
show "$build/quern" demo
cat <<END

These vectors have no meaning, because the weights are random. Only the shape and the speed are EmbeddingGemma's.
For vectors that mean something, get a real model (334 MB):
  $build/quern pull embeddinggemma
END
