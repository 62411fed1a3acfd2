/* A hash table that finds the pieces of a vocabulary by their texts. */
#ifndef QUERN_TEXT_PIECE_TABLE_H
#define QUERN_TEXT_PIECE_TABLE_H

#include "quern.h"

#define QUERN_PIECE_SLACK 16 /* bytes from a text's first one on that quern_piece_table_find may read */

/* The text of a piece as a number: its bytes and its length, if it has at most 15 bytes; else a hash. */
struct quern_piece_key {
    uint64_t low, high; /* the highest byte of high is the length, or 255 for a hash */
};

/* One piece. The slot alone answers a search for a text of up to 15 bytes. This matters because a vocabulary is larger
 * than the fast caches of a CPU. */
struct quern_slot {
    struct quern_piece_key key;
    uint32_t number; /* id + 1; 0: the slot is empty */
    uint32_t rank;   /* as quern_piece_table_add got it */
};

struct quern_piece_table {
    const quern_text *texts;  /* of the pieces, by id */
    struct quern_slot *slots; /* [slot_count]; open addressing; at most two thirds of the slots are taken */
    uint64_t *filter;         /* [filter_count]: four bits for each piece, in one word; most other texts lack one */
    size_t slot_count, filter_count;
    uint64_t seed;
};

/* Makes an empty table for `count` pieces. texts must outlive it. Error: QUERN_ENOMEM. */
int quern_piece_table_new(struct quern_piece_table *table, const quern_text *texts, size_t count, quern_error *error);
void quern_piece_table_free(struct quern_piece_table *table); /* zeros are allowed */
size_t quern_piece_table_bytes(const struct quern_piece_table *table); /* memory that it takes */

/* Adds a piece with a rank, which may be any number. A search for the piece gives it back. Error: QUERN_EFORMAT when a
 * piece with the same text is in the table. */
int quern_piece_table_add(struct quern_piece_table *table, size_t id, uint32_t rank, quern_error *error);

/* A search that has begun: its slot is on the way from memory. */
struct quern_piece_search {
    const unsigned char *text;
    size_t length;
    struct quern_piece_key key;
    uint64_t hash;
};

/* The two halves of quern_piece_table_find. Who begins several searches before the first one ends waits for memory
 * once. */
struct quern_piece_search quern_piece_table_begin(const struct quern_piece_table *table, const unsigned char *text,
                                                  size_t length);
const struct quern_slot *quern_piece_table_end(const struct quern_piece_table *table,
                                               const struct quern_piece_search *search);

/* The slot of the piece with this text, or NULL. length >= 1; QUERN_PIECE_SLACK bytes from the first one on are
 * readable, also when the text is shorter. */
const struct quern_slot *quern_piece_table_find(const struct quern_piece_table *table, const unsigned char *text,
                                                size_t length);

#endif
