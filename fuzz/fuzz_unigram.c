/* Makes a unigram vocabulary and a text of the input. The spans of the tokens must lie in the text and ascend, and the
 * tokens of a short text must be those that the definition gives.
 *
 *     byte 0            flags, see below
 *     byte 1            number of replacements, or bytes of a character map as a file has it
 *     byte 2            number of pieces
 *     each replacement  length of the key (3 bits), of the text (5 bits); key; text
 *     each piece        kind - 1 (3 bits), then length (5 bits); score; text
 *     the rest          text to tokenise */
#include "fuzz.h"
#include "../tests/support/charsmap_maker.h"
#include "../tests/support/naive_unigram.h"
#include "base/count.h"
#include "text/special.h"
#include "text/tokenizer_kind.h"

#include <stdlib.h>
#include <string.h>

#define MOST 255
#define MOST_COMPARED 48  /* bytes of a text that is compared with the definition */
#define MOST_TEXT 4096    /* bytes of a text; the rest of the input is left out */

enum { MAP_OF_FILE = 1, NO_SPACE_PREFIX = 2, PARSE_SPECIAL = 4, NO_SPECIAL = 8, UNKNOWN = 16 };

struct input {
    const uint8_t *data;
    size_t size;
    quern_text texts[MOST];
    float scores[MOST];
    int32_t kinds[MOST];
    size_t count;
    struct quern_replacement replacements[MOST];
    size_t replacement_count;
};

static quern_text take(struct input *in, size_t length)
{
    const quern_text text = {(const char *)in->data, length < in->size ? length : in->size};
    in->data += text.length;
    in->size -= text.length;
    return text;
}

/* The bytes of a text before the first NUL. */
static quern_text without_nul(quern_text text)
{
    const char *nul = text.length > 0 ? memchr(text.data, '\0', text.length) : NULL;
    return nul != NULL ? (quern_text){text.data, (size_t)(nul - text.data)} : text;
}

static void read_replacements(struct input *in, size_t count)
{
    for (; count > 0 && in->size > 0; count--) {
        const uint8_t lengths = *in->data;
        take(in, 1);
        const quern_text key = without_nul(take(in, lengths & 7)), text = without_nul(take(in, lengths >> 3));
        if (key.length > 0)
            in->replacements[in->replacement_count++] = (struct quern_replacement){key, text};
    }
}

/* A user-defined piece of spaces is matched in another way, which other tests try. */
static bool is_run(quern_text text)
{
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.length;
    while (p < end && quern_space_length(p, end) > 0)
        p += quern_space_length(p, end);
    return p == end;
}

static void read_pieces(struct input *in, size_t count)
{
    for (; count > 0 && in->size >= 2; count--) {
        const uint8_t first = in->data[0], score = in->data[1];
        const int32_t kind = 1 + (first & 7);
        take(in, 2);
        const quern_text text = take(in, first >> 3);
        in->texts[in->count] = text;
        in->kinds[in->count] = kind == QUERN_PIECE_USER_DEFINED && is_run(text) ? QUERN_PIECE_NORMAL : kind;
        in->scores[in->count++] = (float)score / 4 - 40;
    }
}

static void check_spans(const quern_token_span *spans, size_t count, const quern_text parts[2])
{
    size_t ends[] = {[QUERN_PART_PROMPT] = 0, [QUERN_PART_TEXT] = 0};
    for (size_t i = 0; i < count; i++) {
        if (spans[i].part == QUERN_PART_ADDED)
            continue;
        REQUIRE(spans[i].begin >= ends[spans[i].part] && spans[i].end >= spans[i].begin);
        REQUIRE(spans[i].end <= parts[spans[i].part == QUERN_PART_TEXT].length);
        ends[spans[i].part] = spans[i].end;
    }
}

static void check(const struct input *in, const struct quern_vocabulary_source *source, bool is_known, quern_text text,
                  unsigned flags)
{
    static int32_t ids[QUERN_NAIVE_UNIGRAM_IDS], expected[QUERN_NAIVE_UNIGRAM_IDS];
    static quern_token_span spans[QUERN_NAIVE_UNIGRAM_IDS];
    struct quern_vocabulary *vocabulary = NULL;
    struct quern_tokenizer *tokenizer = NULL;
    size_t count = 0, half = text.length / 2;
    const quern_text parts[] = {{text.data, half}, {text.data + half, text.length - half}};

    if (quern_vocabulary_new(&vocabulary, source, NULL) != QUERN_OK)
        return;
    REQUIRE(quern_tokenizer_new(&tokenizer, vocabulary, NULL) == QUERN_OK);
    const int code = quern_tokenizer_run(tokenizer, parts, 2, flags, ids, QUERN_COUNT(ids), &count, NULL);
    if (is_known && text.length <= MOST_COMPARED) {
        const int expected_count =
            quern_naive_unigram(source, in->replacements, in->replacement_count, text, flags, expected);
        REQUIRE((code == QUERN_OK) == (expected_count >= 0));
        if (code == QUERN_OK)
            REQUIRE(count == (size_t)expected_count && memcmp(ids, expected, count * sizeof *ids) == 0);
    }
    if (code == QUERN_OK && count <= QUERN_COUNT(ids)) {
        REQUIRE(quern_tokenizer_spans(tokenizer, parts, 2, flags, ids, count, spans, NULL) == QUERN_OK);
        check_spans(spans, count, parts);
    }
    quern_tokenizer_free(tokenizer);
    quern_vocabulary_free(vocabulary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in;

    if (size < 3)
        return 0;
    const unsigned flags = data[0];
    in = (struct input){.data = data + 3, .size = size - 3};
    quern_text map = {NULL, 0};
    if (flags & MAP_OF_FILE) {
        map = take(&in, data[1]);
    } else {
        read_replacements(&in, data[1] & 31);
        map = quern_charsmap_make(in.replacements, in.replacement_count);
    }
    read_pieces(&in, data[2]);
    struct quern_vocabulary_source source = quern_tokenizer_defaults(&quern_unigram_kind);
    source.texts = in.texts;
    source.scores = in.scores;
    source.kinds = in.kinds;
    source.count = in.count;
    source.charsmap = map;
    source.bos = in.count > 0 ? 0 : -1;
    source.eos = in.count > 1 ? 1 : -1;
    source.unknown = flags & UNKNOWN && in.count > 2 ? 2 : -1;
    source.add_space_prefix = !(flags & NO_SPACE_PREFIX);
    check(&in, &source, !(flags & MAP_OF_FILE), take(&in, MOST_TEXT),
          (flags & PARSE_SPECIAL ? QUERN_PARSE_SPECIAL : 0u) | (flags & NO_SPECIAL ? QUERN_NO_SPECIAL : 0u));
    if (!(flags & MAP_OF_FILE))
        free((char *)map.data);
    return 0;
}
