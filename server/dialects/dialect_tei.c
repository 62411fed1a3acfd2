/* text-embeddings-inference: /embed, /similarity, /tokenize, /decode, /info. */
#include "array_count.h"
#include "requests/answer_tokens.h"
#include "requests/answer_vectors.h"
#include "requests/body.h"
#include "requests/dialect.h"
#include "requests/extensions.h"
#include "requests/task_fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- fields */

/* Comes after truncate: it says at which end a text is cut. */
static bool read_direction(struct quern_request *request, const struct quern_value *object)
{
    const struct quern_value *value = quern_body_field(object, "truncation_direction");
    const char *word = quern_value_string(value);
    if (value == NULL)
        return true;
    if (word == NULL || (strcasecmp(word, "left") != 0 && strcasecmp(word, "right") != 0))
        return quern_refuse(request, QUERN_FAULT_VALUE, "truncation_direction",
                            "truncation_direction must be Left or Right");
    if (strcasecmp(word, "left") == 0 && request->options.truncate != 0)
        request->options.truncate = QUERN_TRUNCATE_START;
    return true;
}

/* ---------------------------------------------------------------- vectors */

/* Reads the options of one object; truncation_direction comes later. */
static bool read_options(struct quern_request *request, const struct quern_value *object)
{
    return quern_body_dimensions(request, object) && quern_extensions_read(request, object);
}

static bool parse_embed(struct quern_request *request)
{
    const struct quern_value *object = request->object, *parameters = quern_value_member(object, "parameters");
    return quern_body_add_named_inputs(request, "inputs") && quern_body_refuse_empty(request, "inputs") &&
           read_options(request, parameters) && read_options(request, object) && read_direction(request, parameters) &&
           read_direction(request, object);
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
static void put_times(const struct quern_request *request, const struct quern_job *job, struct quern_buffer *fields)
{
    const struct {
        const char *name;
        int64_t from, to;
    } times[] = {{"X-Compute-Time", request->arrived_ns, job->finished_ns},
                 {"X-Total-Time", request->arrived_ns, job->finished_ns},
                 {"X-Tokenization-Time", request->received_ns, job->submitted_ns},
                 {"X-Queue-Time", job->submitted_ns, job->started_ns},
                 {"X-Inference-Time", job->started_ns, job->finished_ns}};
    quern_buffer_print(fields,
                       "X-Compute-Type: cpu\r\nX-Compute-Characters: %zu\r\nX-Compute-Tokens: %zu\r\n",
                       count_characters(request), request->token_count);
    for (size_t i = 0; i < QUERN_COUNT(times); i++)
        quern_buffer_print(fields, "%s: %lld\r\n", times[i].name,
                           times[i].to > times[i].from ? (long long)((times[i].to - times[i].from) / 1000000) : 0LL);
}

static void write_embed(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    put_times(request, job, &answer->fields);
    quern_buffer_text(&answer->body, "[");
    for (size_t i = 0; i < request->input_count; i++) {
        quern_buffer_text(&answer->body, i > 0 ? "," : "");
        quern_answer_add_part(answer, i);
    }
    quern_buffer_text(&answer->body, "]\n");
}

static bool parse_embed_all(struct quern_request *request)
{
    return quern_refuse(request, QUERN_FAULT_VALUE, NULL,
                        "this model gives one vector for a text, not one for each token: use POST /embed");
}

/* The source sentence is input 0. Options may stand in parameters, where TEI has them, in inputs, or beside these,
 * where they count most. */
static bool parse_similarity(struct quern_request *request)
{
    const struct quern_value *object = request->object, *inputs = quern_value_member(object, "inputs"),
                             *parameters = quern_value_member(object, "parameters"),
                             *source = quern_value_member(inputs, "source_sentence"),
                             *others = quern_value_member(inputs, "sentences");
    if (!quern_value_is(source, QUERN_VALUE_TEXT) || !quern_value_is(others, QUERN_VALUE_ARRAY))
        return quern_refuse(request, QUERN_FAULT_FIELD, "inputs",
                            "inputs must be an object with source_sentence, a string, and sentences, an array");
    if (!quern_body_add_inputs(request, "source_sentence", source) ||
        !quern_body_add_inputs(request, "sentences", others) || !quern_body_refuse_empty(request, "inputs") ||
        !read_options(request, parameters) || !read_options(request, inputs) || !read_options(request, object) ||
        !read_direction(request, parameters) || !read_direction(request, object))
        return false;
    request->options.normalize = true;
    request->options.dtype = QUERN_DTYPE_F32;
    request->options.form = QUERN_VECTORS_JSON;
    request->options.base64 = false;
    return true;
}

static void write_similarity(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    const int width = quern_vectors_width(request);
    const float *source = job->vectors;
    float *similarities = malloc(job->count * sizeof *similarities);
    answer->body.failed |= similarities == NULL;
    put_times(request, job, &answer->fields);
    for (size_t i = 1; similarities != NULL && i < job->count; i++) {
        const double similarity = quern_dot(source, job->vectors + i * (size_t)width, width);
        similarities[i - 1] = (float)fmax(-1, fmin(1, similarity));
    }
    quern_buffer_floats(&answer->body, similarities, job->count - 1);
    quern_buffer_text(&answer->body, "\n");
    free(similarities);
}

/* ---------------------------------------------------------------- tokens */

/* /tokenize is llama-server's, too: its bodies have no inputs. */
static bool has_inputs(struct quern_request *request)
{
    return quern_value_member(request->object, "inputs") != NULL;
}

static bool parse_tokenize(struct quern_request *request)
{
    const struct quern_value *object = request->object;
    bool special = true;
    request->options.task = QUERN_TASK_NONE; /* whatever the server's default is */
    if (!quern_body_flag(request, object, "add_special_tokens", &special) || !quern_task_fields_read(request, object) ||
        !quern_body_add_named_inputs(request, "inputs") ||
        !quern_body_refuse_empty(request, "inputs"))
        return false;
    request->options.only_tokens = true;
    request->options.token_flags = special ? 0 : QUERN_NO_SPECIAL;
    request->options.wants_places = true;
    return true;
}

/* Writes a token; text: what it stands for; place: NULL when it has none. */
static void put_token(const struct quern_request *request, int32_t id, quern_text text, const quern_token_span *place,
                      struct quern_buffer *body)
{
    quern_piece piece = {0};
    quern_piece_get(request->served->model, id, &piece, NULL);
    quern_buffer_text(body, "{\"id\":");
    quern_buffer_number(body, (unsigned long long)id);
    quern_buffer_text(body, ",\"text\":");
    quern_buffer_quote(body, text);
    quern_buffer_text(body, piece.kind == QUERN_PIECE_CONTROL ? ",\"special\":true" : ",\"special\":false");
    if (place == NULL) {
        quern_buffer_text(body, ",\"start\":null,\"stop\":null}");
        return;
    }
    quern_buffer_text(body, ",\"start\":");
    quern_buffer_number(body, place->begin);
    quern_buffer_text(body, ",\"stop\":");
    quern_buffer_number(body, place->end);
    quern_buffer_text(body, "}");
}

/* Where a token stands, in bytes of its prompt and text together, as TEI counts them. NULL: nowhere. */
static quern_token_span *find_place(const quern_token_span *places, size_t i, size_t prompt_length,
                                    quern_token_span *place)
{
    *place = places[i];
    if (place->part == QUERN_PART_ADDED)
        return NULL;
    if (place->part != QUERN_PART_TEXT)
        return place;
    place->end += prompt_length;
    place->begin += prompt_length;
    if (places[i].begin == 0) /* it may begin in the prompt, where the one before it ends */
        place->begin = i > 0 && places[i - 1].part == QUERN_PART_PROMPT ? places[i - 1].end
                       : i > 0 && places[i - 1].part == QUERN_PART_TEXT ? places[i - 1].end + prompt_length
                                                                        : 0;
    return place;
}

/* Adds bytes [begin, end) of a prompt and a text, one behind the other. */
static void add_bytes(struct quern_buffer *out, quern_text prompt, quern_text text, const quern_token_span *place)
{
    if (place->begin < prompt.length)
        quern_buffer_add(out, prompt.data + place->begin,
                         (place->end < prompt.length ? place->end : prompt.length) - place->begin);
    if (place->end > prompt.length) {
        const size_t begin = place->begin > prompt.length ? place->begin - prompt.length : 0;
        quern_buffer_add(out, text.data + begin, place->end - prompt.length - begin);
    }
}

/* Writes tokens of one input, beginning with this one of the request. */
static void put_tokens(const struct quern_request *request, const struct quern_job *job, size_t first,
                       struct quern_buffer *body)
{
    const struct quern_request_input *input = quern_tokens_input(request, first);
    const char *start = quern_model_prompt(request->served->model, (quern_task)request->options.task);
    const quern_text prompt = {start, start != NULL ? strlen(start) : 0};
    struct quern_buffer piece = {0};
    (void)job;
    for (size_t i = first - input->first_id, n = 0; i < input->result.tokens && n < QUERN_PART_TOKENS; i++, n++) {
        const int32_t id = request->ids[input->first_id + i];
        quern_token_span span, *place = find_place(input->places, i, prompt.length, &span);
        piece.length = 0;
        if (place != NULL)
            add_bytes(&piece, prompt, input->text, place);
        else
            quern_tokens_add_text(request->served, &id, 1, QUERN_KEEP_SPACE, &piece);
        quern_buffer_text(body, i > 0 ? "," : "");
        put_token(request, id, (quern_text){piece.data, piece.length}, place, body);
    }
    body->failed |= piece.failed;
    quern_buffer_free(&piece);
}

static void write_tokenize(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)job;
    answer->put_part = put_tokens;
    quern_buffer_text(&answer->body, "[");
    for (size_t i = 0; i < request->input_count; i++) {
        const struct quern_request_input *input = &request->inputs[i];
        quern_buffer_text(&answer->body, i > 0 ? ",[" : "[");
        for (size_t n = 0; n < input->result.tokens; n += QUERN_PART_TOKENS)
            quern_answer_add_part(answer, input->first_id + n);
        quern_buffer_text(&answer->body, "]");
    }
    quern_buffer_text(&answer->body, "]\n");
}

static bool parse_decode(struct quern_request *request)
{
    const struct quern_value *object = request->object, *ids = quern_value_member(object, "ids");
    bool skip = true, good = true;
    if (!quern_body_flag(request, object, "skip_special_tokens", &skip))
        return false;
    if (!quern_value_is(ids, QUERN_VALUE_ARRAY))
        return quern_refuse(request, QUERN_FAULT_FIELD, "ids",
                            "ids is %s, but it must be an array of token ids, or of such arrays",
                            quern_value_kind_name(ids));
    request->options.only_tokens = true;
    request->options.token_flags = skip ? QUERN_NO_SPECIAL : 0;
    const struct quern_value *item = quern_value_first(ids);
    if (!quern_value_is(item, QUERN_VALUE_ARRAY))
        return quern_body_add_ids(request, "ids", ids);
    for (; good && item != NULL; item = quern_value_next(item))
        good = quern_value_is(item, QUERN_VALUE_ARRAY)
                   ? quern_body_add_ids(request, "ids", item)
                   : quern_refuse(request, QUERN_FAULT_FIELD, "ids", "item %zu of ids is %s, but it must be a list, as "
                                  "the items before it are", request->input_count, quern_value_kind_name(item));
    return good;
}

static void write_decode(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)job;
    quern_buffer_text(&answer->body, "[");
    for (size_t i = 0; i < request->input_count; i++) {
        quern_buffer_text(&answer->body, i > 0 ? "," : "");
        quern_tokens_put_text(&request->inputs[i], answer);
    }
    quern_buffer_text(&answer->body, "]\n");
}

/* ---------------------------------------------------------------- the server */

/* What the server's models are, whether they are in memory or not. */
static void put_models(const struct quern_service *service, struct quern_buffer *body)
{
    quern_buffer_text(body, ",\"models\":[");
    for (size_t i = 0; i < service->model_count; i++) {
        const struct quern_served *served = &service->models[i];
        quern_buffer_text(body, i > 0 ? ",{\"name\":" : "{\"name\":");
        quern_buffer_string(body, served->name);
        quern_buffer_print(body, ",\"loaded\":%s,\"dimensions\":%d,\"max_input_length\":%d,\"space\":\"%s\","
                           "\"memory_bytes\":%llu,\"notice\":", served->is_loaded ? "true" : "false",
                           served->info.dimensions, served->info.context_length, served->space,
                           (unsigned long long)quern_served_bytes(served));
        quern_buffer_string(body, served->info.notice);
        quern_buffer_text(body, ",\"general_name\":");
        quern_buffer_string(body, served->info.name);
        quern_buffer_text(body, "}");
    }
    quern_buffer_text(body, "]");
}

static void write_info(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    struct quern_buffer *body = &answer->body;
    const struct quern_service *service = request->service;
    const struct quern_served *served = request->served;
    (void)job;
    quern_buffer_text(body, "{\"model_id\":");
    quern_buffer_string(body, served->name);
    quern_buffer_text(body, ",\"model_sha\":null,\"model_dtype\":\"float32\",\"served_model_name\":");
    quern_buffer_string(body, served->name);
    quern_buffer_print(body,
                       ",\"model_type\":{\"embedding\":{\"pooling\":\"%s\"}},\"max_concurrent_requests\":%d,"
                       "\"max_input_length\":%d,\"max_batch_tokens\":%d,\"max_batch_requests\":null,"
                       "\"max_client_batch_size\":%d,\"auto_truncate\":false,\"tokenization_workers\":1,"
                       "\"version\":\"%s\",\"sha\":null,\"docker_label\":null",
                       strcmp(served->info.pooling, "last") == 0 ? "last_token" : served->info.pooling,
                       service->options->max_connections, served->info.context_length,
                       service->options->queue_tokens, QUERN_INPUTS, quern_version());
    quern_buffer_print(body,
                       ",\"dimensions\":%d,\"space\":\"%s\",\"texts\":%llu,\"texts_without_prompt\":%llu,\"notice\":",
                       served->info.dimensions, served->space, (unsigned long long)service->meters.texts,
                       (unsigned long long)service->meters.texts_without_prompt);
    quern_buffer_string(body, served->info.notice);
    quern_buffer_text(body, ",\"general_name\":");
    quern_buffer_string(body, served->info.name);
    put_models(service, body);
    quern_buffer_text(body, "}\n");
}

/* ---------------------------------------------------------------- errors */

static const char *error_type(enum quern_fault fault)
{
    switch (fault) {
    case QUERN_FAULT_EMPTY: return "Empty";
    case QUERN_FAULT_BUSY: return "Overloaded";
    case QUERN_FAULT_UNAVAILABLE:
    case QUERN_FAULT_DRAINING:
    case QUERN_FAULT_DEADLINE: return "Unhealthy";
    default: return quern_fault_status(fault) >= 500 ? "Backend" : "Validation";
    }
}

static void write_error(const struct quern_request *request, struct quern_answer *answer)
{
    quern_buffer_text(&answer->body, "{\"error\":");
    quern_buffer_string(&answer->body, request->refusal.message);
    quern_buffer_print(&answer->body, ",\"error_type\":\"%s\"}\n", error_type(request->refusal.fault));
}

/* As TEI has them: fields that are missing or wrong cannot be processed, a text or list that is too long is content too
 * large, a failure of the model a failed dependency. */
static int status_of(enum quern_fault fault)
{
    switch (fault) {
    case QUERN_FAULT_FIELD:
    case QUERN_FAULT_VALUE:
    case QUERN_FAULT_TOKEN_IDS: return 422;
    case QUERN_FAULT_TOO_LONG:
    case QUERN_FAULT_MANY: return 413;
    case QUERN_FAULT_INTERNAL: return 424;
    default: return quern_fault_status(fault);
    }
}

static const struct quern_route routes[] = {
    {"POST", "/embed", QUERN_ROUTE_VECTORS, parse_embed, write_embed, NULL},
    {"POST", "/", QUERN_ROUTE_VECTORS, parse_embed, write_embed, NULL},
    {"POST", "/invocations", QUERN_ROUTE_VECTORS, parse_embed, write_embed, NULL}, /* SageMaker's */
    {"POST", "/embed_all", QUERN_ROUTE_KEYED, parse_embed_all, NULL, NULL},
    {"POST", "/similarity", QUERN_ROUTE_VECTORS, parse_similarity, write_similarity, NULL},
    {"POST", "/tokenize", QUERN_ROUTE_KEYED, parse_tokenize, write_tokenize, has_inputs},
    {"POST", "/decode", QUERN_ROUTE_KEYED, parse_decode, write_decode, NULL},
    {"GET", "/info", QUERN_ROUTE_KEYED, NULL, write_info, NULL},
};

const struct quern_dialect quern_dialect_tei = {.prefix = "/embed_",
                                                .routes = routes,
                                                .route_count = QUERN_COUNT(routes),
                                                .most_inputs = QUERN_INPUTS,
                                                .write_error = write_error,
                                                .status = status_of};
