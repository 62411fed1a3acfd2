#include "index_fields.h"

#include "body.h"
#include "model_of_index.h"

#include <stdlib.h>
#include <string.h>

enum { PATTERNS_AT_MOST = 64, IDS_AT_MOST = 1 << 16 };

struct quern_served_index *quern_index_named(struct quern_request *request)
{
    const struct quern_service *service = request->service;
    const struct quern_value *value = quern_body_field(request->object, "index");
    const char *name = quern_value_string(value);
    if (service->index_count == 0) {
        quern_refuse(request, QUERN_FAULT_ROUTE, NULL, "this server has no index: it is started with --index FILE");
        return NULL;
    }
    if (value == NULL)
        return service->indexes;
    for (size_t i = 0; name != NULL && i < service->index_count; i++)
        if (strcmp(service->indexes[i].name, name) == 0)
            return &service->indexes[i];
    quern_refuse(request, QUERN_FAULT_VALUE, "index", "index must be the name of one that GET /index lists");
    return NULL;
}

bool quern_index_set_vectors(struct quern_request *request, const struct quern_served_index *index, quern_task task)
{
    struct quern_request_options *options = &request->options;
    if (!quern_index_model_choose(request, index))
        return false;
    const int width = request->served->info.dimensions;
    if (width < index->dimensions)
        return quern_refuse(request, QUERN_FAULT_VALUE, "index", "the index has vectors of %d dimensions, and the "
                            "model makes %d: name the index's model in model", index->dimensions, width);
    options->dimensions = index->dimensions < width ? index->dimensions : 0;
    options->truncate = QUERN_TRUNCATE;
    if (options->task < 0)
        options->task = request->served->info.has_prompts ? (int)task : QUERN_TASK_NONE;
    return true;
}

bool quern_index_take_answer(struct quern_request *request, struct quern_answer *answer)
{
    struct quern_index_job *job = &request->index_job;
    if (job->is_done && job->code == QUERN_OK) {
        answer->body = (struct quern_buffer){.data = job->json, .length = job->length, .capacity = job->length};
        job->json = NULL;
        return true;
    }
    if (job->is_done && job->code == QUERN_EINVAL)
        quern_refuse(request, QUERN_FAULT_VALUE, "index", "%s", job->error.text);
    else if (job->is_done && job->code == QUERN_ENOMEM)
        quern_refuse_memory(request);
    return false;
}

void *quern_request_new_list(struct quern_request *request, size_t count, size_t size)
{
    void *list = quern_request_claim(request, count * size) ? calloc(count + 1, size) : NULL;
    if (list == NULL)
        quern_refuse_memory(request);
    return list;
}

/* Reads the patterns of the member path: a string or a list of strings. */
static bool read_paths(struct quern_request *request, const struct quern_value *path, struct quern_row_filter *filter)
{
    const bool is_list = quern_value_is(path, QUERN_VALUE_ARRAY);
    const size_t count = is_list ? quern_value_size(path) : 1;
    quern_text *patterns = count <= PATTERNS_AT_MOST ? quern_request_new_list(request, count, sizeof *patterns) : NULL;
    filter->by_path = true;
    filter->patterns = patterns;
    if (patterns == NULL)
        return quern_refuse(request, QUERN_FAULT_VALUE, "filter", "filter.path may have at most %d patterns",
                            PATTERNS_AT_MOST);
    const struct quern_value *item = is_list ? quern_value_first(path) : path;
    for (; filter->pattern_count < count; item = quern_value_next(item)) {
        if (!quern_value_is(item, QUERN_VALUE_TEXT) || quern_value_text(item).length == 0 ||
            quern_value_text(item).length > QUERN_INDEX_MOST_NAME)
            return quern_refuse(request, QUERN_FAULT_VALUE, "filter", "filter.path must be a pattern such as "
                                "\"docs/*\", or a list of such strings");
        patterns[filter->pattern_count++] = quern_value_text(item);
    }
    return true;
}

const quern_index_row *quern_index_ids_read(struct quern_request *request, const struct quern_value *ids,
                                            const char *param, const char *name)
{
    const bool is_list = quern_value_is(ids, QUERN_VALUE_ARRAY) && quern_value_size(ids) <= IDS_AT_MOST;
    quern_index_row *rows = is_list ? quern_request_new_list(request, quern_value_size(ids), sizeof *rows) : NULL;
    const struct quern_value *item = quern_value_first(ids);
    for (size_t i = 0; rows != NULL && item != NULL; i++, item = quern_value_next(item)) {
        const quern_text text = quern_value_text(item);
        rows[i] = (quern_index_row){.number = (uint64_t)quern_value_integer(item), .name = text};
        if (!(quern_value_is(item, QUERN_VALUE_TEXT) && text.length > 0 && text.length <= QUERN_INDEX_MOST_NAME) &&
            !(quern_value_is(item, QUERN_VALUE_INTEGER) && quern_value_integer(item) >= 0)) {
            free(rows);
            rows = NULL;
        }
    }
    if (rows == NULL)
        quern_refuse(request, QUERN_FAULT_VALUE, param, "%s must be a list of at most %d ids: strings of 1 to %d "
                     "bytes, or numbers from 0 where the index has numbers", name, IDS_AT_MOST, QUERN_INDEX_MOST_NAME);
    return rows;
}

bool quern_index_filter_read(struct quern_request *request, struct quern_index_job *job)
{
    const struct quern_value *filter = quern_body_field(request->object, "filter");
    const struct quern_value *path = quern_body_field(filter, "path"), *ids = quern_body_field(filter, "ids");
    if (filter == NULL)
        return true;
    job->is_filtered = true;
    if (path == NULL && ids == NULL) /* what it asks for is not known, so what would be found would be wrong */
        return quern_refuse(request, QUERN_FAULT_VALUE, "filter", "filter must be an object with path or ids, such as "
                            "{\"path\": \"docs/*\"}");
    if (path != NULL && !read_paths(request, path, &job->filter))
        return false;
    if (ids == NULL)
        return true;
    job->filter.by_id = true;
    job->filter.ids = quern_index_ids_read(request, ids, "filter", "filter.ids");
    job->filter.id_count = quern_value_size(ids);
    return job->filter.ids != NULL;
}
