#include "index_change.h"

#include "failure.h"
#include "index_search.h"
#include "indexing.h"
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_TOGETHER = 64 };

/* An index that is being changed. Nobody else changes it meanwhile. */
struct index_change {
    struct quern_index_job *job;
    quern_index_writer *writer;
    quern_index *index; /* as it is before */
    quern_index_info info;
};

/* Takes the writer of the change before, or makes one: that takes long in a large index, since it reads all ids. */
static int open_writer(struct index_change *change, struct quern_served_index *served, quern_error *error)
{
    const quern_index_options options = {.size = sizeof options, .threads = 1};
    change->writer = served->writer;
    served->writer = NULL;
    if (change->writer != NULL && quern_index_resume(change->writer, error) == QUERN_OK)
        return QUERN_OK;
    quern_index_writer_free(change->writer);
    change->writer = NULL;
    return quern_index_change(&change->writer, served->path, &options, error);
}

static int open_change(struct index_change *change, struct quern_index_job *job)
{
    const char *path = job->indexes->path;
    *change = (struct index_change){.job = job, .info.size = sizeof change->info};
    int code = open_writer(change, job->indexes, &job->error);
    if (code == QUERN_OK)
        code = quern_index_open(&change->index, path, &job->error);
    if (code == QUERN_OK)
        code = quern_index_describe(change->index, &change->info, &job->error);
    return code;
}

/* Commits, unless something has failed, and writes the end of the answer. */
static int close_change(struct index_change *change, int code, FILE *out)
{
    struct quern_index_job *job = change->job;
    const char *path = job->indexes->path;
    quern_index_info info = {.size = sizeof info};
    quern_index *index = NULL;
    quern_error unwanted;
    bool is_compacted;
    if (code == QUERN_OK)
        code = quern_index_commit(change->writer, &job->error);
    quern_index_close(change->index);
    if (code == QUERN_OK && quern_index_rest(change->writer, &unwanted) == QUERN_OK)
        job->indexes->writer = change->writer;
    else
        quern_index_writer_free(change->writer);
    if (code != QUERN_OK)
        return code;
    quern_indexing_compact(path, &is_compacted, &unwanted); /* what cannot be done now, the next change does */
    if (quern_index_open(&index, path, &unwanted) == QUERN_OK &&
        quern_index_describe(index, &info, &unwanted) == QUERN_OK)
        fprintf(out, ",\"rows\":%llu", (unsigned long long)info.count);
    quern_index_close(index);
    fputs("}\n", out);
    return QUERN_OK;
}

/* Removes the rows of a bitmap. */
static int remove_rows(struct index_change *change, const uint64_t *bitmap)
{
    quern_index_row rows[ROWS_TOGETHER];
    size_t count = 0;
    int code = QUERN_OK;
    for (uint64_t place = 0; code == QUERN_OK && place < change->info.places; place++) {
        if ((bitmap[place / 64] >> place % 64 & 1) != 0)
            code = quern_index_get(change->index, place, &rows[count++], &change->job->error);
        if (code == QUERN_OK && count > 0 && (count == ROWS_TOGETHER || place + 1 == change->info.places)) {
            code = quern_index_remove(change->writer, rows, count, NULL, &change->job->error);
            count = 0;
        }
    }
    return code;
}

/* Removes what a filter chooses. *count: how many rows. */
static int remove_chosen(struct index_change *change, const struct quern_row_filter *filter, uint64_t *count)
{
    uint64_t *bitmap = NULL;
    int code = quern_row_filter_select(filter, change->index, &bitmap, count, &change->job->error);
    if (code == QUERN_OK && *count > 0)
        code = remove_rows(change, bitmap);
    free(bitmap);
    return code;
}

int quern_index_job_remove(struct quern_index_job *job, FILE *out)
{
    struct index_change change;
    uint64_t count = 0;
    int code = open_change(&change, job);
    if (code == QUERN_OK)
        code = remove_chosen(&change, &job->filter, &count);
    fputs("{\"index\":", out);
    quern_json_put_string(out, (quern_text){job->indexes->name, strlen(job->indexes->name)});
    fprintf(out, ",\"removed\":%llu", (unsigned long long)count);
    return close_change(&change, code, out);
}

/* ---------------------------------------------------------------- adding */

static int check_space(const struct index_change *change)
{
    struct quern_index_job *job = change->job;
    const quern_index_info *info = &change->info;
    if (info->ids != job->indexes->ids)
        return quern_server_fail(&job->error, QUERN_EIO, "its ids are of another kind now: start the server again");
    if (info->dimensions != job->indexes->dimensions)
        return quern_server_fail(&job->error, QUERN_EIO, "its vectors have %d dimensions now, not %d: start the server "
                                 "again", info->dimensions, job->indexes->dimensions);
    if (info->space[0] != '\0' && strcmp(info->space, job->space) != 0)
        return quern_server_fail(&job->error, QUERN_EINVAL, "the index was made with another model: its space is %s, "
                                 "and that of this model %s", info->space, job->space);
    return QUERN_OK;
}

/* Removes the passages that the texts had until now. A passage needs no such thing: a row replaces that with its id. */
static int remove_old(struct index_change *change)
{
    const struct quern_index_job *job = change->job;
    quern_index_row *ids = calloc(job->text_count, sizeof *ids);
    size_t texts = 0;
    uint64_t count;
    int code = QUERN_OK;
    if (ids == NULL)
        return quern_server_fail(&change->job->error, QUERN_ENOMEM, "there is no memory for a change");
    for (size_t i = 0; i < job->text_count; i++)
        if (!job->texts[i].is_passage)
            ids[texts++].name = quern_text_cut_name(&job->texts[i]);
    const struct quern_row_filter filter = {.by_id = true, .ids = ids, .id_count = texts};
    if (texts > 0)
        code = remove_chosen(change, &filter, &count);
    free(ids);
    return code;
}

static uint64_t count_lines(quern_text text)
{
    uint64_t lines = 1;
    for (size_t at = 0; at + 1 < text.length; at++)
        lines += text.data[at] == '\n';
    return lines;
}

/* Writes the payload of a passage to out; returns its length. */
static size_t put_payload(char *out, const struct quern_text_cut *text, size_t i)
{
    struct quern_passage passage = text->passages[i];
    if (text->is_passage) {
        passage.line = 1;
        passage.last_line = count_lines(passage.text);
        passage.end = passage.text.length;
    }
    const size_t line = quern_passage_put_line(out, &passage);
    memcpy(out + line, passage.text.data, passage.text.length);
    return line + passage.text.length;
}

/* Adds passages [first, first + count) of a text. */
static int add_passages(struct index_change *change, const struct quern_text_cut *text, size_t first, size_t count,
                        const float *vectors)
{
    const size_t name = quern_text_cut_name_room(text);
    quern_index_row rows[ROWS_TOGETHER];
    size_t room = 0;
    for (size_t i = 0; i < count; i++)
        room += name + QUERN_PASSAGE_LINE + text->passages[first + i].text.length;
    char *memory = malloc(room), *at = memory;
    if (memory == NULL)
        return quern_server_fail(&change->job->error, QUERN_ENOMEM, "there is no memory for a change");
    for (size_t i = 0; i < count; i++) {
        rows[i] = quern_text_cut_row(text, first + i, at);
        at += name;
        rows[i].payload = (quern_text){at, put_payload(at, text, first + i)};
        at += rows[i].payload.length;
    }
    const int code = quern_index_add(change->writer, rows, vectors, count, &change->job->error);
    free(memory);
    return code;
}

static int add_text(struct index_change *change, const struct quern_text_cut *text, const float *vectors)
{
    const size_t width = (size_t)change->job->indexes->dimensions;
    int code = QUERN_OK;
    for (size_t first = 0, count; code == QUERN_OK && first < text->count; first += count) {
        count = text->count - first < ROWS_TOGETHER ? text->count - first : ROWS_TOGETHER;
        code = add_passages(change, text, first, count, vectors + first * width);
    }
    return code;
}

/* Adds all texts, and writes what each has become; or all passages. */
static int add_texts(struct index_change *change, FILE *out)
{
    const struct quern_index_job *job = change->job;
    const size_t width = (size_t)job->indexes->dimensions;
    const bool are_texts = !job->texts[0].is_passage;
    size_t done = 0;
    int code = QUERN_OK;
    fputs(are_texts ? ",\"texts\":[" : "", out);
    for (size_t i = 0; code == QUERN_OK && i < job->text_count; i++) {
        const struct quern_text_cut *text = &job->texts[i];
        code = add_text(change, text, job->vectors + done * width);
        done += text->count;
        if (!are_texts)
            continue;
        fputs(i > 0 ? ",{\"id\":" : "{\"id\":", out);
        quern_json_put_string(out, quern_text_cut_name(text));
        fprintf(out, ",\"passages\":%zu}", text->count);
    }
    fprintf(out, "%s,\"passages\":%zu", are_texts ? "]" : "", done);
    return code;
}

int quern_index_job_add(struct quern_index_job *job, FILE *out)
{
    struct index_change change;
    int code = open_change(&change, job);
    if (code == QUERN_OK)
        code = check_space(&change);
    if (code == QUERN_OK)
        code = remove_old(&change);
    quern_index_job_finish_vectors(job);
    fputs("{\"index\":", out);
    quern_json_put_string(out, (quern_text){job->indexes->name, strlen(job->indexes->name)});
    if (code == QUERN_OK)
        code = add_texts(&change, out);
    return close_change(&change, code, out);
}
