#include "text/words.h"

#include "base/error.h"
#include "base/pages.h"

#include <assert.h>
#include <stdlib.h>

static_assert(sizeof(struct quern_word[2]) == 64, "a set fills one cache line");

int quern_words_new(struct quern_words *words, quern_error *error)
{
    words->sets = quern_pages_take(sizeof *words->sets << QUERN_WORD_SETS_LOG2, error);
    return words->sets != NULL ? QUERN_OK : QUERN_ENOMEM;
}

void quern_words_free(struct quern_words *words)
{
    quern_pages_release(words->sets, sizeof *words->sets << QUERN_WORD_SETS_LOG2);
    words->sets = NULL;
}

/* Writes half a word, or a short one. */
static void write_entry(struct quern_word *entry, struct quern_text_key text, const int32_t *ids, size_t count)
{
    entry->text = text;
    memcpy(entry->ids, ids, count * sizeof *ids);
}

void quern_words_keep(const struct quern_word_key *key, const int32_t *ids, size_t count)
{
    const bool is_short = key->length <= QUERN_TEXT_KEY_BYTES;
    struct quern_word *set = key->set;
    struct quern_text_key text = key->text;

    if (count == 0 || count > (is_short ? QUERN_ENTRY_IDS : 2 * QUERN_ENTRY_IDS))
        return;
    text.high |= (uint64_t)(count - 1) << 56;
    if (is_short) {
        set[1] = set[0];
        write_entry(&set[0], text, ids, count);
    } else {
        const size_t first = count < QUERN_ENTRY_IDS ? count : QUERN_ENTRY_IDS;
        write_entry(&set[0], text, ids, first);
        write_entry(&set[1], key->rest, ids + first, count - first);
    }
}
