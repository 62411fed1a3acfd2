#include "text/word_cuts.h"

#include "base/error.h"
#include "text/character.h"

#include <stdlib.h>

static uint32_t pair_bit(uint32_t left, uint32_t right)
{
    if ((left | right) < 128)
        return left << 7 | right;
    uint64_t hash = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    return QUERN_ASCII_PAIRS + (uint32_t)((hash ^ hash << 29) >> (64 - QUERN_HASHED_PAIRS_LOG2));
}

/* Length and bytes of the character at p. U+2581 is the same as a space.
 *
 * Where the first byte of a character alone says how long it is, characters are those of the text as pieces spell it,
 * with U+2581 for a space. So a space may be torn, when the first byte of a character in front of it asks for more
 * bytes than there are: the first bytes of the space's U+2581 belong to that character, and the last ones stand alone.
 * Both are taken as one character here, which has the code TORN. */
#define TORN UINT32_MAX
#define METASPACE_CODE 0x8196e2u
static inline size_t read_character(const unsigned char *p, const unsigned char *end, bool well_formed, uint32_t *code)
{
    uint32_t bytes = p[0];

    if (bytes < 128) {
        *code = bytes;
        return 1;
    }
    const size_t length = well_formed ? quern_well_formed_length(p, end) : quern_character_length(p, end);
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
static inline bool joins(const struct quern_word_cuts *cuts, uint32_t left, uint32_t right)
{
    if (left == TORN || right == TORN)
        return true;
    uint32_t bit = pair_bit(left, right);
    return cuts->pairs[bit / 32] >> (bit % 32) & 1;
}

/* ---------------------------------------------------------------- making the tables */

int quern_word_cuts_new(struct quern_word_cuts *cuts, bool well_formed, quern_error *error)
{
    cuts->well_formed = well_formed;
    cuts->pairs = calloc(1, QUERN_WORD_CUTS_BYTES);
    return cuts->pairs != NULL ? QUERN_OK : quern_fail(error, QUERN_ENOMEM, "no memory for a vocabulary");
}

void quern_word_cuts_free(struct quern_word_cuts *cuts)
{
    free(cuts->pairs);
    cuts->pairs = NULL;
}

void quern_word_cuts_join(struct quern_word_cuts *cuts, const quern_text *piece)
{
    const unsigned char *p = (const unsigned char *)piece->data, *end = p + piece->length;
    uint32_t left, right;

    for (p += read_character(p, end, cuts->well_formed, &left); p < end; left = right) {
        p += read_character(p, end, cuts->well_formed, &right);
        uint32_t bit = pair_bit(left, right);
        cuts->pairs[bit / 32] |= 1u << (bit % 32);
    }
}

void quern_word_cuts_finish(struct quern_word_cuts *cuts)
{
    for (uint32_t right = 0; right < 128; right++)
        for (uint32_t left = 0; left < 128; left++)
            cuts->cuts[right << 8 | left] = !joins(cuts, left, right);
}

/* ---------------------------------------------------------------- cutting */

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

/* Bit i: no merge joins characters i - 1 and i of these up to 64 ASCII characters. Bit 0 is not set. 8 bytes behind the
 * characters are readable. */
static inline uint64_t find_cuts(const struct quern_word_cuts *cuts, const unsigned char *p, size_t count)
{
    uint64_t found = 0;

    for (size_t i = 0; i + 1 < count; i += 8) {
        uint64_t eight = 0;
        for (size_t k = 0; k < 8; k++)
            eight |= (uint64_t)cuts->cuts[quern_byte_pair(p + i + k) & 0x7f7f] << k;
        found |= eight << i;
    }
    return found << 1 & UINT64_MAX >> (64 - count);
}

int quern_word_cuts_split(const struct quern_word_cuts *cuts, struct quern_tokenizer *t, unsigned char *text,
                          const unsigned char *end, struct quern_ids *ids, quern_error *error)
{
    uint32_t last = 0, code;

    if (t->vocabulary->source.add_space_prefix)
        *--text = ' ';
    const unsigned char *word = text;
    for (const unsigned char *p = text; p < end; last = code) {
        const size_t ascii = count_ascii(p, end);
        size_t length = read_character(p, end, cuts->well_formed, &code);
        if (p != word && !joins(cuts, last, code)) {
            QUERN_TRY(quern_tokenizer_put_word(t, word, (size_t)(p - word), ids, error));
            word = p;
        }
        if (ascii > 1) {
            for (uint64_t found = find_cuts(cuts, p, ascii); found != 0; found &= found - 1) {
                const unsigned char *cut = p + __builtin_ctzll(found);
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
