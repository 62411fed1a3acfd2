/* Search in the server's indexes: /search and /index. */
#include "array_count.h"
#include "requests/body.h"
#include "requests/dialect.h"
#include "requests/task_fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FOUND_USUALLY = 10, FOUND_AT_MOST = 100, QUERIES_AT_MOST = 64, PATTERNS_AT_MOST = 64 };

/* The index that the body names, or else the first one. NULL: refused. */
static struct quern_served_index *find_index(struct quern_request *request)
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

/* Reads how many hits are wanted, and the least score. */
static bool read_limits(struct quern_request *request, struct quern_index_job *job)
{
    const struct quern_value *k = quern_body_field(request->object, "k");
    const struct quern_value *least = quern_body_field(request->object, "least");
    const int64_t hits = k != NULL ? quern_value_integer(k) : FOUND_USUALLY;
    if (hits < 1 || hits > FOUND_AT_MOST)
        return quern_refuse(request, QUERN_FAULT_VALUE, "k", "k must be an integer from 1 to %d", FOUND_AT_MOST);
    job->hits = (size_t)hits;
    job->has_least = least != NULL;
    job->least = least != NULL ? quern_value_number(least) : 0;
    return !isnan(job->least) || quern_refuse(request, QUERN_FAULT_VALUE, "least", "least must be a number");
}

/* ---------------------------------------------------------------- filter */

/* Memory for a list of the request's; NULL: refused. */
static void *new_list(struct quern_request *request, size_t count, size_t size)
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
    quern_text *patterns = count <= PATTERNS_AT_MOST ? new_list(request, count, sizeof *patterns) : NULL;
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

/* Reads ids, which are strings or numbers. name: of the field, for messages. NULL: refused. */
static const quern_index_row *read_ids(struct quern_request *request, const struct quern_value *ids,
                                       const char *param, const char *name)
{
    const bool is_list = quern_value_is(ids, QUERN_VALUE_ARRAY);
    quern_index_row *rows = is_list ? new_list(request, quern_value_size(ids), sizeof *rows) : NULL;
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
        quern_refuse(request, QUERN_FAULT_VALUE, param, "%s must be a list of ids: strings of 1 to %d bytes, or "
                     "numbers from 0 where the index has numbers", name, QUERN_INDEX_MOST_NAME);
    return rows;
}

/* Reads which rows may be found. A filter that asks for nothing known is refused: its results would be wrong. */
static bool read_filter(struct quern_request *request, struct quern_index_job *job)
{
    const struct quern_value *filter = quern_body_field(request->object, "filter");
    const struct quern_value *path = quern_body_field(filter, "path"), *ids = quern_body_field(filter, "ids");
    if (filter == NULL)
        return true;
    job->is_filtered = true;
    if (path == NULL && ids == NULL)
        return quern_refuse(request, QUERN_FAULT_VALUE, "filter", "filter must be an object with path or ids, such as "
                            "{\"path\": \"docs/*\"}");
    if (path != NULL && !read_paths(request, path, &job->filter))
        return false;
    if (ids == NULL)
        return true;
    job->filter.by_id = true;
    job->filter.ids = read_ids(request, ids, "filter", "filter.ids");
    job->filter.id_count = quern_value_size(ids);
    return job->filter.ids != NULL;
}

/* ---------------------------------------------------------------- search */

/* Sets what the vectors of the queries must be. */
static bool set_vectors(struct quern_request *request, const struct quern_served_index *index)
{
    const int width = request->served->info.dimensions;
    struct quern_request_options *options = &request->options;
    if (width < index->dimensions)
        return quern_refuse(request, QUERN_FAULT_VALUE, "index", "the index has vectors of %d dimensions, and the "
                            "model makes %d: name the index's model in model", index->dimensions, width);
    options->dimensions = index->dimensions < width ? index->dimensions : 0;
    options->truncate = QUERN_TRUNCATE;
    if (options->task < 0)
        options->task = request->served->info.has_prompts ? QUERN_TASK_QUERY : QUERN_TASK_NONE;
    return true;
}

static bool parse_search(struct quern_request *request)
{
    struct quern_index_job *job = &request->index_job;
    const struct quern_value *query = quern_body_field(request->object, "query");
    struct quern_served_index *index = find_index(request);
    bool hybrid = false;
    if (index == NULL)
        return false;
    if (!quern_value_is(query, QUERN_VALUE_TEXT) && !quern_value_is(query, QUERN_VALUE_ARRAY))
        return quern_refuse(request, QUERN_FAULT_FIELD, "query", "query must be a string, or a list of strings");
    if (!quern_body_add_inputs(request, "query", query) || !quern_body_refuse_empty(request, "query") ||
        !quern_task_fields_read(request, request->object) || !read_limits(request, job) || !read_filter(request, job) ||
        !quern_body_flag(request, request->object, "hybrid", &hybrid) || !set_vectors(request, index))
        return false;
    if (hybrid && job->has_least)
        return quern_refuse(request, QUERN_FAULT_VALUE, "least", "least does not go with hybrid, whose scores are sums "
                            "of ranks");
    job->work = QUERN_INDEX_SEARCH;
    job->indexes = index;
    job->by_words = hybrid;
    job->is_list = quern_value_is(query, QUERN_VALUE_ARRAY);
    return true;
}

/* The job's answer becomes the request's. */
static void take_json(struct quern_index_job *job, struct quern_answer *answer)
{
    answer->body = (struct quern_buffer){.data = job->json, .length = job->length, .capacity = job->length};
    job->json = NULL;
}

static void write_search(struct quern_request *request, const struct quern_job *vectors, struct quern_answer *answer)
{
    struct quern_index_job *job = &request->index_job;
    (void)vectors;
    if (job->is_done && job->code == QUERN_OK)
        take_json(job, answer);
    else if (job->is_done && job->code == QUERN_EINVAL)
        quern_refuse(request, QUERN_FAULT_VALUE, "index", "%s", job->error.text);
    else if (job->is_done && job->code == QUERN_ENOMEM)
        quern_refuse_memory(request);
    else
        quern_refuse(request, QUERN_FAULT_UNAVAILABLE, NULL, "the index cannot be read; the server's log says why");
}

static void begin_list(struct quern_request *request)
{
    request->index_job.work = QUERN_INDEX_LIST;
}

static void write_list(struct quern_request *request, const struct quern_job *vectors, struct quern_answer *answer)
{
    struct quern_index_job *job = &request->index_job;
    (void)vectors;
    if (request->service->index_count == 0)
        quern_buffer_text(&answer->body, "{\"indexes\":[]}\n");
    else if (job->is_done && job->code == QUERN_OK)
        take_json(job, answer);
    else
        quern_refuse_memory(request);
}

static const struct quern_route routes[] = {
    {"POST", "/search", false, parse_search, write_search, NULL},
    {"GET", "/index", false, NULL, write_list, NULL},
};

const struct quern_dialect quern_dialect_index = {.prefix = "/index", .routes = routes,
                                                  .route_count = QUERN_COUNT(routes), .most_inputs = QUERIES_AT_MOST,
                                                  .begin = begin_list, .write_error = quern_answer_put_error};
