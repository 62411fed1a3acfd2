#include "text/merge.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- heap of pairs, 4 children a node, least first */

static void heap_push(struct quern_merger *m, uint64_t key)
{
    size_t i = m->heap_count++;

    while (i > 0) {
        size_t parent = (i - 1) / 4;
        if (m->heap[parent] <= key)
            break;
        m->heap[i] = m->heap[parent];
        i = parent;
    }
    m->heap[i] = key;
}

static uint64_t heap_pop(struct quern_merger *m)
{
    uint64_t top = m->heap[0], key = m->heap[--m->heap_count];
    size_t i = 0, count = m->heap_count;

    for (;;) {
        size_t child = 4 * i + 1, best = child;
        if (child >= count)
            break;
        size_t end = child + 4 < count ? child + 4 : count;
        while (++child < end)
            if (m->heap[child] < m->heap[best])
                best = child;
        if (key <= m->heap[best])
            break;
        m->heap[i] = m->heap[best];
        i = best;
    }
    m->heap[i] = key;
    return top;
}

/* ---------------------------------------------------------------- symbols */

/* Finds what the symbol at place gives with the next one, and queues it. */
static void queue_pair(struct quern_merger *m, size_t place, size_t length)
{
    const struct quern_vocabulary *v = m->vocabulary;
    struct quern_symbol *left = &m->symbols[place];
    size_t next = place + left->length;

    left->merged = -1;
    if (next == length)
        return;
    size_t joint = (size_t)left->length + m->symbols[next].length;
    if (joint > v->longest)
        return;
    left->merged = quern_vocabulary_find_plain(v, m->text + place, joint, &left->rank);
    if (left->merged >= 0)
        heap_push(m, (uint64_t)left->rank << 32 | place);
}

static void set_length(struct quern_merger *m, size_t place, size_t length)
{
    m->symbols[place].length = (uint32_t)length;
    m->symbols[place + length - 1].length = (uint32_t)length;
}

static void begin(struct quern_merger *m, size_t length)
{
    const unsigned char *end = m->text + length;

    m->heap_count = 0;
    for (size_t place = 0; place < length; place += m->symbols[place].length) {
        set_length(m, place, quern_character_length(m->text + place, end));
        m->symbols[place].id = -1;
    }
    for (size_t place = 0; place < length; place += m->symbols[place].length)
        queue_pair(m, place, length);
}

static void merge_all(struct quern_merger *m, size_t length)
{
    while (m->heap_count) {
        uint64_t key = heap_pop(m);
        size_t place = (uint32_t)key;
        struct quern_symbol *left = &m->symbols[place];
        if (left->merged < 0 || left->rank != key >> 32)
            continue; /* the pair is no more */
        struct quern_symbol *right = left + left->length;
        right->merged = -1;
        left->id = left->merged;
        set_length(m, place, left->length + right->length);
        queue_pair(m, place, length);
        if (place > 0)
            queue_pair(m, place - m->symbols[place - 1].length, length);
    }
}

/* A character that no piece spells: the pieces of its bytes, or the unknown piece. */
static int put_unknown(const struct quern_vocabulary *v, const unsigned char *text, size_t length,
                       struct quern_ids *ids, quern_error *error)
{
    for (size_t i = 0; i < length; i++) {
        if (v->bytes[text[i]] >= 0)
            continue;
        if (v->unknown < 0)
            return quern_fail(error, QUERN_EFORMAT, "the vocabulary has no piece for the byte 0x%02X, and none for "
                              "unknown characters", (unsigned)text[i]);
        quern_ids_put(ids, v->unknown);
        return QUERN_OK;
    }
    for (size_t i = 0; i < length; i++)
        quern_ids_put(ids, v->bytes[text[i]]);
    return QUERN_OK;
}

static int put_symbols(struct quern_merger *m, size_t length, struct quern_ids *ids, quern_error *error)
{
    for (size_t place = 0; place < length; place += m->symbols[place].length) {
        struct quern_symbol *symbol = &m->symbols[place];
        const unsigned char *text = m->text + place;
        if (symbol->id < 0)
            symbol->id = quern_vocabulary_find_plain(m->vocabulary, text, symbol->length, &symbol->rank);
        if (symbol->id >= 0)
            quern_ids_put(ids, symbol->id);
        else
            QUERN_TRY(put_unknown(m->vocabulary, text, symbol->length, ids, error));
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- scratch memory */

static int grow(struct quern_merger *m, size_t length, quern_error *error)
{
    const struct quern_vocabulary *vocabulary = m->vocabulary;
    size_t capacity = length < 256 ? 256 : length;

    if (length <= m->capacity)
        return QUERN_OK;
    quern_merger_release(m);
    m->vocabulary = vocabulary;
    if (capacity <= UINT32_MAX && capacity <= SIZE_MAX / sizeof *m->symbols) {
        m->text = malloc(capacity);
        m->symbols = malloc(capacity * sizeof *m->symbols);
        /* Every pair at first, and at each of the fewer merges one leaves and two come. */
        m->heap = malloc(capacity * 2 * sizeof *m->heap);
    }
    if (!m->text || !m->symbols || !m->heap) {
        quern_merger_release(m);
        m->vocabulary = vocabulary;
        return quern_fail(error, QUERN_ENOMEM, "no memory to tokenize a stretch of %zu bytes", length);
    }
    m->capacity = capacity;
    return QUERN_OK;
}

void quern_merger_release(struct quern_merger *m)
{
    free(m->text);
    free(m->symbols);
    free(m->heap);
    *m = (struct quern_merger){0};
}

/* Spells spaces as pieces do. This is all the normalisation of these vocabularies: the text between special pieces is
 * otherwise taken as it is. */
static size_t normalize(unsigned char *out, const unsigned char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ') {
            memcpy(out + count, QUERN_BLANK, QUERN_BLANK_LENGTH);
            count += QUERN_BLANK_LENGTH;
        } else {
            out[count++] = text[i];
        }
    }
    return count;
}

int quern_merger_run(struct quern_merger *m, const unsigned char *text, size_t length, struct quern_ids *ids,
                     quern_error *error)
{
    size_t room = length;

    for (size_t i = 0; i < length; i++)
        room += text[i] == ' ' ? QUERN_BLANK_LENGTH - 1 : 0;
    QUERN_TRY(grow(m, room, error));
    normalize(m->text, text, length);
    begin(m, room);
    merge_all(m, room);
    return put_symbols(m, room, ids, error);
}
