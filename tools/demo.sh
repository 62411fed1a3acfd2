#!/bin/sh
# Embeds and compares a few sentences with a model made on the spot. usage: tools/demo.sh BUILD-DIRECTORY
set -eu
build=$1
model=$build/demo.gguf

if [ ! -f "$model" ]; then
    echo "Making a model of EmbeddingGemma's true shape with random weights: $model (320 MiB)"
    "$build/tools/mkmodel" full "$model" --head
fi

show() {
    echo
    echo "\$ $*"
    "$@"
}

show "$build/quern" info -m "$model"
show "$build/quern" similarity -m "$model" 'The cat sleeps on the sofa.' 'A kitten naps on the couch.' \
    'Stock markets fell sharply today.' 'Share prices dropped this morning.'
echo
echo "\$ echo 'The cat sleeps on the sofa.' | $build/quern embed -m $model -d 128 -f text"
echo 'The cat sleeps on the sofa.' | "$build/quern" embed -m "$model" -d 128 -f text

cat <<END

These are numbers, not meaning: the weights are random, only the shape and the work are EmbeddingGemma's.
For vectors that mean something, get a real model and name it with -m:
  https://huggingface.co/ggml-org/embeddinggemma-300M-GGUF
END
