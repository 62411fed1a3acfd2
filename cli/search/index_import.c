/* quern index import: vectors that were made elsewhere to an index. */
#include "search.h"

#include "line_file.h"
#include "npy_file.h"

#include <stdlib.h>
#include <string.h>

enum { IMPORTED_ROWS = 8192 }; /* that are added together */

struct import_run {
    const struct quern_cli_index_options *given;
    struct quern_npy_file npy;
    struct quern_cli_lines ids, payloads;
    bool named;
    struct quern_cli_progress progress;
};

/* Reads a whole number without zeros before it. */
static bool read_number(quern_text text, uint64_t *number)
{
    *number = 0;
    if (text.length == 0 || text.length > 20 || (text.data[0] == '0' && text.length > 1))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        const uint64_t digit = (uint64_t)(unsigned char)text.data[i] - '0';
        if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

/* Ids are numbers when all of them are whole numbers. */
static bool are_names(const struct quern_cli_lines *ids)
{
    uint64_t number;
    for (size_t i = 0; i < ids->count; i++)
        if (!read_number(ids->lines[i], &number))
            return true;
    return false;
}

static int read_lines(struct import_run *run, struct quern_cli_lines *lines, const char *path)
{
    if (path == NULL)
        return QUERN_CLI_DONE;
    const int code = quern_cli_lines_read(lines, path, run->given->null);
    if (code == QUERN_CLI_DONE && lines->count != run->npy.rows) {
        quern_cli_say("%s has %zu line%s for %llu vector%s", path, lines->count,
                      quern_cli_plural(lines->count), (unsigned long long)run->npy.rows,
                      quern_cli_plural(run->npy.rows));
        return QUERN_CLI_FAILED;
    }
    return code;
}

static void make_row(const struct import_run *run, uint64_t number, quern_index_row *row)
{
    *row = (quern_index_row){.number = number};
    if (run->named)
        row->name = run->ids.lines[number];
    else if (run->ids.lines != NULL)
        read_number(run->ids.lines[number], &row->number);
    if (run->payloads.lines != NULL)
        row->payload = run->payloads.lines[number];
}

static int add_rows(struct import_run *run, quern_index_writer *writer, float *vectors, quern_index_row *rows,
                    quern_error *error)
{
    struct quern_npy_file *npy = &run->npy;
    int code = QUERN_OK;
    while (code == QUERN_OK && npy->read < npy->rows) {
        const uint64_t first = npy->read, left = npy->rows - first;
        const size_t count = left < IMPORTED_ROWS ? (size_t)left : IMPORTED_ROWS;
        for (size_t i = 0; i < count; i++)
            make_row(run, first + i, &rows[i]);
        code = quern_npy_file_read(npy, count, vectors, error);
        if (code == QUERN_OK)
            code = quern_index_add(writer, rows, vectors, count, error);
        if (code != QUERN_OK && error->index >= 0)
            error->index += (int64_t)first;
        quern_cli_progress_bytes(&run->progress, npy->read * (uint64_t)npy->columns * 4,
                                 npy->rows * (uint64_t)npy->columns * 4);
    }
    return code == QUERN_OK ? quern_index_commit(writer, error) : code;
}

static int write_index(struct import_run *run)
{
    const struct quern_cli_index_options *given = run->given;
    const quern_index_options options = {
        .size = sizeof options, .dimensions = run->npy.columns, .space = given->space, .bits = given->bits,
        .ids = run->named ? QUERN_INDEX_NAMES : QUERN_INDEX_NUMBERS, .rows = (quern_dtype)given->dtype,
        .threads = given->session.threads};
    quern_index_writer *writer = NULL;
    quern_error error = {.text = "no memory for the vectors", .index = -1};
    float *vectors = malloc(IMPORTED_ROWS * (size_t)run->npy.columns * sizeof *vectors);
    quern_index_row *rows = malloc(IMPORTED_ROWS * sizeof *rows);
    int code = QUERN_ENOMEM;
    if (vectors != NULL && rows != NULL)
        code = quern_index_create(&writer, given->output, &options, &error);
    quern_cli_progress_start(&run->progress, false);
    if (code == QUERN_OK)
        code = add_rows(run, writer, vectors, rows, &error);
    quern_cli_progress_clear(&run->progress);
    quern_index_writer_free(writer);
    free(vectors);
    free(rows);
    if (code == QUERN_OK || error.index < 0)
        return code == QUERN_OK ? QUERN_CLI_DONE : quern_cli_fail(NULL, &error);
    quern_cli_say("%s, row %lld: %s", run->npy.path, (long long)error.index, error.text); /* from 0, as in NumPy */
    return QUERN_CLI_FAILED;
}

/* Says how many vectors are there. Of several with one id, the last one counts. */
static int say_imported(const struct import_run *run)
{
    quern_index *index = NULL;
    quern_index_info info;
    const int code = quern_cli_index_open(&index, &info, run->given->output);
    if (code == QUERN_CLI_DONE) {
        quern_cli_notice("%s has %llu vector%s of %d dimensions", run->given->output, (unsigned long long)info.count,
                         quern_cli_plural(info.count), info.dimensions);
        if (info.count < run->npy.rows)
            quern_cli_notice("left out %llu vector%s whose id came again: the last one of an id counts",
                             (unsigned long long)(run->npy.rows - info.count),
                             quern_cli_plural(run->npy.rows - info.count));
    }
    quern_index_close(index);
    return code;
}

int quern_cli_index_import(const struct quern_cli_index_options *given, const char *path)
{
    struct import_run run = {.given = given};
    quern_error error;
    if (given->output == NULL)
        return quern_cli_misuse("index", "import needs the name of the index: -o FILE");
    quern_cli_reads(path, "the vectors are");
    int code = quern_cli_check_unread(given->output);
    if (code == QUERN_CLI_DONE && quern_npy_file_open(&run.npy, path, &error) != QUERN_OK)
        code = quern_cli_fail(NULL, &error);
    if (code == QUERN_CLI_DONE)
        code = read_lines(&run, &run.ids, given->ids);
    if (code == QUERN_CLI_DONE)
        code = read_lines(&run, &run.payloads, given->payloads);
    run.named = run.ids.lines != NULL && are_names(&run.ids);
    if (code == QUERN_CLI_DONE)
        code = write_index(&run);
    if (code == QUERN_CLI_DONE)
        code = say_imported(&run);
    quern_cli_lines_free(&run.ids);
    quern_cli_lines_free(&run.payloads);
    quern_npy_file_close(&run.npy);
    return code;
}
