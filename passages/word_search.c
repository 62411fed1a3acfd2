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
    struct quern_wanted_words query;
    double with[QUERN_MOST_WANTED_WORDS]; /* rows that have the word */
    double rows, length;                  /* of all rows */
    struct match *matches;
    size_t count, room;
    uint16_t *times; /* [room][query.count] */
};

static bool grow(struct search *search)
{
    if (search->count < search->room)
        return true;
    const size_t room = 2 * search->room + 256;
    struct match *matches = realloc(search->matches, room * sizeof *matches);
    search->matches = matches != NULL ? matches : search->matches;
    uint16_t *times = matches != NULL ? realloc(search->times, room * search->query.count * sizeof *times) : NULL;
    search->times = times != NULL ? times : search->times;
    search->room = times != NULL ? room : search->room;
    return times != NULL;
}

static bool add_row(struct search *search, uint64_t place, quern_text payload)
{
    struct quern_passage passage;
    if (!grow(search))
        return false;
    uint16_t *times = search->times + search->count * search->query.count;
    memset(times, 0, search->query.count * sizeof *times);
    quern_passage_read(&passage, payload);
    const uint32_t length = quern_wanted_words_count(&search->query, &search->words, passage.title, times) +
                            quern_wanted_words_count(&search->query, &search->words, passage.text, times);
    bool matches = false;
    for (size_t i = 0; i < search->query.count; i++) {
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
    quern_wanted_words_read(&search.query, &search.words, query);
    const int code = search.query.count > 0 ? read_rows(&search, index, error) : QUERN_OK;
    quern_text_words_end(&search.words);
    for (size_t i = 0; code == QUERN_OK && i < search.count; i++) {
        const struct match *match = &search.matches[i];
        quern_hit hit = {.place = match->place};
        if (only != NULL && (only[match->place / 64] >> match->place % 64 & 1) == 0)
            continue;
        for (size_t word = 0; word < search.query.count; word++) {
            const double times = search.times[i * search.query.count + word];
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
