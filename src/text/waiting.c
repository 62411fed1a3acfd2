/* The words of a text that wait for their ids. */
#include "base/count.h"
#include "text/tokenizer_kind.h"

/* Returns the number of a word among the new ones. New words often come twice within a few lines, and are merged once:
 * each element of waiting->latest is the number of the latest new word of some sets of the cache. */
static size_t note_miss(struct quern_waiting *waiting, size_t i)
{
    const struct quern_word_key *key = &waiting->keys[i];
    const size_t set = (uintptr_t)key->set / (2 * sizeof *key->set);
    unsigned char *latest = &waiting->latest[set % QUERN_COUNT(waiting->latest)];

    if (*latest < waiting->miss_count && quern_words_same(&waiting->keys[waiting->sources[*latest]], key))
        return *latest;
    *latest = (unsigned char)waiting->miss_count;
    waiting->sources[waiting->miss_count] = (unsigned char)i;
    waiting->misses[waiting->miss_count] = (struct quern_new_word){waiting->items[i].word, key->length};
    return waiting->miss_count++;
}

/* Looks all words up in the cache, and copies the ids of those that are there. */
static void look_up(struct quern_waiting *waiting)
{
    size_t count = 0;

    waiting->miss_count = waiting->gap_count = 0;
    for (size_t i = 0; i < waiting->count; i++) {
        if (waiting->keys[i].length == 0) {
            waiting->known[count++] = waiting->items[i].id;
            continue;
        }
        const struct quern_word *word = quern_words_find(&waiting->keys[i]);
        if (word != NULL) {
            count += quern_word_ids(word, waiting->known + count);
        } else {
            waiting->gaps[waiting->gap_count].end = count;
            waiting->gaps[waiting->gap_count++].miss = note_miss(waiting, i);
        }
    }
    waiting->known_count = count;
}

static size_t miss_begin(const struct quern_waiting *waiting, size_t miss)
{
    return miss > 0 ? waiting->ends[miss - 1] : 0;
}

/* Appends all ids in the order of the text. */
static void put_all(const struct quern_waiting *waiting, struct quern_ids *ids)
{
    size_t done = 0;

    for (size_t i = 0; i < waiting->gap_count; i++) {
        const size_t miss = waiting->gaps[i].miss, begin = miss_begin(waiting, miss);
        quern_ids_put_all(ids, waiting->known + done, waiting->gaps[i].end - done);
        quern_ids_put_all(ids, waiting->ids + begin, waiting->ends[miss] - begin);
        done = waiting->gaps[i].end;
    }
    quern_ids_put_all(ids, waiting->known + done, waiting->known_count - done);
}

/* Puts the new words into the cache. */
static void keep_all(const struct quern_waiting *waiting)
{
    for (size_t i = 0; i < waiting->miss_count; i++) {
        const size_t begin = miss_begin(waiting, i);
        quern_words_keep(&waiting->keys[waiting->sources[i]], waiting->ids + begin, waiting->ends[i] - begin);
    }
}

int quern_tokenizer_flush(struct quern_tokenizer *t, struct quern_ids *ids, quern_error *error)
{
    struct quern_waiting *waiting = &t->waiting;

    look_up(waiting);
    if (waiting->miss_count > 0) {
        struct quern_ids found = {.ids = waiting->ids, .capacity = QUERN_COUNT(waiting->ids)};
        QUERN_TRY(t->vocabulary->source.tokenizer->merge(t, waiting->misses, waiting->miss_count, waiting->ends, &found,
                                                         error));
    }
    put_all(waiting, ids);
    keep_all(waiting);
    waiting->count = 0;
    return QUERN_OK;
}

int quern_tokenizer_put_directly(struct quern_tokenizer *t, const unsigned char *word, size_t length,
                                 struct quern_ids *ids, quern_error *error)
{
    const struct quern_new_word one = {word, length};
    size_t end;

    QUERN_TRY(quern_tokenizer_flush(t, ids, error));
    return t->vocabulary->source.tokenizer->merge(t, &one, 1, &end, ids, error);
}

int quern_tokenizer_put_id(struct quern_tokenizer *t, int32_t id, const unsigned char *begin,
                           const unsigned char *end, struct quern_ids *ids, quern_error *error)
{
    struct quern_waiting *waiting = &t->waiting;

    if (ids->spans != NULL) {
        quern_ids_put_span(ids, id, begin, end);
        return QUERN_OK;
    }
    waiting->keys[waiting->count].length = 0;
    waiting->items[waiting->count++].id = id;
    return waiting->count < QUERN_MOST_WAITING ? QUERN_OK : quern_tokenizer_flush(t, ids, error);
}
