/* Binding the tensors of a file to a network, and packing them.
 *
 * The plan of the tables (panels, layers, norms, rotations) and of the weights runs twice over an arena, measuring and
 * then assigning; the second run leaves a list of panels to pack, which all threads share out. */
#include "model/network.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/pages.h"
#include "base/pool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A panel to pack: QUERN_PANEL_COLUMNS rows of a tensor. */
struct packing {
    const struct quern_gguf_tensor *tensor;
    const unsigned char *rows;
    size_t row_bytes;
    const struct quern_gemm *gemm;
    unsigned char *panel;
    uint64_t digest;
    bool finite;
};

struct loader {
    struct quern_network *network;
    const struct quern_gguf *gguf;
    quern_error *error;
    struct quern_arena tables; /* small things */
    unsigned char *weights;    /* packed panels; NULL while measuring */
    size_t weight_bytes;
    struct packing *packings; /* NULL while measuring */
    size_t packing_count;
};

/* The tensor of a name, which must have the given shape; rows 1 stands for a vector. */
static int find_tensor(const struct loader *loader, const char *name, int rows, int length,
                       const struct quern_gguf_tensor **found)
{
    const struct quern_gguf_tensor *t = quern_gguf_tensor_find(loader->gguf, name);
    if (t == NULL)
        return quern_fail(loader->error, QUERN_EFORMAT, "tensor %s is missing", name);
    if (t->shape[0] != (uint64_t)length || t->shape[1] != (uint64_t)rows || t->shape[2] != 1 || t->shape[3] != 1)
        return quern_fail(loader->error, QUERN_EFORMAT, "tensor %s is [%llu][%llu], the metadata ask for [%d][%d]",
                          name, (unsigned long long)t->shape[1], (unsigned long long)t->shape[0], rows, length);
    if (!quern_type_info(t->type)->supported)
        return quern_fail(loader->error, QUERN_EUNSUPPORTED, "tensor %s has type %s, which is not supported", name,
                          quern_type_info(t->type)->name);
    *found = t;
    return QUERN_OK;
}

/* "blk.3.attn_q.weight", or for layer -1 "output_norm.weight" */
static void tensor_name(char name[64], int layer, const char *part)
{
    if (layer < 0)
        snprintf(name, 64, "%s.weight", part);
    else
        snprintf(name, 64, "blk.%d.%s.weight", layer, part);
}

/* A copy of a float32 vector, so that no kernel reads the mapped file. */
static int bind_vector(struct loader *loader, int layer, const char *part, int length, const float **vector)
{
    char name[64];
    const struct quern_gguf_tensor *t = NULL;
    tensor_name(name, layer, part);
    QUERN_TRY(find_tensor(loader, name, 1, length, &t));
    if (t->type != QUERN_TYPE_F32)
        return quern_fail(loader->error, QUERN_EUNSUPPORTED, "tensor %s has type %s, norms must be F32", name,
                          quern_type_info(t->type)->name);
    float *copy = quern_arena_take(&loader->tables, (size_t)length, sizeof *copy);
    if (copy != NULL) {
        memcpy(copy, t->data, (size_t)length * sizeof *copy);
        if (!quern_blocks_finite(t->type, copy, (size_t)length))
            return quern_fail(loader->error, QUERN_EFORMAT, "tensor %s holds a number that is not finite", name);
    }
    *vector = copy;
    return QUERN_OK;
}

struct part {
    const char *name;
    int rows;
};

/* Makes one matrix of up to three tensors. interleave: their panels in turn instead of one after the other. */
static int bind_matrix(struct loader *loader, int layer, const struct part *parts, int count, bool interleave,
                       int length, struct quern_matrix *matrix)
{
    int rows = 0, base = 0;
    for (int i = 0; i < count; i++)
        rows += parts[i].rows;
    struct quern_panel *panels = quern_arena_take(&loader->tables, (size_t)(rows / QUERN_PANEL_COLUMNS), sizeof *panels);
    *matrix = (struct quern_matrix){.rows = rows, .length = length, .fast = true, .panels = panels};
    for (int i = 0; i < count; i++) {
        char name[64];
        const struct quern_gguf_tensor *t = NULL;
        tensor_name(name, layer, parts[i].name);
        QUERN_TRY(find_tensor(loader, name, parts[i].rows, length, &t));
        const struct quern_gemm *gemm = loader->network->kernels->gemm[t->type];
        const size_t row_bytes = t->bytes / (size_t)parts[i].rows;
        matrix->fast = matrix->fast && gemm->run[QUERN_PATH_FAST] != NULL;
        for (int p = 0; p < parts[i].rows / QUERN_PANEL_COLUMNS; p++) {
            if (loader->weights != NULL) {
                unsigned char *data = loader->weights + loader->weight_bytes;
                panels[interleave ? p * count + i : base + p] = (struct quern_panel){gemm, data};
                loader->packings[loader->packing_count] = (struct packing){
                    .tensor = t, .rows = t->data + (size_t)p * QUERN_PANEL_COLUMNS * row_bytes, .row_bytes = row_bytes,
                    .gemm = gemm, .panel = data};
            }
            loader->packing_count++;
            loader->weight_bytes += gemm->block_bytes * (size_t)(length / QUERN_BLOCK_ELEMENTS);
        }
        base += parts[i].rows / QUERN_PANEL_COLUMNS;
    }
    return QUERN_OK;
}

static int bind_layer(struct loader *loader, int l, struct quern_layer *layer)
{
    const struct quern_shape *s = &loader->network->shape;
    const struct part qkv[] = {{"attn_q", s->heads * s->head}, {"attn_k", s->kv_heads * s->head},
                               {"attn_v", s->kv_heads * s->head}};
    const struct part output[] = {{"attn_output", s->width}}, down[] = {{"ffn_down", s->width}};
    const struct part gate_up[] = {{"ffn_gate", s->ffn}, {"ffn_up", s->ffn}};

    layer->local = s->period == 0 || l % s->period < s->period - 1;
    QUERN_TRY(bind_vector(loader, l, "attn_norm", s->width, &layer->attention_norm));
    QUERN_TRY(bind_vector(loader, l, "attn_q_norm", s->head, &layer->query_norm));
    QUERN_TRY(bind_vector(loader, l, "attn_k_norm", s->head, &layer->key_norm));
    QUERN_TRY(bind_vector(loader, l, "post_attention_norm", s->width, &layer->post_attention_norm));
    QUERN_TRY(bind_vector(loader, l, "ffn_norm", s->width, &layer->ffn_norm));
    QUERN_TRY(bind_vector(loader, l, "post_ffw_norm", s->width, &layer->post_ffn_norm));
    QUERN_TRY(bind_matrix(loader, l, qkv, 3, false, s->width, &layer->qkv));
    QUERN_TRY(bind_matrix(loader, l, output, 1, false, s->heads * s->head, &layer->output));
    QUERN_TRY(bind_matrix(loader, l, gate_up, 2, true, s->width, &layer->gate_up));
    return bind_matrix(loader, l, down, 1, false, s->ffn, &layer->down);
}

/* The dense head: both tensors or none. */
static int bind_head(struct loader *loader)
{
    struct quern_network *network = loader->network;
    struct quern_shape *s = &network->shape;
    const struct quern_gguf_tensor *t = quern_gguf_tensor_find(loader->gguf, "dense_2.weight");
    if (t == NULL && quern_gguf_tensor_find(loader->gguf, "dense_3.weight") == NULL)
        return QUERN_OK;
    if (t == NULL)
        return quern_fail(loader->error, QUERN_EFORMAT,
                          "tensor dense_2.weight is missing, though dense_3.weight is not");
    if (t->shape[1] % QUERN_PANEL_COLUMNS != 0 || t->shape[1] > 1 << 20)
        return quern_fail(loader->error, QUERN_EUNSUPPORTED,
                          "tensor dense_2.weight has %llu rows, not a multiple of %d", (unsigned long long)t->shape[1],
                          QUERN_PANEL_COLUMNS);
    s->head_hidden = (int)t->shape[1];
    const struct part dense_2[] = {{"dense_2", s->head_hidden}}, dense_3[] = {{"dense_3", s->width}};
    QUERN_TRY(bind_matrix(loader, -1, dense_2, 1, false, s->width, &network->dense_2));
    return bind_matrix(loader, -1, dense_3, 1, false, s->head_hidden, &network->dense_3);
}

/* cosine and sine of position * base^(-2 i / head) for all positions, by turning on from one position to the next in
 * double precision: 2,048 turns lose about 2,048 * 2^-53. */
static void fill_rotations(float *cosine, float *sine, const struct quern_shape *s, double base)
{
    const int half = s->head / 2;
    for (int i = 0; i < half; i++) {
        const double angle = pow(base, -(double)i / half), c1 = cos(angle), s1 = sin(angle);
        double c = 1, d = 0;
        for (size_t p = 0; p < (size_t)s->context; p++) {
            cosine[p * (size_t)half + (size_t)i] = (float)c;
            sine[p * (size_t)half + (size_t)i] = (float)d;
            const double next = c * c1 - d * s1;
            d = d * c1 + c * s1;
            c = next;
        }
    }
}

static void bind_rotations(struct loader *loader)
{
    struct quern_network *network = loader->network;
    const struct quern_shape *s = &network->shape;
    for (int local = 0; local < 2; local++) {
        if (local && s->rope_base_local == s->rope_base) {
            network->cosine[1] = network->cosine[0];
            network->sine[1] = network->sine[0];
            return;
        }
        const size_t count = (size_t)s->context * (size_t)(s->head / 2);
        float *cosine = quern_arena_take(&loader->tables, count, sizeof *cosine);
        float *sine = quern_arena_take(&loader->tables, count, sizeof *sine);
        if (cosine != NULL)
            fill_rotations(cosine, sine, s, local ? s->rope_base_local : s->rope_base);
        network->cosine[local] = cosine;
        network->sine[local] = sine;
    }
}

/* All bindings; runs twice. */
static int bind_all(struct loader *loader)
{
    struct quern_network *network = loader->network;
    const struct quern_shape *s = &network->shape;
    struct quern_layer scratch, *layers;
    loader->weight_bytes = loader->packing_count = 0;
    layers = quern_arena_take(&loader->tables, (size_t)s->layers, sizeof *layers);
    for (int l = 0; l < s->layers; l++)
        QUERN_TRY(bind_layer(loader, l, layers != NULL ? layers + l : &scratch));
    network->layers = layers;
    QUERN_TRY(bind_vector(loader, -1, "output_norm", s->width, &network->output_norm));
    QUERN_TRY(bind_head(loader));
    bind_rotations(loader);
    return QUERN_OK;
}

/* Eight bytes at a time, multiplied with an odd number and folded; for telling weights apart, not against forgery. */
static uint64_t digest_bytes(uint64_t digest, const unsigned char *data, size_t bytes)
{
    for (; bytes > 0;) {
        const size_t n = bytes < 8 ? bytes : 8;
        uint64_t word = 0;
        memcpy(&word, data, n);
        digest = (digest ^ word) * 0x9e3779b97f4a7c15u;
        digest ^= digest >> 32;
        data += n;
        bytes -= n;
    }
    return digest;
}

static void pack_one(void *argument, int tile, int thread)
{
    struct packing *p = (struct packing *)argument + tile;
    const size_t bytes = p->row_bytes * QUERN_PANEL_COLUMNS;
    (void)thread;
    p->gemm->pack(p->panel, p->rows, p->row_bytes, (int)p->tensor->shape[0]);
    p->finite = quern_blocks_finite(p->tensor->type, p->rows, (size_t)p->tensor->shape[0] * QUERN_PANEL_COLUMNS);
    p->digest = digest_bytes(0, p->rows, bytes);
}

/* Of everything that makes a vector: shape, packed weights, norms, and samples of the embedding table, which is too
 * large to read at every start. */
static uint64_t digest_network(const struct loader *loader)
{
    enum { SAMPLES = 512, SAMPLE_BYTES = 32 };
    const struct quern_network *network = loader->network;
    const struct quern_gguf_tensor *e = network->embedding;
    const struct quern_shape *s = &network->shape;
    const int32_t numbers[] = {s->width, s->layers, s->heads, s->kv_heads, s->head, s->ffn, s->sliding_window,
                               s->period, s->vocabulary, s->head_hidden, (int32_t)e->type,
                               (int32_t)(s->rope_base * 16), (int32_t)(s->rope_base_local * 16)};
    uint64_t digest = digest_bytes(1, (const unsigned char *)numbers, sizeof numbers);
    for (size_t i = 0; i < loader->packing_count; i++) {
        const unsigned char *bytes = (const unsigned char *)&loader->packings[i].digest;
        digest = digest_bytes(digest, bytes, sizeof loader->packings[i].digest);
    }
    for (size_t i = 0; i < loader->gguf->tensor_count; i++) {
        const struct quern_gguf_tensor *t = &loader->gguf->tensors[i];
        if (t->dimensions == 1)
            digest = digest_bytes(digest, t->data, t->bytes);
    }
    for (size_t i = 0; i < SAMPLES && e->bytes >= SAMPLE_BYTES; i++)
        digest = digest_bytes(digest, e->data + (e->bytes - SAMPLE_BYTES) / SAMPLES * i, SAMPLE_BYTES);
    return digest;
}

static int pack_all(struct loader *loader, int threads)
{
    struct quern_pool *pool;
    QUERN_TRY(quern_pool_new(&pool, threads, NULL, NULL, loader->error));
    quern_pool_run(pool, pack_one, loader->packings, (int)loader->packing_count);
    quern_pool_free(pool);
    for (size_t i = 0; i < loader->packing_count; i++) {
        const struct packing *p = &loader->packings[i];
        if (!p->finite)
            return quern_fail(loader->error, QUERN_EFORMAT, "tensor %.*s holds a scale that is not finite",
                              (int)p->tensor->name.length, p->tensor->name.data);
    }
    loader->network->digest = digest_network(loader);
    /* What was packed is not read again, and of the embedding table only the rows of tokens that come. */
    for (size_t i = 0; i < loader->gguf->tensor_count; i++) {
        const struct quern_gguf_tensor *t = &loader->gguf->tensors[i];
        quern_map_forget(&loader->gguf->map, (size_t)(t->data - loader->gguf->map.data), t->bytes);
    }
    return quern_map_check(&loader->gguf->map, loader->error);
}

/* A tensor that we do not know may change what the others mean. */
static int refuse_unknown(const struct loader *loader)
{
    const struct quern_shape *s = &loader->network->shape;
    const size_t expected = (size_t)s->layers * 13 + 2 + (s->head_hidden != 0 ? 2 : 0);
    if (loader->gguf->tensor_count != expected)
        return quern_fail(loader->error, QUERN_EUNSUPPORTED,
                          "the file has %zu tensors, a gemma-embedding model of %d layers has %zu",
                          loader->gguf->tensor_count, s->layers, expected);
    return QUERN_OK;
}

static int find_embedding(struct loader *loader)
{
    struct quern_network *network = loader->network;
    const struct quern_gguf_tensor *t = quern_gguf_tensor_find(loader->gguf, "token_embd.weight");
    if (t != NULL && t->shape[1] <= 1 << 24)
        network->shape.vocabulary = (int)t->shape[1];
    return find_tensor(loader, "token_embd.weight", network->shape.vocabulary, network->shape.width,
                       &network->embedding);
}

static int load(struct loader *loader, int threads)
{
    struct quern_network *network = loader->network;
    QUERN_TRY(quern_shape_read(&network->shape, loader->gguf, loader->error));
    QUERN_TRY(find_embedding(loader));
    QUERN_TRY(bind_all(loader));
    QUERN_TRY(refuse_unknown(loader));
    QUERN_TRY(quern_arena_reserve(&loader->tables, loader->error));
    loader->weights = quern_pages_take(loader->weight_bytes, loader->error);
    if (loader->weights == NULL)
        return QUERN_ENOMEM;
    network->packed_bytes = loader->weight_bytes;
    loader->packings = calloc(loader->packing_count, sizeof *loader->packings);
    if (loader->packings == NULL)
        return quern_fail(loader->error, QUERN_ENOMEM, "no memory to list %zu panels", loader->packing_count);
    QUERN_TRY(bind_all(loader));
    for (size_t i = 0; i < loader->gguf->tensor_count; i++)
        network->parameters += loader->gguf->tensors[i].elements;
    return pack_all(loader, threads);
}

int quern_network_load(struct quern_network *network, const struct quern_gguf *gguf,
                       const struct quern_kernels *kernels, int threads, quern_error *error)
{
    struct loader loader = {.network = network, .gguf = gguf, .error = error};
    *network = (struct quern_network){.gguf = gguf, .kernels = kernels};
    int code = load(&loader, threads);
    free(loader.packings);
    network->tables = loader.tables;
    network->weights = loader.weights;
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

void quern_network_embedding(const struct quern_network *network, int32_t id, float *dst)
{
    const struct quern_gguf_tensor *t = network->embedding;
    const size_t width = (size_t)network->shape.width, row_bytes = t->bytes / (size_t)network->shape.vocabulary;
    const float scale = sqrtf((float)width);
    quern_dequantize(t->type, dst, t->data + (size_t)id * row_bytes, width);
    for (size_t i = 0; i < width; i++)
        dst[i] *= scale;
}
