/* Makes the merges of a vocabulary: each way to split a plain piece into two plain pieces is one. */
#ifndef QUERN_TESTS_MERGE_MAKER_H
#define QUERN_TESTS_MERGE_MAKER_H

#include "text/tokenizer.h"

struct quern_made_merges {
    size_t count;
    quern_text *texts; /* [count] */
    char *bytes;       /* the bytes of all texts */
};

/* Makes the merges of source->texts[source->count]. seed 0: in the order of Gemma's list, by the id of the piece that
 * is made, and of one piece the longer left part first. Any other seed: in an order of its own, and not all of them.
 * quern_merges_unmake frees them. */
int quern_merges_make(struct quern_made_merges *merges, const struct quern_vocabulary_source *source, uint64_t seed,
                      quern_error *error);
void quern_merges_unmake(struct quern_made_merges *merges);

#endif
