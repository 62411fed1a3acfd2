#include "respond.h"

#include "answer_vectors.h"
#include "body.h"
#include "extensions.h"
#include "routes.h"

int quern_respond_parse(struct quern_request *request, size_t slice)
{
    if (request->route == NULL || request->route->parse == NULL)
        return 1;
    const int code = quern_body_read(request, slice);
    if (code != 1)
        return code;
    while (request->route->takes != NULL && !request->route->takes(request) && quern_route_pass(request))
        continue;
    return request->route->parse(request) && quern_extensions_resolve(request) ? 1 : -1;
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
    if (quern_space(request->service->model, &options, space, NULL) == QUERN_OK)
        quern_buffer_print(&answer->fields, "X-Quern-Space: %s\r\n", space);
    for (size_t i = 0; i < request->input_count; i++) {
        tokens += request->inputs[i].result.tokens;
        truncated += request->inputs[i].result.truncated;
    }
    quern_buffer_print(&answer->fields, "X-Quern-Tokens: %llu\r\nX-Quern-Truncated: %llu\r\n",
                       (unsigned long long)tokens, (unsigned long long)truncated);
}

static void write_answer(struct quern_request *request, struct quern_job *job, struct quern_answer *answer)
{
    bool good = true;
    if (job != NULL) {
        good = quern_vectors_finish(request, job);
        describe_vectors(request, answer);
    }
    if (job != NULL && request->options.form != QUERN_VECTORS_JSON)
        quern_vectors_put_raw(request, job, answer);
    else if (good && request->route != NULL)
        request->route->write(request, job, answer);
    if (!good || answer->body.failed)
        quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "there is no memory for the answer");
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
    if (fault == QUERN_FAULT_BUSY || fault == QUERN_FAULT_DRAINING)
        quern_buffer_text(&answer->fields, "Retry-After: 1\r\n");
    if (fault == QUERN_FAULT_KEY)
        quern_buffer_text(&answer->fields, "WWW-Authenticate: Bearer\r\n");
    if (fault == QUERN_FAULT_METHOD)
        quern_buffer_print(&answer->fields, "Allow: %s\r\n", request->refusal.allow);
}

void quern_respond_write(struct quern_request *request, struct quern_job *job, struct quern_answer *answer)
{
    if (job != NULL && job->code != QUERN_OK)
        quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "the model gave no vector (%s)", quern_error_name(job->code));
    if (!quern_is_refused(request))
        write_answer(request, job, answer);
    if (quern_is_refused(request))
        write_refusal(request, answer);
}
