/* Makes texts to measure with, and measures the tokenizer. */
#include "bench.h"

#include "base/count.h"
#include "base/error.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- texts */

/* The most frequent words come first. */
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
static const char *const suffixes[] = {"s", "ed", "ing", "er", "ly", "less", "ful", "able", "ation", "ness"};

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

/* A word from the list, the first ones most often. One in five gets a suffix, one in forty is a number. */
static void put_word(struct writer *w)
{
    char number[16];
    if (below(w, 40) == 0) {
        snprintf(number, sizeof number, "%zu", below(w, 3000));
        put(w, number);
        return;
    }
    put(w, words[(size_t)(pow(uniform(w), 2) * (double)QUERN_COUNT(words))]);
    if (below(w, 5) == 0)
        put(w, suffixes[below(w, QUERN_COUNT(suffixes))]);
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

/* ---------------------------------------------------------------- tokenizing */

struct tokenizing {
    struct quern_bench *bench;
    quern_text text;
    int32_t *ids;
    size_t capacity, count;
};

static int tokenize(void *user)
{
    struct tokenizing *t = user;
    return quern_tokenize(t->bench->session.context, t->text, NULL, t->ids, t->capacity, &t->count, &t->bench->error);
}

/* Writes a text to FOLDER/NAME.txt, so that other tokenizers can be measured with it. */
static int keep(struct quern_bench *bench, const char *name, quern_text text)
{
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/%s.txt", bench->options.texts_folder, name);
    const char *what = quern_cli_read_from(path);
    if (what != NULL)
        return quern_fail(&bench->error, QUERN_EINVAL, "cannot write %s: %s read from it", path, what);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "we") : NULL;
    const bool written = file != NULL && fwrite(text.data, 1, text.length, file) == text.length;
    if ((file != NULL && fclose(file) != 0) || !written)
        return quern_fail(&bench->error, QUERN_EIO, "cannot write %s: %s", path, strerror(errno));
    return QUERN_OK;
}

static int measure_text(struct quern_bench *bench, struct quern_bench_table *table, const char *name, bool markdown,
                        size_t bytes)
{
    const bool sentence = bytes == sizeof QUERN_BENCH_SENTENCE - 1;
    char *made = sentence ? strdup(QUERN_BENCH_SENTENCE) : quern_bench_text(markdown, bytes);
    struct tokenizing t = {.bench = bench, .text = {made, bytes}, .capacity = bytes + 8};
    struct quern_bench_figures f;
    t.ids = malloc(t.capacity * sizeof *t.ids);
    int code = made == NULL || t.ids == NULL ? quern_fail(&bench->error, QUERN_ENOMEM, "no memory for a text")
                                             : quern_bench_measure(&f, tokenize, &t, bench->options.seconds);
    if (code == QUERN_OK && bench->options.texts_folder != NULL)
        code = keep(bench, name, t.text);
    if (code == QUERN_OK)
        quern_bench_put(&bench->report, table, name, (double)bytes, (double)t.count, f.p50_ns, f.min_ns, 1e9 / f.p50_ns,
                        (double)bytes / f.p50_ns * 1e3, f.bytes, f.allocations);
    free(made);
    free(t.ids);
    return code;
}

int quern_bench_tokenize(struct quern_bench *bench)
{
    static const struct quern_bench_column columns[] = {
        {"text", "text", QUERN_BENCH_TEXT}, {"bytes", "bytes", 0}, {"tokens", "tokens", 0}, {"ns", "ns", 0},
        {"min_ns", "least, ns", 0}, {"ops_per_s", "ops/s", 1}, {"mb_per_s", "MB/s", 2}, {"bytes_per_op", "B/op", 0},
        {"allocations_per_op", "allocations/op", 1}, {NULL, NULL, 0}};
    static const struct { const char *name; bool markdown; size_t bytes; } texts[] = {
        {"question", false, sizeof QUERN_BENCH_SENTENCE - 1}, {"english-1k", false, 1000},
        {"english-100k", false, 100000}, {"markdown-1k", true, 1000}, {"markdown-100k", true, 100000}};
    struct quern_bench_table *table = quern_bench_table_add(
        &bench->report, "tokenize", "Tokenizing",
        "Median of calls on one thread. The texts are made from a list of words, so most words are "
        "in the tokenizer's cache.", columns);
    int code = QUERN_OK;
    for (size_t i = 0; i < QUERN_COUNT(texts) && code == QUERN_OK; i++)
        code = measure_text(bench, table, texts[i].name, texts[i].markdown, texts[i].bytes);
    return code;
}
