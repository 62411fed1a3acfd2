#include "part_record.h"

#include "array_count.h"
#include "jobs_error.h"
#include "safe_file.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <string.h>

/* The numbers of the files, and where they are kept. */
static const struct {
    const char *name;
    size_t offset;   /* of a uint64_t */
    bool checkpoint; /* a checkpoint has it, too */
} numbers[] = {
#define NUMBER(name, field, in_checkpoint) \
    {name, offsetof(struct quern_part_done, field), in_checkpoint}
    NUMBER("records", state.records, true),
    NUMBER("rows", state.rows, true),
    NUMBER("errors", state.errors, true),
    NUMBER("tokens", state.tokens, true),
    NUMBER("id_bytes", state.id_bytes, true),
    NUMBER("error_bytes", state.error_bytes, true),
    NUMBER("input_crc32", state.input_crc, true),
    NUMBER("end_file", state.end.file, true),
    NUMBER("end_offset", state.end.place.offset, true),
    NUMBER("end_line", state.end.place.line, true),
    NUMBER("bytes", bytes, false),
    NUMBER("crc32", crc, false),
    NUMBER("ids_crc32", id_crc, false),
    NUMBER("errors_crc32", error_crc, false),
#undef NUMBER
};

static uint64_t *number_of(struct quern_part_done *done, size_t i)
{
    return (uint64_t *)(void *)((char *)done + numbers[i].offset);
}

int quern_part_record_write(const char *path, const struct quern_part_done *done, bool checkpoint, quern_error *error)
{
    struct quern_part_done copy = *done;
    struct quern_safe_file file;
    int code = quern_safe_file_open(&file, path, false, error);
    if (code != QUERN_OK) {
        quern_safe_file_discard(&file);
        return code;
    }
    fputs("{", file.file);
    for (size_t i = 0; i < QUERN_COUNT(numbers); i++)
        if (!checkpoint || numbers[i].checkpoint)
            fprintf(file.file, "%s\"%s\": %llu", i > 0 ? ", " : "", numbers[i].name,
                    (unsigned long long)*number_of(&copy, i));
    fprintf(file.file, ", \"table\": \"%s\"}\n", copy.table);
    return quern_safe_file_finish(&file, error);
}

int quern_part_record_read(const char *path, struct quern_part_done *done, bool checkpoint, quern_error *error)
{
    json_error_t problem;
    *done = (struct quern_part_done){.bytes = 0};
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? 0 : quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", path, strerror(errno));
    json_t *root = json_loadf(file, 0, &problem);
    fclose(file);
    bool good = json_is_object(root);
    for (size_t i = 0; i < QUERN_COUNT(numbers); i++) {
        const json_t *number = json_object_get(root, numbers[i].name);
        if (checkpoint && !numbers[i].checkpoint)
            continue;
        good = good && json_is_integer(number) && json_integer_value(number) >= 0;
        *number_of(done, i) = (uint64_t)json_integer_value(number);
    }
    const char *table = json_string_value(json_object_get(root, "table"));
    if (table != NULL)
        snprintf(done->table, sizeof done->table, "%s", table);
    json_decref(root);
    return good ? 1 : quern_jobs_fail(error, QUERN_EFORMAT, "%s is not what quern wrote there: remove it, and the part "
                                      "is made again", path);
}
