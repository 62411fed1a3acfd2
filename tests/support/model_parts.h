/* The two halves of a made model file. */
#ifndef QUERN_TESTS_MODEL_PARTS_H
#define QUERN_TESTS_MODEL_PARTS_H

#include "gguf/writer.h"
#include "model_maker.h"

/* Whether a layer of EmbeddingGemma 2 is local. */
static inline bool quern_recipe_is_local(int layer)
{
    return layer % 3 < 2;
}

/* Puts what the file says of the model, and its vocabulary. */
int quern_model_put_keys(struct quern_gguf_writer *writer, const struct quern_recipe *recipe, quern_error *error);

/* Puts the tensors. */
int quern_model_put_tensors(struct quern_gguf_writer *writer, const struct quern_recipe *recipe, quern_error *error);

#endif
