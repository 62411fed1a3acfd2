/* A hash table from ids to numbers. It keeps the hashes only, not the ids: whoever looks up an id compares it with
 * those of the numbers that have its hash. */
#ifndef QUERN_INDEX_ID_TABLE_H
#define QUERN_INDEX_ID_TABLE_H

#include "quern_index.h"

#include <stdbool.h>

struct quern_id_entry {
    uint64_t hash, number;
};

/* Begins with zeros, and `named` set as the ids are. */
struct quern_id_table {
    struct quern_id_entry *entries; /* [capacity], a power of two; hash 0: free */
    size_t capacity, count;
    bool named;
};

/* Adds an id. QUERN_ENOMEM. */
int quern_id_put(struct quern_id_table *table, const quern_index_row *id, uint64_t number, quern_error *error);

/* A walk over the numbers that an id may have. */
struct quern_id_probe {
    uint64_t hash;
    size_t at;
};

struct quern_id_probe quern_id_probe(const struct quern_id_table *table, const quern_index_row *id);

/* The next of these numbers; false when there are no more. */
bool quern_id_next(const struct quern_id_table *table, struct quern_id_probe *probe, uint64_t *number);

/* Gives the number that quern_id_next found last to another one, which has the same id. */
void quern_id_replace(struct quern_id_table *table, const struct quern_id_probe *probe, uint64_t number);

void quern_id_table_free(struct quern_id_table *table);

#endif
