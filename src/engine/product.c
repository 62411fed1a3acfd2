/* Matrix products, shared out in tiles of some rows of activations by one panel of weights. */
#include "base/pool.h"
#include "engine/engine.h"

struct product {
    struct quern_engine *engine;
    const struct quern_matrix *matrix;
    const unsigned char *a;
    int count, panels; /* rows of activations; panels, or groups of panels, that are shared out */
    float *c;
    size_t c_stride;

    /* Feed-forward blocks only. */
    const struct quern_activation *hidden; /* the format of the result */
    int together;                          /* panels that make one panel of the hidden layer: gate and up, or one */
    const float *up;                       /* in the place of the product with up [count][hidden layer]; NULL: none */
};

static int at_most(int count, int limit)
{
    return count < limit ? count : limit;
}

static void add_bias(float *c, size_t c_stride, const float *bias, int count)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < QUERN_PANEL_COLUMNS; j++)
            c[(size_t)i * c_stride + (size_t)j] += bias[j];
}

/* c = the product of rows [first, first + count) with a panel. next: the panel that this thread will probably take
 * next. */
static void run_panel(const struct product *p, int panel, int next, int first, int count, float *c, size_t c_stride)
{
    const struct quern_panel *w = &p->matrix->panels[panel];
    const unsigned char *ahead = next < p->matrix->rows / QUERN_PANEL_COLUMNS ? p->matrix->panels[next].data : NULL;
    w->gemm->run[quern_engine_path(p->engine, p->matrix)](c, c_stride, p->a, first, count, w->data,
                                                          p->matrix->length, ahead);
    if (p->matrix->bias != NULL)
        add_bias(c, c_stride, p->matrix->bias + panel * QUERN_PANEL_COLUMNS, count);
}

static int rows_per_tile(const struct product *p)
{
    return p->engine->network->kernels->product_rows;
}

/* Shares out tiles: panels by product_rows rows. */
static void share_out(struct product *p, quern_pool_fn *run)
{
    const int row_tiles = (p->count + rows_per_tile(p) - 1) / rows_per_tile(p);
    quern_pool_run(p->engine->pool, run, p, row_tiles * p->panels);
}

static void product_tile(void *argument, int tile, int thread)
{
    const struct product *p = argument;
    const int panel = tile % p->panels, first = tile / p->panels * rows_per_tile(p);
    (void)thread;
    run_panel(p, panel, panel + quern_pool_threads(p->engine->pool), first, at_most(p->count - first, rows_per_tile(p)),
              p->c + (size_t)first * p->c_stride + (size_t)panel * QUERN_PANEL_COLUMNS, p->c_stride);
}

void quern_engine_product(struct quern_engine *engine, const struct quern_matrix *matrix, int matrix_rows,
                          const unsigned char *a, int count, float *c, size_t c_stride)
{
    struct product p = {.engine = engine, .matrix = matrix, .a = a, .count = count, .c = c, .c_stride = c_stride,
                        .panels = (matrix_rows + QUERN_PANEL_COLUMNS - 1) / QUERN_PANEL_COLUMNS};
    share_out(&p, product_tile);
}

/* The products of one panel of the hidden layer, ffn_rows rows at a time in scratch memory, and then the activation
 * function. */
static void ffn_tile(void *argument, int tile, int thread)
{
    const struct product *p = argument;
    struct quern_engine *e = p->engine;
    const int panel = tile % p->panels, first = tile / p->panels * rows_per_tile(p);
    const int end = first + at_most(p->count - first, rows_per_tile(p)), most = e->network->kernels->ffn_rows;
    const int together = p->together, next = together * (panel + quern_pool_threads(e->pool));
    const int length = p->panels * QUERN_PANEL_COLUMNS, column = panel * QUERN_PANEL_COLUMNS;
    const size_t stride = (size_t)together * QUERN_PANEL_COLUMNS;
    float *results = (float *)(void *)(e->scratch + (size_t)thread * e->scratch_bytes);

    for (int row = first; row < end; row += most) {
        const int count = at_most(end - row, most);
        for (int i = 0; i < together; i++)
            run_panel(p, together * panel + i, next + i, row, count, results + i * QUERN_PANEL_COLUMNS, stride);
        for (int i = 0; i < count; i++) {
            const float *gate = results + (size_t)i * stride, *up = together == 2 ? gate + QUERN_PANEL_COLUMNS : NULL;
            if (p->up != NULL)
                up = p->up + (size_t)(row + i) * (size_t)length + column;
            p->hidden->ffn[e->network->ffn](e->hidden, row + i, length, column, gate, up, QUERN_PANEL_COLUMNS);
        }
    }
}

/* input -> hidden, which the matrix `after` reads. */
static void run_ffn(struct quern_engine *engine, const struct quern_matrix *matrix, int together, const float *up,
                    const struct quern_matrix *after)
{
    struct product p = {.engine = engine, .matrix = matrix, .a = engine->input, .count = engine->rows,
                        .panels = matrix->rows / together / QUERN_PANEL_COLUMNS, .together = together, .up = up,
                        .hidden = quern_engine_format(engine, after)};
    share_out(&p, ffn_tile);
}

void quern_engine_ffn(struct quern_engine *engine, const struct quern_layer *layer)
{
    run_ffn(engine, &layer->up, engine->network->gated ? 2 : 1, NULL, &layer->down);
    quern_engine_lap(engine, QUERN_PASS_FFN);
}

void quern_engine_gate_input(struct quern_engine *engine, const struct quern_layer *layer)
{
    run_ffn(engine, &layer->input_gate, 1, engine->layer_input, &layer->input_output);
}
