#include "text/pair_word.h"

#include <assert.h>

#define ROOM (2 * QUERN_PAIRS_AT_ONCE) /* elements of pairs that are compared */

static_assert(QUERN_PAIR_SYMBOLS <= ROOM, "the pairs of a word are compared");
static_assert(QUERN_PAIR_SYMBOLS < QUERN_PAIR_NUMBERS, "no pair has the element of those that do not exist");
static_assert(QUERN_MOST_MERGES < QUERN_NO_PAIR >> QUERN_PAIR_BITS, "each rank is below that of no pair");

static void begin_search(const struct quern_pair_word *word, const struct quern_pair_table *table, size_t left,
                         size_t right, struct quern_pair_search *search)
{
    quern_pair_table_begin(table, word->symbols[left].id, word->symbols[right].id, search);
}

void quern_pair_word_begin(struct quern_pair_word *word, const struct quern_pair_table *table)
{
    word->left = word->right = QUERN_NO_PAIR;
    word->left_search = word->right_search = (struct quern_pair_search){UINT64_MAX, table->buckets};
    for (size_t i = 0; i < ROOM; i++)
        word->pairs[i] = QUERN_NO_PAIR;
    for (size_t i = 0; i < word->count; i++) {
        word->next[i] = (unsigned char)(i + 1);
        word->last[i + 1] = (unsigned char)i;
    }
    word->last[0] = 0;
    word->next[word->count] = (unsigned char)word->count;
    for (size_t i = 0; i + 1 < word->count; i++)
        begin_search(word, table, i, i + 1, &word->searches[i]);
}

static void end_first_searches(struct quern_pair_word *word, const struct quern_pair_table *table)
{
    for (size_t i = 0; i + 1 < word->count; i++) {
        const struct quern_joint joint = quern_pair_table_end(table, &word->searches[i]);
        word->pairs[i] = quern_pair_of(joint.rank, (int32_t)i);
        word->joints[i] = joint.id;
    }
}

/* Makes one symbol of pair i, and begins to find what it is joined to. Where there is no neighbour, the pair on the
 * other side is searched twice. Returns false when there is no other symbol. */
static bool join_pair(struct quern_pair_word *word, const struct quern_pair_table *table, size_t i)
{
    const size_t right = word->next[i], next = word->next[right], last = word->last[i];
    const bool has_last = i > 0, has_next = next < word->count;

    word->symbols[i].id = word->joints[i];
    word->symbols[i].length += word->symbols[right].length;
    word->pairs[last] = word->pairs[i] = word->pairs[right] = QUERN_NO_PAIR;
    word->next[i] = (unsigned char)next;
    word->last[next] = (unsigned char)i;
    if (!has_last & !has_next)
        return false;
    word->left = has_last ? (int32_t)last : QUERN_NO_PAIR;
    word->right = has_next ? (int32_t)i : QUERN_NO_PAIR;
    begin_search(word, table, has_last ? last : i, has_last ? i : next, &word->left_search);
    begin_search(word, table, has_next ? i : last, has_next ? next : i, &word->right_search);
    return true;
}

static void set_pair(struct quern_pair_word *word, int32_t number, int32_t pair, int32_t joint)
{
    word->pairs[quern_pair_number(number)] = pair;
    word->joints[quern_pair_number(number)] = joint;
}

/* The two pairs that the last merge has changed are compared by themselves, and written when the others have been
 * read. */
static bool step(void *of, const void *tables)
{
    struct quern_pair_word *word = of;
    const struct quern_pair_table *table = tables;
    const struct quern_joint left = quern_pair_table_end(table, &word->left_search);
    const struct quern_joint right = quern_pair_table_end(table, &word->right_search);
    const int32_t left_pair = quern_pair_of(left.rank, word->left), right_pair = quern_pair_of(right.rank, word->right);
    const int32_t best = quern_lesser_pair(quern_least_pair(word->pairs, word->count),
                                           quern_lesser_pair(left_pair, right_pair));

    set_pair(word, word->left, left_pair, left.id);
    set_pair(word, word->right, right_pair, right.id);
    return quern_pair_rank(best) < QUERN_MOST_MERGES && join_pair(word, table, quern_pair_number(best));
}

void quern_pair_words_merge(struct quern_pair_word *words, size_t count, const struct quern_pair_table *table)
{
    for (size_t i = 0; i < count; i++)
        end_first_searches(&words[i], table);
    quern_words_take_turns(words, count, sizeof *words, step, table);
}
