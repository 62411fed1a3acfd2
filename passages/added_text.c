#include "added_text.h"

#include "indexing.h"
#include "jobs_error.h"
#include "passage_queue.h"
#include "sections.h"
#include "source_reader.h"
#include "source_table.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct adding {
    const struct quern_added_text *added;
    const char *name;
    quern_index_writer *writer;
    struct quern_passage_queue queue;
    struct quern_source_reading reading;
    struct quern_kept_vectors kept; /* none */
    uint64_t number;                /* of the next passage */
    char problem[256];              /* why a passage was left out */
};

void quern_added_text_name(char name[QUERN_ADDED_TEXT_NAME], quern_text title, quern_text text)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)title.data, title.length);
    SHA256Update(&context, (const uint8_t *)"", 1);
    SHA256Update(&context, (const uint8_t *)text.data, text.length);
    SHA256Final(digest, &context);
    size_t length = (size_t)snprintf(name, QUERN_ADDED_TEXT_NAME, "text:");
    for (int i = 0; i < 8; i++)
        length += (size_t)snprintf(name + length, QUERN_ADDED_TEXT_NAME - length, "%02x", digest[i]);
}

bool quern_has_words(quern_text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] != ' ' && (text.data[i] < '\t' || text.data[i] > '\r'))
            return true;
    return false;
}

/* ---------------------------------------------------------------- the index */

int quern_text_index_create(quern_index_writer **writer, const char *path, const char *model_name,
                            const quern_index_options *options, quern_error *error)
{
    char empty[] = "", *note = NULL, *model = strdup(model_name);
    struct quern_source_table table = {.model = model, .known = empty, .text_column = empty, .title_column = empty,
                                       .tokens = QUERN_INDEXING_TOKENS};
    size_t length = 0;
    int code = model != NULL ? quern_source_table_write(&table, &note, &length, error)
                             : quern_jobs_fail(error, QUERN_ENOMEM, "no memory for an index");
    if (code == QUERN_OK)
        code = quern_index_create(writer, path, options, error);
    if (code == QUERN_OK)
        code = quern_index_set_note(*writer, (quern_text){note, length}, error);
    free(note);
    free(model);
    return code;
}

quern_chunk_options quern_text_index_read(quern_text note, char model[QUERN_TEXT_INDEX_MODEL])
{
    struct quern_source_table table;
    quern_chunk_options chunk = {.size = sizeof chunk, .tokens = QUERN_INDEXING_TOKENS};
    const bool is_read = quern_source_table_read(&table, note, NULL) == QUERN_OK;
    snprintf(model, QUERN_TEXT_INDEX_MODEL, "%s", is_read ? table.model : "");
    if (is_read && table.tokens > 0) {
        chunk.tokens = (size_t)table.tokens;
        chunk.overlap = (size_t)table.overlap;
    }
    quern_source_table_free(&table);
    return chunk;
}

/* Opens the index that is there. *dimensions: of its vectors. */
static int change(struct adding *adding, int *dimensions, char space[QUERN_SPACE_SIZE], quern_error *error)
{
    quern_index *index = NULL;
    quern_index_info info = {.size = sizeof info};
    char model[QUERN_TEXT_INDEX_MODEL];
    int code = quern_index_open(&index, adding->added->path, error);
    if (code == QUERN_OK)
        code = quern_index_describe(index, &info, error);
    if (code == QUERN_OK && info.ids != QUERN_INDEX_NAMES)
        code = quern_jobs_fail(error, QUERN_EINVAL, "the ids of %s are numbers: only an index of files takes texts",
                               adding->added->path);
    if (code == QUERN_OK) {
        *dimensions = info.dimensions;
        snprintf(space, QUERN_SPACE_SIZE, "%s", info.space);
        adding->reading.chunk = quern_text_index_read(info.note, model);
    }
    quern_index_close(index);
    const quern_index_options expected = {.size = sizeof expected, .dimensions = info.dimensions, .ids = info.ids};
    return code == QUERN_OK ? quern_index_change(&adding->writer, adding->added->path, &expected, error) : code;
}

static void note_problem(void *user, const char *line)
{
    struct adding *adding = user;
    snprintf(adding->problem, sizeof adding->problem, "%s", line);
}

/* Opens the index and all that is needed to embed. */
static int prepare(struct adding *adding, quern_error *error)
{
    const struct quern_added_text *added = adding->added;
    quern_model_info info = {.size = sizeof info};
    quern_embed_options embed = {.size = sizeof embed, .task = QUERN_TASK_DOCUMENT, .flags = QUERN_TRUNCATE};
    char space[QUERN_SPACE_SIZE], had[QUERN_SPACE_SIZE] = "";
    const bool is_new = access(added->path, F_OK) != 0 && errno == ENOENT;
    int code = quern_model_describe(added->model, &info, error);
    if (code == QUERN_OK && !is_new)
        code = change(adding, &embed.dimensions, had, error);
    if (code == QUERN_OK)
        code = quern_space(added->model, &embed, space, error);
    if (code == QUERN_OK && had[0] != '\0' && strcmp(had, space) != 0)
        code = quern_jobs_fail(error, QUERN_EINVAL, "%s was made with another model: its space is %s, and that of this "
                               "model %s", added->path, had, space);
    const quern_index_options options = {.size = sizeof options, .dimensions = info.dimensions,
                                         .ids = QUERN_INDEX_NAMES, .space = space};
    if (code == QUERN_OK && is_new)
        code = quern_text_index_create(&adding->writer, added->path, added->model_name, &options, error);
    if (code != QUERN_OK)
        return code;
    if (adding->reading.chunk.tokens > (size_t)info.context_length)
        adding->reading.chunk.tokens = (size_t)info.context_length;
    adding->reading.context = added->context;
    adding->reading.embed = embed;
    adding->queue = (struct quern_passage_queue){
        .context = added->context, .writer = adding->writer, .embed = embed, .context_length = info.context_length,
        .dimensions = embed.dimensions > 0 ? embed.dimensions : info.dimensions, .notice = note_problem,
        .user = adding};
    return quern_passage_queue_open(&adding->queue, error);
}

/* ---------------------------------------------------------------- the text */

static int put_passage(void *user, const struct quern_passage *passage, quern_error *error)
{
    struct adding *adding = user;
    int code = quern_passage_queue_put(&adding->queue, adding->name, adding->number++, passage, &adding->kept, error);
    if (code == QUERN_OK && quern_passage_queue_is_full(&adding->queue))
        code = quern_passage_queue_flush(&adding->queue, error);
    return code;
}

int quern_add_text(const struct quern_added_text *added, char name[QUERN_ADDED_TEXT_NAME], uint64_t *passages,
                   quern_error *error)
{
    struct adding adding = {.added = added, .name = name, .reading.put = put_passage, .reading.user = &adding};
    adding.reading.chunk = (quern_chunk_options){.size = sizeof adding.reading.chunk, .tokens = QUERN_INDEXING_TOKENS};
    bool is_compacted;
    *passages = 0;
    if (!quern_has_words(added->text))
        return quern_jobs_fail(error, QUERN_EINVAL, "the text is empty");
    quern_added_text_name(name, added->title, added->text);
    const quern_text title = added->title.length > 0 ? added->title : quern_document_title(added->text, "", true);
    int code = prepare(&adding, error);
    if (code == QUERN_OK)
        code = quern_source_read_text(&adding.reading, added->text, title, true, error);
    if (code == QUERN_OK)
        code = quern_passage_queue_flush(&adding.queue, error);
    if (code == QUERN_OK && adding.queue.failed > 0)
        code = quern_jobs_fail(error, QUERN_EINVAL, "%s", adding.problem);
    if (code == QUERN_OK)
        code = quern_index_commit(adding.writer, error);
    quern_passage_queue_close(&adding.queue);
    quern_index_writer_free(adding.writer);
    if (code == QUERN_OK)
        *passages = adding.queue.embedded;
    return code == QUERN_OK ? quern_indexing_compact(added->path, &is_compacted, error) : code;
}
