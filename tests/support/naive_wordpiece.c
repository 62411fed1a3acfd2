#include "naive_wordpiece.h"

#include "base/count.h"
#include "base/utf8.h"
#include "text/wordpiece_ranges.h"

#include <string.h>

#define MOST_CODES (4 * QUERN_NAIVE_WORDPIECE_BYTES)
#define NOTHING UINT32_MAX /* in place of a mark that is left out, but across which others are not sorted */

struct codes {
    uint32_t at[MOST_CODES];
    size_t count;
};

static bool is_in(const struct range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}
#define IS_IN(ranges, code) is_in(ranges, QUERN_COUNT(ranges), code)

static void put(struct codes *codes, uint32_t code)
{
    codes->at[codes->count++] = code;
}

/* ---------------------------------------------------------------- the steps of normalisation */

static void decode(struct codes *to, const unsigned char *p, const unsigned char *end)
{
    for (size_t length; p < end; p += length > 0 ? length : 1) {
        length = quern_utf8_length(p, (size_t)(end - p));
        put(to, length > 0 ? quern_utf8_code(p, length) : 0xFFFD);
    }
}

static void clean(struct codes *to, const struct codes *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (!IS_IN(removed, from->at[i]))
            put(to, IS_IN(white, from->at[i]) ? ' ' : from->at[i]);
}

static void part_ideographs(struct codes *to, const struct codes *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const bool is_one = IS_IN(ideographs, from->at[i]);
        if (is_one)
            put(to, ' ');
        put(to, from->at[i]);
        if (is_one)
            put(to, ' ');
    }
}

static void put_several(struct codes *to, const struct several *list, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; list[i].code == code && k < 3; k++)
            if (list[i].to[k] != 0)
                put(to, list[i].to[k]);
}

static void decompose_one(struct codes *to, uint32_t code)
{
    const size_t before = to->count, syllable = code - 0xAC00u;
    size_t passed = 0;

    put_several(to, several, QUERN_COUNT(several), code);
    for (size_t i = 0; i < QUERN_COUNT(accented); i++) {
        if (code >= accented[i].first && code <= accented[i].last)
            put(to, unaccented[passed + code - accented[i].first]);
        passed += accented[i].last - accented[i].first + 1;
    }
    if (code >= 0xAC00 && code <= 0xD7A3) {
        put(to, (uint32_t)(0x1100 + syllable / 588));
        put(to, (uint32_t)(0x1161 + syllable % 588 / 28));
        if (syllable % 28 != 0)
            put(to, (uint32_t)(0x11A7 + syllable % 28));
    }
    if (to->count == before)
        put(to, code);
}

static uint32_t order_of(uint32_t code)
{
    for (size_t i = 0; i < QUERN_COUNT(sorted_marks); i++)
        if (code >= sorted_marks[i].first && code <= sorted_marks[i].last)
            return sorted_marks[i].order;
    return 0;
}

static void strip_accents(struct codes *to, const struct codes *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (IS_IN(dividing_accents, from->at[i]))
            put(to, NOTHING);
        else if (!IS_IN(accents, from->at[i]))
            decompose_one(to, from->at[i]);
    }
    for (bool changes = true; changes;) {
        changes = false;
        for (size_t i = 1; i < to->count; i++) {
            const uint32_t left = to->at[i - 1], right = to->at[i];
            if (order_of(right) > 0 && order_of(left) > order_of(right)) {
                to->at[i - 1] = right;
                to->at[i] = left;
                changes = true;
            }
        }
    }
}

static void make_small(struct codes *to, const struct codes *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const uint32_t code = from->at[i];
        const size_t before = to->count;
        put_several(to, several_small, QUERN_COUNT(several_small), code);
        for (size_t k = 0; k < QUERN_COUNT(capitals); k++)
            if (code >= capitals[k].first && code <= capitals[k].last &&
                (code - capitals[k].first) % capitals[k].step == 0)
                put(to, code + (uint32_t)capitals[k].delta);
        if (to->count == before)
            put(to, code);
    }
}

/* Sets the count of the codes that are not wanted any longer to 0, and returns the result. */
static struct codes *normalise(const struct quern_vocabulary_source *source, const unsigned char *p,
                               const unsigned char *end)
{
    static struct codes steps[5];

    for (size_t i = 0; i < QUERN_COUNT(steps); i++)
        steps[i].count = 0;
    decode(&steps[0], p, end);
    clean(&steps[1], &steps[0]);
    part_ideographs(&steps[2], &steps[1]);
    if (source->strip_accents)
        strip_accents(&steps[3], &steps[2]);
    else
        steps[3] = steps[2];
    if (!source->lowercase)
        return &steps[3];
    make_small(&steps[4], &steps[3]);
    return &steps[4];
}

/* ---------------------------------------------------------------- words and pieces */

static size_t encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF00u >> length & 0xF0) | code);
    return length;
}

static bool is_utf8(quern_text text)
{
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.length;

    for (size_t length; p < end; p += length)
        if ((length = quern_utf8_length(p, (size_t)(end - p))) == 0)
            return false;
    return true;
}

/* The longest piece that the text begins with, and how many bytes of the text that is. */
static int32_t longest(const struct quern_vocabulary_source *source, const char *text, size_t left, bool is_start,
                       size_t *length)
{
    int32_t id = -1;

    *length = 0;
    for (size_t i = 0; i < source->count; i++) {
        quern_text piece = source->texts[i];
        const bool starts = piece.length > 3 && memcmp(piece.data, QUERN_METASPACE, 3) == 0;
        if (starts != is_start ||
            (source->kinds[i] != QUERN_PIECE_NORMAL && source->kinds[i] != QUERN_PIECE_USER_DEFINED))
            continue;
        if (starts)
            piece = (quern_text){piece.data + 3, piece.length - 3};
        if (piece.length > *length && piece.length <= left && memcmp(piece.data, text, piece.length) == 0 &&
            is_utf8(piece)) {
            id = (int32_t)i;
            *length = piece.length;
        }
    }
    return id;
}

static size_t put_word(const struct quern_vocabulary_source *source, const uint32_t *codes, size_t count, int32_t *ids)
{
    char text[400];
    size_t length = 0, found = 0, step;

    for (size_t i = 0; i < count && count <= 100; i++)
        length += encode(codes[i], text + length);
    for (size_t at = 0; at < length; at += step, found++) {
        ids[found] = longest(source, text + at, length - at, at == 0, &step);
        if (ids[found] < 0)
            count = 101;
        if (count > 100)
            break;
    }
    if (count <= 100)
        return found;
    ids[0] = source->unknown;
    return 1;
}

static size_t put_stretch(const struct quern_vocabulary_source *source, const unsigned char *p,
                          const unsigned char *end, int32_t *ids)
{
    const struct codes *codes = normalise(source, p, end);
    static uint32_t word[MOST_CODES];
    size_t count = 0, length = 0;

    for (size_t i = 0; i < codes->count; i++) {
        const uint32_t code = codes->at[i];
        if (code == NOTHING)
            continue;
        if ((code == ' ' || IS_IN(punctuation, code)) && length > 0) {
            count += put_word(source, word, length, ids + count);
            length = 0;
        }
        if (IS_IN(punctuation, code))
            count += put_word(source, &code, 1, ids + count);
        else if (code != ' ')
            word[length++] = code;
    }
    return length > 0 ? count + put_word(source, word, length, ids + count) : count;
}

/* The longest special piece that the text begins with. */
static int32_t special(const struct quern_vocabulary_source *source, const unsigned char *p, const unsigned char *end,
                       unsigned flags)
{
    int32_t found = -1;

    for (size_t i = 0; i < source->count; i++) {
        const bool parsed = source->kinds[i] == QUERN_PIECE_CONTROL || source->kinds[i] == QUERN_PIECE_UNKNOWN;
        if (source->kinds[i] != QUERN_PIECE_USER_DEFINED && !(parsed && (flags & QUERN_PARSE_SPECIAL)))
            continue;
        const quern_text text = source->texts[i];
        if (text.length <= (size_t)(end - p) && memcmp(text.data, p, text.length) == 0 &&
            (found < 0 || text.length > source->texts[found].length))
            found = (int32_t)i;
    }
    return found;
}

size_t quern_naive_wordpiece(const struct quern_vocabulary_source *source, quern_text text, unsigned flags,
                             int32_t *ids)
{
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.length, *stretch = p;
    size_t count = 0;

    if (!(flags & QUERN_NO_SPECIAL))
        ids[count++] = source->bos;
    while (p < end) {
        const int32_t id = special(source, p, end, flags);
        if (id < 0) {
            p++;
            continue;
        }
        count += put_stretch(source, stretch, p, ids + count);
        ids[count++] = id;
        p += source->texts[id].length;
        stretch = p;
    }
    count += put_stretch(source, stretch, end, ids + count);
    if (!(flags & QUERN_NO_SPECIAL))
        ids[count++] = source->eos;
    return count;
}
