#include "meters.h"

#include "answer.h"
#include "dialect.h"

#include <string.h>

/* Whether two routes are counted together: dialects may share a path. */
static bool is_same(const struct quern_route *a, const struct quern_route *b)
{
    return a == b ||
           (a != NULL && b != NULL && strcmp(a->method, b->method) == 0 && strcmp(a->path, b->path) == 0);
}

static void count_answer(struct quern_meters *meters, const struct quern_route *route, int status)
{
    size_t i = 0;
    while (i < meters->answer_kinds &&
           (!is_same(meters->answers[i].route, route) || meters->answers[i].status != status))
        i++;
    if (i == QUERN_METERED_ANSWERS)
        i--; /* there are fewer pairs than that */
    else if (i == meters->answer_kinds)
        meters->answer_kinds++;
    meters->answers[i].route = route;
    meters->answers[i].status = status;
    meters->answers[i].count++;
}

static void count_times(struct quern_meters *meters, const struct quern_request *request, const struct quern_job *job,
                        const struct quern_answer *answer, int64_t now_ns)
{
    const bool computed = job != NULL && job->finished_ns > 0;
    const int64_t times[] = {request->arrived_ns, request->received_ns, computed ? job->submitted_ns : 0,
                             computed ? job->started_ns : 0, computed ? job->finished_ns : 0};
    for (size_t i = QUERN_TIME_RECEIVE; i <= QUERN_TIME_COMPUTE; i++)
        if (times[i] > 0 && times[i + 1] > 0)
            quern_histogram_add(&meters->times[i], (double)(times[i + 1] - times[i]) * 1e-9);
    if (answer->written_ns > 0) {
        quern_histogram_add(&meters->times[QUERN_TIME_ENCODE], (double)answer->encode_ns * 1e-9);
        quern_histogram_add(&meters->times[QUERN_TIME_SEND], (double)(now_ns - answer->written_ns) * 1e-9);
    }
    quern_histogram_add(&meters->times[QUERN_TIME_TOTAL], (double)(now_ns - request->arrived_ns) * 1e-9);
}

/* Whether a request is counted beside its status: it asks for vectors, or may have done so when it failed. */
static bool is_for_vectors(const struct quern_request *request, bool succeeded)
{
    return request->route != NULL && request->route->kind == QUERN_ROUTE_VECTORS &&
           (!succeeded || request->input_count > 0);
}

static enum quern_failing failing(const struct quern_request *request, const struct quern_answer *answer)
{
    if (answer->status == 499)
        return QUERN_FAILING_CANCELLED;
    switch (request->refusal.fault) {
    case QUERN_FAULT_BUSY: return QUERN_FAILING_OVERLOADED;
    case QUERN_FAULT_UNAVAILABLE:
    case QUERN_FAULT_DRAINING: return QUERN_FAILING_UNHEALTHY;
    case QUERN_FAULT_INTERNAL: return QUERN_FAILING_BACKEND;
    case QUERN_FAULT_DEADLINE:
    case QUERN_FAULT_SLOW: return QUERN_FAILING_TIMEOUT;
    default: return QUERN_FAILING_VALIDATION;
    }
}

void quern_meters_count(struct quern_meters *meters, const struct quern_request *request, const struct quern_job *job,
                        const struct quern_answer *answer, int64_t now_ns)
{
    const bool succeeded = answer->status == 200;
    struct quern_served *served = request->served;
    count_answer(meters, request->route, answer->status);
    if (!is_for_vectors(request, succeeded))
        return;
    meters->requests[request->input_count > 1]++;
    if (succeeded)
        meters->successes[request->input_count > 1]++;
    else
        meters->failures[failing(request, answer)]++;
    meters->texts += request->input_count;
    meters->texts_answered += succeeded ? request->input_count : 0;
    served->requests += succeeded;
    served->texts += succeeded ? request->input_count : 0;
    served->tokens += succeeded ? request->token_count : 0;
    for (size_t i = 0; i < request->tokenized; i++) {
        const struct quern_request_input *input = &request->inputs[i];
        meters->texts_without_prompt += !input->is_ids && request->options.task == QUERN_TASK_NONE;
        meters->texts_truncated += input->result.truncated > 0;
        meters->tokens += input->result.tokens;
        quern_histogram_add(&meters->input_tokens, input->result.tokens);
    }
    count_times(meters, request, job, answer, now_ns);
}
