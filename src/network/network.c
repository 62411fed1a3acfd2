/* Loading a network: the binder's steps in their order. */
#include "network/network.h"

#include "base/error.h"
#include "base/pages.h"
#include "formats/conversion.h"
#include "network/binder.h"

#include <math.h>
#include <stdlib.h>

static void fill_shape(struct quern_shape *shape, const struct quern_binder *binder)
{
    const double *values = binder->values;
    const struct quern_layer *first = &binder->network->layers[0];
    *shape = (struct quern_shape){
        .width = (int)values[QUERN_P_WIDTH],
        .dimensions = (int)values[QUERN_P_DIMENSIONS],
        .layers = (int)values[QUERN_P_LAYERS],
        .heads = first->heads,
        .kv_heads = first->kv_heads,
        .head = first->head,
        .ffn = (int)values[QUERN_P_FFN],
        .layer_input = (int)values[QUERN_P_LAYER_INPUT],
        .context = binder->limit,
        .file_context = (int)values[QUERN_P_CONTEXT],
        .sliding_window = (int)values[QUERN_P_WINDOW],
        .vocabulary = (int)values[QUERN_P_VOCABULARY],
        .head_hidden = (int)values[QUERN_P_HEAD_HIDDEN],
        .pooling = (enum quern_pooling)values[QUERN_P_POOLING],
        .epsilon = (float)values[QUERN_P_EPSILON],
        .rope_base = values[QUERN_P_ROPE_BASE],
        .rope_base_local = values[QUERN_P_ROPE_BASE_LOCAL],
    };
}

/* Memory for what the first run of the binder has measured. */
static int reserve(struct quern_binder *binder)
{
    QUERN_TRY(quern_arena_reserve(&binder->tables, binder->error));
    binder->weights = quern_pages_take(binder->weight_bytes, binder->error);
    if (binder->weights == NULL)
        return QUERN_ENOMEM;
    binder->network->packed_bytes = binder->weight_bytes;
    binder->packings = calloc(binder->packing_count, sizeof *binder->packings);
    if (binder->packings == NULL)
        return quern_fail(binder->error, QUERN_ENOMEM, "no memory to list %zu panels", binder->packing_count);
    return QUERN_OK;
}

static int load(struct quern_binder *binder, int threads)
{
    struct quern_network *network = binder->network;
    QUERN_TRY(quern_binder_find_arch(binder));
    QUERN_TRY(quern_binder_read_keys(binder));
    network->arch = binder->arch;
    network->gated = network->arch->tensors[QUERN_T_GATE].name != NULL ||
                     network->arch->tensors[QUERN_T_GATE_UP].name != NULL;
    network->ffn = (enum quern_ffn_kind)binder->values[QUERN_P_FFN_KIND];
    network->causal = binder->values[QUERN_P_CAUSAL] != 0;
    QUERN_TRY(quern_binder_bind(binder));
    QUERN_TRY(reserve(binder));
    QUERN_TRY(quern_binder_bind(binder));
    fill_shape(&network->shape, binder);
    for (size_t i = 0; i < binder->gguf->tensor_count; i++)
        if (&binder->gguf->tensors[i] != quern_binder_ignored(binder))
            network->parameters += binder->gguf->tensors[i].elements;
    return threads > 0 ? quern_binder_pack(binder, threads) : QUERN_OK;
}

int quern_network_load(struct quern_network *network, const struct quern_gguf *gguf,
                       const struct quern_kernels *kernels, int threads, int context, quern_error *error)
{
    struct quern_binder binder = {.network = network, .gguf = gguf, .error = error, .limit = context};
    *network = (struct quern_network){.gguf = gguf, .kernels = kernels};
    int code = load(&binder, threads);
    free(binder.packings);
    network->tables = binder.tables;
    network->weights = binder.weights;
    if (code != QUERN_OK)
        quern_network_free(network);
    return code;
}

void quern_network_free(struct quern_network *network)
{
    quern_arena_release(&network->tables);
    quern_pages_release(network->weights, network->packed_bytes);
    *network = (struct quern_network){0};
}

void quern_network_embed(const struct quern_network *network, int32_t id, int position, float *dst)
{
    const struct quern_gguf_tensor *t = network->tokens;
    const size_t width = (size_t)network->shape.width, row_bytes = t->bytes / (size_t)network->shape.vocabulary;
    quern_dequantize(t->type, dst, t->data + (size_t)id * row_bytes, width);
    if (network->arch->scales_embedding) {
        const float scale = sqrtf((float)width);
        for (size_t i = 0; i < width; i++)
            dst[i] *= scale;
    }
    if (network->token_type != NULL)
        network->kernels->add(dst, network->token_type, (int)width);
    if (network->positions != NULL)
        network->kernels->add(dst, network->positions + (size_t)position * width, (int)width);
}
