/* Search in the server's indexes: /search and /index. */
#include "array_count.h"
#include "requests/body.h"
#include "requests/dialect.h"
#include "requests/index_fields.h"
#include "requests/task_fields.h"

#include <math.h>

enum { FOUND_USUALLY = 10, FOUND_AT_MOST = 100, QUERIES_AT_MOST = 64 };

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

static bool parse_search(struct quern_request *request)
{
    struct quern_index_job *job = &request->index_job;
    const struct quern_value *query = quern_body_field(request->object, "query");
    struct quern_served_index *index = quern_index_named(request);
    bool hybrid = false;
    if (index == NULL)
        return false;
    if (!quern_value_is(query, QUERN_VALUE_TEXT) && !quern_value_is(query, QUERN_VALUE_ARRAY))
        return quern_refuse(request, QUERN_FAULT_FIELD, "query", "query must be a string, or a list of strings");
    if (!quern_body_add_inputs(request, "query", query) || !quern_body_refuse_empty(request, "query") ||
        !quern_task_fields_read(request, request->object) || !read_limits(request, job) ||
        !quern_index_filter_read(request, job) || !quern_body_flag(request, request->object, "hybrid", &hybrid) ||
        !quern_index_set_vectors(request, index, QUERN_TASK_QUERY))
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

static void write_search(struct quern_request *request, const struct quern_job *vectors, struct quern_answer *answer)
{
    (void)vectors;
    if (!quern_index_take_answer(request, answer))
        quern_refuse(request, QUERN_FAULT_UNAVAILABLE, NULL, "the index cannot be read; the server's log says why");
}

static void begin_list(struct quern_request *request)
{
    request->index_job.work = QUERN_INDEX_LIST;
}

static void write_list(struct quern_request *request, const struct quern_job *vectors, struct quern_answer *answer)
{
    (void)vectors;
    if (request->service->index_count == 0)
        quern_buffer_text(&answer->body, "{\"indexes\":[]}\n");
    else if (!quern_index_take_answer(request, answer))
        quern_refuse_memory(request);
}

static const struct quern_route routes[] = {
    {"POST", "/search", QUERN_ROUTE_VECTORS, parse_search, write_search, NULL},
    {"GET", "/index", QUERN_ROUTE_KEYED, NULL, write_list, NULL},
};

const struct quern_dialect quern_dialect_index = {.prefix = "/index", .routes = routes,
                                                  .route_count = QUERN_COUNT(routes), .most_inputs = QUERIES_AT_MOST,
                                                  .begin = begin_list, .write_error = quern_answer_put_error};
