#include "text/words.h"

#include "base/error.h"
#include "text/tokenizer_kind.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SETS_LOG2 14

static_assert(sizeof(struct quern_word) == 64, "a word fills one cache line");

int quern_words_new(struct quern_words *words, quern_error *error)
{
    words->sets = calloc((size_t)1 << SETS_LOG2, sizeof *words->sets);
    return words->sets != NULL ? QUERN_OK : quern_fail(error, QUERN_ENOMEM, "no memory for a tokenizer");
}

void quern_words_free(struct quern_words *words)
{
    free(words->sets);
    words->sets = NULL;
}

static uint64_t load64(const unsigned char *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* Reads a word of 1 to QUERN_WORD_BYTES bytes. QUERN_WORD_BYTES are readable; those behind the word become zeros. */
static void load_word(uint64_t out[QUERN_WORD_BYTES / 8], const unsigned char *text, size_t length)
{
    static const unsigned char mask[2 * QUERN_WORD_BYTES] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

    for (size_t i = 0; i < QUERN_WORD_BYTES / 8; i++)
        out[i] = load64(text + 8 * i) & load64(mask + QUERN_WORD_BYTES - length + 8 * i);
}

static size_t set_of(const uint64_t text[QUERN_WORD_BYTES / 8], size_t length)
{
    uint64_t hash = (text[0] ^ length) * 0x9e3779b97f4a7c15u + text[1] * 0xc2b2ae3d27d4eb4fu;

    hash += text[2] * 0x165667b19e3779f9u + text[3] * 0xd6e8feb86659fd93u;
    hash ^= hash >> 32;
    return (size_t)((hash * 0x9e3779b97f4a7c15u) >> (64 - SETS_LOG2));
}

static bool is_word(const struct quern_word *word, const uint64_t text[QUERN_WORD_BYTES / 8], size_t length)
{
    uint64_t difference = word->length ^ length;

    for (size_t i = 0; i < QUERN_WORD_BYTES / 8; i++)
        difference |= word->text[i] ^ text[i];
    return difference == 0;
}

static void put_known(const struct quern_word *word, struct quern_ids *ids)
{
    for (size_t i = 0; i < word->count; i++)
        quern_ids_put(ids, word->ids[i]);
}

/* Keeps a word as the newer one of its set. */
static void keep(struct quern_word set[2], const uint64_t text[QUERN_WORD_BYTES / 8], size_t length,
                 const int32_t *ids, size_t count)
{
    set[1] = set[0];
    set[0].length = (unsigned char)length;
    set[0].count = (unsigned char)count;
    memcpy(set[0].text, text, sizeof set[0].text);
    memcpy(set[0].ids, ids, count * sizeof *ids);
}

int quern_tokenizer_put_word(struct quern_tokenizer *t, const unsigned char *word, size_t length,
                             struct quern_ids *ids, quern_error *error)
{
    const struct quern_tokenizer_kind *kind = t->vocabulary->source.tokenizer;
    uint64_t key[QUERN_WORD_BYTES / 8];

    if (length > QUERN_WORD_BYTES || ids->spans != NULL) /* the cache knows ids, not where they stand */
        return kind->merge(t, word, length, ids, error);
    load_word(key, word, length);
    struct quern_word *set = t->words.sets[set_of(key, length)];
    for (int i = 0; i < 2; i++) {
        if (is_word(&set[i], key, length)) {
            put_known(&set[i], ids);
            return QUERN_OK;
        }
    }
    size_t first = ids->count;
    QUERN_TRY(kind->merge(t, word, length, ids, error));
    size_t count = ids->count - first;
    if (count <= QUERN_WORD_IDS && ids->count <= ids->capacity)
        keep(set, key, length, ids->ids + first, count);
    return QUERN_OK;
}
