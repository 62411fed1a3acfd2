/* Ollama: /api/embed, /api/embeddings, and what its clients ask before. */
#include "array_count.h"
#include "requests/answer_vectors.h"
#include "requests/body.h"
#include "requests/dialect.h"
#include "requests/extensions.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---------------------------------------------------------------- vectors */

/* Whether there is nothing to embed: clients send such requests to have the model loaded. */
static bool is_nothing(const struct quern_value *input)
{
    return input == NULL || (quern_value_is(input, QUERN_VALUE_TEXT) && quern_value_text(input).length == 0) ||
           (quern_value_is(input, QUERN_VALUE_ARRAY) && quern_value_size(input) == 0);
}

/* Reads a request whose texts are in this field: one text, or several if it takes an array. */
static bool parse_texts(struct quern_request *request, const char *name, bool takes_array)
{
    const struct quern_value *object = request->object, *input = quern_body_field(object, name);
    if (!is_nothing(input) && !quern_value_is(input, QUERN_VALUE_TEXT) &&
        !(takes_array && quern_value_is(input, QUERN_VALUE_ARRAY)))
        return quern_refuse(request, QUERN_FAULT_VALUE, name, "invalid input type; %s must be a string%s", name,
                            takes_array ? " or an array of strings" : "");
    request->options.truncate = QUERN_TRUNCATE;
    return (is_nothing(input) || quern_body_add_inputs(request, name, input)) &&
           quern_body_dimensions(request, object) && quern_extensions_read(request, object);
}

static bool parse_embed(struct quern_request *request)
{
    return parse_texts(request, "input", true);
}

static bool parse_embeddings(struct quern_request *request)
{
    return parse_texts(request, "prompt", false);
}

/* Times are nanoseconds. load_duration is 0: the model is loaded before the server accepts requests. */
static void write_embed(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const char *model = request->options.model;
    const int64_t total = job != NULL ? job->finished_ns - request->arrived_ns : 0;
    struct quern_buffer *body = &answer->body;
    unsigned long long tokens = 0;
    quern_buffer_text(body, "{\"model\":");
    quern_buffer_string(body, model != NULL ? model : request->service->options->model_name);
    quern_buffer_text(body, ",\"embeddings\":[");
    for (size_t i = 0; i < request->input_count; i++) {
        tokens += request->inputs[i].result.tokens;
        quern_buffer_text(body, i > 0 ? "," : "");
        quern_answer_add_part(answer, i);
    }
    quern_buffer_text(body, "]");
    if (request->input_count > 0)
        quern_buffer_print(body, ",\"total_duration\":%lld,\"load_duration\":0,\"prompt_eval_count\":%llu",
                           total > 0 ? (long long)total : 0LL, tokens);
    quern_buffer_text(body, "}\n");
}

static void write_embeddings(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)job;
    quern_buffer_text(&answer->body, "{\"embedding\":");
    if (request->input_count > 0)
        quern_answer_add_part(answer, 0);
    else
        quern_buffer_text(&answer->body, "[]");
    quern_buffer_text(&answer->body, "}\n");
}

/* ---------------------------------------------------------------- the model */

/* The length of the first type's name, which most weights have: of "Q8_0" in "Q8_0 x 171, F32 x 145". */
static int quantization(const char *types)
{
    return (int)strcspn(types, " ,");
}

static void put_details(const struct quern_service *service, struct quern_buffer *body)
{
    const quern_model_info *info = &service->info;
    quern_buffer_print(body,
                       "\"details\":{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":\"%s\",\"families\":[\"%s\"],"
                       "\"parameter_size\":\"%.2fM\",\"quantization_level\":\"%.*s\"}",
                       info->architecture, info->architecture, (double)info->parameters / 1e6,
                       quantization(info->types), info->types);
}

/* Ollama's digest of the model: the one of its weights, which stands in the name of its space. */
static void put_digest(const struct quern_service *service, struct quern_buffer *body)
{
    char space[QUERN_SPACE_SIZE] = "-";
    quern_space(service->model, NULL, space, NULL);
    const char *digest = strchr(space, '-') + 1;
    quern_buffer_print(body, "\"digest\":\"%.*s\"", (int)strcspn(digest, "-"), digest);
}

static void put_time(struct quern_buffer *body, const char *key, int64_t seconds)
{
    const time_t time = (time_t)seconds;
    char text[32];
    struct tm tm;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &tm));
    quern_buffer_print(body, "\"%s\":\"%s\"", key, text);
}

/* Writes the model as it stands in lists, without its closing brace. */
static void put_model(const struct quern_service *service, struct quern_buffer *body)
{
    char name[512];
    const char *ours = service->options->model_name;
    snprintf(name, sizeof name, "%s%s", ours, strchr(ours, ':') == NULL ? ":latest" : "");
    quern_buffer_text(body, "{\"name\":");
    quern_buffer_string(body, name);
    quern_buffer_text(body, ",\"model\":");
    quern_buffer_string(body, name);
    quern_buffer_text(body, ",");
    put_time(body, "modified_at", service->created);
    quern_buffer_print(body, ",\"size\":%llu,", (unsigned long long)service->info.file_bytes);
    put_digest(service, body);
    quern_buffer_text(body, ",");
    put_details(service, body);
}

static void write_tags(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)job;
    quern_buffer_text(&answer->body, "{\"models\":[");
    put_model(request->service, &answer->body);
    quern_buffer_text(&answer->body, "}]}\n");
}

/* The model stays loaded: clients understand a time that far away as never. */
static void write_ps(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const quern_model_info *info = &request->service->info;
    (void)job;
    quern_buffer_text(&answer->body, "{\"models\":[");
    put_model(request->service, &answer->body);
    quern_buffer_print(&answer->body,
                       ",\"expires_at\":\"2999-12-31T23:59:59Z\",\"size_vram\":0,\"context_length\":%d}]}\n",
                       info->context_length);
}

static bool parse_show(struct quern_request *request)
{
    return quern_extensions_read(request, request->object);
}

static void write_show(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    struct quern_buffer *body = &answer->body;
    const quern_model_info *info = &request->service->info;
    const char *family = info->architecture;
    (void)job;
    quern_buffer_text(body, "{\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"\",");
    put_details(request->service, body);
    quern_buffer_print(body, ",\"model_info\":{\"general.architecture\":\"%s\",\"general.parameter_count\":%llu",
                       family, (unsigned long long)info->parameters);
    quern_buffer_print(body, ",\"%s.context_length\":%d,\"%s.embedding_length\":%d,\"%s.block_count\":%d", family,
                       info->context_length, family, info->dimensions, family, info->layers);
    quern_buffer_print(body,
                       ",\"%s.attention.head_count\":%d,\"%s.attention.head_count_kv\":%d,"
                       "\"%s.feed_forward_length\":%d},\"capabilities\":[\"embedding\"],",
                       family, info->heads, family, info->kv_heads, family, info->ffn_dimensions);
    put_time(body, "modified_at", request->service->created);
    quern_buffer_text(body, "}\n");
}

/* ---------------------------------------------------------------- the server */

static void write_version(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)request;
    (void)job;
    quern_buffer_print(&answer->body, "{\"version\":\"%s\"}\n", quern_version());
}

static void write_root(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)request;
    (void)job;
    answer->type = "text/plain; charset=utf-8";
    quern_buffer_text(&answer->body, "Ollama is running");
}

/* Each message begins with the words that clients look for. */
static void write_error(const struct quern_request *request, struct quern_answer *answer)
{
    struct quern_buffer *body = &answer->body;
    const enum quern_fault fault = request->refusal.fault;
    const char *words = fault == QUERN_FAULT_TOO_LONG ? "the input length exceeds the context length: "
                        : fault == QUERN_FAULT_MODEL  ? "model not found: "
                        : fault == QUERN_FAULT_BUSY   ? "server busy, please try again: "
                                                      : "";
    char message[sizeof request->refusal.message + 64];
    snprintf(message, sizeof message, "%s%s", words, request->refusal.message);
    quern_buffer_text(body, "{\"error\":");
    quern_buffer_string(body, message);
    quern_buffer_text(body, "}\n");
}

static int status_of(enum quern_fault fault)
{
    return fault == QUERN_FAULT_BUSY ? 503 : quern_fault_status(fault);
}

static const struct quern_route routes[] = {
    {"POST", "/api/embed", false, parse_embed, write_embed, NULL},
    {"POST", "/api/embeddings", false, parse_embeddings, write_embeddings, NULL},
    {"GET", "/api/tags", false, NULL, write_tags, NULL},
    {"GET", "/api/ps", false, NULL, write_ps, NULL},
    {"POST", "/api/show", false, parse_show, write_show, NULL},
    {"GET", "/api/version", false, NULL, write_version, NULL},
    {"GET", "/", true, NULL, write_root, NULL},
};

const struct quern_dialect quern_dialect_ollama = {.prefix = "/api/",
                                                   .routes = routes,
                                                   .route_count = QUERN_COUNT(routes),
                                                   .replaces_bytes = true,
                                                   .write_error = write_error,
                                                   .status = status_of};
