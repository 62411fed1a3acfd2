#include "text/merge.h"

#include "base/error.h"
#include "text/character.h"

#include <stdlib.h>

/* ---------------------------------------------------------------- working memory */

static int grow(struct quern_merger *m, size_t length, quern_error *error)
{
    size_t capacity = length < 256 ? 256 : length;

    if (length <= m->capacity)
        return QUERN_OK;
    quern_merger_release(m);
    if (capacity <= UINT32_MAX - QUERN_TEXT_KEY_SLACK && capacity <= SIZE_MAX / sizeof *m->symbols) {
        m->text = calloc(1, capacity + QUERN_TEXT_KEY_SLACK);
        m->symbols = malloc(capacity * sizeof *m->symbols);
        /* At first there is one pair less than there are symbols. Each merge removes a symbol and a pair from the
         * heap, and adds two pairs. */
        m->heap.keys = malloc(capacity * 2 * sizeof *m->heap.keys);
    }
    if (m->text == NULL || m->symbols == NULL || m->heap.keys == NULL) {
        quern_merger_release(m);
        return quern_fail(error, QUERN_ENOMEM, "no memory to tokenise a word of %zu bytes", length);
    }
    m->capacity = capacity;
    return QUERN_OK;
}

void quern_merger_release(struct quern_merger *m)
{
    free(m->text);
    free(m->symbols);
    free(m->heap.keys);
    m->text = NULL;
    m->symbols = NULL;
    m->heap.keys = NULL;
    m->capacity = 0;
}

/* ---------------------------------------------------------------- long words */

/* Finds the piece that the symbol at `place` and the next symbol make together. Puts it into the heap, if there is
 * one. */
static void queue_pair(struct quern_merger *m, const struct quern_sentencepiece_bpe *v, size_t place, size_t length)
{
    struct quern_symbol *left = &m->symbols[place];
    size_t next = place + left->length;

    left->joint = QUERN_NO_PIECE;
    if (next == length)
        return;
    size_t joint = (size_t)left->length + m->symbols[next].length;
    if (joint > v->longest)
        return;
    left->joint = quern_sentencepiece_bpe_find(v, m->text + place, joint);
    if (left->joint == QUERN_NO_PIECE)
        return;
    left->rank = quern_sentencepiece_bpe_rank(v, left->joint);
    quern_heap_push(&m->heap, (uint64_t)left->rank << 32 | place);
}

static void set_length(struct quern_merger *m, size_t place, size_t length)
{
    m->symbols[place].length = (uint32_t)length;
    m->symbols[place + length - 1].length = (uint32_t)length;
}

/* Cuts the word into characters, and queues all pairs. */
static void begin_long(struct quern_merger *m, const struct quern_sentencepiece_bpe *v, size_t length)
{
    const unsigned char *end = m->text + length;

    m->heap.count = 0;
    for (size_t place = 0; place < length; place += m->symbols[place].length) {
        set_length(m, place, quern_character_length(m->text + place, end));
        m->symbols[place].piece = QUERN_NO_PIECE;
    }
    for (size_t place = 0; place < length; place += m->symbols[place].length)
        queue_pair(m, v, place, length);
}

/* Appends what a symbol has become. */
static int put_symbol(struct quern_cursor *cursor, const struct quern_sentencepiece_bpe *v, const unsigned char *text,
                      const struct quern_symbol *symbol, struct quern_ids *ids, quern_error *error)
{
    const size_t length = symbol->length;
    const uint32_t known = symbol->piece;
    const uint32_t piece = known != QUERN_NO_PIECE ? known : quern_sentencepiece_bpe_find(v, text, length);

    return quern_cursor_put_piece(cursor, v, piece, text, length, ids, error);
}

static int merge_long(struct quern_merger *m, const struct quern_sentencepiece_bpe *v,
                      const struct quern_new_word *word, size_t length, struct quern_ids *ids, quern_error *error)
{
    struct quern_cursor cursor = {word->text, 0};

    QUERN_TRY(grow(m, length, error));
    quern_new_word_spell(word, m->text);
    begin_long(m, v, length);
    while (m->heap.count > 0) {
        uint64_t key = quern_heap_pop(&m->heap);
        size_t place = (uint32_t)key;
        struct quern_symbol *left = &m->symbols[place];
        if (left->joint == QUERN_NO_PIECE || left->rank != key >> 32)
            continue; /* meanwhile, one of the two was merged with another symbol */
        struct quern_symbol *right = left + left->length;
        right->joint = QUERN_NO_PIECE;
        left->piece = left->joint;
        set_length(m, place, left->length + right->length);
        queue_pair(m, v, place, length);
        if (place > 0)
            queue_pair(m, v, place - m->symbols[place - 1].length, length);
    }
    for (size_t place = 0; place < length; place += m->symbols[place].length)
        QUERN_TRY(put_symbol(&cursor, v, m->text + place, &m->symbols[place], ids, error));
    return QUERN_OK;
}

/* ---------------------------------------------------------------- both */

/* Takes words until one is long or there is no room. Returns how many. */
static size_t begin_words(struct quern_merger *m, const struct quern_sentencepiece_bpe *v,
                          const struct quern_new_word *words, size_t count)
{
    size_t i = 0;

    while (i < count && i < QUERN_WORDS_AT_ONCE && quern_short_word_begin(&m->words[i], v, &words[i]))
        i++;
    return i;
}

int quern_merger_run(struct quern_merger *m, const struct quern_sentencepiece_bpe *v,
                     const struct quern_new_word *words, size_t count, size_t *ends, struct quern_ids *ids,
                     quern_error *error)
{
    for (size_t done = 0; done < count;) {
        const size_t begun = begin_words(m, v, words + done, count - done);
        if (begun == 0) {
            QUERN_TRY(merge_long(m, v, &words[done], quern_new_word_length(&words[done]), ids, error));
            ends[done++] = ids->count;
        }
        quern_short_words_merge(m->words, begun, v);
        for (size_t i = 0; i < begun; i++) {
            QUERN_TRY(quern_short_word_put(&m->words[i], v, &words[done], ids, error));
            ends[done++] = ids->count;
        }
    }
    return QUERN_OK;
}
