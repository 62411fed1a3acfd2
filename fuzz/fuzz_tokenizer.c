/* Makes a vocabulary and a text of the input. The spans of the tokens must cover the text, the tokens must give the
 * text back, and the tokens of a short text must be those that the definition gives.
 *
 *     byte 0       flags, see below
 *     byte 1       number of pieces
 *     each piece   kind - 1 (3 bits), then length (5 bits); score; text
 *     the rest     text to tokenise */
#include "fuzz.h"
#include "../tests/support/naive_tokenizer.h"
#include "base/count.h"
#include "merge_maker.h"
#include "text/tokenizer_kind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PIECES 255
#define MOST_COMPARED 48  /* bytes of a text that is compared with the definition */
#define MOST_TEXT 65536   /* bytes of a text; the rest of the input is left out */

enum { ADD_BOS = 1, ADD_EOS = 2, SPACE_PREFIX = 4, PARSE_SPECIAL = 8, NO_SPECIAL = 16, UNKNOWN = 32, ALL_BYTES = 64,
       MERGES = 128 /* the kind "gemma4" instead of "llama" */ };

struct input {
    const uint8_t *data;
    size_t size;
    quern_text texts[MOST_PIECES + 257];
    float scores[MOST_PIECES + 257];
    int32_t kinds[MOST_PIECES + 257];
    char bytes[256][8];
    size_t count;
};

static void add_piece(struct input *in, const char *text, size_t length, float score, int32_t kind)
{
    in->texts[in->count] = (quern_text){text, length};
    in->scores[in->count] = score;
    in->kinds[in->count] = kind;
    in->count++;
}

static void read_pieces(struct input *in, size_t count)
{
    while (count-- > 0 && in->size >= 2) {
        int32_t kind = 1 + (in->data[0] & 7);
        size_t length = in->data[0] >> 3;
        float score = in->data[1] == 255 ? NAN : (float)(in->data[1] / 4) - 40;
        if (length > in->size - 2)
            length = in->size - 2;
        add_piece(in, (const char *)in->data + 2, length, score, kind);
        in->data += 2 + length;
        in->size -= 2 + length;
    }
}

static void compare(const struct quern_vocabulary_source *source, quern_text text, unsigned flags, int code,
                    const int32_t *ids, size_t count)
{
    static int32_t expected[QUERN_NAIVE_TOKENS(MOST_COMPARED)];
    const int expected_count = quern_naive_tokenize(source, text, flags, expected);

    REQUIRE((code == QUERN_OK) == (expected_count >= 0));
    if (code == QUERN_OK)
        REQUIRE(count == (size_t)expected_count && memcmp(ids, expected, count * sizeof *ids) == 0);
}

static void check(const struct quern_vocabulary_source *source, quern_text text, unsigned flags)
{
    static int32_t ids[QUERN_NAIVE_TOKENS(MOST_TEXT)];
    static quern_token_span spans[QUERN_COUNT(ids)];
    struct quern_vocabulary *vocabulary = NULL;
    struct quern_tokenizer *tokenizer = NULL;
    size_t count = 0, half = text.length / 2;
    const quern_text parts[] = {{text.data, half}, {text.data + half, text.length - half}};

    if (quern_vocabulary_new(&vocabulary, source, NULL) != QUERN_OK)
        return;
    if (quern_tokenizer_new(&tokenizer, vocabulary, NULL) != QUERN_OK)
        abort();
    int code = quern_tokenizer_run(tokenizer, parts, 2, flags, ids, QUERN_COUNT(ids), &count, NULL);
    if (text.length <= MOST_COMPARED)
        compare(source, text, flags, code, ids, count);
    if (code == QUERN_OK) {
        REQUIRE(quern_tokenizer_spans(tokenizer, parts, 2, flags, ids, count, spans, NULL) == QUERN_OK);
        REQUIRE(quern_spans_cover(spans, count, half, text.length - half));
        REQUIRE(!(flags & QUERN_NO_SPECIAL) || quern_text_returns(source, vocabulary, text, ids, count));
    }
    quern_tokenizer_free(tokenizer);
    quern_vocabulary_free(vocabulary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in;

    if (size < 2)
        return 0;
    unsigned flags = data[0];
    in.count = 0;
    in.data = data + 2;
    in.size = size - 2;
    read_pieces(&in, data[1]);
    if (flags & MERGES)
        add_piece(&in, QUERN_METASPACE, QUERN_METASPACE_LENGTH, 0, QUERN_PIECE_NORMAL);
    for (unsigned i = 0; i < 256 && flags & (ALL_BYTES | MERGES); i++) {
        snprintf(in.bytes[i], sizeof in.bytes[i], "<0x%02X>", i & 255);
        add_piece(&in, in.bytes[i], 6, 0, QUERN_PIECE_BYTE);
    }
    struct quern_vocabulary_source source = {
        .tokenizer = flags & MERGES ? &quern_character_bpe_kind : &quern_sentencepiece_bpe_kind, .texts = in.texts,
        .scores = in.scores, .kinds = in.kinds,
        .count = in.count, .bos = in.count > 0 ? 0 : -1, .eos = in.count > 1 ? 1 : -1,
        .unknown = flags & UNKNOWN && in.count > 0 ? 0 : -1, .add_bos = flags & ADD_BOS,
        .add_eos = flags & ADD_EOS, .add_space_prefix = flags & SPACE_PREFIX};
    struct quern_made_merges merges = {0};
    if (flags & MERGES)
        REQUIRE(quern_merges_make(&merges, &source, in.size, NULL) == QUERN_OK);
    source.merges = merges.texts;
    source.merge_count = merges.count;
    check(&source, (quern_text){(const char *)in.data, in.size < MOST_TEXT ? in.size : MOST_TEXT},
          (flags & PARSE_SPECIAL ? QUERN_PARSE_SPECIAL : 0u) | (flags & NO_SPECIAL ? QUERN_NO_SPECIAL : 0u));
    quern_merges_unmake(&merges);
    return 0;
}
