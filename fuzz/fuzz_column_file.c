/* Any bytes as an Arrow or Parquet file. Whatever the file, the reader ends. One that skips rows gives the same rows
 * from there on as one that reads them all.
 *
 * Input: one byte: how many rows are skipped. Then the file. */
#include "fuzz.h"
#include "columns/column_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_ROWS = 2048, MOST_CHOSEN = 8 };

static uint64_t mix(uint64_t hash, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return (hash ^ length) * 0x100000001b3u;
}

/* A number for a row: reads every byte of it. */
static uint64_t digest(const struct quern_cell *cells, int count)
{
    uint64_t hash = 0;
    for (int i = 0; i < count; i++) {
        const struct quern_cell *cell = &cells[i];
        const bool has_text = cell->kind == QUERN_CELL_TEXT || cell->kind == QUERN_CELL_VECTOR;
        hash = mix(hash, &cell->kind, sizeof cell->kind);
        hash = mix(hash, &cell->integer, has_text ? 0 : sizeof cell->integer);
        hash = mix(hash, &cell->number, has_text ? 0 : sizeof cell->number);
        hash = mix(hash, cell->text.data, has_text ? cell->text.length : 0);
    }
    return hash;
}

/* Opens the file with the first columns that are read. NULL: it is none. */
static struct quern_column_file *open_file(const char *path, int *count)
{
    struct quern_column_file *reader;
    quern_error error;
    int columns[MOST_CHOSEN];
    *count = 0;
    if (quern_column_file_open(&reader, path, &error) != QUERN_OK)
        return NULL;
    for (int i = 0; i < reader->count && *count < MOST_CHOSEN; i++)
        if (reader->columns[i].unreadable == NULL)
            columns[(*count)++] = i;
    expect(reader->choose(reader, columns, *count, &error) == QUERN_OK, "there is memory");
    return reader;
}

static void compare(const char *path, uint64_t wanted)
{
    static uint64_t digests[MOST_ROWS];
    struct quern_cell cells[MOST_CHOSEN];
    quern_error error;
    uint64_t rows = 0, skipped;
    int count;
    struct quern_column_file *reader = open_file(path, &count);
    if (reader == NULL)
        return;
    for (; rows < MOST_ROWS && reader->next(reader, cells, &error) == 1; rows++)
        digests[rows] = digest(cells, count);
    reader->close(reader);
    if (count == 0 || wanted > rows)
        return;
    reader = open_file(path, &count);
    expect(reader->skip(reader, wanted, &skipped, &error) == QUERN_OK && skipped == wanted, "rows can be skipped");
    for (uint64_t i = wanted; i < rows; i++) {
        expect(reader->next(reader, cells, &error) == 1, "the same rows are there");
        expect(digest(cells, count) == digests[i], "a row is the same");
    }
    reader->close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    if (size < 1)
        return 0;
    const int file = memfd_create("columns", MFD_CLOEXEC);
    expect(file >= 0 && write(file, data + 1, size - 1) == (ssize_t)(size - 1), "there is memory");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    compare(path, data[0]);
    close(file);
    return 0;
}
