/* What the opaque handles of quern.h hold. */
#ifndef QUERN_API_HANDLES_H
#define QUERN_API_HANDLES_H

#include "api/prompts.h"
#include "base/pool.h"
#include "engine/engine.h"
#include "network/network.h"
#include "quern.h"
#include "text/tokenizer.h"

#include <stdatomic.h>

struct quern_model {
    atomic_int references;
    struct quern_gguf gguf;
    struct quern_network network;
    struct quern_vocabulary *vocabulary; /* NULL: quern cannot tokenize for this model; see quern_model_check_tokenizer */
    char tokenizer_name[64];             /* as the file has it */
    quern_text *texts;                   /* of the vocabulary: views of the file */
    size_t longest_piece;                /* in bytes */
    float *scores;
    size_t vocabulary_bytes; /* of all three */
    char name[128], types[256], kernels_reason[128];
    struct quern_prompts prompts;
};

struct quern_context {
    quern_model *model;
    struct quern_pool *pool;
    struct quern_tokenizer *tokenizer;
    struct quern_engine engine;
    int32_t *ids;       /* [id_capacity]: tokens of the text under work */
    size_t id_capacity; /* at least the context length; grows when the start of a long text is cut off */
    quern_token_span *spans; /* [span_capacity]: of that text, where it is cut; NULL until then */
    size_t span_capacity;
    char threads_reason[128];
};

/* Copies a caller's structure, whose first field is its size, over dst, which holds the defaults. A newer caller's
 * fields that we do not know must be zero. */
int quern_options_read(void *dst, size_t dst_size, const void *src, quern_error *error);

/* Writes as much of src as the caller's structure has room for, but for the size field. */
int quern_info_write(void *dst, const void *src, size_t src_size, quern_error *error);

/* Makes the vocabulary of a model from the metadata of its file. If quern does not know the kind of tokenizer, the model
 * gets no vocabulary; this is not an error, because such a model can still embed tokens. */
int quern_model_read_vocabulary(quern_model *model, quern_error *error);

/* QUERN_EUNSUPPORTED when the model has no vocabulary. To be called before a text is tokenized for it. */
int quern_model_check_tokenizer(const quern_model *model, quern_error *error);

/* Checks what is common to embed options. */
int quern_embed_options_read(const quern_model *model, const quern_embed_options *options, quern_embed_options *out,
                             quern_error *error);

/* Makes context->ids at least count long. What it held is lost. */
int quern_context_reserve_ids(quern_context *context, size_t count, quern_error *error);

/* Tokenises text behind its prompt, as quern_tokenizer_run does. options: as quern_embed_options_read gives them. */
int quern_context_tokenize(quern_context *context, quern_text text, const quern_embed_options *options, int32_t *ids,
                           size_t capacity, size_t *count, quern_error *error);

/* Finds where these tokens of the same text stand, as quern_tokenizer_spans does. */
int quern_context_spans(quern_context *context, quern_text text, const quern_embed_options *options, const int32_t *ids,
                        size_t count, quern_token_span *spans, quern_error *error);

/* Writes the tokens that a text is embedded with to context->ids, result->tokens of them: at most the context length.
 * QUERN_EINVAL, QUERN_ETOOLONG and QUERN_EFORMAT are this text's fault. */
int quern_context_prepare(quern_context *context, quern_text text, const quern_embed_options *options,
                          quern_result *result, quern_error *error);

/* What quern_truncate_tokens does, from ids[count] to kept[limit]; the two may be the same. 1 <= limit < count */
void quern_tokens_keep(int32_t *kept, const int32_t *ids, size_t count, size_t limit, unsigned flags);

/* What quern_embed and quern_prepare take. */
#define QUERN_EMBED_FLAGS (QUERN_TRUNCATE | QUERN_TRUNCATE_START | QUERN_PARSE_SPECIAL | QUERN_NO_NORMALIZE)

/* Fails when flags has others than the known ones. */
int quern_flags_check(unsigned flags, unsigned known, quern_error *error);

#endif
