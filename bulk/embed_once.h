/* Embeds each text once: a vector that was computed before is copied from a table (vector_table.h). The key of a text
 * is a digest of its tokens, with those of its prompt, and of all else that decides the bits of its whole vector: the
 * model, the kernel table and the path. So vectors of any number of dimensions come from one table, and have the bits
 * that quern_embed gives.
 *
 * A call: quern_once_begin, quern_once_add for each text, quern_once_finish. */
#ifndef QUERN_BULK_EMBED_ONCE_H
#define QUERN_BULK_EMBED_ONCE_H

#include "vector_table.h"

#include <sha2.h>

enum { QUERN_ONCE_TEXTS = 256 }; /* of a call */

struct quern_once_text {
    quern_result result;
    unsigned char key[QUERN_TABLE_KEY];
    size_t from; /* place in `missing`, or QUERN_ONCE_TEXTS: its vector was found, or there is none */
};

struct quern_once {
    quern_context *context;
    struct quern_vector_table table;
    SHA2_CTX start;       /* of the digest of a key: behind all that decides the vectors beside the tokens */
    size_t width;         /* numbers of a whole vector */
    bool is_centred_cut;  /* see quern_centre */
    size_t most_tokens;   /* of a text */
    int32_t *ids;         /* [id_capacity], used up to `id_count`: the tokens of the texts that are missing */
    size_t id_count, id_capacity;
    struct quern_once_text texts[QUERN_ONCE_TEXTS];
    size_t count;
    size_t missing[QUERN_ONCE_TEXTS], begins[QUERN_ONCE_TEXTS + 1]; /* numbers of the texts; their ids */
    size_t missing_count;
    float *vectors, *computed; /* [QUERN_ONCE_TEXTS][width]: of all texts; of those that are missing */
    uint64_t copied;      /* texts so far that were not computed */
    int failure;          /* errno of the first vector that could not be kept; 0: none */
};

/* Opens the table in FOLDER. Structures of zeros may be closed, and so may one that could not be opened. QUERN_EIO,
 * QUERN_ENOMEM. */
int quern_once_open(struct quern_once *once, const quern_model *model, quern_context *context, const char *folder,
                    quern_error *error);
void quern_once_close(struct quern_once *once);

void quern_once_begin(struct quern_once *once);

/* Adds a text, of which nothing is kept but its tokens. A text that has no vector gets a result that says so. Fails as
 * quern_embed does when no text is at fault. */
int quern_once_add(struct quern_once *once, quern_text text, const quern_embed_options *options, quern_error *error);

/* Writes rows[count][dimensions] and results[count], as quern_embed does. options: the dimensions and the flag
 * QUERN_NO_NORMALIZE count. */
int quern_once_finish(struct quern_once *once, const quern_embed_options *options, float *rows, quern_result *results,
                      quern_error *error);

#endif
