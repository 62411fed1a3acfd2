/* The note is a row of numbers (64 bits, little-endian) and texts (their length as such a number, and their bytes). */
#include "source_table.h"

#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

static const char magic[8] = {'q', 's', 'o', 'u', 'r', 'c', 'e', 's'};
enum { OLDEST_VERSION = 1, VERSION = 2 }; /* version 1 does not tell of bad records */
enum { EXACT = 1, TAKES_IGNORED = 2 }; /* flags of a note */

/* ---------------------------------------------------------------- writing */

struct note_writer {
    char *data;
    size_t length, capacity;
    bool failed;
};

static void put_bytes(struct note_writer *out, const void *bytes, size_t length)
{
    if (!out->failed && out->capacity - out->length < length) {
        const size_t capacity = 2 * (out->length + length) + 1024;
        char *data = realloc(out->data, capacity);
        out->failed = data == NULL;
        out->data = data != NULL ? data : out->data;
        out->capacity = data != NULL ? capacity : out->capacity;
    }
    if (out->failed || length == 0)
        return;
    memcpy(out->data + out->length, bytes, length);
    out->length += length;
}

static void put_number(struct note_writer *out, uint64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
    put_bytes(out, bytes, sizeof bytes);
}

static void put_string(struct note_writer *out, const char *string)
{
    const size_t length = string != NULL ? strlen(string) : 0;
    put_number(out, length);
    put_bytes(out, string, length);
}

int quern_source_table_write(const struct quern_source_table *table, char **note, size_t *length, quern_error *error)
{
    struct note_writer out = {.data = NULL};
    put_bytes(&out, magic, sizeof magic);
    put_number(&out, VERSION);
    put_string(&out, table->model);
    put_string(&out, table->known);
    put_string(&out, table->text_column);
    put_string(&out, table->title_column);
    put_number(&out, table->tokens);
    put_number(&out, table->overlap);
    put_number(&out, (table->exact ? EXACT : 0) | (table->takes_ignored ? TAKES_IGNORED : 0));
    put_number(&out, table->root_count);
    for (size_t i = 0; i < table->root_count; i++)
        put_string(&out, table->roots[i]);
    put_number(&out, table->count);
    for (size_t i = 0; i < table->count; i++) {
        const struct quern_source *source = &table->sources[i];
        put_string(&out, source->path);
        put_number(&out, source->size);
        put_number(&out, (uint64_t)source->mtime);
        put_number(&out, source->rows);
        put_number(&out, source->state);
        put_bytes(&out, source->digest, sizeof source->digest);
        put_number(&out, source->bad_records);
        put_number(&out, source->bad_line);
    }
    if (out.failed) {
        free(out.data);
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the table of %zu files", table->count);
    }
    *note = out.data;
    *length = out.length;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- reading */

struct note_reader {
    quern_text note;
    size_t at;
    uint64_t version;
    bool is_damaged, no_memory;
};

static const unsigned char *take_bytes(struct note_reader *in, size_t length)
{
    if (in->is_damaged || in->note.length - in->at < length) {
        in->is_damaged = true;
        return NULL;
    }
    in->at += length;
    return (const unsigned char *)in->note.data + in->at - length;
}

/* A number that is not greater than `most`; 0 when the note is damaged. */
static uint64_t take_number(struct note_reader *in, uint64_t most)
{
    const unsigned char *bytes = take_bytes(in, 8);
    uint64_t number = 0;
    for (int i = 0; i < 8 && bytes != NULL; i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    in->is_damaged |= number > most;
    return in->is_damaged ? 0 : number;
}

/* A text as a string; NULL: the note is damaged, or there is no memory. */
static char *take_string(struct note_reader *in)
{
    const size_t length = (size_t)take_number(in, in->note.length);
    const unsigned char *bytes = take_bytes(in, length);
    if (bytes == NULL || memchr(bytes, '\0', length) != NULL) {
        in->is_damaged = true;
        return NULL;
    }
    char *string = strndup((const char *)bytes, length);
    in->no_memory |= string == NULL;
    return string;
}

/* Room for `count` elements, each of which takes at least `bytes` of the note. */
static void *take_room(struct note_reader *in, size_t count, size_t bytes, size_t size)
{
    if (in->is_damaged || count > (in->note.length - in->at) / bytes) {
        in->is_damaged = true;
        return NULL;
    }
    void *room = calloc(count + 1, size);
    in->no_memory |= room == NULL;
    return room;
}

static bool goes_on(const struct note_reader *in)
{
    return !in->is_damaged && !in->no_memory;
}

static void take_source(struct note_reader *in, struct quern_source *source)
{
    source->path = take_string(in);
    source->size = take_number(in, UINT64_MAX);
    source->mtime = (int64_t)take_number(in, UINT64_MAX);
    source->rows = take_number(in, (uint64_t)1 << 32);
    source->state = (uint32_t)take_number(in, QUERN_SOURCE_STATES - 1);
    const unsigned char *digest = take_bytes(in, sizeof source->digest);
    if (digest != NULL)
        memcpy(source->digest, digest, sizeof source->digest);
    if (in->version > OLDEST_VERSION) {
        source->bad_records = take_number(in, UINT64_MAX);
        source->bad_line = take_number(in, UINT64_MAX);
    }
}

static void take_table(struct note_reader *in, struct quern_source_table *table)
{
    table->model = take_string(in);
    table->known = take_string(in);
    table->text_column = take_string(in);
    table->title_column = take_string(in);
    table->tokens = take_number(in, 1 << 20);
    table->overlap = take_number(in, 1 << 20);
    const uint64_t flags = take_number(in, EXACT | TAKES_IGNORED);
    table->exact = (flags & EXACT) != 0;
    table->takes_ignored = (flags & TAKES_IGNORED) != 0;
    const size_t roots = (size_t)take_number(in, in->note.length);
    table->roots = take_room(in, roots, 8, sizeof *table->roots);
    for (; goes_on(in) && table->root_count < roots; table->root_count++) {
        char *root = table->roots[table->root_count] = take_string(in);
        if (goes_on(in) && table->root_count > 0 && strcmp(root, table->roots[table->root_count - 1]) <= 0)
            in->is_damaged = true;
    }
    const size_t sources = (size_t)take_number(in, in->note.length);
    table->sources = take_room(in, sources, 40 + QUERN_SOURCE_DIGEST, sizeof *table->sources);
    for (; goes_on(in) && table->count < sources; table->count++) {
        struct quern_source *source = &table->sources[table->count];
        take_source(in, source);
        if (goes_on(in) && table->count > 0 && strcmp(source->path, source[-1].path) <= 0)
            in->is_damaged = true;
    }
    in->is_damaged |= in->at != in->note.length;
}

int quern_source_table_read(struct quern_source_table *table, quern_text note, quern_error *error)
{
    struct note_reader in = {.note = note};
    *table = (struct quern_source_table){.count = 0};
    const unsigned char *begin = take_bytes(&in, sizeof magic);
    if (begin == NULL || memcmp(begin, magic, sizeof magic) != 0)
        return quern_jobs_fail(error, QUERN_EFORMAT, "the index was not made from files, so it has no table of them");
    in.version = take_number(&in, UINT64_MAX);
    if (!in.is_damaged && (in.version < OLDEST_VERSION || in.version > VERSION))
        return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "the index's table of files is of a later version of quern");
    take_table(&in, table);
    if (goes_on(&in))
        return QUERN_OK;
    quern_source_table_free(table);
    if (in.no_memory)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the index's table of files");
    return quern_jobs_fail(error, QUERN_EFORMAT, "the index's table of files is damaged: make the index anew");
}

/* ---------------------------------------------------------------- the table in memory */

size_t quern_source_table_find(const struct quern_source_table *table, const char *path, bool *found)
{
    size_t begin = 0, end = table->count;
    *found = false;
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        const int order = strcmp(table->sources[middle].path, path);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

int quern_source_table_add_root(struct quern_source_table *table, const char *path, quern_error *error)
{
    size_t at = 0;
    while (at < table->root_count && strcmp(table->roots[at], path) < 0)
        at++;
    if (at < table->root_count && strcmp(table->roots[at], path) == 0)
        return QUERN_OK;
    char *copy = strdup(path);
    char **roots = copy != NULL ? realloc(table->roots, (table->root_count + 1) * sizeof *roots) : NULL;
    if (roots == NULL) {
        free(copy);
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the table of files");
    }
    memmove(roots + at + 1, roots + at, (table->root_count - at) * sizeof *roots);
    roots[at] = copy;
    table->roots = roots;
    table->root_count++;
    return QUERN_OK;
}

bool quern_source_is_in(const char *path, const char *root)
{
    const size_t length = strlen(root);
    if (length > 0 && root[length - 1] == '/') /* the root of all */
        return strncmp(path, root, length) == 0;
    return strncmp(path, root, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

void quern_source_table_free(struct quern_source_table *table)
{
    for (size_t i = 0; i < table->root_count; i++)
        free(table->roots[i]);
    for (size_t i = 0; i < table->count; i++)
        free(table->sources[i].path);
    free(table->model);
    free(table->known);
    free(table->text_column);
    free(table->title_column);
    free(table->roots);
    free(table->sources);
    *table = (struct quern_source_table){.count = 0};
}
