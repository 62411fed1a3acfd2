#include "text/piece_table.h"

#include "base/error.h"
#include "base/pages.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_IN_KEY 15 /* bytes of a text that its key holds as a whole */
#define FILTER_BITS 16    /* of the filter for each piece: of other texts, about one in 200 passes it */

/* Little-endian on every machine. Compilers turn it into one load. */
static uint64_t load64(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

/* Makes the key of a text, of which QUERN_PIECE_SLACK bytes are readable. length >= 1 */
static struct quern_piece_key make_key(const struct quern_piece_table *table, const unsigned char *text, size_t length)
{
    struct quern_piece_key key = {load64(text), (uint64_t)length << 56};

    if (length < 8) {
        key.low &= UINT64_MAX >> (64 - 8 * length);
    } else if (length <= LONGEST_IN_KEY) {
        key.high |= load64(text + 8) & (((uint64_t)1 << (8 * length - 64)) - 1);
    } else {
        uint64_t first = table->seed ^ length, second = first;
        for (size_t i = 0; i + 8 < length; i += 8) {
            first = mix(first, load64(text + i));
            second = mix(second + i, first);
        }
        key.low = mix(first, load64(text + length - 8));
        key.high = mix(second, key.low) | (uint64_t)255 << 56;
    }
    return key;
}

/* The number that says where a key belongs: its lower half in the slots, and all of it in the filter. */
static uint64_t hash_key(const struct quern_piece_table *table, struct quern_piece_key key)
{
    return mix(mix(key.low ^ table->seed, key.high), table->seed);
}

/* A number less than count, chosen by the lower half of a hash. count <= 2^32 */
static size_t choose(uint64_t hash, size_t count)
{
    return (size_t)((hash & UINT32_MAX) * count >> 32);
}

/* Four bits of a word of the filter, chosen by the upper half of a hash. */
static uint64_t filter_bits(uint64_t hash)
{
    return (uint64_t)1 << (hash >> 58) | (uint64_t)1 << (hash >> 52 & 63) | (uint64_t)1 << (hash >> 46 & 63) |
           (uint64_t)1 << (hash >> 40 & 63);
}

static bool is_text(const quern_text *piece, const unsigned char *text, size_t length)
{
    return piece->length == length && memcmp(piece->data, text, length) == 0;
}

/* The slot of a text, or the empty slot where it belongs. */
static struct quern_slot *find_slot(const struct quern_piece_table *table, struct quern_piece_key key, uint64_t hash,
                                    const unsigned char *text, size_t length)
{
    for (size_t i = choose(hash, table->slot_count);; i = i + 1 < table->slot_count ? i + 1 : 0) {
        struct quern_slot *slot = &table->slots[i];
        if (slot->number == 0)
            return slot;
        if (slot->key.low == key.low && slot->key.high == key.high &&
            (length <= LONGEST_IN_KEY || is_text(&table->texts[slot->number - 1], text, length)))
            return slot;
    }
}

struct quern_piece_search quern_piece_table_begin(const struct quern_piece_table *table, const unsigned char *text,
                                                  size_t length)
{
    struct quern_piece_search search = {text, length, make_key(table, text, length), 0};

    search.hash = hash_key(table, search.key);
    __builtin_prefetch(&table->slots[choose(search.hash, table->slot_count)]);
    return search;
}

const struct quern_slot *quern_piece_table_end(const struct quern_piece_table *table,
                                               const struct quern_piece_search *search)
{
    const uint64_t bits = filter_bits(search->hash);

    if ((table->filter[choose(search->hash, table->filter_count)] & bits) != bits)
        return NULL;
    const struct quern_slot *slot = find_slot(table, search->key, search->hash, search->text, search->length);
    return slot->number != 0 ? slot : NULL;
}

const struct quern_slot *quern_piece_table_find(const struct quern_piece_table *table, const unsigned char *text,
                                                size_t length)
{
    const struct quern_piece_search search = quern_piece_table_begin(table, text, length);

    return quern_piece_table_end(table, &search);
}

int quern_piece_table_add(struct quern_piece_table *table, size_t id, uint32_t rank, quern_error *error)
{
    const unsigned char *text = (const unsigned char *)table->texts[id].data;
    const size_t length = table->texts[id].length;
    unsigned char copy[QUERN_PIECE_SLACK] = {0};

    if (length < sizeof copy)
        text = memcpy(copy, text, length);
    const struct quern_piece_key key = make_key(table, text, length);
    const uint64_t hash = hash_key(table, key);
    struct quern_slot *slot = find_slot(table, key, hash, text, length);
    if (slot->number != 0)
        return quern_fail(error, QUERN_EFORMAT, "pieces %zu and %zu of the vocabulary have the same text",
                          (size_t)slot->number - 1, id);
    *slot = (struct quern_slot){key, (uint32_t)id + 1, rank};
    table->filter[choose(hash, table->filter_count)] |= filter_bits(hash);
    return QUERN_OK;
}

int quern_piece_table_new(struct quern_piece_table *table, const quern_text *texts, size_t count, quern_error *error)
{
    table->texts = texts;
    table->slot_count = count + count / 2 + 1; /* one slot at least is empty, where searches end */
    table->filter_count = count * FILTER_BITS / 64 + 1;
    table->slots = quern_pages_take(table->slot_count * sizeof *table->slots, error);
    table->filter = calloc(table->filter_count, sizeof *table->filter);
    if (table->slots == NULL || table->filter == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", count);
    /* The address differs from run to run, so that nobody can make a file whose pieces collide. */
    table->seed = mix((uintptr_t)table->slots, 0);
    return QUERN_OK;
}

void quern_piece_table_free(struct quern_piece_table *table)
{
    quern_pages_release(table->slots, table->slot_count * sizeof *table->slots);
    free(table->filter);
    table->slots = NULL;
    table->filter = NULL;
}

size_t quern_piece_table_bytes(const struct quern_piece_table *table)
{
    return table->slot_count * sizeof *table->slots + table->filter_count * sizeof *table->filter;
}
