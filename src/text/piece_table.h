/* A hash table that finds the pieces of a vocabulary by their texts. */
#ifndef QUERN_TEXT_PIECE_TABLE_H
#define QUERN_TEXT_PIECE_TABLE_H

#include "text/piece_order.h"
#include "text/text_key.h"

#define QUERN_BUCKET_PIECES 3
#define QUERN_HASHED 255u

/* One cache line, which nearly always answers a search alone. This matters because a vocabulary is larger than the fast
 * caches of a CPU.
 *
 * The tag of a key is the length of the text. A text that no key can hold has a hash as its key, with the tag
 * QUERN_HASHED. Pieces for which a bucket has no room are in the next one that has. Each of them sets one bit of
 * `moved`, chosen by its hash. So a search that finds nothing seldom looks at the next bucket in vain. */
struct quern_bucket {
    struct quern_text_key keys[QUERN_BUCKET_PIECES];
    uint32_t places[QUERN_BUCKET_PIECES]; /* of the pieces in the order, plus 1; 0: no piece */
    uint32_t moved;
};

struct quern_piece_table {
    const quern_text *texts; /* of the pieces, by id */
    const struct quern_piece_order *order;
    struct quern_bucket *buckets; /* [bucket_count]: on average two pieces in each */
    size_t bucket_count;
    uint64_t seed;
};

#define QUERN_NO_PIECE UINT32_MAX

/* Makes a table of all `count` pieces of an order. The texts, by id, and the order must outlive the table. Errors:
 * QUERN_ENOMEM; QUERN_EFORMAT when two pieces have the same text. */
int quern_piece_table_new(struct quern_piece_table *table, const quern_text *texts,
                          const struct quern_piece_order *order, size_t count, quern_error *error);
void quern_piece_table_free(struct quern_piece_table *table); /* zeros are allowed */
size_t quern_piece_table_bytes(const struct quern_piece_table *table); /* memory that it takes */

/* A search that has begun: its bucket is on the way from memory. The halves of its key do not stand side by side,
 * because gcc would then move them through a vector register. */
struct quern_piece_search {
    uint64_t low;
    const struct quern_bucket *bucket;
    uint64_t high;
    const unsigned char *text;
    uint32_t length;
    uint32_t moved; /* number of the bit that this text sets in a bucket that has no room for it */
};

/* The key of a text that is too long to be a key; and the end of a search for one, or beyond the first bucket. */
struct quern_text_key quern_piece_table_hash(const struct quern_piece_table *table, const unsigned char *text,
                                             size_t length);
uint32_t quern_piece_table_go_on(const struct quern_piece_table *table, const struct quern_piece_search *search);

static inline uint64_t quern_piece_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

/* The hash of a key: all bits of a product with a secret seed, so that nobody can choose keys that collide. */
static inline uint64_t quern_piece_hash(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    const wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Begins a search for a text, of which QUERN_TEXT_KEY_SLACK bytes from the first one on are readable, also when it is
 * shorter. length >= 1. Who begins several searches before the first one ends waits for memory once. */
static inline void quern_piece_table_begin(const struct quern_piece_table *table, const unsigned char *text,
                                           size_t length, struct quern_piece_search *search)
{
    const struct quern_text_key key = length <= QUERN_TEXT_KEY_BYTES ? quern_text_key_read(text, length, length)
                                                                     : quern_piece_table_hash(table, text, length);
    const uint64_t hash = quern_piece_hash(key.low ^ table->seed, key.high ^ table->seed);
    const struct quern_bucket *bucket = &table->buckets[(hash & UINT32_MAX) * table->bucket_count >> 32];
    __builtin_prefetch(bucket);
    search->low = key.low;
    search->high = key.high;
    search->moved = (uint32_t)(hash >> 59);
    search->bucket = bucket;
    search->text = text;
    search->length = (uint32_t)length;
}

/* The place of the piece in the order, or QUERN_NO_PIECE. Without branches on where in the bucket a piece is, which no
 * CPU could predict: gcc makes conditional moves of them. */
static inline uint32_t quern_piece_table_end(const struct quern_piece_table *table,
                                             const struct quern_piece_search *search)
{
    const struct quern_bucket *bucket = search->bucket;
    uint32_t found = 0;

    for (size_t i = 0; i < QUERN_BUCKET_PIECES; i++) {
        const uint32_t place = bucket->places[i];
        found = ((bucket->keys[i].low ^ search->low) | (bucket->keys[i].high ^ search->high)) == 0 ? place : found;
    }
    if ((search->length > QUERN_TEXT_KEY_BYTES) | ((found == 0) & (bucket->moved >> search->moved)))
        return quern_piece_table_go_on(table, search);
    return found - 1;
}

#endif
