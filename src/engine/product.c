/* Matrix products, shared out in tiles of some rows of activations by one panel of weights. */
#include "base/pool.h"
#include "engine/engine.h"

struct product {
    struct quern_engine *engine;
    const struct quern_matrix *matrix;
    const unsigned char *a;
    int count, panels;
    float *c;
    size_t c_stride;
    const struct quern_activation *hidden; /* quern_engine_geglu only: the format of its result */
};

/* next: the panel that this thread probably takes after this one. */
static void run_panel(const struct product *p, int panel, int next, int first, int count, float *c, size_t c_stride)
{
    const struct quern_panel *w = &p->matrix->panels[panel];
    const unsigned char *ahead = next < p->matrix->rows / QUERN_PANEL_COLUMNS ? p->matrix->panels[next].data : NULL;
    w->gemm->run[quern_engine_path(p->engine, p->matrix)](c, c_stride, p->a, first, count, w->data,
                                                          p->matrix->length, ahead);
}

/* A tile is product_rows rows by one panel. */
static int rows_per_tile(const struct product *p)
{
    return p->engine->network->kernels->product_rows;
}

static int row_tiles(const struct product *p)
{
    return (p->count + rows_per_tile(p) - 1) / rows_per_tile(p);
}

static int at_most(int count, int limit)
{
    return count < limit ? count : limit;
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
    struct product p = {.engine = engine, .matrix = matrix, .a = a, .count = count, .c = c, .c_stride = c_stride};
    p.panels = (matrix_rows + QUERN_PANEL_COLUMNS - 1) / QUERN_PANEL_COLUMNS;
    quern_pool_run(engine->pool, product_tile, &p, row_tiles(&p) * p.panels);
}

/* Gate and up of one panel, ffn_rows rows at a time in scratch memory, then what becomes of them. */
static void geglu_tile(void *argument, int tile, int thread)
{
    const struct product *p = argument;
    struct quern_engine *e = p->engine;
    const int panel = tile % p->panels, first = tile / p->panels * rows_per_tile(p);
    const int end = first + at_most(p->count - first, rows_per_tile(p)), most = e->network->kernels->ffn_rows;
    const int next = 2 * (panel + quern_pool_threads(e->pool)), length = p->panels * QUERN_PANEL_COLUMNS;
    float *gate = (float *)(void *)(e->scratch + (size_t)thread * e->scratch_bytes), *up = gate + QUERN_PANEL_COLUMNS;

    for (int row = first; row < end; row += most) {
        const int count = at_most(end - row, most);
        run_panel(p, 2 * panel, next, row, count, gate, 2 * QUERN_PANEL_COLUMNS);
        run_panel(p, 2 * panel + 1, next + 1, row, count, up, 2 * QUERN_PANEL_COLUMNS);
        for (int i = 0; i < count; i++) {
            const size_t at = (size_t)i * 2 * QUERN_PANEL_COLUMNS;
            p->hidden->ffn[QUERN_FFN_GEGLU_TANH](e->hidden, row + i, length, panel * QUERN_PANEL_COLUMNS, gate + at,
                                                 up + at, QUERN_PANEL_COLUMNS);
        }
    }
}

void quern_engine_geglu(struct quern_engine *engine, const struct quern_layer *layer)
{
    struct product p = {.engine = engine, .matrix = &layer->gate_up, .a = engine->input, .count = engine->rows,
                        .hidden = quern_engine_format(engine, &layer->down)};
    p.panels = p.matrix->rows / 2 / QUERN_PANEL_COLUMNS;
    quern_pool_run(engine->pool, geglu_tile, &p, row_tiles(&p) * p.panels);
}
