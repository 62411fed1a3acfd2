/* Makes a vocabulary in the layout of Gemma 3, without any file:
 *
 *     <pad> <eos> <bos> <unk> <mask> [multimodal] <unused...> <start_of_turn> <end_of_turn>
 *     runs of newlines, runs of spaces (from two on), HTML tags, the 256 bytes
 *     normal pieces: several characters first, then single ones; the score is minus the rank
 *     runs of tabs, <start_of_image> <end_of_image>, more <unused...>
 *
 * All prefixes of a piece are pieces, so that merging can build it. */
#ifndef QUERN_TESTS_VOCABULARY_MAKER_H
#define QUERN_TESTS_VOCABULARY_MAKER_H

#include "quern.h"

#define QUERN_VOCABULARY_TINY 640    /* short runs, few tags; the one with a piece of the kind "unused" */
#define QUERN_VOCABULARY_FULL 262144 /* Gemma 3's ids for everything but the normal pieces */

struct quern_made_vocabulary {
    size_t count;
    quern_text *texts; /* [count] */
    float *scores;     /* [count] */
    int32_t *kinds;    /* [count], quern_piece_kind */
    char *bytes;       /* what texts points into */
};

/* count is one of the two above. */
int quern_vocabulary_make(struct quern_made_vocabulary *vocabulary, size_t count, quern_error *error);
void quern_vocabulary_unmake(struct quern_made_vocabulary *vocabulary);

#endif
