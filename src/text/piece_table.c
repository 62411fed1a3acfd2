#include "text/piece_table.h"

#include "base/error.h"
#include "base/pages.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ADDED_AT_ONCE 32

static_assert(sizeof(struct quern_bucket) == 64, "a bucket fills one cache line");

struct quern_text_key quern_piece_table_hash(const struct quern_piece_table *table, const unsigned char *text,
                                             size_t length)
{
    uint64_t first = table->seed ^ length, second = first;
    struct quern_text_key key;

    for (size_t i = 0; i + 8 < length; i += 8) {
        first = quern_piece_mix(first, quern_load64(text + i));
        second = quern_piece_mix(second + i, first);
    }
    key.low = quern_piece_mix(first, quern_load64(text + length - 8));
    key.high = quern_piece_mix(second, key.low) | (uint64_t)QUERN_HASHED << 56;
    return key;
}

static uint32_t find_short(const struct quern_bucket *bucket, const struct quern_piece_search *search)
{
    for (size_t i = 0; i < QUERN_BUCKET_PIECES; i++)
        if (bucket->keys[i].low == search->low && bucket->keys[i].high == search->high)
            return bucket->places[i];
    return 0;
}

static uint32_t find_long(const struct quern_piece_table *table, const struct quern_bucket *bucket,
                          const struct quern_piece_search *search)
{
    for (size_t i = 0; i < QUERN_BUCKET_PIECES; i++) {
        if (bucket->places[i] == 0 || bucket->keys[i].low != search->low ||
            bucket->keys[i].high != search->high)
            continue;
        const quern_text *text = &table->texts[table->order->ids[(bucket->places[i] - 1) / 2]];
        if (text->length == search->length && memcmp(text->data, search->text, search->length) == 0)
            return bucket->places[i];
    }
    return 0;
}

static struct quern_bucket *next_bucket(const struct quern_piece_table *table, const struct quern_bucket *bucket)
{
    const size_t next = (size_t)(bucket - table->buckets) + 1;

    return &table->buckets[next < table->bucket_count ? next : 0];
}

uint32_t quern_piece_table_go_on(const struct quern_piece_table *table, const struct quern_piece_search *search)
{
    for (const struct quern_bucket *bucket = search->bucket;; bucket = next_bucket(table, bucket)) {
        const uint32_t found = search->length <= QUERN_TEXT_KEY_BYTES ? find_short(bucket, search)
                                                                       : find_long(table, bucket, search);
        if (found != 0 || !(bucket->moved >> search->moved & 1))
            return found - 1;
    }
}

static void add(const struct quern_piece_table *table, const struct quern_piece_search *search, uint32_t place)
{
    struct quern_bucket *bucket = &table->buckets[search->bucket - table->buckets];

    for (; bucket->places[QUERN_BUCKET_PIECES - 1] != 0; bucket = next_bucket(table, bucket))
        bucket->moved |= (uint32_t)1 << search->moved;
    size_t i = 0;
    while (bucket->places[i] != 0)
        i++;
    bucket->keys[i] = (struct quern_text_key){search->low, search->high};
    bucket->places[i] = place + 1;
}

/* Begins a search for a piece. Perhaps fewer than QUERN_TEXT_KEY_SLACK bytes of its text are readable, so a short one
 * is copied. */
static void begin_piece(const struct quern_piece_table *table, const quern_text *piece,
                        unsigned char copy[QUERN_TEXT_KEY_SLACK], struct quern_piece_search *search)
{
    const unsigned char *text = (const unsigned char *)piece->data;

    if (piece->length < QUERN_TEXT_KEY_SLACK)
        text = memcpy(copy, text, piece->length);
    quern_piece_table_begin(table, text, piece->length, search);
}

/* Adds the pieces [first, end) of the order. They are at most ADDED_AT_ONCE. */
static int add_pieces(struct quern_piece_table *table, size_t first, size_t end, quern_error *error)
{
    struct quern_piece_search searches[ADDED_AT_ONCE];
    unsigned char copies[ADDED_AT_ONCE][QUERN_TEXT_KEY_SLACK] = {{0}};

    const struct quern_piece_order *order = table->order;

    for (size_t i = first; i < end; i++)
        begin_piece(table, &table->texts[order->ids[i]], copies[i - first], &searches[i - first]);
    for (size_t i = first; i < end; i++) {
        const uint32_t known = quern_piece_table_end(table, &searches[i - first]);
        if (known != QUERN_NO_PIECE) {
            const int32_t a = order->ids[known / 2], b = order->ids[i];
            return quern_fail(error, QUERN_EFORMAT, "pieces %d and %d of the vocabulary have the same text",
                              (int)(a < b ? a : b), (int)(a < b ? b : a));
        }
        add(table, &searches[i - first], order->places[i]);
    }
    return QUERN_OK;
}

int quern_piece_table_new(struct quern_piece_table *table, const quern_text *texts,
                          const struct quern_piece_order *order, size_t count, quern_error *error)
{
    table->texts = texts;
    table->order = order;
    table->bucket_count = count / 2 + 1; /* one place at least is free, where searches end */
    table->buckets = quern_pages_take(table->bucket_count * sizeof *table->buckets, error);
    if (table->buckets == NULL)
        return QUERN_ENOMEM;
    /* The address differs from run to run, so that nobody can make a file whose pieces collide. */
    table->seed = quern_piece_mix((uintptr_t)table->buckets, 0);
    for (size_t i = 0; i < count; i += ADDED_AT_ONCE)
        QUERN_TRY(add_pieces(table, i, count - i < ADDED_AT_ONCE ? count : i + ADDED_AT_ONCE, error));
    return QUERN_OK;
}

void quern_piece_table_free(struct quern_piece_table *table)
{
    quern_pages_release(table->buckets, table->bucket_count * sizeof *table->buckets);
    table->buckets = NULL;
}

size_t quern_piece_table_bytes(const struct quern_piece_table *table)
{
    return table->bucket_count * sizeof *table->buckets;
}
