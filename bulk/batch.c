#include "batch.h"

#include "jobs_error.h"
#include "json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH_BYTES = 65536 }; /* of texts in a batch */

/* ---------------------------------------------------------------- memory */

int quern_batch_open(struct quern_batch *batch, const struct quern_bulk_job *job, struct quern_once *once,
                     quern_error *error)
{
    quern_model_info info = {.size = sizeof info};
    *batch = (struct quern_batch){.job = job, .once = once, .capacity = 2 * ENOUGH_BYTES,
                                  .text_capacity = QUERN_BATCH_TEXTS, .line_capacity = 4096};
    const int code = quern_model_describe(job->model, &info, error);
    if (code != QUERN_OK)
        return code;
    const int wanted = job->options->embed.dimensions;
    batch->dimensions = wanted > 0 ? wanted : info.dimensions;
    const size_t row_bytes = quern_encoded_bytes(job->options->dtype, batch->dimensions);
    batch->memory = malloc(batch->capacity);
    batch->texts = malloc(batch->text_capacity * sizeof *batch->texts);
    batch->line = malloc(batch->line_capacity);
    batch->rows = malloc(QUERN_BATCH_TEXTS * (size_t)batch->dimensions * sizeof *batch->rows);
    batch->encoded = malloc(QUERN_BATCH_TEXTS * row_bytes);
    if (batch->memory != NULL && batch->texts != NULL && batch->line != NULL && batch->rows != NULL &&
        batch->encoded != NULL)
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a batch of %d texts", QUERN_BATCH_TEXTS);
}

void quern_batch_close(struct quern_batch *batch)
{
    free(batch->memory);
    free(batch->texts);
    free(batch->chunks);
    free(batch->line);
    free(batch->rows);
    free(batch->encoded);
    *batch = (struct quern_batch){.job = NULL};
}

/* Makes an array of items of `size` bytes at least as large as wanted. */
static int grow(void *array, size_t *capacity, size_t wanted, size_t size, quern_error *error)
{
    void **data = array;
    if (wanted <= *capacity)
        return QUERN_OK;
    const size_t more = wanted + wanted / 2;
    void *bigger = more <= SIZE_MAX / size ? realloc(*data, more * size) : NULL;
    if (bigger == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a batch of %zu items", wanted);
    *data = bigger;
    *capacity = more;
    return QUERN_OK;
}

/* Copies a text to the batch's memory, which has room. */
static struct quern_batch_bytes copy(struct quern_batch *batch, quern_text text)
{
    const struct quern_batch_bytes bytes = {batch->used, text.length};
    if (text.length > 0)
        memcpy(batch->memory + batch->used, text.data, text.length);
    batch->used += text.length;
    return bytes;
}

static quern_text view(const struct quern_batch *batch, struct quern_batch_bytes bytes)
{
    return (quern_text){batch->memory + bytes.begin, bytes.length};
}

/* ---------------------------------------------------------------- reading */

static int add_text(struct quern_batch *batch, const struct quern_batch_text *text, quern_error *error)
{
    const int code = grow(&batch->texts, &batch->text_capacity, batch->text_count + 1, sizeof *text, error);
    if (code == QUERN_OK)
        batch->texts[batch->text_count++] = *text;
    return code;
}

/* The options of a record's texts. */
static quern_embed_options embed_options(const struct quern_batch *batch, const struct quern_batch_record *record)
{
    quern_embed_options options = batch->job->options->embed;
    if (record->title.length > 0)
        options.title = view(batch, record->title);
    return options;
}

/* Cuts a record into chunks, each of which becomes a text. */
static int add_chunks(struct quern_batch *batch, struct quern_batch_record *record, quern_error *error)
{
    const quern_embed_options options = embed_options(batch, record);
    const quern_text text = view(batch, record->text);
    size_t count;
    int code = quern_chunk_text(batch->job->context, text, &options, &batch->job->options->chunk, batch->chunks,
                                batch->chunk_capacity, &count, error);
    if (code == QUERN_ETOOLONG && count > batch->chunk_capacity) {
        code = grow(&batch->chunks, &batch->chunk_capacity, count, sizeof *batch->chunks, error);
        if (code == QUERN_OK)
            code = quern_chunk_text(batch->job->context, text, &options, &batch->job->options->chunk, batch->chunks,
                                    batch->chunk_capacity, &count, error);
    }
    for (size_t i = 0; code == QUERN_OK && i < count; i++) {
        const quern_chunk *chunk = &batch->chunks[i];
        code = add_text(batch, &(struct quern_batch_text){
            .text = {record->text.begin + chunk->begin, chunk->end - chunk->begin}, .record = batch->record_count,
            .chunk = i, .begin = chunk->begin, .end = chunk->end}, error);
    }
    return code;
}

/* Whether the job is at fault, and not the text. */
static bool is_fatal(int code)
{
    return code == QUERN_ENOMEM || code == QUERN_EIO || code == QUERN_EUNSUPPORTED;
}

static int set_bad(struct quern_batch *batch, struct quern_batch_record *record, const char *reason,
                   quern_error *error)
{
    const size_t length = strlen(reason);
    const int code = grow(&batch->memory, &batch->capacity, batch->used + length, 1, error);
    if (code == QUERN_OK)
        record->bad = copy(batch, (quern_text){reason, length});
    return code;
}

/* Adds the texts of a record that is copied already. */
static int add_texts(struct quern_batch *batch, struct quern_batch_record *record, quern_error *error)
{
    const size_t before = batch->text_count;
    int code;
    if (batch->job->options->is_chunked)
        code = add_chunks(batch, record, error);
    else
        code = add_text(batch, &(struct quern_batch_text){.text = record->text, .record = batch->record_count,
                                                          .end = record->text.length}, error);
    if (code != QUERN_OK && !is_fatal(code)) {
        batch->text_count = before;
        code = set_bad(batch, record, error->text, error);
    } else if (code == QUERN_OK && batch->text_count == before) {
        code = set_bad(batch, record, "it is empty: it has nothing but white space", error);
    }
    return code;
}

/* Counts a record whose texts are not UTF-8. */
static void note_bytes(struct quern_batch *batch, const struct quern_record *from, const char *path)
{
    if ((quern_json_is_utf8(from->text) && quern_json_is_utf8(from->title)) || batch->odd_count++ > 0)
        return;
    batch->odd_path = path;
    batch->odd_line = from->line;
}

static int add_record(struct quern_batch *batch, const struct quern_record *from, const struct quern_records *records,
                      quern_error *error)
{
    struct quern_batch_record *record = &batch->records[batch->record_count];
    const size_t length = from->text.length + from->title.length + from->id.length + from->keep.length;
    int code = grow(&batch->memory, &batch->capacity, batch->used + length, 1, error);
    if (code != QUERN_OK)
        return code;
    *record = (struct quern_batch_record){.number = records->number - 1, .line = from->line,
                                          .path = quern_records_path(records), .input_crc = records->crc,
                                          .behind = quern_records_place(records)};
    record->id = copy(batch, from->id);
    if (from->bad != NULL) {
        code = set_bad(batch, record, from->bad, error);
    } else {
        note_bytes(batch, from, record->path);
        record->text = copy(batch, from->text);
        record->title = copy(batch, from->title);
        batch->title_count += from->title.length > 0;
        record->keep = copy(batch, from->keep);
        code = add_texts(batch, record, error);
    }
    record->text_end = batch->text_count;
    batch->record_count++;
    return code;
}

int quern_batch_read(struct quern_batch *batch, struct quern_records *records, uint64_t end, quern_error *error)
{
    batch->used = batch->record_count = batch->text_count = 0;
    while (batch->record_count < QUERN_BATCH_RECORDS && batch->text_count < QUERN_BATCH_TEXTS &&
           batch->used < ENOUGH_BYTES && records->number < end) {
        struct quern_record record;
        int code = quern_records_next(records, &record, error);
        if (code <= 0)
            return code;
        code = add_record(batch, &record, records, error);
        if (code != QUERN_OK)
            return code;
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- lines of the journal */

/* Begins a line with the record's id. Room for `more` bytes is left. Returns its length, or 0 without memory. */
static size_t begin_line(struct quern_batch *batch, const struct quern_batch_record *record, size_t more,
                         quern_error *error)
{
    const quern_text id = view(batch, record->id);
    if (grow(&batch->line, &batch->line_capacity, id.length + more + 32, 1, error) != QUERN_OK)
        return 0;
    if (id.length == 0 && batch->job->options->columns.id != NULL) /* of a bad record */
        return (size_t)sprintf(batch->line, "{\"id\":null");
    if (id.length == 0)
        return (size_t)sprintf(batch->line, "{\"id\":%llu", (unsigned long long)record->number);
    return (size_t)sprintf(batch->line, "{\"id\":%.*s", (int)id.length, id.data);
}

/* Appends a string in quotes to the line, which has room for it. */
static size_t add_string(char *line, size_t length, quern_text string)
{
    size_t used;
    line[length++] = '"';
    length += quern_json_string(line + length, 6 * string.length + 7, string, &used);
    line[length++] = '"';
    return length;
}

/* Appends the vector of a text to the part. */
static int put_row(struct quern_batch *batch, struct quern_part *part, const struct quern_batch_text *text,
                   const quern_result *result, const void *row, uint64_t *line_bytes, quern_error *error)
{
    const struct quern_batch_record *record = &batch->records[text->record];
    const struct quern_bulk_options *options = batch->job->options;
    const quern_text keep = view(batch, record->keep);
    size_t length = begin_line(batch, record, keep.length + 256, error);
    if (length == 0)
        return QUERN_ENOMEM;
    char *line = batch->line;
    if (options->is_chunked)
        length += (size_t)sprintf(line + length, ",\"chunk\":%zu,\"begin\":%zu,\"end\":%zu", text->chunk, text->begin,
                                  text->end);
    length += (size_t)sprintf(line + length, ",\"tokens\":%u", result->tokens);
    if (options->embed.flags & QUERN_TRUNCATE)
        length += (size_t)sprintf(line + length, ",\"truncated\":%u", result->truncated);
    if (keep.length > 0)
        length += (size_t)sprintf(line + length, ",%.*s", (int)keep.length, keep.data);
    line[length++] = '}';
    quern_part_put(part, row, (quern_text){line, length});
    *line_bytes = length + 1;
    return QUERN_OK;
}

/* Appends a record without a vector to the part. */
static int put_error(struct quern_batch *batch, struct quern_part *part, const struct quern_batch_record *record,
                     const struct quern_batch_text *text, quern_text reason, uint64_t *line_bytes, quern_error *error)
{
    const quern_text path = {record->path, strlen(record->path)};
    size_t length = begin_line(batch, record, 6 * (path.length + reason.length) + 256, error);
    if (length == 0)
        return QUERN_ENOMEM;
    char *line = batch->line;
    if (batch->job->options->is_chunked && text != NULL)
        length += (size_t)sprintf(line + length, ",\"chunk\":%zu,\"begin\":%zu,\"end\":%zu", text->chunk, text->begin,
                                  text->end);
    length += (size_t)sprintf(line + length, ",\"file\":");
    length = add_string(line, length, path);
    length += (size_t)sprintf(line + length, ",\"line\":%llu,\"reason\":", (unsigned long long)record->line);
    length = add_string(line, length, reason);
    line[length++] = '}';
    quern_part_put_error(part, (quern_text){line, length});
    *line_bytes = length + 1;
    return QUERN_OK;
}

/* ---------------------------------------------------------------- embedding */

/* The end of the texts from `begin` on that go into one call: a title is an option of a call, so texts with a title
 * share a call only with those of the same record. */
static size_t find_call(const struct quern_batch *batch, size_t begin, size_t limit)
{
    const size_t first = batch->texts[begin].record;
    size_t end = begin + 1;
    while (end < limit && (batch->texts[end].record == first ||
                           (batch->records[first].title.length == 0 &&
                            batch->records[batch->texts[end].record].title.length == 0)))
        end++;
    return end;
}

/* Computes the vectors of texts [begin, end). */
static int compute(struct quern_batch *batch, size_t begin, size_t end, quern_error *error)
{
    const size_t width = (size_t)batch->dimensions;
    for (size_t from = begin, to; from < end; from = to) {
        to = find_call(batch, from, end);
        const quern_embed_options embed = embed_options(batch, &batch->records[batch->texts[from].record]);
        for (size_t i = from; i < to; i++)
            batch->views[i - begin] = view(batch, batch->texts[i].text);
        const int code = quern_embed(batch->job->context, batch->views + (from - begin), to - from, &embed,
                                     batch->rows + (from - begin) * width, (to - from) * width,
                                     batch->results + (from - begin), error);
        if (code != QUERN_OK && error->index < 0) /* no text is at fault */
            return code;
    }
    return QUERN_OK;
}

/* The same, but copies those of texts that were seen before. */
static int compute_once(struct quern_batch *batch, size_t begin, size_t end, quern_error *error)
{
    quern_once_begin(batch->once);
    for (size_t i = begin; i < end; i++) {
        const quern_embed_options embed = embed_options(batch, &batch->records[batch->texts[i].record]);
        const int code = quern_once_add(batch->once, view(batch, batch->texts[i].text), &embed, error);
        if (code != QUERN_OK)
            return code;
    }
    return quern_once_finish(batch->once, &batch->job->options->embed, batch->rows, batch->results, error);
}

/* Embeds texts [begin, end), of which there are at most QUERN_BATCH_TEXTS. */
static int embed_texts(struct quern_batch *batch, size_t begin, size_t end, quern_error *error)
{
    const struct quern_bulk_options *options = batch->job->options;
    const size_t width = (size_t)batch->dimensions;
    const int code = batch->once != NULL ? compute_once(batch, begin, end, error) : compute(batch, begin, end, error);
    if (code != QUERN_OK)
        return code;
    for (size_t i = 0; i < end - begin; i++)
        if (batch->results[i].code != QUERN_OK)
            memset(batch->rows + i * width, 0, width * sizeof *batch->rows);
    return quern_encode(options->dtype, batch->rows, end - begin, batch->dimensions, batch->encoded,
                        (end - begin) * quern_encoded_bytes(options->dtype, batch->dimensions), error);
}

/* Finds out in words why a text has no vector: embeds it again. */
static int find_reason(struct quern_batch *batch, const struct quern_batch_text *text, size_t place,
                       quern_error *reason)
{
    const quern_embed_options options = embed_options(batch, &batch->records[text->record]);
    const quern_text view_of_text = view(batch, text->text);
    const size_t width = (size_t)batch->dimensions;
    *reason = (quern_error){.code = QUERN_OK, .index = -1};
    return quern_embed(batch->job->context, &view_of_text, 1, &options, batch->rows + place * width, width, NULL,
                       reason);
}

/* Appends text number `at` of the batch, whose result is at `place`. */
static int put_text(struct quern_batch *batch, struct quern_part *part, size_t at, size_t place,
                    struct quern_part_state *state, quern_error *error)
{
    const struct quern_batch_text *text = &batch->texts[at];
    const quern_result *result = &batch->results[place];
    uint64_t bytes = 0;
    int code;
    if (result->code == QUERN_OK) {
        code = put_row(batch, part, text, result, batch->encoded + place * part->row_bytes, &bytes, error);
        state->rows++;
        state->tokens += result->tokens;
        state->id_bytes += bytes;
        return code;
    }
    quern_error reason;
    find_reason(batch, text, place, &reason);
    code = put_error(batch, part, &batch->records[text->record], text,
                     (quern_text){reason.text, strlen(reason.text)}, &bytes, error);
    state->errors++;
    state->error_bytes += bytes;
    return code;
}

/* Ends a record: notes it if it is bad, and sets the part's state behind it. */
static int end_record(struct quern_batch *batch, struct quern_part *part, const struct quern_batch_record *record,
                      struct quern_part_state *state, quern_error *error)
{
    int code = QUERN_OK;
    if (record->bad.length > 0) {
        uint64_t bytes = 0;
        code = put_error(batch, part, record, NULL, view(batch, record->bad), &bytes, error);
        state->errors++;
        state->error_bytes += bytes;
    }
    state->records++;
    state->input_crc = record->input_crc;
    state->end = record->behind;
    quern_part_end_record(part, state);
    return code;
}

static void count(struct quern_bulk_progress *progress, const struct quern_part_state *before,
                  const struct quern_part_state *after)
{
    progress->records += after->records - before->records;
    progress->rows += after->rows - before->rows;
    progress->errors += after->errors - before->errors;
    progress->all_errors += after->errors - before->errors;
    progress->tokens += after->tokens - before->tokens;
}

int quern_batch_embed(struct quern_batch *batch, struct quern_part *part, struct quern_bulk_progress *progress,
                      bool (*stop)(void *user), void *user, quern_error *error)
{
    const struct quern_part_state before = part->state;
    struct quern_part_state state = before;
    size_t embedded = 0, at = 0, first = 0; /* texts that are embedded, and that are appended; the first of a call */
    int code = QUERN_OK;
    for (size_t r = 0; code == QUERN_OK && r < batch->record_count; r++) {
        const struct quern_batch_record *record = &batch->records[r];
        for (; code == QUERN_OK && at < record->text_end; at++) {
            if (at == embedded) {
                if (at > 0 && stop != NULL && stop(user))
                    goto out;
                first = at;
                embedded = batch->text_count - at < QUERN_BATCH_TEXTS ? batch->text_count : at + QUERN_BATCH_TEXTS;
                code = embed_texts(batch, first, embedded, error);
            }
            if (code == QUERN_OK) {
                const quern_result *result = &batch->results[at - first];
                progress->cut += result->code == QUERN_OK && result->truncated > 0;
                code = put_text(batch, part, at, at - first, &state, error);
            }
        }
        if (code == QUERN_OK)
            code = end_record(batch, part, record, &state, error);
    }
out:
    count(progress, &before, &part->state);
    return code;
}
