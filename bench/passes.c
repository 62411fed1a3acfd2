/* Measures whole passes: latency, throughput, threads, stages. */
#include "bench.h"

#include "api/handles.h"
#include "base/count.h"
#include "base/error.h"
#include "kcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Texts of equal length that are embedded at once, with different tokens in every call. */
struct batch {
    struct quern_bench *bench;
    quern_context *context;
    int count, tokens;
    quern_tokens *texts; /* [count] */
    float *vectors;      /* [count][dimensions] */
    long calls;
};

static int embed_batch(void *user)
{
    struct batch *b = user;
    struct quern_bench *bench = b->bench;
    const size_t length = (size_t)b->tokens;
    for (int i = 0; i < b->count; i++) {
        if (bench->next_id + length > QUERN_BENCH_IDS)
            bench->next_id = 0;
        b->texts[i] = (quern_tokens){bench->ids + bench->next_id, length};
        bench->next_id += length;
    }
    b->calls++;
    return quern_embed_tokens(b->context, b->texts, (size_t)b->count, NULL, b->vectors,
                              (size_t)b->count * (size_t)bench->session.info.dimensions, NULL, &bench->error);
}

static int measure_batch(struct quern_bench *bench, quern_context *context, int count, int tokens,
                         struct quern_bench_figures *figures)
{
    struct batch b = {.bench = bench, .context = context, .count = count, .tokens = tokens};
    b.texts = malloc((size_t)count * sizeof *b.texts);
    b.vectors = malloc((size_t)count * (size_t)bench->session.info.dimensions * sizeof *b.vectors);
    int code = b.texts == NULL || b.vectors == NULL
                   ? quern_fail(&bench->error, QUERN_ENOMEM, "no memory for %d texts", count)
                   : quern_bench_measure(figures, embed_batch, &b, bench->options.seconds);
    free(b.texts);
    free(b.vectors);
    return code;
}

static int new_context(struct quern_bench *bench, int threads, bool exact, quern_context **context)
{
    const quern_context_options options = {
        .size = sizeof options, .threads = threads, .path = exact ? QUERN_PATH_EXACT : QUERN_PATH_FAST};
    return quern_context_new(context, bench->session.model, &options, &bench->error);
}

/* Multiply-adds of a token in the layers' products. */
static double token_macs(const struct quern_network *network)
{
    double macs = 0;
    for (int l = 0; l < network->shape.layers; l++) {
        const struct quern_layer *layer = &network->layers[l];
        const struct quern_matrix *const matrices[] = {&layer->qkv,         &layer->output,     &layer->up,
                                                       &layer->down,        layer->layer_input,  &layer->input_gate,
                                                       &layer->input_output};
        for (size_t i = 0; i < QUERN_COUNT(matrices); i++)
            macs += (double)matrices[i]->rows * matrices[i]->length;
    }
    return macs;
}

/* How the path stores activations. */
static const struct quern_activation *activation_of(const struct quern_bench *bench, bool exact)
{
    return bench->session.model->network.kernels->activation[exact ? QUERN_PATH_EXACT : QUERN_PATH_FAST];
}

/* The speed as a share of the peak of the CPU. */
static double of_peak(const struct quern_bench *bench, double macs_per_s, int threads)
{
    const enum kcheck_peak peak = kcheck_peak_of(activation_of(bench, bench->options.session.exact));
    return macs_per_s / (threads * kcheck_measure_peak(peak));
}

/* ---------------------------------------------------------------- latency, batches, threads */

int quern_bench_latency(struct quern_bench *bench)
{
    static const struct quern_bench_column columns[] = {
        {"tokens", "tokens", 0}, {"threads", "threads", 0}, {"p50_ms", "p50, ms", 3}, {"min_ms", "least, ms", 3},
        {"p99_ms", "p99, ms", 3}, {"tokens_per_s", "tokens/s", 0}, {"gmac_per_s", "GMAC/s", 1},
        {"of_peak", "of peak", 3}, {NULL, NULL, 0}};
    const int threads = bench->session.context_info.threads;
    const double macs = token_macs(&bench->session.model->network);
    struct quern_bench_table *table = quern_bench_table_add(
        &bench->report, "latency", "Latency",
        "One text at a time, from token ids to the vector. GMAC/s counts the products of the layers only.", columns);
    int code = QUERN_OK;
    for (int i = 0; i < bench->lengths.count && code == QUERN_OK; i++) {
        const int n = bench->lengths.values[i];
        struct quern_bench_figures f;
        code = measure_batch(bench, bench->session.context, 1, n, &f);
        if (code == QUERN_OK)
            quern_bench_put(&bench->report, table, (double)n, (double)threads, f.p50_ns * 1e-6, f.min_ns * 1e-6,
                            f.p99_ns * 1e-6, n * 1e9 / f.p50_ns, n * macs / f.p50_ns,
                            of_peak(bench, n * macs / f.p50_ns * 1e9, threads));
    }
    return code;
}

int quern_bench_batches(struct quern_bench *bench)
{
    static const struct quern_bench_column columns[] = {
        {"texts", "texts", 0}, {"tokens", "tokens each", 0}, {"threads", "threads", 0}, {"p50_ms", "p50, ms", 3},
        {"min_ms", "least, ms", 3}, {"texts_per_s", "texts/s", 1}, {"tokens_per_s", "tokens/s", 0},
        {"gmac_per_s", "GMAC/s", 1}, {"of_peak", "of peak", 3}, {NULL, NULL, 0}};
    const int threads = bench->session.context_info.threads;
    const double macs = token_macs(&bench->session.model->network);
    struct quern_bench_table *table =
        quern_bench_table_add(&bench->report, "batches", "Batches", "Texts that one call embeds.", columns);
    int code = QUERN_OK;
    for (int i = 0; i < bench->batch_count && code == QUERN_OK; i++) {
        const int texts = bench->batches[i].texts, tokens = bench->batches[i].tokens;
        const double all = (double)texts * tokens;
        struct quern_bench_figures f;
        code = measure_batch(bench, bench->session.context, texts, tokens, &f);
        if (code == QUERN_OK)
            quern_bench_put(&bench->report, table, (double)texts, (double)tokens, (double)threads, f.p50_ns * 1e-6,
                            f.min_ns * 1e-6, texts * 1e9 / f.p50_ns, all * 1e9 / f.p50_ns, all * macs / f.p50_ns,
                            of_peak(bench, all * macs / f.p50_ns * 1e9, threads));
    }
    return code;
}

/* With 1, 2, 4 ... threads, and with all. */
int quern_bench_threads(struct quern_bench *bench)
{
    static const struct quern_bench_column columns[] = {
        {"tokens", "tokens", 0}, {"threads", "threads", 0}, {"p50_ms", "p50, ms", 3}, {"min_ms", "least, ms", 3},
        {"times_one", "times one thread", 2}, {NULL, NULL, 0}};
    static const int lengths[] = {16, 128, 512};
    const int most = bench->session.context_info.threads;
    struct quern_bench_table *table =
        quern_bench_table_add(&bench->report, "threads", "Threads", "One text at a time.", columns);
    for (size_t i = 0; i < QUERN_COUNT(lengths); i++) {
        double one = NAN;
        for (int threads = 1; threads <= most && lengths[i] <= bench->session.info.context_length;) {
            struct quern_bench_figures f;
            quern_context *context;
            QUERN_TRY(new_context(bench, threads, bench->options.session.exact, &context));
            const int code = measure_batch(bench, context, 1, lengths[i], &f);
            quern_context_free(context);
            if (code != QUERN_OK)
                return code;
            one = threads == 1 ? f.p50_ns : one;
            quern_bench_put(&bench->report, table, (double)lengths[i], (double)threads, f.p50_ns * 1e-6,
                            f.min_ns * 1e-6, one / f.p50_ns);
            threads = threads < most && threads * 2 > most ? most : threads * 2;
        }
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- forward, end to end */

struct whole {
    struct quern_bench *bench;
    quern_text text;
    float *vector;
};

static int embed_text(void *user)
{
    static const quern_embed_options options = {.size = sizeof options, .flags = QUERN_TRUNCATE};
    struct whole *w = user;
    return quern_embed(w->bench->session.context, &w->text, 1, &options, w->vector, QUERN_BENCH_WIDTH, NULL,
                       &w->bench->error);
}

static void put_operation(struct quern_bench *bench, struct quern_bench_table *table, const char *name,
                          const struct quern_bench_figures *f)
{
    quern_bench_put(&bench->report, table, name, f->p50_ns, f->min_ns, f->p99_ns, 1e9 / f->p50_ns, f->bytes,
                    f->allocations);
}

static int measure_forward(struct quern_bench *bench, struct quern_bench_table *table)
{
    static const int lengths[] = {16, 128};
    for (int exact = 1; exact >= 0; exact--)
        for (size_t i = 0; i < QUERN_COUNT(lengths); i++) {
            struct quern_bench_figures f;
            quern_context *context;
            char name[64];
            QUERN_TRY(new_context(bench, bench->session.context_info.threads, exact, &context));
            const int code = measure_batch(bench, context, 1, lengths[i], &f);
            quern_context_free(context);
            if (code != QUERN_OK)
                return code;
            snprintf(name, sizeof name, "forward (%s), %d tokens",
                     exact ? "exact" : activation_of(bench, false)->name, lengths[i]);
            put_operation(bench, table, name, &f);
        }
    return QUERN_OK;
}

static void put_goal(struct quern_bench *bench, double ms)
{
    static const struct quern_bench_column columns[] = {
        {"goal", "goal", QUERN_BENCH_TEXT}, {"target_ms", "at most, ms", 1}, {"measured_ms", "measured, ms", 3},
        {"verdict", "verdict", QUERN_BENCH_TEXT}, {NULL, NULL, 0}};
    const double target = 15;
    struct quern_bench_table *table = quern_bench_table_add(&bench->report, "goal", "Goal", NULL, columns);
    quern_bench_put(&bench->report, table, "a short text (69 bytes) end to end, p50", target, ms,
                    ms <= target ? "pass" : "fail");
}

int quern_bench_forward(struct quern_bench *bench)
{
    static const struct quern_bench_column columns[] = {
        {"operation", "operation", QUERN_BENCH_TEXT}, {"ns", "p50, ns", 0}, {"min_ns", "least, ns", 0},
        {"p99_ns", "p99, ns", 0}, {"ops_per_s", "ops/s", 1}, {"bytes_per_op", "B/op", 0},
        {"allocations_per_op", "allocations/op", 1}, {NULL, NULL, 0}};
    static const struct { const char *name; size_t bytes; } texts[] = {
        {"end to end, 69 bytes", sizeof QUERN_BENCH_SENTENCE - 1}, {"end to end, 500 bytes", 500}};
    static float vector[QUERN_BENCH_WIDTH];
    struct quern_bench_table *table = quern_bench_table_add(
        &bench->report, "operations", "Forward pass, and text to vector",
        "forward: from token ids to the vector. end to end: from text to the vector.", columns);
    double short_ms = NAN;
    QUERN_TRY(measure_forward(bench, table));
    for (size_t i = 0; i < QUERN_COUNT(texts); i++) {
        char *made = i == 0 ? strdup(QUERN_BENCH_SENTENCE) : quern_bench_text(false, texts[i].bytes);
        struct whole w = {bench, {made, texts[i].bytes}, vector};
        struct quern_bench_figures f;
        if (made == NULL)
            return quern_fail(&bench->error, QUERN_ENOMEM, "no memory for a text");
        const int code = quern_bench_measure(&f, embed_text, &w, bench->options.seconds);
        free(made);
        if (code != QUERN_OK)
            return code;
        put_operation(bench, table, texts[i].name, &f);
        short_ms = i == 0 ? f.p50_ns * 1e-6 : short_ms;
    }
    put_goal(bench, short_ms);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- stages */

static int measure_stages(struct quern_bench *bench, struct quern_bench_table *table, int tokens)
{
    static const char *const names[QUERN_PASS_PARTS] = {
        "embed + norm", "qkv", "head norm + rope + pack", "attention", "output",
        "add + norm",   "gate, up, gelu", "down", "layer input", "pool + dense head"};
    struct quern_engine *engine = &bench->session.context->engine;
    uint64_t ns[QUERN_PASS_PARTS] = {0}, all = 0;
    quern_tokens text;
    float *vector = malloc((size_t)bench->session.info.dimensions * sizeof *vector);
    struct batch b = {.bench = bench, .context = bench->session.context, .count = 1, .tokens = tokens, .texts = &text,
                      .vectors = vector};
    struct quern_bench_figures f;
    if (vector == NULL)
        return quern_fail(&bench->error, QUERN_ENOMEM, "no memory for a vector");
    engine->part_ns = ns;
    const int code = quern_bench_measure(&f, embed_batch, &b, bench->options.seconds);
    engine->part_ns = NULL;
    free(vector);
    for (int s = 0; s < QUERN_PASS_PARTS; s++)
        all += ns[s];
    for (int s = 0; s < QUERN_PASS_PARTS && code == QUERN_OK; s++)
        if (ns[s] > 0)
            quern_bench_put(&bench->report, table, (double)tokens, names[s], (double)ns[s] / (double)b.calls * 1e-6,
                            (double)ns[s] / (double)all);
    return code;
}

int quern_bench_stages(struct quern_bench *bench)
{
    static const struct quern_bench_column columns[] = {
        {"tokens", "tokens", 0}, {"stage", "stage", QUERN_BENCH_TEXT}, {"ms", "mean, ms", 3}, {"share", "share", 3},
        {NULL, NULL, 0}};
    static const int lengths[] = {16, 128, 512, 2048};
    struct quern_bench_table *table = quern_bench_table_add(
        &bench->report, "stages", "Stages of the forward pass", "One text, all threads.", columns);
    int code = QUERN_OK;
    for (size_t i = 0; i < QUERN_COUNT(lengths) && code == QUERN_OK; i++)
        if (lengths[i] <= bench->session.info.context_length)
            code = measure_stages(bench, table, lengths[i]);
    return code;
}
