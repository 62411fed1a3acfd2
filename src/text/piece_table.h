/* A hash table that finds the pieces of a vocabulary by their texts. */
#ifndef QUERN_TEXT_PIECE_TABLE_H
#define QUERN_TEXT_PIECE_TABLE_H

#include "quern.h"

/* One piece. The slot alone answers most searches: a text of up to 7 bytes is in it, and so is the length of a
 * longer one. This matters because a vocabulary is larger than the fast caches of a CPU. */
struct quern_slot {
    uint64_t key;    /* a text of up to 7 bytes, with its length in the highest byte; else a hash, with 255 there */
    uint32_t number; /* id + 1; 0: the slot is empty */
    uint32_t rank;   /* as quern_piece_table_add got it */
};

struct quern_piece_table {
    const quern_text *texts;  /* of the pieces, by id */
    struct quern_slot *slots; /* [mask + 1]; open addressing; at most half of the slots are taken */
    size_t mask;
    uint64_t seed;
};

/* Makes an empty table for `count` pieces. texts must outlive it. Error: QUERN_ENOMEM. */
int quern_piece_table_new(struct quern_piece_table *table, const quern_text *texts, size_t count, quern_error *error);
void quern_piece_table_free(struct quern_piece_table *table); /* zeros are allowed */
size_t quern_piece_table_bytes(const struct quern_piece_table *table); /* memory that it takes */

/* Adds a piece with a rank, which may be any number. A search for the piece gives it back. Error: QUERN_EFORMAT when a
 * piece with the same text is in the table. */
int quern_piece_table_add(struct quern_piece_table *table, size_t id, uint32_t rank, quern_error *error);

/* The slot of the piece with this text, or an empty slot. length >= 1 */
struct quern_slot *quern_piece_table_find(const struct quern_piece_table *table, const unsigned char *text,
                                          size_t length);

#endif
