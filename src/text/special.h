/* The special pieces of a vocabulary: those that are cut out of a raw text before the rest of it is tokenised.
 *
 * User-defined pieces are always cut out, control pieces and the unknown piece only where special pieces are parsed.
 *
 * User-defined pieces that consist of spaces are matched in another way, because a space in a text may be spelled
 * U+0020 or U+2581. A run is a sequence of such spaces without anything between them. From a run in a text, the
 * longest piece of spaces that fits is cut off again and again, until the rest is shorter than any such piece. */
#ifndef QUERN_TEXT_SPECIAL_H
#define QUERN_TEXT_SPECIAL_H

#include "text/byte_pair.h"
#include "text/tokenizer.h"
#include "text/trie.h"

#include <string.h>

struct quern_run {
    int32_t id;
    uint32_t length; /* in spaces; 0: no piece */
};

/* Flags of two bytes: what may begin with them. */
#define QUERN_LEADS_PIECE 1 /* a piece of the trie */
#define QUERN_LEADS_RUN 2   /* a run that is long enough for a piece */

struct quern_special {
    struct quern_trie trie;
    struct quern_run *runs; /* [longest_run + 1]: at n, the longest piece of at most n spaces */
    size_t longest_run;     /* in spaces; 0: there are no pieces of spaces */
    size_t shortest_run;
    unsigned char *leads; /* [QUERN_BYTE_PAIRS]: by quern_byte_pair, the flags above */
};

/* kinds: [source->count], in place of those of the source. plain_spaces: as a kind of tokenizer has it. Errors:
 * QUERN_ENOMEM; QUERN_EFORMAT when the pieces are too long. */
int quern_special_build(struct quern_special *special, const struct quern_vocabulary_source *source,
                        const unsigned char *kinds, bool plain_spaces, quern_error *error);
void quern_special_free(struct quern_special *special); /* also what a failed build left; zeros are allowed */
size_t quern_special_bytes(const struct quern_special *special); /* memory that it takes */

/* What may begin with the byte at p and the next one, which must be readable. */
static inline unsigned quern_special_leads(const struct quern_special *special, const unsigned char *p)
{
    return special->leads[quern_byte_pair(p)];
}

/* Bytes of the space at p, in either spelling; 0: there is none. p < end */
static inline size_t quern_space_length(const unsigned char *p, const unsigned char *end)
{
    if (*p == ' ')
        return 1;
    return end - p >= QUERN_METASPACE_LENGTH && memcmp(p, QUERN_METASPACE, QUERN_METASPACE_LENGTH) == 0
               ? QUERN_METASPACE_LENGTH
               : 0;
}

#endif
