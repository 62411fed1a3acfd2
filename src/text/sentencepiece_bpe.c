/* SentencePiece BPE by scores, as GGUF files with the tokenizer "llama" describe it: greedy merges, the best score
 * first. A character without a piece becomes the pieces of its bytes.
 *
 * The ids are those of the published tokenizer where it defines them. For invalid UTF-8, they are those of llama.cpp,
 * where the first byte of a character alone says how long it is. The two differ in these points, and so does this file
 * from llama.cpp:
 * - U+2581 in a text. A sequence of them is first matched with the user-defined piece of as many spaces. Those that are
 *   left count as spaces, in runs of spaces too. llama.cpp knows such pieces only when they are spelled with ' '.
 * - A user-defined piece remains one, whatever its text. llama.cpp takes some, such as </s>, for control pieces.
 * - Without QUERN_PARSE_SPECIAL, no text becomes a control, unknown or byte piece, not even by merging. */
#include "text/sentencepiece_bpe.h"

#include "base/error.h"
#include "text/character.h"
#include "text/merge.h"

#include <stdlib.h>
#include <string.h>

struct sentencepiece_tokenizer {
    struct quern_tokenizer base;
    struct quern_merger merger;
};

static const struct quern_sentencepiece_bpe *tables_of(const struct quern_vocabulary *vocabulary)
{
    return (const struct quern_sentencepiece_bpe *)vocabulary;
}

/* ---------------------------------------------------------------- words */

/* Text is cut between two characters that stand side by side in no piece. No merge can join them, because it would give
 * a piece that holds them side by side. So the text before and the text after can be tokenised on their own.
 *
 * Pairs of characters are bits. Two ASCII characters have a bit of their own. All other pairs share the rest by a
 * hash. So a bit may be set because of another pair, and then text is not cut although it could be. */
#define HASHED_PAIRS_LOG2 20
#define PAIR_WORDS ((QUERN_ASCII_PAIRS + (1u << HASHED_PAIRS_LOG2)) / 32)

static uint32_t pair_bit(uint32_t left, uint32_t right)
{
    if ((left | right) < 128)
        return left << 7 | right;
    uint64_t hash = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    return QUERN_ASCII_PAIRS + (uint32_t)((hash ^ hash << 29) >> (64 - HASHED_PAIRS_LOG2));
}

/* Length and bytes of the character at p. U+2581 is the same as a space.
 *
 * Characters are those of the text as pieces spell it, with U+2581 for a space. So a space may be torn, when the
 * first byte of a character in front of it asks for more bytes than there are: the first bytes of the space's U+2581
 * belong to that character, and the last ones stand alone. Both are taken as one character here, which has the code
 * TORN. */
#define TORN UINT32_MAX
#define METASPACE_CODE 0x8196e2u
static inline size_t read_character(const unsigned char *p, const unsigned char *end, uint32_t *code)
{
    uint32_t bytes = p[0];

    if (bytes < 128) {
        *code = bytes;
        return 1;
    }
    size_t length = quern_character_length(p, end);
    for (size_t i = 1; i < length; i++) {
        if (p[i] == ' ') {
            *code = TORN;
            return i + 1;
        }
        bytes |= (uint32_t)p[i] << (8 * i);
    }
    *code = bytes == METASPACE_CODE ? ' ' : bytes;
    return length;
}

/* Whether a merge may join a piece that ends in left with a piece that begins with right. */
static inline bool joins(const struct quern_sentencepiece_bpe *v, uint32_t left, uint32_t right)
{
    if (left == TORN || right == TORN)
        return true;
    uint32_t bit = pair_bit(left, right);
    return v->pairs[bit / 32] >> (bit % 32) & 1;
}

/* How many ASCII characters a text begins with, at most 64. QUERN_WORD_SLACK bytes behind the text are readable. */
static inline size_t count_ascii(const unsigned char *p, const unsigned char *end)
{
    const size_t most = end - p < 64 ? (size_t)(end - p) : 64;
    size_t count = 0;

    for (; count < most; count += 8) {
        const uint64_t others = quern_load64(p + count) & 0x8080808080808080u;
        if (others != 0) {
            count += (size_t)__builtin_ctzll(others) / 8;
            break;
        }
    }
    return count < most ? count : most;
}

/* Bit i: no merge joins characters i - 1 and i of these up to 64 ASCII characters. Bit 0 is not set. */
static inline uint64_t find_cuts(const struct quern_sentencepiece_bpe *v, const unsigned char *p, size_t count)
{
    uint64_t cuts = 0;

    for (size_t i = 1; i < count; i++)
        cuts = cuts >> 1 | (uint64_t)v->cuts[(uint32_t)p[i - 1] << 7 | p[i]] << 56;
    return cuts >> (64 - count);
}

/* Normalisation puts a space in front. The merger does the rest of the normalisation: it spells spaces as U+2581. */
static int split(struct quern_tokenizer *t, unsigned char *text, const unsigned char *end, struct quern_ids *ids,
                 quern_error *error)
{
    const struct quern_sentencepiece_bpe *v = tables_of(t->vocabulary);
    uint32_t last = 0, code;

    if (v->base.source.add_space_prefix)
        *--text = ' ';
    const unsigned char *word = text;
    for (const unsigned char *p = text; p < end; last = code) {
        const size_t ascii = count_ascii(p, end);
        size_t length = read_character(p, end, &code);
        if (p != word && !joins(v, last, code)) {
            QUERN_TRY(quern_tokenizer_put_word(t, word, (size_t)(p - word), ids, error));
            word = p;
        }
        if (ascii > 1) {
            for (uint64_t cuts = find_cuts(v, p, ascii); cuts != 0; cuts &= cuts - 1) {
                const unsigned char *cut = p + __builtin_ctzll(cuts);
                QUERN_TRY(quern_tokenizer_put_word(t, word, (size_t)(cut - word), ids, error));
                word = cut;
            }
            length = ascii;
            code = p[length - 1];
        }
        p += length;
    }
    return quern_tokenizer_put_word(t, word, (size_t)(end - word), ids, error);
}

static int merge(struct quern_tokenizer *t, const struct quern_new_word *words, size_t count, size_t *ends,
                 struct quern_ids *ids, quern_error *error)
{
    struct quern_merger *merger = &((struct sentencepiece_tokenizer *)t)->merger;

    return quern_merger_run(merger, tables_of(t->vocabulary), words, count, ends, ids, error);
}

static void release_tokenizer(struct quern_tokenizer *t)
{
    quern_merger_release(&((struct sentencepiece_tokenizer *)t)->merger);
}

/* ---------------------------------------------------------------- making the tables */

/* Whether merging can make a piece of this kind. */
static bool is_mergeable(int kind)
{
    return kind == QUERN_PIECE_NORMAL || kind == QUERN_PIECE_USER_DEFINED || kind == QUERN_PIECE_UNUSED;
}

/* Sorts the pieces, those that merging cannot make behind the others. */
static int build_order(struct quern_sentencepiece_bpe *v, quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;
    uint32_t *ranks = malloc(source->count * sizeof *ranks);
    size_t mergeable = 0;

    if (ranks == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", source->count);
    for (size_t i = 0; i < source->count; i++) {
        const bool is_one = is_mergeable(v->base.kinds[i]);
        ranks[i] = is_one ? quern_rank_of(source->scores[i]) : QUERN_NO_RANK;
        mergeable += is_one;
    }
    const int code = quern_piece_order_new(&v->order, ranks, source->count, error);
    v->end = 2 * (uint32_t)mergeable;
    free(ranks);
    return code;
}

/* Sets the bits of all pairs of characters in a piece. */
static void add_pairs(struct quern_sentencepiece_bpe *v, const quern_text *text)
{
    const unsigned char *p = (const unsigned char *)text->data, *end = p + text->length;
    uint32_t left, right;

    for (p += read_character(p, end, &left); p < end; left = right) {
        p += read_character(p, end, &right);
        uint32_t bit = pair_bit(left, right);
        v->pairs[bit / 32] |= 1u << (bit % 32);
    }
}

static int build_pairs(struct quern_sentencepiece_bpe *v, quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;

    v->pairs = calloc(PAIR_WORDS, sizeof *v->pairs);
    if (v->pairs == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", source->count);
    for (size_t i = 0; i < source->count; i++) {
        if (!is_mergeable(v->base.kinds[i]))
            continue;
        if (source->texts[i].length > v->longest)
            v->longest = source->texts[i].length;
        add_pairs(v, &source->texts[i]);
    }
    return QUERN_OK;
}

/* Notes the pieces of two ASCII characters, which most words begin with. Pieces spell a space as U+2581, so one
 * that contains ' ' itself is never found in a text. */
static void add_ascii(struct quern_sentencepiece_bpe *v, const quern_text *text, uint32_t place)
{
    const unsigned char *p = (const unsigned char *)text->data, *end = p + text->length;
    uint32_t left, right;

    if (text->length > 2 * QUERN_METASPACE_LENGTH || memchr(p, ' ', text->length) != NULL)
        return;
    p += read_character(p, end, &left);
    if (p == end)
        return;
    p += read_character(p, end, &right);
    if (p == end && left < 128 && right < 128)
        v->ascii[left << 7 | right] = place;
}

static int build_ascii(struct quern_sentencepiece_bpe *v, quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;

    v->ascii = malloc(QUERN_ASCII_PAIRS * sizeof *v->ascii);
    if (v->ascii == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", source->count);
    for (size_t i = 0; i < QUERN_ASCII_PAIRS; i++)
        v->ascii[i] = QUERN_NO_PIECE;
    for (size_t i = 0; i < v->end / 2; i++)
        add_ascii(v, &source->texts[v->order.ids[i]], v->order.places[i]);
    return QUERN_OK;
}

/* A byte's piece is "<0x0A>" or, where that is missing, the piece that is the byte itself. */
static void find_bytes(struct quern_sentencepiece_bpe *v)
{
    static const char digits[] = "0123456789ABCDEF";

    for (int byte = 0; byte < 256; byte++) {
        const unsigned char raw[QUERN_TEXT_KEY_SLACK] = {(unsigned char)byte};
        const unsigned char name[QUERN_TEXT_KEY_SLACK] = {
            '<', '0', 'x', (unsigned char)digits[byte >> 4], (unsigned char)digits[byte & 15], '>'};
        struct quern_piece_search search;
        quern_piece_table_begin(&v->table, name, 6, &search);
        uint32_t place = quern_piece_table_end(&v->table, &search);
        if (place == QUERN_NO_PIECE)
            place = quern_sentencepiece_bpe_find(v, raw, 1);
        v->bytes[byte] = place != QUERN_NO_PIECE ? quern_sentencepiece_bpe_id(v, place) : -1;
    }
}

static void find_ascii_cuts(struct quern_sentencepiece_bpe *v)
{
    for (uint32_t pair = 0; pair < QUERN_ASCII_PAIRS; pair++)
        v->cuts[pair] = joins(v, pair >> 7, pair & 127) ? 0 : 128;
}

static int build(struct quern_vocabulary *vocabulary, quern_error *error)
{
    struct quern_sentencepiece_bpe *v = (struct quern_sentencepiece_bpe *)vocabulary;

    QUERN_TRY(build_order(v, error));
    QUERN_TRY(quern_piece_table_new(&v->table, v->base.source.texts, &v->order, v->base.source.count, error));
    QUERN_TRY(build_pairs(v, error));
    find_ascii_cuts(v);
    QUERN_TRY(build_ascii(v, error));
    find_bytes(v);
    quern_piece_order_finish(&v->order);
    return QUERN_OK;
}

static void release_vocabulary(struct quern_vocabulary *vocabulary)
{
    struct quern_sentencepiece_bpe *v = (struct quern_sentencepiece_bpe *)vocabulary;

    quern_piece_table_free(&v->table);
    quern_piece_order_free(&v->order);
    free(v->pairs);
    free(v->ascii);
}

static size_t count_bytes(const struct quern_vocabulary *vocabulary)
{
    return quern_piece_table_bytes(&tables_of(vocabulary)->table) + PAIR_WORDS * sizeof(uint32_t) +
           QUERN_ASCII_PAIRS * sizeof(uint32_t) + vocabulary->source.count * sizeof(int32_t);
}

/* ---------------------------------------------------------------- from pieces to text */

static int hex_value(char digit)
{
    return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : 0;
}

static void put_byte(char *out, size_t place, char byte)
{
    if (out != NULL)
        out[place] = byte;
}

/* A byte piece is its byte, and U+2581 is a space. */
static size_t piece_text(const struct quern_vocabulary *vocabulary, int32_t id, bool skip_space, char *out)
{
    const quern_text text = vocabulary->source.texts[id];
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.length;
    size_t length = 0;

    if (vocabulary->kinds[id] == QUERN_PIECE_BYTE && text.length == 6) {
        put_byte(out, 0, (char)(hex_value(text.data[3]) << 4 | hex_value(text.data[4])));
        return 1;
    }
    if (skip_space)
        p += quern_space_length(p, end);
    for (; p < end; length++) {
        size_t space = quern_space_length(p, end);
        put_byte(out, length, space > 0 ? ' ' : (char)*p);
        p += space > 0 ? space : 1;
    }
    return length;
}

const struct quern_tokenizer_kind quern_sentencepiece_bpe_kind = {
    .name = "sentencepiece",
    .gguf_name = "llama",
    .uses_scores = true,
    .defaults = {.tokenizer = &quern_sentencepiece_bpe_kind, .bos = 1, .eos = 2, .unknown = 0, .add_bos = true,
                 .add_space_prefix = true},
    .vocabulary_size = sizeof(struct quern_sentencepiece_bpe),
    .tokenizer_size = sizeof(struct sentencepiece_tokenizer),
    .build = build,
    .release_vocabulary = release_vocabulary,
    .bytes = count_bytes,
    .release_tokenizer = release_tokenizer,
    .split = split,
    .merge = merge,
    .piece_text = piece_text,
};
