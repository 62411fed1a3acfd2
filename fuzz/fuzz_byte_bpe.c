/* Makes a vocabulary of byte-level BPE and a text of the input. The spans of the tokens must cover the text, and the
 * tokens of a short text must be those that the definition gives.
 *
 *     byte 0       flags, see below
 *     byte 1       number of pieces
 *     each piece   kind - 1 (3 bits), then length (5 bits); text
 *     the rest     text to tokenise */
#include "fuzz.h"
#include "../tests/support/naive_byte_bpe.h"
#include "../tests/support/naive_tokenizer.h"
#include "base/count.h"
#include "base/view.h"
#include "merge_maker.h"
#include "text/tokenizer_kind.h"

#include <stdlib.h>
#include <string.h>

#define MOST_PIECES 255
#define MOST_COMPARED 64 /* bytes of a text that is compared with the definition */
#define MOST_TEXT 4096   /* bytes of a text; the rest of the input is left out */

enum { RULE = 3 /* which of four */, PARSE_SPECIAL = 4, NO_SPECIAL = 8, SPACE_PREFIX = 16, UNKNOWN = 32, ADD_BOS = 64,
       ALL_BYTES = 128 };

struct input {
    const uint8_t *data;
    size_t size;
    quern_text texts[MOST_PIECES + 256];
    int32_t kinds[MOST_PIECES + 256];
    char bytes[MOST_PIECES + 256][64];
    size_t count;
};

static void add_piece(struct input *in, const char *text, size_t length, int32_t kind)
{
    char *out = in->bytes[in->count];

    if (kind == QUERN_PIECE_NORMAL)
        length = quern_naive_spell(text, length, out);
    else
        memcpy(out, text, length);
    in->texts[in->count] = (quern_text){out, length};
    in->kinds[in->count++] = kind;
}

static void read_pieces(struct input *in, size_t count)
{
    for (; count > 0 && in->size >= 1; count--) {
        const int32_t kind = 1 + (in->data[0] & 7);
        size_t length = in->data[0] >> 3;
        if (length > in->size - 1)
            length = in->size - 1;
        add_piece(in, (const char *)in->data + 1, length, kind);
        in->data += 1 + length;
        in->size -= 1 + length;
    }
}

static void check(const struct quern_vocabulary_source *source, quern_text text, unsigned flags)
{
    static int32_t ids[QUERN_NAIVE_BYTE_TOKENS(MOST_TEXT)], expected[QUERN_NAIVE_BYTE_TOKENS(MOST_COMPARED)];
    static quern_token_span spans[QUERN_COUNT(ids)];
    const quern_text parts[] = {{text.data, text.length / 2},
                                {text.data + text.length / 2, text.length - text.length / 2}};
    struct quern_vocabulary *vocabulary = NULL;
    struct quern_tokenizer *tokenizer = NULL;
    size_t count = 0;

    if (quern_vocabulary_new(&vocabulary, source, NULL) != QUERN_OK)
        return;
    if (quern_tokenizer_new(&tokenizer, vocabulary, NULL) != QUERN_OK)
        abort();
    const int code = quern_tokenizer_run(tokenizer, parts, 2, flags, ids, QUERN_COUNT(ids), &count, NULL);
    if (text.length <= MOST_COMPARED) {
        const int expected_count = quern_naive_byte_bpe(source, text, flags, expected);
        REQUIRE((code == QUERN_OK) == (expected_count >= 0));
        REQUIRE(code != QUERN_OK || (count == (size_t)expected_count &&
                                     memcmp(ids, expected, count * sizeof *ids) == 0));
    }
    if (code == QUERN_OK) {
        REQUIRE(quern_tokenizer_spans(tokenizer, parts, 2, flags, ids, count, spans, NULL) == QUERN_OK);
        REQUIRE(quern_spans_cover(spans, count, parts[0].length, parts[1].length));
    }
    quern_tokenizer_free(tokenizer);
    quern_vocabulary_free(vocabulary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const rules[] = {"gpt-2", "olmo", "modern-bert", "qwen2"};
    static struct input in;
    struct quern_made_merges merges;

    if (size < 2)
        return 0;
    const unsigned flags = data[0];
    in.count = 0;
    in.data = data + 2;
    in.size = size - 2;
    read_pieces(&in, data[1]);
    for (unsigned i = 0; i < 256 && flags & ALL_BYTES; i++)
        add_piece(&in, &(const char){(char)i}, 1, QUERN_PIECE_NORMAL);
    struct quern_vocabulary_source source = {
        .tokenizer = &quern_byte_bpe_kind, .texts = in.texts, .kinds = in.kinds, .count = in.count,
        .pre = quern_text_of(rules[flags & RULE]), .bos = in.count > 0 ? 0 : -1, .eos = -1,
        .unknown = flags & UNKNOWN && in.count > 0 ? 0 : -1, .add_bos = flags & ADD_BOS,
        .add_space_prefix = flags & SPACE_PREFIX};
    REQUIRE(quern_merges_make(&merges, &source, in.size, NULL) == QUERN_OK);
    source.merges = merges.texts;
    source.merge_count = merges.count;
    check(&source, (quern_text){(const char *)in.data, in.size < MOST_TEXT ? in.size : MOST_TEXT},
          (flags & PARSE_SPECIAL ? QUERN_PARSE_SPECIAL : 0u) | (flags & NO_SPECIAL ? QUERN_NO_SPECIAL : 0u));
    quern_merges_unmake(&merges);
    return 0;
}
