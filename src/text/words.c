#include "text/words.h"

#include "base/error.h"
#include "base/pages.h"

#include <assert.h>
#include <stdlib.h>

static_assert(sizeof(struct quern_word) == 64, "a word fills one cache line");

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

void quern_words_keep(const struct quern_word_key *key, const int32_t *ids, size_t count)
{
    struct quern_word *set = key->set;

    if (count > QUERN_WORD_IDS)
        return;
    set[1] = set[0];
    set[0].length = (unsigned char)key->length;
    set[0].count = (unsigned char)count;
    memcpy(set[0].text, key->text, sizeof set[0].text);
    memcpy(set[0].ids, ids, count * sizeof *ids);
}
