#include "word_search.h"

#include "jobs_error.h"
#include "passage.h"
#include "text_words.h"

#include <stdlib.h>
#include <string.h>

enum { RANK = 60 }; /* of reciprocal rank fusion, as in its paper */

/* A row that has a word of the query. */
struct match {
    uint64_t place;
    uint32_t length; /* words of its title and text */
};

struct search {
    struct quern_text_words words;
    uint64_t query[QUERN_WORD_SEARCH_WORDS];
    size_t query_words;
    double with[QUERN_WORD_SEARCH_WORDS]; /* rows that have the word */
    double rows, length;                  /* of all rows */
    struct match *matches;
    size_t count, room;
    uint16_t *times; /* [room][query_words] */
};

static void read_query(struct search *search, quern_text query)
{
    uint64_t word;
    quern_text_words_of(&search->words, query);
    while (search->query_words < QUERN_WORD_SEARCH_WORDS && quern_text_words_next(&search->words, &word)) {
        size_t i = 0;
        while (i < search->query_words && search->query[i] != word)
            i++;
        if (i == search->query_words)
            search->query[search->query_words++] = word;
    }
}

/* Counts the words of a text. Returns how many it has. */
static uint32_t count_words(struct search *search, quern_text text, uint16_t *times)
{
    uint32_t length = 0;
    uint64_t word;
    quern_text_words_of(&search->words, text);
    for (; quern_text_words_next(&search->words, &word); length++)
        for (size_t i = 0; i < search->query_words; i++)
            times[i] = (uint16_t)(times[i] + (search->query[i] == word && times[i] < UINT16_MAX));
    return length;
}

static bool grow(struct search *search)
{
    if (search->count < search->room)
        return true;
    const size_t room = 2 * search->room + 256;
    struct match *matches = realloc(search->matches, room * sizeof *matches);
    search->matches = matches != NULL ? matches : search->matches;
    uint16_t *times = matches != NULL ? realloc(search->times, room * search->query_words * sizeof *times) : NULL;
    search->times = times != NULL ? times : search->times;
    search->room = times != NULL ? room : search->room;
    return times != NULL;
}

static bool add_row(struct search *search, uint64_t place, quern_text payload)
{
    struct quern_passage passage;
    if (!grow(search))
        return false;
    uint16_t *times = search->times + search->count * search->query_words;
    memset(times, 0, search->query_words * sizeof *times);
    quern_passage_read(&passage, payload);
    const uint32_t length = count_words(search, passage.title, times) + count_words(search, passage.text, times);
    bool matches = false;
    for (size_t i = 0; i < search->query_words; i++) {
        search->with[i] += times[i] > 0;
        matches |= times[i] > 0;
    }
    search->rows++;
    search->length += length;
    if (matches) {
        search->matches[search->count] = (struct match){.place = place, .length = length};
        search->count++;
    }
    return true;
}

static int read_rows(struct search *search, const quern_index *index, quern_error *error)
{
    quern_index_info info = {.size = sizeof info};
    int code = quern_index_describe(index, &info, error);
    for (uint64_t place = 0; code == QUERN_OK && place < info.places; place++) {
        quern_index_row row;
        const int got = quern_index_get(index, place, &row, NULL);
        if (got == QUERN_EINVAL) /* it was removed */
            continue;
        if (got != QUERN_OK)
            return quern_index_get(index, place, &row, error); /* for its message */
        if (!add_row(search, place, row.payload))
            code = quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a search by words");
    }
    return code;
}

/* Whether hit a stands before hit b. */
static bool is_before(const quern_hit *a, const quern_hit *b)
{
    return a->score != b->score ? a->score > b->score : a->place < b->place;
}

/* Puts a hit where it belongs among the best. */
static void put_hit(quern_hit *hits, size_t *count, size_t most, quern_hit hit)
{
    if (most == 0 || (*count == most && !is_before(&hit, &hits[most - 1])))
        return;
    size_t at = *count < most ? (*count)++ : most - 1;
    for (; at > 0 && is_before(&hit, &hits[at - 1]); at--)
        hits[at] = hits[at - 1];
    hits[at] = hit;
}

int quern_word_search(const quern_index *index, quern_text query, const uint64_t *only, size_t most, quern_hit *hits,
                      size_t *count, quern_error *error)
{
    struct search search = {.count = 0};
    *count = 0;
    quern_text_words_begin(&search.words);
    read_query(&search, query);
    const int code = search.query_words > 0 ? read_rows(&search, index, error) : QUERN_OK;
    quern_text_words_end(&search.words);
    for (size_t i = 0; code == QUERN_OK && i < search.count; i++) {
        const struct match *match = &search.matches[i];
        quern_hit hit = {.place = match->place};
        if (only != NULL && (only[match->place / 64] >> match->place % 64 & 1) == 0)
            continue;
        for (size_t word = 0; word < search.query_words; word++) {
            const double times = search.times[i * search.query_words + word];
            if (times > 0)
                hit.score += quern_bm25(quern_bm25_idf(search.rows, search.with[word]), times,
                                        match->length / (search.length / search.rows));
        }
        put_hit(hits, count, most, hit);
    }
    free(search.matches);
    free(search.times);
    return code;
}

/* The rank of a row in a list, from 1; 0: it is not there. */
static size_t rank_of(const quern_hit *hits, size_t count, uint64_t place)
{
    for (size_t i = 0; i < count; i++)
        if (hits[i].place == place)
            return i + 1;
    return 0;
}

size_t quern_join_hits(const quern_hit *a, size_t a_count, const quern_hit *b, size_t b_count, quern_hit *out,
                       size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < a_count; i++) {
        const size_t rank = rank_of(b, b_count, a[i].place);
        const double score = 1.0 / (double)(RANK + i + 1) + (rank > 0 ? 1.0 / (double)(RANK + rank) : 0);
        put_hit(out, &count, most, (quern_hit){a[i].place, score});
    }
    for (size_t i = 0; i < b_count; i++)
        if (rank_of(a, a_count, b[i].place) == 0)
            put_hit(out, &count, most, (quern_hit){b[i].place, 1.0 / (double)(RANK + i + 1)});
    return count;
}
