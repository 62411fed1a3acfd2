#include "text/pair_word.h"

#define NO_JOINTS ((uint64_t)QUERN_NO_RANK << 8) /* keys of pairs that are joined are below it */

static void begin_search(struct quern_pair_word *word, const struct quern_pair_table *table, size_t left)
{
    const size_t right = word->next[left];

    word->keys[left] = UINT64_MAX;
    if (right == word->count)
        return;
    word->numbers[word->search_count] = (unsigned char)left;
    quern_pair_table_begin(table, word->symbols[left].id, word->symbols[right].id,
                           &word->searches[word->search_count++]);
}

static void end_searches(struct quern_pair_word *word, const struct quern_pair_table *table)
{
    for (size_t i = 0; i < word->search_count; i++) {
        const size_t number = word->numbers[i];
        const struct quern_joint joint = quern_pair_table_end(table, &word->searches[i]);
        word->keys[number] = (uint64_t)joint.rank << 8 | number;
        word->joints[number] = joint.id;
    }
    word->search_count = 0;
}

void quern_pair_word_begin(struct quern_pair_word *word, const struct quern_pair_table *table)
{
    word->search_count = 0;
    for (size_t i = 0; i < word->count; i++) {
        word->next[i] = (unsigned char)(i + 1);
        word->last[i + 1] = (unsigned char)i;
        begin_search(word, table, i);
    }
}

bool quern_pair_word_step(struct quern_pair_word *word, const struct quern_pair_table *table)
{
    uint64_t best = UINT64_MAX;

    end_searches(word, table);
    for (size_t i = 0; i < word->count; i++)
        best = word->keys[i] < best ? word->keys[i] : best;
    if (best >= NO_JOINTS)
        return false;
    const size_t left = best & 255, right = word->next[left], next = word->next[right];
    word->symbols[left].id = word->joints[left];
    word->symbols[left].length += word->symbols[right].length;
    word->keys[right] = UINT64_MAX;
    word->next[left] = (unsigned char)next;
    word->last[next] = (unsigned char)left;
    begin_search(word, table, left);
    if (left > 0)
        begin_search(word, table, word->last[left]);
    return word->search_count > 0;
}
