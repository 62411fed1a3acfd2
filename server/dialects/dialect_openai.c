/* OpenAI's /v1/embeddings and /v1/models. */
#include "requests/routes.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- embeddings */

static bool read_encoding(struct quern_request *request, const json_t *value)
{
    const char *name = json_string_value(value);
    if (value == NULL)
        return true;
    request->base64 = name != NULL && strcmp(name, "base64") == 0;
    if (!request->base64 && (name == NULL || strcmp(name, "float") != 0))
        return quern_refuse(request, QUERN_FAULT_VALUE, "encoding_format", "encoding_format is to be float or base64");
    return true;
}

static bool parse_embeddings(struct quern_request *request)
{
    const json_t *object = quern_request_object(request);
    if (object == NULL)
        return false;
    const json_t *user = quern_field(object, "user");
    if (quern_field(object, "model") == NULL)
        return quern_refuse(request, QUERN_FAULT_REQUEST, "model",
                            "the field model is missing; GET /v1/models tells what there is");
    if (user != NULL && !json_is_string(user))
        return quern_refuse(request, QUERN_FAULT_REQUEST, "user", "user is to be a string");
    return quern_request_add_inputs(request, "input", json_object_get(object, "input")) &&
           quern_request_refuse_empty(request, "input") && quern_request_dimensions(request, object) &&
           read_encoding(request, quern_field(object, "encoding_format")) && quern_request_extensions(request, object);
}

static void write_embeddings(struct quern_request *request)
{
    struct quern_buffer *answer = &request->answer;
    unsigned long long tokens = 0;
    quern_buffer_text(answer, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < request->input_count; i++) {
        const quern_result *result = &request->inputs[i].result;
        tokens += result->tokens;
        quern_buffer_print(answer, "%s{\"object\":\"embedding\",\"index\":%zu,", i > 0 ? "," : "", i);
        if (result->truncated > 0)
            quern_buffer_print(answer, "\"truncated_tokens\":%u,", result->truncated);
        quern_buffer_text(answer, "\"embedding\":");
        quern_request_put_vector(request, answer, i);
        quern_buffer_text(answer, "}");
    }
    quern_buffer_text(answer, "],\"model\":");
    quern_buffer_string(answer, request->model);
    quern_buffer_print(answer, ",\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu}}\n", tokens, tokens);
}

/* ---------------------------------------------------------------- models */

static void put_model(const struct quern_request *request, struct quern_buffer *answer, const char *task)
{
    char name[512];
    snprintf(name, sizeof name, "%s%s%s", request->service->options->model_name, task[0] != '\0' ? ":" : "", task);
    quern_buffer_text(answer, "{\"id\":");
    quern_buffer_string(answer, name);
    quern_buffer_print(answer, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"local\"}",
                       (long long)request->service->created);
}

static void write_models(struct quern_request *request)
{
    struct quern_buffer *answer = &request->answer;
    quern_buffer_text(answer, "{\"object\":\"list\",\"data\":[");
    put_model(request, answer, "");
    for (int task = 0; request->service->info.has_prompts && quern_task_name((quern_task)task) != NULL; task++) {
        if (task == QUERN_TASK_NONE)
            continue;
        quern_buffer_text(answer, ",");
        put_model(request, answer, quern_task_name((quern_task)task));
    }
    quern_buffer_text(answer, "]}\n");
}

static void write_model(struct quern_request *request)
{
    size_t length;
    if (!quern_model_is_ours(request->service, request->rest)) {
        quern_refuse(request, QUERN_FAULT_MODEL, "model",
                     "there is no model of that name here; GET /v1/models tells what there is");
        return;
    }
    const int task = quern_model_task(request->rest, &length);
    put_model(request, &request->answer, task >= 0 ? quern_task_name((quern_task)task) : "");
    quern_buffer_text(&request->answer, "\n");
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
    case QUERN_FAULT_DRAINING: return "model_loading"; /* the word clients know for "not now" */
    case QUERN_FAULT_DEADLINE: return "deadline_exceeded";
    default: return NULL;
    }
}

static void write_error(struct quern_request *request, struct quern_buffer *answer)
{
    const struct quern_refusal *refusal = &request->refusal;
    quern_buffer_text(answer, "{\"error\":{\"message\":");
    quern_buffer_string(answer, refusal->message);
    quern_buffer_text(answer, ",\"type\":");
    quern_buffer_string(answer, error_type(refusal->fault));
    quern_buffer_text(answer, ",\"param\":");
    quern_buffer_string(answer, refusal->fault == QUERN_FAULT_TOO_LONG ? "input" : refusal->param);
    quern_buffer_text(answer, ",\"code\":");
    quern_buffer_string(answer, error_code(refusal->fault));
    if (refusal->fault == QUERN_FAULT_TOO_LONG)
        quern_buffer_print(answer, ",\"index\":%lu,\"tokens\":%lu,\"limit\":%lu", refusal->index, refusal->tokens,
                           refusal->limit);
    quern_buffer_text(answer, "}}\n");
}

static const struct quern_route routes[] = {
    {"POST", "/v1/embeddings", false, parse_embeddings, write_embeddings},
    {"GET", "/v1/models", false, NULL, write_models},
    {"GET", "/v1/models/*", false, NULL, write_model},
};

const struct quern_dialect quern_dialect_openai = {
    .prefix = "/v1/", .routes = routes, .route_count = sizeof routes / sizeof routes[0], .write_error = write_error};
