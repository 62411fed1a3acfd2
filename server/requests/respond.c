#include "respond.h"

#include "answer_vectors.h"
#include "body.h"
#include "extensions.h"
#include "model_name.h"
#include "routes.h"

/* Has the route parse the body, which was read. 1, or -1: refused. */
static int parse_object(struct quern_request *request)
{
    if (!quern_model_choose(request))
        return -1;
    if (!request->route->parse(request) || !quern_extensions_resolve(request))
        return -1;
    if (!request->served->broken)
        return 1;
    quern_refuse_lost_model(request);
    return -1;
}

int quern_respond_parse(struct quern_request *request, size_t slice)
{
    if (request->route == NULL || request->route->parse == NULL) {
        if (request->route != NULL && request->dialect->begin != NULL)
            request->dialect->begin(request);
        return 1;
    }
    const int code = quern_body_read(request, slice);
    if (code != 1)
        return code;
    while (request->route->takes != NULL && !request->route->takes(request) && quern_route_pass(request))
        continue;
    return parse_object(request);
}

int quern_respond_parse_again(struct quern_request *request)
{
    quern_request_reset(request);
    return parse_object(request);
}

/* ---------------------------------------------------------------- answers */

/* Adds the fields that tell what the vectors are. */
static void describe_vectors(const struct quern_request *request, struct quern_answer *answer)
{
    const struct quern_request_options *asked = &request->options;
    const quern_embed_options options = {.size = sizeof options, .task = asked->task, .dimensions = asked->dimensions,
                                         .flags = asked->normalize ? 0u : QUERN_NO_NORMALIZE};
    char space[QUERN_SPACE_SIZE];
    uint64_t tokens = 0, truncated = 0;
    if (quern_space(request->served->model, &options, space, NULL) == QUERN_OK)
        quern_buffer_print(&answer->fields, "X-Quern-Space: %s\r\n", space);
    quern_buffer_print(&answer->fields, "X-Quern-Task: %s\r\n", quern_task_name((quern_task)asked->task));
    for (size_t i = 0; i < request->input_count; i++) {
        tokens += request->inputs[i].result.tokens;
        truncated += request->inputs[i].result.truncated;
    }
    quern_buffer_print(&answer->fields, "X-Quern-Tokens: %llu\r\nX-Quern-Truncated: %llu\r\n",
                       (unsigned long long)tokens, (unsigned long long)truncated);
}

/* Has the route write the answer, with marks for its parts, or begins with what stands before their bytes. */
static void draft(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    answer->is_drafted = true;
    answer->put_part = quern_vectors_put; /* unless the route has other parts */
    if (job != NULL)
        describe_vectors(request, answer);
    if (job != NULL && request->options.form != QUERN_VECTORS_JSON)
        quern_vectors_begin_raw(request, job, answer);
    else if (request->route != NULL)
        request->route->write(request, job, answer);
}

/* Goes on with the answer. 0: there is more to write; 1: it is written, or refused. */
static int write_answer(struct quern_request *request, struct quern_job *job, struct quern_answer *answer,
                        size_t slice)
{
    int code = job != NULL ? quern_vectors_finish(request, job, answer, slice) : 1;
    if (code == 1 && !answer->is_drafted)
        draft(request, job, answer);
    if (code == 1 && answer->has_parts && !quern_is_refused(request))
        code = quern_answer_fill(request, job, answer, slice);
    else if (code == 1 && job != NULL && request->options.form != QUERN_VECTORS_JSON)
        code = quern_vectors_add_raw(request, job, answer, slice);
    if (code < 0 || answer->body.failed)
        quern_refuse_memory(request);
    return code != 0 || quern_is_refused(request);
}

static void write_refusal(struct quern_request *request, struct quern_answer *answer)
{
    const struct quern_dialect *dialect = quern_route_dialect(request);
    const enum quern_fault fault = request->refusal.fault;
    quern_buffer_free(&answer->body);
    answer->status = dialect->status != NULL ? dialect->status(fault) : quern_fault_status(fault);
    answer->type = "application/json";
    dialect->write_error(request, answer);
    quern_buffer_print(&answer->fields, "X-Should-Retry: %s\r\n", quern_fault_is_temporary(fault) ? "true" : "false");
    if (answer->status == 429 || answer->status == 503)
        quern_buffer_text(&answer->fields, "Retry-After: 1\r\n");
    if (fault == QUERN_FAULT_KEY)
        quern_buffer_text(&answer->fields, "WWW-Authenticate: Bearer\r\n");
    if (fault == QUERN_FAULT_METHOD)
        quern_buffer_print(&answer->fields, "Allow: %s\r\n", request->refusal.allow);
}

int quern_respond_write(struct quern_request *request, struct quern_job *job, struct quern_answer *answer,
                        size_t slice)
{
    if (job != NULL && job->code != QUERN_OK)
        quern_refuse_failure(request, job->code, job->failed);
    if (!quern_is_refused(request) && write_answer(request, job, answer, slice) == 0)
        return 0;
    if (quern_is_refused(request))
        write_refusal(request, answer);
    return 1;
}
