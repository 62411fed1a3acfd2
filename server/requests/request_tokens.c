#include "request_tokens.h"

/* ---------------------------------------------------------------- one input */

/* Adds the ids of an input, which were written behind the request's ids. */
static void take_ids(struct quern_request *request, struct quern_request_input *input, quern_result result)
{
    input->result = result;
    input->first_id = request->id_count;
    request->id_count += result.tokens;
}

static bool refuse_failure(struct quern_request *request, int code)
{
    request->service->broken |= code == QUERN_EIO;
    return quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "the text could not be tokenised (%s)",
                        quern_error_name(code));
}

/* bound: what stands before the number of tokens: "at least ", or nothing when the number is exact. */
static bool refuse_long(struct quern_request *request, size_t index, const char *bound, size_t tokens)
{
    const size_t limit = (size_t)request->service->info.context_length;
    quern_refuse(request, QUERN_FAULT_TOO_LONG, NULL,
                 "input %zu has %s%zu tokens, the model takes %zu: shorten it, or set \"truncate\": true",
                 index, bound, tokens, limit);
    request->refusal.index = index;
    request->refusal.tokens = tokens;
    request->refusal.limit = limit;
    return false;
}

/* Tokenises text i to embed it. */
static bool tokenize_text(struct quern_request *request, size_t i)
{
    struct quern_request_input *input = &request->inputs[i];
    const size_t limit = (size_t)request->service->info.context_length;
    const quern_embed_options options = {.size = sizeof options, .task = request->options.task, .title = input->title,
                                         .flags = request->options.truncate};
    quern_result result;
    if (!quern_request_reserve_ids(request, limit))
        return false;
    const int code = quern_prepare(request->service->tokenizer, input->text, &options, request->ids + request->id_count,
                                   limit, &result, NULL);
    if (code == QUERN_ETOOLONG)
        return refuse_long(request, i, result.at_least ? "at least " : "", result.tokens);
    if (code == QUERN_EINVAL) /* the text: arguments were checked before */
        return quern_refuse(request, QUERN_FAULT_EMPTY, NULL, "input %zu has no tokens", i);
    if (code != QUERN_OK)
        return refuse_failure(request, code);
    take_ids(request, input, result);
    return true;
}

/* Tokenises all of text i, for a client that wants the tokens themselves. */
static bool tokenize_whole(struct quern_request *request, size_t i)
{
    struct quern_request_input *input = &request->inputs[i];
    const quern_embed_options options = {.size = sizeof options, .task = request->options.task,
                                         .flags = request->options.token_flags};
    size_t count = 0, room = input->text.length / 2 + 64; /* enough for almost every text */
    int code;
    if (input->text.length > QUERN_TOKENIZE_BYTES)
        return quern_refuse(request, QUERN_FAULT_BODY, NULL,
                            "input %zu has %zu bytes, at most %d are tokenised at once: send it in parts", i,
                            input->text.length, QUERN_TOKENIZE_BYTES);
    do {
        room = count > room ? count : room;
        if (!quern_request_reserve_ids(request, room))
            return false;
        code = quern_tokenize(request->service->tokenizer, input->text, &options, request->ids + request->id_count,
                              room, &count, NULL);
    } while (code == QUERN_ETOOLONG && count > room);
    if (code != QUERN_OK)
        return refuse_failure(request, code);
    take_ids(request, input, (quern_result){.tokens = (uint32_t)count});
    return true;
}

/* Cuts the ids of input i, which the client sent, to what the model takes. */
static bool check_ids(struct quern_request *request, size_t i)
{
    struct quern_request_input *input = &request->inputs[i];
    const size_t limit = (size_t)request->service->info.context_length, count = input->result.tokens;
    if (count <= limit || request->options.only_tokens)
        return true;
    if (request->options.truncate == 0)
        return refuse_long(request, i, "", count);
    const size_t left = quern_truncate_tokens(request->ids + input->first_id, count, limit, request->options.truncate);
    input->result.tokens = (uint32_t)left;
    input->result.truncated = (uint32_t)(count - left);
    return true;
}

/* ---------------------------------------------------------------- all inputs */

/* Refuses inputs that have too many tokens together. */
static bool check_total(struct quern_request *request)
{
    const size_t tokens = request->token_count;
    int most = request->service->options->queue_tokens;
    if (request->options.only_tokens && most > QUERN_TOKENIZE_TOKENS)
        most = QUERN_TOKENIZE_TOKENS;
    return tokens <= (size_t)most ||
           quern_refuse(request, QUERN_FAULT_REQUEST, NULL,
                        "the inputs have at least %zu tokens together, a request may have %d: send fewer at once",
                        tokens, most);
}

int quern_request_tokenize(struct quern_request *request, size_t slice)
{
    size_t done = 0;
    while (request->tokenized < request->input_count) {
        if (done >= slice)
            return 0;
        const size_t i = request->tokenized++;
        struct quern_request_input *input = &request->inputs[i];
        const bool good = input->is_ids                ? check_ids(request, i)
                          : request->options.only_tokens ? tokenize_whole(request, i)
                                                       : tokenize_text(request, i);
        if (!good)
            return -1;
        done += input->text.length + 256;
        request->token_count += input->result.tokens;
        if (!check_total(request))
            return -1;
    }
    return 1;
}

bool quern_request_wants_vectors(const struct quern_request *request)
{
    return request->input_count > 0 && !request->options.only_tokens;
}

struct quern_job *quern_request_make_job(struct quern_request *request)
{
    const size_t count = request->input_count;
    struct quern_job *job = quern_job_new(count, (size_t)request->service->info.dimensions);
    if (job == NULL) {
        quern_refuse(request, QUERN_FAULT_INTERNAL, NULL, "there is no memory for %zu vectors", count);
        return NULL;
    }
    job->ids = request->ids;
    request->ids = NULL;
    request->id_count = request->id_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        const struct quern_request_input *input = &request->inputs[i];
        job->texts[i] = (quern_tokens){job->ids + input->first_id, input->result.tokens};
    }
    return job;
}
