/* SentencePiece unigram, as GGUF files with the tokenizer "t5" describe it, for models that descend from XLM-R: each
 * word becomes the pieces with the greatest sum of scores.
 *
 * The ids are those of the published tokenizers, which are those of Hugging Face (Precompiled, WhitespaceSplit and
 * Metaspace). SentencePiece itself and llama.cpp replace the longest key of the character map, wherever it begins; see
 * unigram_words.c for the rule of Hugging Face, which differs where marks follow a character.
 *
 * White space has no tokens. Some published tokenizers lack WhitespaceSplit, and put a piece U+2581 behind a text that
 * ends in white space. A model's file does not tell these, and SentencePiece makes no such piece. The key
 * tokenizer.ggml.remove_extra_whitespaces is not read, because converters write another setting to it.
 *
 * Without QUERN_PARSE_SPECIAL, no text becomes a control or unknown piece. Unused pieces, such as "[PAD250000]", stand
 * for no text. */
#include "text/unigram.h"

#include "base/count.h"
#include "base/error.h"
#include "text/metaspace.h"

#include <math.h>
#include <stdlib.h>

#define UNKNOWN_PENALTY 10.0 /* an unknown character is so much worse than the worst piece */

/* ---------------------------------------------------------------- making the tables */

static bool is_usable(int kind)
{
    return kind == QUERN_PIECE_NORMAL || kind == QUERN_PIECE_USER_DEFINED;
}

static int check_pieces(const struct quern_unigram *v, quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;

    if (!source->add_space_prefix)
        return quern_fail(error, QUERN_EUNSUPPORTED, "the vocabulary puts no space before a text "
                          "(tokenizer.ggml.add_space_prefix is false): quern has unigram tokenizers only with one");
    for (size_t i = 0; i < source->count; i++) {
        if (v->base.kinds[i] == QUERN_PIECE_BYTE)
            return quern_fail(error, QUERN_EUNSUPPORTED, "piece %zu of the vocabulary stands for a byte: quern has no "
                              "unigram tokenizer with such pieces", i);
        if (is_usable(v->base.kinds[i]) && source->texts[i].length > QUERN_UNIGRAM_LONGEST)
            return quern_fail(error, QUERN_EUNSUPPORTED,
                              "piece %zu of the vocabulary has %zu bytes: quern has unigram tokenizers only with "
                              "pieces of up to %d", i, source->texts[i].length, QUERN_UNIGRAM_LONGEST);
    }
    return QUERN_OK;
}

static int build_scores(struct quern_unigram *v, quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;
    double least = INFINITY;

    v->scores = malloc(source->count * sizeof *v->scores);
    if (v->scores == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", source->count);
    for (size_t i = 0; i < source->count; i++) {
        v->scores[i] = v->base.kinds[i] == QUERN_PIECE_USER_DEFINED ? 0 : source->scores[i];
        if (v->base.kinds[i] == QUERN_PIECE_NORMAL && source->scores[i] < least)
            least = source->scores[i];
    }
    if (least == INFINITY)
        return quern_fail(error, QUERN_EFORMAT, "the vocabulary has no normal pieces");
    v->unknown_score = least - UNKNOWN_PENALTY;
    return QUERN_OK;
}

static int build_trie(struct quern_unigram *v, quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;
    bool *usable = malloc(source->count * sizeof *usable);

    if (usable == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", source->count);
    for (size_t i = 0; i < source->count; i++)
        usable[i] = is_usable(v->base.kinds[i]);
    const int code = quern_piece_trie_new(&v->trie, source->texts, usable, source->count, error);
    free(usable);
    return code;
}

static void mark_white(unsigned char *marks)
{
    static const struct {
        uint16_t first, last;
    } white[] = {{0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
                 {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};

    for (size_t i = 0; i < QUERN_COUNT(white); i++)
        for (uint32_t code = white[i].first; code <= white[i].last; code++)
            marks[code] |= QUERN_MARK_WHITE;
}

static void build_marks(struct quern_unigram *v)
{
    unsigned char bytes[4];
    quern_text text;

    quern_grapheme_classes(v->marks, QUERN_MARKED_CODES);
    mark_white(v->marks);
    for (uint32_t code = 0; code < QUERN_MARKED_CODES; code++)
        if (quern_charsmap_find(&v->charsmap, bytes, quern_utf8_write(bytes, code), &text))
            v->marks[code] |= QUERN_MARK_KEY;
}

/* Whether a text is white space and nothing else. */
static bool is_white(const struct quern_unigram *v, quern_text text)
{
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.length;

    for (size_t length; p < end; p += length) {
        const uint32_t code = quern_trie_code(p, end, &length);
        if (code >= QUERN_MARKED_CODES || !(v->marks[code] & QUERN_MARK_WHITE))
            return false;
    }
    return text.length > 0;
}

static unsigned char ascii_kind(const struct quern_unigram *v, const char *text, size_t length)
{
    const quern_text same = {text, length};
    quern_text replacement;

    if (quern_charsmap_find(&v->charsmap, (const unsigned char *)text, length, &replacement))
        return is_white(v, replacement) ? QUERN_ASCII_BLANK : QUERN_ASCII_OTHER;
    return is_white(v, same) ? QUERN_ASCII_BLANK : QUERN_ASCII_PLAIN;
}

/* CR and LF are one cluster, and blank only if that is blank, too. */
static void build_ascii(struct quern_unigram *v)
{
    for (int byte = 1; byte < 128; byte++) {
        const char text = (char)byte;
        v->ascii[byte] = ascii_kind(v, &text, 1);
    }
    if (v->ascii['\n'] != QUERN_ASCII_BLANK || ascii_kind(v, "\r\n", 2) != QUERN_ASCII_BLANK)
        v->ascii['\r'] = QUERN_ASCII_OTHER;
}

static int build(struct quern_vocabulary *vocabulary, quern_error *error)
{
    struct quern_unigram *v = (struct quern_unigram *)vocabulary;

    QUERN_TRY(check_pieces(v, error));
    QUERN_TRY(quern_charsmap_new(&v->charsmap, v->base.source.charsmap, error));
    QUERN_TRY(build_scores(v, error));
    QUERN_TRY(build_trie(v, error));
    build_marks(v);
    build_ascii(v);
    v->base.longest_piece = QUERN_ANY_LENGTH; /* one token may stand for any number of unknown characters */
    return QUERN_OK;
}

static void release_vocabulary(struct quern_vocabulary *vocabulary)
{
    struct quern_unigram *v = (struct quern_unigram *)vocabulary;

    quern_charsmap_free(&v->charsmap);
    quern_piece_trie_free(&v->trie);
    free(v->scores);
}

static size_t count_bytes(const struct quern_vocabulary *vocabulary)
{
    const struct quern_unigram *v = quern_unigram_of(vocabulary);

    return quern_charsmap_bytes(&v->charsmap) + quern_piece_trie_bytes(&v->trie) +
           v->base.source.count * sizeof *v->scores;
}

static void release_tokenizer(struct quern_tokenizer *base)
{
    struct quern_unigram_tokenizer *t = (struct quern_unigram_tokenizer *)base;

    free(t->normal);
    free(t->origins);
    free(t->places);
}

const struct quern_tokenizer_kind quern_unigram_kind = {
    .name = "unigram",
    .gguf_name = "t5",
    .uses_scores = true,
    .uses_charsmap = true,
    .defaults = {.tokenizer = &quern_unigram_kind, .bos = 0, .eos = 2, .unknown = 3, .add_bos = true, .add_eos = true,
                 .add_space_prefix = true},
    .vocabulary_size = sizeof(struct quern_unigram),
    .tokenizer_size = sizeof(struct quern_unigram_tokenizer),
    .build = build,
    .release_vocabulary = release_vocabulary,
    .bytes = count_bytes,
    .release_tokenizer = release_tokenizer,
    .split = quern_unigram_split,
    .merge = quern_unigram_merge,
    .piece_text = quern_metaspace_text,
};
