#include "text/pair_table.h"

#include "base/error.h"
#include "base/pages.h"

#include <assert.h>
#include <stdlib.h>

#define MERGES_AT_ONCE 16 /* wait for memory together */

static_assert(sizeof(struct quern_pair_bucket) == 64, "a bucket fills one cache line");

static struct quern_pair_bucket *next_bucket(const struct quern_pair_table *table,
                                             const struct quern_pair_bucket *bucket)
{
    const size_t next = (size_t)(bucket - table->buckets) + 1;

    return &table->buckets[next < table->bucket_count ? next : 0];
}

struct quern_joint quern_pair_table_go_on(const struct quern_pair_table *table, const struct quern_pair_search *search)
{
    const struct quern_pair_bucket *bucket = search->bucket;

    for (;; bucket = next_bucket(table, bucket)) {
        for (size_t i = 0; i < QUERN_BUCKET_PAIRS; i++)
            if (bucket->ranks[i] != 0 && bucket->keys[i] == search->key)
                return (struct quern_joint){bucket->ranks[i] - 1, bucket->joints[i]};
        if (bucket->ranks[QUERN_BUCKET_PAIRS - 1] == 0)
            return (struct quern_joint){QUERN_NO_RANK, -1};
    }
}

/* ---------------------------------------------------------------- making one */

/* A merge, and the searches for its two pieces and for the piece that they make. */
struct merge {
    struct quern_piece_search left, right, joint;
    struct quern_pair_search pair;
    int32_t id; /* of the joint */
};

/* What is needed to read merges. */
struct reader {
    struct quern_pair_table *table;
    const struct quern_vocabulary *vocabulary;
    const struct quern_piece_table *pieces;
    unsigned char *texts; /* [MERGES_AT_ONCE][room]: copies of left, right and joint */
    size_t room;
};

/* Where the right piece begins: behind the first space that is not the first byte. 0: there is no such place. */
static size_t find_right(quern_text merge)
{
    const char *space = merge.length > 2 ? memchr(merge.data + 1, ' ', merge.length - 2) : NULL;

    return space != NULL ? (size_t)(space - merge.data) + 1 : 0;
}

/* Begins to find the pieces of a merge. Returns false when it cannot be two pieces that make one. */
static bool begin_merge(const struct reader *r, quern_text text, unsigned char *copy, struct merge *merge)
{
    const size_t right = find_right(text), left = right - 1;

    if (right == 0 || text.length - 1 > r->vocabulary->longest_piece)
        return false;
    unsigned char *const left_copy = copy, *const right_copy = left_copy + left + QUERN_TEXT_KEY_SLACK;
    unsigned char *const joint_copy = right_copy + (text.length - right) + QUERN_TEXT_KEY_SLACK;
    memcpy(left_copy, text.data, left);
    memcpy(right_copy, text.data + right, text.length - right);
    memcpy(joint_copy, left_copy, left);
    memcpy(joint_copy + left, right_copy, text.length - right);
    quern_piece_table_begin(r->pieces, left_copy, left, &merge->left);
    quern_piece_table_begin(r->pieces, right_copy, text.length - right, &merge->right);
    quern_piece_table_begin(r->pieces, joint_copy, text.length - 1, &merge->joint);
    return true;
}

/* The id of the piece that a search has found, if text may become it; else -1. */
static int32_t end_search(const struct reader *r, const struct quern_piece_search *search)
{
    const uint32_t place = quern_piece_table_end(r->pieces, search);
    const int32_t id = place != QUERN_NO_PIECE ? r->pieces->order->ids[place / 2] : -1;

    return id >= 0 && quern_piece_is_plain(r->vocabulary->kinds[id]) ? id : -1;
}

/* Returns false when one of the three is no such piece. */
static bool end_merge(const struct reader *r, struct merge *merge)
{
    const int32_t left = end_search(r, &merge->left), right = end_search(r, &merge->right);

    merge->id = end_search(r, &merge->joint);
    quern_pair_table_begin(r->table, left, right, &merge->pair);
    return left >= 0 && right >= 0 && merge->id >= 0;
}

/* Returns false when the pair is there. */
static bool add(const struct quern_pair_table *table, const struct merge *merge, size_t rank)
{
    if (quern_pair_table_end(table, &merge->pair).rank != QUERN_NO_RANK)
        return false;
    struct quern_pair_bucket *bucket = &table->buckets[merge->pair.bucket - table->buckets];
    while (bucket->ranks[QUERN_BUCKET_PAIRS - 1] != 0)
        bucket = next_bucket(table, bucket);
    size_t i = 0;
    while (bucket->ranks[i] != 0)
        i++;
    bucket->keys[i] = merge->pair.key;
    bucket->ranks[i] = (uint32_t)rank + 1;
    bucket->joints[i] = merge->id;
    return true;
}

static int refuse(const struct reader *r, size_t rank, const char *why, quern_error *error)
{
    const quern_text merge = r->vocabulary->source.merges[rank];

    return quern_fail(error, QUERN_EFORMAT, "merge %zu of the vocabulary, \"%.*s\", %s", rank,
                      (int)(merge.length < 40 ? merge.length : 40), merge.data, why);
}

/* Adds the merges [first, end) of the list. They are at most MERGES_AT_ONCE. */
static int add_merges(const struct reader *r, size_t first, size_t end, quern_error *error)
{
    struct merge merges[MERGES_AT_ONCE];

    for (size_t i = first; i < end; i++)
        if (!begin_merge(r, r->vocabulary->source.merges[i], r->texts + (i - first) * r->room, &merges[i - first]))
            return refuse(r, i, "is not two pieces with a space between", error);
    for (size_t i = first; i < end; i++)
        if (!end_merge(r, &merges[i - first]))
            return refuse(r, i, "is not two plain pieces that make a third one", error);
    for (size_t i = first; i < end; i++)
        if (!add(r->table, &merges[i - first], i))
            return refuse(r, i, "is there twice", error);
    return QUERN_OK;
}

int quern_pair_table_new(struct quern_pair_table *table, const struct quern_vocabulary *v,
                         const struct quern_piece_table *pieces, quern_error *error)
{
    const size_t count = v->source.merge_count;
    struct reader r = {.table = table, .vocabulary = v, .pieces = pieces};
    int code = QUERN_OK;

    if (count > QUERN_MOST_MERGES)
        return quern_fail(error, QUERN_EFORMAT, "a vocabulary of %zu merges: it may have %d", count, QUERN_MOST_MERGES);
    table->bucket_count = count / 2 + 1; /* so half of the places are taken, and one at least is free */
    table->buckets = quern_pages_take(table->bucket_count * sizeof *table->buckets, error);
    if (table->buckets == NULL)
        return QUERN_ENOMEM;
    /* The address differs from run to run, so that nobody can make a file whose pairs collide. */
    table->seed = quern_piece_mix((uintptr_t)table->buckets, 0);
    if (v->longest_piece < SIZE_MAX / (2 * MERGES_AT_ONCE) - 3 * QUERN_TEXT_KEY_SLACK) {
        r.room = 2 * v->longest_piece + 3 * QUERN_TEXT_KEY_SLACK;
        r.texts = calloc(MERGES_AT_ONCE, r.room);
    }
    if (r.texts == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to read %zu merges", count);
    for (size_t i = 0; i < count && code == QUERN_OK; i += MERGES_AT_ONCE)
        code = add_merges(&r, i, count - i < MERGES_AT_ONCE ? count : i + MERGES_AT_ONCE, error);
    free(r.texts);
    return code;
}

void quern_pair_table_free(struct quern_pair_table *table)
{
    quern_pages_release(table->buckets, table->bucket_count * sizeof *table->buckets);
    table->buckets = NULL;
}

size_t quern_pair_table_bytes(const struct quern_pair_table *table)
{
    return table->bucket_count * sizeof *table->buckets;
}
