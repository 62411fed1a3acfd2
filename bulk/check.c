/* Whether an OUT is what it should be. */
#include "complete_run.h"
#include "jobs_error.h"
#include "json_members.h"
#include "parts/part_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct check {
    struct quern_complete complete;
    void (*tell)(void *user, const char *line);
    void *user;
    bool is_wrong;
    uint64_t *ids; /* [id_count]: hashes of ids */
    size_t id_count, id_capacity;
};

static void complain(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct check *check, const char *format, ...)
{
    char line[QUERN_PART_PATH + 256];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    check->is_wrong = true;
    check->tell(check->user, line);
}

/* Compares the checksum of a file. bytes 0: the file need not be there. */
static void check_file(struct check *check, uint64_t part, const char *ending, uint64_t bytes, uint64_t crc)
{
    char path[QUERN_PART_PATH];
    unsigned char buffer[1 << 16];
    uint64_t length = 0;
    uLong sum = crc32_z(0, NULL, 0);
    if (bytes == 0)
        return;
    quern_part_path(path, check->complete.folder, part, ending);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        complain(check, "cannot read %s: %s; the same run makes it again", path, strerror(errno));
        return;
    }
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, file)) > 0; length += got)
        sum = crc32_z(sum, buffer, got);
    fclose(file);
    if (length != bytes)
        complain(check, "%s has %llu bytes, and should have %llu; the same run makes it again", path,
                 (unsigned long long)length, (unsigned long long)bytes);
    else if (sum != crc)
        complain(check, "%s has another checksum than when it was written: its bytes have changed; remove it, and the "
                 "same run makes it again", path);
}

/* ---------------------------------------------------------------- ids */

/* FNV-1a, with its bits mixed at the end. */
static uint64_t hash(uint64_t h, quern_text text)
{
    for (size_t i = 0; i < text.length; i++)
        h = (h ^ (unsigned char)text.data[i]) * 0x100000001b3u;
    return (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
}

/* The id of a row; of a chunk, together with its number. */
static uint64_t id_of(quern_text members)
{
    struct quern_json_member member;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t at = 0, i = 0; i < 2 && quern_json_next_member(members, &at, &member); i++)
        if (i == 0 || (member.name.length == 5 && memcmp(member.name.data, "chunk", 5) == 0))
            h = hash(h, member.value);
    return h;
}

static int add_id(struct check *check, uint64_t id, quern_error *error)
{
    if (check->id_count == check->id_capacity) {
        const size_t capacity = 2 * check->id_capacity + 65536;
        uint64_t *more = realloc(check->ids, capacity * sizeof *more);
        if (more == NULL)
            return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %zu ids", capacity);
        check->ids = more;
        check->id_capacity = capacity;
    }
    check->ids[check->id_count++] = id;
    return QUERN_OK;
}

static int compare_ids(const void *a, const void *b)
{
    const uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

/* Finds ids that are there twice, and names one of each part where they are. */
static int check_ids(struct check *check)
{
    uint64_t twice = 0;
    if (check->id_count > 0)
        qsort(check->ids, check->id_count, sizeof *check->ids, compare_ids);
    for (size_t i = 1; i < check->id_count; i++)
        twice += check->ids[i] == check->ids[i - 1];
    if (twice > 0)
        complain(check, "%llu rows have an id that another row has, too", (unsigned long long)twice);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- parts */

static int check_rows(struct check *check, uint64_t part, quern_error *error)
{
    struct quern_part_reader reader;
    const void *row;
    quern_text members;
    const struct quern_complete *complete = &check->complete;
    int code = quern_part_reader_open(&reader, complete->folder, part, complete->done[part].state.rows,
                                      complete->format, &complete->shape, error);
    while (code == QUERN_OK && (code = quern_part_reader_next(&reader, &row, &members, error)) == 1)
        code = add_id(check, id_of(members), error);
    quern_part_reader_close(&reader);
    if (code == QUERN_EFORMAT || code == QUERN_EIO) {
        complain(check, "%s", error->text);
        return QUERN_OK;
    }
    return code;
}

static int check_part(struct check *check, uint64_t part, quern_error *error)
{
    const struct quern_complete *complete = &check->complete;
    const struct quern_part_done *done = &complete->done[part];
    const uint64_t left = complete->records - part * complete->part_records;
    const uint64_t wanted = left < complete->part_records ? left : complete->part_records;
    if (done->state.records != wanted)
        complain(check, "part %llu is of %llu records, and should be of %llu", (unsigned long long)part,
                 (unsigned long long)done->state.records, (unsigned long long)wanted);
    check_file(check, part, quern_vector_format_ending(complete->format), done->bytes, done->crc);
    if (!quern_vector_format_has_members(complete->format))
        check_file(check, part, ".ids.jsonl", done->state.id_bytes, done->id_crc);
    check_file(check, part, ".errors.jsonl", done->state.error_bytes, done->error_crc);
    return check_rows(check, part, error);
}

int quern_bulk_check(const char *folder, void (*tell)(void *user, const char *line), void *user, quern_error *error)
{
    quern_error unwanted;
    struct check check = {.tell = tell, .user = user};
    error = error != NULL ? error : &unwanted;
    int code = quern_complete_open(&check.complete, folder, error);
    for (uint64_t i = 0; code == QUERN_OK && i < check.complete.parts; i++)
        code = check_part(&check, i, error);
    if (code == QUERN_OK)
        code = check_ids(&check);
    free(check.ids);
    quern_complete_close(&check.complete);
    return code != QUERN_OK ? code : check.is_wrong;
}
