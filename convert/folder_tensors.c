/* Which tensors of a folder the model file gets, and under which names. */
#include "base/count.h"
#include "base/error.h"
#include "folder.h"
#include "formats/formats.h"
#include "layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t size_of(const struct quern_settings *s, enum quern_parameter parameter, int layer)
{
    const bool is_global = s->global_head > 0 && !s->is_local[layer];
    const uint64_t head = (uint64_t)(is_global ? s->global_head : s->head);
    const uint64_t queries = (uint64_t)s->heads * head;
    const uint64_t keys = (uint64_t)(s->layer_kv_heads[layer] > 0 ? s->layer_kv_heads[layer] : s->kv_heads) * head;
    switch (parameter) {
    case QUERN_P_WIDTH: return (uint64_t)s->width;
    case QUERN_P_DIMENSIONS: return (uint64_t)s->dimensions;
    case QUERN_P_FFN: return (uint64_t)s->ffn;
    case QUERN_P_GATE_UP: return 2 * (uint64_t)s->ffn;
    case QUERN_P_LAYER_INPUT: return (uint64_t)s->layer_input;
    case QUERN_P_LAYER_INPUTS: return (uint64_t)s->layers * (uint64_t)s->layer_input;
    case QUERN_P_LAYER_HEAD: return head;
    case QUERN_P_QUERIES: return queries;
    case QUERN_P_KEYS: return keys;
    case QUERN_P_QKV: return queries + 2 * keys;
    case QUERN_P_VOCABULARY: return (uint64_t)s->vocabulary;
    case QUERN_P_CONTEXT: return (uint64_t)s->context;
    case QUERN_P_TOKEN_TYPES: return (uint64_t)s->token_types;
    case QUERN_P_HEAD_HIDDEN: return (uint64_t)s->head_hidden;
    default: return 1;
    }
}

static const struct quern_arch *arch_of(const struct quern_folder *folder)
{
    return folder->settings.layout->arch;
}

/* Adds a tensor of a file to the list, which must be [rows][length], or [length] when rows is 0. part: "weight" or
 * "bias". */
static int add_tensor(struct quern_folder *folder, const struct quern_safetensors *file,
                      const struct quern_safetensor *tensor, const char *name, uint64_t rows, uint64_t length)
{
    const int dimensions = rows > 0 ? 2 : 1;
    if (tensor->dimensions != dimensions || tensor->shape[0] != length || (rows > 0 && tensor->shape[1] != rows))
        return quern_fail(folder->error, QUERN_EFORMAT, "%s: tensor %.80s is [%llu][%llu], the settings ask for "
                          "[%llu][%llu]", file->path, tensor->name, (unsigned long long)tensor->shape[1],
                          (unsigned long long)tensor->shape[0], (unsigned long long)(rows > 0 ? rows : 1),
                          (unsigned long long)length);
    struct quern_weight weight = {.dimensions = dimensions, .shape = {length, rows > 0 ? rows : 1, 1, 1},
                                  .elements = tensor->elements, .source_type = tensor->type, .data = tensor->data,
                                  .map = &file->map,
                                  .add_one = dimensions == 1 && folder->settings.layout->lacks_one};
    snprintf(weight.name, sizeof weight.name, "%s", name);
    weight.type = quern_weight_type(weight.name, dimensions, folder->type);
    return quern_weights_add(&folder->weights, &weight, folder->error);
}

/* The same for the matrix or the vector of a role, which has the shape that the description and the settings give. */
static int add_weight(struct quern_folder *folder, const struct quern_safetensors *file,
                      const struct quern_safetensor *tensor, enum quern_tensor role, int layer)
{
    const struct quern_settings *s = &folder->settings;
    const struct quern_arch_tensor *described = &arch_of(folder)->tensors[role];
    char name[QUERN_TENSOR_NAME];
    quern_tensor_name(name, arch_of(folder), role, layer, "weight");
    return add_tensor(folder, file, tensor, name,
                      described->rows != QUERN_P_NONE ? size_of(s, described->rows, layer) : 0,
                      size_of(s, described->length, layer));
}

static bool is_of_layer(int role)
{
    return role >= QUERN_T_ATTENTION_NORM && role <= QUERN_T_LAYER_SCALE;
}

/* Finds a tensor of the checkpoint; full: room for its name there. part NULL: a number, whose name has no ending. */
static const struct quern_safetensor *find_source(const struct quern_folder *folder, enum quern_tensor role, int layer,
                                                  const char *part, char full[128],
                                                  const struct quern_safetensors **file)
{
    const struct quern_layout *layout = folder->settings.layout;
    const char *const dot = part != NULL ? "." : "", *const end = part != NULL ? part : "";
    if (is_of_layer((int)role))
        snprintf(full, 128, "%s%s%d.%s%s%s", folder->prefix, layout->layers, layer, layout->tensors[role], dot, end);
    else
        snprintf(full, 128, "%s%s%s%s", folder->prefix, layout->tensors[role], dot, end);
    return quern_checkpoint_find(&folder->checkpoint, full, file);
}

static int add_bias(struct quern_folder *folder, enum quern_tensor role, int layer)
{
    const struct quern_arch_tensor *described = &arch_of(folder)->tensors[role];
    const enum quern_parameter size = described->rows != QUERN_P_NONE ? described->rows : described->length;
    const struct quern_safetensors *file;
    char full[128], name[QUERN_TENSOR_NAME];
    const struct quern_safetensor *tensor = find_source(folder, role, layer, "bias", full, &file);
    if (tensor == NULL && described->bias == QUERN_BIAS_OPTIONAL)
        return QUERN_OK;
    if (tensor == NULL)
        return quern_fail(folder->error, QUERN_EFORMAT, "%s: tensor %s is in no safetensors file", folder->path, full);
    quern_tensor_name(name, arch_of(folder), role, layer, "bias");
    return add_tensor(folder, file, tensor, name, 0, size_of(&folder->settings, size, layer));
}

/* The rows of a table that the model file gets. The embeddings of tokens may have more rows than there are pieces, to
 * make their number round. The first positions may be those of no token. */
static struct quern_safetensor cut_rows(const struct quern_settings *s, enum quern_tensor role,
                                        const struct quern_safetensor *tensor)
{
    struct quern_safetensor cut = *tensor;
    uint64_t first = 0;
    if (cut.dimensions != 2)
        return cut;
    if (role == QUERN_T_TOKENS && cut.shape[1] > (uint64_t)s->vocabulary)
        cut.shape[1] = (uint64_t)s->vocabulary;
    if (role == QUERN_T_POSITIONS && cut.shape[1] > (uint64_t)s->position_offset) {
        first = (uint64_t)s->position_offset;
        cut.shape[1] -= first;
    }
    cut.elements = cut.shape[0] * cut.shape[1];
    cut.data += first * (tensor->bytes / tensor->shape[1]);
    return cut;
}

static int add_role(struct quern_folder *folder, enum quern_tensor role, int layer)
{
    const struct quern_arch_tensor *described = &arch_of(folder)->tensors[role];
    const struct quern_safetensors *file;
    char full[128];
    if (described->not_in_first && layer == 0)
        return QUERN_OK;
    const struct quern_safetensor *tensor =
        find_source(folder, role, layer, role == QUERN_T_LAYER_SCALE ? NULL : "weight", full, &file);
    if (tensor == NULL)
        return quern_fail(folder->error, QUERN_EFORMAT, "%s: tensor %s is in no safetensors file", folder->path, full);
    const struct quern_safetensor cut = cut_rows(&folder->settings, role, tensor);
    QUERN_TRY(add_weight(folder, file, &cut, role, layer));
    return described->bias == QUERN_BIAS_NONE ? QUERN_OK : add_bias(folder, role, layer);
}

/* Adds the roles of the layout from first to last. */
static int add_roles(struct quern_folder *folder, int first, int last, int layer)
{
    for (int role = first; role <= last; role++)
        if (folder->settings.layout->tensors[role] != NULL)
            QUERN_TRY(add_role(folder, (enum quern_tensor)role, layer));
    return QUERN_OK;
}

/* Finds the prefix with which the embeddings of tokens are there; else the first one, which the error then names. */
static void find_prefix(struct quern_folder *folder)
{
    const struct quern_layout *layout = folder->settings.layout;
    const struct quern_safetensors *file;
    char full[128];
    for (size_t i = 0; i < QUERN_COUNT(layout->prefixes) && layout->prefixes[i] != NULL; i++) {
        folder->prefix = layout->prefixes[i];
        if (find_source(folder, QUERN_T_TOKENS, 0, "weight", full, &file) != NULL)
            return;
    }
    folder->prefix = layout->prefixes[0];
}

static int add_dense(struct quern_folder *folder)
{
    const struct quern_settings *s = &folder->settings;
    static const enum quern_tensor roles[QUERN_DENSE] = {QUERN_T_DENSE_1, QUERN_T_DENSE_2};
    for (int i = 0; i < QUERN_DENSE && s->dense[i] != NULL; i++) {
        struct quern_safetensors *file = &folder->dense[i];
        char name[160];
        snprintf(name, sizeof name, "%s/model.safetensors", s->dense[i]);
        char *path = quern_path_join(folder->path, name, folder->error);
        int code = path != NULL ? quern_safetensors_open(file, path, folder->error) : QUERN_ENOMEM;
        free(path);
        QUERN_TRY(code);
        const struct quern_safetensor *tensor;
        QUERN_TRY(quern_safetensors_linear(file, &tensor, folder->error));
        QUERN_TRY(add_weight(folder, file, tensor, roles[i], 0));
    }
    return QUERN_OK;
}

/* Whether no vector needs a tensor of the checkpoint. Such tensors may stand beside those with the prefix. */
static bool is_left_out(const struct quern_folder *folder, const char *name)
{
    const struct quern_layout *layout = folder->settings.layout;
    const size_t prefix = strlen(folder->prefix);
    const char *own = strncmp(name, folder->prefix, prefix) == 0 ? name + prefix : name;
    for (size_t i = 0; i < QUERN_COUNT(layout->left_out) && layout->left_out[i] != NULL; i++)
        if (strncmp(own, layout->left_out[i], strlen(layout->left_out[i])) == 0)
            return true;
    return false;
}

/* Whether a weight of the list lies in a tensor of the checkpoint. */
static bool is_used(const struct quern_folder *folder, const struct quern_safetensor *tensor)
{
    for (size_t w = 0; w < folder->weights.count; w++) {
        const unsigned char *data = folder->weights.list[w].data;
        if (data >= tensor->data && data < tensor->data + tensor->bytes)
            return true;
    }
    return false;
}

/* Refuses unknown tensors, because they may change the meaning of the others. */
static int refuse_unknown(const struct quern_folder *folder)
{
    for (int f = 0; f < folder->checkpoint.count; f++) {
        const struct quern_safetensors *file = &folder->checkpoint.files[f];
        for (size_t i = 0; i < file->count; i++)
            if (!is_left_out(folder, file->tensors[i].name) && !is_used(folder, &file->tensors[i]))
                return quern_fail(folder->error, QUERN_EUNSUPPORTED, "%s: tensor %.80s does not belong to %s",
                                  file->path, file->tensors[i].name, arch_of(folder)->title);
    }
    return QUERN_OK;
}

int quern_folder_add_tensors(struct quern_folder *folder)
{
    find_prefix(folder);
    QUERN_TRY(add_roles(folder, 0, QUERN_T_ATTENTION_NORM - 1, 0));
    for (int layer = 0; layer < folder->settings.layers; layer++)
        QUERN_TRY(add_roles(folder, QUERN_T_ATTENTION_NORM, QUERN_T_LAYER_SCALE, layer));
    QUERN_TRY(add_roles(folder, QUERN_T_LAYER_SCALE + 1, QUERN_TENSORS - 1, 0));
    QUERN_TRY(refuse_unknown(folder));
    return add_dense(folder);
}
