#include "gguf/writer.h"

#include "base/error.h"
#include "base/new_file.h"
#include "base/system/system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 32

enum stage { KEYS, TENSORS, DATA };

struct quern_gguf_writer {
    struct quern_new_file target;
    FILE *file; /* of the target */
    quern_error error; /* the first one; code 0: none yet */
    enum stage stage;
    uint64_t position; /* bytes written */
    uint64_t keys, tensors;
    uint64_t *sizes; /* [tensors] bytes of each */
    size_t capacity; /* of sizes */
    uint64_t end;    /* of the last described tensor, padded, counted from the start of the data */
    uint64_t current, done; /* the tensor whose data comes next, and its bytes written */
};

static uint64_t padded(uint64_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* ---------------------------------------------------------------- bytes */

static bool failed(const struct quern_gguf_writer *writer)
{
    return writer->error.code != QUERN_OK;
}

static int fail_io(quern_error *error, const struct quern_gguf_writer *writer)
{
    return quern_fail(error, QUERN_EIO, "cannot write %s: %s", writer->target.name, strerror(errno));
}

static void put(struct quern_gguf_writer *writer, const void *bytes, size_t count)
{
    if (failed(writer) || count == 0)
        return;
    if (fwrite(bytes, 1, count, writer->file) != count)
        fail_io(&writer->error, writer);
    writer->position += count;
}

static void put_u32(struct quern_gguf_writer *writer, uint32_t value)
{
    put(writer, &value, sizeof value);
}

static void put_u64(struct quern_gguf_writer *writer, uint64_t value)
{
    put(writer, &value, sizeof value);
}

static void put_text(struct quern_gguf_writer *writer, quern_text text)
{
    put_u64(writer, text.length);
    put(writer, text.data, text.length);
}

static void pad(struct quern_gguf_writer *writer)
{
    static const unsigned char zeros[ALIGNMENT];
    put(writer, zeros, (size_t)(padded(writer->position) - writer->position));
}

/* ---------------------------------------------------------------- opening */

static void put_header(struct quern_gguf_writer *writer)
{
    put(writer, "GGUF", 4);
    put_u32(writer, 3);
    put_u64(writer, writer->tensors);
    put_u64(writer, writer->keys);
}

int quern_gguf_writer_new(struct quern_gguf_writer **writer, const char *path, const char *name, quern_error *error)
{
    struct quern_gguf_writer *made = calloc(1, sizeof *made);
    if (made == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to write %s", path);
    int code = quern_new_file_begin(&made->target, path, name, error);
    if (code == QUERN_OK && (made->file = quern_new_file_stream(&made->target)) == NULL)
        code = fail_io(error, made);
    if (code != QUERN_OK) {
        quern_gguf_writer_abandon(made);
        return code;
    }
    put_header(made); /* complete() writes it again, with the counts */
    *writer = made;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- keys */

/* Keys come before tensors, and tensors before data. Another order is an error of the caller. */
static bool enter(struct quern_gguf_writer *writer, enum stage stage, const char *what)
{
    if (!failed(writer) && stage < writer->stage)
        quern_fail(&writer->error, QUERN_EINVAL, "cannot write %s: %s comes too late: keys come before "
                   "tensors, and tensors before data", writer->target.name, what);
    if (failed(writer))
        return false;
    writer->stage = stage;
    return true;
}

static bool begin(struct quern_gguf_writer *writer, quern_text key, uint32_t kind)
{
    if (!enter(writer, KEYS, "a key"))
        return false;
    put_text(writer, key);
    put_u32(writer, kind);
    writer->keys++;
    return true;
}

static void put_scalar(struct quern_gguf_writer *writer, const char *key, uint32_t kind, const void *value, size_t size)
{
    if (begin(writer, (quern_text){key, strlen(key)}, kind))
        put(writer, value, size);
}

void quern_gguf_put_u32(struct quern_gguf_writer *writer, const char *key, uint32_t value)
{
    put_scalar(writer, key, QUERN_GGUF_U32, &value, sizeof value);
}

void quern_gguf_put_f32(struct quern_gguf_writer *writer, const char *key, float value)
{
    put_scalar(writer, key, QUERN_GGUF_F32, &value, sizeof value);
}

void quern_gguf_put_bool(struct quern_gguf_writer *writer, const char *key, bool value)
{
    put_scalar(writer, key, QUERN_GGUF_BOOL, &(unsigned char){value}, 1);
}

void quern_gguf_put_string(struct quern_gguf_writer *writer, const char *key, quern_text value)
{
    if (begin(writer, (quern_text){key, strlen(key)}, QUERN_GGUF_STRING))
        put_text(writer, value);
}

static bool begin_array(struct quern_gguf_writer *writer, const char *key, uint32_t element, size_t count)
{
    if (!begin(writer, (quern_text){key, strlen(key)}, QUERN_GGUF_ARRAY))
        return false;
    put_u32(writer, element);
    put_u64(writer, count);
    return true;
}

void quern_gguf_put_strings(struct quern_gguf_writer *writer, const char *key, const quern_text *values, size_t count)
{
    if (begin_array(writer, key, QUERN_GGUF_STRING, count))
        for (size_t i = 0; i < count; i++)
            put_text(writer, values[i]);
}

void quern_gguf_put_array(struct quern_gguf_writer *writer, const char *key, uint32_t element, const void *values,
                          size_t count)
{
    if (begin_array(writer, key, element, count))
        put(writer, values, count * quern_gguf_kind_size(element));
}

void quern_gguf_put_value(struct quern_gguf_writer *writer, const struct quern_gguf_value *value)
{
    static const char alignment[] = "general.alignment"; /* of the other file: this writer uses the default */
    if (value->key.length == sizeof alignment - 1 && memcmp(value->key.data, alignment, sizeof alignment - 1) == 0)
        return;
    if (!begin(writer, value->key, value->kind))
        return;
    if (value->kind == QUERN_GGUF_STRING)
        put_u64(writer, value->bytes);
    if (value->kind == QUERN_GGUF_ARRAY) {
        put_u32(writer, value->element);
        put_u64(writer, value->count);
    }
    put(writer, value->data, value->bytes);
}

/* ---------------------------------------------------------------- tensors */

/* The bytes of a tensor. 0, and an error is set, when the type or the shape is not valid. */
static uint64_t measure(struct quern_gguf_writer *writer, const char *name, uint32_t type, const uint64_t *shape,
                        int dimensions)
{
    const struct quern_type_info *info = quern_type_info(type);
    uint64_t elements = 1, bytes = 0;
    bool sound = info != NULL && info->block_elements > 0 && dimensions >= 1 && dimensions <= 4 && shape[0] > 0 &&
                 shape[0] % (uint64_t)info->block_elements == 0;
    for (int d = 0; sound && d < dimensions; d++)
        sound = !__builtin_mul_overflow(elements, shape[d], &elements);
    sound = sound && elements > 0 &&
            !__builtin_mul_overflow(elements / (uint64_t)info->block_elements, (uint64_t)info->block_bytes, &bytes) &&
            bytes < (uint64_t)INT64_MAX - writer->end - ALIGNMENT;
    if (!sound)
        quern_fail(&writer->error, QUERN_EINVAL, "cannot write %s: tensor '%s' has an invalid type or shape",
                   writer->target.name, name);
    return sound ? bytes : 0;
}

static bool remember_size(struct quern_gguf_writer *writer, uint64_t bytes)
{
    if (writer->tensors == writer->capacity) {
        size_t capacity = writer->capacity ? 2 * writer->capacity : 64;
        uint64_t *sizes = reallocarray(writer->sizes, capacity, sizeof *sizes);
        if (sizes == NULL) {
            quern_fail(&writer->error, QUERN_ENOMEM, "no memory to write %s", writer->target.name);
            return false;
        }
        writer->sizes = sizes;
        writer->capacity = capacity;
    }
    writer->sizes[writer->tensors++] = bytes;
    return true;
}

void quern_gguf_put_tensor(struct quern_gguf_writer *writer, const char *name, uint32_t type, const uint64_t *shape,
                           int dimensions)
{
    if (!enter(writer, TENSORS, "a tensor"))
        return;
    uint64_t bytes = measure(writer, name, type, shape, dimensions);
    if (bytes == 0 || !remember_size(writer, bytes))
        return;
    put_text(writer, (quern_text){name, strlen(name)});
    put_u32(writer, (uint32_t)dimensions);
    put(writer, shape, (size_t)dimensions * sizeof *shape);
    put_u32(writer, type);
    put_u64(writer, writer->end);
    writer->end = padded(writer->end + bytes);
}

void quern_gguf_put_data(struct quern_gguf_writer *writer, const void *data, size_t bytes)
{
    bool first = writer->stage != DATA;
    if (!enter(writer, DATA, "data"))
        return;
    if (first)
        pad(writer);
    const unsigned char *at = data;
    while (bytes > 0 && !failed(writer)) {
        if (writer->current == writer->tensors) {
            quern_fail(&writer->error, QUERN_EINVAL, "cannot write %s: more data than the tensors have",
                       writer->target.name);
            return;
        }
        uint64_t room = writer->sizes[writer->current] - writer->done;
        size_t part = bytes < room ? bytes : (size_t)room;
        put(writer, at, part);
        at += part;
        bytes -= part;
        writer->done += part;
        if (part == room) {
            pad(writer);
            writer->current++;
            writer->done = 0;
        }
    }
}

/* ---------------------------------------------------------------- closing */

static int complete(struct quern_gguf_writer *writer)
{
    if (writer->stage == DATA ? writer->current != writer->tensors : writer->tensors > 0)
        quern_fail(&writer->error, QUERN_EINVAL, "cannot write %s: less data than the tensors have",
                   writer->target.name);
    if (!failed(writer) && fseek(writer->file, 0, SEEK_SET) != 0)
        fail_io(&writer->error, writer);
    put_header(writer);
    if (!failed(writer) && (fflush(writer->file) != 0 || quern_system_sync(fileno(writer->file)) != 0))
        fail_io(&writer->error, writer);
    return writer->error.code;
}

int quern_gguf_writer_finish(struct quern_gguf_writer *writer, quern_error *error)
{
    if (!failed(writer) && complete(writer) == QUERN_OK)
        quern_new_file_complete(&writer->target, &writer->error);
    int code = writer->error.code;
    if (code != QUERN_OK && error != NULL)
        *error = writer->error;
    quern_gguf_writer_abandon(writer);
    return code;
}

void quern_gguf_writer_abandon(struct quern_gguf_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->file != NULL)
        fclose(writer->file);
    quern_new_file_end(&writer->target);
    free(writer->sizes);
    free(writer);
}
