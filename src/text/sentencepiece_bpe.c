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
#include "text/merge.h"
#include "text/metaspace.h"

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

static int split(struct quern_tokenizer *t, unsigned char *text, const unsigned char *end, struct quern_ids *ids,
                 quern_error *error)
{
    return quern_word_cuts_split(&tables_of(t->vocabulary)->cuts, t, text, end, ids, error);
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

/* Sorts the pieces, those that merging cannot make behind the others. */
static int build_order(struct quern_sentencepiece_bpe *v, quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;
    uint32_t *ranks = malloc(source->count * sizeof *ranks);
    size_t mergeable = 0;

    if (ranks == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", source->count);
    for (size_t i = 0; i < source->count; i++) {
        const bool is_one = quern_piece_is_plain(v->base.kinds[i]);
        ranks[i] = is_one ? quern_rank_of(source->scores[i]) : QUERN_NO_RANK;
        mergeable += is_one;
    }
    const int code = quern_piece_order_new(&v->order, ranks, source->count, error);
    v->end = 2 * (uint32_t)mergeable;
    free(ranks);
    return code;
}

static int build_cuts(struct quern_sentencepiece_bpe *v, quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;

    QUERN_TRY(quern_word_cuts_new(&v->cuts, false, error));
    for (size_t i = 0; i < source->count; i++) {
        if (!quern_piece_is_plain(v->base.kinds[i]))
            continue;
        if (source->texts[i].length > v->longest)
            v->longest = source->texts[i].length;
        quern_word_cuts_join(&v->cuts, &source->texts[i]);
    }
    quern_word_cuts_finish(&v->cuts);
    return QUERN_OK;
}

/* Reads an ASCII character, or U+2581 as a space, and returns its length. Anything else gives a code from 128 on. */
static size_t read_ascii(const unsigned char *p, const unsigned char *end, uint32_t *code)
{
    const size_t space = quern_space_length(p, end);

    *code = space > 0 ? ' ' : *p;
    return space > 0 ? space : 1;
}

/* Notes the pieces of two ASCII characters, which most words begin with. Pieces spell a space as U+2581, so one
 * that contains ' ' itself is never found in a text. */
static void add_ascii(struct quern_sentencepiece_bpe *v, const quern_text *text, uint32_t place)
{
    const unsigned char *p = (const unsigned char *)text->data, *end = p + text->length;
    uint32_t left, right;

    if (text->length > 2 * QUERN_METASPACE_LENGTH || memchr(p, ' ', text->length) != NULL)
        return;
    p += read_ascii(p, end, &left);
    if (p == end)
        return;
    p += read_ascii(p, end, &right);
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
    for (int byte = 0; byte < 256; byte++) {
        const unsigned char raw[QUERN_TEXT_KEY_SLACK] = {(unsigned char)byte};
        uint32_t place = quern_metaspace_byte(&v->table, byte);
        if (place == QUERN_NO_PIECE)
            place = quern_sentencepiece_bpe_find(v, raw, 1);
        v->bytes[byte] = place != QUERN_NO_PIECE ? quern_sentencepiece_bpe_id(v, place) : -1;
    }
}

static int build(struct quern_vocabulary *vocabulary, quern_error *error)
{
    struct quern_sentencepiece_bpe *v = (struct quern_sentencepiece_bpe *)vocabulary;

    QUERN_TRY(build_order(v, error));
    QUERN_TRY(quern_piece_table_new(&v->table, v->base.source.texts, &v->order, v->base.source.count, error));
    QUERN_TRY(build_cuts(v, error));
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
    quern_word_cuts_free(&v->cuts);
    free(v->ascii);
}

static size_t count_bytes(const struct quern_vocabulary *vocabulary)
{
    return quern_piece_table_bytes(&tables_of(vocabulary)->table) + QUERN_WORD_CUTS_BYTES +
           QUERN_ASCII_PAIRS * sizeof(uint32_t) + vocabulary->source.count * sizeof(int32_t);
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
    .piece_text = quern_metaspace_text,
};
