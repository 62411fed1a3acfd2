/* Parquet: the metadata at the end of the file, then one row group after the other. */
#include "jobs_error.h"
#include "parquet_pages.h"

#include <stdlib.h>
#include <string.h>

struct parquet_reader {
    struct quern_column_file base;
    struct quern_file_window metadata_window; /* has the metadata as long as the file is open */
    struct quern_parquet_metadata metadata;
    struct quern_parquet_pages *pages;        /* [chosen] */
    int chosen;
    struct quern_thrift_reader groups;        /* at the next row group */
    size_t groups_left;
    struct quern_thrift_reader chunks;        /* the columns of the row group at hand */
    size_t chunk_count;
    bool is_begun;                            /* the row group at hand: its pages are set up */
    uint64_t rows, row;                       /* of it, and those of them that were given */
};

static int damaged(const struct parquet_reader *parquet, const char *what, quern_error *error)
{
    return quern_jobs_fail(error, QUERN_EFORMAT, "%s is damaged: %s", parquet->base.file.path, what);
}

/* ---------------------------------------------------------------- row groups */

/* Goes to the next row group that has rows. Returns 1; 0 at the end; a negative code. */
static int next_group(struct parquet_reader *parquet, quern_error *error)
{
    while (parquet->row == parquet->rows) {
        struct quern_thrift_fields fields = {.field = 0};
        int64_t rows = 0;
        if (parquet->groups_left == 0)
            return 0;
        parquet->groups_left--;
        parquet->chunk_count = 0;
        while (quern_thrift_next(&parquet->groups, &fields)) {
            if (fields.field == QUERN_PARQUET_GROUP_ROWS) {
                rows = quern_thrift_integer(&parquet->groups, &fields);
            } else if (fields.field == QUERN_PARQUET_GROUP_CHUNKS) {
                parquet->chunk_count = quern_thrift_list(&parquet->groups, &fields);
                parquet->chunks = parquet->groups;
                for (size_t i = 0; i < parquet->chunk_count; i++)
                    quern_thrift_skip_struct(&parquet->groups);
            } else {
                quern_thrift_skip(&parquet->groups, &fields);
            }
        }
        if (parquet->groups.is_damaged || rows < 0)
            return damaged(parquet, "a row group has no rows", error);
        parquet->is_begun = false;
        parquet->rows = (uint64_t)rows;
        parquet->row = 0;
    }
    return 1;
}

/* Sets up the pages of the chosen columns. */
static int begin_pages(struct parquet_reader *parquet, quern_error *error)
{
    for (int i = 0; i < parquet->chosen; i++) {
        struct quern_parquet_pages *pages = &parquet->pages[i];
        struct quern_thrift_reader chunk = parquet->chunks;
        if (pages->column->leaf >= parquet->chunk_count)
            return damaged(parquet, "a row group does not have the columns of the file", error);
        for (size_t j = 0; j < pages->column->leaf; j++)
            quern_thrift_skip_struct(&chunk);
        const int code = quern_parquet_pages_begin(pages, &chunk, parquet->rows, error);
        if (code != QUERN_OK)
            return code;
    }
    parquet->is_begun = true;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- the interface */

static int next(struct quern_column_file *reader, struct quern_cell *cells, quern_error *error)
{
    struct parquet_reader *parquet = (struct parquet_reader *)reader;
    int code = next_group(parquet, error);
    if (code != 1)
        return code;
    code = parquet->is_begun ? QUERN_OK : begin_pages(parquet, error);
    for (int i = 0; code == QUERN_OK && i < parquet->chosen; i++)
        code = quern_parquet_pages_next(&parquet->pages[i], &cells[i], error);
    if (code != QUERN_OK)
        return code;
    parquet->row++;
    return 1;
}

/* Skips whole row groups without reading them, and the first rows of the last one by reading. */
static int skip(struct quern_column_file *reader, uint64_t count, uint64_t *skipped, quern_error *error)
{
    struct parquet_reader *parquet = (struct parquet_reader *)reader;
    struct quern_cell cells[QUERN_COLUMNS_CHOSEN];
    for (*skipped = 0; *skipped < count;) {
        int code = next_group(parquet, error);
        if (code != 1)
            return code;
        const uint64_t left = parquet->rows - parquet->row, wanted = count - *skipped;
        if (left <= wanted) {
            parquet->row = parquet->rows;
            *skipped += left;
            continue;
        }
        code = next(reader, cells, error);
        if (code != 1)
            return code;
        ++*skipped;
    }
    return QUERN_OK;
}

static int choose(struct quern_column_file *reader, const int *columns, int count, quern_error *error)
{
    struct parquet_reader *parquet = (struct parquet_reader *)reader;
    parquet->pages = calloc((size_t)count + 1, sizeof *parquet->pages);
    if (parquet->pages == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to read %s", reader->file.path);
    parquet->chosen = count;
    for (int i = 0; i < count; i++) {
        parquet->pages[i].column = &parquet->metadata.readable[columns[i]];
        parquet->pages[i].file = &reader->file;
    }
    return QUERN_OK;
}

static void close_parquet(struct quern_column_file *reader)
{
    struct parquet_reader *parquet = (struct parquet_reader *)reader;
    for (int i = 0; i < parquet->chosen; i++)
        quern_parquet_pages_free(&parquet->pages[i]);
    for (int i = 0; i < parquet->metadata.count; i++)
        free(parquet->metadata.columns[i].name);
    quern_seen_file_close(&reader->file);
    quern_file_window_free(&parquet->metadata_window);
    free(parquet->metadata.columns);
    free(parquet->metadata.readable);
    free(parquet->pages);
    free(parquet);
}

/* Reads the metadata. */
static int begin(struct parquet_reader *parquet, quern_error *error)
{
    enum { END = 4 + QUERN_PARQUET_MAGIC_BYTES }; /* the length of the metadata, and the magic */
    struct quern_seen_file *file = &parquet->base.file;
    const unsigned char *bytes;
    uint32_t length;
    if (file->size < QUERN_PARQUET_MAGIC_BYTES + END)
        return damaged(parquet, "it ends too early", error);
    int code = quern_file_window_get(&parquet->metadata_window, file, file->size - END, END, &bytes, error);
    if (code != QUERN_OK)
        return code;
    memcpy(&length, bytes, sizeof length);
    if (memcmp(bytes + sizeof length, "PARE", QUERN_PARQUET_MAGIC_BYTES) == 0)
        return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s is encrypted: write it without", file->path);
    if (memcmp(bytes + sizeof length, QUERN_PARQUET_MAGIC, QUERN_PARQUET_MAGIC_BYTES) != 0 ||
        length > file->size - QUERN_PARQUET_MAGIC_BYTES - END)
        return damaged(parquet, "it ends too early", error);
    code = quern_file_window_get(&parquet->metadata_window, file, file->size - END - length, length, &bytes, error);
    if (code == QUERN_OK)
        code = quern_parquet_metadata_read(&parquet->metadata, bytes, length, file->path, error);
    parquet->base.columns = parquet->metadata.columns;
    parquet->base.count = parquet->metadata.count;
    parquet->groups = parquet->metadata.groups;
    parquet->groups_left = parquet->metadata.group_count;
    return code;
}

int quern_parquet_open(struct quern_column_file **reader, const char *path, quern_error *error)
{
    struct parquet_reader *parquet = calloc(1, sizeof *parquet);
    *reader = NULL;
    if (parquet == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to read %s", path);
    parquet->base.choose = choose;
    parquet->base.next = next;
    parquet->base.skip = skip;
    parquet->base.close = close_parquet;
    int code = quern_seen_file_open(&parquet->base.file, path, error);
    if (code == QUERN_OK)
        code = begin(parquet, error);
    if (code == QUERN_OK)
        *reader = &parquet->base;
    else
        close_parquet(&parquet->base);
    return code;
}
