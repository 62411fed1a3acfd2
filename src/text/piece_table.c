#include "text/piece_table.h"

#include "base/error.h"
#include "base/pages.h"

#include <stdbool.h>
#include <string.h>

#define LONGEST_IN_KEY 7 /* bytes of a text that its key holds as a whole */

/* Little-endian on every machine. Compilers turn it into one load. */
static uint64_t load32(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

static uint64_t load64(const unsigned char *p)
{
    return load32(p) | load32(p + 4) << 32;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

/* Makes the key of a text. Reads nothing outside the text. length >= 1 */
static uint64_t make_key(const struct quern_piece_table *table, const unsigned char *text, size_t length)
{
    size_t last = length - 1, middle = length / 2;
    uint64_t key = (uint64_t)length << 56, hash = table->seed ^ length;

    if (length < 4) /* first, middle and last byte; they may be the same byte, then they lie over each other */
        return key | text[0] | (uint64_t)text[middle] << 8 * middle | (uint64_t)text[last] << 8 * last;
    if (length <= LONGEST_IN_KEY)
        return key | load32(text) | load32(text + length - 4) << 8 * (length - 4);
    for (size_t i = 0; i + 8 < length; i += 8)
        hash = mix(hash, load64(text + i));
    return mix(hash, load64(text + length - 8)) | (uint64_t)255 << 56;
}

static bool is_text(const quern_text *piece, const unsigned char *text, size_t length)
{
    return piece->length == length && memcmp(piece->data, text, length) == 0;
}

struct quern_slot *quern_piece_table_find(const struct quern_piece_table *table, const unsigned char *text,
                                          size_t length)
{
    uint64_t key = make_key(table, text, length);
    size_t i = (size_t)mix(mix(key, table->seed), table->seed);

    for (;; i++) {
        struct quern_slot *slot = &table->slots[i & table->mask];
        if (slot->number == 0)
            return slot;
        if (slot->key == key && (length <= LONGEST_IN_KEY || is_text(&table->texts[slot->number - 1], text, length)))
            return slot;
    }
}

int quern_piece_table_add(struct quern_piece_table *table, size_t id, uint32_t rank, quern_error *error)
{
    const unsigned char *text = (const unsigned char *)table->texts[id].data;
    const size_t length = table->texts[id].length;
    struct quern_slot *slot = quern_piece_table_find(table, text, length);

    if (slot->number != 0)
        return quern_fail(error, QUERN_EFORMAT, "pieces %zu and %zu of the vocabulary have the same text",
                          (size_t)slot->number - 1, id);
    *slot = (struct quern_slot){make_key(table, text, length), (uint32_t)id + 1, rank};
    return QUERN_OK;
}

int quern_piece_table_new(struct quern_piece_table *table, const quern_text *texts, size_t count, quern_error *error)
{
    size_t slots = 2;

    while (slots / 2 < count)
        slots *= 2;
    table->slots = quern_pages_take(slots * sizeof *table->slots, error);
    if (table->slots == NULL)
        return QUERN_ENOMEM;
    table->texts = texts;
    table->mask = slots - 1;
    /* The address differs from run to run, so that nobody can make a file whose pieces collide. */
    table->seed = mix((uintptr_t)table->slots, 0);
    return QUERN_OK;
}

void quern_piece_table_free(struct quern_piece_table *table)
{
    quern_pages_release(table->slots, quern_piece_table_bytes(table));
    table->slots = NULL;
}

size_t quern_piece_table_bytes(const struct quern_piece_table *table)
{
    return (table->mask + 1) * sizeof *table->slots;
}
