#include "request.h"

#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void quern_request_init(struct quern_request *request, struct quern_service *service, const struct quern_head *head)
{
    *request = (struct quern_request){
        .service = service, .head = head, .rest = "", .task = -1, .normalize = true, .status = 200,
        .type = "application/json"};
}

void quern_request_free(struct quern_request *request)
{
    json_decref(request->json);
    free(request->inputs);
    free(request->ids);
    free(request->tokens);
    free(request->vectors);
    quern_buffer_free(&request->fields);
    quern_buffer_free(&request->answer);
}

bool quern_refuse(struct quern_request *request, enum quern_fault fault, const char *param, const char *format, ...)
{
    va_list list;
    if (request->refusal.fault != QUERN_FAULT_NONE)
        return false;
    request->refusal.fault = fault;
    request->refusal.param = param;
    va_start(list, format);
    vsnprintf(request->refusal.message, sizeof request->refusal.message, format, list);
    va_end(list);
    return false;
}

bool quern_request_parse(struct quern_request *request)
{
    const struct quern_server_options *options = request->service->options;
    if (request->route == NULL || request->route->parse == NULL)
        return true;
    if (!request->route->parse(request))
        return false;
    if (options->strict_model && request->model != NULL && !quern_model_is_ours(request->service, request->model))
        return quern_refuse(request, QUERN_FAULT_MODEL, "model", "there is no model of that name here; GET /v1/models "
                            "tells what there is");
    if (request->dtype == QUERN_DTYPE_BINARY && quern_request_width(request) % 8 != 0)
        return quern_refuse(request, QUERN_FAULT_VALUE, "output_dtype",
                            "binary vectors have a multiple of 8 dimensions");
    if (request->dtype == QUERN_DTYPE_INT8 && !request->normalize)
        return quern_refuse(request, QUERN_FAULT_VALUE, "output_dtype", "int8 vectors are normalised ones; leave out "
                            "normalize");
    return true;
}

/* ---------------------------------------------------------------- tokens */

bool quern_request_reserve_ids(struct quern_request *request, size_t count)
{
    if (count <= request->id_capacity - request->id_count)
        return true;
    size_t capacity = request->id_capacity + request->id_capacity / 2;
    if (capacity < request->id_count + count)
        capacity = request->id_count + count;
    int32_t *ids = realloc(request->ids, capacity * sizeof *ids);
    if (ids == NULL)
        return quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "no memory for the tokens");
    request->ids = ids;
    request->id_capacity = capacity;
    return true;
}

/* words: what stands before the number of tokens: nothing, if it is exact. */
static bool refuse_long(struct quern_request *request, size_t index, const char *words, size_t tokens)
{
    const size_t limit = (size_t)request->service->info.context_length;
    quern_refuse(request, QUERN_FAULT_TOO_LONG, NULL,
                 "input %zu has %s%zu tokens, the model takes %zu: shorten it, or set \"truncate\": true",
                 index, words, tokens, limit);
    request->refusal.index = index;
    request->refusal.tokens = tokens;
    request->refusal.limit = limit;
    return false;
}

/* Tokenises an input behind the ids there are, of which room for capacity is made. */
static bool run_tokenizer(struct quern_request *request, const struct quern_input *input, size_t capacity,
                          size_t *count)
{
    const quern_embed_options options = {.size = sizeof options, .task = request->task, .title = input->title,
                                         .flags = request->token_flags};
    if (!quern_request_reserve_ids(request, capacity))
        return false;
    const int code = quern_tokenize(request->service->tokenizer, input->text, &options,
                                    request->ids + request->id_count, capacity, count, NULL);
    if (code == QUERN_OK || code == QUERN_ETOOLONG)
        return true;
    request->service->broken |= code == QUERN_EIO;
    return quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "the text could not be tokenised");
}

static void take_ids(struct quern_request *request, struct quern_input *input, size_t used, size_t cut)
{
    input->result = (quern_result){QUERN_OK, (uint32_t)used, (uint32_t)cut};
    input->first_id = request->id_count;
    request->id_count += used;
}

/* All tokens of input i, for those who want only them. */
static bool tokenize_whole(struct quern_request *request, size_t i)
{
    struct quern_input *input = &request->inputs[i];
    size_t count = 0, room = 0;
    if (input->text.length > QUERN_TOKENIZE_BYTES)
        return quern_refuse(request, QUERN_FAULT_BODY, NULL,
                            "input %zu has %zu bytes, at most %d are tokenised at once: send it in parts", i,
                            input->text.length, QUERN_TOKENIZE_BYTES);
    do { /* a second time at most: there is seldom more than a token for every second byte */
        room = count > 0 ? count : input->text.length / 2 + 64;
        if (!run_tokenizer(request, input, room, &count))
            return false;
    } while (count > room);
    take_ids(request, input, count, 0);
    return true;
}

/* Tokenises input i to embed it. One that is cut keeps its last token, as in the library. What is cut off of a very
 * long text is not counted but estimated, so that time is bounded: at least so many tokens there are. */
static bool tokenize_text(struct quern_request *request, size_t i)
{
    struct quern_input *input = &request->inputs[i];
    const size_t limit = (size_t)request->service->info.context_length;
    const size_t bytes = input->text.length + input->title.length;
    size_t count = 0;
    input->text = quern_text_part(request->service, input->text, request->truncate);
    input->title = quern_text_part(request->service, input->title, QUERN_CUT_END);
    const size_t unread = quern_tokens_least(request->service, bytes - input->text.length - input->title.length);
    if (unread > 0 && request->truncate == QUERN_CUT_NONE)
        return refuse_long(request, i, "at least ", quern_tokens_least(request->service, bytes));
    if (!run_tokenizer(request, input, limit, &count))
        return false;
    if (count == 0)
        return quern_refuse(request, QUERN_FAULT_EMPTY, NULL, "input %zu has no tokens", i);
    if (count > limit && request->truncate == QUERN_CUT_NONE)
        return refuse_long(request, i, "", count);
    if (count > limit && request->truncate == QUERN_CUT_START) {
        if (!run_tokenizer(request, input, count, &count))
            return false;
        quern_ids_keep_end(request, input, request->ids + request->id_count, count, limit);
    }
    if (count > limit && request->service->tokens.eos >= 0)
        request->ids[request->id_count + limit - 1] = request->service->tokens.eos;
    const size_t used = count < limit ? count : limit;
    take_ids(request, input, used, count - used + unread);
    return true;
}

/* Ids that were given are in place already; they may be too many. */
static bool check_ids(struct quern_request *request, size_t i)
{
    struct quern_input *input = &request->inputs[i];
    const uint32_t limit = (uint32_t)request->service->info.context_length, count = input->result.tokens;
    if (count <= limit || request->only_tokens)
        return true;
    if (request->truncate == QUERN_CUT_NONE)
        return refuse_long(request, i, "", count);
    int32_t *ids = request->ids + input->first_id;
    if (request->truncate == QUERN_CUT_START)
        memmove(ids + 1, ids + count - (limit - 1), (limit - 1) * sizeof *ids);
    ids[limit - 1] = ids[count - 1];
    input->result = (quern_result){QUERN_OK, limit, count - limit};
    return true;
}

/* Whether the inputs tokenised so far are not too much together. */
static bool check_total(struct quern_request *request)
{
    const size_t tokens = request->token_count;
    int most = request->service->options->queue_tokens;
    if (request->only_tokens && most > QUERN_TOKENIZE_TOKENS)
        most = QUERN_TOKENIZE_TOKENS;
    return tokens <= (size_t)most ||
           quern_refuse(request, QUERN_FAULT_REQUEST, NULL,
                        "the inputs have %zu tokens and more together, a request may have %d: send fewer at once",
                        tokens, most);
}

/* Everything the batcher needs. */
static bool prepare_job(struct quern_request *request)
{
    const size_t count = request->input_count, width = (size_t)request->service->info.dimensions;
    request->tokens = malloc(count * sizeof *request->tokens);
    request->vectors = malloc(count * width * sizeof *request->vectors);
    if (request->tokens == NULL || request->vectors == NULL)
        return quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "no memory for %zu vectors", count);
    for (size_t i = 0; i < count; i++) {
        const struct quern_input *input = &request->inputs[i];
        request->tokens[i] = (quern_tokens){request->ids + input->first_id, input->result.tokens};
    }
    request->job = (struct quern_job){.texts = request->tokens, .count = count, .vectors = request->vectors};
    return true;
}

int quern_request_tokenize(struct quern_request *request, size_t slice)
{
    size_t done = 0;
    while (request->tokenized < request->input_count) {
        if (done >= slice)
            return 0;
        const size_t i = request->tokenized++;
        struct quern_input *input = &request->inputs[i];
        if (!(input->is_ids          ? check_ids(request, i)
              : request->only_tokens ? tokenize_whole(request, i)
                                     : tokenize_text(request, i)))
            return -1;
        done += input->text.length + 256;
        request->token_count += input->result.tokens;
        if (!check_total(request))
            return -1;
    }
    return request->input_count == 0 || request->only_tokens || prepare_job(request) ? 1 : -1;
}

/* ---------------------------------------------------------------- answers */

static void describe_vectors(struct quern_request *request)
{
    char space[QUERN_SPACE_SIZE];
    uint64_t tokens = 0, truncated = 0;
    quern_embed_options options = {.size = sizeof options, .task = request->task, .dimensions = request->dimensions,
                                   .flags = request->normalize ? 0u : QUERN_NO_NORMALIZE};
    if (quern_space(request->service->model, &options, space, NULL) == QUERN_OK)
        quern_buffer_print(&request->fields, "X-Quern-Space: %s\r\n", space);
    for (size_t i = 0; i < request->input_count; i++) {
        tokens += request->inputs[i].result.tokens;
        truncated += request->inputs[i].result.truncated;
    }
    quern_buffer_print(&request->fields, "X-Quern-Tokens: %llu\r\nX-Quern-Truncated: %llu\r\n",
                       (unsigned long long)tokens, (unsigned long long)truncated);
}

static void write_answer(struct quern_request *request)
{
    if (request->job.count > 0) {
        quern_request_finish_vectors(request);
        describe_vectors(request);
    }
    if (request->job.count > 0 && request->form != QUERN_FORM_JSON)
        quern_request_put_raw(request);
    else if (request->route != NULL)
        request->route->write(request);
    if (request->answer.failed)
        quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "no memory for the answer");
}

static void write_refusal(struct quern_request *request)
{
    const struct quern_dialect *dialect = quern_request_dialect(request);
    const enum quern_fault fault = request->refusal.fault;
    quern_buffer_free(&request->answer);
    request->status = dialect->status != NULL ? dialect->status(fault) : quern_fault_status(fault);
    request->type = "application/json";
    dialect->write_error(request, &request->answer);
    quern_buffer_print(&request->fields, "X-Should-Retry: %s\r\n", quern_fault_is_passing(fault) ? "true" : "false");
    if (fault == QUERN_FAULT_BUSY || fault == QUERN_FAULT_DRAINING)
        quern_buffer_text(&request->fields, "Retry-After: 1\r\n");
    if (fault == QUERN_FAULT_KEY)
        quern_buffer_text(&request->fields, "WWW-Authenticate: Bearer\r\n");
}

void quern_request_answer(struct quern_request *request)
{
    if (request->refusal.fault == QUERN_FAULT_NONE && request->job.code != QUERN_OK)
        quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "the model gave no vector (%s)",
                     quern_error_name(request->job.code));
    if (request->refusal.fault == QUERN_FAULT_NONE)
        write_answer(request);
    if (request->refusal.fault != QUERN_FAULT_NONE)
        write_refusal(request);
}

size_t quern_request_bytes(const struct quern_request *request)
{
    const size_t width = (size_t)request->service->info.dimensions, count = request->input_count;
    const size_t claim = sizeof(struct quern_claim) + sizeof(quern_tokens) + sizeof(size_t);
    return (request->service->cache.table != NULL ? count * claim : 0) +
           count * (sizeof *request->inputs + sizeof *request->tokens) + request->id_capacity * sizeof *request->ids +
           (request->vectors != NULL ? count * width * sizeof *request->vectors : 0) + request->answer.capacity;
}
