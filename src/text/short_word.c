#include "text/short_word.h"

#include "base/error.h"
#include "text/character.h"
#include "text/word_pairs.h"

#include <assert.h>
#include <string.h>

/* What a word is like decides few branches here, because a CPU cannot predict them, and most of the time would be lost
 * by that. */

#define NO_PAIRS 127 /* each byte of elements of pairs that are not set: not below MOST_PLACES << QUERN_PAIR_BITS */
#define MOST_PLACES (0x7f7f7f7f >> QUERN_PAIR_BITS) /* of a vocabulary whose pieces pairs can hold */

static_assert(QUERN_SHORT_WORD % QUERN_PAIRS_AT_ONCE == 0, "a short word has whole groups of pairs");
static_assert(QUERN_SHORT_WORD < QUERN_PAIR_NUMBERS, "no pair has the element of those that do not exist");
static_assert(QUERN_SHORT_WORD >= QUERN_WORD_BYTES + QUERN_METASPACE_LENGTH - 1, "a plain word is short");

/* What stands before and behind each byte in a word of single bytes. */
static const unsigned char numbers[QUERN_SHORT_WORD + QUERN_METASPACE_LENGTH + 1] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};

/* Begins to find the piece whose text goes from one symbol to another. */
static void begin_search(const struct quern_short_word *word, const struct quern_sentencepiece_bpe *v, size_t first,
                         size_t end, struct quern_piece_search *search)
{
    quern_piece_table_begin(&v->table, word->text + first, end - first, search);
}

/* Whether merging can make the piece of a pair. The piece of a search may be one that merging cannot make. */
static bool is_joined(const struct quern_sentencepiece_bpe *v, int32_t pair)
{
    return quern_pair_rank(pair) < v->end;
}

static void set_pair(struct quern_short_word *word, size_t i, uint32_t piece)
{
    word->pairs[i] = quern_pair_of(piece, (int32_t)i);
}

/* Makes a symbol of each byte of the text, without pairs. */
static void begin_symbols(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v, size_t length)
{
    word->length = length;
    word->left = word->right = QUERN_NO_PAIR;
    word->left_search = word->right_search = (struct quern_piece_search){.bucket = v->table.buckets};
    word->open = 0;
    memcpy(word->next, numbers + 1, sizeof word->next);
    memcpy(word->last + 1, numbers, sizeof word->last - 1);
    word->last[0] = 0;
    for (size_t i = 0; i < length; i += QUERN_PAIRS_AT_ONCE) {
        memset(word->pieces + i, 255, QUERN_PAIRS_AT_ONCE * sizeof *word->pieces);
        memset(word->pairs + i, NO_PAIRS, QUERN_PAIRS_AT_ONCE * sizeof *word->pairs);
    }
}

/* Makes one symbol of the bytes of a character. */
static void join_bytes(struct quern_short_word *word, size_t first, size_t length)
{
    word->next[first] = (unsigned char)(first + length);
    word->last[first + length] = (unsigned char)first;
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
    uint32_t last_code = 0;

    begin_symbols(word, v, length);
    for (size_t i = 0, character; i < length; i += character) {
        character = quern_character_length(word->text + i, word->text + length);
        const uint32_t code = ascii_code(word->text + i, character);
        const size_t last = word->last[i];
        join_bytes(word, i, character);
        if (i > 0 && (last_code | code) < 128) {
            set_pair(word, last, v->ascii[last_code << 7 | code]);
        } else if (i > 0) {
            begin_search(word, v, last, i + character, &word->searches[last]);
            word->open |= (uint64_t)1 << last;
        }
        last_code = code;
    }
    word->next[length] = (unsigned char)length;
}

/* The same for a plain word: of ASCII characters, of which only the first one may be a space. */
static void begin_plain(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v,
                        const struct quern_new_word *from)
{
    const unsigned char *p = from->text;
    const size_t shift = *p == ' ' ? QUERN_METASPACE_LENGTH - 1 : 0, length = from->length + shift;

    memcpy(word->text + shift, p, QUERN_WORD_SLACK);
    if (shift > 0)
        memcpy(word->text, QUERN_METASPACE, QUERN_METASPACE_LENGTH);
    begin_symbols(word, v, length);
    join_bytes(word, 0, shift + 1);
    word->next[length] = (unsigned char)length;
    if (from->length > 1)
        set_pair(word, 0, v->ascii[(uint32_t)p[0] << 7 | p[1]]);
    for (size_t i = 1; i + 1 < from->length; i++)
        set_pair(word, i + shift, v->ascii[(uint32_t)p[i] << 7 | p[i + 1]]);
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
    if (v->base.source.count > MOST_PLACES / 2)
        return false;
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

/* Makes one symbol of a pair, and begins to find what it makes with its neighbours. Where there is no neighbour, a text
 * is searched all the same, and what is found does not matter. Returns false when there is no other symbol. */
static bool join_pair(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v, int32_t pair)
{
    const size_t i = quern_pair_number(pair), right = word->next[i], next = word->next[right], last = word->last[i];

    word->pieces[i] = quern_pair_rank(pair);
    word->pairs[last] = word->pairs[i] = word->pairs[right] = QUERN_NO_PAIR;
    word->next[i] = (unsigned char)next;
    word->last[next] = (unsigned char)i;
    if (word->next[0] == word->length)
        return false;
    word->left = i > 0 ? (int32_t)last : QUERN_NO_PAIR;
    word->right = next < word->length ? (int32_t)i : QUERN_NO_PAIR;
    begin_search(word, v, last, next, &word->left_search);
    begin_search(word, v, i, word->next[next], &word->right_search);
    return true;
}

static uint32_t rank_of_pair(const struct quern_sentencepiece_bpe *v, int32_t pair)
{
    return quern_sentencepiece_bpe_rank(v, quern_pair_rank(pair));
}

/* The leftmost pair that makes a piece of the same score as a pair. */
static int32_t leftmost_alike(const struct quern_short_word *word, const struct quern_sentencepiece_bpe *v,
                              int32_t pair)
{
    const uint32_t rank = rank_of_pair(v, pair);

    for (size_t i = 0; i < word->length; i = word->next[i])
        if (is_joined(v, word->pairs[i]) && rank_of_pair(v, word->pairs[i]) == rank)
            return word->pairs[i];
    return pair;
}

/* Begins to find the pieces of the characters that no merge has changed, and brings the ids of the others from
 * memory. */
static void end_merging(struct quern_short_word *word, const struct quern_sentencepiece_bpe *v)
{
    for (size_t i = 0; i < word->length; i = word->next[i]) {
        if (word->pieces[i] == QUERN_NO_PIECE)
            begin_search(word, v, i, word->next[i], &word->searches[i]);
        else
            __builtin_prefetch(&v->order.ids[word->pieces[i] / 2]);
    }
}

/* The two pairs that the last merge has changed are compared by themselves, and written when the others have been
 * read. */
static bool step(void *of, const void *tables)
{
    struct quern_short_word *word = of;
    const struct quern_sentencepiece_bpe *v = tables;

    for (; word->open != 0; word->open &= word->open - 1) {
        const size_t i = (size_t)__builtin_ctzll(word->open);
        set_pair(word, i, quern_piece_table_end(&v->table, &word->searches[i]));
    }
    const int32_t left = quern_pair_of(quern_piece_table_end(&v->table, &word->left_search), word->left);
    const int32_t right = quern_pair_of(quern_piece_table_end(&v->table, &word->right_search), word->right);
    const int32_t best = quern_lesser_pair(quern_least_pair(word->pairs, word->length), quern_lesser_pair(left, right));
    word->pairs[quern_pair_number(word->left)] = left;
    word->pairs[quern_pair_number(word->right)] = right;
    if (is_joined(v, best) && join_pair(word, v, quern_pair_rank(best) & 1 ? leftmost_alike(word, v, best) : best))
        return true;
    end_merging(word, v);
    return false;
}

void quern_short_words_merge(struct quern_short_word *words, size_t count, const struct quern_sentencepiece_bpe *v)
{
    quern_words_take_turns(words, count, sizeof *words, step, v);
}

int quern_short_word_put(const struct quern_short_word *word, const struct quern_sentencepiece_bpe *v,
                         const struct quern_new_word *from, struct quern_ids *ids, quern_error *error)
{
    struct quern_cursor cursor = {from->text, 0};

    for (size_t i = 0; i < word->length; i = word->next[i]) {
        const size_t length = word->next[i] - i;
        const uint32_t known = word->pieces[i];
        const uint32_t piece = known != QUERN_NO_PIECE ? known : quern_sentencepiece_bpe_end(v, &word->searches[i]);
        QUERN_TRY(quern_cursor_put_piece(&cursor, v, piece, word->text + i, length, ids, error));
    }
    return QUERN_OK;
}
