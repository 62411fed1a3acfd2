/* Packing of all panels, shared out over threads. */
#include "base/fold.h"
#include "base/error.h"
#include "base/pool.h"
#include "formats/conversion.h"
#include "network/binder.h"

#include <stdlib.h>

/* Packs rows of finite numbers as Q8_0. Returns false without memory. */
static bool pack_rounded(const struct quern_packing *p, size_t length)
{
    const struct quern_type_info *bytes = quern_type_info(QUERN_TYPE_Q8_0);
    const size_t row_bytes = length / (size_t)bytes->block_elements * (size_t)bytes->block_bytes;
    float *row = malloc(length * sizeof *row);
    unsigned char *rows = malloc(row_bytes * QUERN_PANEL_COLUMNS);
    const bool enough = row != NULL && rows != NULL;
    for (size_t i = 0; enough && i < QUERN_PANEL_COLUMNS; i++) {
        quern_dequantize(p->tensor->type, row, p->rows + i * p->row_bytes, length);
        quern_quantize(QUERN_TYPE_Q8_0, rows + i * row_bytes, row, length);
    }
    if (enough)
        p->gemm->pack(p->panel, rows, row_bytes, (int)length);
    free(row);
    free(rows);
    return enough;
}

static void pack_one(void *argument, int tile, int thread)
{
    struct quern_packing *p = (struct quern_packing *)argument + tile;
    const size_t length = (size_t)p->tensor->shape[0];
    (void)thread;
    p->finite = quern_blocks_finite(p->tensor->type, p->rows, length * QUERN_PANEL_COLUMNS);
    if (!p->rounded)
        p->gemm->pack(p->panel, p->rows, p->row_bytes, (int)length);
    else if (p->finite)
        p->lacks_memory = !pack_rounded(p, length);
    p->digest = quern_digest_bytes(0, p->rows, p->row_bytes * QUERN_PANEL_COLUMNS);
}

int quern_binder_pack(struct quern_binder *binder, int threads)
{
    struct quern_pool *pool;
    QUERN_TRY(quern_pool_new(&pool, threads, NULL, NULL, binder->error));
    quern_pool_run(pool, pack_one, binder->packings, (int)binder->packing_count);
    quern_pool_free(pool);
    for (size_t i = 0; i < binder->packing_count; i++) {
        const struct quern_packing *p = &binder->packings[i];
        if (!p->finite)
            return quern_fail(binder->error, QUERN_EFORMAT, "tensor %.*s holds a scale that is not finite",
                              (int)p->tensor->name.length, p->tensor->name.data);
        if (p->lacks_memory)
            return quern_fail(binder->error, QUERN_ENOMEM, "no memory to round tensor %.*s",
                              (int)p->tensor->name.length, p->tensor->name.data);
    }
    binder->network->digest = quern_binder_digest(binder);
    /* What was packed or copied is not read again. Of the token embeddings, only the rows of tokens in texts are
     * read. */
    for (size_t i = 0; i < binder->gguf->tensor_count; i++) {
        const struct quern_gguf_tensor *t = &binder->gguf->tensors[i];
        quern_map_forget(&binder->gguf->map, (size_t)(t->data - binder->gguf->map.data), t->bytes);
    }
    return quern_map_check(&binder->gguf->map, binder->error);
}
