/* Makes a WordPiece vocabulary and a text of the input. The spans of the tokens must lie in the text and ascend, and
 * the tokens of a short text must be those that the definition gives.
 *
 *     byte 0       flags, see below
 *     byte 1       number of pieces
 *     each piece   kind - 1 (3 bits), then length (5 bits); text, with '_' for U+2581 at its start
 *     the rest     text to tokenise */
#include "fuzz.h"
#include "../tests/support/naive_wordpiece.h"
#include "base/count.h"
#include "text/special.h"
#include "text/tokenizer_kind.h"

#include <string.h>

#define MOST 255
#define MOST_COMPARED 200 /* bytes of a text that is compared with the definition */
#define MOST_TEXT 4096    /* bytes of a text; the rest of the input is left out */

enum { LOWERCASE = 1, STRIP_ACCENTS = 2, PARSE_SPECIAL = 4, NO_SPECIAL = 8, NO_UNKNOWN = 16 };

struct input {
    const uint8_t *data;
    size_t size;
    quern_text texts[MOST];
    char bytes[MOST][QUERN_METASPACE_LENGTH + 32];
    int32_t kinds[MOST];
    size_t count;
};

static void read_pieces(struct input *in, size_t count)
{
    for (; count > 0 && in->size >= 1; count--) {
        size_t length = in->data[0] >> 3;
        char *out = in->bytes[in->count];
        in->kinds[in->count] = 1 + (in->data[0] & 7);
        in->data++;
        in->size--;
        if (length > in->size)
            length = in->size;
        const bool starts = length > 0 && in->data[0] == '_';
        if (starts)
            memcpy(out, QUERN_METASPACE, QUERN_METASPACE_LENGTH);
        const size_t mark = starts ? QUERN_METASPACE_LENGTH : 0;
        memcpy(out + mark, in->data + starts, length - starts);
        in->texts[in->count++] = (quern_text){out, mark + length - starts};
        in->data += length;
        in->size -= length;
    }
}

/* Whether some user-defined piece is made of spaces only. Those are cut out of a text by other rules. */
static bool has_runs(const struct quern_vocabulary *vocabulary)
{
    return vocabulary->special.longest_run > 0;
}

static void check_spans(const quern_token_span *spans, size_t count, size_t half, size_t length)
{
    size_t end[2] = {0, 0};

    for (size_t i = 0; i < count; i++) {
        const bool is_text = spans[i].part == QUERN_PART_TEXT;
        if (spans[i].part == QUERN_PART_ADDED)
            continue;
        REQUIRE(spans[i].begin >= end[is_text] && spans[i].begin <= spans[i].end);
        end[is_text] = spans[i].end;
    }
    REQUIRE(end[0] <= half && end[1] <= length - half);
}

static void check(const struct quern_vocabulary_source *source, quern_text text, unsigned flags)
{
    static int32_t ids[QUERN_NAIVE_WORDPIECE_IDS(MOST_TEXT)], expected[QUERN_COUNT(ids)];
    static quern_token_span spans[QUERN_COUNT(ids)];
    struct quern_vocabulary *vocabulary = NULL;
    struct quern_tokenizer *tokenizer = NULL;
    size_t count = 0, half = text.length / 2;
    const quern_text parts[] = {{text.data, half}, {text.data + half, text.length - half}};

    if (quern_vocabulary_new(&vocabulary, source, NULL) != QUERN_OK)
        return;
    REQUIRE(quern_tokenizer_new(&tokenizer, vocabulary, NULL) == QUERN_OK);
    REQUIRE(quern_tokenizer_run(tokenizer, parts, 2, flags, ids, QUERN_COUNT(ids), &count, NULL) == QUERN_OK);
    REQUIRE(count <= QUERN_COUNT(ids));
    if (text.length <= MOST_COMPARED && !has_runs(vocabulary)) {
        REQUIRE(quern_naive_wordpiece(source, text, flags, expected) == count);
        REQUIRE(memcmp(ids, expected, count * sizeof *ids) == 0);
    }
    REQUIRE(quern_tokenizer_spans(tokenizer, parts, 2, flags, ids, count, spans, NULL) == QUERN_OK);
    check_spans(spans, count, half, text.length);
    quern_tokenizer_free(tokenizer);
    quern_vocabulary_free(vocabulary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in;

    if (size < 2)
        return 0;
    const unsigned flags = data[0];
    in.count = 0;
    in.data = data + 2;
    in.size = size - 2;
    read_pieces(&in, data[1]);
    struct quern_vocabulary_source source = quern_tokenizer_defaults(&quern_wordpiece_kind);
    source.texts = in.texts;
    source.kinds = in.kinds;
    source.count = in.count;
    source.bos = 0;
    source.eos = in.count > 1 ? 1 : 0;
    source.unknown = flags & NO_UNKNOWN ? -1 : in.count > 2 ? 2 : 0;
    source.lowercase = flags & LOWERCASE;
    source.strip_accents = flags & STRIP_ACCENTS;
    check(&source, (quern_text){(const char *)in.data, in.size < MOST_TEXT ? in.size : MOST_TEXT},
          (flags & PARSE_SPECIAL ? QUERN_PARSE_SPECIAL : 0u) | (flags & NO_SPECIAL ? QUERN_NO_SPECIAL : 0u));
    return 0;
}
