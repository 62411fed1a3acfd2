/* quern index export: vectors, ids and texts to files of other programs. */
#include "search.h"

#include "base/system/system.h"
#include "export_format.h"
#include "passage.h"

#include <stdlib.h>
#include <string.h>

struct export_run {
    const struct quern_cli_index_options *given;
    const struct quern_export_format *format;
    quern_index *index;
    quern_index_info info;
    struct quern_cli_output vectors, ids;
    char *ids_path;
};

/* The name of the file of ids: PATH without its ending, and ".ids.txt". */
static char *name_ids(const char *path)
{
    const char *dot = strrchr(quern_system_file_name(path), '.');
    char *name = NULL;
    const int length = (int)(dot != NULL ? (size_t)(dot - path) : strlen(path));
    return asprintf(&name, "%.*s.ids.txt", length, path) >= 0 ? name : NULL;
}

static int open_files(struct export_run *run)
{
    const char *path = run->given->output;
    int code = quern_cli_output_open(&run->vectors, path, false);
    if (code != QUERN_CLI_DONE || run->format->has_ids)
        return code;
    if (run->vectors.temporary == NULL) /* standard output, a device or a pipe has no place for a second file */
        return quern_cli_misuse("index", "export writes the ids to a second file beside the vectors: name a file with "
                                "-o, or take -f sqlite-vec or pgvector, which have the ids");
    run->ids_path = name_ids(path);
    if (run->ids_path == NULL) {
        quern_cli_say("no memory for a name");
        return QUERN_CLI_FAILED;
    }
    return quern_cli_output_open(&run->ids, run->ids_path, false);
}

/* Writes the id of a row as a line. */
static int put_id(struct export_run *run, const quern_index_row *row)
{
    const char separator = run->given->null ? '\0' : '\n';
    if (run->info.ids == QUERN_INDEX_NUMBERS) {
        fprintf(run->ids.file, "%llu%c", (unsigned long long)row->number, separator);
        return QUERN_CLI_DONE;
    }
    if (memchr(row->name.data, separator, row->name.length) != NULL) {
        quern_cli_say("an id has a %s in it%s", run->given->null ? "NUL" : "newline",
                      run->given->null ? "" : ": --null ends each id with a NUL byte instead");
        return QUERN_CLI_FAILED;
    }
    fwrite(row->name.data, 1, row->name.length, run->ids.file);
    putc(separator, run->ids.file);
    return QUERN_CLI_DONE;
}

static int put_rows(struct export_run *run, float *vector)
{
    quern_error error;
    int code = QUERN_CLI_DONE;
    run->format->begin(run->vectors.file, &run->info);
    for (uint64_t place = 0; code == QUERN_CLI_DONE && place < run->info.places; place++) {
        struct quern_passage passage;
        quern_index_row row;
        const int got = quern_index_get(run->index, place, &row, &error);
        if (got == QUERN_EINVAL) /* it was removed */
            continue;
        if (got != QUERN_OK || quern_index_vector(run->index, place, vector, &error) != QUERN_OK)
            return quern_cli_fail(NULL, &error);
        quern_passage_read(&passage, row.payload);
        row.payload = passage.text;
        run->format->row(run->vectors.file, &run->info, &row, vector);
        if (!run->format->has_ids)
            code = put_id(run, &row);
    }
    run->format->end(run->vectors.file);
    return code;
}

static int write_files(struct export_run *run)
{
    float *vector = malloc((size_t)run->info.dimensions * sizeof *vector);
    if (vector == NULL) {
        quern_cli_say("no memory for a vector");
        return QUERN_CLI_FAILED;
    }
    int code = open_files(run);
    if (code == QUERN_CLI_DONE)
        code = put_rows(run, vector);
    if (code == QUERN_CLI_DONE && !run->format->has_ids)
        code = quern_cli_output_finish(&run->ids);
    if (code == QUERN_CLI_DONE)
        code = quern_cli_output_finish(&run->vectors);
    quern_cli_output_discard(&run->vectors);
    quern_cli_output_discard(&run->ids);
    free(run->ids_path);
    free(vector);
    return code;
}

int quern_cli_index_export(const struct quern_cli_index_options *given, const char *path)
{
    struct export_run run = {.given = given, .format = &quern_export_formats[given->format]};
    if (given->output == NULL)
        return quern_cli_misuse("index", "export needs the name of a file: -o FILE");
    quern_cli_reads(path, "the index is");
    int code = quern_cli_index_open(&run.index, &run.info, path);
    if (code == QUERN_CLI_DONE)
        code = write_files(&run);
    quern_index_close(run.index);
    return code;
}
