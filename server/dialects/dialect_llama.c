/* llama-server's /embedding, and its tokens. (Its /v1/ is OpenAI's.) */
#include "requests/routes.h"

#include <string.h>

/* ---------------------------------------------------------------- vectors */

/* 2 is the norm that vectors get, -1 none. */
static bool read_norm(struct quern_request *request, const json_t *value)
{
    const json_int_t norm = json_integer_value(value);
    if (value == NULL)
        return true;
    if (!json_is_integer(value) || (norm != 2 && norm != -1))
        return quern_refuse(request, QUERN_FAULT_VALUE, "embd_normalize",
                            "embd_normalize is to be 2, for vectors of length 1, or -1, for vectors as they come");
    request->normalize = norm == 2;
    return true;
}

static bool parse_embedding(struct quern_request *request)
{
    const json_t *object = quern_request_object(request), *content = json_object_get(object, "content");
    const char *param = content != NULL ? "content" : "input";
    if (object == NULL)
        return false;
    if (content == NULL && json_object_get(object, "input") == NULL)
        return quern_refuse(request, QUERN_FAULT_REQUEST, "content", "the field content, or input, is missing");
    return quern_request_add_inputs(request, param, json_object_get(object, param)) &&
           quern_request_dimensions(request, object) && quern_request_extensions(request, object) &&
           read_norm(request, quern_field(object, "embd_normalize"));
}

/* An array, and in each object a list: of one vector, where the model gives one for a text. */
static void write_embedding(struct quern_request *request)
{
    struct quern_buffer *answer = &request->answer;
    quern_buffer_text(answer, "[");
    for (size_t i = 0; i < request->input_count; i++) {
        quern_buffer_print(answer, "%s{\"index\":%zu,\"embedding\":[", i > 0 ? "," : "", i);
        quern_request_put_vector(request, answer, i);
        quern_buffer_text(answer, "]}");
    }
    quern_buffer_text(answer, "]\n");
}

/* ---------------------------------------------------------------- tokens */

static bool parse_tokenize(struct quern_request *request)
{
    const json_t *object = quern_request_object(request), *content = json_object_get(object, "content");
    bool special = false, spelled = true, pieces = false;
    if (object == NULL || !quern_request_flag(request, object, "add_special", &special) ||
        !quern_request_flag(request, object, "parse_special", &spelled) ||
        !quern_request_flag(request, object, "with_pieces", &pieces))
        return false;
    if (!json_is_string(content))
        return quern_refuse(request, QUERN_FAULT_REQUEST, "content", "content is to be a string");
    request->only_tokens = true;
    request->task = QUERN_TASK_NONE;
    request->token_flags = (special ? 0u : QUERN_NO_SPECIAL) | (spelled ? QUERN_PARSE_SPECIAL : 0u);
    return quern_request_add_text(request, "content", json_string_value(content), json_string_length(content));
}

/* As a string; a part of a character, as bytes. */
static void put_piece(struct quern_request *request, int32_t id)
{
    const quern_piece piece = quern_request_piece(request, id);
    const int byte = quern_piece_byte(&piece);
    if (byte >= 128)
        quern_buffer_print(&request->answer, "[%d]", byte);
    else
        quern_request_put_piece(request, &piece);
}

static void write_tokenize(struct quern_request *request)
{
    struct quern_buffer *answer = &request->answer;
    const bool pieces = json_is_true(json_object_get(request->json, "with_pieces"));
    quern_buffer_text(answer, "{\"tokens\":[");
    for (size_t i = 0; i < request->id_count; i++) {
        quern_buffer_text(answer, i > 0 ? "," : "");
        quern_buffer_text(answer, pieces ? "{\"id\":" : "");
        quern_buffer_number(answer, (unsigned long long)request->ids[i]);
        if (pieces) {
            quern_buffer_text(answer, ",\"piece\":");
            put_piece(request, request->ids[i]);
            quern_buffer_text(answer, "}");
        }
    }
    quern_buffer_text(answer, "]}\n");
}

static bool parse_detokenize(struct quern_request *request)
{
    const json_t *object = quern_request_object(request), *tokens = json_object_get(object, "tokens");
    if (object == NULL)
        return false;
    if (!json_is_array(tokens))
        return quern_refuse(request, QUERN_FAULT_REQUEST, "tokens", "tokens is to be an array of token ids");
    request->only_tokens = true;
    return json_array_size(tokens) == 0 || quern_request_add_ids(request, "tokens", tokens);
}

static void write_detokenize(struct quern_request *request)
{
    quern_buffer_text(&request->answer, "{\"content\":");
    quern_request_put_text(request, request->ids, request->id_count, false);
    quern_buffer_text(&request->answer, "}\n");
}

/* ---------------------------------------------------------------- the server */

static void write_props(struct quern_request *request)
{
    struct quern_buffer *answer = &request->answer;
    const struct quern_service *service = request->service;
    quern_buffer_print(answer, "{\"default_generation_settings\":{\"n_ctx\":%d},\"total_slots\":1,\"model_alias\":",
                       service->info.context_length);
    quern_buffer_string(answer, service->options->model_name);
    quern_buffer_text(answer, ",\"model_path\":");
    quern_buffer_string(answer, service->options->model_name); /* where the file lies is nobody's business */
    quern_buffer_print(answer,
                       ",\"chat_template\":\"\",\"modalities\":{\"vision\":false,\"audio\":false},"
                       "\"build_info\":\"quern %s\",\"is_sleeping\":false}\n", quern_version());
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
    case QUERN_FAULT_DRAINING: return "unavailable_error";
    default: return quern_fault_status(fault) >= 500 ? "server_error" : "invalid_request_error";
    }
}

static void write_error(struct quern_request *request, struct quern_buffer *answer)
{
    const struct quern_refusal *refusal = &request->refusal;
    quern_buffer_print(answer, "{\"error\":{\"code\":%d,\"message\":", request->status);
    quern_buffer_string(answer, refusal->message);
    quern_buffer_print(answer, ",\"type\":\"%s\"", error_type(refusal->fault));
    if (refusal->fault == QUERN_FAULT_TOO_LONG)
        quern_buffer_print(answer, ",\"n_prompt_tokens\":%lu,\"n_ctx\":%lu", refusal->tokens, refusal->limit);
    quern_buffer_text(answer, "}}\n");
}

static const struct quern_route routes[] = {
    {"POST", "/embedding", false, parse_embedding, write_embedding},
    {"POST", "/embeddings", false, parse_embedding, write_embedding},
    {"POST", "/tokenize", false, parse_tokenize, write_tokenize},
    {"POST", "/detokenize", false, parse_detokenize, write_detokenize},
    {"GET", "/props", false, NULL, write_props},
};

const struct quern_dialect quern_dialect_llama = {
    .prefix = "/embedding", .routes = routes, .route_count = sizeof routes / sizeof routes[0],
    .write_error = write_error};
