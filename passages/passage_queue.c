#include "passage_queue.h"

#include "jobs_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH_TOKENS = 1 << 14 };

static int no_memory(quern_error *error)
{
    return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the passages of a file");
}

int quern_passage_queue_open(struct quern_passage_queue *queue, quern_error *error)
{
    queue->ids = malloc(((size_t)queue->context_length + ENOUGH_TOKENS) * sizeof *queue->ids);
    queue->rows = calloc(QUERN_PASSAGE_BATCH, (size_t)queue->dimensions * sizeof *queue->rows);
    return queue->ids != NULL && queue->rows != NULL ? QUERN_OK : no_memory(error);
}

void quern_passage_queue_close(struct quern_passage_queue *queue)
{
    free(queue->memory);
    free(queue->ids);
    free(queue->rows);
    queue->memory = NULL;
    queue->ids = NULL;
    queue->rows = NULL;
}

bool quern_passage_queue_is_full(const struct quern_passage_queue *queue)
{
    return queue->count == QUERN_PASSAGE_BATCH || queue->id_count >= ENOUGH_TOKENS;
}

/* Says that a passage gets no row. */
static void leave_out(struct quern_passage_queue *queue, const char *path, uint64_t line, const char *reason)
{
    char text[640];
    snprintf(text, sizeof text, "%.300s:%llu: a passage is left out: %.250s", path, (unsigned long long)line, reason);
    queue->notice(queue->user, text);
    queue->failed++;
}

/* Whether a failure is that of the machine, not of a text. */
static bool is_fatal(int code)
{
    return code == QUERN_ENOMEM || code == QUERN_EIO || code == QUERN_EUNSUPPORTED;
}

/* Copies the name and the payload. */
static int copy(struct quern_passage_queue *queue, struct quern_queued_passage *entry, const char *path,
                uint64_t number, const struct quern_passage *passage, quern_error *error)
{
    const quern_text path_text = {path, strlen(path)};
    const size_t more = path_text.length + QUERN_PASSAGE_NUMBER + QUERN_PASSAGE_LINE + passage->text.length;
    if (queue->capacity - queue->used < more) {
        const size_t capacity = 2 * (queue->used + more);
        char *memory = realloc(queue->memory, capacity);
        if (memory == NULL)
            return no_memory(error);
        queue->memory = memory;
        queue->capacity = capacity;
    }
    entry->name = queue->used;
    entry->name_length = quern_passage_put_name(queue->memory + queue->used, path_text, number);
    entry->payload = entry->name + entry->name_length;
    const size_t line = quern_passage_put_line(queue->memory + entry->payload, passage);
    memcpy(queue->memory + entry->payload + line, passage->text.data, passage->text.length);
    entry->payload_length = line + passage->text.length;
    queue->used = entry->payload + entry->payload_length;
    return QUERN_OK;
}

int quern_passage_queue_put(struct quern_passage_queue *queue, const char *path, uint64_t number,
                            const struct quern_passage *passage, const struct quern_kept_vectors *kept,
                            quern_error *error)
{
    struct quern_queued_passage entry = {.first_id = queue->id_count};
    float *row = queue->rows + queue->count * (size_t)queue->dimensions;
    if (!quern_kept_vectors_find(kept, passage->title, passage->text, row)) {
        quern_embed_options embed = queue->embed;
        quern_result result;
        embed.title = passage->title;
        const int code = quern_prepare(queue->context, passage->text, &embed, queue->ids + queue->id_count,
                                       (size_t)queue->context_length, &result, error);
        if (code != QUERN_OK && is_fatal(code))
            return code;
        if (code != QUERN_OK) {
            leave_out(queue, path, passage->line, error->text);
            return QUERN_OK;
        }
        entry.ids = result.tokens;
    }
    const int code = copy(queue, &entry, path, number, passage, error);
    if (code != QUERN_OK)
        return code;
    queue->id_count += entry.ids;
    queue->passages[queue->count++] = entry;
    return QUERN_OK;
}

/* Moves row i of the queue to place `to`, which is not behind it. */
static void move_row(struct quern_passage_queue *queue, size_t to, size_t i)
{
    const size_t width = (size_t)queue->dimensions;
    queue->passages[to] = queue->passages[i];
    if (to < i)
        memcpy(queue->rows + to * width, queue->rows + i * width, width * sizeof *queue->rows);
}

/* Embeds what has tokens, into its place, and takes what cannot be embedded out of the queue. */
static int embed(struct quern_passage_queue *queue, quern_error *error)
{
    const size_t width = (size_t)queue->dimensions;
    const quern_embed_options options = {.size = sizeof options, .dimensions = queue->dimensions};
    quern_tokens tokens[QUERN_PASSAGE_BATCH];
    quern_result results[QUERN_PASSAGE_BATCH];
    size_t kept = 0;
    for (size_t i = 0, count; i < queue->count; i += count) {
        for (count = 0; i + count < queue->count && queue->passages[i + count].ids > 0; count++)
            tokens[count] = (quern_tokens){queue->ids + queue->passages[i + count].first_id,
                                           queue->passages[i + count].ids};
        if (count == 0) { /* its vector is there */
            queue->kept++;
            move_row(queue, kept++, i);
            count = 1;
            continue;
        }
        const int code = quern_embed_tokens(queue->context, tokens, count, &options, queue->rows + i * width,
                                            count * width, results, error);
        if (code != QUERN_OK && error->index < 0)
            return code;
        for (size_t k = 0; k < count; k++) {
            const struct quern_queued_passage *passage = &queue->passages[i + k];
            if (results[k].code != QUERN_OK) {
                char name[301];
                snprintf(name, sizeof name, "%.*s", (int)(passage->name_length < 300 ? passage->name_length : 300),
                         queue->memory + passage->name);
                leave_out(queue, name, 0, error->text);
                continue;
            }
            queue->embedded++;
            queue->tokens += results[k].tokens;
            move_row(queue, kept++, i + k);
        }
    }
    queue->count = kept;
    return QUERN_OK;
}

int quern_passage_queue_flush(struct quern_passage_queue *queue, quern_error *error)
{
    quern_index_row rows[QUERN_PASSAGE_BATCH];
    int code = queue->count > 0 ? embed(queue, error) : QUERN_OK;
    for (size_t i = 0; i < queue->count; i++) {
        const struct quern_queued_passage *passage = &queue->passages[i];
        rows[i] = (quern_index_row){.name = {queue->memory + passage->name, passage->name_length},
                                    .payload = {queue->memory + passage->payload, passage->payload_length}};
    }
    if (code == QUERN_OK && queue->count > 0)
        code = quern_index_add(queue->writer, rows, queue->rows, queue->count, error);
    queue->count = queue->used = queue->id_count = 0;
    return code;
}
