/* BPE by a list of merges over characters, as GGUF files with the tokenizer "gemma4" describe it. Spaces become U+2581;
 * nothing else in a text is changed. A character without a piece becomes the pieces of its bytes.
 *
 * The ids are those of the published tokenizer where it defines them. They differ from those of llama.cpp for invalid
 * UTF-8: each byte that belongs to no character of UTF-8 is its byte piece here, and U+FFFD there. */
#include "base/error.h"
#include "text/character.h"
#include "text/metaspace.h"
#include "text/pair_merger.h"
#include "text/word_cuts.h"

#include <stdlib.h>

struct character_bpe {
    struct quern_vocabulary base;
    struct quern_word_cuts cuts;
    struct quern_pair_table pairs;
    struct quern_piece_order order;     /* pieces that are one character come first */
    struct quern_piece_table characters; /* only these */
    int32_t ascii[128];                 /* the pieces of ASCII characters; -1: there is none */
    int32_t bytes[256];                 /* the piece that stands for a byte of an unknown character */
};

struct character_tokenizer {
    struct quern_tokenizer base;
    struct quern_pair_merger merger;
};

static const struct character_bpe *tables_of(const struct quern_vocabulary *vocabulary)
{
    return (const struct character_bpe *)vocabulary;
}

/* ---------------------------------------------------------------- words */

static int split(struct quern_tokenizer *t, unsigned char *text, const unsigned char *end, struct quern_ids *ids,
                 quern_error *error)
{
    return quern_word_cuts_split(&tables_of(t->vocabulary)->cuts, t, text, end, ids, error);
}

/* The piece that is a character, of which QUERN_TEXT_KEY_SLACK bytes are readable; -1: there is none. */
static int32_t find_character(const struct character_bpe *v, const unsigned char *text, size_t length)
{
    struct quern_piece_search search;

    quern_piece_table_begin(&v->characters, text, length, &search);
    const uint32_t place = quern_piece_table_end(&v->characters, &search);
    return place != QUERN_NO_PIECE ? v->order.ids[place / 2] : -1;
}

static size_t cut(const struct quern_tokenizer *t, const struct quern_new_word *word,
                  struct quern_pair_symbol *symbols)
{
    const struct character_bpe *v = tables_of(t->vocabulary);
    const unsigned char *p = word->text, *end = p + word->length;
    size_t count = 0;

    for (; p < end; p += symbols[count++].length) {
        const size_t length = quern_well_formed_length(p, end);
        const int32_t id = *p < 128 ? v->ascii[*p] : length > 1 ? find_character(v, p, length) : -1;
        symbols[count] = (struct quern_pair_symbol){id, (uint32_t)length};
    }
    return count;
}

static int put(const struct quern_tokenizer *t, const unsigned char *begin, const struct quern_pair_symbol *symbol,
               struct quern_ids *ids, quern_error *error)
{
    (void)error;
    if (symbol->id >= 0) {
        quern_ids_put_span(ids, symbol->id, begin, begin + symbol->length);
        return QUERN_OK;
    }
    for (const unsigned char *p = begin; p < begin + symbol->length; p++)
        quern_ids_put_span(ids, tables_of(t->vocabulary)->bytes[*p], p, p + 1);
    return QUERN_OK;
}

static int merge(struct quern_tokenizer *t, const struct quern_new_word *words, size_t count, size_t *ends,
                 struct quern_ids *ids, quern_error *error)
{
    static const struct quern_pair_spelling spelling = {cut, put};
    struct quern_pair_merger *merger = &((struct character_tokenizer *)t)->merger;

    return quern_pair_merger_run(merger, &tables_of(t->vocabulary)->pairs, &spelling, t, words, count, ends, ids,
                                 error);
}

static void release_tokenizer(struct quern_tokenizer *t)
{
    quern_pair_merger_release(&((struct character_tokenizer *)t)->merger);
}

/* ---------------------------------------------------------------- making the tables */

static bool is_character(const struct character_bpe *v, size_t id)
{
    const quern_text text = v->base.source.texts[id];

    return quern_piece_is_plain(v->base.kinds[id]) &&
           quern_utf8_length((const unsigned char *)text.data, text.length) == text.length;
}

/* Sorts the pieces, and counts those that are one character. */
static int build_order(struct character_bpe *v, size_t *characters, quern_error *error)
{
    const size_t count = v->base.source.count;
    uint32_t *ranks = malloc(count * sizeof *ranks);

    if (ranks == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", count);
    for (size_t i = 0; i < count; i++) {
        const bool is_one = is_character(v, i);
        ranks[i] = is_one ? (uint32_t)i : QUERN_NO_RANK;
        *characters += is_one;
    }
    const int code = quern_piece_order_new(&v->order, ranks, count, error);
    free(ranks);
    return code;
}

static int build_cuts(struct character_bpe *v, quern_error *error)
{
    QUERN_TRY(quern_word_cuts_new(&v->cuts, true, error));
    for (size_t i = 0; i < v->base.source.count; i++)
        if (quern_piece_is_plain(v->base.kinds[i]))
            quern_word_cuts_join(&v->cuts, &v->base.source.texts[i]);
    quern_word_cuts_finish(&v->cuts);
    return QUERN_OK;
}

static int find_bytes(struct character_bpe *v, const struct quern_piece_table *pieces, quern_error *error)
{
    for (int byte = 0; byte < 256; byte++) {
        const uint32_t place = quern_metaspace_byte(pieces, byte);
        if (place == QUERN_NO_PIECE)
            return quern_fail(error, QUERN_EFORMAT, "the vocabulary has no piece <0x%02X>", (unsigned)byte);
        v->bytes[byte] = v->order.ids[place / 2];
    }
    return QUERN_OK;
}

static int find_ascii(struct character_bpe *v, quern_error *error)
{
    for (int code = 0; code < 128; code++) {
        const unsigned char text[QUERN_TEXT_KEY_SLACK] = {(unsigned char)code};
        v->ascii[code] = find_character(v, text, 1);
    }
    const unsigned char space[QUERN_TEXT_KEY_SLACK] = QUERN_METASPACE;
    v->ascii[' '] = find_character(v, space, QUERN_METASPACE_LENGTH);
    if (v->ascii[' '] < 0)
        return quern_fail(error, QUERN_EFORMAT, "the vocabulary has no piece U+2581, which stands for a space");
    return QUERN_OK;
}

/* Makes all tables for which the pieces must be found by their texts. */
static int build_from(struct character_bpe *v, const struct quern_piece_table *pieces, quern_error *error)
{
    QUERN_TRY(quern_pair_table_new(&v->pairs, &v->base, pieces, error));
    return find_bytes(v, pieces, error);
}

static int build(struct quern_vocabulary *vocabulary, quern_error *error)
{
    struct character_bpe *v = (struct character_bpe *)vocabulary;
    const struct quern_vocabulary_source *source = &v->base.source;
    struct quern_piece_table pieces = {0};
    size_t characters = 0;

    QUERN_TRY(build_order(v, &characters, error));
    int code = quern_piece_table_new(&pieces, source->texts, &v->order, source->count, error);
    if (code == QUERN_OK)
        code = build_from(v, &pieces, error);
    quern_piece_table_free(&pieces);
    QUERN_TRY(code);
    QUERN_TRY(quern_piece_table_new(&v->characters, source->texts, &v->order, characters, error));
    QUERN_TRY(find_ascii(v, error));
    quern_piece_order_finish(&v->order);
    return build_cuts(v, error);
}

static void release_vocabulary(struct quern_vocabulary *vocabulary)
{
    struct character_bpe *v = (struct character_bpe *)vocabulary;

    quern_pair_table_free(&v->pairs);
    quern_piece_table_free(&v->characters);
    quern_piece_order_free(&v->order);
    quern_word_cuts_free(&v->cuts);
}

static size_t count_bytes(const struct quern_vocabulary *vocabulary)
{
    const struct character_bpe *v = tables_of(vocabulary);

    return quern_pair_table_bytes(&v->pairs) + quern_piece_table_bytes(&v->characters) + QUERN_WORD_CUTS_BYTES +
           vocabulary->source.count * sizeof *v->order.ids;
}

const struct quern_tokenizer_kind quern_character_bpe_kind = {
    .name = "character-bpe",
    .gguf_name = "gemma4",
    .uses_merges = true,
    .control_text = "<|tool_response>",
    .defaults = {.tokenizer = &quern_character_bpe_kind, .bos = 2, .eos = 1, .unknown = 3, .add_bos = true},
    .vocabulary_size = sizeof(struct character_bpe),
    .tokenizer_size = sizeof(struct character_tokenizer),
    .build = build,
    .release_vocabulary = release_vocabulary,
    .bytes = count_bytes,
    .release_tokenizer = release_tokenizer,
    .split = split,
    .merge = merge,
    .piece_text = quern_metaspace_text,
};
