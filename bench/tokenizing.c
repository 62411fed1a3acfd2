/* Measures the tokenizer. */
#include "bench.h"

#include "api/handles.h"
#include "base/count.h"
#include "base/error.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Sets *ns to the median time in which a tokenizer tokenises the text when it is its first one. */
static int measure_first(struct tokenizing *t, double *ns)
{
    enum { LEAST_PASSES = 5, MOST_PASSES = 501 };
    double passes[MOST_PASSES];
    const double end = quern_bench_now_ns() + t->bench->options.seconds * 1e9;
    size_t count = 0, tokens;
    while (count < LEAST_PASSES || (count < MOST_PASSES && quern_bench_now_ns() < end)) {
        struct quern_tokenizer *tokenizer;
        QUERN_TRY(quern_tokenizer_new(&tokenizer, t->bench->session.model->vocabulary, &t->bench->error));
        const double begin = quern_bench_now_ns();
        const int code = quern_tokenizer_run(tokenizer, &t->text, 1, 0, t->ids, t->capacity, &tokens,
                                             &t->bench->error);
        passes[count++] = quern_bench_now_ns() - begin;
        quern_tokenizer_free(tokenizer);
        QUERN_TRY(code);
    }
    *ns = quern_bench_median(passes, count);
    return QUERN_OK;
}

/* Whether a file holds this text already. */
static bool holds(const char *path, quern_text text)
{
    FILE *file = fopen(path, "re");
    char *data = malloc(text.length + 1);
    const size_t got = file != NULL && data != NULL ? fread(data, 1, text.length + 1, file) : 0;
    const bool is_same = got == text.length && memcmp(data, text.data, got) == 0;
    if (file != NULL)
        fclose(file);
    free(data);
    return is_same;
}

/* Writes a text to FOLDER/NAME.txt, so that other tokenizers can be measured with it. A file that is there and holds
 * anything else is somebody's, and stays. */
static int keep(struct quern_bench *bench, const char *name, quern_text text)
{
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/%s.txt", bench->options.texts_folder, name);
    const char *what = quern_cli_read_from(path);
    if (what != NULL)
        return quern_fail(&bench->error, QUERN_EINVAL, "cannot write %s: %s read from it", path, what);
    if (what == NULL && access(path, F_OK) == 0)
        return holds(path, text) ? QUERN_OK
                                 : quern_fail(&bench->error, QUERN_EINVAL, "%s is there already, and holds another "
                                              "text: give --texts a new folder", path);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "wxe") : NULL;
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
    double first_ns = NAN;
    t.ids = malloc(t.capacity * sizeof *t.ids);
    int code = made == NULL || t.ids == NULL ? quern_fail(&bench->error, QUERN_ENOMEM, "no memory for a text")
                                             : quern_bench_measure(&f, tokenize, &t, bench->options.seconds);
    if (code == QUERN_OK)
        code = measure_first(&t, &first_ns);
    if (code == QUERN_OK && bench->options.texts_folder != NULL)
        code = keep(bench, name, t.text);
    if (code == QUERN_OK)
        quern_bench_put(&bench->report, table, name, (double)bytes, (double)t.count, f.p50_ns, f.min_ns, 1e9 / f.p50_ns,
                        (double)bytes / f.p50_ns * 1e3, (double)bytes / first_ns * 1e3, f.bytes, f.allocations);
    free(made);
    free(t.ids);
    return code;
}

int quern_bench_tokenize(struct quern_bench *bench)
{
    static const struct quern_bench_column columns[] = {
        {"text", "text", QUERN_BENCH_TEXT}, {"bytes", "bytes", 0}, {"tokens", "tokens", 0}, {"ns", "ns", 0},
        {"min_ns", "least, ns", 0}, {"ops_per_s", "ops/s", 1}, {"mb_per_s", "MB/s", 2},
        {"first_mb_per_s", "first text, MB/s", 2}, {"bytes_per_op", "B/op", 0},
        {"allocations_per_op", "allocations/op", 1}, {NULL, NULL, 0}};
    static const struct { const char *name; bool markdown; size_t bytes; } texts[] = {
        {"question", false, sizeof QUERN_BENCH_SENTENCE - 1}, {"english-1k", false, 1000},
        {"english-100k", false, 100000}, {"english-1m", false, 1000000}, {"markdown-1k", true, 1000},
        {"markdown-100k", true, 100000}};
    struct quern_bench_table *table = quern_bench_table_add(
        &bench->report, "tokenize", "Tokenizing",
        "Median of calls on one thread. The texts are made of words with the frequencies of real ones. MB/s: the same "
        "text again and again, so nearly all words are in the tokenizer's cache. First text: by a new tokenizer, whose "
        "cache is empty.", columns);
    int code = QUERN_OK;
    for (size_t i = 0; i < QUERN_COUNT(texts) && code == QUERN_OK; i++)
        code = measure_text(bench, table, texts[i].name, texts[i].markdown, texts[i].bytes);
    return code;
}
