#include "request_tokens.h"

/* What a text costs beside its bytes, as its prompt is tokenised too, and what an id costs: in bytes of a text. */
#define TEXT_COST 1024
#define ID_COST 16

/* ---------------------------------------------------------------- one input */

/* Adds the ids of an input, which were written behind the request's ids. */
static void take_ids(struct quern_request *request, struct quern_request_input *input, quern_result result)
{
    input->result = result;
    input->first_id = request->id_count;
    request->id_count += result.tokens;
}

/* Most tokens of a text: what the model takes, or fewer if the client says so. */
static size_t token_limit(const struct quern_request *request)
{
    const size_t most = (size_t)request->service->info.context_length, asked = request->options.token_limit;
    return asked > 0 && asked < most ? asked : most;
}

/* bound: what stands before the number of tokens: "at least ", or nothing when the number is exact. */
static bool refuse_long(struct quern_request *request, size_t index, const char *bound, size_t tokens)
{
    const size_t limit = token_limit(request);
    quern_refuse(request, QUERN_FAULT_TOO_LONG, NULL,
                 "input %zu has %s%zu tokens, %s %zu: shorten it, or set \"truncate\": true", index, bound, tokens,
                 request->options.token_limit == limit ? "options.num_ctx is" : "the model takes", limit);
    request->refusal.index = index;
    request->refusal.tokens = tokens;
    request->refusal.limit = limit;
    return false;
}

/* Cuts the ids of input i, which are the last of the request's, to what the model takes. */
static bool check_ids(struct quern_request *request, size_t i)
{
    struct quern_request_input *input = &request->inputs[i];
    const size_t limit = token_limit(request), count = input->result.tokens;
    if (count <= limit || request->options.only_tokens)
        return true;
    if (request->options.truncate == 0)
        return refuse_long(request, i, "", count + input->result.truncated);
    const size_t left = quern_truncate_tokens(request->ids + input->first_id, count, limit, request->options.truncate);
    input->result.tokens = (uint32_t)left;
    input->result.truncated += (uint32_t)(count - left);
    request->id_count = input->first_id + left;
    return true;
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
        return quern_refuse_failure(request, code, i);
    take_ids(request, input, result);
    return check_ids(request, i);
}

/* Adds all tokens of a text of input i to the ids. */
static bool add_tokens(struct quern_request *request, size_t i, quern_text text, const quern_embed_options *options)
{
    size_t count = 0, room = text.length / 2 + 64; /* enough for almost every text */
    int code;
    if (text.length > QUERN_TOKENIZE_BYTES)
        return quern_refuse(request, QUERN_FAULT_BODY, NULL,
                            "input %zu has %zu bytes, at most %d are tokenised at once: send it in parts", i,
                            text.length, QUERN_TOKENIZE_BYTES);
    do {
        room = count > room ? count : room;
        if (!quern_request_reserve_ids(request, room))
            return false;
        code = quern_tokenize(request->service->tokenizer, text, options, request->ids + request->id_count, room,
                              &count, NULL);
    } while (code == QUERN_ETOOLONG && count > room);
    if (code != QUERN_OK)
        return quern_refuse_failure(request, code, i);
    request->id_count += count;
    return true;
}

/* Tokenises all of text i, for a client that wants the tokens themselves. */
static bool tokenize_whole(struct quern_request *request, size_t i)
{
    struct quern_request_input *input = &request->inputs[i];
    const quern_embed_options options = {.size = sizeof options, .task = request->options.task,
                                         .flags = request->options.token_flags};
    input->first_id = request->id_count;
    if (!add_tokens(request, i, input->text, &options))
        return false;
    input->result.tokens = (uint32_t)(request->id_count - input->first_id);
    return true;
}

/* Reads one of the ids of input i, or a text that stands among them. */
static bool read_id(struct quern_request *request, size_t i, const struct quern_value *value)
{
    const struct quern_request_input *input = &request->inputs[i];
    const quern_embed_options options = {.size = sizeof options, .flags = input->ids_read > 0 ? QUERN_NO_SPECIAL : 0};
    const int64_t id = quern_value_is(value, QUERN_VALUE_INTEGER) ? quern_value_integer(value) : -1;
    const int vocabulary = request->service->info.vocabulary;
    if (quern_value_is(value, QUERN_VALUE_TEXT) && !request->options.only_tokens)
        return add_tokens(request, i, quern_value_text(value), &options);
    if (id < 0 || id >= vocabulary)
        return quern_refuse(request, QUERN_FAULT_VALUE, input->param, "input %zu must contain only token ids, integers "
                            "from 0 to %d, but item %zu of it is %s", i, vocabulary - 1, input->ids_read,
                            quern_value_is(value, QUERN_VALUE_INTEGER) ? "another one" : quern_value_kind_name(value));
    if (!quern_request_reserve_ids(request, 1))
        return false;
    request->ids[request->id_count++] = (int32_t)id;
    return true;
}

/* Reads at most so many ids of input i. 0: there are more; 1: all are read, and cut; -1: refused. */
static int read_ids(struct quern_request *request, size_t i, size_t most)
{
    struct quern_request_input *input = &request->inputs[i];
    if (input->ids_read == 0 && !quern_request_reserve_ids(request, input->result.tokens))
        return -1;
    if (input->ids_read == 0)
        input->first_id = request->id_count;
    for (size_t cost; most > 0 && input->next_id != NULL; most -= cost < most ? cost : most) {
        if (!read_id(request, i, input->next_id))
            return -1;
        cost = 1 + quern_value_text(input->next_id).length / ID_COST;
        input->next_id = quern_value_next(input->next_id);
        input->ids_read++;
    }
    input->result.tokens = (uint32_t)(request->id_count - input->first_id);
    return input->next_id != NULL ? 0 : check_ids(request, i) ? 1 : -1;
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
           quern_refuse(request, QUERN_FAULT_MANY, NULL,
                        "the inputs have at least %zu tokens together, a request may have %d: send fewer at once",
                        tokens, most);
}

/* Tokenises input i, or reads at most so many of its ids. 0: there are more; 1: done; -1: refused. */
static int tokenize_input(struct quern_request *request, size_t i, size_t most_ids)
{
    if (request->inputs[i].is_ids)
        return read_ids(request, i, most_ids);
    return (request->options.only_tokens ? tokenize_whole(request, i) : tokenize_text(request, i)) ? 1 : -1;
}

int quern_request_tokenize(struct quern_request *request, size_t slice)
{
    for (size_t done = 0; request->tokenized < request->input_count && done < slice;) {
        const struct quern_request_input *input = &request->inputs[request->tokenized];
        const int code = tokenize_input(request, request->tokenized, 1 + (slice - done) / ID_COST);
        if (code <= 0)
            return code;
        request->tokenized++;
        request->token_count += input->result.tokens;
        if (!check_total(request))
            return -1;
        done += TEXT_COST + input->text.length + input->title.length + ID_COST * input->ids_read;
    }
    return request->tokenized == request->input_count;
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
        quern_refuse_memory(request);
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
