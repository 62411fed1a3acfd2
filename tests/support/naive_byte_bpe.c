#include "naive_byte_bpe.h"

#include "base/count.h"
#include "base/utf8.h"
#include "base/view.h"
#include "text/letters.h"
#include "text/normal_form.h"

#include <stdlib.h>
#include <string.h>

#define NOT_UTF8 0x110000u /* the code of a byte that is not UTF-8, plus the byte */

struct naive {
    const struct quern_vocabulary_source *source;
    int32_t *ids;
    int count; /* -1: a byte has no token */
};

/* Code points, as a pattern sees them. */
struct codes {
    uint32_t *at;
    size_t count;
};

static void put(struct naive *n, int32_t id)
{
    if (id < 0)
        id = n->source->unknown;
    if (id < 0)
        n->count = -1;
    if (n->count >= 0)
        n->ids[n->count++] = id;
}

/* ---------------------------------------------------------------- pieces */

size_t quern_naive_spell(const char *text, size_t length, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned byte = (unsigned char)text[i], code = byte;
        if (byte <= 32)
            code = 0x100 + byte;
        else if (byte >= 127 && byte <= 160)
            code = 0x100 + 33 + byte - 127;
        else if (byte == 173)
            code = 0x100 + 67;
        if (code < 128) {
            out[used++] = (char)code;
        } else {
            out[used++] = (char)(0xC0 | code >> 6);
            out[used++] = (char)(0x80 | (code & 63));
        }
    }
    return used;
}

static int32_t find_plain(const struct naive *n, const char *text, size_t length)
{
    for (size_t i = 0; i < n->source->count; i++) {
        const int kind = n->source->kinds[i];
        if (n->source->texts[i].length == length && memcmp(n->source->texts[i].data, text, length) == 0)
            return kind == QUERN_PIECE_NORMAL || kind == QUERN_PIECE_UNUSED || kind == QUERN_PIECE_USER_DEFINED
                       ? (int32_t)i
                       : -1;
    }
    return -1;
}

/* ---------------------------------------------------------------- merging */

static bool is_merge(const struct naive *n, size_t rank, int32_t left, int32_t right)
{
    const quern_text merge = n->source->merges[rank];
    if (left < 0 || right < 0)
        return false;
    const quern_text a = n->source->texts[left], b = n->source->texts[right];
    return merge.length == a.length + 1 + b.length && memcmp(merge.data, a.data, a.length) == 0 &&
           merge.data[a.length] == ' ' && memcmp(merge.data + a.length + 1, b.data, b.length) == 0;
}

static int32_t join(const struct naive *n, int32_t left, int32_t right)
{
    const quern_text a = n->source->texts[left], b = n->source->texts[right];
    char *joint = malloc(a.length + b.length);
    memcpy(joint, a.data, a.length);
    memcpy(joint + a.length, b.data, b.length);
    const int32_t id = find_plain(n, joint, a.length + b.length);
    free(joint);
    return id;
}

static void merge_word(struct naive *n, const char *word, size_t length)
{
    int32_t *ids = malloc((length + 1) * sizeof *ids);
    size_t count = length, rank;
    for (size_t i = 0; i < length; i++) {
        char spelled[2];
        ids[i] = find_plain(n, spelled, quern_naive_spell(word + i, 1, spelled));
    }
    for (rank = 0; rank < n->source->merge_count; rank++)
        for (size_t i = 0; i + 1 < count; i++)
            if (is_merge(n, rank, ids[i], ids[i + 1])) {
                ids[i] = join(n, ids[i], ids[i + 1]);
                memmove(&ids[i + 1], &ids[i + 2], (count - i - 2) * sizeof *ids);
                count--;
                rank = SIZE_MAX; /* from the first merge on again */
                break;
            }
    for (size_t i = 0; i < count; i++)
        put(n, ids[i]);
    free(ids);
}

/* ---------------------------------------------------------------- words */

static unsigned class_of(uint32_t code)
{
    return code < NOT_UTF8 ? quern_letters_class(code) : QUERN_LETTERS_OTHER;
}

static bool is_class(const struct codes *s, size_t i, unsigned class)
{
    return i < s->count && class_of(s->at[i]) == class;
}

static bool is_code(const struct codes *s, size_t i, uint32_t code)
{
    return i < s->count && s->at[i] == code;
}

static bool is_line_end(const struct codes *s, size_t i)
{
    return is_code(s, i, '\r') || is_code(s, i, '\n');
}

static size_t run(const struct codes *s, size_t i, unsigned class)
{
    while (is_class(s, i, class))
        i++;
    return i;
}

/* '(s|t|re|ve|m|ll|d) */
static size_t match_contraction(const struct codes *s, size_t i, bool any_case)
{
    static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    for (size_t k = 0; k < QUERN_COUNT(endings) && is_code(s, i, '\''); k++) {
        size_t j = i + 1;
        for (const char *c = endings[k]; *c != '\0'; c++, j++) {
            const uint32_t letter = (unsigned char)*c;
            if (!is_code(s, j, letter) && !(any_case && (is_code(s, j, letter - 32) ||
                                                         (letter == 's' && is_code(s, j, 0x17F)))))
                break;
            if (c[1] == '\0')
                return j + 1;
        }
    }
    return i;
}

/* \s+(?!\S)|\s+ */
static size_t match_space(const struct codes *s, size_t i)
{
    const size_t end = run(s, i, QUERN_LETTERS_SPACE);
    return end == s->count || end <= i + 1 ? end : end - 1;
}

/* '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t match_gpt_2(const struct codes *s, size_t i)
{
    static const unsigned classes[] = {QUERN_LETTERS_LETTER, QUERN_LETTERS_NUMBER, QUERN_LETTERS_OTHER};
    const size_t contraction = match_contraction(s, i, false), begin = i + is_code(s, i, ' ');
    if (contraction > i)
        return contraction;
    for (size_t k = 0; k < 3; k++) {
        if (is_class(s, begin, classes[k]))
            return run(s, begin, classes[k]);
        if (is_class(s, i, classes[k]))
            return run(s, i, classes[k]);
    }
    return match_space(s, i);
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t match_single_digits(const struct codes *s, size_t i)
{
    const size_t contraction = match_contraction(s, i, true), begin = i + is_code(s, i, ' ');
    if (contraction > i)
        return contraction;
    if (!is_line_end(s, i) && !is_class(s, i, QUERN_LETTERS_LETTER) && !is_class(s, i, QUERN_LETTERS_NUMBER) &&
        is_class(s, i + 1, QUERN_LETTERS_LETTER))
        return run(s, i + 1, QUERN_LETTERS_LETTER);
    if (is_class(s, i, QUERN_LETTERS_LETTER))
        return run(s, i, QUERN_LETTERS_LETTER);
    if (is_class(s, i, QUERN_LETTERS_NUMBER))
        return i + 1;
    if (is_class(s, begin, QUERN_LETTERS_OTHER)) {
        size_t end = run(s, begin, QUERN_LETTERS_OTHER);
        while (is_line_end(s, end))
            end++;
        return end;
    }
    for (size_t end = run(s, i, QUERN_LETTERS_SPACE); end > i; end--)
        if (is_line_end(s, end - 1))
            return end;
    return match_space(s, i);
}

static size_t encode(uint32_t code, char *out)
{
    if (code >= NOT_UTF8 || code < 0x80) {
        *out = (char)(code >= NOT_UTF8 ? code - NOT_UTF8 : code);
        return 1;
    }
    const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 63));
    *out = (char)((length == 2 ? 0xC0 : length == 3 ? 0xE0 : 0xF0) | code);
    return length;
}

static void put_words(struct naive *n, const struct codes *s)
{
    const bool single = quern_text_is(n->source->pre, "qwen2");
    char *word = malloc(4 * s->count + 1);
    for (size_t i = 0, end; i < s->count; i = end) {
        size_t length = 0;
        end = single ? match_single_digits(s, i) : match_gpt_2(s, i);
        for (size_t k = i; k < end; k++)
            length += encode(s->at[k], word + length);
        merge_word(n, word, length);
    }
    free(word);
}

/* ---------------------------------------------------------------- stretches */

/* Adds the normal form of text without bytes that are not UTF-8. */
static void add_normal(struct codes *codes, const char *text, size_t length)
{
    struct quern_normal_segment segment = {0};
    if (length > 0) {
        if (quern_normal_segment_read(&segment, (const unsigned char *)text, (const unsigned char *)text + length,
                                      NULL) != QUERN_OK)
            abort();
        memcpy(codes->at + codes->count, segment.codes, segment.count * sizeof *codes->at);
        codes->count += segment.count;
    }
    quern_normal_segment_release(&segment);
}

static void put_stretch(struct naive *n, const char *text, size_t length)
{
    const bool normal = quern_text_is(n->source->pre, "qwen2") || quern_text_is(n->source->pre, "modern-bert");
    struct codes codes = {malloc((4 * length + 2) * sizeof *codes.at), 0};
    size_t begin = 0;
    if (length > 0 && n->source->add_space_prefix)
        codes.at[codes.count++] = ' ';
    for (size_t i = 0, step; i <= length; i += step) {
        const size_t valid = i < length ? quern_utf8_length((const unsigned char *)text + i, length - i) : 0;
        step = valid > 0 ? valid : 1;
        if (valid > 0 && !normal)
            codes.at[codes.count++] = quern_utf8_code((const unsigned char *)text + i, valid);
        if (valid > 0)
            continue;
        if (normal)
            add_normal(&codes, text + begin, i - begin);
        if (i < length)
            codes.at[codes.count++] = NOT_UTF8 + (unsigned char)text[i];
        begin = i + 1;
    }
    put_words(n, &codes);
    free(codes.at);
}

/* Returns the length of the longest special piece at a place, and its id. */
static size_t match_special(const struct quern_vocabulary_source *source, quern_text text, size_t at, bool parse,
                            int32_t *id)
{
    size_t longest = 0;
    for (size_t i = 0; i < source->count; i++) {
        const quern_text piece = source->texts[i];
        const int kind = source->kinds[i];
        const bool counts = kind == QUERN_PIECE_USER_DEFINED ||
                            (parse && (kind == QUERN_PIECE_CONTROL || kind == QUERN_PIECE_UNKNOWN));
        if (counts && piece.length > longest && piece.length <= text.length - at &&
            memcmp(piece.data, text.data + at, piece.length) == 0) {
            longest = piece.length;
            *id = (int32_t)i;
        }
    }
    return longest;
}

int quern_naive_byte_bpe(const struct quern_vocabulary_source *source, quern_text text, unsigned flags, int32_t *ids)
{
    struct naive n = {source, ids, 0};
    size_t begin = 0;
    int32_t id = -1;
    if (source->add_bos && source->bos >= 0 && !(flags & QUERN_NO_SPECIAL))
        put(&n, source->bos);
    for (size_t at = 0, length; at < text.length;) {
        length = match_special(source, text, at, (flags & QUERN_PARSE_SPECIAL) != 0, &id);
        at++;
        if (length == 0)
            continue;
        put_stretch(&n, text.data + begin, at - 1 - begin);
        put(&n, id);
        begin = at = at - 1 + length;
    }
    put_stretch(&n, text.data + begin, text.length - begin);
    if (source->add_eos && source->eos >= 0 && !(flags & QUERN_NO_SPECIAL))
        put(&n, source->eos);
    return n.count;
}
