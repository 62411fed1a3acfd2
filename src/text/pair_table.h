/* The merges of a vocabulary: which two pieces may be joined, to what piece, and which pair comes first. For the kinds
 * of tokenizers whose files list their merges, best first. */
#ifndef QUERN_TEXT_PAIR_TABLE_H
#define QUERN_TEXT_PAIR_TABLE_H

#include "text/piece_table.h"
#include "text/tokenizer_kind.h"

#define QUERN_BUCKET_PAIRS 4

/* One cache line. Pairs for which a bucket has no room are in the next one that has. */
struct quern_pair_bucket {
    uint64_t keys[QUERN_BUCKET_PAIRS];  /* left << 32 | right */
    uint32_t ranks[QUERN_BUCKET_PAIRS]; /* plus 1; 0: no pair */
    int32_t joints[QUERN_BUCKET_PAIRS];
};

#define QUERN_MOST_MERGES 33554430 /* so that a rank and the number of a symbol fit into 31 bits */

struct quern_pair_table {
    struct quern_pair_bucket *buckets; /* [bucket_count]: on average two pairs in each */
    size_t bucket_count;
    uint64_t seed;
};

/* Makes a table of the merges of a vocabulary. pieces: all its pieces, by text. Errors: QUERN_EFORMAT for a merge that
 * is not two pieces, or gives no piece that a text may become, or is there twice; QUERN_ENOMEM. */
int quern_pair_table_new(struct quern_pair_table *table, const struct quern_vocabulary *vocabulary,
                         const struct quern_piece_table *pieces, quern_error *error);
void quern_pair_table_free(struct quern_pair_table *table); /* zeros are allowed */
size_t quern_pair_table_bytes(const struct quern_pair_table *table); /* memory that it takes */

/* A search that has begun: its bucket is on the way from memory. */
struct quern_pair_search {
    uint64_t key;
    const struct quern_pair_bucket *bucket;
};

/* What a pair of pieces is joined to. */
struct quern_joint {
    uint32_t rank; /* the place of the merge in the list; QUERN_NO_RANK: the two are not joined */
    int32_t id;
};

/* The end of a search beyond its first bucket. */
struct quern_joint quern_pair_table_go_on(const struct quern_pair_table *table, const struct quern_pair_search *search);

/* Begins a search for the pair of two ids. An id may be -1, which is joined to nothing. */
static inline void quern_pair_table_begin(const struct quern_pair_table *table, int32_t left, int32_t right,
                                          struct quern_pair_search *search)
{
    const uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    const uint64_t hash = quern_piece_hash(key ^ table->seed, table->seed);

    search->key = key;
    search->bucket = &table->buckets[(hash >> 32) * table->bucket_count >> 32];
    __builtin_prefetch(search->bucket);
}

/* Without branches on where in the bucket a pair is, which no CPU could predict: gcc makes conditional moves of them.
 * The first place counts last, because a free one behind it has the key of ids 0 and 0. */
static inline struct quern_joint quern_pair_table_end(const struct quern_pair_table *table,
                                                      const struct quern_pair_search *search)
{
    const struct quern_pair_bucket *bucket = search->bucket;
    uint32_t rank = 0;
    int32_t id = 0;

    for (size_t i = QUERN_BUCKET_PAIRS; i-- > 0;) {
        const bool is_this = bucket->keys[i] == search->key;
        const uint32_t rank_here = bucket->ranks[i];
        const int32_t id_here = bucket->joints[i];
        rank = is_this ? rank_here : rank;
        id = is_this ? id_here : id;
    }
    if ((rank == 0) & (bucket->ranks[QUERN_BUCKET_PAIRS - 1] != 0))
        return quern_pair_table_go_on(table, search);
    return (struct quern_joint){rank - 1, id};
}

#endif
