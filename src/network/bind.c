/* Finds the tensors of a description in a file, checks them, and joins them to a network. */
#include "base/error.h"
#include "base/view.h"
#include "formats/conversion.h"
#include "network/binder.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Most rows of a tensor whose rows no key gives. */
#define MOST_ROWS (1 << 24)

static bool has(const struct quern_binder *binder, enum quern_tensor tensor)
{
    return binder->arch->tensors[tensor].name != NULL;
}

/* The tensor of a name in the file; NULL: it is not there. */
static const struct quern_gguf_tensor *look_up(const struct quern_binder *binder, enum quern_tensor tensor, int layer,
                                               const char *part)
{
    char name[QUERN_TENSOR_NAME];
    quern_tensor_name(name, binder->arch, tensor, layer, part);
    return quern_gguf_tensor_find(binder->gguf, name);
}

/* Finds a tensor that must be there with the given shape. rows 1 stands for a vector. */
static int find(struct quern_binder *binder, enum quern_tensor tensor, int layer, const char *part, int rows,
                int length, const struct quern_gguf_tensor **found)
{
    char name[QUERN_TENSOR_NAME];
    quern_tensor_name(name, binder->arch, tensor, layer, part);
    const struct quern_gguf_tensor *t = quern_gguf_tensor_find(binder->gguf, name);
    if (t == NULL)
        return quern_fail(binder->error, QUERN_EFORMAT, "tensor %s is missing", name);
    if (t->shape[0] != (uint64_t)length || t->shape[1] != (uint64_t)rows || t->shape[2] != 1 || t->shape[3] != 1)
        return quern_fail(binder->error, QUERN_EFORMAT, "tensor %s is [%llu][%llu], the metadata ask for [%d][%d]",
                          name, (unsigned long long)t->shape[1], (unsigned long long)t->shape[0], rows, length);
    if (!quern_type_info(t->type)->supported)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "tensor %s has type %s, which is not supported", name,
                          quern_type_info(t->type)->name);
    binder->tensor_count++;
    *found = t;
    return QUERN_OK;
}

/* Rows of a tensor. What no key gives is taken from the tensor itself. */
static int rows_of(struct quern_binder *binder, enum quern_tensor tensor, int layer)
{
    const enum quern_parameter rows = binder->arch->tensors[tensor].rows;
    if (rows != QUERN_P_NONE && binder->values[rows] == 0) {
        const struct quern_gguf_tensor *t = look_up(binder, tensor, layer, "weight");
        if (t != NULL && t->shape[1] <= MOST_ROWS)
            binder->values[rows] = (double)t->shape[1];
    }
    return quern_binder_size(binder, rows);
}

static int length_of(const struct quern_binder *binder, enum quern_tensor tensor)
{
    return quern_binder_size(binder, binder->arch->tensors[tensor].length);
}

/* A float32 vector in the mapped file, whose numbers are finite. */
static int find_vector(struct quern_binder *binder, enum quern_tensor tensor, int layer, const char *part, int length,
                       const unsigned char **data)
{
    const struct quern_gguf_tensor *t = NULL;
    QUERN_TRY(find(binder, tensor, layer, part, 1, length, &t));
    if (t->type != QUERN_TYPE_F32)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "tensor %.*s has type %s, norms and biases must be F32",
                          (int)t->name.length, t->name.data, quern_type_info(t->type)->name);
    if (!quern_blocks_finite(t->type, t->data, (size_t)length))
        return quern_fail(binder->error, QUERN_EFORMAT, "tensor %.*s holds a number that is not finite",
                          (int)t->name.length, t->name.data);
    *data = t->data;
    return QUERN_OK;
}

/* A copy of a vector, so that no kernel reads the mapped file. */
static int bind_vector(struct quern_binder *binder, enum quern_tensor tensor, int layer, const char *part,
                       const float **vector)
{
    const int length = length_of(binder, tensor);
    const unsigned char *data = NULL;
    QUERN_TRY(find_vector(binder, tensor, layer, part, length, &data));
    float *copy = quern_arena_take(&binder->tables, (size_t)length, sizeof *copy);
    if (copy != NULL)
        memcpy(copy, data, (size_t)length * sizeof *copy);
    *vector = copy;
    return QUERN_OK;
}

/* Whether the tensor has a bias in this file. For a bias that is required this is true, so a missing one is noticed. */
static bool has_bias(const struct quern_binder *binder, enum quern_tensor tensor, int layer)
{
    const enum quern_bias bias = binder->arch->tensors[tensor].bias;
    return bias == QUERN_BIAS_REQUIRED ||
           (bias == QUERN_BIAS_OPTIONAL && look_up(binder, tensor, layer, "bias") != NULL);
}

/* A norm; one that the architecture or its first layer lacks stays zeroed. */
static int bind_norm(struct quern_binder *binder, enum quern_tensor tensor, int layer, struct quern_norm *norm)
{
    *norm = (struct quern_norm){NULL, NULL};
    if (!has(binder, tensor) || (layer == 0 && binder->arch->tensors[tensor].not_in_first))
        return QUERN_OK;
    QUERN_TRY(bind_vector(binder, tensor, layer, "weight", &norm->weight));
    return has_bias(binder, tensor, layer) ? bind_vector(binder, tensor, layer, "bias", &norm->bias) : QUERN_OK;
}

/* ---------------------------------------------------------------- matrices */

/* A tensor, or some of its rows, that becomes a part of a matrix. */
struct part {
    const struct quern_gguf_tensor *weight;
    const unsigned char *bias; /* floats [rows of the tensor], perhaps not aligned; NULL: none */
    int first, panels;         /* panels of the tensor: the first one, and how many */
    bool rounded;              /* packed as Q8_0, whatever type it has */
};

static int find_part(struct quern_binder *binder, enum quern_tensor tensor, int layer, struct part *part)
{
    const int rows = rows_of(binder, tensor, layer);
    *part = (struct part){.panels = rows / QUERN_PANEL_COLUMNS};
    QUERN_TRY(find(binder, tensor, layer, "weight", rows, length_of(binder, tensor), &part->weight));
    if (rows % QUERN_PANEL_COLUMNS != 0)
        return quern_fail(binder->error, QUERN_EUNSUPPORTED, "tensor %.*s has %d rows, not a multiple of %d",
                          (int)part->weight->name.length, part->weight->name.data, rows, QUERN_PANEL_COLUMNS);
    return has_bias(binder, tensor, layer) ? find_vector(binder, tensor, layer, "bias", rows, &part->bias) : QUERN_OK;
}

/* Reserves the memory of a tensor's panel, and when there is memory, lists the panel for packing. */
static struct quern_panel bind_panel(struct quern_binder *binder, const struct part *part, int panel)
{
    const struct quern_gguf_tensor *t = part->weight;
    const struct quern_gemm *gemm = binder->network->kernels->gemm[part->rounded ? QUERN_TYPE_Q8_0 : t->type];
    const size_t row_bytes = t->bytes / (size_t)t->shape[1];
    unsigned char *data = NULL;
    if (binder->weights != NULL) {
        data = binder->weights + binder->weight_bytes;
        binder->packings[binder->packing_count] = (struct quern_packing){
            .tensor = t, .rows = t->data + (size_t)panel * QUERN_PANEL_COLUMNS * row_bytes, .row_bytes = row_bytes,
            .gemm = gemm, .panel = data, .rounded = part->rounded};
    }
    binder->packing_count++;
    binder->weight_bytes += gemm->block_bytes * (size_t)(t->shape[0] / QUERN_BLOCK_ELEMENTS);
    return (struct quern_panel){gemm, data};
}

/* The biases of a tensor's panel; a tensor without biases has zeros. */
static void copy_bias(float *bias, const struct part *part, int panel)
{
    const size_t bytes = QUERN_PANEL_COLUMNS * sizeof *bias;
    if (part->bias != NULL)
        memcpy(bias, part->bias + (size_t)panel * bytes, bytes);
    else
        memset(bias, 0, bytes);
}

enum { MOST_PARTS = 3 };

/* Makes one matrix of count parts. Their panels follow each other, or alternate: the first of each, then the second of
 * each, and so on. */
static void join_parts(struct quern_binder *binder, const struct part *parts, int count, bool alternate,
                       struct quern_matrix *matrix)
{
    int panel_count = 0, before = 0;
    bool biased = false;
    for (int i = 0; i < count; i++) {
        panel_count += parts[i].panels;
        biased = biased || parts[i].bias != NULL;
    }
    const int rows = panel_count * QUERN_PANEL_COLUMNS;
    struct quern_panel *panels = quern_arena_take(&binder->tables, (size_t)panel_count, sizeof *panels);
    float *bias = biased ? quern_arena_take(&binder->tables, (size_t)rows, sizeof *bias) : NULL;
    *matrix = (struct quern_matrix){
        .rows = rows, .length = (int)parts[0].weight->shape[0], .fast = true, .panels = panels, .bias = bias};
    for (int i = 0; i < count; before += parts[i++].panels)
        for (int p = 0; p < parts[i].panels; p++) {
            const int place = alternate ? p * count + i : before + p;
            const struct quern_panel panel = bind_panel(binder, &parts[i], parts[i].first + p);
            matrix->fast = matrix->fast && panel.gemm->run[QUERN_PATH_FAST] != NULL;
            if (panels != NULL)
                panels[place] = panel;
            if (bias != NULL)
                copy_bias(bias + place * QUERN_PANEL_COLUMNS, &parts[i], parts[i].first + p);
        }
}

/* One matrix of whole tensors. */
static int bind_matrix(struct quern_binder *binder, int layer, const enum quern_tensor *tensors, int count,
                       bool alternate, struct quern_matrix *matrix)
{
    struct part parts[MOST_PARTS];
    for (int i = 0; i < count; i++)
        QUERN_TRY(find_part(binder, tensors[i], layer, &parts[i]));
    join_parts(binder, parts, count, alternate, matrix);
    return QUERN_OK;
}

static int bind_one(struct quern_binder *binder, int layer, enum quern_tensor tensor, struct quern_matrix *matrix)
{
    return bind_matrix(binder, layer, &tensor, 1, false, matrix);
}

static int bind_qkv(struct quern_binder *binder, int layer, struct quern_matrix *qkv)
{
    static const enum quern_tensor parts[] = {QUERN_T_QUERY, QUERN_T_KEY, QUERN_T_VALUE};
    if (has(binder, QUERN_T_QKV) && look_up(binder, QUERN_T_QKV, layer, "weight") != NULL)
        return bind_one(binder, layer, QUERN_T_QKV, qkv);
    return bind_matrix(binder, layer, parts, 3, false, qkv);
}

/* The two halves of a tensor, alternating. */
static int bind_halves(struct quern_binder *binder, int layer, enum quern_tensor tensor, struct quern_matrix *matrix)
{
    struct part parts[2];
    QUERN_TRY(find_part(binder, tensor, layer, &parts[0]));
    parts[0].panels /= 2;
    parts[1] = parts[0];
    parts[1].first = parts[0].panels;
    join_parts(binder, parts, 2, true, matrix);
    return QUERN_OK;
}

static int bind_up(struct quern_binder *binder, int layer, struct quern_matrix *up)
{
    static const enum quern_tensor parts[] = {QUERN_T_GATE, QUERN_T_UP};
    if (has(binder, QUERN_T_GATE_UP))
        return bind_halves(binder, layer, QUERN_T_GATE_UP, up);
    if (binder->network->gated)
        return bind_matrix(binder, layer, parts, 2, true, up);
    return bind_one(binder, layer, QUERN_T_UP, up);
}

/* ---------------------------------------------------------------- parts of the network */

/* Sets the layer's geometry, and the parameters that follow from it. */
static void bind_geometry(struct quern_binder *binder, int l, struct quern_layer *layer)
{
    const enum quern_layer_kind kind = binder->layers[l].kind;
    const struct quern_arch_geometry *geometry = &binder->arch->geometry[kind];
    layer->heads = quern_binder_size(binder, QUERN_P_HEADS);
    layer->kv_heads = binder->layers[l].kv_heads;
    layer->head = quern_binder_size(binder, geometry->head);
    layer->window = geometry->window == QUERN_P_NONE ? INT_MAX : quern_binder_size(binder, geometry->window) / 2;
    layer->score_scale = binder->arch->unscaled_scores ? 1 : (float)(1 / sqrt(layer->head));
    layer->rope_base = binder->values[geometry->rope_base];
    layer->cosine = binder->rotations[kind].cosine;
    layer->sine = binder->rotations[kind].sine;
    binder->values[QUERN_P_KV_HEADS] = layer->kv_heads;
    binder->values[QUERN_P_LAYER_HEAD] = layer->head;
    binder->values[QUERN_P_QUERIES] = layer->heads * layer->head;
    binder->values[QUERN_P_KEYS] = layer->kv_heads * layer->head;
    binder->values[QUERN_P_QKV] = (layer->heads + 2 * layer->kv_heads) * layer->head;
}

/* The rows of a matrix from one on; both are whole panels. */
static struct quern_matrix rows_from(const struct quern_matrix *matrix, int first, int rows)
{
    return (struct quern_matrix){
        .rows = rows, .length = matrix->length, .fast = matrix->fast,
        .panels = matrix->panels != NULL ? matrix->panels + first / QUERN_PANEL_COLUMNS : NULL};
}

static int bind_layer_input(struct quern_binder *binder, int l, struct quern_layer *layer)
{
    const int size = quern_binder_size(binder, QUERN_P_LAYER_INPUT);
    if (!has(binder, QUERN_T_LAYER_INPUTS))
        return QUERN_OK;
    for (int path = 0; path < QUERN_PATHS; path++)
        layer->layer_input[path] = rows_from(&binder->layer_inputs[path], l * size, size);
    QUERN_TRY(bind_one(binder, l, QUERN_T_INPUT_GATE, &layer->input_gate));
    QUERN_TRY(bind_one(binder, l, QUERN_T_INPUT_OUTPUT, &layer->input_output));
    return bind_norm(binder, QUERN_T_INPUT_SUM_NORM, l, &layer->input_sum_norm);
}

static int bind_scale(struct quern_binder *binder, int l, float *scale)
{
    const unsigned char *data = NULL;
    *scale = 1;
    if (!has(binder, QUERN_T_LAYER_SCALE))
        return QUERN_OK;
    QUERN_TRY(find_vector(binder, QUERN_T_LAYER_SCALE, l, "weight", 1, &data));
    memcpy(scale, data, sizeof *scale);
    return QUERN_OK;
}

static int bind_layer(struct quern_binder *binder, int l, struct quern_layer *layer)
{
    *layer = (struct quern_layer){.value_norm = binder->ones};
    bind_geometry(binder, l, layer);
    QUERN_TRY(bind_norm(binder, QUERN_T_ATTENTION_NORM, l, &layer->attention_norm));
    if (has(binder, QUERN_T_QUERY_NORM)) {
        QUERN_TRY(bind_vector(binder, QUERN_T_QUERY_NORM, l, "weight", &layer->query_norm));
        QUERN_TRY(bind_vector(binder, QUERN_T_KEY_NORM, l, "weight", &layer->key_norm));
    }
    QUERN_TRY(bind_norm(binder, QUERN_T_ATTENTION_SUM_NORM, l, &layer->attention_sum_norm));
    QUERN_TRY(bind_norm(binder, QUERN_T_FFN_NORM, l, &layer->ffn_norm));
    QUERN_TRY(bind_norm(binder, QUERN_T_FFN_SUM_NORM, l, &layer->ffn_sum_norm));
    QUERN_TRY(bind_qkv(binder, l, &layer->qkv));
    QUERN_TRY(bind_one(binder, l, QUERN_T_OUTPUT, &layer->output));
    QUERN_TRY(bind_up(binder, l, &layer->up));
    QUERN_TRY(bind_one(binder, l, QUERN_T_DOWN, &layer->down));
    QUERN_TRY(bind_layer_input(binder, l, layer));
    return bind_scale(binder, l, &layer->scale);
}

static int bind_layers(struct quern_binder *binder)
{
    const int count = quern_binder_size(binder, QUERN_P_LAYERS);
    struct quern_layer scratch, *layers = quern_arena_take(&binder->tables, (size_t)count, sizeof *layers);
    for (int l = 0; l < count; l++)
        QUERN_TRY(bind_layer(binder, l, layers != NULL ? &layers[l] : &scratch));
    binder->network->layers = layers;
    return QUERN_OK;
}

/* The first rows of a table as floats; an architecture or a file without it leaves *table as it is. */
static int bind_table(struct quern_binder *binder, enum quern_tensor tensor, int rows, const float **table)
{
    if (!has(binder, tensor) ||
        (binder->arch->tensors[tensor].optional && look_up(binder, tensor, 0, "weight") == NULL))
        return QUERN_OK;
    const struct quern_gguf_tensor *t = NULL;
    const int length = length_of(binder, tensor);
    const size_t elements = (size_t)rows * (size_t)length;
    QUERN_TRY(find(binder, tensor, 0, "weight", rows_of(binder, tensor, 0), length, &t));
    if (!quern_blocks_finite(t->type, t->data, elements))
        return quern_fail(binder->error, QUERN_EFORMAT, "tensor %.*s holds a number that is not finite",
                          (int)t->name.length, t->name.data);
    float *copy = quern_arena_take(&binder->tables, elements, sizeof *copy);
    if (copy != NULL)
        quern_dequantize(t->type, copy, t->data, elements);
    *table = copy;
    return QUERN_OK;
}

static int bind_embedding(struct quern_binder *binder)
{
    struct quern_network *network = binder->network;
    const int rows = rows_of(binder, QUERN_T_TOKENS, 0), context = quern_binder_size(binder, QUERN_P_CONTEXT);
    QUERN_TRY(find(binder, QUERN_T_TOKENS, 0, "weight", rows, length_of(binder, QUERN_T_TOKENS), &network->tokens));
    QUERN_TRY(bind_table(binder, QUERN_T_POSITIONS, context, &network->positions));
    QUERN_TRY(bind_table(binder, QUERN_T_TOKEN_TYPES, 1, &network->token_type));
    return bind_norm(binder, QUERN_T_EMBEDDING_NORM, 0, &network->embedding_norm);
}

/* Whether the fast path can multiply by a matrix of the file's first layer. */
static bool has_fast_layers(const struct quern_binder *binder)
{
    const struct quern_gguf_tensor *t = look_up(binder, QUERN_T_QUERY, 0, "weight");
    return t != NULL && quern_type_info(t->type)->supported &&
           binder->network->kernels->gemm[t->type]->run[QUERN_PATH_FAST] != NULL;
}

/* Quantisers leave this matrix in bfloat16 when they round all others. Floats would make a pass of the fast path 8 %
 * longer (bench/LOG.md), so there the matrix is rounded, too: to the bytes of Q8_0. A file whose layers are floats
 * keeps it as it is, and so does a table that multiplies floats on the fast path. */
static int bind_layer_inputs(struct quern_binder *binder)
{
    struct quern_matrix *matrices = binder->layer_inputs;
    struct part part;
    QUERN_TRY(find_part(binder, QUERN_T_LAYER_INPUTS, 0, &part));
    join_parts(binder, &part, 1, false, &matrices[QUERN_PATH_EXACT]);
    matrices[QUERN_PATH_FAST] = matrices[QUERN_PATH_EXACT];
    part.rounded = !matrices[QUERN_PATH_EXACT].fast && has_fast_layers(binder);
    if (part.rounded)
        join_parts(binder, &part, 1, false, &matrices[QUERN_PATH_FAST]);
    return bind_vector(binder, QUERN_T_LAYER_INPUT_NORM, 0, "weight", &binder->network->layer_input_norm);
}

/* What the layers have in common. */
static int bind_common(struct quern_binder *binder)
{
    const int global = quern_binder_size(binder, QUERN_P_HEAD), local = quern_binder_size(binder, QUERN_P_LOCAL_HEAD);
    const size_t most = (size_t)(global > local ? global : local);
    float *ones = binder->arch->norms_values ? quern_arena_take(&binder->tables, most, sizeof *ones) : NULL;
    for (size_t i = 0; ones != NULL && i < most; i++)
        ones[i] = 1;
    binder->ones = ones;
    return has(binder, QUERN_T_LAYER_INPUTS) ? bind_layer_inputs(binder) : QUERN_OK;
}

/* The dense head: all its tensors or, where they are optional, none. */
static int bind_head(struct quern_binder *binder)
{
    static const enum quern_tensor parts[QUERN_MOST_DENSE] = {QUERN_T_DENSE_1, QUERN_T_DENSE_2};
    int count = 0, found = 0, lost = 0, there = 0;
    for (; count < QUERN_MOST_DENSE && has(binder, parts[count]); count++) {
        const bool here = look_up(binder, parts[count], 0, "weight") != NULL;
        *(here ? &there : &lost) = count;
        found += here;
    }
    if (found == 0 && (count == 0 || binder->arch->tensors[parts[0]].optional))
        return QUERN_OK;
    if (found > 0 && found < count) {
        char names[2][QUERN_TENSOR_NAME];
        quern_tensor_name(names[0], binder->arch, parts[lost], 0, "weight");
        quern_tensor_name(names[1], binder->arch, parts[there], 0, "weight");
        return quern_fail(binder->error, QUERN_EFORMAT, "tensor %s is missing, though %s is not", names[0], names[1]);
    }
    for (int i = 0; i < count; i++)
        QUERN_TRY(bind_one(binder, 0, parts[i], &binder->network->dense[i]));
    return QUERN_OK;
}

const struct quern_gguf_tensor *quern_binder_ignored(const struct quern_binder *binder)
{
    return binder->arch->ignored != NULL ? quern_gguf_tensor_find(binder->gguf, binder->arch->ignored) : NULL;
}

/* Whether a tensor has the name of one that the description knows, in some layer. */
static bool is_named(const struct quern_binder *binder, quern_text name)
{
    int layer = 0;
    char start[QUERN_TENSOR_NAME], known[QUERN_TENSOR_NAME];
    snprintf(start, sizeof start, "%.*s", (int)(name.length < sizeof start ? name.length : sizeof start), name.data);
    if (sscanf(start, "blk.%4d.", &layer) == 1 && layer >= quern_binder_size(binder, QUERN_P_LAYERS))
        return false;
    for (int tensor = 0; tensor < QUERN_TENSORS; tensor++)
        for (int part = 0; part < (binder->arch->tensors[tensor].bias == QUERN_BIAS_NONE ? 1 : 2); part++) {
            if (!has(binder, (enum quern_tensor)tensor))
                continue;
            quern_tensor_name(known, binder->arch, (enum quern_tensor)tensor, layer, part == 0 ? "weight" : "bias");
            if (quern_text_is(name, known))
                return true;
        }
    return false;
}

/* A tensor that the description does not know may change what the others mean. */
static int refuse_unknown(const struct quern_binder *binder)
{
    const struct quern_gguf *gguf = binder->gguf;
    const int layers = quern_binder_size(binder, QUERN_P_LAYERS);
    const struct quern_gguf_tensor *ignored = quern_binder_ignored(binder);
    const size_t count = gguf->tensor_count - (ignored != NULL);
    if (count == binder->tensor_count)
        return QUERN_OK;
    for (size_t i = 0; i < gguf->tensor_count; i++)
        if (&gguf->tensors[i] != ignored && !is_named(binder, gguf->tensors[i].name))
            return quern_fail(binder->error, QUERN_EUNSUPPORTED, "the file has a tensor %.*s, which a %s model of %d "
                              "layers does not have", (int)(gguf->tensors[i].name.length), gguf->tensors[i].name.data,
                              binder->arch->name, layers);
    return quern_fail(binder->error, QUERN_EUNSUPPORTED, "the file has %zu tensors, but a %s model of %d layers has "
                      "%zu", count, binder->arch->name, layers, binder->tensor_count);
}

int quern_binder_bind(struct quern_binder *binder)
{
    binder->weight_bytes = binder->packing_count = binder->tensor_count = 0;
    quern_binder_bind_rotations(binder);
    QUERN_TRY(bind_embedding(binder));
    QUERN_TRY(bind_common(binder));
    QUERN_TRY(bind_layers(binder));
    QUERN_TRY(bind_norm(binder, QUERN_T_FINAL_NORM, 0, &binder->network->final_norm));
    QUERN_TRY(bind_head(binder));
    return refuse_unknown(binder);
}
