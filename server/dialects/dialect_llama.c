/* llama-server: /embedding, /tokenize, /detokenize, /props. (Its /v1/ is OpenAI's.) */
#include "array_count.h"
#include "requests/answer_tokens.h"
#include "requests/answer_vectors.h"
#include "requests/body.h"
#include "requests/dialect.h"
#include "requests/extensions.h"

/* ---------------------------------------------------------------- vectors */

/* 2 stands for the Euclidean norm, -1 for none. */
static bool read_norm(struct quern_request *request, const struct quern_value *value)
{
    const int64_t norm = quern_value_integer(value);
    const bool normalizes = request->options.normalize;
    if (value == NULL)
        return true;
    if (!quern_value_is(value, QUERN_VALUE_INTEGER) || (norm != 2 && norm != -1))
        return quern_refuse(request, QUERN_FAULT_VALUE, "embd_normalize",
                            "embd_normalize must be 2, for vectors of length 1, or -1, for vectors of any length");
    request->options.normalize = norm == 2;
    return quern_body_field(request->object, "normalize") == NULL || normalizes == (norm == 2) ||
           quern_refuse(request, QUERN_FAULT_VALUE, "embd_normalize",
                        "normalize and embd_normalize ask for different vectors: send one of them");
}

static bool parse_embedding(struct quern_request *request)
{
    const struct quern_value *object = request->object;
    return quern_body_add_named_inputs(request, "content") &&
           quern_body_dimensions(request, object) && quern_extensions_read(request, object) &&
           read_norm(request, quern_body_field(object, "embd_normalize"));
}

/* Writes an array of objects, each with a list of vectors: of one, as the model gives one for each text. */
static void write_embedding(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    struct quern_buffer *body = &answer->body;
    (void)job;
    quern_buffer_text(body, "[");
    for (size_t i = 0; i < request->input_count; i++) {
        quern_buffer_print(body, "%s{\"index\":%zu,\"embedding\":[", i > 0 ? "," : "", i);
        quern_answer_add_part(answer, i);
        quern_buffer_text(body, "]}");
    }
    quern_buffer_text(body, "]\n");
}

/* ---------------------------------------------------------------- tokens */

static bool parse_tokenize(struct quern_request *request)
{
    const struct quern_value *object = request->object;
    const char *name;
    bool special = false, spelled = true, pieces = false;
    if (!quern_body_flag(request, object, "add_special", &special) ||
        !quern_body_flag(request, object, "parse_special", &spelled) ||
        !quern_body_flag(request, object, "with_pieces", &pieces) || !quern_body_find_inputs(request, "content", &name))
        return false;
    const struct quern_value *content = quern_value_member(object, name);
    if (!quern_value_is(content, QUERN_VALUE_TEXT))
        return quern_refuse(request, QUERN_FAULT_FIELD, name, "%s is %s, but it must be a string", name,
                            quern_value_kind_name(content));
    request->options.only_tokens = true;
    request->options.task = QUERN_TASK_NONE;
    request->options.token_flags = (special ? 0u : QUERN_NO_SPECIAL) | (spelled ? QUERN_PARSE_SPECIAL : 0u);
    return quern_body_add_text(request, name, quern_value_text(content), (quern_text){0});
}

/* Writes the text of a token as a string. A byte that is only a part of a character is written as a number. */
static void put_piece(const struct quern_request *request, int32_t id, struct quern_buffer *body)
{
    struct quern_buffer text = {0};
    quern_tokens_add_text(request->served, &id, 1, QUERN_KEEP_SPACE, &text);
    if (text.length == 1 && (unsigned char)text.data[0] >= 128)
        quern_buffer_print(body, "[%d]", (unsigned char)text.data[0]);
    else
        quern_buffer_quote(body, (quern_text){text.data, text.length});
    body->failed |= text.failed;
    quern_buffer_free(&text);
}

/* Writes tokens, beginning with this one. */
static void put_tokens(const struct quern_request *request, const struct quern_job *job, size_t first,
                       struct quern_buffer *body)
{
    const bool pieces = quern_value_is_true(quern_value_member(request->object, "with_pieces"));
    (void)job;
    for (size_t i = first; i < request->id_count && i < first + QUERN_PART_TOKENS; i++) {
        quern_buffer_text(body, i > 0 ? "," : "");
        quern_buffer_text(body, pieces ? "{\"id\":" : "");
        quern_buffer_number(body, (unsigned long long)request->ids[i]);
        if (pieces) {
            quern_buffer_text(body, ",\"piece\":");
            put_piece(request, request->ids[i], body);
            quern_buffer_text(body, "}");
        }
    }
}

static void write_tokenize(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)job;
    answer->put_part = put_tokens;
    quern_buffer_text(&answer->body, "{\"tokens\":[");
    for (size_t i = 0; i < request->id_count; i += QUERN_PART_TOKENS)
        quern_answer_add_part(answer, i);
    quern_buffer_text(&answer->body, "]}\n");
}

static bool parse_detokenize(struct quern_request *request)
{
    const struct quern_value *tokens = quern_value_member(request->object, "tokens");
    if (!quern_value_is(tokens, QUERN_VALUE_ARRAY))
        return quern_refuse(request, QUERN_FAULT_FIELD, "tokens", "tokens is %s, but it must be an array of token ids",
                            quern_value_kind_name(tokens));
    request->options.only_tokens = true;
    return quern_value_size(tokens) == 0 || quern_body_add_ids(request, "tokens", tokens);
}

static void write_detokenize(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    (void)job;
    quern_buffer_text(&answer->body, "{\"content\":");
    if (request->input_count > 0)
        quern_tokens_put_text(&request->inputs[0], answer);
    else
        quern_buffer_text(&answer->body, "\"\"");
    quern_buffer_text(&answer->body, "}\n");
}

/* ---------------------------------------------------------------- the server */

static void write_props(struct quern_request *request, const struct quern_job *job, struct quern_answer *answer)
{
    struct quern_buffer *body = &answer->body;
    const struct quern_served *served = request->served;
    (void)job;
    quern_buffer_print(body, "{\"default_generation_settings\":{\"n_ctx\":%d},\"total_slots\":1,\"model_alias\":",
                       served->info.context_length);
    quern_buffer_string(body, served->name);
    quern_buffer_text(body, ",\"model_path\":");
    quern_buffer_string(body, served->name); /* clients must not learn where the file is */
    quern_buffer_print(body,
                       ",\"chat_template\":\"\",\"modalities\":{\"vision\":false,\"audio\":false},"
                       "\"build_info\":\"quern %s\",\"is_sleeping\":%s}\n", quern_version(),
                       served->is_loaded ? "false" : "true");
}

static const char *error_type(enum quern_fault fault)
{
    switch (fault) {
    case QUERN_FAULT_TOO_LONG: return "exceed_context_size_error";
    case QUERN_FAULT_KEY: return "authentication_error";
    case QUERN_FAULT_FORBIDDEN: return "permission_error";
    case QUERN_FAULT_MODEL:
    case QUERN_FAULT_ROUTE: return "not_found_error";
    case QUERN_FAULT_BUSY:
    case QUERN_FAULT_DEADLINE:
    case QUERN_FAULT_UNAVAILABLE:
    case QUERN_FAULT_DRAINING: return "unavailable_error";
    default: return quern_fault_status(fault) >= 500 ? "server_error" : "invalid_request_error";
    }
}

static void write_error(const struct quern_request *request, struct quern_answer *answer)
{
    const struct quern_refusal *refusal = &request->refusal;
    struct quern_buffer *body = &answer->body;
    quern_buffer_print(body, "{\"error\":{\"code\":%d,\"message\":", answer->status);
    quern_buffer_string(body, refusal->message);
    quern_buffer_print(body, ",\"type\":\"%s\"", error_type(refusal->fault));
    if (refusal->fault == QUERN_FAULT_TOO_LONG)
        quern_buffer_print(body, ",\"n_prompt_tokens\":%lu,\"n_ctx\":%lu", refusal->tokens, refusal->limit);
    quern_buffer_text(body, "}}\n");
}

static const struct quern_route routes[] = {
    {"POST", "/embedding", QUERN_ROUTE_VECTORS, parse_embedding, write_embedding, NULL},
    {"POST", "/embeddings", QUERN_ROUTE_VECTORS, parse_embedding, write_embedding, NULL},
    {"POST", "/tokenize", QUERN_ROUTE_KEYED, parse_tokenize, write_tokenize, NULL},
    {"POST", "/detokenize", QUERN_ROUTE_KEYED, parse_detokenize, write_detokenize, NULL},
    {"GET", "/props", QUERN_ROUTE_KEYED, NULL, write_props, NULL},
};

const struct quern_dialect quern_dialect_llama = {
    .prefix = "/embedding", .routes = routes, .route_count = QUERN_COUNT(routes),
    .write_error = write_error};
