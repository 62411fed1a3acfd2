/* text-embeddings-inference: /embed, /similarity, /tokenize, /decode, /info. */
#include "requests/routes.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- fields */

/* Names of prompts as the model's authors publish them, besides those of our tasks. */
static int find_prompt(const char *name)
{
    static const struct {
        const char *name;
        quern_task task;
    } table[] = {{"Retrieval", QUERN_TASK_QUERY}, {"Retrieval-query", QUERN_TASK_QUERY},
                 {"BitextMining", QUERN_TASK_QUERY}, {"Reranking", QUERN_TASK_QUERY},
                 {"Retrieval-document", QUERN_TASK_DOCUMENT}, {"Clustering", QUERN_TASK_CLUSTERING},
                 {"Classification", QUERN_TASK_CLASSIFICATION},
                 {"MultilabelClassification", QUERN_TASK_CLASSIFICATION}, {"STS", QUERN_TASK_SIMILARITY},
                 {"PairClassification", QUERN_TASK_SIMILARITY}, {"InstructionRetrieval", QUERN_TASK_CODE},
                 {"Summarization", QUERN_TASK_SUMMARIZATION}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(name, table[i].name) == 0)
            return (int)table[i].task;
    return quern_task_find(name);
}

static bool read_prompt(struct quern_request *request, const json_t *object)
{
    const json_t *value = quern_field(object, "prompt_name");
    if (value == NULL)
        return true;
    request->task = json_is_string(value) ? find_prompt(json_string_value(value)) : -1;
    return request->task >= 0 || quern_refuse(request, QUERN_FAULT_VALUE, "prompt_name",
                                              "there is no such prompt; there are query, document, STS, Clustering, "
                                              "Classification, InstructionRetrieval, Summarization and others");
}

/* Comes after truncate, of which it says the direction. */
static bool read_direction(struct quern_request *request, const json_t *object)
{
    const json_t *value = quern_field(object, "truncation_direction");
    const char *word = json_string_value(value);
    if (value == NULL)
        return true;
    if (word == NULL || (strcasecmp(word, "left") != 0 && strcasecmp(word, "right") != 0))
        return quern_refuse(request, QUERN_FAULT_VALUE, "truncation_direction",
                            "truncation_direction is to be Left or Right");
    if (strcasecmp(word, "left") == 0 && request->truncate != QUERN_CUT_NONE)
        request->truncate = QUERN_CUT_START;
    return true;
}

/* ---------------------------------------------------------------- vectors */

static bool parse_embed(struct quern_request *request)
{
    const json_t *object = quern_request_object(request);
    return object != NULL && quern_request_add_inputs(request, "inputs", json_object_get(object, "inputs")) &&
           quern_request_refuse_empty(request, "inputs") && quern_request_dimensions(request, object) &&
           read_prompt(request, object) && quern_request_extensions(request, object) && read_direction(request, object);
}

static size_t count_characters(const struct quern_request *request)
{
    size_t count = 0;
    for (size_t i = 0; i < request->input_count; i++)
        for (size_t j = 0; j < request->inputs[i].text.length; j++)
            count += ((unsigned char)request->inputs[i].text.data[j] & 0xc0) != 0x80;
    return count;
}

/* Times are milliseconds. */
static void put_times(struct quern_request *request)
{
    const struct quern_job *job = &request->job;
    const struct {
        const char *name;
        int64_t from, to;
    } times[] = {{"X-Compute-Time", request->arrived_ns, job->finished_ns},
                 {"X-Total-Time", request->arrived_ns, job->finished_ns},
                 {"X-Tokenization-Time", request->received_ns, job->submitted_ns},
                 {"X-Queue-Time", job->submitted_ns, job->started_ns},
                 {"X-Inference-Time", job->started_ns, job->finished_ns}};
    quern_buffer_print(&request->fields,
                       "X-Compute-Type: cpu\r\nX-Compute-Characters: %zu\r\nX-Compute-Tokens: %zu\r\n",
                       count_characters(request), request->token_count);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        quern_buffer_print(&request->fields, "%s: %lld\r\n", times[i].name,
                           times[i].to > times[i].from ? (long long)((times[i].to - times[i].from) / 1000000) : 0LL);
}

static void write_embed(struct quern_request *request)
{
    struct quern_buffer *answer = &request->answer;
    put_times(request);
    quern_buffer_text(answer, "[");
    for (size_t i = 0; i < request->input_count; i++) {
        quern_buffer_text(answer, i > 0 ? "," : "");
        quern_request_put_vector(request, answer, i);
    }
    quern_buffer_text(answer, "]\n");
}

static bool parse_embed_all(struct quern_request *request)
{
    return quern_refuse(request, QUERN_FAULT_VALUE, NULL,
                        "this model is trained for one vector of a text, not for one of each token: POST /embed");
}

/* The source sentence first. Extensions may stand beside inputs or in parameters, where TEI has its own. */
static bool parse_similarity(struct quern_request *request)
{
    const json_t *object = quern_request_object(request), *inputs = json_object_get(object, "inputs");
    const json_t *source = json_object_get(inputs, "source_sentence"), *others = json_object_get(inputs, "sentences");
    const json_t *parameters = json_object_get(object, "parameters");
    if (object == NULL)
        return false;
    if (!json_is_string(source) || !json_is_array(others))
        return quern_refuse(request, QUERN_FAULT_REQUEST, "inputs",
                            "inputs is to be an object with source_sentence, a string, and sentences, an array");
    if (!quern_request_add_inputs(request, "source_sentence", source) ||
        !quern_request_add_inputs(request, "sentences", others) || !quern_request_refuse_empty(request, "inputs") ||
        !quern_request_dimensions(request, object) || !read_prompt(request, parameters) ||
        !quern_request_extensions(request, parameters) || !quern_request_extensions(request, object) ||
        !read_direction(request, parameters))
        return false;
    request->normalize = true;
    request->dtype = QUERN_DTYPE_F32;
    request->form = QUERN_FORM_JSON;
    return true;
}

static void write_similarity(struct quern_request *request)
{
    const size_t width = (size_t)quern_request_width(request);
    put_times(request);
    float *similarities = request->vectors + width; /* written where vectors have been read */
    for (size_t i = 1; i < request->input_count; i++) {
        const float *vector = request->vectors + i * width;
        double sum = 0;
        for (size_t j = 0; j < width; j++)
            sum += (double)request->vectors[j] * vector[j];
        similarities[i - 1] = (float)fmax(-1, fmin(1, sum));
    }
    quern_buffer_floats(&request->answer, similarities, request->input_count - 1);
    quern_buffer_text(&request->answer, "\n");
}

/* ---------------------------------------------------------------- tokens */

static bool parse_tokenize(struct quern_request *request)
{
    const json_t *object = quern_request_object(request), *inputs = json_object_get(object, "inputs");
    bool special = true;
    if (object == NULL)
        return false;
    if (inputs == NULL && quern_route_pass(request))
        return request->route->parse(request);
    request->task = QUERN_TASK_NONE;
    if (!quern_request_flag(request, object, "add_special_tokens", &special) || !read_prompt(request, object) ||
        !quern_request_add_inputs(request, "inputs", inputs) || !quern_request_refuse_empty(request, "inputs"))
        return false;
    request->only_tokens = true;
    request->token_flags = special ? 0 : QUERN_NO_SPECIAL;
    return true;
}

static void put_token(struct quern_request *request, struct quern_span *span, int32_t id)
{
    struct quern_buffer *answer = &request->answer;
    const quern_piece piece = quern_request_piece(request, id);
    const bool special = piece.kind == QUERN_PIECE_CONTROL;
    quern_buffer_text(answer, "{\"id\":");
    quern_buffer_number(answer, (unsigned long long)id);
    quern_buffer_text(answer, ",\"text\":");
    if (!special)
        quern_span_next(span, &piece);
    if (special || span->lost) {
        quern_request_put_piece(request, &piece);
        quern_buffer_text(answer, special ? ",\"special\":true" : ",\"special\":false");
        quern_buffer_text(answer, ",\"start\":null,\"stop\":null}");
        return;
    }
    quern_buffer_quote(answer, (quern_text){span->text.data + span->start, span->stop - span->start});
    quern_buffer_text(answer, ",\"special\":false,\"start\":");
    quern_buffer_number(answer, span->start);
    quern_buffer_text(answer, ",\"stop\":");
    quern_buffer_number(answer, span->stop);
    quern_buffer_text(answer, "}");
}

/* Where tokens stand is told in bytes of the text with its prompt. */
static void put_tokens(struct quern_request *request, const struct quern_input *input)
{
    const char *prompt = quern_model_prompt(request->service->model, (quern_task)request->task);
    struct quern_buffer text = {0};
    quern_buffer_text(&text, prompt);
    quern_buffer_add(&text, input->text.data, input->text.length);
    struct quern_span span = {.text = {text.data, text.length}, .lost = text.failed};
    quern_buffer_text(&request->answer, "[");
    for (uint32_t i = 0; i < input->result.tokens; i++) {
        quern_buffer_text(&request->answer, i > 0 ? "," : "");
        put_token(request, &span, request->ids[input->first_id + i]);
    }
    quern_buffer_text(&request->answer, "]");
    quern_buffer_free(&text);
}

static void write_tokenize(struct quern_request *request)
{
    quern_buffer_text(&request->answer, "[");
    for (size_t i = 0; i < request->input_count; i++) {
        quern_buffer_text(&request->answer, i > 0 ? "," : "");
        put_tokens(request, &request->inputs[i]);
    }
    quern_buffer_text(&request->answer, "]\n");
}

static bool parse_decode(struct quern_request *request)
{
    const json_t *object = quern_request_object(request), *ids = json_object_get(object, "ids");
    bool skip = true, good = true;
    if (object == NULL || !quern_request_flag(request, object, "skip_special_tokens", &skip))
        return false;
    if (!json_is_array(ids))
        return quern_refuse(request, QUERN_FAULT_REQUEST, "ids",
                            "ids is to be an array of token ids, or of such arrays");
    request->only_tokens = true;
    if (!json_is_array(json_array_get(ids, 0)))
        return quern_request_add_ids(request, "ids", ids);
    for (size_t i = 0; good && i < json_array_size(ids); i++)
        good = quern_request_add_ids(request, "ids", json_array_get(ids, i));
    return good;
}

static void write_decode(struct quern_request *request)
{
    const bool keep = json_is_false(json_object_get(request->json, "skip_special_tokens"));
    quern_buffer_text(&request->answer, "[");
    for (size_t i = 0; i < request->input_count; i++) {
        const struct quern_input *input = &request->inputs[i];
        quern_buffer_text(&request->answer, i > 0 ? "," : "");
        quern_request_put_text(request, request->ids + input->first_id, input->result.tokens, !keep);
    }
    quern_buffer_text(&request->answer, "]\n");
}

/* ---------------------------------------------------------------- the server */

static void write_info(struct quern_request *request)
{
    struct quern_buffer *answer = &request->answer;
    const struct quern_service *service = request->service;
    char space[QUERN_SPACE_SIZE] = "";
    const quern_embed_options options = {
        .size = sizeof options, .task = service->options->default_task > 0 ? service->options->default_task : 0};
    quern_space(service->model, &options, space, NULL);
    quern_buffer_text(answer, "{\"model_id\":");
    quern_buffer_string(answer, service->options->model_name);
    quern_buffer_text(answer, ",\"model_sha\":null,\"model_dtype\":\"float32\",\"served_model_name\":");
    quern_buffer_string(answer, service->options->model_name);
    quern_buffer_print(answer,
                       ",\"model_type\":{\"embedding\":{\"pooling\":\"mean\"}},\"max_concurrent_requests\":%d,"
                       "\"max_input_length\":%d,\"max_batch_tokens\":%d,\"max_batch_requests\":null,"
                       "\"max_client_batch_size\":%d,\"auto_truncate\":false,\"tokenization_workers\":1,"
                       "\"version\":\"%s\",\"sha\":null,\"docker_label\":null",
                       service->options->max_connections, service->info.context_length,
                       service->options->queue_tokens, QUERN_INPUTS, quern_version());
    quern_buffer_print(answer,
                       ",\"dimensions\":%d,\"space\":\"%s\",\"texts\":%llu,\"texts_without_prompt\":%llu,\"notice\":",
                       service->info.dimensions, space, (unsigned long long)service->meters.texts,
                       (unsigned long long)service->meters.texts_without_prompt);
    quern_buffer_string(answer, service->info.notice);
    quern_buffer_text(answer, "}\n");
}

/* ---------------------------------------------------------------- errors */

static const char *error_type(enum quern_fault fault)
{
    switch (fault) {
    case QUERN_FAULT_EMPTY: return "Empty";
    case QUERN_FAULT_BUSY: return "Overloaded";
    case QUERN_FAULT_DRAINING:
    case QUERN_FAULT_DEADLINE: return "Unhealthy";
    default: return quern_fault_status(fault) >= 500 ? "Backend" : "Validation";
    }
}

static void write_error(struct quern_request *request, struct quern_buffer *answer)
{
    quern_buffer_text(answer, "{\"error\":");
    quern_buffer_string(answer, request->refusal.message);
    quern_buffer_print(answer, ",\"error_type\":\"%s\"}\n", error_type(request->refusal.fault));
}

static int status_of(enum quern_fault fault)
{
    const bool is_value =
        fault == QUERN_FAULT_VALUE || fault == QUERN_FAULT_TOO_LONG || fault == QUERN_FAULT_TOKEN_IDS;
    return is_value ? 422 : quern_fault_status(fault);
}

static const struct quern_route routes[] = {
    {"POST", "/embed", false, parse_embed, write_embed},
    {"POST", "/", false, parse_embed, write_embed},
    {"POST", "/embed_all", false, parse_embed_all, NULL},
    {"POST", "/similarity", false, parse_similarity, write_similarity},
    {"POST", "/tokenize", false, parse_tokenize, write_tokenize},
    {"POST", "/decode", false, parse_decode, write_decode},
    {"GET", "/info", false, NULL, write_info},
};

const struct quern_dialect quern_dialect_tei = {.prefix = "/embed_",
                                                .routes = routes,
                                                .route_count = sizeof routes / sizeof routes[0],
                                                .write_error = write_error,
                                                .status = status_of};
