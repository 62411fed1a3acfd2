/* What the opaque handles of quern.h hold. */
#ifndef QUERN_API_HANDLES_H
#define QUERN_API_HANDLES_H

#include "base/pool.h"
#include "engine/engine.h"
#include "model/network.h"
#include "quern.h"
#include "text/tokenizer.h"

#include <stdatomic.h>

struct quern_model {
    atomic_int references;
    struct quern_gguf gguf;
    struct quern_network network;
    struct quern_vocabulary *vocabulary;
    quern_text *texts; /* of the vocabulary: views of the file */
    size_t longest_piece; /* bytes */
    float *scores;
    size_t vocabulary_bytes; /* of all three */
    char name[128], types[256], kernels_reason[128];
    bool has_prompts;
};

struct quern_context {
    quern_model *model;
    struct quern_pool *pool;
    struct quern_tokenizer *tokenizer;
    struct quern_engine engine;
    int32_t *ids; /* [context length]: a text on its way into a step */
    char threads_reason[128];
};

/* Copies a caller's structure, whose first field is its size, over dst, which holds the defaults. A newer caller's
 * fields that we do not know must be zero. */
int quern_options_read(void *dst, size_t dst_size, const void *src, quern_error *error);

/* Writes as much of src as the caller's structure has room for, but for the size field. */
int quern_info_write(void *dst, const void *src, size_t src_size, quern_error *error);

/* Reads the tokenizer's metadata of the model's file and makes its vocabulary. */
int quern_model_read_vocabulary(quern_model *model, quern_error *error);

/* Checks what is common to embed options. */
int quern_embed_options_read(const quern_model *model, const quern_embed_options *options, quern_embed_options *out,
                             quern_error *error);

#endif
