/* From a text to normalised words.
 *
 * The text is divided into grapheme clusters. A cluster of less than 6 bytes that begins with a key of the character
 * map is replaced as a whole by the text of the shortest such key. In all other clusters, each character is replaced
 * that begins with a key. A byte that is not UTF-8 counts as U+FFFD. Words are what stands between white space. A
 * U+2581 in the text begins a word, too. */
#include "text/unigram.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_SHORT_CLUSTER 5 /* bytes */

static const unsigned char replacement_character[] = {0xEF, 0xBF, 0xBD}; /* U+FFFD */

struct character {
    const unsigned char *bytes; /* [length] */
    size_t length;
    uint32_t code;
    unsigned char marks;
    const unsigned char *begin, *end; /* where it stands in the text */
};

/* What is written to where. */
struct writer {
    struct quern_unigram_tokenizer *tokenizer;
    const struct quern_unigram *vocabulary;
    struct quern_ids *ids;
    quern_error *error;
};

/* ---------------------------------------------------------------- words */

static int end_word(struct writer *w)
{
    struct quern_unigram_tokenizer *t = w->tokenizer;
    const size_t word = t->word, length = t->used - word;

    t->word = t->used;
    return length > 0 ? quern_tokenizer_put_word(&t->base, t->normal + word, length, w->ids, w->error) : QUERN_OK;
}

/* Makes room for one more character. The words before the one that is written get their ids, and it moves to the
 * front. */
static int make_room(struct writer *w)
{
    struct quern_unigram_tokenizer *t = w->tokenizer;
    const size_t length = t->used - t->word;

    QUERN_TRY(quern_tokenizer_flush(&t->base, w->ids, w->error));
    if (length > 0) {
        memmove(t->normal, t->normal + t->word, length);
        if (w->ids->spans != NULL)
            memmove(t->origins, t->origins + t->word, length * sizeof *t->origins);
    }
    t->word = 0;
    t->used = length;
    if (length < t->capacity / 2)
        return QUERN_OK;
    const size_t capacity = 2 * t->capacity + 4096;
    unsigned char *normal = realloc(t->normal, capacity + QUERN_WORD_SLACK);
    t->normal = normal != NULL ? normal : t->normal;
    struct quern_unigram_origin *origins = realloc(t->origins, capacity * sizeof *origins);
    t->origins = origins != NULL ? origins : t->origins;
    if (normal == NULL || origins == NULL)
        return quern_fail(w->error, QUERN_ENOMEM, "no memory for a word of %zu bytes", length);
    t->capacity = capacity;
    return QUERN_OK;
}

/* Writes a character of normalised text. begin, end: where it comes from. */
static int put_character(struct writer *w, const unsigned char *bytes, size_t length, const unsigned char *begin,
                         const unsigned char *end)
{
    struct quern_unigram_tokenizer *t = w->tokenizer;

    if (t->used + length > t->capacity)
        QUERN_TRY(make_room(w));
    memcpy(t->normal + t->used, bytes, length);
    if (w->ids->spans != NULL)
        for (size_t i = 0; i < length; i++)
            t->origins[t->used + i] = (struct quern_unigram_origin){(uint32_t)(begin - w->ids->text),
                                                                    (uint32_t)(end - w->ids->text)};
    t->used += length;
    return QUERN_OK;
}

/* Puts a character of normalised text: it ends a word, or it is written. */
static int put_normal(struct writer *w, const unsigned char *bytes, size_t length, uint32_t code,
                      const unsigned char *begin, const unsigned char *end)
{
    const bool is_white = code < QUERN_MARKED_CODES && w->vocabulary->marks[code] & QUERN_MARK_WHITE;

    if (is_white || code == QUERN_UNIGRAM_SPACE)
        QUERN_TRY(end_word(w));
    return is_white ? QUERN_OK : put_character(w, bytes, length, begin, end);
}

/* ---------------------------------------------------------------- normalisation */

static struct character read_character(const struct quern_unigram *v, const unsigned char *p, const unsigned char *end)
{
    struct character c = {.bytes = p, .length = quern_utf8_length(p, (size_t)(end - p)), .begin = p};

    c.end = p + c.length;
    if (c.length == 0) {
        c.bytes = replacement_character;
        c.length = sizeof replacement_character;
        c.end = p + 1;
    }
    c.code = quern_utf8_code(c.bytes, c.length);
    c.marks = c.code < QUERN_MARKED_CODES ? v->marks[c.code]
                                          : (unsigned char)(quern_grapheme_class(c.code) | QUERN_MARK_KEY);
    return c;
}

/* Puts the text that stands in place of [begin, end). */
static int put_replacement(struct writer *w, quern_text text, const unsigned char *begin, const unsigned char *end)
{
    const unsigned char *p = (const unsigned char *)text.data, *last = p + text.length;

    for (size_t length; p < last; p += length) {
        const uint32_t code = quern_trie_code(p, last, &length);
        QUERN_TRY(put_normal(w, p, length, code, begin, end));
    }
    return QUERN_OK;
}

static int put_single(struct writer *w, const struct character *c)
{
    quern_text text;

    if (c->marks & QUERN_MARK_KEY && quern_charsmap_find(&w->vocabulary->charsmap, c->bytes, c->length, &text))
        return put_replacement(w, text, c->begin, c->end);
    return put_normal(w, c->bytes, c->length, c->code, c->begin, c->end);
}

/* Puts the cluster [begin, end) of several characters, which has `size` bytes when each byte that is not UTF-8 is
 * U+FFFD. */
static int put_cluster(struct writer *w, const unsigned char *begin, const unsigned char *end, size_t size)
{
    unsigned char bytes[LONGEST_SHORT_CLUSTER];
    struct character c;
    quern_text text;

    if (size <= sizeof bytes) {
        size_t length = 0;
        for (const unsigned char *p = begin; p < end; p = c.end) {
            c = read_character(w->vocabulary, p, end);
            memcpy(bytes + length, c.bytes, c.length);
            length += c.length;
        }
        if (quern_charsmap_find(&w->vocabulary->charsmap, bytes, length, &text))
            return put_replacement(w, text, begin, end);
    }
    for (const unsigned char *p = begin; p < end; p = c.end) {
        c = read_character(w->vocabulary, p, end);
        QUERN_TRY(put_single(w, &c));
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- texts */

/* Puts the words of plain characters that a text begins with, from where they stand, and returns where the rest
 * begins. A blank that something may join is left, with the word before it. */
static int put_plain(struct writer *w, const unsigned char **text, const unsigned char *end)
{
    const unsigned char *ascii = w->vocabulary->ascii, *p = *text;

    while (p < end) {
        const unsigned char *q = p;
        while (q < end && ascii[*q] == QUERN_ASCII_PLAIN)
            q++;
        if (q < end && (ascii[*q] != QUERN_ASCII_BLANK || (q + 1 < end && q[1] >= 0x80)))
            break;
        if (q > p)
            QUERN_TRY(quern_tokenizer_put_word(&w->tokenizer->base, p, (size_t)(q - p), w->ids, w->error));
        p = q < end ? q + 1 : end;
        *text = p;
    }
    return QUERN_OK;
}

/* Puts clusters up to a blank or the end of the text, and moves the text behind them. */
static int put_clusters(struct writer *w, const unsigned char **text, const unsigned char *end)
{
    const struct quern_unigram *v = w->vocabulary;
    struct character first = read_character(v, *text, end);
    bool is_blank;

    do {
        struct quern_grapheme cluster = quern_grapheme_begin(first.marks & QUERN_MARK_CLASS);
        struct character next = first;
        const unsigned char *last = first.end;
        size_t size = first.length;
        while (last < end) {
            next = read_character(v, last, end);
            if (!quern_grapheme_take(&cluster, next.marks & QUERN_MARK_CLASS))
                break;
            last = next.end;
            size += next.length;
        }
        const bool is_single = last == first.end;
        QUERN_TRY(is_single ? put_single(w, &first) : put_cluster(w, first.begin, last, size));
        is_blank = is_single && first.code < 0x80 && v->ascii[first.code] == QUERN_ASCII_BLANK;
        *text = last;
        first = next;
    } while (*text < end && !is_blank);
    return QUERN_OK;
}

int quern_unigram_split(struct quern_tokenizer *base, unsigned char *text, const unsigned char *end,
                        struct quern_ids *ids, quern_error *error)
{
    struct quern_unigram_tokenizer *t = (struct quern_unigram_tokenizer *)base;
    struct writer w = {t, quern_unigram_of(base->vocabulary), ids, error};
    const unsigned char *p = text;

    if (base->waiting.count == 0)
        t->used = 0;
    t->word = t->used;
    while (p < end) {
        if (ids->spans == NULL) /* else all words are in `normal`, whose bytes have origins */
            QUERN_TRY(put_plain(&w, &p, end));
        if (p < end)
            QUERN_TRY(put_clusters(&w, &p, end));
    }
    return end_word(&w);
}
