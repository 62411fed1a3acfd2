/* What the opaque handles of quern.h hold. */
#ifndef QUERN_API_HANDLES_H
#define QUERN_API_HANDLES_H

#include "api/prompts.h"
#include "base/pool.h"
#include "engine/engine.h"
#include "known/known.h"
#include "network/network.h"
#include "quern.h"
#include "text/tokenizer.h"

#include <stdatomic.h>

struct quern_model {
    atomic_int references;
    struct quern_gguf gguf;
    struct quern_network network;
    const struct quern_known *known; /* the published model that the file is; NULL: it is none, or cannot be told */
    const char *known_reason;        /* how that is known; NULL without it */
    struct quern_prompts prompts;
    bool look_only;                      /* nothing is packed */
    uint64_t digest;                     /* of everything that decides a vector, but for the prompts */
    struct quern_vocabulary *vocabulary; /* NULL: the library has no tokenizer for this model */
    char tokenizer_name[64];             /* the kind of tokenizer, as the file names it */
    char tokenizer_pre[64];              /* its rule for words, likewise, if the library lacks only that */
    quern_text *texts;                   /* [vocabulary]: the pieces, views of the file */
    float *scores;                       /* [vocabulary] */
    bool closes_anyway;                  /* a piece closes every text, though the file does not say so */
    bool keeps_capitals;                 /* the file does not say so, but its pieces do */
    size_t longest_piece;                /* in bytes; or QUERN_ANY_LENGTH */
    size_t vocabulary_bytes;             /* memory of vocabulary, texts and scores */
    char name[128], types[256], kernels_reason[128];
    char notice[768];                    /* as quern_model_info has it; "" for none */
};

struct quern_context {
    quern_model *model;
    struct quern_pool *pool;
    struct quern_tokenizer *tokenizer;
    struct quern_engine engine;
    int32_t *ids;            /* [id_capacity]: the tokens of one text */
    size_t id_capacity;      /* at least the context length; grows when the start of a long text is cut off */
    quern_token_span *spans; /* [span_capacity]: where these tokens stand, when the text is cut; NULL at first */
    size_t span_capacity;
    char threads_reason[128];
};

/* Makes the vocabulary of a model from the metadata of its file. If the library has no tokenizer of this kind, the
 * model gets no vocabulary. This is not an error, because such a model can still embed tokens. */
int quern_model_read_vocabulary(quern_model *model, quern_error *error);

/* Collects what the file says of the model that it is. The texts point into the model. */
void quern_model_read_facts(const quern_model *model, struct quern_known_facts *facts);

/* Finds the known model that the file is, once its network and its vocabulary are read. asked: the name that the caller
 * gave; NULL: none. QUERN_EINVAL when there is no such model, or the file has another shape. */
int quern_model_recognise(quern_model *model, const char *asked, quern_error *error);

/* Whether vectors of so many dimensions are cut from vectors whose mean was subtracted. */
bool quern_model_centres(const quern_model *model, int dimensions);

/* Fills the notice of a model, of which the rest is read. asked: as above. */
void quern_model_write_notice(quern_model *model, const char *asked);

/* Fails with QUERN_EUNSUPPORTED when the model has no vocabulary. */
int quern_model_check_tokenizer(const quern_model *model, quern_error *error);

/* Reads the embed options, which may be NULL, and checks all but the flags. In out, dimensions are those of the
 * vectors. */
int quern_embed_options_read(const quern_model *model, const quern_embed_options *options, quern_embed_options *out,
                             quern_error *error);

/* Makes room for count tokens in context->ids. The ids that were there are lost, unless this fails. */
int quern_context_reserve_ids(quern_context *context, size_t count, quern_error *error);

/* Tokenises a text behind its prompt. options are those that quern_embed_options_read gave; for the rest see
 * quern_tokenizer_run. */
int quern_context_tokenize(quern_context *context, quern_text text, const quern_embed_options *options, int32_t *ids,
                           size_t capacity, size_t *count, quern_error *error);

/* Finds where the tokens of the same text stand. See quern_tokenizer_spans. */
int quern_context_spans(quern_context *context, quern_text text, const quern_embed_options *options, const int32_t *ids,
                        size_t count, quern_token_span *spans, quern_error *error);

/* Writes the tokens that the vector of a text is made of to context->ids, result->tokens of them, at most the context
 * length. QUERN_EINVAL, QUERN_ETOOLONG and QUERN_EFORMAT are the fault of this text. result is filled also with
 * QUERN_ETOOLONG. */
int quern_context_prepare(quern_context *context, quern_text text, const quern_embed_options *options,
                          quern_result *result, quern_error *error);

/* Fails with QUERN_ETOOLONG for a text that has so many tokens, or at least so many, and fills result. */
int quern_context_refuse_long(const quern_context *context, size_t tokens, bool at_least, quern_result *result,
                              quern_error *error);

/* Does what quern_truncate_tokens does, from ids[count] to kept[limit], which may be the same. 1 <= limit < count. */
void quern_tokens_keep(int32_t *kept, const int32_t *ids, size_t count, size_t limit, unsigned flags);

/* The flags that quern_embed, quern_prepare and quern_chunk_text take. */
#define QUERN_EMBED_FLAGS (QUERN_TRUNCATE | QUERN_TRUNCATE_START | QUERN_PARSE_SPECIAL | QUERN_NO_NORMALIZE)

/* Fails when flags has others than the known ones. */
int quern_flags_check(unsigned flags, unsigned known, quern_error *error);

#endif
