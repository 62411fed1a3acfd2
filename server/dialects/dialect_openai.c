/* OpenAI: /v1/embeddings, /v1/models. */
#include "array_count.h"
#include "requests/answer_vectors.h"
#include "requests/body.h"
#include "requests/dialect.h"
#include "requests/extensions.h"
#include "requests/model_name.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- embeddings */

static bool parse_embeddings(struct quern_request *request)
{
    const struct quern_value *object = request->object, *user = quern_body_field(object, "user");
    if (user != NULL && !quern_value_is(user, QUERN_VALUE_TEXT))
        return quern_refuse(request, QUERN_FAULT_FIELD, "user", "user must be a string");
    return quern_body_add_named_inputs(request, "input") &&
           quern_body_refuse_empty(request, "input") && quern_body_dimensions(request, object) &&
           quern_extensions_read(request, object);
}

/* Clients whose base URL lacks /v1 send OpenAI's body to a path of llama-server, whose own bodies have neither of these
 * fields beside input. */
static bool is_openais(struct quern_request *request)
{
    static const char *const names[] = {"model", "encoding_format", "user", "dimensions"};
    const struct quern_value *object = request->object;
    bool has_name = false;
    for (size_t i = 0; i < QUERN_COUNT(names); i++)
        has_name |= quern_value_member(object, names[i]) != NULL;
    return has_name && quern_value_member(object, "input") != NULL &&
           quern_value_member(object, "embd_normalize") == NULL;
}

static void write_embeddings(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const char *model = request->options.model;
    struct quern_buffer *body = &answer->body;
    unsigned long long tokens = 0;
    (void)job;
    quern_buffer_text(body, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < request->input_count; i++) {
        const quern_result *result = &request->inputs[i].result;
        tokens += result->tokens;
        quern_buffer_print(body, "%s{\"object\":\"embedding\",\"index\":%zu,", i > 0 ? "," : "", i);
        if (result->truncated > 0)
            quern_buffer_print(body, "\"truncated_tokens\":%u,", result->truncated);
        quern_buffer_text(body, "\"embedding\":");
        quern_answer_add_part(answer, i);
        quern_buffer_text(body, "}");
    }
    quern_buffer_text(body, "],\"model\":");
    quern_buffer_string(body, model != NULL ? model : request->served->name);
    quern_buffer_print(body, ",\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu}}\n", tokens, tokens);
}

/* ---------------------------------------------------------------- models */

static void put_model(const struct quern_service *service, const struct quern_served *served, const char *task,
                      struct quern_buffer *body)
{
    char name[512];
    snprintf(name, sizeof name, "%s%s%s", served->name, task[0] != '\0' ? ":" : "", task);
    quern_buffer_text(body, "{\"id\":");
    quern_buffer_string(body, name);
    quern_buffer_print(body, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"local\"}",
                       (long long)service->created);
}

/* Lists all models, each also once for each of its tasks. */
static void write_models(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const struct quern_service *service = request->service;
    (void)job;
    quern_buffer_text(&answer->body, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < service->model_count; i++) {
        const struct quern_served *served = &service->models[i];
        quern_buffer_text(&answer->body, i > 0 ? "," : "");
        put_model(service, served, "", &answer->body);
        for (int task = 0; served->info.has_prompts && quern_task_name((quern_task)task) != NULL; task++) {
            if (task == QUERN_TASK_NONE)
                continue;
            quern_buffer_text(&answer->body, ",");
            put_model(service, served, quern_task_name((quern_task)task), &answer->body);
        }
    }
    quern_buffer_text(&answer->body, "]}\n");
}

static void write_model(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    int meant;
    const int task = quern_model_name_task(request->rest, &meant);
    const struct quern_served *served = quern_model_name_find(request->service, request->rest);
    (void)job;
    if (served == NULL) {
        quern_refuse_model_name(request);
        return;
    }
    put_model(request->service, served, task >= 0 ? quern_task_name((quern_task)task) : "", &answer->body);
    quern_buffer_text(&answer->body, "\n");
}

/* ---------------------------------------------------------------- errors */

static const char *error_type(enum quern_fault fault)
{
    if (fault == QUERN_FAULT_BUSY)
        return "tokens";
    return quern_fault_status(fault) >= 500 ? "server_error" : "invalid_request_error";
}

static const char *error_code(enum quern_fault fault)
{
    switch (fault) {
    case QUERN_FAULT_TOO_LONG: return "context_length_exceeded";
    case QUERN_FAULT_VALUE: return "unsupported_value";
    case QUERN_FAULT_TOKEN_IDS: return "invalid_token_array";
    case QUERN_FAULT_KEY: return "invalid_api_key";
    case QUERN_FAULT_MODEL: return "model_not_found";
    case QUERN_FAULT_BUSY: return "rate_limit_exceeded";
    case QUERN_FAULT_DRAINING: return "model_loading"; /* the code that clients take for "not now" */
    case QUERN_FAULT_DEADLINE: return "deadline_exceeded";
    default: return NULL;
    }
}

static void write_error(const struct quern_request *request, struct quern_answer *answer)
{
    const struct quern_refusal *refusal = &request->refusal;
    struct quern_buffer *body = &answer->body;
    quern_buffer_text(body, "{\"error\":{\"message\":");
    quern_buffer_string(body, refusal->message);
    quern_buffer_text(body, ",\"type\":");
    quern_buffer_string(body, error_type(refusal->fault));
    quern_buffer_text(body, ",\"param\":");
    quern_buffer_string(body, refusal->fault == QUERN_FAULT_TOO_LONG ? "input" : refusal->param);
    quern_buffer_text(body, ",\"code\":");
    quern_buffer_string(body, error_code(refusal->fault));
    if (refusal->fault == QUERN_FAULT_TOO_LONG)
        quern_buffer_print(body, ",\"index\":%lu,\"tokens\":%lu,\"limit\":%lu", refusal->index, refusal->tokens,
                           refusal->limit);
    quern_buffer_text(body, "}}\n");
}

static const struct quern_route routes[] = {
    {"POST", "/v1/embeddings", QUERN_ROUTE_VECTORS, parse_embeddings, write_embeddings, NULL},
    {"POST", "/embeddings", QUERN_ROUTE_VECTORS, parse_embeddings, write_embeddings, is_openais},
    {"GET", "/v1/models", QUERN_ROUTE_KEYED, NULL, write_models, NULL},
    {"GET", "/v1/models/*", QUERN_ROUTE_KEYED, NULL, write_model, NULL},
};

const struct quern_dialect quern_dialect_openai = {
    .prefix = "/v1/", .routes = routes, .route_count = QUERN_COUNT(routes), .most_inputs = QUERN_INPUTS,
    .write_error = write_error};
