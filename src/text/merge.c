#include "text/merge.h"

#include "base/error.h"
#include "text/character.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- ids */

/* A place in the word, as the text spells it. */
struct cursor {
    const unsigned char *p;
    size_t rest; /* bytes of the U+2581 for the space before p that are not passed yet */
};

/* Moves a cursor over so many bytes of the word, as pieces spell it. There a space is U+2581, which has three bytes.
 * The cursor passes the space in the text with the first of them. */
static void move(struct cursor *cursor, size_t bytes)
{
    for (; bytes > 0; bytes--) {
        if (cursor->rest > 0)
            cursor->rest--;
        else if (*cursor->p++ == ' ')
            cursor->rest = QUERN_METASPACE_LENGTH - 1;
    }
}

/* Appends an id that stands for so many of the next bytes. */
static void put(struct cursor *cursor, size_t bytes, int32_t id, struct quern_ids *ids)
{
    const unsigned char *first = cursor->p;

    if (ids->spans != NULL)
        move(cursor, bytes);
    quern_ids_put_span(ids, id, first, cursor->p);
}

/* Appends a character that is not a piece: the pieces of its bytes, or the unknown piece. */
static int put_unknown(struct cursor *cursor, const struct quern_sentencepiece_bpe *v, const unsigned char *text,
                       size_t length, struct quern_ids *ids, quern_error *error)
{
    for (size_t i = 0; i < length; i++) {
        if (v->bytes[text[i]] >= 0)
            continue;
        if (v->base.source.unknown < 0)
            return quern_fail(error, QUERN_EFORMAT, "the vocabulary has no piece for the byte 0x%02X, and none for "
                              "unknown characters", (unsigned)text[i]);
        put(cursor, length, v->base.source.unknown, ids);
        return QUERN_OK;
    }
    for (size_t i = 0; i < length; i++)
        put(cursor, 1, v->bytes[text[i]], ids);
    return QUERN_OK;
}

/* Appends what a symbol has become. id: of its piece; -1: it is a character, whose piece was not searched yet. */
static int put_symbol(struct cursor *cursor, const struct quern_sentencepiece_bpe *v, const unsigned char *text,
                      size_t length, int32_t id, struct quern_ids *ids, quern_error *error)
{
    if (id < 0)
        id = quern_sentencepiece_bpe_find(v, text, length).id;
    if (id < 0)
        return put_unknown(cursor, v, text, length, ids, error);
    put(cursor, length, id, ids);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- short words */

/* The symbols of a short word from left to right, without gaps. A pair is a symbol with the next one. */
struct short_word {
    const unsigned char *text;
    size_t count;                         /* of symbols */
    uint32_t begin[QUERN_SHORT_WORD + 1]; /* of a symbol in the text; behind the last one, the word's length */
    int32_t id[QUERN_SHORT_WORD];         /* of the piece that a symbol is; -1: it is a character */
    struct quern_joint joint[QUERN_SHORT_WORD]; /* of a pair; the last symbol has none, and no rank */
};

static struct quern_piece_search search_joint(const struct quern_sentencepiece_bpe *v, const struct short_word *word,
                                              size_t i)
{
    return quern_piece_table_begin(&v->table, word->text + word->begin[i], word->begin[i + 2] - word->begin[i]);
}

/* The code of a character in the table of ASCII pairs; 128: it is not there. */
static uint32_t ascii_code(const unsigned char *text, size_t length)
{
    if (length == QUERN_METASPACE_LENGTH && memcmp(text, QUERN_METASPACE, QUERN_METASPACE_LENGTH) == 0)
        return ' ';
    return length == 1 && *text < 128 ? *text : 128;
}

/* Cuts the word into characters, and finds what pairs of them make. */
static void begin_short(struct short_word *word, const struct quern_sentencepiece_bpe *v, size_t length)
{
    uint32_t codes[QUERN_SHORT_WORD];
    struct quern_piece_search searches[QUERN_SHORT_WORD];
    size_t search_count = 0;

    word->count = 0;
    for (size_t place = 0; place < length; word->count++) {
        const size_t character = quern_character_length(word->text + place, word->text + length);
        word->begin[word->count] = (uint32_t)place;
        word->id[word->count] = -1;
        codes[word->count] = ascii_code(word->text + place, character);
        place += character;
    }
    word->begin[word->count] = (uint32_t)length;
    for (size_t i = 0; i + 1 < word->count; i++) {
        if ((codes[i] | codes[i + 1]) < 128)
            word->joint[i] = v->ascii[codes[i] << 7 | codes[i + 1]];
        else
            searches[search_count++] = search_joint(v, word, i);
    }
    for (size_t i = 0, next = 0; next < search_count; i++)
        if ((codes[i] | codes[i + 1]) >= 128)
            word->joint[i] = quern_sentencepiece_bpe_end(v, &searches[next++]);
    word->joint[word->count - 1] = (struct quern_joint){-1, QUERN_NO_RANK};
}

/* Makes one symbol of pair i. */
static void join_pair(struct short_word *word, const struct quern_sentencepiece_bpe *v, size_t i)
{
    word->id[i] = word->joint[i].id;
    word->count--;
    for (size_t j = i + 1; j < word->count; j++) {
        word->begin[j] = word->begin[j + 1];
        word->id[j] = word->id[j + 1];
        word->joint[j] = word->joint[j + 1];
    }
    word->begin[word->count] = word->begin[word->count + 1];
    const bool has_left = i > 0, has_right = i + 1 < word->count;
    struct quern_piece_search left, right;
    word->joint[i] = (struct quern_joint){-1, QUERN_NO_RANK};
    if (has_left)
        left = search_joint(v, word, i - 1);
    if (has_right)
        right = search_joint(v, word, i);
    if (has_left)
        word->joint[i - 1] = quern_sentencepiece_bpe_end(v, &left);
    if (has_right)
        word->joint[i] = quern_sentencepiece_bpe_end(v, &right);
}

static int merge_short(struct quern_merger *m, const struct quern_sentencepiece_bpe *v, size_t length,
                       struct cursor cursor, struct quern_ids *ids, quern_error *error)
{
    struct short_word word;

    word.text = m->text;
    begin_short(&word, v, length);
    for (;;) {
        size_t best = 0;
        for (size_t i = 1; i < word.count; i++)
            best = word.joint[i].rank < word.joint[best].rank ? i : best;
        if (word.joint[best].rank == QUERN_NO_RANK)
            break;
        join_pair(&word, v, best);
    }
    for (size_t i = 0; i < word.count; i++)
        QUERN_TRY(put_symbol(&cursor, v, word.text + word.begin[i], word.begin[i + 1] - word.begin[i], word.id[i], ids,
                             error));
    return QUERN_OK;
}

/* ---------------------------------------------------------------- heap of pairs
 *
 * Each node has 4 children. The pair with the smallest key comes out first. */

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

/* ---------------------------------------------------------------- long words */

/* Finds the piece that the symbol at `place` and the next symbol make together. Puts it into the heap, if there is
 * one. */
static void queue_pair(struct quern_merger *m, const struct quern_sentencepiece_bpe *v, size_t place, size_t length)
{
    struct quern_symbol *left = &m->symbols[place];
    size_t next = place + left->length;

    left->joint.id = -1;
    if (next == length)
        return;
    size_t joint = (size_t)left->length + m->symbols[next].length;
    if (joint > v->longest)
        return;
    left->joint = quern_sentencepiece_bpe_find(v, m->text + place, joint);
    if (left->joint.id >= 0)
        heap_push(m, (uint64_t)left->joint.rank << 32 | place);
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

    m->heap_count = 0;
    for (size_t place = 0; place < length; place += m->symbols[place].length) {
        set_length(m, place, quern_character_length(m->text + place, end));
        m->symbols[place].id = -1;
    }
    for (size_t place = 0; place < length; place += m->symbols[place].length)
        queue_pair(m, v, place, length);
}

static int merge_long(struct quern_merger *m, const struct quern_sentencepiece_bpe *v, size_t length,
                      struct cursor cursor, struct quern_ids *ids, quern_error *error)
{
    begin_long(m, v, length);
    while (m->heap_count > 0) {
        uint64_t key = heap_pop(m);
        size_t place = (uint32_t)key;
        struct quern_symbol *left = &m->symbols[place];
        if (left->joint.id < 0 || left->joint.rank != key >> 32)
            continue; /* meanwhile, one of the two was merged with another symbol */
        struct quern_symbol *right = left + left->length;
        right->joint.id = -1;
        left->id = left->joint.id;
        set_length(m, place, left->length + right->length);
        queue_pair(m, v, place, length);
        if (place > 0)
            queue_pair(m, v, place - m->symbols[place - 1].length, length);
    }
    for (size_t place = 0; place < length; place += m->symbols[place].length)
        QUERN_TRY(put_symbol(&cursor, v, m->text + place, m->symbols[place].length, m->symbols[place].id, ids, error));
    return QUERN_OK;
}

/* ---------------------------------------------------------------- working memory */

static int grow(struct quern_merger *m, size_t length, quern_error *error)
{
    size_t capacity = length < 256 ? 256 : length;

    if (length <= m->capacity)
        return QUERN_OK;
    quern_merger_release(m);
    if (capacity <= UINT32_MAX - QUERN_PIECE_SLACK && capacity <= SIZE_MAX / sizeof *m->symbols) {
        m->text = calloc(1, capacity + QUERN_PIECE_SLACK);
        m->symbols = malloc(capacity * sizeof *m->symbols);
        /* At first there is one pair less than there are symbols. Each merge removes a symbol and a pair from the
         * heap, and adds two pairs. */
        m->heap = malloc(capacity * 2 * sizeof *m->heap);
    }
    if (m->text == NULL || m->symbols == NULL || m->heap == NULL) {
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
    free(m->heap);
    *m = (struct quern_merger){0};
}

/* Writes U+2581 for each space. This is all the normalisation of these vocabularies: everything else in the text
 * stays as it is. */
static void normalize(unsigned char *out, const unsigned char *word, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (word[i] == ' ') {
            memcpy(out, QUERN_METASPACE, QUERN_METASPACE_LENGTH);
            out += QUERN_METASPACE_LENGTH;
        } else {
            *out++ = word[i];
        }
    }
}

int quern_merger_run(struct quern_merger *m, const struct quern_sentencepiece_bpe *v, const unsigned char *word,
                     size_t length, struct quern_ids *ids, quern_error *error)
{
    size_t normal_length = length;

    for (size_t i = 0; i < length; i++)
        normal_length += word[i] == ' ' ? QUERN_METASPACE_LENGTH - 1 : 0;
    QUERN_TRY(grow(m, normal_length, error));
    normalize(m->text, word, length);
    return (normal_length <= QUERN_SHORT_WORD ? merge_short : merge_long)(m, v, normal_length, (struct cursor){word, 0},
                                                                          ids, error);
}
