/* Makes a model file from another one: with other types, or with a dense head. */
#include "arch/arch.h"
#include "base/error.h"
#include "base/view.h"
#include "formats/formats.h"
#include "json_file.h"
#include "safetensors.h"
#include "weights.h"

#include <stdio.h>
#include <string.h>

/* Adds a tensor as it is. The caller sets its type. */
static int add_tensor(struct quern_weights *weights, const struct quern_gguf *gguf,
                      const struct quern_gguf_tensor *tensor, uint32_t type, quern_error *error)
{
    struct quern_weight weight = {.type = type, .dimensions = tensor->dimensions, .elements = tensor->elements,
                                  .source_type = tensor->type, .data = tensor->data, .map = &gguf->map};
    memcpy(weight.shape, tensor->shape, sizeof weight.shape);
    memcpy(weight.name, tensor->name.data, tensor->name.length); /* the reader allows 63 bytes */
    return quern_weights_add(weights, &weight, error);
}

/* Opens a model file of an architecture that quern knows. */
static int open_model(struct quern_gguf *gguf, const char *path, const struct quern_arch **arch, quern_error *error)
{
    quern_text name = {"", 0};
    QUERN_TRY(quern_gguf_open(gguf, path, error));
    int code = quern_gguf_string(gguf, "general.architecture", &name, error);
    *arch = code == QUERN_OK ? quern_arch_find(name) : NULL;
    if (code == QUERN_OK && *arch == NULL)
        code = quern_fail(error, QUERN_EUNSUPPORTED, "%s: architecture \"%.*s\" is not supported; quern rewrites files "
                          "of models that it runs", path, (int)(name.length < 64 ? name.length : 64), name.data);
    if (code == QUERN_OK && gguf->tensor_count == 0)
        code = quern_fail(error, QUERN_EFORMAT, "%s holds no tensors", path);
    if (code != QUERN_OK)
        quern_gguf_close(gguf);
    return code;
}

/* A key and its number in the new file, whatever the old file has. */
struct number {
    const char *key; /* NULL ends a list */
    uint32_t value;
    bool put;
};

/* Writes all keys of a file. These numbers replace the file's own, or are added at the end. */
static void put_keys(struct quern_gguf_writer *writer, const struct quern_gguf *gguf, struct number *numbers)
{
    for (size_t i = 0; i < gguf->value_count; i++) {
        struct number *number = numbers;
        while (number->key != NULL && !quern_text_is(gguf->values[i].key, number->key))
            number++;
        if (number->key == NULL)
            quern_gguf_put_value(writer, &gguf->values[i]);
        else
            quern_gguf_put_u32(writer, number->key, number->value);
        number->put = true;
    }
    for (struct number *number = numbers; number->key != NULL; number++)
        if (!number->put)
            quern_gguf_put_u32(writer, number->key, number->value);
}

/* ---------------------------------------------------------------- quantize */

/* Refuses to quantise weights that are quantised already: rounding again, or more bits, makes them no better. */
static void notice_rounded(const struct quern_gguf *gguf, const struct quern_weights *weights,
                           struct quern_convert_result *result)
{
    for (size_t i = 0; i < gguf->tensor_count && result->notice[0] == '\0'; i++) {
        const struct quern_type_info *info = quern_type_info(gguf->tensors[i].type);
        if (info->block_elements > 1 && gguf->tensors[i].type != weights->list[i].type)
            snprintf(result->notice, sizeof result->notice, "the weights of the input are rounded to %s already: "
                     "quantising the original gives better vectors", info->name);
    }
}

static int write_quantized(const struct quern_gguf *gguf, const struct quern_weights *weights, uint32_t type,
                           const char *path, const struct quern_convert_job *job, struct quern_convert_result *result,
                           quern_error *error)
{
    struct number numbers[] = {{"general.quantization_version", 2, false},
                               {"general.file_type", quern_file_type(type), false},
                               {NULL, 0, false}};
    struct quern_gguf_writer *writer;
    QUERN_TRY(quern_gguf_writer_new(&writer, path, job->name, error));
    put_keys(writer, gguf, numbers);
    int code = quern_weights_write(weights, writer, job, result, error);
    notice_rounded(gguf, weights, result);
    return quern_weights_finish(writer, code, path, result, error);
}

int quern_convert_quantize(const char *input, const char *path, const struct quern_convert_job *job,
                           struct quern_convert_result *result, quern_error *error)
{
    struct quern_gguf gguf;
    struct quern_weights weights = {0};
    const struct quern_arch *arch;
    uint32_t type;
    *result = (struct quern_convert_result){0};
    QUERN_TRY(quern_weight_type_find(job->type, &type, error));
    QUERN_TRY(open_model(&gguf, input, &arch, error));
    int code = QUERN_OK;
    for (size_t i = 0; i < gguf.tensor_count && code == QUERN_OK; i++) {
        const struct quern_gguf_tensor *tensor = &gguf.tensors[i];
        code = add_tensor(&weights, &gguf, tensor, tensor->type, error);
        if (code == QUERN_OK)
            weights.list[i].type = quern_weight_type(weights.list[i].name, tensor->dimensions, type);
    }
    if (code == QUERN_OK)
        code = write_quantized(&gguf, &weights, type, path, job, result, error);
    quern_weights_free(&weights);
    quern_gguf_close(&gguf);
    return code;
}

/* ---------------------------------------------------------------- attach-head */

/* A file with one layer of the head. Its first bytes tell its format. */
struct dense {
    struct quern_gguf gguf;
    struct quern_safetensors safetensors;
};

static bool is_gguf(const char *path)
{
    char magic[4] = "";
    FILE *file = fopen(path, "rb");
    bool is = file != NULL && fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "GGUF", 4) == 0;
    if (file != NULL)
        fclose(file);
    return is;
}

/* Opens the file and adds its layer, with the type that it has there. name: of the tensor in GGUF files. */
static int add_dense(struct dense *dense, struct quern_weights *weights, const char *path, const char *name,
                     quern_error *error)
{
    if (is_gguf(path)) {
        QUERN_TRY(quern_gguf_open(&dense->gguf, path, error));
        const struct quern_gguf_tensor *tensor = quern_gguf_tensor_find(&dense->gguf, name);
        if (tensor == NULL)
            return quern_fail(error, QUERN_EFORMAT, "%s has no tensor %s: give a model file with a head, or the "
                              "safetensors file of the layer", path, name);
        return add_tensor(weights, &dense->gguf, tensor, tensor->type, error);
    }
    QUERN_TRY(quern_safetensors_open(&dense->safetensors, path, error));
    const struct quern_safetensor *tensor;
    QUERN_TRY(quern_safetensors_linear(&dense->safetensors, &tensor, error));
    struct quern_weight weight = {.type = tensor->type, .dimensions = tensor->dimensions, .elements = tensor->elements,
                                  .source_type = tensor->type, .data = tensor->data, .map = &dense->safetensors.map};
    memcpy(weight.shape, tensor->shape, sizeof weight.shape);
    snprintf(weight.name, sizeof weight.name, "%s", name);
    return quern_weights_add(weights, &weight, error);
}

/* The shapes must be [hidden][width] and [width][hidden], with the width of the model. */
static int check_head(const struct quern_gguf *gguf, const struct quern_weight *dense_2,
                      const struct quern_weight *dense_3, const char *const paths[2], quern_error *error)
{
    int64_t width = 0;
    QUERN_TRY(quern_gguf_integer(gguf, "gemma-embedding.embedding_length", 1, 1 << 16, &width, error));
    const struct quern_weight *both[] = {dense_2, dense_3};
    for (int i = 0; i < 2; i++)
        if (both[i]->dimensions != 2 || both[i]->shape[i] != (uint64_t)width || both[i]->shape[1] > 1 << 20)
            return quern_fail(error, QUERN_EFORMAT, "%s: %s is [%llu][%llu], which does not go with vectors of %lld "
                              "dimensions: is it the other layer's file, or of another model?", paths[i],
                              both[i]->name, (unsigned long long)both[i]->shape[1],
                              (unsigned long long)both[i]->shape[0], (long long)width);
    if (dense_2->shape[1] != dense_3->shape[0])
        return quern_fail(error, QUERN_EFORMAT, "%s: dense_2.weight gives %llu numbers, but dense_3.weight of %s takes "
                          "%llu: are both of one model?", paths[0], (unsigned long long)dense_2->shape[1], paths[1],
                          (unsigned long long)dense_3->shape[0]);
    return QUERN_OK;
}

/* The type of the layers if it is a float type, else Q8_0: the head is small, so fewer bits save nothing. */
static uint32_t head_type(const struct quern_gguf *gguf)
{
    const struct quern_gguf_tensor *layers = quern_gguf_tensor_find(gguf, "blk.0.attn_q.weight");
    return layers != NULL && quern_type_info(layers->type)->block_elements == 1 ? layers->type : QUERN_TYPE_Q8_0;
}

static int write_with_head(const struct quern_gguf *gguf, const struct quern_weights *weights, const char *path,
                           const struct quern_convert_job *job, struct quern_convert_result *result, quern_error *error)
{
    const struct quern_weight *dense_2 = &weights->list[weights->count - 2], *dense_3 = dense_2 + 1;
    struct number numbers[] = {{"gemma-embedding.dense_2_feat_in", (uint32_t)dense_2->shape[0], false},
                               {"gemma-embedding.dense_2_feat_out", (uint32_t)dense_2->shape[1], false},
                               {"gemma-embedding.dense_3_feat_in", (uint32_t)dense_3->shape[0], false},
                               {"gemma-embedding.dense_3_feat_out", (uint32_t)dense_3->shape[1], false},
                               {NULL, 0, false}};
    struct quern_gguf_writer *writer;
    QUERN_TRY(quern_gguf_writer_new(&writer, path, job->name, error));
    put_keys(writer, gguf, numbers);
    int code = quern_weights_write(weights, writer, job, result, error);
    return quern_weights_finish(writer, code, path, result, error);
}

/* Lists the tensors of the model, then the two of the head. */
static int add_all(struct quern_weights *weights, const struct quern_gguf *gguf, struct dense dense[2],
                   const char *const paths[2], uint32_t type, quern_error *error)
{
    static const char *const names[] = {"dense_2.weight", "dense_3.weight"};
    for (size_t i = 0; i < gguf->tensor_count; i++)
        QUERN_TRY(add_tensor(weights, gguf, &gguf->tensors[i], gguf->tensors[i].type, error));
    for (int i = 0; i < 2; i++) {
        QUERN_TRY(add_dense(&dense[i], weights, paths[i], names[i], error));
        weights->list[weights->count - 1].type = type;
    }
    return check_head(gguf, &weights->list[weights->count - 2], &weights->list[weights->count - 1], paths, error);
}

int quern_convert_attach_head(const char *input, const char *dense_2, const char *dense_3, const char *path,
                              const struct quern_convert_job *job, struct quern_convert_result *result,
                              quern_error *error)
{
    struct quern_gguf gguf;
    struct dense dense[2] = {0};
    struct quern_weights weights = {0};
    const char *const paths[] = {dense_2, dense_3};
    const struct quern_arch *arch;
    *result = (struct quern_convert_result){0};
    QUERN_TRY(open_model(&gguf, input, &arch, error));
    uint32_t type = head_type(&gguf);
    int code = job->type != NULL ? quern_weight_type_find(job->type, &type, error) : QUERN_OK;
    if (code == QUERN_OK && arch->tensors[QUERN_T_DENSE_2].name == NULL)
        code = quern_fail(error, QUERN_EUNSUPPORTED, "%s: %s has no dense head", input, arch->title);
    if (code == QUERN_OK && quern_gguf_tensor_find(&gguf, "dense_2.weight") != NULL)
        code = quern_fail(error, QUERN_EINVAL, "%s has a head already", input);
    if (code == QUERN_OK)
        code = add_all(&weights, &gguf, dense, paths, type, error);
    if (code == QUERN_OK)
        code = write_with_head(&gguf, &weights, path, job, result, error);
    quern_weights_free(&weights);
    for (int i = 0; i < 2; i++) {
        quern_gguf_close(&dense[i].gguf);
        quern_safetensors_close(&dense[i].safetensors);
    }
    quern_gguf_close(&gguf);
    return code;
}
