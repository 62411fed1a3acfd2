/* Words of byte-level BPE. The rules are those of the patterns that the published tokenizers have for them. */
#include "base/error.h"
#include "text/byte_bpe.h"

#include <stdlib.h>
#include <string.h>

#define LETTER QUERN_LETTERS_LETTER
#define NUMBER QUERN_LETTERS_NUMBER
#define SPACE QUERN_LETTERS_SPACE
#define OTHER QUERN_LETTERS_OTHER

/* A place in a text, with the class of the character there. */
struct place {
    const unsigned char *p;
    unsigned class; /* in letters.h; NOTHING: the text ends here */
    size_t length;
};
#define NOTHING 4u

static struct place place_at(const struct quern_byte_bpe *v, const unsigned char *p, const unsigned char *end)
{
    struct place place = {p, NOTHING, 0};

    if (p < end)
        place.class = quern_byte_bpe_class(v, p, end, &place.length);
    return place;
}

static struct place next_place(const struct quern_byte_bpe *v, struct place place, const unsigned char *end)
{
    return place_at(v, place.p + place.length, end);
}

/* The end of a run of characters of one class that begins here. */
static const unsigned char *run_end(const struct quern_byte_bpe *v, struct place place, const unsigned char *end)
{
    const unsigned class = place.class;

    while (place.class == class)
        place = next_place(v, place, end);
    return place.p;
}

static bool is_line_end(unsigned char byte)
{
    return byte == '\r' || byte == '\n';
}

/* ---------------------------------------------------------------- parts of both rules */

/* Bytes of 's, 't, 're, 've, 'm, 'll or 'd; 0: none of them is here. In any case, U+017F is an s, too. */
static size_t contraction_length(const unsigned char *p, const unsigned char *end, bool any_case)
{
    const size_t left = (size_t)(end - p);
    const unsigned char lower = any_case ? 0x20 : 0;

    if (left < 2 || *p != '\'')
        return 0;
    const unsigned char first = p[1] | lower, second = left > 2 ? p[2] | lower : 0;
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return 2;
    if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l'))
        return 3;
    return any_case && left > 2 && p[1] == 0xC5 && p[2] == 0xBF ? 3 : 0;
}

/* The end of a word of white space: all of it where the text ends, else all but its last character, which belongs to
 * the next word. But a word has one character at least. */
static const unsigned char *space_end(const struct quern_byte_bpe *v, struct place place, const unsigned char *end)
{
    const unsigned char *begin = place.p, *last = place.p;

    for (; place.class == SPACE; place = next_place(v, place, end))
        last = place.p;
    return place.class == NOTHING || last == begin ? place.p : last;
}

/* ---------------------------------------------------------------- rules */

static const unsigned char *gpt_2_end(const struct quern_byte_bpe *v, struct place place, const unsigned char *end)
{
    const size_t contraction = contraction_length(place.p, end, false);

    if (contraction > 0)
        return place.p + contraction;
    if (*place.p == ' ') {
        const struct place next = next_place(v, place, end);
        if (next.class != SPACE && next.class != NOTHING)
            return run_end(v, next, end);
    }
    return place.class == SPACE ? space_end(v, place, end) : run_end(v, place, end);
}

/* The end of white space up to its last line end; NULL: it has none. */
static const unsigned char *lines_end(const unsigned char *p, const unsigned char *end)
{
    while (end > p && !is_line_end(end[-1]))
        end--;
    return end > p ? end : NULL;
}

static const unsigned char *single_digits_end(const struct quern_byte_bpe *v, struct place place,
                                              const unsigned char *end)
{
    const size_t contraction = contraction_length(place.p, end, true);

    if (contraction > 0)
        return place.p + contraction;
    if (place.class == LETTER)
        return run_end(v, place, end);
    if (place.class == NUMBER)
        return place.p + place.length;
    const struct place next = next_place(v, place, end);
    if (next.class == LETTER && !is_line_end(*place.p))
        return run_end(v, next, end);
    if (place.class == OTHER || (*place.p == ' ' && next.class == OTHER)) {
        const unsigned char *p = run_end(v, place.class == OTHER ? place : next, end);
        while (p < end && is_line_end(*p))
            p++;
        return p;
    }
    const unsigned char *lines = lines_end(place.p, run_end(v, place, end));
    return lines != NULL ? lines : space_end(v, place, end);
}

static int put_words(struct quern_tokenizer *t, const unsigned char *p, const unsigned char *end,
                     struct quern_ids *ids, quern_error *error)
{
    const struct quern_byte_bpe *v = (const struct quern_byte_bpe *)t->vocabulary;

    while (p < end) {
        const struct place place = place_at(v, p, end);
        const unsigned char *word_end = v->rule->single_digits ? single_digits_end(v, place, end)
                                                               : gpt_2_end(v, place, end);
        QUERN_TRY(quern_tokenizer_put_word(t, p, (size_t)(word_end - p), ids, error));
        p = word_end;
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- normal form */

static unsigned normal_class(const struct quern_byte_bpe *v, const unsigned char *p, const unsigned char *end,
                             size_t *length)
{
    *length = quern_utf8_length(p, (size_t)(end - p));
    if (*length == 0) {
        *length = 1;
        return QUERN_NORMAL_STAYS;
    }
    const uint32_t code = quern_utf8_code(p, *length);
    return code < QUERN_NEAR_CODES ? v->classes[code] >> 2 : quern_normal_class_far(code);
}

/* The end of the text that is in normal form for sure: the beginning of a segment that perhaps is not. */
static const unsigned char *normal_end(const struct quern_byte_bpe *v, const unsigned char *p,
                                       const unsigned char *end)
{
    const unsigned char *segment = p;
    unsigned last = QUERN_NORMAL_STAYS;

    for (size_t length; p < end; p += length) {
        while (end - p >= 8 && (quern_load64(p) & 0x8080808080808080u) == 0) {
            p += 8;
            segment = p - 1;
            last = QUERN_NORMAL_STAYS;
        }
        if (p == end)
            break;
        const unsigned class = normal_class(v, p, end, &length);
        if (class == QUERN_NORMAL_CHANGES || (class == QUERN_NORMAL_MARK && last == QUERN_NORMAL_MARK))
            return segment;
        if (class == QUERN_NORMAL_STAYS)
            segment = p;
        last = class;
    }
    return end;
}

/* The end of the segment that begins here: a byte that is not UTF-8 is one by itself. */
static const unsigned char *segment_end(const struct quern_byte_bpe *v, const unsigned char *p,
                                        const unsigned char *end)
{
    size_t length;

    if (quern_utf8_length(p, (size_t)(end - p)) == 0)
        return p + 1;
    do {
        normal_class(v, p, end, &length);
        p += length;
    } while (p < end && normal_class(v, p, end, &length) != QUERN_NORMAL_STAYS);
    return p;
}

/* Makes room for the normal form of so many bytes: no character gives more than three times its bytes. */
static int grow(struct quern_byte_tokenizer *t, size_t bytes, quern_error *error)
{
    const size_t capacity = 3 * bytes;

    if (bytes <= t->normal_capacity / 3)
        return QUERN_OK;
    free(t->normal);
    free(t->origins);
    t->normal = NULL;
    t->origins = NULL;
    t->normal_capacity = 0;
    if (bytes < SIZE_MAX / (3 * sizeof *t->origins) - QUERN_WORD_SLACK) {
        t->normal = malloc(capacity + QUERN_WORD_SLACK);
        t->origins = malloc((capacity + 1) * sizeof *t->origins);
    }
    if (t->normal == NULL || t->origins == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to normalise %zu bytes", bytes);
    t->normal_capacity = capacity;
    return QUERN_OK;
}

/* Copies text that is in normal form. */
static void copy_normal(struct quern_byte_tokenizer *t, const unsigned char *text, const unsigned char *p,
                        const unsigned char *end)
{
    memcpy(t->normal + t->normal_length, p, (size_t)(end - p));
    for (; p < end; p++)
        t->origins[t->normal_length++] = (uint32_t)(p - text);
}

/* Writes a segment in normal form. Its first byte stands for all of the segment, and its other bytes for nothing. */
static int write_segment(struct quern_byte_tokenizer *t, const unsigned char *text, const unsigned char *p,
                         const unsigned char *end, quern_error *error)
{
    const size_t begin = t->normal_length;

    QUERN_TRY(quern_normal_segment_read(&t->segment, p, end, error));
    for (size_t i = 0; i < t->segment.count; i++)
        t->normal_length += quern_utf8_write(t->normal + t->normal_length, t->segment.codes[i]);
    for (size_t i = begin; i < t->normal_length; i++)
        t->origins[i] = (uint32_t)((i == begin ? p : end) - text);
    return QUERN_OK;
}

/* Brings a stretch of text, of which [text, p) is in normal form, to normal form in memory of the tokenizer. */
static int normalise(struct quern_byte_tokenizer *t, const struct quern_byte_bpe *v, const unsigned char *text,
                     const unsigned char *p, const unsigned char *end, quern_error *error)
{
    QUERN_TRY(grow(t, (size_t)(end - text), error));
    t->normal_length = 0;
    copy_normal(t, text, text, p);
    while (p < end) {
        const unsigned char *stop = segment_end(v, p, end), *next;
        if (quern_utf8_length(p, (size_t)(end - p)) == 0)
            copy_normal(t, text, p, stop);
        else
            QUERN_TRY(write_segment(t, text, p, stop, error));
        next = normal_end(v, stop, end);
        copy_normal(t, text, stop, next);
        p = next;
    }
    t->origins[t->normal_length] = (uint32_t)(end - text);
    memset(t->normal + t->normal_length, 0, QUERN_WORD_SLACK);
    return QUERN_OK;
}

int quern_byte_words_split(struct quern_tokenizer *base, unsigned char *text, const unsigned char *end,
                           struct quern_ids *ids, quern_error *error)
{
    struct quern_byte_tokenizer *t = (struct quern_byte_tokenizer *)base;
    const struct quern_byte_bpe *v = (const struct quern_byte_bpe *)base->vocabulary;

    if (base->vocabulary->source.add_space_prefix)
        *--text = ' ';
    const unsigned char *p = v->rule->normal_form ? normal_end(v, text, end) : end;
    if (p == end)
        return put_words(base, text, end, ids, error);
    QUERN_TRY(normalise(t, v, text, p, end, error));
    t->stretch = text;
    int code = put_words(base, t->normal, t->normal + t->normal_length, ids, error);
    if (code == QUERN_OK)
        code = quern_tokenizer_flush(base, ids, error); /* the next stretch has the same memory */
    t->stretch = NULL;
    return code;
}
