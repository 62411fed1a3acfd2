/* Matrix products, shared out in tiles of some rows of activations by one panel of weights. */
#include "base/pool.h"
#include "engine/engine.h"

/* Rows of a tile: their activations, read again for every panel, must stay in the second-level cache (192 * 1.4 KB). */
enum { TILE_ROWS = 192 };

struct product {
    struct quern_engine *engine;
    const struct quern_matrix *matrix;
    bool q8; /* activations are blocks, not floats */
    const unsigned char *a;
    size_t a_bytes; /* of a row */
    int count, panels;
    float *c;
    size_t c_stride;
    bool hidden_q8; /* GeGLU only: its result is blocks */
};

/* next: the panel that this thread probably takes after this one. */
static void run_panel(const struct product *p, int panel, int next, int first, int count, float *c, size_t c_stride)
{
    const struct quern_panel *w = &p->matrix->panels[panel];
    const unsigned char *ahead = next < p->matrix->rows / QUERN_BLOCK ? p->matrix->panels[next].data : NULL;
    const unsigned char *a = p->a + (size_t)first * p->a_bytes;
    const int length = p->matrix->length;
    if (p->q8)
        w->gemm->run_q8(c, c_stride, (const struct quern_q8 *)(const void *)a, count, w->data, length, ahead);
    else
        w->gemm->run_f32(c, c_stride, (const float *)(const void *)a, (size_t)length, count, w->data, length);
}

static int tile_rows(int count, int first)
{
    return count - first < TILE_ROWS ? count - first : TILE_ROWS;
}

static void product_tile(void *argument, int tile, int thread)
{
    const struct product *p = argument;
    const int panel = tile % p->panels, first = tile / p->panels * TILE_ROWS;
    (void)thread;
    run_panel(p, panel, panel + quern_pool_threads(p->engine->pool), first, tile_rows(p->count, first),
              p->c + (size_t)first * p->c_stride + (size_t)panel * QUERN_BLOCK, p->c_stride);
}

void quern_engine_product(struct quern_engine *engine, const struct quern_matrix *matrix, int matrix_rows, bool q8,
                          const unsigned char *a, int count, float *c, size_t c_stride)
{
    struct product p = {.engine = engine, .matrix = matrix, .q8 = q8, .a = a, .count = count, .c = c,
                        .c_stride = c_stride};
    p.a_bytes = quern_engine_row_bytes(q8, matrix->length);
    p.panels = (matrix_rows + QUERN_BLOCK - 1) / QUERN_BLOCK;
    quern_pool_run(engine->pool, product_tile, &p, (count + TILE_ROWS - 1) / TILE_ROWS * p.panels);
}

static void geglu_tile(void *argument, int tile, int thread)
{
    const struct product *p = argument;
    struct quern_engine *e = p->engine;
    const struct quern_kernels *k = e->network->kernels;
    const int panel = tile % p->panels, first = tile / p->panels * TILE_ROWS;
    const int end = first + tile_rows(p->count, first), next = 2 * (panel + quern_pool_threads(e->pool));
    const size_t hidden_bytes = quern_engine_row_bytes(p->hidden_q8, p->panels * QUERN_BLOCK);
    float *gate = (float *)(void *)(e->scratch + (size_t)thread * e->scratch_bytes), *up = gate + QUERN_BLOCK;

    for (int row = first; row < end; row += QUERN_GEGLU_ROWS) {
        const int count = end - row < QUERN_GEGLU_ROWS ? end - row : QUERN_GEGLU_ROWS;
        run_panel(p, 2 * panel, next, row, count, gate, 2 * QUERN_BLOCK);
        run_panel(p, 2 * panel + 1, next + 1, row, count, up, 2 * QUERN_BLOCK);
        for (int i = 0; i < count; i++) {
            unsigned char *dst = e->hidden + (size_t)(row + i) * hidden_bytes;
            const size_t at = (size_t)i * 2 * QUERN_BLOCK;
            if (p->hidden_q8)
                k->geglu_q8((struct quern_q8 *)(void *)dst + panel, gate + at, up + at, QUERN_BLOCK);
            else
                k->geglu_f32((float *)(void *)dst + panel * QUERN_BLOCK, gate + at, up + at, QUERN_BLOCK);
        }
    }
}

void quern_engine_geglu(struct quern_engine *engine, const struct quern_layer *layer)
{
    struct product p = {.engine = engine, .matrix = &layer->gate_up, .a = engine->input, .count = engine->rows};
    p.q8 = quern_engine_uses_q8(engine, p.matrix);
    p.hidden_q8 = quern_engine_uses_q8(engine, &layer->down);
    p.a_bytes = quern_engine_row_bytes(p.q8, p.matrix->length);
    p.panels = p.matrix->rows / 2 / QUERN_BLOCK;
    quern_pool_run(engine->pool, geglu_tile, &p, (p.count + TILE_ROWS - 1) / TILE_ROWS * p.panels);
}
