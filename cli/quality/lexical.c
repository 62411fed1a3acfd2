#include "lexical.h"

#include "cli.h"
#include "grow.h"
#include "text_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct occurrence {
    uint64_t word;
    uint32_t text;
};

struct occurrences {
    struct occurrence *all;
    size_t count, room;
};

/* Adds the words of a text. */
static bool add_words(struct occurrences *list, quern_text text, uint32_t number)
{
    struct quern_text_words words;
    quern_text_words_of(&words, text);
    for (uint64_t word; quern_text_words_next(&words, &word);) {
        struct occurrence *all = quern_eval_grow(list->all, list->count, &list->room, sizeof *all);
        if (all == NULL)
            return false;
        list->all = all;
        all[list->count++] = (struct occurrence){word, number};
    }
    return true;
}

static int compare_occurrences(const void *a, const void *b)
{
    const struct occurrence *x = a, *y = b;
    if (x->word != y->word)
        return x->word < y->word ? -1 : 1;
    return (x->text > y->text) - (x->text < y->text);
}

/* Sorts the occurrences and replaces hashes by numbers from 0. Returns how many words there are. */
static size_t number_words(struct occurrences *list)
{
    uint64_t last = 0;
    size_t words = 0;
    if (list->count > 0)
        qsort(list->all, list->count, sizeof *list->all, compare_occurrences);
    for (size_t i = 0; i < list->count; i++) {
        words += i == 0 || list->all[i].word != last;
        last = list->all[i].word;
        list->all[i].word = words - 1;
    }
    return words;
}

/* Fills terms from sorted occurrences, in two passes: counts, then places. */
static void fill_terms(struct quern_eval_bags *bags, const struct occurrences *list)
{
    for (int pass = 0; pass < 2; pass++) {
        size_t next;
        for (size_t i = 0; i < list->count; i = next) {
            const struct occurrence *o = &list->all[i];
            next = i + 1;
            while (next < list->count && list->all[next].word == o->word && list->all[next].text == o->text)
                next++;
            const uint32_t times = (uint32_t)(next - i);
            const bool is_document = o->text < bags->documents;
            if (pass == 0) {
                bags->text_begin[o->text + 1]++;
                bags->word_begin[o->word + 1] += is_document;
                continue;
            }
            bags->by_text[bags->text_begin[o->text]++] = (struct quern_eval_term){(uint32_t)o->word, times};
            if (is_document)
                bags->by_word[bags->word_begin[o->word]++] = (struct quern_eval_term){o->text, times};
        }
        for (size_t i = 0; i < bags->texts && pass == 0; i++)
            bags->text_begin[i + 1] += bags->text_begin[i];
        for (size_t i = 0; i < bags->words && pass == 0; i++)
            bags->word_begin[i + 1] += bags->word_begin[i];
    }
    /* The second pass has moved each beginning to that of the next element. So all values move to the next place. */
    memmove(bags->text_begin + 1, bags->text_begin, bags->texts * sizeof *bags->text_begin);
    memmove(bags->word_begin + 1, bags->word_begin, bags->words * sizeof *bags->word_begin);
    bags->text_begin[0] = bags->word_begin[0] = 0;
}

static double document_frequency(const struct quern_eval_bags *bags, uint32_t word)
{
    return (double)(bags->word_begin[word + 1] - bags->word_begin[word]);
}

static double tfidf(const struct quern_eval_bags *bags, struct quern_eval_term term)
{
    return term.times * (1 + log((1 + (double)bags->documents) / (1 + document_frequency(bags, term.number))));
}

static void measure_texts(struct quern_eval_bags *bags)
{
    for (size_t text = 0; text < bags->texts; text++) {
        double sum = 0, words = 0;
        for (size_t i = bags->text_begin[text]; i < bags->text_begin[text + 1]; i++) {
            const double weight = tfidf(bags, bags->by_text[i]);
            sum += weight * weight;
            words += bags->by_text[i].times;
        }
        bags->norms[text] = sqrt(sum);
        if (text < bags->documents) {
            bags->lengths[text] = words;
            bags->mean_length += words / (double)bags->documents;
        }
    }
}

static bool make_bags(struct quern_eval_bags *bags, struct occurrences *list, const quern_text *texts)
{
    if (bags->texts >= UINT32_MAX)
        return false;
    for (size_t i = 0; i < bags->texts; i++)
        if (!add_words(list, texts[i], (uint32_t)i))
            return false;
    bags->words = number_words(list);
    bags->by_text = calloc(list->count + 1, sizeof *bags->by_text);
    bags->by_word = calloc(list->count + 1, sizeof *bags->by_word);
    bags->text_begin = calloc(bags->texts + 1, sizeof *bags->text_begin);
    bags->word_begin = calloc(bags->words + 1, sizeof *bags->word_begin);
    bags->lengths = calloc(bags->documents + 1, sizeof *bags->lengths);
    bags->norms = calloc(bags->texts + 1, sizeof *bags->norms);
    if (bags->by_text == NULL || bags->by_word == NULL || bags->text_begin == NULL || bags->word_begin == NULL ||
        bags->lengths == NULL || bags->norms == NULL)
        return false;
    fill_terms(bags, list);
    measure_texts(bags);
    return true;
}

int quern_eval_bags_make(struct quern_eval_bags *bags, const quern_text *texts, size_t count, size_t documents)
{
    struct occurrences list = {0};
    *bags = (struct quern_eval_bags){.texts = count, .documents = documents};
    const bool made = make_bags(bags, &list, texts);
    free(list.all);
    if (made)
        return QUERN_CLI_DONE;
    quern_cli_say("no memory for the words of %zu texts", count);
    quern_eval_bags_free(bags);
    return QUERN_CLI_FAILED;
}

void quern_eval_bags_free(struct quern_eval_bags *bags)
{
    free(bags->by_text);
    free(bags->by_word);
    free(bags->text_begin);
    free(bags->word_begin);
    free(bags->lengths);
    free(bags->norms);
    *bags = (struct quern_eval_bags){0};
}

double quern_eval_tfidf_cosine(const struct quern_eval_bags *bags, size_t a, size_t b)
{
    const struct quern_eval_term *x = bags->by_text + bags->text_begin[a], *y = bags->by_text + bags->text_begin[b];
    const struct quern_eval_term *x_end = bags->by_text + bags->text_begin[a + 1];
    const struct quern_eval_term *y_end = bags->by_text + bags->text_begin[b + 1];
    double sum = 0;
    while (x < x_end && y < y_end) {
        if (x->number == y->number)
            sum += tfidf(bags, *x) * tfidf(bags, *y);
        const uint32_t word_x = x->number, word_y = y->number;
        x += word_x <= word_y;
        y += word_y <= word_x;
    }
    const double norms = bags->norms[a] * bags->norms[b];
    return norms > 0 ? sum / norms : 0;
}

void quern_eval_tfidf_search(const struct quern_eval_bags *bags, size_t text, double *scores)
{
    memset(scores, 0, bags->documents * sizeof *scores);
    for (size_t i = bags->text_begin[text]; i < bags->text_begin[text + 1]; i++) {
        const struct quern_eval_term query = bags->by_text[i];
        for (size_t j = bags->word_begin[query.number]; j < bags->word_begin[query.number + 1]; j++) {
            const struct quern_eval_term found = bags->by_word[j], term = {query.number, found.times};
            scores[found.number] +=
                tfidf(bags, query) * tfidf(bags, term) / (bags->norms[text] * bags->norms[found.number]);
        }
    }
}

void quern_eval_bm25_search(const struct quern_eval_bags *bags, size_t text, double *scores)
{
    memset(scores, 0, bags->documents * sizeof *scores);
    for (size_t i = bags->text_begin[text]; i < bags->text_begin[text + 1]; i++) {
        const uint32_t word = bags->by_text[i].number;
        const double df = document_frequency(bags, word);
        const double idf = quern_bm25_idf((double)bags->documents, df);
        for (size_t j = bags->word_begin[word]; j < bags->word_begin[word + 1]; j++) {
            const double times = bags->by_word[j].times;
            const uint32_t document = bags->by_word[j].number;
            const double length = bags->lengths[document] / bags->mean_length;
            scores[document] += quern_bm25(idf, times, length);
        }
    }
}
