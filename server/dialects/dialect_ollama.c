/* Ollama: /api/embed, /api/embeddings, and what its clients ask before. */
#include "array_count.h"
#include "requests/answer_vectors.h"
#include "requests/body.h"
#include "requests/dialect.h"
#include "requests/extensions.h"
#include "requests/keep_alive.h"
#include "requests/model_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LEAST_CONTEXT 3 /* tokens: one between those that open and close a text */

/* ---------------------------------------------------------------- vectors */

/* Whether there is nothing to embed: clients send such requests to have the model loaded. */
static bool is_nothing(const struct quern_value *input)
{
    return input == NULL || (quern_value_is(input, QUERN_VALUE_TEXT) && quern_value_text(input).length == 0) ||
           (quern_value_is(input, QUERN_VALUE_ARRAY) && quern_value_size(input) == 0);
}

/* Reads what may stand in options: all that may stand beside it, where it counts more. */
static bool read_options(struct quern_request *request)
{
    const struct quern_value *object = request->object, *options = quern_body_field(object, "options");
    if (options != NULL && !quern_value_is(options, QUERN_VALUE_OBJECT))
        return quern_refuse(request, QUERN_FAULT_FIELD, "options", "options is %s, but it must be an object",
                            quern_value_kind_name(options));
    return quern_body_dimensions(request, options) && quern_extensions_read(request, options) &&
           quern_body_dimensions(request, object) && quern_extensions_read(request, object);
}

/* Reads options.num_ctx: most tokens of a text. */
static bool read_context(struct quern_request *request)
{
    const struct quern_value *value = quern_body_field(quern_body_field(request->object, "options"), "num_ctx");
    const int64_t limit = quern_value_integer(value);
    if (value == NULL)
        return true;
    if (!quern_value_is(value, QUERN_VALUE_INTEGER))
        return quern_refuse(request, QUERN_FAULT_VALUE, "options.num_ctx",
                            "options.num_ctx must be an integer from %d to %" PRId64 ", without an exponent",
                            LEAST_CONTEXT, INT64_MAX);
    if (limit < LEAST_CONTEXT)
        return quern_refuse(request, QUERN_FAULT_VALUE, "options.num_ctx",
                            "options.num_ctx must be at least %d: with less, the input after truncation exceeds "
                            "maximum context length", LEAST_CONTEXT);
    if (request->options.truncate == QUERN_TRUNCATE_START && limit < request->served->info.context_length)
        return quern_refuse(request, QUERN_FAULT_VALUE, "options.num_ctx",
                            "options.num_ctx cuts the end of a text: leave it out, or truncate");
    request->options.token_limit = (size_t)limit;
    return true;
}

/* Reads a request whose texts are in this field or in one that other servers have: one text, or several if it takes an
 * array. */
static bool parse_texts(struct quern_request *request, const char *own, bool takes_array)
{
    const struct quern_value *object = request->object;
    const char *name;
    if (!quern_body_find_inputs(request, own, &name))
        return false;
    const struct quern_value *input = quern_body_field(object, name);
    if (!is_nothing(input) && !quern_value_is(input, QUERN_VALUE_TEXT) &&
        !(takes_array && quern_value_is(input, QUERN_VALUE_ARRAY)))
        return quern_refuse(request, QUERN_FAULT_VALUE, name, "invalid input type; %s must be a string%s", name,
                            takes_array ? " or an array of strings" : ": POST /api/embed takes several");
    request->options.truncate = QUERN_TRUNCATE;
    request->options.loads_model = true;
    return quern_keep_alive_read(request) && (is_nothing(input) || quern_body_add_inputs(request, name, input)) &&
           read_options(request) && read_context(request);
}

static bool parse_embed(struct quern_request *request)
{
    return parse_texts(request, "input", true);
}

static bool parse_embeddings(struct quern_request *request)
{
    return parse_texts(request, "prompt", false);
}

/* Times are nanoseconds. */
static void write_embed(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const char *model = request->options.model;
    const int64_t total = job != NULL ? job->finished_ns - request->arrived_ns : 0;
    struct quern_buffer *body = &answer->body;
    unsigned long long tokens = 0;
    quern_buffer_text(body, "{\"model\":");
    quern_buffer_string(body, model != NULL ? model : request->served->name);
    quern_buffer_text(body, ",\"embeddings\":[");
    for (size_t i = 0; i < request->input_count; i++) {
        tokens += request->inputs[i].result.tokens;
        quern_buffer_text(body, i > 0 ? "," : "");
        quern_answer_add_part(answer, i);
    }
    quern_buffer_text(body, "]");
    if (request->input_count > 0)
        quern_buffer_print(body, ",\"total_duration\":%lld,\"load_duration\":%lld,\"prompt_eval_count\":%llu",
                           total > 0 ? (long long)total : 0LL, (long long)request->load_ns, tokens);
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

static void put_details(const struct quern_served *served, struct quern_buffer *body)
{
    const quern_model_info *info = &served->info;
    quern_buffer_print(body,
                       "\"details\":{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":\"%s\",\"families\":[\"%s\"],"
                       "\"parameter_size\":\"%.2fM\",\"quantization_level\":\"%.*s\"}",
                       info->architecture, info->architecture, (double)info->parameters / 1e6,
                       quantization(info->types), info->types);
}

/* Ollama's digest of the model: the one of its weights, which stands in the name of its space. Clients cut it, so it is
 * zeros until it is known. */
static void put_digest(const struct quern_served *served, struct quern_buffer *body)
{
    const char *space = served->space[0] != '\0' ? served->space : "-0000000000000000-";
    const char *digest = strchr(space, '-') + 1;
    quern_buffer_add(body, digest, strcspn(digest, "-"));
}

static void put_time(struct quern_buffer *body, const char *key, int64_t seconds)
{
    const time_t time = (time_t)seconds;
    char text[32];
    struct tm tm;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &tm));
    quern_buffer_print(body, "\"%s\":\"%s\"", key, text);
}

/* Writes a model as it stands in lists, without its closing brace. */
static void put_model(const struct quern_service *service, const struct quern_served *served,
                      struct quern_buffer *body)
{
    char name[512];
    const char *ours = served->name;
    snprintf(name, sizeof name, "%s%s", ours, strchr(ours, ':') == NULL ? ":latest" : "");
    quern_buffer_text(body, "{\"name\":");
    quern_buffer_string(body, name);
    quern_buffer_text(body, ",\"model\":");
    quern_buffer_string(body, name);
    quern_buffer_text(body, ",");
    put_time(body, "modified_at", service->created);
    quern_buffer_print(body, ",\"size\":%llu,", (unsigned long long)served->info.file_bytes);
    quern_buffer_text(body, "\"digest\":\"");
    put_digest(served, body);
    quern_buffer_text(body, "\",");
    put_details(served, body);
}

static void write_tags(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const struct quern_service *service = request->service;
    (void)job;
    quern_buffer_text(&answer->body, "{\"models\":[");
    for (size_t i = 0; i < service->model_count; i++) {
        quern_buffer_text(&answer->body, i > 0 ? "," : "");
        put_model(service, &service->models[i], &answer->body);
        quern_buffer_text(&answer->body, "}");
    }
    quern_buffer_text(&answer->body, "]}\n");
}

/* Lists the models that are in memory. Clients understand a time that is far away as never. */
static void write_ps(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const struct quern_service *service = request->service;
    static const int64_t never = 32503679999; /* the end of the year 2999 */
    struct quern_buffer *body = &answer->body;
    const char *comma = "";
    (void)job;
    quern_buffer_text(body, "{\"models\":[");
    for (size_t i = 0; i < service->model_count; i++) {
        const struct quern_served *served = &service->models[i];
        if (!served->is_loaded)
            continue;
        quern_buffer_text(body, comma);
        put_model(service, served, body);
        quern_buffer_text(body, ",");
        const int64_t expiry = quern_served_expiry(served);
        put_time(body, "expires_at", expiry < never ? expiry : never);
        quern_buffer_print(body, ",\"size_vram\":0,\"context_length\":%d}", served->info.context_length);
        comma = ",";
    }
    quern_buffer_text(body, "]}\n");
}

/* Refuses a request about any model but those that are here, even where a server of one model takes any name. */
static bool read_name(struct quern_request *request)
{
    if (!quern_extensions_read(request, request->object))
        return false;
    return request->options.model == NULL || quern_model_name_is(request->served, request->options.model) ||
           quern_refuse(request, QUERN_FAULT_MODEL, "model",
                        "this server has one model, %s: get others with quern pull and serve them with quern serve -m, "
                        "or give this one another name with --model-name", request->served->name);
}

static void write_show(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    struct quern_buffer *body = &answer->body;
    const quern_model_info *info = &request->served->info;
    const char *family = info->architecture;
    (void)job;
    quern_buffer_text(body, "{\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"\",");
    put_details(request->served, body);
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

/* ---------------------------------------------------------------- other models */

/* Clients pull a model before they use it. */
static bool parse_pull(struct quern_request *request)
{
    bool stream = true;
    return read_name(request) && quern_body_flag(request, request->object, "stream", &stream);
}

/* Says what Ollama says of a model that is there, a line at a time unless the client wants only the last one. */
static void write_pull(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    struct quern_buffer *body = &answer->body;
    bool stream = true;
    (void)job;
    quern_body_flag(request, request->object, "stream", &stream);
    if (stream) {
        const unsigned long long bytes = request->served->info.file_bytes;
        answer->type = "application/x-ndjson";
        quern_buffer_text(body, "{\"status\":\"pulling manifest\"}\n{\"status\":\"pulling ");
        put_digest(request->served, body);
        quern_buffer_text(body, "\",\"digest\":\"");
        put_digest(request->served, body);
        quern_buffer_print(body, "\",\"total\":%llu,\"completed\":%llu}\n", bytes, bytes);
        quern_buffer_text(body, "{\"status\":\"verifying sha256 digest\"}\n{\"status\":\"writing manifest\"}\n");
    }
    quern_buffer_text(body, "{\"status\":\"success\"}\n");
}

static bool parse_change(struct quern_request *request)
{
    return quern_refuse(request, QUERN_FAULT_VALUE, NULL,
                        "this server has one model, and changes none: start quern serve with another one");
}

/* Clients have a model freed by asking it for nothing ("ollama stop"). */
static bool parse_generate(struct quern_request *request)
{
    const struct quern_value *object = request->object;
    if (!quern_keep_alive_read(request))
        return false;
    if (request->options.has_keep && request->options.keep_s == 0 && is_nothing(quern_body_field(object, "prompt")) &&
        is_nothing(quern_body_field(object, "messages")))
        return true;
    return quern_refuse(request, QUERN_FAULT_VALUE, NULL,
                        "this model does not support generate or chat: it gives vectors; use POST /api/embed");
}

static void write_generate(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const char *model = request->options.model;
    (void)job;
    quern_buffer_text(&answer->body, "{\"model\":");
    quern_buffer_string(&answer->body, model != NULL ? model : request->served->name);
    quern_buffer_text(&answer->body, ",");
    put_time(&answer->body, "created_at", time(NULL));
    quern_buffer_text(&answer->body, ",\"response\":\"\",\"done\":true,\"done_reason\":\"unload\"}\n");
}

/* ---------------------------------------------------------------- the server */

/* Clients compare the version with the least one they need. It is one whose /api/embed takes dimensions and truncate
 * and whose errors are those here. */
static void write_version(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)request;
    (void)job;
    quern_buffer_print(&answer->body, "{\"version\":\"0.13.0\",\"quern\":\"%s\"}\n", quern_version());
}

/* Clients look for the words of the first line. */
static void write_root(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)request;
    (void)job;
    answer->type = "text/plain; charset=utf-8";
    quern_buffer_print(&answer->body, "Ollama is running\n(This is quern %s, which speaks Ollama's interface.)\n",
                       quern_version());
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
    {"POST", "/api/embed", QUERN_ROUTE_VECTORS, parse_embed, write_embed, NULL},
    {"POST", "/api/embeddings", QUERN_ROUTE_VECTORS, parse_embeddings, write_embeddings, NULL},
    {"GET", "/api/tags", QUERN_ROUTE_KEYED, NULL, write_tags, NULL},
    {"GET", "/api/ps", QUERN_ROUTE_KEYED, NULL, write_ps, NULL},
    {"POST", "/api/show", QUERN_ROUTE_KEYED, read_name, write_show, NULL},
    {"POST", "/api/pull", QUERN_ROUTE_KEYED, parse_pull, write_pull, NULL},
    {"POST", "/api/push", QUERN_ROUTE_KEYED, parse_change, NULL, NULL},
    {"POST", "/api/create", QUERN_ROUTE_KEYED, parse_change, NULL, NULL},
    {"POST", "/api/copy", QUERN_ROUTE_KEYED, parse_change, NULL, NULL},
    {"DELETE", "/api/delete", QUERN_ROUTE_KEYED, parse_change, NULL, NULL},
    {"POST", "/api/generate", QUERN_ROUTE_KEYED, parse_generate, write_generate, NULL},
    {"POST", "/api/chat", QUERN_ROUTE_KEYED, parse_generate, write_generate, NULL},
    {"GET", "/api/version", QUERN_ROUTE_KEYED, NULL, write_version, NULL},
    {"GET", "/", QUERN_ROUTE_PUBLIC, NULL, write_root, NULL},
};

const struct quern_dialect quern_dialect_ollama = {.prefix = "/api/",
                                                   .routes = routes,
                                                   .route_count = QUERN_COUNT(routes),
                                                   .model_field = "name",
                                                   .replaces_bytes = true,
                                                   .write_error = write_error,
                                                   .status = status_of};
