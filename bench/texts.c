/* Makes texts to measure with. */
#include "bench.h"

#include "base/count.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The most frequent words come first. From STEMS on they are stems, of which rarer words are made. */
static const char *const words[] = {
    "the", "of", "and", "to", "in", "is", "a", "that", "it", "for", "on", "with", "as", "was", "by", "at", "from",
    "are", "be", "this", "which", "or", "an", "not", "have", "one", "were", "when", "there", "can", "more", "if",
    "no", "out", "water", "people", "year", "small", "place", "house", "night", "road", "stone", "paper", "letter",
    "window", "garden", "engine", "signal", "measure", "number", "record", "surface", "pressure", "channel",
    "memory", "thread", "kernel", "wheat", "barley", "harvest", "miller", "river", "valley", "bridge", "harbour",
    "mountain", "forest", "winter", "summer", "morning", "evening", "teacher", "doctor", "captain", "village",
    "market", "kitchen", "machine", "wheel", "gear", "copper", "silver", "timber", "orchard", "pasture", "shepherd",
    "weather", "station", "journey", "history", "language", "grammar", "question", "answer", "reason", "theory",
    "method", "result", "figure", "pattern", "balance", "current", "voltage", "particle", "planet", "orbit",
    "telescope", "mineral", "fossil", "glacier", "volcano"};
static const char *const suffixes[] = {"", "s", "ed", "ing", "er", "ly", "less", "ful", "able", "ation", "ness"};
static const char *const prefixes[] = {"", "un", "re", "over", "under", "out", "fore", "mis", "sub", "inter"};
enum { STEMS = 34, STEM_COUNT = QUERN_COUNT(words) - STEMS, RANKS = 30000 };

struct writer {
    char *out;
    size_t used, size;
    uint64_t random;
};

/* xorshift64* (Vigna 2016), in [0, 1) */
static double uniform(struct writer *w)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (double)(w->random * 0x2545f4914f6cdd1du >> 11) * 0x1p-53;
}

static size_t below(struct writer *w, size_t count)
{
    return (size_t)(uniform(w) * (double)count);
}

static void put(struct writer *w, const char *text)
{
    for (; *text != '\0' && w->used < w->size; text++)
        w->out[w->used++] = *text;
}

/* The word of a rank: one of the list, or a stem with a suffix, then also with a prefix, then with a second stem. */
static void put_rank(struct writer *w, size_t rank)
{
    if (rank < QUERN_COUNT(words)) {
        put(w, words[rank]);
        return;
    }
    size_t form = rank - QUERN_COUNT(words) + STEM_COUNT; /* the stems alone are in the list */
    const char *stem = words[STEMS + form % STEM_COUNT];
    form /= STEM_COUNT;
    const char *suffix = suffixes[form % QUERN_COUNT(suffixes)];
    form /= QUERN_COUNT(suffixes);
    put(w, prefixes[form % QUERN_COUNT(prefixes)]);
    put(w, stem);
    form /= QUERN_COUNT(prefixes);
    if (form > 0)
        put(w, words[STEMS + (form * 37 + rank) % STEM_COUNT]);
    put(w, suffix);
}

/* A word. As in real texts, its frequency is about inverse to its rank, counted from 1 (Zipf): a few words make half of
 * a text, and most of the different words in 100 KB stand there once. One in forty is a number. */
static void put_word(struct writer *w)
{
    char number[16];
    if (below(w, 40) == 0) {
        snprintf(number, sizeof number, "%zu", below(w, 3000));
        put(w, number);
        return;
    }
    put_rank(w, (size_t)(pow(RANKS + 1, uniform(w)) - 1));
}

static void put_sentence(struct writer *w)
{
    const size_t begin = w->used, length = 4 + below(w, 16);
    for (size_t i = 0; i < length; i++) {
        put_word(w);
        if (i + 1 < length)
            put(w, below(w, 9) == 0 ? ", " : " ");
    }
    put(w, below(w, 12) == 0 ? "?" : ".");
    if (begin < w->used && w->out[begin] >= 'a' && w->out[begin] <= 'z')
        w->out[begin] = (char)(w->out[begin] - 'a' + 'A');
}

static void put_paragraph(struct writer *w)
{
    for (size_t i = 3 + below(w, 4); i > 0; i--) {
        put_sentence(w);
        put(w, i > 1 ? " " : "\n\n");
    }
}

static void put_items(struct writer *w, const char *mark)
{
    for (size_t i = 2 + below(w, 5); i > 0; i--) {
        put(w, mark);
        put(w, "**");
        put_word(w);
        put(w, "**: ");
        put_sentence(w);
        put(w, "\n");
    }
    put(w, "\n");
}

static void put_code(struct writer *w)
{
    put(w, "```c\n");
    for (size_t i = 3 + below(w, 6); i > 0; i--) {
        put(w, "    int ");
        put_word(w);
        put(w, "_");
        put_word(w);
        put(w, " = ");
        put_word(w);
        put(w, "[i + 1] * 0x3f;\n");
    }
    put(w, "```\n\n");
}

static void put_table(struct writer *w)
{
    for (size_t row = 0; row < 5; row++) {
        for (size_t column = 0; column < 3; column++) {
            put(w, row == 1 ? "|---" : "| ");
            if (row != 1)
                put_word(w);
        }
        put(w, row == 1 ? "|\n" : " |\n");
    }
    put(w, "\n");
}

static void put_section(struct writer *w)
{
    put(w, below(w, 3) == 0 ? "# " : "## ");
    put_word(w);
    put(w, " ");
    put_word(w);
    put(w, "\n\n");
    put_paragraph(w);
    switch (below(w, 4)) {
    case 0: put_items(w, "- "); break;
    case 1: put_items(w, "1. "); break;
    case 2: put_code(w); break;
    default: put_table(w);
    }
    put(w, "See [");
    put_word(w);
    put(w, "](https://example.org/");
    put_word(w);
    put(w, ").\n\n");
}

char *quern_bench_text(bool markdown, size_t bytes)
{
    struct writer w = {.out = malloc(bytes + 1), .size = bytes, .random = 88172645463325252u};
    if (w.out == NULL)
        return NULL;
    while (w.used < w.size)
        if (markdown)
            put_section(&w);
        else
            put_paragraph(&w);
    w.out[bytes] = '\0';
    return w.out;
}
