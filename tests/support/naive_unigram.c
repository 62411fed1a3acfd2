#include "naive_unigram.h"

#include "base/count.h"
#include "base/utf8.h"
#include "text/grapheme.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct naive {
    const struct quern_vocabulary_source *source;
    const struct quern_replacement *replacements;
    size_t replacement_count;
    int32_t *ids;
    int count; /* -1: a character has no token */
};

struct buffer {
    char bytes[QUERN_NAIVE_UNIGRAM_BYTES * 256];
    size_t length;
};

/* ---------------------------------------------------------------- grapheme clusters */

static bool is(uint32_t code, enum quern_grapheme_class class)
{
    return quern_grapheme_class(code) == class;
}

static bool is_extend(uint32_t code)
{
    return is(code, QUERN_GRAPHEME_EXTEND) || is(code, QUERN_GRAPHEME_OTHER_EXTEND) || is(code, QUERN_GRAPHEME_LINKER);
}

static bool is_control(uint32_t code)
{
    return is(code, QUERN_GRAPHEME_CONTROL) || is(code, QUERN_GRAPHEME_CR) || is(code, QUERN_GRAPHEME_LF);
}

static bool joins_hangul(uint32_t a, uint32_t b)
{
    const bool is_syllable_v = is(a, QUERN_GRAPHEME_HANGUL_LV) || is(a, QUERN_GRAPHEME_HANGUL_V);
    const bool is_syllable_t = is(a, QUERN_GRAPHEME_HANGUL_LVT) || is(a, QUERN_GRAPHEME_HANGUL_T);
    if (is(a, QUERN_GRAPHEME_HANGUL_L)) /* GB6 */
        return is(b, QUERN_GRAPHEME_HANGUL_L) || is(b, QUERN_GRAPHEME_HANGUL_V) || is(b, QUERN_GRAPHEME_HANGUL_LV) ||
               is(b, QUERN_GRAPHEME_HANGUL_LVT);
    return (is_syllable_v && is(b, QUERN_GRAPHEME_HANGUL_V)) || /* GB7, GB8 */
           ((is_syllable_v || is_syllable_t) && is(b, QUERN_GRAPHEME_HANGUL_T));
}

/* GB9c: a consonant, then EXTENDs, ZWJs and at least one LINKER stand before codes[at]. */
static bool follows_linked_consonant(const uint32_t *codes, size_t at)
{
    bool is_linked = false;
    for (; at > 0; at--) {
        const uint32_t code = codes[at - 1];
        if (is(code, QUERN_GRAPHEME_CONSONANT))
            return is_linked;
        if (is(code, QUERN_GRAPHEME_LINKER))
            is_linked = true;
        else if (!is(code, QUERN_GRAPHEME_EXTEND) && !is(code, QUERN_GRAPHEME_ZWJ))
            return false;
    }
    return false;
}

/* GB11: a pictograph, EXTENDs and a ZWJ stand before codes[at]. */
static bool follows_joined_pictograph(const uint32_t *codes, size_t at)
{
    if (!is(codes[at - 1], QUERN_GRAPHEME_ZWJ))
        return false;
    for (at--; at > 0 && is_extend(codes[at - 1]);)
        at--;
    return at > 0 && is(codes[at - 1], QUERN_GRAPHEME_PICTOGRAPH);
}

/* GB12, GB13: an odd number of REGIONALs stands before codes[at]. */
static bool follows_half_flag(const uint32_t *codes, size_t at)
{
    size_t count = 0;
    while (count < at && is(codes[at - count - 1], QUERN_GRAPHEME_REGIONAL))
        count++;
    return count % 2 == 1;
}

bool quern_naive_boundary(const uint32_t *codes, size_t at)
{
    if (at == 0)
        return true;
    const uint32_t a = codes[at - 1], b = codes[at];
    if (is(a, QUERN_GRAPHEME_CR) && is(b, QUERN_GRAPHEME_LF))
        return false;
    if (is_control(a) || is_control(b))
        return true;
    if (joins_hangul(a, b) || is_extend(b) || is(b, QUERN_GRAPHEME_ZWJ) || is(b, QUERN_GRAPHEME_SPACING_MARK) ||
        is(a, QUERN_GRAPHEME_PREPEND))
        return false;
    if (is(b, QUERN_GRAPHEME_CONSONANT) && follows_linked_consonant(codes, at))
        return false;
    if (is(b, QUERN_GRAPHEME_PICTOGRAPH) && follows_joined_pictograph(codes, at))
        return false;
    return !(is(b, QUERN_GRAPHEME_REGIONAL) && follows_half_flag(codes, at));
}

/* ---------------------------------------------------------------- normalisation */

static void append(struct buffer *out, const char *bytes, size_t length)
{
    if (length > 0)
        memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
}

static bool begins_with(quern_text text, quern_text key)
{
    return key.length <= text.length && memcmp(text.data, key.data, key.length) == 0;
}

/* Appends the text of the shortest key that a text begins with. Returns false when there is none. */
static bool replace(const struct naive *n, quern_text text, struct buffer *out)
{
    const struct quern_replacement *best = NULL;
    for (size_t i = 0; i < n->replacement_count; i++) {
        const struct quern_replacement *one = &n->replacements[i];
        if (begins_with(text, one->key) && (best == NULL || one->key.length < best->key.length))
            best = one;
    }
    if (best != NULL)
        append(out, best->text.data, best->text.length);
    return best != NULL;
}

/* Copies a text as valid UTF-8, notes its code points and where they begin, and returns how many there are. */
static size_t decode(quern_text text, struct buffer *out, uint32_t *codes, size_t *begins)
{
    size_t count = 0;
    for (size_t at = 0, length; at < text.length; at += length > 0 ? length : 1, count++) {
        const unsigned char *p = (const unsigned char *)text.data + at;
        length = quern_utf8_length(p, text.length - at);
        begins[count] = out->length;
        codes[count] = length > 0 ? quern_utf8_code(p, length) : 0xFFFD;
        append(out, length > 0 ? (const char *)p : "\uFFFD", length > 0 ? length : 3);
    }
    begins[count] = out->length;
    return count;
}

static void normalise(const struct naive *n, quern_text text, struct buffer *out)
{
    static struct buffer valid;
    static uint32_t codes[QUERN_NAIVE_UNIGRAM_BYTES];
    static size_t begins[QUERN_NAIVE_UNIGRAM_BYTES + 1];
    valid.length = out->length = 0;
    const size_t count = decode(text, &valid, codes, begins);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && !quern_naive_boundary(codes, end);)
            end++;
        const quern_text cluster = {valid.bytes + begins[i], begins[end] - begins[i]};
        if (cluster.length < 6 && replace(n, cluster, out))
            continue;
        for (size_t k = i; k < end; k++) {
            const quern_text one = {valid.bytes + begins[k], begins[k + 1] - begins[k]};
            if (!replace(n, one, out))
                append(out, one.data, one.length);
        }
    }
}

/* ---------------------------------------------------------------- pieces */

static size_t character(quern_text text, size_t at)
{
    const size_t length = quern_utf8_length((const unsigned char *)text.data + at, text.length - at);
    return length > 0 ? length : 1;
}

static bool is_usable(int kind)
{
    return kind == QUERN_PIECE_NORMAL || kind == QUERN_PIECE_USER_DEFINED;
}

static double score_of(const struct quern_vocabulary_source *source, size_t id)
{
    return source->kinds[id] == QUERN_PIECE_USER_DEFINED ? 0 : source->scores[id];
}

static int32_t find(const struct naive *n, quern_text text)
{
    for (size_t i = 0; i < n->source->count; i++)
        if (is_usable(n->source->kinds[i]) && n->source->texts[i].length == text.length &&
            begins_with(text, n->source->texts[i]))
            return (int32_t)i;
    return -2;
}

static void put(struct naive *n, int32_t id)
{
    if (n->count >= 0 && id < 0)
        n->count = -1;
    else if (n->count >= 0)
        n->ids[n->count++] = id;
}

/* Puts the pieces of a word, which begins with U+2581. */
static void put_word(struct naive *n, quern_text word)
{
    double *best = malloc((word.length + 1) * sizeof *best), least = INFINITY;
    int32_t *last = malloc((word.length + 1) * sizeof *last), *path = malloc((word.length + 1) * sizeof *path);
    size_t *from = malloc((word.length + 1) * sizeof *from), count = 0;
    for (size_t i = 0; i < n->source->count; i++)
        if (n->source->kinds[i] == QUERN_PIECE_NORMAL && n->source->scores[i] < least)
            least = n->source->scores[i];
    for (size_t end = 0; end <= word.length; end++)
        best[end] = -INFINITY;
    best[0] = 0;
    for (size_t begin = 0; begin < word.length; begin += character(word, begin)) {
        const size_t one = begin + character(word, begin);
        for (size_t end = begin + 1; end <= word.length; end++) {
            int32_t id = find(n, (quern_text){word.data + begin, end - begin});
            double score = id >= 0 ? score_of(n->source, (size_t)id) : 0;
            if (id == -2 && end != one)
                continue;
            if (id == -2) {
                id = n->source->unknown;
                score = least - 10;
            }
            if (best[begin] + score > best[end]) {
                best[end] = best[begin] + score;
                last[end] = id;
                from[end] = begin;
            }
        }
    }
    for (size_t end = word.length; end > 0; end = from[end])
        if (count == 0 || last[end] != n->source->unknown || path[count - 1] != last[end])
            path[count++] = last[end];
    while (count > 0)
        put(n, path[--count]);
    free(best);
    free(last);
    free(path);
    free(from);
}

static bool is_white(quern_text text, size_t at)
{
    static const char *const white[] = {"\t", "\n", "\v", "\f", "\r", " ", "\xc2\x85", "\u00a0", "\u1680", "\u2000",
                                        "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
                                        "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
    for (size_t i = 0; i < QUERN_COUNT(white); i++)
        if (begins_with((quern_text){text.data + at, text.length - at}, (quern_text){white[i], strlen(white[i])}))
            return true;
    return false;
}

static bool is_space_sign(quern_text text, size_t at)
{
    return begins_with((quern_text){text.data + at, text.length - at}, (quern_text){QUERN_METASPACE, 3});
}

/* Cuts normalised text at white space and before each U+2581, and puts the words. */
static void put_words(struct naive *n, quern_text text)
{
    static struct buffer word;
    for (size_t at = 0; at < text.length;) {
        if (is_white(text, at)) {
            at += character(text, at);
            continue;
        }
        word.length = 0;
        if (!is_space_sign(text, at))
            append(&word, QUERN_METASPACE, 3);
        do {
            const size_t length = character(text, at);
            append(&word, text.data + at, length);
            at += length;
        } while (at < text.length && !is_white(text, at) && !is_space_sign(text, at));
        put_word(n, (quern_text){word.bytes, word.length});
    }
}

/* ---------------------------------------------------------------- texts */

static void put_stretch(struct naive *n, quern_text text)
{
    static struct buffer normal;
    normalise(n, text, &normal);
    put_words(n, (quern_text){normal.bytes, normal.length});
}

/* The longest special piece at a place, user-defined before others; -1: none. */
static int32_t match(const struct naive *n, quern_text rest, bool parse)
{
    const struct quern_vocabulary_source *source = n->source;
    int32_t best = -1;
    for (size_t i = 0; i < source->count; i++) {
        const bool always = source->kinds[i] == QUERN_PIECE_USER_DEFINED;
        const bool special = source->kinds[i] == QUERN_PIECE_CONTROL || source->kinds[i] == QUERN_PIECE_UNKNOWN;
        if ((always || (special && parse)) && begins_with(rest, source->texts[i]) &&
            (best < 0 || source->texts[i].length > source->texts[best].length))
            best = (int32_t)i;
    }
    return best;
}

int quern_naive_unigram(const struct quern_vocabulary_source *source, const struct quern_replacement *replacements,
                        size_t replacement_count, quern_text text, unsigned flags, int32_t *ids)
{
    struct naive n = {source, replacements, replacement_count, ids, 0};
    size_t begin = 0, at = 0;
    const bool adds = !(flags & QUERN_NO_SPECIAL);
    if (adds && source->add_bos && source->bos >= 0)
        put(&n, source->bos);
    while (at < text.length) {
        const int32_t id = match(&n, (quern_text){text.data + at, text.length - at}, flags & QUERN_PARSE_SPECIAL);
        if (id < 0) {
            at++;
            continue;
        }
        put_stretch(&n, (quern_text){text.data + begin, at - begin});
        put(&n, id);
        begin = at += source->texts[id].length;
    }
    put_stretch(&n, (quern_text){text.data + begin, text.length - begin});
    if (adds && source->add_eos && source->eos >= 0)
        put(&n, source->eos);
    return n.count;
}
