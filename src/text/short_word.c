#include "text/short_word.h"

#include "base/error.h"
#include "text/character.h"

#include <assert.h>
#include <string.h>

/* What a word is like decides few branches here, because a CPU cannot predict them, and most of the time would be lost
 * by that. */

#define NO_PAIR QUERN_SHORT_WORD                  /* stands for all pairs that do not exist */
#define PAIRS_AT_ONCE 16                          /* are compared without a branch */
#define NO_PIECES ((uint64_t)QUERN_NO_PIECE << 8) /* pairs that make a piece are below it */

static_assert(QUERN_SHORT_WORD % PAIRS_AT_ONCE == 0, "a short word has whole groups of pairs");
static_assert(QUERN_SHORT_WORD >= QUERN_WORD_BYTES + QUERN_METASPACE_LENGTH - 1, "a plain word is short");

/* Where the characters begin in a word of single bytes, and their numbers. */
static const unsigned char numbers[QUERN_SHORT_WORD + QUERN_METASPACE_LENGTH] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50};

/* Begins to find the piece whose text goes from one character to another. */
static void begin_search(const struct quern_short_word *word, const struct quern_sentencepiece_bpe *v, size_t first,
                         size_t end, struct quern_piece_search *search)
{
    const size_t begin = word->begins[first];

    quern_piece_table_begin(&v->table, word->text + begin, word->begins[end] - begin, search);
}

static void set_pair(struct quern_short_word *word, size_t i, uint32_t piece)
{
    word->pairs[i] = (uint64_t)piece << 8 | i;
}

/* Makes a symbol of each character. */
static void link_symbols(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v, size_t count)
{
    word->count = count;
    word->left = word->right = NO_PAIR;
    word->left_search = word->right_search = (struct quern_piece_search){.bucket = v->table.buckets};
    word->open = 0;
    memcpy(word->next, numbers + 1, sizeof word->next);
    word->next[count] = (unsigned char)count;
    word->last[0] = 0;
    memcpy(word->last + 1, numbers, sizeof word->last - 1);
    for (size_t i = 0; i < count; i += PAIRS_AT_ONCE) {
        memset(word->pieces + i, 255, PAIRS_AT_ONCE * sizeof *word->pieces);
        memset(word->pairs + i, 255, PAIRS_AT_ONCE * sizeof *word->pairs);
    }
}

/* The code of a character in the tables of ASCII characters; 128: it is not there. */
static uint32_t ascii_code(const unsigned char *text, size_t length)
{
    if (length == 1)
        return *text < 128 ? *text : 128;
    return length == QUERN_METASPACE_LENGTH && memcmp(text, QUERN_METASPACE, QUERN_METASPACE_LENGTH) == 0 ? ' ' : 128;
}

/* Cuts the text of a word into characters, and begins to find what pairs of them make. */
static void begin_any(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v, size_t length)
{
    uint32_t codes[QUERN_SHORT_WORD];
    size_t count = 0;

    for (size_t place = 0; place < length; count++) {
        const size_t character = quern_character_length(word->text + place, word->text + length);
        codes[count] = ascii_code(word->text + place, character);
        word->begins[count] = (unsigned char)place;
        place += character;
    }
    word->begins[count] = (unsigned char)length;
    link_symbols(word, v, count);
    for (size_t i = 0; i + 1 < count; i++) {
        if ((codes[i] | codes[i + 1]) < 128) {
            set_pair(word, i, v->ascii[codes[i] << 7 | codes[i + 1]]);
        } else {
            begin_search(word, v, i, i + 2, &word->searches[i]);
            word->open |= (uint64_t)1 << i;
        }
    }
}

/* The same for a plain word: of ASCII characters, of which only the first one may be a space. */
static void begin_plain(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v,
                        const struct quern_new_word *from)
{
    const unsigned char *p = from->text;
    const size_t shift = *p == ' ' ? QUERN_METASPACE_LENGTH - 1 : 0;

    memcpy(word->text + shift, p, QUERN_WORD_SLACK);
    if (shift > 0)
        memcpy(word->text, QUERN_METASPACE, QUERN_METASPACE_LENGTH);
    memcpy(word->begins, numbers + shift, sizeof word->begins);
    word->begins[0] = 0;
    link_symbols(word, v, from->length);
    for (size_t i = 0; i + 1 < from->length; i++)
        set_pair(word, i, v->ascii[(uint32_t)p[i] << 7 | p[i + 1]]);
}

/* The highest bit of a byte, if one of the bytes is a space or not ASCII; else 0. */
static uint64_t find_others(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101u, not_space = bytes ^ 0x20 * ones;

    return (bytes | (~not_space & (not_space - ones))) & 0x80 * ones;
}

static bool is_plain(const struct quern_new_word *word)
{
    const size_t length = word->length - 1; /* of what follows the first character */
    const size_t first = length < QUERN_TEXT_KEY_BYTES ? length : QUERN_TEXT_KEY_BYTES;

    if (word->length > QUERN_WORD_BYTES || *word->text >= 128)
        return false;
    const struct quern_text_key key = quern_text_key_read(word->text + 1, first, 0);
    const struct quern_text_key rest = quern_text_key_read(word->text + 1 + first, length - first, 0);
    return (find_others(key.low) | find_others(key.high) | find_others(rest.low) | find_others(rest.high)) == 0;
}

bool quern_short_word_begin(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v,
                            const struct quern_new_word *from)
{
    if (is_plain(from)) {
        begin_plain(word, v, from);
        return true;
    }
    const size_t length = quern_new_word_length(from);
    if (length > QUERN_SHORT_WORD)
        return false;
    quern_new_word_spell(from, word->text);
    begin_any(word, v, length);
    return true;
}

/* Makes one symbol of pair i, and begins to find what it makes with its neighbours. Where there is no neighbour, a text
 * is searched all the same, and what is found does not matter. Returns false when there is no other symbol. */
static bool join_pair(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v, size_t i)
{
    const size_t right = word->next[i], next = word->next[right], last = word->last[i];

    word->pieces[i] = (uint32_t)(word->pairs[i] >> 8);
    word->pairs[i] = word->pairs[right] = UINT64_MAX;
    word->next[i] = (unsigned char)next;
    word->last[next] = (unsigned char)i;
    if (word->next[0] == word->count)
        return false;
    word->left = i > 0 ? last : NO_PAIR;
    word->right = next < word->count ? i : NO_PAIR;
    begin_search(word, v, last, next, &word->left_search);
    begin_search(word, v, i, word->next[next], &word->right_search);
    return true;
}

/* The leftmost pair that makes a piece of the same score as pair i. */
static size_t leftmost_alike(const struct quern_short_word *word, const struct quern_sentencepiece_bpe *v, size_t i)
{
    const uint32_t rank = quern_sentencepiece_bpe_rank(v, (uint32_t)(word->pairs[i] >> 8));

    for (size_t left = 0; left < i; left = word->next[left])
        if (word->pairs[left] < NO_PIECES &&
            quern_sentencepiece_bpe_rank(v, (uint32_t)(word->pairs[left] >> 8)) == rank)
            return left;
    return i;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t smallest_of_8(const uint64_t *p)
{
    const uint64_t first = smaller(smaller(p[0], p[1]), smaller(p[2], p[3]));
    const uint64_t second = smaller(smaller(p[4], p[5]), smaller(p[6], p[7]));

    return smaller(first, second);
}

static uint64_t best_pair(const struct quern_short_word *word)
{
    uint64_t best = UINT64_MAX;

    for (size_t i = 0; i < word->count; i += PAIRS_AT_ONCE)
        best = smaller(best, smaller(smallest_of_8(word->pairs + i), smallest_of_8(word->pairs + i + 8)));
    return best;
}

/* Begins to find the pieces of the characters that no merge has changed, and brings the ids of the others from
 * memory. */
static void end_merging(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v)
{
    for (size_t i = 0; i < word->count; i = word->next[i]) {
        if (word->pieces[i] == QUERN_NO_PIECE)
            begin_search(word, v, i, word->next[i], &word->searches[i]);
        else
            __builtin_prefetch(&v->order.ids[word->pieces[i] / 2]);
    }
}

bool quern_short_word_step(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v)
{
    set_pair(word, word->left, quern_sentencepiece_bpe_end(v, &word->left_search));
    set_pair(word, word->right, quern_sentencepiece_bpe_end(v, &word->right_search));
    for (; word->open != 0; word->open &= word->open - 1) {
        const size_t i = (size_t)__builtin_ctzll(word->open);
        set_pair(word, i, quern_sentencepiece_bpe_end(v, &word->searches[i]));
    }
    const uint64_t best = best_pair(word);
    if (best < NO_PIECES) {
        const size_t i = best >> 8 & 1 ? leftmost_alike(word, v, best & 255) : best & 255;
        if (join_pair(word, v, i))
            return true;
    }
    end_merging(word, v);
    return false;
}

int quern_short_word_put(const struct quern_short_word *word, const struct quern_sentencepiece_bpe *v,
                         const struct quern_new_word *from, struct quern_ids *ids, quern_error *error)
{
    struct quern_cursor cursor = {from->text, 0};

    for (size_t i = 0; i < word->count; i = word->next[i]) {
        const size_t begin = word->begins[i], length = word->begins[word->next[i]] - begin;
        const uint32_t known = word->pieces[i];
        const uint32_t piece = known != QUERN_NO_PIECE ? known : quern_sentencepiece_bpe_end(v, &word->searches[i]);
        QUERN_TRY(quern_cursor_put_piece(&cursor, v, piece, word->text + begin, length, ids, error));
    }
    return QUERN_OK;
}
