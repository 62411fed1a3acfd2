#include "word_search.h"

#include "jobs_error.h"
#include "passage.h"
#include "text_words.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    RANK = 60,        /* of reciprocal rank fusion, as in its paper */
    PART_ROWS = 4096, /* rows for which a thread is worth starting */
    MOST_READERS = 16,
    MOST_TOGETHER = 64 /* queries that share a reading */
};

/* A row that has a word that is wanted. */
struct match {
    uint64_t place;
    uint32_t length; /* words of its title and text */
};

/* Queries that share a reading. */
struct asked_words {
    struct quern_wanted_words wanted; /* by any of them */
    size_t count;                     /* of the queries */
    struct {
        unsigned char places[QUERN_MOST_WANTED_WORDS]; /* of its words, among those that are wanted */
        int count;
    } queries[MOST_TOGETHER];
};

/* What a thread reads: the rows at places [begin, end). */
struct part {
    const quern_index *index;
    const struct quern_wanted_words *wanted;
    uint64_t begin, end;
    double with[QUERN_MOST_WANTED_WORDS]; /* rows that have the word */
    double idf[QUERN_MOST_WANTED_WORDS];  /* of the first part: weights of the words, by all rows */
    double rows, length;                  /* of all its rows */
    struct match *matches;
    size_t count, room;
    uint16_t *times; /* [room][wanted->count] */
    int code;
    quern_error error;
};

static bool grow(struct part *part)
{
    if (part->count < part->room)
        return true;
    const size_t room = 2 * part->room + 256;
    struct match *matches = realloc(part->matches, room * sizeof *matches);
    part->matches = matches != NULL ? matches : part->matches;
    uint16_t *times = matches != NULL ? realloc(part->times, room * part->wanted->count * sizeof *times) : NULL;
    part->times = times != NULL ? times : part->times;
    part->room = times != NULL ? room : part->room;
    return times != NULL;
}

static bool add_row(struct part *part, uint64_t place, quern_text payload)
{
    struct quern_passage passage;
    if (!grow(part))
        return false;
    uint16_t *times = part->times + part->count * part->wanted->count;
    memset(times, 0, part->wanted->count * sizeof *times);
    quern_passage_read(&passage, payload);
    const uint32_t length = quern_wanted_words_count(part->wanted, passage.title, times) +
                            quern_wanted_words_count(part->wanted, passage.text, times);
    bool matches = false;
    for (size_t i = 0; i < part->wanted->count; i++) {
        part->with[i] += times[i] > 0;
        matches |= times[i] > 0;
    }
    part->rows++;
    part->length += length;
    if (matches) {
        part->matches[part->count] = (struct match){.place = place, .length = length};
        part->count++;
    }
    return true;
}

static int read_rows(struct part *part)
{
    for (uint64_t place = part->begin; place < part->end; place++) {
        quern_index_row row;
        const int code = quern_index_get(part->index, place, &row, &part->error);
        if (code == QUERN_EINVAL) /* it was removed */
            continue;
        if (code != QUERN_OK)
            return code;
        if (!add_row(part, place, row.payload))
            return quern_jobs_fail(&part->error, QUERN_ENOMEM, "no memory for a search by words");
    }
    return QUERN_OK;
}

static void *read_part(void *argument)
{
    struct part *part = argument;
    part->code = read_rows(part);
    return NULL;
}

/* Reads all parts, each in a thread, the first one in this thread. A part without a thread is read here, too. */
static void read_parts(struct part *parts, size_t count)
{
    pthread_t threads[MOST_READERS];
    bool is_started[MOST_READERS] = {false};
    for (size_t i = 1; i < count; i++)
        is_started[i] = pthread_create(&threads[i], NULL, read_part, &parts[i]) == 0;
    for (size_t i = 0; i < count; i++) {
        if (is_started[i])
            pthread_join(threads[i], NULL);
        else
            read_part(&parts[i]);
    }
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

/* Adds up what the parts know of all rows, in the first of them. Returns the code of one that failed. */
static int add_parts(struct part *parts, size_t count, quern_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].code != QUERN_OK) {
            if (error != NULL)
                *error = parts[i].error;
            return parts[i].code;
        }
        for (size_t word = 0; i > 0 && word < parts->wanted->count; word++)
            parts->with[word] += parts[i].with[word];
        parts->rows += i > 0 ? parts[i].rows : 0;
        parts->length += i > 0 ? parts[i].length : 0;
    }
    for (size_t word = 0; word < parts->wanted->count; word++)
        parts->idf[word] = quern_bm25_idf(parts->rows, parts->with[word]);
    return QUERN_OK;
}

/* The score of a match of a part for a query; 0: it has no word of it. all: with the sums of all rows. */
static double score(const struct part *all, const struct part *part, size_t match, const struct asked_words *asked,
                    size_t query)
{
    const uint16_t *row = part->times + match * part->wanted->count;
    double score = 0;
    for (int i = 0; i < asked->queries[query].count; i++) {
        const size_t word = asked->queries[query].places[i];
        if (row[word] > 0)
            score += quern_bm25(all->idf[word], row[word], part->matches[match].length / (all->length / all->rows));
    }
    return score;
}

/* Divides the rows at all places among parts, which are else like the first one. Returns how many parts there are. */
static size_t divide(struct part parts[MOST_READERS], uint64_t places, int threads)
{
    const struct part first = parts[0];
    size_t count = (size_t)(places / PART_ROWS) + 1;
    count = count < (size_t)threads ? count : (size_t)threads;
    count = count < MOST_READERS ? count : MOST_READERS;
    for (size_t i = 0; i < count; i++) {
        parts[i] = first;
        parts[i].begin = places * i / count;
        parts[i].end = places * (i + 1) / count;
    }
    return count;
}

/* Takes the first of texts[count], as many as share a reading: at least one. */
static void take_queries(struct asked_words *asked, const quern_text *texts, size_t count)
{
    asked->wanted = (struct quern_wanted_words){.count = 0};
    for (asked->count = 0; asked->count < count && asked->count < MOST_TOGETHER; asked->count++) {
        const size_t i = asked->count;
        asked->queries[i].count = quern_wanted_words_add(&asked->wanted, texts[i], asked->queries[i].places);
        if (asked->queries[i].count < 0)
            break;
    }
}

/* Collects the hits of one of the queries. all[count]: the parts. */
static void collect_hits(const struct part *all, size_t count, const struct asked_words *asked, size_t query,
                         const uint64_t *only, size_t most, quern_hit *hits, size_t *hit_count)
{
    for (const struct part *part = all; part < all + count; part++)
        for (size_t i = 0; i < part->count; i++) {
            const uint64_t place = part->matches[i].place;
            const double found = score(all, part, i, asked, query);
            if (found > 0 && (only == NULL || (only[place / 64] >> place % 64 & 1) != 0))
                put_hit(hits, hit_count, most, (quern_hit){place, found});
        }
}

/* Searches for queries that share a reading. */
static int search_together(const struct quern_word_queries *queries, const quern_index *index,
                           const struct asked_words *asked, size_t most, quern_hit *hits, size_t *counts,
                           quern_error *error)
{
    struct part parts[MOST_READERS] = {{.index = index, .wanted = &asked->wanted}};
    size_t part_count = 0;
    quern_index_info info = {.size = sizeof info};
    int code = quern_index_describe(index, &info, error);
    memset(counts, 0, asked->count * sizeof *counts);
    if (code == QUERN_OK && asked->wanted.count > 0) {
        part_count = divide(parts, info.places, queries->threads);
        read_parts(parts, part_count);
        code = add_parts(parts, part_count, error);
    }
    for (size_t i = 0; code == QUERN_OK && i < asked->count; i++)
        collect_hits(parts, part_count, asked, i, queries->only, most, hits + i * most, &counts[i]);
    for (size_t i = 0; i < part_count; i++) {
        free(parts[i].matches);
        free(parts[i].times);
    }
    return code;
}

int quern_word_search(const struct quern_word_queries *queries, const quern_index *index, size_t most, quern_hit *hits,
                      size_t *counts, quern_error *error)
{
    struct asked_words asked;
    int code = QUERN_OK;
    for (size_t first = 0; code == QUERN_OK && first < queries->count; first += asked.count) {
        take_queries(&asked, queries->texts + first, queries->count - first);
        code = search_together(queries, index, &asked, most, hits + first * most, counts + first, error);
    }
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
