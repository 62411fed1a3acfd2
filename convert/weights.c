#include "weights.h"

#include "base/count.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/system/budget.h"
#include "formats/conversion.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define TILE 16384 /* elements that one thread converts at once: whole blocks of every type */
#define TILES 64   /* tiles of a round; a round is written at once */

static const uint32_t writable[] = {QUERN_TYPE_Q8_0, QUERN_TYPE_Q4_0, QUERN_TYPE_BF16, QUERN_TYPE_F16, QUERN_TYPE_F32};

int quern_weight_type_find(const char *name, uint32_t *type, quern_error *error)
{
    for (size_t i = 0; i < QUERN_COUNT(writable); i++)
        if (strcasecmp(quern_type_info(writable[i])->name, name) == 0) {
            *type = writable[i];
            return QUERN_OK;
        }
    return quern_fail(error, QUERN_EINVAL, "there is no type '%.32s' to write; the types are " QUERN_CONVERT_TYPES,
                      name);
}

bool quern_convert_has_type(const char *name)
{
    uint32_t type;
    return quern_weight_type_find(name, &type, NULL) == QUERN_OK;
}

uint32_t quern_weight_type(const char *name, int dimensions, uint32_t type)
{
    static const char *const outside[] = {"token_embd.weight", "output.weight", "dense_2.weight", "dense_3.weight"};
    const bool is_rounded = quern_type_info(type)->block_elements > 1;
    if (dimensions == 1 || strcmp(name, "position_embd.weight") == 0 || strcmp(name, "token_types.weight") == 0)
        return QUERN_TYPE_F32;
    if (is_rounded && strcmp(name, "per_layer_model_proj.weight") == 0)
        return QUERN_TYPE_BF16;
    for (size_t i = 0; i < QUERN_COUNT(outside) && type == QUERN_TYPE_Q4_0; i++)
        if (strcmp(name, outside[i]) == 0)
            return QUERN_TYPE_Q8_0;
    return type;
}

int quern_weights_add(struct quern_weights *weights, const struct quern_weight *weight, quern_error *error)
{
    if (weights->count == weights->room) {
        size_t room = weights->room > 0 ? 2 * weights->room : 256;
        struct quern_weight *list = reallocarray(weights->list, room, sizeof *list);
        if (list == NULL)
            return quern_fail(error, QUERN_ENOMEM, "no memory for a list of %zu tensors", room);
        weights->list = list;
        weights->room = room;
    }
    weights->list[weights->count++] = *weight;
    return QUERN_OK;
}

void quern_weights_free(struct quern_weights *weights)
{
    free(weights->list);
    *weights = (struct quern_weights){0};
}

/* ---------------------------------------------------------------- bytes */

/* Bytes of so many elements, which are whole blocks. */
static size_t bytes_of(uint32_t type, uint64_t elements)
{
    const struct quern_type_info *info = quern_type_info(type);
    return (size_t)(elements / (uint64_t)info->block_elements * (uint64_t)info->block_bytes);
}

/* Checks that the weight can be converted to its type. The error says why not. */
static int check_weight(const struct quern_weight *weight, quern_error *error)
{
    const struct quern_type_info *target = quern_type_info(weight->type);
    const struct quern_type_info *source = quern_type_info(weight->source_type);
    if (weight->source_type != weight->type && !source->supported)
        return quern_fail(error, QUERN_EUNSUPPORTED, "tensor %s has type %s, which quern cannot convert", weight->name,
                          source->name);
    if (weight->shape[0] % (uint64_t)target->block_elements != 0)
        return quern_fail(error, QUERN_EUNSUPPORTED, "tensor %s has rows of %llu weights, not a multiple of %d as %s "
                          "needs: write f32, bf16 or f16", weight->name, (unsigned long long)weight->shape[0],
                          target->block_elements, target->name);
    return QUERN_OK;
}

/* Some elements of a weight, which are converted from the source to float32 and then to out. */
struct round {
    const struct quern_weight *weight;
    uint64_t first;
    size_t count;       /* at most TILES * TILE */
    float *floats;      /* [threads][TILE] */
    unsigned char *out; /* [TILES * TILE * 4] */
    atomic_bool source_bad, target_bad;
};

static void convert_tile(void *argument, int tile, int thread)
{
    struct round *round = argument;
    const struct quern_weight *weight = round->weight;
    size_t at = (size_t)tile * TILE, count = round->count - at < TILE ? round->count - at : TILE;
    float *floats = round->floats + (size_t)thread * TILE;
    unsigned char *out = round->out + bytes_of(weight->type, at);
    const unsigned char *source = weight->data + bytes_of(weight->source_type, round->first + at);
    if (weight->source_type == weight->type && !weight->add_one) {
        memcpy(out, source, bytes_of(weight->type, count));
        if (quern_type_info(weight->type)->supported && !quern_blocks_finite(weight->type, out, count))
            atomic_store(&round->source_bad, true);
        return;
    }
    quern_dequantize(weight->source_type, floats, source, count);
    if (!quern_blocks_finite(QUERN_TYPE_F32, floats, count)) {
        atomic_store(&round->source_bad, true); /* rounding is defined for finite numbers only */
        return;
    }
    for (size_t i = 0; i < count && weight->add_one; i++)
        floats[i] += 1.0f;
    quern_quantize(weight->type, out, floats, count);
    if (!quern_blocks_finite(weight->type, out, count))
        atomic_store(&round->target_bad, true);
}

static int check_round(struct round *round, quern_error *error)
{
    if (atomic_load(&round->source_bad))
        return quern_fail(error, QUERN_EFORMAT, "%s: tensor %s holds a number that is not finite",
                          round->weight->map->path, round->weight->name);
    if (atomic_load(&round->target_bad))
        return quern_fail(error, QUERN_ENUMERIC, "%s: tensor %s holds a number too large for %s: write f32 or "
                          "bf16", round->weight->map->path, round->weight->name,
                          quern_type_info(round->weight->type)->name);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- writing */

struct writing {
    struct quern_gguf_writer *writer;
    const struct quern_convert_job *job;
    struct quern_pool *pool;
    struct round round;
    uint64_t done, total; /* bytes of tensors */
};

static int write_weight(struct writing *writing, const struct quern_weight *weight, quern_error *error)
{
    struct round *round = &writing->round;
    round->weight = weight;
    for (round->first = 0; round->first < weight->elements; round->first += round->count) {
        uint64_t left = weight->elements - round->first;
        round->count = left < TILES * TILE ? (size_t)left : TILES * TILE;
        quern_pool_run(writing->pool, convert_tile, round, (int)((round->count + TILE - 1) / TILE));
        QUERN_TRY(quern_map_check(weight->map, error)); /* a lost file reads as zeros, which are not weights */
        QUERN_TRY(check_round(round, error));
        quern_gguf_put_data(writing->writer, round->out, bytes_of(weight->type, round->count));
        size_t at = (size_t)(weight->data - weight->map->data) + bytes_of(weight->source_type, round->first);
        quern_map_forget(weight->map, at, bytes_of(weight->source_type, round->count));
        writing->done += bytes_of(weight->type, round->count);
        if (writing->job->proceed != NULL && !writing->job->proceed(writing->job->state, writing->done, writing->total))
            return quern_fail(error, QUERN_EIO, "stopped; nothing was written");
    }
    return QUERN_OK;
}

static int write_all(struct writing *writing, const struct quern_weights *weights, quern_error *error)
{
    for (size_t i = 0; i < weights->count; i++) {
        const struct quern_weight *weight = &weights->list[i];
        QUERN_TRY(check_weight(weight, error));
        writing->total += bytes_of(weight->type, weight->elements);
        quern_gguf_put_tensor(writing->writer, weight->name, weight->type, weight->shape, weight->dimensions);
    }
    for (size_t i = 0; i < weights->count; i++)
        QUERN_TRY(write_weight(writing, &weights->list[i], error));
    return QUERN_OK;
}

static void describe(const struct quern_weights *weights, struct quern_convert_result *result)
{
    unsigned counts[QUERN_TYPES] = {0};
    result->tensors = (int)weights->count;
    for (size_t i = 0; i < weights->count; i++) {
        counts[weights->list[i].type]++; /* a number that quern_type_info has */
        result->has_head |= strcmp(weights->list[i].name, "dense_3.weight") == 0 ||
                            strcmp(weights->list[i].name, "output.weight") == 0;
    }
    quern_types_describe(counts, result->types, sizeof result->types);
}

int quern_weights_write(const struct quern_weights *weights, struct quern_gguf_writer *writer,
                        const struct quern_convert_job *job, struct quern_convert_result *result, quern_error *error)
{
    struct writing writing = {.writer = writer, .job = job};
    int threads = job->threads > 0 ? job->threads : quern_cpu_budget(NULL, 0);
    writing.round.floats = malloc((size_t)threads * TILE * sizeof(float));
    writing.round.out = malloc((size_t)TILES * TILE * sizeof(float));
    int code = writing.round.floats != NULL && writing.round.out != NULL
                   ? quern_pool_new(&writing.pool, threads, NULL, NULL, error)
                   : quern_fail(error, QUERN_ENOMEM, "no memory to convert weights with %d threads", threads);
    if (code == QUERN_OK)
        code = write_all(&writing, weights, error);
    describe(weights, result);
    quern_pool_free(writing.pool);
    free(writing.round.floats);
    free(writing.round.out);
    return code;
}

int quern_weights_finish(struct quern_gguf_writer *writer, int code, const char *path,
                         struct quern_convert_result *result, quern_error *error)
{
    struct stat status;
    if (code != QUERN_OK) {
        quern_gguf_writer_abandon(writer);
        return code;
    }
    QUERN_TRY(quern_gguf_writer_finish(writer, error));
    result->bytes = stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
    return QUERN_OK;
}
