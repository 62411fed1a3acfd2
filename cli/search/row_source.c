#include "row_source.h"

#include "line_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- lines */

struct line_rows {
    struct quern_cli_session session;
    struct quern_cli_lines lines;
    quern_text *texts;       /* [count]: the lines that are not empty */
    quern_index_row *rows;   /* [count] */
    size_t count;
    float *vectors;          /* [count][dimensions] */
};

static void take_lines(struct line_rows *work)
{
    for (size_t i = 0; i < work->lines.count; i++)
        if (work->lines.lines[i].length > 0) {
            work->texts[work->count] = work->lines.lines[i];
            work->rows[work->count++] = (quern_index_row){.number = i + 1, .payload = work->lines.lines[i]};
        }
}

static int embed_lines(struct line_rows *work, const char *path, const quern_embed_options *embed)
{
    struct quern_cli_rows job = {.session = &work->session, .place = path, .total = work->count};
    struct quern_jobs_array array;
    work->vectors = malloc((work->count + 1) * (size_t)work->session.info.dimensions * sizeof *work->vectors);
    if (work->vectors == NULL) {
        quern_cli_say("no memory for %zu vectors", work->count);
        return QUERN_CLI_FAILED;
    }
    quern_jobs_array_open(&array, work->texts, work->count);
    quern_cli_progress_start(&job.progress, false);
    const int code = quern_cli_rows_embed(&job, &array, embed, work->vectors);
    quern_cli_progress_clear(&job.progress);
    quern_cli_say_cut(&work->session, job.cut, job.texts);
    return code;
}

/* Writes the rows to an index and opens it. The file loses its name at once. */
static int write_lines(struct quern_cli_row_source *source, const struct line_rows *work)
{
    const quern_index_options options = {.size = sizeof options, .dimensions = work->session.info.dimensions};
    quern_index_writer *writer = NULL;
    quern_error error;
    int code = quern_index_create(&writer, source->temporary.file, &options, &error);
    if (code == QUERN_OK)
        code = quern_index_add(writer, work->rows, work->vectors, work->count, &error);
    if (code == QUERN_OK)
        code = quern_index_commit(writer, &error);
    quern_index_writer_free(writer);
    if (code == QUERN_OK)
        code = quern_cli_index_open(&source->index, &source->info, source->temporary.file);
    else
        code = quern_cli_fail(NULL, &error);
    unlink(source->temporary.file);
    return code;
}

/* not_index: why the file is no index. */
static int open_lines(struct quern_cli_row_source *source, const char *path, const quern_error *not_index,
                      const struct quern_cli_session_options *options, int task)
{
    struct line_rows work = {.count = 0};
    quern_embed_options embed = {.size = sizeof embed, .task = -1, .flags = QUERN_TRUNCATE};
    int code = quern_cli_lines_read(&work.lines, path, false);
    for (size_t i = 0; code == QUERN_CLI_DONE && i < work.lines.count; i++)
        if (work.lines.lines[i].length > 0 &&
            memchr(work.lines.lines[i].data, '\0', work.lines.lines[i].length) != NULL)
            code = quern_cli_fail(NULL, not_index); /* it is no text either */
    if (code == QUERN_CLI_DONE)
        code = quern_cli_session_open(&work.session, options);
    if (code == QUERN_CLI_DONE) {
        work.texts = calloc(work.lines.count + 1, sizeof *work.texts);
        work.rows = calloc(work.lines.count + 1, sizeof *work.rows);
        if (work.texts != NULL && work.rows != NULL) {
            take_lines(&work);
        } else {
            quern_cli_say("no memory for %zu lines", work.lines.count);
            code = QUERN_CLI_FAILED;
        }
    }
    if (code == QUERN_CLI_DONE && work.count == 0) {
        quern_cli_say("%s has no lines", path);
        code = QUERN_CLI_FAILED;
    }
    if (code == QUERN_CLI_DONE) {
        quern_cli_set_task(&work.session, &embed, task);
        code = embed_lines(&work, path, &embed);
    }
    if (code == QUERN_CLI_DONE)
        code = write_lines(source, &work);
    quern_cli_session_close(&work.session);
    quern_cli_lines_free(&work.lines);
    free(work.texts);
    free(work.rows);
    free(work.vectors);
    return code;
}

/* ---------------------------------------------------------------- both */

int quern_cli_row_source_open(struct quern_cli_row_source *source, const char *path,
                              const struct quern_cli_session_options *options, int task)
{
    quern_error error;
    *source = (struct quern_cli_row_source){.info.size = sizeof source->info};
    int code = quern_cli_temporary_make(&source->temporary, "vectors.qidx", true);
    if (code != QUERN_CLI_DONE)
        return code;
    const int opened = quern_index_open(&source->index, path, &error);
    if (opened == QUERN_EFORMAT)
        code = open_lines(source, path, &error, options, task);
    else if (opened != QUERN_OK || quern_index_describe(source->index, &source->info, &error) != QUERN_OK)
        code = quern_cli_fail(NULL, &error);
    source->is_index = opened == QUERN_OK;
    source->named = source->info.ids == QUERN_INDEX_NAMES;
    return code;
}

void quern_cli_row_source_close(struct quern_cli_row_source *source)
{
    quern_index_close(source->index);
    source->index = NULL;
    quern_cli_temporary_remove(&source->temporary);
}

int quern_cli_row_source_show(const struct quern_cli_row_source *source, uint64_t place)
{
    quern_index_row row;
    quern_error error;
    if (quern_index_get(source->index, place, &row, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    quern_cli_show_row(&row, source->named);
    return QUERN_CLI_DONE;
}

int quern_cli_row_source_put_id(const struct quern_cli_row_source *source, uint64_t place)
{
    quern_index_row row;
    quern_error error;
    if (quern_index_get(source->index, place, &row, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    quern_put_row_id(stdout, &row, source->named);
    return QUERN_CLI_DONE;
}
