/* Byte-level BPE by a list of merges, as GGUF files with the tokenizer "gpt2" describe it: a text is cut into words by
 * the classes of its characters, and the bytes of a word are merged.
 *
 * The ids are those of the published tokenizers where they define them. They differ from those of llama.cpp in these
 * points:
 * - The tokenizers "qwen2" and "modern-bert" bring a text to normal form C first. llama.cpp does not.
 * - A byte that belongs to no character of UTF-8 stays this byte here. It becomes U+FFFD there. Some vocabularies have
 *   no pieces for bytes that UTF-8 never has; such a byte is the unknown piece.
 * - An ordinary piece remains one, whatever its text. llama.cpp takes some, such as </s>, for control pieces. */
#include "text/byte_bpe.h"

#include "base/count.h"
#include "base/error.h"
#include "base/view.h"

#include <stdlib.h>

static const struct quern_word_rule rules[] = {
    {"gpt-2", false, false},
    {"olmo", false, false},
    {"modern-bert", false, true},
    {"qwen2", true, true},
};

static const struct quern_byte_bpe *tables_of(const struct quern_vocabulary *vocabulary)
{
    return (const struct quern_byte_bpe *)vocabulary;
}

static const struct quern_word_rule *find_rule(quern_text pre)
{
    for (size_t i = 0; i < QUERN_COUNT(rules); i++)
        if (quern_text_is(pre, rules[i].pre))
            return &rules[i];
    return NULL;
}

static bool takes(quern_text pre)
{
    return find_rule(pre) != NULL;
}

/* ---------------------------------------------------------------- spelling of bytes
 *
 * Pieces spell a byte as one character: a printable character of Latin-1 is itself, and the other 68 bytes are the code
 * points from 256 on, in ascending order. */

static bool is_printable(unsigned byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
}

/* Writes the character for a byte, and returns its length. */
static size_t spell_byte(unsigned byte, unsigned char out[4])
{
    unsigned code = byte;

    if (!is_printable(byte)) {
        code = 256;
        for (unsigned other = 0; other < byte; other++)
            code += !is_printable(other);
    }
    return quern_utf8_write(out, code);
}

/* The byte that a character stands for; -1: none. */
static int byte_of(uint32_t code)
{
    if (code < 256)
        return is_printable(code) ? (int)code : -1;
    for (unsigned byte = 0, number = 256; byte < 256; byte++)
        if (!is_printable(byte) && number++ == code)
            return (int)byte;
    return -1;
}

/* Special pieces are spelled as they are. */
static size_t piece_text(const struct quern_vocabulary *v, int32_t id, bool skip_space, char *out, size_t room)
{
    const quern_text text = v->source.texts[id];
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.length;
    const bool is_plain = v->kinds[id] == QUERN_PIECE_NORMAL || v->kinds[id] == QUERN_PIECE_UNUSED;
    size_t written = 0;

    while (p < end) {
        const size_t length = is_plain ? quern_utf8_length(p, (size_t)(end - p)) : 0;
        const int byte = length > 0 ? byte_of(quern_utf8_code(p, length)) : -1;
        const char next = byte >= 0 ? (char)byte : (char)*p;
        p += byte >= 0 ? length : 1;
        if (skip_space && next == ' ') {
            skip_space = false;
            continue;
        }
        skip_space = false;
        if (written < room)
            out[written] = next;
        written++;
    }
    return written;
}

/* ---------------------------------------------------------------- merging */

static size_t cut(const struct quern_tokenizer *t, const struct quern_new_word *word,
                  struct quern_pair_symbol *symbols)
{
    for (size_t i = 0; i < word->length; i++)
        symbols[i] = (struct quern_pair_symbol){tables_of(t->vocabulary)->bytes[word->text[i]], 1};
    return word->length;
}

static int put(const struct quern_tokenizer *base, const unsigned char *begin, const struct quern_pair_symbol *symbol,
               struct quern_ids *ids, quern_error *error)
{
    const struct quern_byte_tokenizer *t = (const struct quern_byte_tokenizer *)base;
    const unsigned char *end = begin + symbol->length;

    if (symbol->id < 0 && base->vocabulary->source.unknown < 0)
        return quern_fail(error, QUERN_EFORMAT, "the vocabulary has no piece for a byte of the text, 0x%02X, and none "
                          "for what is unknown", (unsigned)*begin);
    if (ids->spans != NULL && t->stretch != NULL) {
        end = t->stretch + t->origins[end - t->normal];
        begin = t->stretch + t->origins[begin - t->normal];
    }
    quern_ids_put_span(ids, symbol->id >= 0 ? symbol->id : base->vocabulary->source.unknown, begin, end);
    return QUERN_OK;
}

static int merge(struct quern_tokenizer *t, const struct quern_new_word *words, size_t count, size_t *ends,
                 struct quern_ids *ids, quern_error *error)
{
    static const struct quern_pair_spelling spelling = {cut, put};
    struct quern_pair_merger *merger = &((struct quern_byte_tokenizer *)t)->merger;

    return quern_pair_merger_run(merger, &tables_of(t->vocabulary)->pairs, &spelling, t, words, count, ends, ids,
                                 error);
}

static void release_tokenizer(struct quern_tokenizer *base)
{
    struct quern_byte_tokenizer *t = (struct quern_byte_tokenizer *)base;

    quern_pair_merger_release(&t->merger);
    quern_normal_segment_release(&t->segment);
    free(t->normal);
    free(t->origins);
}

/* ---------------------------------------------------------------- making the tables */

static void build_classes(struct quern_byte_bpe *v)
{
    quern_normal_classes(v->classes, QUERN_NEAR_CODES);
    for (uint32_t code = 0; code < QUERN_NEAR_CODES; code++)
        v->classes[code] = (unsigned char)(v->classes[code] << 2 | quern_letters_class(code));
}

static void find_bytes(struct quern_byte_bpe *v, const struct quern_piece_table *pieces)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        unsigned char text[QUERN_TEXT_KEY_SLACK] = {0};
        struct quern_piece_search search;
        quern_piece_table_begin(pieces, text, spell_byte(byte, text), &search);
        const uint32_t place = quern_piece_table_end(pieces, &search);
        const int32_t id = place != QUERN_NO_PIECE ? pieces->order->ids[place / 2] : -1;
        v->bytes[byte] = id >= 0 && quern_piece_is_plain(v->base.kinds[id]) ? id : -1;
    }
}

/* Makes what can only be made while pieces are found by their texts. */
static int build_from(struct quern_byte_bpe *v, struct quern_piece_order *order, struct quern_piece_table *pieces,
                      quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;

    QUERN_TRY(quern_piece_order_by_id(order, source->count, error));
    QUERN_TRY(quern_piece_table_new(pieces, source->texts, order, source->count, error));
    find_bytes(v, pieces);
    return quern_pair_table_new(&v->pairs, &v->base, pieces, error);
}

static int build(struct quern_vocabulary *vocabulary, quern_error *error)
{
    struct quern_byte_bpe *v = (struct quern_byte_bpe *)vocabulary;
    struct quern_piece_order order = {0};
    struct quern_piece_table pieces = {0};

    v->rule = find_rule(vocabulary->source.pre);
    if (v->rule == NULL)
        return quern_fail(error, QUERN_EUNSUPPORTED, "a vocabulary without a known rule for words");
    const int code = build_from(v, &order, &pieces, error);
    quern_piece_table_free(&pieces);
    quern_piece_order_free(&order);
    QUERN_TRY(code);
    build_classes(v);
    if (v->rule->normal_form) /* three bytes, such as those of U+212A, become one at most */
        vocabulary->longest_piece *= 3;
    return QUERN_OK;
}

static void release_vocabulary(struct quern_vocabulary *vocabulary)
{
    quern_pair_table_free(&((struct quern_byte_bpe *)vocabulary)->pairs);
}

static size_t count_bytes(const struct quern_vocabulary *vocabulary)
{
    return quern_pair_table_bytes(&tables_of(vocabulary)->pairs);
}

const struct quern_tokenizer_kind quern_byte_bpe_kind = {
    .name = "byte-bpe",
    .gguf_name = "gpt2",
    .takes = takes,
    .plain_spaces = true,
    .uses_merges = true,
    .defaults = {.tokenizer = &quern_byte_bpe_kind, .bos = -1, .eos = -1, .unknown = -1},
    .vocabulary_size = sizeof(struct quern_byte_bpe),
    .tokenizer_size = sizeof(struct quern_byte_tokenizer),
    .build = build,
    .release_vocabulary = release_vocabulary,
    .bytes = count_bytes,
    .release_tokenizer = release_tokenizer,
    .split = quern_byte_words_split,
    .merge = merge,
    .piece_text = piece_text,
};
