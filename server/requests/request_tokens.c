/* A function that returns int returns 1: done; 0: there is more to do; -1: refused; QUERN_TOKENS_AWAY. */
#include "request_tokens.h"

#include "answer_tokens.h"

#include <stdlib.h>

/* What a text costs beside its bytes, as its prompt is tokenised too, and what an id costs: in bytes of a text. */
#define TEXT_COST 1024
#define ID_COST 16

#define SHORT_TEXT 2048 /* most bytes of a text that the loop tokenises itself: the worst ones take 0.7 µs a byte */

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
    const size_t most = (size_t)request->served->info.context_length, asked = request->options.token_limit;
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

/* Refuses inputs that have so many tokens together, if these are too many. */
static bool check_total(struct quern_request *request, size_t tokens)
{
    int most = request->service->options->queue_tokens;
    if (request->options.only_tokens && most > QUERN_TOKENIZE_TOKENS)
        most = QUERN_TOKENIZE_TOKENS;
    return tokens <= (size_t)most ||
           quern_refuse(request, QUERN_FAULT_MANY, NULL,
                        "the inputs have at least %zu tokens together, a request may have %d: send fewer at once",
                        tokens, most);
}

/* Does the request's text job. 1: it is done; QUERN_TOKENS_AWAY: the text is long, so another thread must do it; then
 * the function that asked for it is called again, and goes on with what was done. */
static int do_job(struct quern_request *request)
{
    struct quern_text_job *job = &request->text_job;
    if (!job->is_done && job->text.length + job->options.title.length > SHORT_TEXT)
        return QUERN_TOKENS_AWAY;
    if (!job->is_done)
        quern_text_job_run(job, request->served->tokenizer);
    job->is_done = false;
    return 1;
}

/* Tokenises text i to embed it. */
static int tokenize_text(struct quern_request *request, size_t i)
{
    struct quern_request_input *input = &request->inputs[i];
    struct quern_text_job *job = &request->text_job;
    const size_t limit = (size_t)request->served->info.context_length;
    if (!job->is_done) {
        if (!quern_request_reserve_ids(request, limit))
            return -1;
        *job = (struct quern_text_job){
            .work = QUERN_TEXT_PREPARE, .text = input->text, .ids = request->ids + request->id_count,
            .capacity = limit, .options = {.size = sizeof job->options, .task = request->options.task,
                                           .title = input->title, .flags = request->options.truncate}};
    }
    const int away = do_job(request);
    if (away != 1)
        return away;
    if (job->code == QUERN_ETOOLONG)
        refuse_long(request, i, job->result.at_least ? "at least " : "", job->result.tokens);
    else if (job->code == QUERN_EINVAL) /* the text: arguments were checked before */
        quern_refuse(request, QUERN_FAULT_EMPTY, NULL, "input %zu has no tokens", i);
    else if (job->code != QUERN_OK)
        quern_refuse_failure(request, job->code, i);
    if (job->code != QUERN_OK)
        return -1;
    take_ids(request, input, job->result);
    return check_ids(request, i) ? 1 : -1;
}

/* Adds all tokens of a text of input i to the ids. */
static int add_tokens(struct quern_request *request, size_t i, quern_text text, unsigned flags)
{
    struct quern_text_job *job = &request->text_job;
    size_t room = text.length / 2 + 64; /* enough for almost every text */
    int code = 1;
    if (text.length > QUERN_TOKENIZE_BYTES) {
        quern_refuse(request, QUERN_FAULT_BODY, NULL,
                     "input %zu has %zu bytes, at most %d are tokenised at once: send it in parts", i, text.length,
                     QUERN_TOKENIZE_BYTES);
        return -1;
    }
    do {
        if (!job->is_done) {
            if (!quern_request_reserve_ids(request, room))
                return -1;
            *job = (struct quern_text_job){
                .work = QUERN_TEXT_TOKENIZE, .text = text, .ids = request->ids + request->id_count, .capacity = room,
                .options = {.size = sizeof job->options, .task = request->options.task, .flags = flags}};
        }
        code = do_job(request);
        if (code != 1)
            return code;
        room = job->result.tokens;
    } while (job->code == QUERN_ETOOLONG && room > job->capacity);
    if (job->code != QUERN_OK) {
        quern_refuse_failure(request, job->code, i);
        return -1;
    }
    request->id_count += job->result.tokens;
    return 1;
}

/* Finds where the tokens of input i stand in its text. */
static int find_places(struct quern_request *request, size_t i)
{
    struct quern_request_input *input = &request->inputs[i];
    struct quern_text_job *job = &request->text_job;
    const size_t count = input->result.tokens;
    if (!job->is_done) {
        input->places = quern_request_claim(request, count * sizeof *input->places)
                            ? calloc(count + 1, sizeof *input->places)
                            : NULL;
        if (input->places == NULL) {
            quern_refuse_memory(request);
            return -1;
        }
        *job = (struct quern_text_job){
            .work = QUERN_TEXT_PLACES, .text = input->text, .ids = request->ids + input->first_id, .capacity = count,
            .places = input->places, .options = {.size = sizeof job->options, .task = request->options.task,
                                                 .flags = request->options.token_flags}};
    }
    const int code = do_job(request);
    if (code == 1 && job->code != QUERN_OK) {
        quern_refuse_failure(request, job->code, i);
        return -1;
    }
    return code;
}

/* Tokenises all of text i, for a client that wants the tokens themselves. */
static int tokenize_whole(struct quern_request *request, size_t i)
{
    struct quern_request_input *input = &request->inputs[i];
    if (input->places != NULL)
        return find_places(request, i);
    input->first_id = request->id_count;
    const int code = add_tokens(request, i, input->text, request->options.token_flags);
    if (code != 1)
        return code;
    input->result.tokens = (uint32_t)(request->id_count - input->first_id);
    if (!request->options.wants_places)
        return 1;
    return check_total(request, request->token_count + input->result.tokens) ? find_places(request, i) : -1;
}

/* Refuses token ids whose text, with that of this id, has more bytes than a body may have. */
static bool check_text(struct quern_request *request, int32_t id)
{
    const size_t most = (size_t)request->service->options->max_body;
    request->text_bytes += quern_tokens_text_length(request->served, &id, 1, request->options.token_flags);
    return request->text_bytes <= most ||
           quern_refuse(request, QUERN_FAULT_BODY, NULL, "the text of these tokens has more than %zu bytes: send "
                        "fewer at once", most);
}

/* Reads one of the ids of input i, or a text that stands among them. */
static int read_id(struct quern_request *request, size_t i, const struct quern_value *value)
{
    const struct quern_request_input *input = &request->inputs[i];
    const int64_t id = quern_value_is(value, QUERN_VALUE_INTEGER) ? quern_value_integer(value) : -1;
    const int vocabulary = request->served->info.vocabulary;
    if (quern_value_is(value, QUERN_VALUE_TEXT) && !request->options.only_tokens)
        return add_tokens(request, i, quern_value_text(value), input->ids_read > 0 ? QUERN_NO_SPECIAL : 0);
    if (id < 0 || id >= vocabulary) {
        quern_refuse(request, QUERN_FAULT_VALUE, input->param, "input %zu must contain only token ids, integers "
                     "from 0 to %d, but item %zu of it is %s", i, vocabulary - 1, input->ids_read,
                     quern_value_is(value, QUERN_VALUE_INTEGER) ? "another one" : quern_value_kind_name(value));
        return -1;
    }
    if (!quern_request_reserve_ids(request, 1))
        return -1;
    request->ids[request->id_count++] = (int32_t)id;
    return !request->options.only_tokens || check_text(request, (int32_t)id) ? 1 : -1;
}

/* Reads at most so many ids of input i. 0: there are more; 1: all are read, and cut. */
static int read_ids(struct quern_request *request, size_t i, size_t most)
{
    struct quern_request_input *input = &request->inputs[i];
    if (input->ids_read == 0 && !request->text_job.is_done) {
        const size_t count = input->result.tokens;
        if ((request->options.only_tokens && !check_total(request, request->token_count + count)) ||
            !quern_request_reserve_ids(request, count))
            return -1;
        input->first_id = request->id_count;
    }
    for (size_t cost; most > 0 && input->next_id != NULL; most -= cost < most ? cost : most) {
        const int code = read_id(request, i, input->next_id);
        if (code != 1)
            return code;
        cost = 1 + quern_value_text(input->next_id).length / ID_COST;
        input->next_id = quern_value_next(input->next_id);
        input->ids_read++;
    }
    if (input->next_id != NULL)
        return 0;
    input->result.tokens = (uint32_t)(request->id_count - input->first_id);
    return check_ids(request, i) ? 1 : -1;
}

/* ---------------------------------------------------------------- all inputs */

/* Tokenises input i, or reads at most so many of its ids. */
static int tokenize_input(struct quern_request *request, size_t i, size_t most_ids)
{
    if (request->inputs[i].is_ids)
        return read_ids(request, i, most_ids);
    return request->options.only_tokens ? tokenize_whole(request, i) : tokenize_text(request, i);
}

int quern_request_tokenize(struct quern_request *request, size_t slice)
{
    const int cut = quern_request_cut(request);
    if (cut != 1)
        return cut;
    for (size_t done = 0; request->tokenized < request->input_count && done < slice;) {
        const struct quern_request_input *input = &request->inputs[request->tokenized];
        const int code = tokenize_input(request, request->tokenized, 1 + (slice - done) / ID_COST);
        if (code != 1)
            return code;
        request->tokenized++;
        request->token_count += input->result.tokens;
        if (!check_total(request, request->token_count))
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
    struct quern_job *job = quern_job_new(count, (size_t)request->served->info.dimensions);
    if (job == NULL) {
        quern_refuse_memory(request);
        return NULL;
    }
    job->engine = &request->served->engine;
    job->ids = request->ids;
    request->ids = NULL;
    request->id_count = request->id_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        const struct quern_request_input *input = &request->inputs[i];
        job->texts[i] = (quern_tokens){job->ids + input->first_id, input->result.tokens};
    }
    return job;
}
