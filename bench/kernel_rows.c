/* Measures the kernels of the table in use, on one thread, with the model's own weights. tests/kcheck --bench measures
 * every table. */
#include "bench.h"

#include "api/handles.h"
#include "base/arena.h"
#include "base/count.h"
#include "base/error.h"
#include "base/pages.h"
#include "kcheck.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCT_ROWS = 128, LONGEST = 4096, MOST_COLUMNS = 4096, READ_BYTES = 256 << 20 };

/* Memory for operands. */
struct operands {
    struct quern_arena arena;
    float *a, *c;      /* small random floats [PRODUCT_ROWS][LONGEST]; results [PRODUCT_ROWS][MOST_COLUMNS] */
    void *activations; /* rows of a, in any format */
};

struct rows {
    struct quern_bench *bench;
    struct quern_bench_table *table;
    const struct quern_kernels *kernels;
    struct operands operands;
    double read_gb_per_s;
};

static int put_row(struct rows *r, const char *kernel, const char *shape, double macs, double bytes,
                   enum kcheck_peak peak, quern_bench_call *call, void *user)
{
    struct quern_bench_figures f;
    QUERN_TRY(quern_bench_measure(&f, call, user, r->bench->options.seconds / 2));
    const double gmac = macs > 0 ? macs / f.p50_ns : NAN, gb = bytes > 0 ? bytes / f.p50_ns : NAN;
    quern_bench_put(&r->bench->report, r->table, kernel, shape, f.p50_ns, f.min_ns, gmac,
                    macs > 0 ? gmac * 1e9 / kcheck_measure_peak(peak) : NAN, gb, gb / r->read_gb_per_s);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- products */

/* One product of every layer in turn, so that weights come from the same caches as in a pass. */
struct product {
    const struct rows *r;
    const struct quern_matrix *matrices; /* every stride bytes */
    size_t stride;
    int count, rows; /* number of matrices, and of rows of activations */
    enum quern_path path;
};

static void multiply(const struct product *p, const struct quern_matrix *m)
{
    const struct operands *o = &p->r->operands;
    const int panels = m->rows / QUERN_PANEL_COLUMNS;
    for (int i = 0; i < panels; i++) {
        const struct quern_panel *w = &m->panels[i];
        w->gemm->run[p->path](o->c + (size_t)i * QUERN_PANEL_COLUMNS, MOST_COLUMNS, o->activations, 0, p->rows, w->data,
                              m->length, i + 1 < panels ? w[1].data : NULL);
    }
}

/* Fills the buffer of activations with rows of that length. */
static void write_rows(const struct rows *r, const struct quern_activation *format, int length)
{
    for (int i = 0; i < PRODUCT_ROWS; i++)
        format->write(r->operands.activations, i, length, 0, r->operands.a + i * LONGEST, length);
}

static int multiply_all(void *user)
{
    const struct product *p = user;
    for (int l = 0; l < p->count; l++)
        multiply(p, (const struct quern_matrix *)(const void *)((const char *)p->matrices + (size_t)l * p->stride));
    return QUERN_OK;
}

static double matrix_bytes(const struct quern_matrix *m)
{
    double bytes = 0;
    for (int i = 0; i < m->rows / QUERN_PANEL_COLUMNS; i++)
        bytes += (double)m->panels[i].gemm->block_bytes * (m->length / QUERN_BLOCK_ELEMENTS);
    return bytes;
}

static int put_product(struct rows *r, const char *name, const struct quern_matrix *matrices, int count,
                       enum quern_path wanted)
{
    static const int row_counts[] = {1, 8, 16, PRODUCT_ROWS};
    const int length = matrices->length, columns = matrices->rows;
    const enum quern_path path = matrices->fast ? wanted : QUERN_PATH_EXACT;
    if (length > LONGEST || columns > MOST_COLUMNS)
        return QUERN_OK;
    write_rows(r, r->kernels->activation[path], length);
    for (size_t i = 0; i < QUERN_COUNT(row_counts); i++) {
        const int rows = row_counts[i];
        struct product p = {.r = r, .matrices = matrices, .stride = sizeof(struct quern_layer), .count = count,
                            .rows = rows, .path = path};
        char shape[64];
        snprintf(shape, sizeof shape, "%d x %d x %d%s", rows, length, columns, count > 1 ? ", every layer" : "");
        QUERN_TRY(put_row(r, name, shape, (double)count * rows * length * columns, count * matrix_bytes(matrices),
                          kcheck_peak_of(r->kernels->activation[path]), multiply_all, &p));
    }
    return QUERN_OK;
}

static int put_products(struct rows *r)
{
    const struct quern_network *network = &r->bench->session.model->network;
    const struct quern_layer *layer = network->layers;
    const int layers = network->shape.layers;
    const enum quern_path path = r->bench->options.session.exact ? QUERN_PATH_EXACT : QUERN_PATH_FAST;
    QUERN_TRY(put_product(r, "qkv", &layer->qkv, layers, path));
    QUERN_TRY(put_product(r, "output", &layer->output, layers, path));
    QUERN_TRY(put_product(r, "gate, up", &layer->up, layers, path));
    QUERN_TRY(put_product(r, "down", &layer->down, layers, path));
    if (network->dense[0].rows == 0)
        return QUERN_OK;
    QUERN_TRY(put_product(r, "dense 1", &network->dense[0], 1, QUERN_PATH_EXACT));
    return network->dense[1].rows == 0 ? QUERN_OK
                                       : put_product(r, "dense 2", &network->dense[1], 1, QUERN_PATH_EXACT);
}

/* A product that other runtimes publish figures for: 128 x 256 x 128, all float32. */
static int put_plain_product(struct rows *r)
{
    enum { ROWS = 128, LENGTH = 256, COLUMNS = 128, PANELS = COLUMNS / QUERN_PANEL_COLUMNS };
    const struct quern_gemm *gemm = r->kernels->gemm[QUERN_TYPE_F32];
    const size_t panel_bytes = gemm->block_bytes * (LENGTH / QUERN_BLOCK_ELEMENTS);
    unsigned char *packed = quern_pages_take(PANELS * panel_bytes, &r->bench->error);
    struct quern_panel panels[PANELS];
    struct quern_layer layer = {.qkv = {.rows = COLUMNS, .length = LENGTH, .panels = panels}};
    struct product p = {.r = r, .matrices = &layer.qkv, .count = 1, .rows = ROWS, .path = QUERN_PATH_EXACT};
    if (packed == NULL)
        return QUERN_ENOMEM;
    write_rows(r, r->kernels->activation[QUERN_PATH_EXACT], LENGTH);
    for (size_t i = 0; i < PANELS; i++) {
        gemm->pack(packed + i * panel_bytes, (const unsigned char *)r->operands.a, LENGTH * sizeof(float), LENGTH);
        panels[i] = (struct quern_panel){gemm, packed + i * panel_bytes};
    }
    const int code = put_row(r, "matmul f32", "128 x 256 x 128", (double)ROWS * LENGTH * COLUMNS,
                             (double)(PANELS * panel_bytes), KCHECK_PEAK_FLOAT, multiply_all, &p);
    quern_pages_release(packed, PANELS * panel_bytes);
    return code;
}

/* ---------------------------------------------------------------- attention */

struct attention {
    struct quern_engine *engine; /* its step is one text */
    const struct quern_layer *layer;
};

static int attend(void *user)
{
    const struct attention *a = user;
    quern_engine_attend(a->engine, a->layer);
    return QUERN_OK;
}

/* Whether tokens attend to a window only. */
static bool is_local(const struct quern_layer *layer)
{
    return layer->window != INT_MAX;
}

static int put_attention(struct rows *r, struct quern_engine *engine, int tokens, const struct quern_layer *layer)
{
    const size_t floats = (size_t)tokens * (size_t)layer->qkv.rows;
    const int window = is_local(layer) ? layer->window : tokens;
    const struct attention a = {engine, layer};
    const struct quern_target target = {0};
    double seen = 0; /* pairs of tokens */
    char shape[64];
    quern_engine_clear(engine);
    quern_engine_add(engine, r->bench->ids, tokens, &target);
    for (size_t i = 0; i < floats; i++)
        engine->qkv[i] = r->operands.a[i % (PRODUCT_ROWS * LONGEST)];
    for (int i = 0; i < tokens; i++)
        seen += fmin(i, window) + 1 + fmin(tokens - 1 - i, window);
    snprintf(shape, sizeof shape, "%d tokens, %d heads, %s", tokens, layer->heads,
             is_local(layer) ? "window" : "all");
    const int code = put_row(r, "attention", shape, 2 * seen * layer->heads * layer->head, NAN,
                             KCHECK_PEAK_FLOAT, attend,
                             (void *)&a);
    quern_engine_clear(engine);
    return code;
}

/* Attention of one layer of each kind, with the norms and the rotation of heads. */
static int put_attentions(struct rows *r)
{
    static const int tokens[] = {16, 128, 512, 2048};
    const quern_context_options options = {
        .size = sizeof options, .threads = 1,
        .path = r->bench->options.session.exact ? QUERN_PATH_EXACT : QUERN_PATH_FAST};
    const struct quern_network *network = &r->bench->session.model->network;
    quern_context *context;
    int code = QUERN_OK;
    QUERN_TRY(quern_context_new(&context, r->bench->session.model, &options, &r->bench->error));
    for (size_t i = 0; i < QUERN_COUNT(tokens) && tokens[i] <= network->shape.context; i++)
        for (int local = true; local >= false; local--)
            for (int l = 0; l < network->shape.layers && code == QUERN_OK; l++)
                if (is_local(&network->layers[l]) == local) {
                    code = put_attention(r, &context->engine, tokens[i], &network->layers[l]);
                    break;
                }
    quern_context_free(context);
    return code;
}

/* ---------------------------------------------------------------- rows */

struct row {
    const struct rows *r;
    int length;
};

static int rms_norm(void *user)
{
    const struct row *row = user;
    const struct operands *o = &row->r->operands;
    row->r->kernels->rms_norm(o->c, o->a, o->a + LONGEST, row->length, 1e-6f);
    return QUERN_OK;
}

static int fast_rms_norm(void *user)
{
    const struct row *row = user;
    const struct operands *o = &row->r->operands;
    row->r->kernels->activation[QUERN_PATH_FAST]->rms_norm(o->activations, 0, o->a, o->a + LONGEST, row->length, 1e-6f);
    return QUERN_OK;
}

static int fast_geglu(void *user)
{
    const struct row *row = user;
    const struct operands *o = &row->r->operands;
    row->r->kernels->activation[QUERN_PATH_FAST]->ffn[QUERN_FFN_GEGLU_TANH](
        o->activations, 0, row->length, 0, o->a, o->a + LONGEST, row->length);
    return QUERN_OK;
}

static int put_row_kernels(struct rows *r)
{
    const struct quern_shape *s = &r->bench->session.model->network.shape;
    struct row width = {r, s->width}, ffn = {r, s->ffn};
    const char *format = r->kernels->activation[QUERN_PATH_FAST]->name;
    char shape[2][32], name[2][32];
    snprintf(name[0], sizeof name[0], "RMSNorm to %s", format);
    snprintf(name[1], sizeof name[1], "GeGLU to %s", format);
    snprintf(shape[0], sizeof shape[0], "%d", s->width);
    snprintf(shape[1], sizeof shape[1], "%d", s->ffn);
    if (s->width > LONGEST || s->ffn > LONGEST)
        return QUERN_OK;
    QUERN_TRY(put_row(r, "RMSNorm f32", shape[0], NAN, 4.0 * s->width, KCHECK_PEAK_NONE, rms_norm, &width));
    QUERN_TRY(put_row(r, name[0], shape[0], NAN, 4.0 * s->width, KCHECK_PEAK_NONE, fast_rms_norm, &width));
    return put_row(r, name[1], shape[1], NAN, 8.0 * s->ffn, KCHECK_PEAK_NONE, fast_geglu, &ffn);
}

/* ---------------------------------------------------------------- all */

struct reading {
    const uint64_t *words; /* [READ_BYTES / 8] */
    uint64_t sum;
};

/* Reads one word of every cache line, so that the additions take no time. */
static int read_all(void *user)
{
    enum { LINE_WORDS = 64 / sizeof(uint64_t) };
    struct reading *reading = user;
    uint64_t sums[8] = {0};
    for (size_t i = 0; i < READ_BYTES / sizeof *reading->words; i += 8 * LINE_WORDS)
        for (size_t j = 0; j < 8; j++)
            sums[j] += reading->words[i + j * LINE_WORDS];
    for (size_t j = 0; j < 8; j++)
        reading->sum += sums[j];
    return QUERN_OK;
}

/* Measures the peaks of one thread: reading memory, and arithmetic. */
static int put_peaks(struct rows *r)
{
    static const struct quern_bench_column columns[] = {
        {"what", "what", QUERN_BENCH_TEXT}, {"value", "value", 1}, {"unit", "unit", QUERN_BENCH_TEXT}, {NULL, NULL, 0}};
    uint64_t *words = quern_pages_take(READ_BYTES, &r->bench->error); /* as for packed weights */
    struct reading reading = {.words = words};
    struct quern_bench_figures f;
    if (words == NULL)
        return QUERN_ENOMEM;
    memset(words, 1, READ_BYTES);
    const int code = quern_bench_measure(&f, read_all, &reading, r->bench->options.seconds);
    quern_pages_release(words, READ_BYTES);
    r->read_gb_per_s = READ_BYTES / f.p50_ns;
    struct quern_bench_table *table = quern_bench_table_add(
        &r->bench->report, "peaks", "Peaks of one thread", NULL, columns);
    struct quern_bench_report *report = &r->bench->report;
    for (int path = 0; path < QUERN_PATHS; path++) {
        const struct quern_activation *format = r->kernels->activation[path];
        char what[64];
        snprintf(what, sizeof what, "multiply-adds of %s", format->name);
        quern_bench_put(report, table, what, kcheck_measure_peak(kcheck_peak_of(format)) * 1e-9, "GMAC/s");
    }
    quern_bench_put(report, table, "reading 256 MiB", r->read_gb_per_s, "GB/s");
    return code;
}

/* Of PRODUCT_ROWS rows of LONGEST elements, in either format. */
static size_t activation_bytes(const struct quern_kernels *kernels)
{
    size_t most = 0;
    for (int path = 0; path < QUERN_PATHS; path++) {
        const struct quern_activation *format = kernels->activation[path];
        const size_t bytes = quern_activation_rows(format, PRODUCT_ROWS) * quern_activation_row_bytes(format, LONGEST);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static void take_operands(struct rows *r)
{
    struct operands *o = &r->operands;
    o->a = quern_arena_take(&o->arena, PRODUCT_ROWS * LONGEST, sizeof *o->a);
    o->c = quern_arena_take(&o->arena, PRODUCT_ROWS * MOST_COLUMNS, sizeof *o->c);
    o->activations = quern_arena_take(&o->arena, 1, activation_bytes(r->kernels));
}

static int operands_new(struct rows *r)
{
    struct operands *o = &r->operands;
    uint32_t random = 2463534242u;
    take_operands(r);
    QUERN_TRY(quern_arena_reserve(&o->arena, &r->bench->error));
    take_operands(r);
    for (size_t i = 0; i < (size_t)PRODUCT_ROWS * LONGEST; i++) { /* xorshift32 */
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        o->a[i] = (float)(int32_t)random * 0x1p-31f;
    }
    return QUERN_OK;
}

int quern_bench_kernels(struct quern_bench *bench)
{
    static const struct quern_bench_column columns[] = {
        {"kernel", "kernel", QUERN_BENCH_TEXT}, {"shape", "shape", QUERN_BENCH_TEXT}, {"ns", "p50, ns", 0},
        {"min_ns", "least, ns", 0}, {"gmac_per_s", "GMAC/s", 1}, {"of_peak", "of peak", 3}, {"gb_per_s", "GB/s", 2},
        {"of_read", "of reading", 2}, {NULL, NULL, 0}};
    struct rows r = {.bench = bench, .kernels = bench->session.model->network.kernels};
    if (r.kernels->thread_begin != NULL)
        r.kernels->thread_begin();
    int code = put_peaks(&r);
    r.table = quern_bench_table_add(
        &bench->report, "kernels", "Kernels",
        "One thread. The shape of a product is rows x length x columns. GB/s counts the weights that are read. It is "
        "above the speed of reading where they stay in a cache. Attention includes norms and rotation of heads, and is "
        "compared with the peak of float32.", columns);
    if (code == QUERN_OK)
        code = operands_new(&r);
    if (code == QUERN_OK)
        code = put_plain_product(&r);
    if (code == QUERN_OK)
        code = put_products(&r);
    if (code == QUERN_OK)
        code = put_attentions(&r);
    if (code == QUERN_OK)
        code = put_row_kernels(&r);
    if (r.kernels->thread_end != NULL)
        r.kernels->thread_end();
    quern_arena_release(&r.operands.arena);
    return code;
}
