/* Ollama's /api/embed, /api/embeddings and what its clients ask before. */
#include "requests/routes.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---------------------------------------------------------------- vectors */

static json_t *read_object(struct quern_request *request)
{
    if (request->body_length == 0)
        quern_refuse(request, QUERN_FAULT_REQUEST, NULL, "missing request body; send a JSON object");
    return request->body_length > 0 ? quern_request_object(request) : NULL;
}

/* Whether a request has nothing to embed: clients send such to have the model loaded. */
static bool is_nothing(const json_t *input)
{
    return input == NULL || (json_is_string(input) && json_string_length(input) == 0) ||
           (json_is_array(input) && json_array_size(input) == 0);
}

/* A field with a text, or with several if it takes an array. */
static bool parse_texts(struct quern_request *request, const char *name, bool takes_array)
{
    const json_t *object = read_object(request), *input = quern_field(object, name);
    if (object == NULL)
        return false;
    if (!is_nothing(input) && !json_is_string(input) && !(takes_array && json_is_array(input)))
        return quern_refuse(request, QUERN_FAULT_VALUE, name, "invalid input type; %s is to be a string%s", name,
                            takes_array ? " or an array of strings" : "");
    request->truncate = QUERN_CUT_END;
    return (is_nothing(input) || quern_request_add_inputs(request, name, input)) &&
           quern_request_dimensions(request, object) && quern_request_extensions(request, object);
}

static bool parse_embed(struct quern_request *request)
{
    return parse_texts(request, "input", true);
}

static bool parse_embeddings(struct quern_request *request)
{
    return parse_texts(request, "prompt", false);
}

static const char *name_of(const struct quern_request *request)
{
    return request->model != NULL ? request->model : request->service->options->model_name;
}

/* Times are nanoseconds. The model is there before the server is, so loading it takes none. */
static void write_embed(struct quern_request *request)
{
    struct quern_buffer *answer = &request->answer;
    const struct quern_job *job = &request->job;
    const long long total = job->finished_ns > request->arrived_ns ? job->finished_ns - request->arrived_ns : 0;
    unsigned long long tokens = 0;
    quern_buffer_text(answer, "{\"model\":");
    quern_buffer_string(answer, name_of(request));
    quern_buffer_text(answer, ",\"embeddings\":[");
    for (size_t i = 0; i < request->input_count; i++) {
        tokens += request->inputs[i].result.tokens;
        quern_buffer_text(answer, i > 0 ? "," : "");
        quern_request_put_vector(request, answer, i);
    }
    quern_buffer_text(answer, "]");
    if (request->input_count > 0)
        quern_buffer_print(answer, ",\"total_duration\":%lld,\"load_duration\":0,\"prompt_eval_count\":%llu", total,
                           tokens);
    quern_buffer_text(answer, "}\n");
}

static void write_embeddings(struct quern_request *request)
{
    quern_buffer_text(&request->answer, "{\"embedding\":");
    if (request->input_count > 0)
        quern_request_put_vector(request, &request->answer, 0);
    else
        quern_buffer_text(&request->answer, "[]");
    quern_buffer_text(&request->answer, "}\n");
}

/* ---------------------------------------------------------------- the model */

/* The type that most of the weights have: of "Q8_0 x 171, F32 x 145", the first. */
static int quantization(const char *types)
{
    return (int)strcspn(types, " ,");
}

static void put_details(const struct quern_service *service, struct quern_buffer *answer)
{
    const quern_model_info *info = &service->info;
    quern_buffer_print(answer,
                       "\"details\":{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":\"%s\",\"families\":[\"%s\"],"
                       "\"parameter_size\":\"%.2fM\",\"quantization_level\":\"%.*s\"}",
                       info->architecture, info->architecture, (double)info->parameters / 1e6,
                       quantization(info->types), info->types);
}

/* What tells this model from others: of a space's name, the digest of its weights. */
static void put_digest(const struct quern_service *service, struct quern_buffer *answer)
{
    char space[QUERN_SPACE_SIZE] = "-";
    quern_space(service->model, NULL, space, NULL);
    const char *digest = strchr(space, '-') + 1;
    quern_buffer_print(answer, "\"digest\":\"%.*s\"", (int)strcspn(digest, "-"), digest);
}

static void put_time(struct quern_buffer *answer, const char *key, int64_t seconds)
{
    const time_t time = (time_t)seconds;
    char text[32];
    struct tm tm;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &tm));
    quern_buffer_print(answer, "\"%s\":\"%s\"", key, text);
}

/* The model as lists have it, but for its closing brace. */
static void put_model(const struct quern_service *service, struct quern_buffer *answer)
{
    char name[512];
    const char *ours = service->options->model_name;
    snprintf(name, sizeof name, "%s%s", ours, strchr(ours, ':') == NULL ? ":latest" : "");
    quern_buffer_text(answer, "{\"name\":");
    quern_buffer_string(answer, name);
    quern_buffer_text(answer, ",\"model\":");
    quern_buffer_string(answer, name);
    quern_buffer_text(answer, ",");
    put_time(answer, "modified_at", service->created);
    quern_buffer_print(answer, ",\"size\":%llu,", (unsigned long long)service->info.file_bytes);
    put_digest(service, answer);
    quern_buffer_text(answer, ",");
    put_details(service, answer);
}

static void write_tags(struct quern_request *request)
{
    quern_buffer_text(&request->answer, "{\"models\":[");
    put_model(request->service, &request->answer);
    quern_buffer_text(&request->answer, "}]}\n");
}

/* It stays loaded: clients take a time that far away for never. */
static void write_ps(struct quern_request *request)
{
    const quern_model_info *info = &request->service->info;
    quern_buffer_text(&request->answer, "{\"models\":[");
    put_model(request->service, &request->answer);
    quern_buffer_print(&request->answer,
                       ",\"expires_at\":\"2999-12-31T23:59:59Z\",\"size_vram\":0,\"context_length\":%d}]}\n",
                       info->context_length);
}

static bool parse_show(struct quern_request *request)
{
    const json_t *object = read_object(request);
    return object != NULL && quern_request_extensions(request, object);
}

static void write_show(struct quern_request *request)
{
    struct quern_buffer *answer = &request->answer;
    const quern_model_info *info = &request->service->info;
    const char *family = info->architecture;
    quern_buffer_text(answer, "{\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"\",");
    put_details(request->service, answer);
    quern_buffer_print(answer, ",\"model_info\":{\"general.architecture\":\"%s\",\"general.parameter_count\":%llu",
                       family, (unsigned long long)info->parameters);
    quern_buffer_print(answer, ",\"%s.context_length\":%d,\"%s.embedding_length\":%d,\"%s.block_count\":%d", family,
                       info->context_length, family, info->dimensions, family, info->layers);
    quern_buffer_print(answer,
                       ",\"%s.attention.head_count\":%d,\"%s.attention.head_count_kv\":%d,"
                       "\"%s.feed_forward_length\":%d},\"capabilities\":[\"embedding\"],",
                       family, info->heads, family, info->kv_heads, family, info->ffn_dimensions);
    put_time(answer, "modified_at", request->service->created);
    quern_buffer_text(answer, "}\n");
}

/* ---------------------------------------------------------------- the server */

static void write_version(struct quern_request *request)
{
    quern_buffer_print(&request->answer, "{\"version\":\"%s\"}\n", quern_version());
}

static void write_root(struct quern_request *request)
{
    request->type = "text/plain; charset=utf-8";
    quern_buffer_text(&request->answer, "Ollama is running");
}

/* The words before ours are those that clients look for. */
static void write_error(struct quern_request *request, struct quern_buffer *answer)
{
    const enum quern_fault fault = request->refusal.fault;
    const char *words = fault == QUERN_FAULT_TOO_LONG ? "the input length exceeds the context length: "
                        : fault == QUERN_FAULT_MODEL  ? "model not found: "
                        : fault == QUERN_FAULT_BUSY   ? "server busy, please try again: "
                                                      : "";
    char message[sizeof request->refusal.message + 64];
    snprintf(message, sizeof message, "%s%s", words, request->refusal.message);
    quern_buffer_text(answer, "{\"error\":");
    quern_buffer_string(answer, message);
    quern_buffer_text(answer, "}\n");
}

static int status_of(enum quern_fault fault)
{
    return fault == QUERN_FAULT_BUSY ? 503 : quern_fault_status(fault);
}

static const struct quern_route routes[] = {
    {"POST", "/api/embed", false, parse_embed, write_embed},
    {"POST", "/api/embeddings", false, parse_embeddings, write_embeddings},
    {"GET", "/api/tags", false, NULL, write_tags},
    {"GET", "/api/ps", false, NULL, write_ps},
    {"POST", "/api/show", false, parse_show, write_show},
    {"GET", "/api/version", false, NULL, write_version},
    {"GET", "/", true, NULL, write_root},
};

const struct quern_dialect quern_dialect_ollama = {.prefix = "/api/",
                                                   .routes = routes,
                                                   .route_count = sizeof routes / sizeof routes[0],
                                                   .write_error = write_error,
                                                   .status = status_of};
