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

/* Errors: QUERN_EFORMAT for data that are damaged or have no pieces; QUERN_EUNSUPPORTED for a model that does not
 * merge by score (BPE), or that normalises texts in a way that GGUF files cannot express. path: the name of the data
 * in messages. */
int quern_sentencepiece_parse(struct quern_sentencepiece *model, const void *data, size_t size, const char *path,
                              quern_error *error);
void quern_sentencepiece_free(struct quern_sentencepiece *model); /* a zeroed one is allowed */

#endif
