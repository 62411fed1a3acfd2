/* WordPiece, as GGUF files with the tokenizer "bert" describe it: a word becomes the longest piece that it begins with,
 * then the longest piece that the rest begins with, and so on. Pieces at the start of a word have U+2581 in front.
 *
 * The ids are those of the published tokenizers, which are those of Hugging Face; see wordpiece_characters.c. llama.cpp
 * does otherwise with Hangul, with marks that are no accents, with words of more than 100 characters and with a few
 * control characters. Bytes that are not UTF-8 are left out, as by llama.cpp; Hugging Face takes no such text.
 *
 * The opening and the closing token are put around every text, whatever a file says. Without QUERN_PARSE_SPECIAL, no
 * text becomes a control piece. Unused pieces stand for no text. */
#include "base/error.h"
#include "base/utf8.h"
#include "text/piece_trie.h"
#include "text/tokenizer_kind.h"
#include "text/wordpiece_characters.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_WORD 100 /* characters; a longer word is unknown */
#define WORD_START 0x2581u

struct wordpiece {
    struct quern_vocabulary base;
    struct quern_wordpiece_characters characters;
    struct quern_piece_trie trie;
    uint32_t starts;         /* the node of the trie behind WORD_START; 0: there is none */
    unsigned char uses[128]; /* the quern_character_use of ASCII characters */
};

static const struct wordpiece *tables_of(const struct quern_vocabulary *vocabulary)
{
    return (const struct wordpiece *)vocabulary;
}

/* ---------------------------------------------------------------- from a text to words */

/* The code point of the character at p, and its length; -1 for a byte that is not UTF-8. p < end */
static inline int32_t read_code(const unsigned char *p, const unsigned char *end, size_t *length)
{
    *length = quern_utf8_length(p, (size_t)(end - p));
    if (*length > 0)
        return (int32_t)quern_utf8_code(p, *length);
    *length = 1;
    return -1;
}

static enum quern_character_use use_at(const struct wordpiece *v, const unsigned char *p, const unsigned char *end,
                                       size_t *length)
{
    if (*p < 128) {
        *length = 1;
        return (enum quern_character_use)v->uses[*p];
    }
    const int32_t code = read_code(p, end, length);
    return code >= 0 ? quern_entry_use(quern_character_entry(&v->characters, (uint32_t)code)) : QUERN_USE_DROPPED;
}

/* Words stay as they stand in the text. merge() normalises those that are not in the cache. This gives the same words
 * as the other order, because no mark is sorted across white space, punctuation or an ideograph. */
static int split(struct quern_tokenizer *t, unsigned char *text, const unsigned char *end, struct quern_ids *ids,
                 quern_error *error)
{
    const struct wordpiece *v = tables_of(t->vocabulary);
    const unsigned char *word = text;
    size_t length;

    for (const unsigned char *p = text; p < end; p += length) {
        const enum quern_character_use use = use_at(v, p, end, &length);
        if (use != QUERN_USE_WHITE && use != QUERN_USE_SINGLE)
            continue;
        if (p > word)
            QUERN_TRY(quern_tokenizer_put_word(t, word, (size_t)(p - word), ids, error));
        if (use == QUERN_USE_SINGLE)
            QUERN_TRY(quern_tokenizer_put_word(t, p, length, ids, error));
        word = p + length;
    }
    return end > word ? quern_tokenizer_put_word(t, word, (size_t)(end - word), ids, error) : QUERN_OK;
}

/* ---------------------------------------------------------------- from a word to characters */

/* A normalised word. */
struct word {
    size_t count;
    size_t sortable; /* marks from here on may change places with the next one */
    uint32_t codes[LONGEST_WORD];
    unsigned char orders[LONGEST_WORD];
    const unsigned char *places[LONGEST_WORD]; /* the characters of the text that they come from */
};

/* Appends a character. A mark goes before those marks that have a greater order, as in canonical decomposition. */
static bool append(struct word *word, uint32_t code, uint32_t order, const unsigned char *place)
{
    size_t at = word->count;

    if (word->count == LONGEST_WORD)
        return false;
    for (; order > 0 && at > word->sortable && word->orders[at - 1] > order; at--) {
        word->codes[at] = word->codes[at - 1];
        word->orders[at] = word->orders[at - 1];
        word->places[at] = word->places[at - 1];
    }
    word->codes[at] = code;
    word->orders[at] = (unsigned char)order;
    word->places[at] = place;
    word->count++;
    if (order == 0)
        word->sortable = word->count;
    return true;
}

/* Appends what a character becomes. Returns whether there was room. */
static bool append_normal(const struct wordpiece *v, struct word *word, uint32_t code, const unsigned char *place)
{
    const uint32_t entry = quern_character_entry(&v->characters, code), normal = entry & QUERN_ENTRY_CODE;
    const enum quern_character_use use = quern_entry_use(entry);
    uint32_t parts[3];

    switch (use) {
    case QUERN_USE_DROPPED:
        return true;
    case QUERN_USE_DIVIDING:
        word->sortable = word->count;
        return true;
    case QUERN_USE_SEVERAL:
    case QUERN_USE_SYLLABLE:
        for (size_t i = 0, count = quern_character_parts(code, use, parts); i < count; i++)
            if (!append(word, parts[i], quern_entry_order(quern_character_entry(&v->characters, parts[i])), place))
                return false;
        return true;
    default:
        return append(word, normal != 0 ? normal : code, quern_entry_order(entry), place);
    }
}

/* Returns false for a word that is too long. */
static bool normalise(const struct wordpiece *v, const unsigned char *p, const unsigned char *end, struct word *word)
{
    word->count = word->sortable = 0;
    for (size_t length; p < end; p += length) {
        const int32_t code = read_code(p, end, &length);
        if (code >= 0 && !append_normal(v, word, (uint32_t)code, p))
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------- from characters to pieces */

/* The longest piece that characters begin with, and its length; -1: there is none. */
static int32_t longest_piece(const struct wordpiece *v, const struct word *word, size_t at, size_t *length)
{
    uint32_t node = at == 0 ? v->starts : 0;
    int32_t id = -1;

    /* Behind WORD_START in the trie are pieces for the start of a word only. */
    const size_t end = at > 0 && word->codes[at] == WORD_START ? at + 1 : word->count;
    if (at == 0 && node == 0)
        return -1;
    for (size_t i = at; i < end; i++) {
        const struct quern_trie_edge *edge = quern_trie_look_up(&v->trie, node, word->codes[i]);
        if (edge->piece > 0) {
            id = edge->piece - 1;
            *length = i + 1 - at;
        }
        node = edge->to;
        if (node == 0)
            break;
    }
    return id;
}

/* The place of the text where a piece ends whose last character is in front of word->codes[at]. A character of the text
 * that becomes several belongs to the first piece that has a part of it; one that is left out, to the piece before. */
static const unsigned char *place_behind(const struct word *word, size_t at, const unsigned char *end)
{
    const unsigned char *last = word->places[at - 1];

    while (at < word->count && word->places[at] <= last)
        at++;
    return at < word->count ? word->places[at] : end;
}

static void merge_word(const struct wordpiece *v, const struct quern_new_word *new_word, struct quern_ids *ids)
{
    const unsigned char *place = new_word->text, *end = place + new_word->length;
    int32_t found[LONGEST_WORD];
    size_t ends[LONGEST_WORD], count = 0;
    struct word word;
    bool is_known = normalise(v, place, end, &word);

    for (size_t at = 0, length = 0; is_known && at < word.count; at += length) {
        found[count] = longest_piece(v, &word, at, &length);
        is_known = found[count] >= 0;
        ends[count++] = at + length;
    }
    if (!is_known)
        quern_ids_put_span(ids, v->base.source.unknown, place, end);
    for (size_t i = 0; is_known && i < count; i++) {
        const unsigned char *behind = ids->spans != NULL ? place_behind(&word, ends[i], end) : end;
        if (behind < place) /* marks have changed places */
            behind = place;
        quern_ids_put_span(ids, found[i], place, behind);
        place = behind;
    }
}

static int merge(struct quern_tokenizer *t, const struct quern_new_word *words, size_t count, size_t *ends,
                 struct quern_ids *ids, quern_error *error)
{
    (void)error;
    for (size_t i = 0; i < count; i++) {
        merge_word(tables_of(t->vocabulary), &words[i], ids);
        ends[i] = ids->count;
    }
    return QUERN_OK;
}

static void release_tokenizer(struct quern_tokenizer *t)
{
    (void)t;
}

/* ---------------------------------------------------------------- making the tables */

bool quern_pieces_have_capitals(const struct quern_vocabulary_source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        const quern_text text = source->texts[i];
        if (source->kinds[i] == QUERN_PIECE_NORMAL && text.length > QUERN_METASPACE_LENGTH &&
            memcmp(text.data, QUERN_METASPACE, QUERN_METASPACE_LENGTH) == 0 &&
            text.data[QUERN_METASPACE_LENGTH] >= 'A' && text.data[QUERN_METASPACE_LENGTH] <= 'Z')
            return true;
    }
    return false;
}

static int build_trie(struct wordpiece *v, quern_error *error)
{
    const struct quern_vocabulary_source *source = &v->base.source;
    bool *usable = malloc(source->count * sizeof *usable);

    if (usable == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary of %zu pieces", source->count);
    for (size_t i = 0; i < source->count; i++)
        usable[i] = v->base.kinds[i] == QUERN_PIECE_NORMAL || v->base.kinds[i] == QUERN_PIECE_USER_DEFINED;
    const int code = quern_piece_trie_new(&v->trie, source->texts, usable, source->count, error);
    free(usable);
    QUERN_TRY(code);
    v->starts = quern_trie_look_up(&v->trie, 0, WORD_START)->to;
    return QUERN_OK;
}

static int build(struct quern_vocabulary *vocabulary, quern_error *error)
{
    struct wordpiece *v = (struct wordpiece *)vocabulary;
    const struct quern_vocabulary_source *source = &vocabulary->source;

    if (source->unknown < 0)
        return quern_fail(error, QUERN_EFORMAT, "the vocabulary has no token for unknown words");
    QUERN_TRY(build_trie(v, error));
    quern_wordpiece_characters_fill(&v->characters, source->lowercase, source->strip_accents);
    for (uint32_t code = 0; code < 128; code++)
        v->uses[code] = (unsigned char)quern_entry_use(quern_character_entry(&v->characters, code));
    vocabulary->longest_piece = QUERN_ANY_LENGTH; /* any number of bytes may stand for one token, or for none */
    return QUERN_OK;
}

static void release_vocabulary(struct quern_vocabulary *vocabulary)
{
    quern_piece_trie_free(&((struct wordpiece *)vocabulary)->trie);
}

static size_t count_bytes(const struct quern_vocabulary *vocabulary)
{
    return quern_piece_trie_bytes(&tables_of(vocabulary)->trie);
}

/* ---------------------------------------------------------------- from pieces to text */

/* A piece for the start of a word has a space in front of it. */
static size_t piece_text(const struct quern_vocabulary *vocabulary, int32_t id, bool skip_space, char *out, size_t room)
{
    const quern_text text = vocabulary->source.texts[id];
    const bool is_start = text.length > QUERN_METASPACE_LENGTH &&
                          memcmp(text.data, QUERN_METASPACE, QUERN_METASPACE_LENGTH) == 0;
    const size_t skipped = is_start ? QUERN_METASPACE_LENGTH : 0, space = is_start && !skip_space;
    const size_t rest = text.length - skipped, left = room > space ? room - space : 0;

    if (room > 0 && space > 0)
        out[0] = ' ';
    if (left > 0)
        memcpy(out + space, text.data + skipped, rest < left ? rest : left);
    return space + rest;
}

const struct quern_tokenizer_kind quern_wordpiece_kind = {
    .name = "wordpiece",
    .gguf_name = "bert",
    .always_encloses = true,
    .uses_case = true,
    .defaults = {.tokenizer = &quern_wordpiece_kind, .bos = 101, .eos = 102, .unknown = 100, .add_bos = true,
                 .add_eos = true, .add_space_prefix = true, .lowercase = true, .strip_accents = true},
    .vocabulary_size = sizeof(struct wordpiece),
    .tokenizer_size = sizeof(struct quern_tokenizer),
    .build = build,
    .release_vocabulary = release_vocabulary,
    .bytes = count_bytes,
    .release_tokenizer = release_tokenizer,
    .split = split,
    .merge = merge,
    .piece_text = piece_text,
};
