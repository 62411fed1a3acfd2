/* A bounded reader of SentencePiece models (tokenizer.model), which are protocol buffers. */
#ifndef QUERN_CONVERT_SENTENCEPIECE_H
#define QUERN_CONVERT_SENTENCEPIECE_H

#include "quern.h"

#include <stdbool.h>

struct quern_sentencepiece {
    size_t count;
    quern_text *texts; /* [count], into the data that were parsed */
    float *scores;     /* [count] */
    int32_t *kinds;    /* [count], quern_piece_kind, whose numbers are the format's own */
    bool add_space_prefix;
};

/* QUERN_EFORMAT: damaged, or without pieces. QUERN_EUNSUPPORTED: not merged by score (BPE), or with a normalisation of
 * texts, which GGUF files cannot say. path is what messages call the data. */
int quern_sentencepiece_parse(struct quern_sentencepiece *model, const void *data, size_t size, const char *path,
                              quern_error *error);
void quern_sentencepiece_free(struct quern_sentencepiece *model); /* a zeroed one is allowed */

#endif
