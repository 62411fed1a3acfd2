#include "text/pair_merger.h"

#include "base/error.h"

#include <stdlib.h>

/* A symbol of a long word with the next one. */
struct quern_long_pair {
    struct quern_joint joint; /* rank QUERN_NO_RANK: they are not joined, or the symbol is no longer there */
    uint32_t next, last;      /* symbols; next of the last one: the number of symbols; last of the first one: 0 */
};

/* What a run of the merger needs. */
struct work {
    struct quern_pair_merger *merger;
    const struct quern_pair_table *table;
    const struct quern_pair_spelling *spelling;
    const struct quern_tokenizer *tokenizer;
    struct quern_ids *ids;
    quern_error *error;
};

static int grow(struct quern_pair_merger *m, size_t length, quern_error *error)
{
    const size_t capacity = length < 256 ? 256 : length;

    if (length <= m->capacity)
        return QUERN_OK;
    quern_pair_merger_release(m);
    if (capacity < UINT32_MAX && capacity <= SIZE_MAX / sizeof *m->pairs) {
        m->symbols = malloc(capacity * sizeof *m->symbols);
        m->pairs = malloc(capacity * sizeof *m->pairs);
        /* At first there is one pair less than there are symbols. Each merge removes a pair from the heap, and adds
         * two. */
        m->heap.keys = malloc(capacity * 2 * sizeof *m->heap.keys);
    }
    if (m->symbols == NULL || m->pairs == NULL || m->heap.keys == NULL) {
        quern_pair_merger_release(m);
        return quern_fail(error, QUERN_ENOMEM, "no memory to tokenise a word of %zu bytes", length);
    }
    m->capacity = capacity;
    return QUERN_OK;
}

void quern_pair_merger_release(struct quern_pair_merger *m)
{
    free(m->symbols);
    free(m->pairs);
    free(m->heap.keys);
    m->symbols = NULL;
    m->pairs = NULL;
    m->heap.keys = NULL;
    m->capacity = 0;
}

/* ---------------------------------------------------------------- long words */

/* Finds what a symbol and the next one are joined to, and puts the pair into the heap, if they are joined. */
static void queue_pair(const struct work *w, size_t left, size_t count)
{
    struct quern_pair_merger *m = w->merger;
    struct quern_long_pair *pair = &m->pairs[left];
    struct quern_pair_search search;

    pair->joint.rank = QUERN_NO_RANK;
    if (pair->next == count)
        return;
    quern_pair_table_begin(w->table, m->symbols[left].id, m->symbols[pair->next].id, &search);
    pair->joint = quern_pair_table_end(w->table, &search);
    if (pair->joint.rank != QUERN_NO_RANK)
        quern_heap_push(&m->heap, (uint64_t)pair->joint.rank << 32 | left);
}

static void join(const struct work *w, size_t left, size_t count)
{
    struct quern_pair_merger *m = w->merger;
    struct quern_long_pair *pair = &m->pairs[left];
    const size_t right = pair->next;

    m->symbols[left].id = pair->joint.id;
    m->symbols[left].length += m->symbols[right].length;
    m->pairs[right].joint.rank = QUERN_NO_RANK;
    pair->next = m->pairs[right].next;
    if (pair->next < count)
        m->pairs[pair->next].last = (uint32_t)left;
    queue_pair(w, left, count);
    if (left > 0)
        queue_pair(w, pair->last, count);
}

static int merge_long(const struct work *w, const struct quern_new_word *word)
{
    struct quern_pair_merger *m = w->merger;
    const unsigned char *begin = word->text;

    QUERN_TRY(grow(m, word->length, w->error));
    const size_t count = w->spelling->cut(w->tokenizer, word, m->symbols);
    m->heap.count = 0;
    for (size_t i = 0; i < count; i++)
        m->pairs[i] = (struct quern_long_pair){.next = (uint32_t)i + 1, .last = i > 0 ? (uint32_t)i - 1 : 0};
    for (size_t i = 0; i < count; i++)
        queue_pair(w, i, count);
    while (m->heap.count > 0) {
        const uint64_t key = quern_heap_pop(&m->heap);
        /* Another rank: meanwhile, one of the two was merged with another symbol. */
        if (m->pairs[(uint32_t)key].joint.rank == key >> 32)
            join(w, (uint32_t)key, count);
    }
    for (size_t i = 0; i < count; i = m->pairs[i].next) {
        QUERN_TRY(w->spelling->put(w->tokenizer, begin, &m->symbols[i], w->ids, w->error));
        begin += m->symbols[i].length;
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- short words */

/* Takes words until one is long or there is no room. Returns how many. */
static size_t begin_words(const struct work *w, const struct quern_new_word *words, size_t count)
{
    size_t i = 0;

    for (; i < count && i < QUERN_WORDS_AT_ONCE && words[i].length <= QUERN_PAIR_SYMBOLS; i++) {
        struct quern_pair_word *word = &w->merger->words[i];
        word->count = w->spelling->cut(w->tokenizer, &words[i], word->symbols);
        quern_pair_word_begin(word, w->table);
    }
    return i;
}

static int put_word(const struct work *w, const struct quern_pair_word *word, const unsigned char *begin)
{
    for (size_t i = 0; i < word->count; i = word->next[i]) {
        QUERN_TRY(w->spelling->put(w->tokenizer, begin, &word->symbols[i], w->ids, w->error));
        begin += word->symbols[i].length;
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- both */

int quern_pair_merger_run(struct quern_pair_merger *m, const struct quern_pair_table *table,
                          const struct quern_pair_spelling *spelling, const struct quern_tokenizer *tokenizer,
                          const struct quern_new_word *words, size_t count, size_t *ends, struct quern_ids *ids,
                          quern_error *error)
{
    const struct work w = {m, table, spelling, tokenizer, ids, error};

    for (size_t done = 0; done < count;) {
        const size_t begun = begin_words(&w, words + done, count - done);
        if (begun == 0) {
            QUERN_TRY(merge_long(&w, &words[done]));
            ends[done++] = ids->count;
        }
        quern_pair_words_merge(m->words, begun, table);
        for (size_t i = 0; i < begun; i++) {
            QUERN_TRY(put_word(&w, &m->words[i], words[done].text));
            ends[done++] = ids->count;
        }
    }
    return QUERN_OK;
}
