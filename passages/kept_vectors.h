/* The vectors that an index has of a file's passages already. A passage with the same title and text has the same
 * vector, wherever it stands in the file. */
#ifndef QUERN_KEPT_VECTORS_H
#define QUERN_KEPT_VECTORS_H

#include "quern_index.h"

#include <stdbool.h>

struct quern_kept_vectors {
    const quern_index *index;
    struct quern_kept_slot {
        uint64_t hash;
        uint64_t place; /* of the row, and 1; 0: the slot is empty */
    } *slots;           /* [mask + 1] */
    uint64_t mask;
};

/* Finds the rows PATH#0 to PATH#rows-1. index must outlive *kept. QUERN_ENOMEM, QUERN_EIO, QUERN_EFORMAT. */
int quern_kept_vectors_open(struct quern_kept_vectors *kept, const quern_index *index, const char *path, uint64_t rows,
                            quern_error *error);

/* Writes the vector of a passage with this title and text to vector[dimensions of the index]; false: there is none. */
bool quern_kept_vectors_find(const struct quern_kept_vectors *kept, quern_text title, quern_text text, float *vector);

void quern_kept_vectors_close(struct quern_kept_vectors *kept); /* zeros are allowed, and find nothing */

#endif
