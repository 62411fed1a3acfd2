/* Any bytes that a client sends. A head and a body in chunks must be read in the same way however they are split, and
 * nothing beyond them may be read. A body must give an answer in JSON, with a vector for each input where vectors are
 * asked for, or a refusal in JSON with a reason.
 *
 * Input: one byte of flags. Then a whole HTTP request if bit 0 is set, else a body. Bit 1 allows token ids, bit 2 asks
 * for raw vectors, bit 3 reads, tokenises and writes in slices. The upper four bits are the number of the route, among
 * those that have bodies and answers; 15: the next byte is added to it. */
#include "fuzz.h"
#include "../server/http/http.h"
#include "../server/loop/allowed.h"
#include "../server/requests/accept.h"
#include "../server/requests/index_request.h"
#include "../server/requests/respond.h"
#include "../server/requests/routes.h"
#include "../server/requests/request_tokens.h"

#include "model_maker.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IS_HTTP = 1, ALLOW_IDS = 2, RAW = 4, SLICES = 8 };

static quern_model *model;
static struct quern_server_options options = {.default_task = -1, .queue_tokens = 4096,
                                              .max_body = 1 << 16, .queue_bytes = 1 << 28, .index_writable = true};
static struct quern_served served = {.name = "tiny", .info.size = sizeof served.info};
static struct quern_served_index indexes[] = {{.name = "texts", .ids = QUERN_INDEX_NAMES, .chunk.tokens = 40},
                                              {.name = "numbers", .ids = QUERN_INDEX_NUMBERS}};
static struct quern_service service = {.options = &options, .models = &served, .model_count = 1, .indexes = indexes,
                                       .index_count = 2};

/* Makes the model and the service, once for all inputs. */
static void open_service(void)
{
    char path[] = "/tmp/quern-fuzz-XXXXXX";
    const int file = mkstemp(path);
    struct quern_recipe recipe = quern_recipe_tiny();
    const quern_context_options how = {.size = sizeof how, .threads = 1, .step_tokens = 64};
    recipe.context = 48;
    expect(file >= 0 && close(file) == 0 && quern_model_make(path, &recipe, NULL) == QUERN_OK &&
           quern_model_open(&model, path, NULL, NULL) == QUERN_OK &&
           quern_context_new(&served.tokenizer, model, &how, NULL) == QUERN_OK &&
           quern_model_describe(model, &served.info, NULL) == QUERN_OK, "a model can be made");
    served.model = model;
    indexes[0].dimensions = indexes[1].dimensions = served.info.dimensions;
    indexes[0].chunk.size = sizeof indexes[0].chunk;
    unlink(path);
}

/* ---------------------------------------------------------------- HTTP */

/* Decodes stream[size] into body, in pieces of `piece` bytes. *end: where the body ends. */
static int decode(const uint8_t *stream, size_t size, size_t piece, char *body, size_t *length, size_t *end)
{
    struct quern_chunks chunks = {0};
    int code = QUERN_CHUNKS_MORE;
    *length = *end = 0;
    while (code == QUERN_CHUNKS_MORE && *end < size) {
        const size_t part = piece < size - *end ? piece : size - *end;
        size_t got, used;
        char *copy = malloc(part);
        memcpy(copy, stream + *end, part);
        code = quern_chunks_take(&chunks, copy, part, &got, &used);
        expect(used <= part && got <= used && (used == part || code != QUERN_CHUNKS_MORE),
               "chunks stay within their bytes");
        memcpy(body + *length, copy, got);
        free(copy);
        *length += got;
        *end += used;
    }
    return code;
}

static void try_chunks(const uint8_t *data, size_t size)
{
    char *whole = malloc(size + 1), *cut = malloc(size + 1);
    size_t lengths[2], ends[2];
    const int one = decode(data, size, size, whole, &lengths[0], &ends[0]);
    const int other = decode(data, size, 1, cut, &lengths[1], &ends[1]);
    expect(one == other, "chunks are the same in pieces");
    if (one != QUERN_CHUNKS_BAD)
        expect(lengths[0] == lengths[1] && ends[0] == ends[1] && memcmp(whole, cut, lengths[0]) == 0,
               "chunks have the same body in pieces");
    free(whole);
    free(cut);
}

/* Any Host and Origin are compared with lists of all kinds. */
static void try_names(const struct quern_head *head)
{
    static struct quern_allowed origins, hosts;
    const char *origin = quern_head_find(head, "origin"), *host = quern_head_find(head, "host");
    if (origins.count == 0)
        expect(quern_origins_read(&origins, "null, http://a.b:*, https://*.a.example, app://*", NULL) == QUERN_OK &&
                   quern_hosts_read(&hosts, "a.example, *.b.example", NULL) == QUERN_OK, "the lists are good");
    if (origin != NULL)
        expect(!quern_origins_have(&origins, origin) || strstr(origin, "://") != NULL ||
                   strcasecmp(origin, "null") == 0, "an origin that is allowed is one");
    if (host != NULL)
        expect(!quern_hosts_have(&hosts, host, strlen(host)) || strcasestr(host, ".example") != NULL,
               "a host that is allowed is in the list");
}

/* What a client likes is one of the types, and a repaired path needs no repair. */
static void try_wishes(const struct quern_head *head)
{
    static const char *const types[] = {"application/json", "application/octet-stream", "text/html"};
    char path[QUERN_PATH_BYTES], again[QUERN_PATH_BYTES];
    const int best = quern_accept_best(head, types, 3);
    expect(best >= -1 && best < 3, "a type is one of those there are");
    quern_path_read(path, head->path);
    if (strchr(path, '%') != NULL || strstr(path, "//") != NULL || strstr(path, "/v1/") != NULL ||
        strstr(path, "/api/") != NULL || strstr(path, "/openai") != NULL || strstr(path, "/.") != NULL)
        return; /* what stood there twice may be repaired twice */
    quern_path_read(again, path);
    expect(strcmp(path, again) == 0 || path[strlen(path) - 1] == '/' || strlen(path) == QUERN_PATH_BYTES - 1,
           "a path is repaired at once");
}

static void try_http(const uint8_t *data, size_t size)
{
    struct quern_head head;
    const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    const size_t length = end != NULL ? (size_t)(end - data) + 4 : size;
    char *copy = malloc(length + 1);
    memcpy(copy, data, length);
    const int status = quern_head_parse(&head, copy, length);
    expect(status == 0 || (status >= 400 && status <= 505), "a head is read, or refused with a status");
    if (status == 0) {
        expect((head.path[0] == '/' || (strcmp(head.path, "*") == 0 && strcmp(head.method, "OPTIONS") == 0)) &&
                   !(head.chunked && head.has_length), "a head has a path and one length");
        expect(head.is_old || quern_head_find(&head, "host") != NULL, "a head names its host");
        try_names(&head);
        try_wishes(&head);
        for (int i = 0; i < head.field_count; i++)
            expect(strpbrk(head.fields[i].value, "\r\n") == NULL && strpbrk(head.fields[i].name, " :\r\n") == NULL,
                   "a field is one line");
    }
    free(copy);
    try_chunks(data + length, size - length);
}

/* ---------------------------------------------------------------- bodies */

static void check_refusal(const struct quern_request *request, const struct quern_answer *written)
{
    json_t *answer = json_loadb(written->body.data, written->body.length, 0, NULL);
    const json_t *error = json_object_get(answer, "error");
    const struct quern_dialect *dialect = quern_route_dialect(request);
    expect((written->status >= 400 && written->status < 500) || request->index_job.work != QUERN_INDEX_NO_WORK,
           "a client's fault is 4xx");
    if (dialect == &quern_dialect_openai)
        expect(json_is_string(json_object_get(error, "message")) && json_is_string(json_object_get(error, "type")) &&
                   json_object_get(error, "param") != NULL && json_object_get(error, "code") != NULL,
               "a refusal has four keys");
    else if (dialect == &quern_dialect_llama)
        expect(json_integer_value(json_object_get(error, "code")) == written->status, "a refusal has its code");
    else
        expect(json_is_string(error) &&
                   (dialect != &quern_dialect_tei || json_is_string(json_object_get(answer, "error_type"))),
               "a refusal is a string");
    json_decref(answer);
}

static void check_answer(const struct quern_request *request, bool has_vectors, const struct quern_answer *written)
{
    const struct quern_request_options *asked = &request->options;
    const int width = asked->dimensions > 0 ? asked->dimensions : served.info.dimensions;
    expect(written->status == 200, "an answer is 200");
    if (asked->form == QUERN_VECTORS_RAW && has_vectors) {
        expect(written->body.length == request->input_count * quern_encoded_bytes(asked->dtype, width),
               "raw vectors are whole");
        return;
    }
    if (strcmp(written->type, "application/x-ndjson") == 0)
        return;
    json_t *answer = json_loadb(written->body.data, written->body.length, JSON_ALLOW_NUL, NULL);
    expect(answer != NULL, "an answer is JSON");
    if (strcmp(request->route->path, "/v1/embeddings") == 0)
        expect(json_array_size(json_object_get(answer, "data")) == request->input_count, "each input has an object");
    else if (json_is_array(answer))
        expect(json_array_size(answer) == request->input_count - (strcmp(request->route->path, "/similarity") == 0),
               "each input has its part of the answer");
    json_decref(answer);
}

/* The path of route number n (modulo their number) among those that have bodies and answers. */
static const char *path_of(unsigned n)
{
    for (size_t i = 0;; i++) {
        const struct quern_route *route = quern_route_at(i);
        if (route == NULL)
            i = SIZE_MAX;
        else if (route->parse != NULL && route->write != NULL && n-- == 0)
            return route->path;
    }
}

/* The job of a tokenised request, with arbitrary numbers as vectors. */
static struct quern_job *fake_job(struct quern_request *request)
{
    struct quern_job *job = quern_request_make_job(request);
    expect(job != NULL && job->count == request->input_count, "a job has all texts");
    for (size_t i = 0; i < job->count; i++) {
        expect(job->texts[i].count > 0 && job->texts[i].count <= 48, "a text has tokens, and not too many");
        for (int j = 0; j < served.info.dimensions; j++)
            job->vectors[i * (size_t)served.info.dimensions + (size_t)j] = (float)j / 64 - 0.3f;
    }
    return job;
}

/* Tokenises as the loop and its thread do. Returns 1, or -1: refused. */
static int tokenize(struct quern_request *request, size_t slice)
{
    int code = 0;
    while (code == 0 || code == QUERN_TOKENS_AWAY) {
        code = quern_request_tokenize(request, slice);
        if (code == QUERN_TOKENS_AWAY)
            quern_text_job_run(&request->text_job, served.tokenizer);
    }
    return code;
}

/* An index job is prepared, but not done: no index is there. Its parts must be in the body, or in the request. */
static void try_index_job(struct quern_request *request, const struct quern_job *job)
{
    struct quern_index_job *work = &request->index_job;
    if (!quern_request_wants_index(request) || !quern_request_prepare_index(request, job))
        return;
    size_t passages = 0;
    for (size_t i = 0; i < work->text_count; i++) {
        const quern_text name = quern_text_cut_name(&work->texts[i]);
        expect(work->work == QUERN_INDEX_ADD && (name.length > 0 || work->texts[i].is_passage),
               "a text that is added has a name");
        for (size_t k = 0; k < work->texts[i].count; k++) {
            const quern_text part = work->texts[i].passages[k].text, whole = work->texts[i].text;
            expect(part.length > 0 && part.data >= whole.data &&
                       part.data + part.length <= whole.data + whole.length, "a passage is a part of its text");
        }
        passages += work->texts[i].count;
    }
    expect(work->work != QUERN_INDEX_ADD || passages == work->count, "each passage has a vector");
    for (size_t i = 0; i < work->filter.id_count; i++)
        expect(work->filter.ids[i].name.length <= QUERN_INDEX_MOST_NAME, "an id is not too long");
}

static void try_body(const uint8_t *data, size_t size, unsigned flags, unsigned route)
{
    struct quern_request request;
    struct quern_answer answer;
    struct quern_head head = {.method = "POST", .path = path_of(route), .query = ""};
    int code = 0;
    if (flags & RAW)
        head.fields[head.field_count++] = (struct quern_head_field){"accept", "application/octet-stream"};
    options.allow_token_ids = (flags & ALLOW_IDS) != 0;
    quern_request_init(&request, &service, &head);
    quern_answer_init(&answer);
    request.body = malloc(size + 1);
    request.body_length = size;
    memcpy(request.body, data, size);
    expect(quern_route_find(&request), "the route is there");
    while ((code = quern_respond_parse(&request, flags & SLICES ? 1 : SIZE_MAX)) == 0)
        continue;
    if (code == 1)
        code = tokenize(&request, flags & SLICES ? 1 : SIZE_MAX);
    expect((code == 1) == !quern_is_refused(&request), "what is not refused has tokens");
    struct quern_job *job = code == 1 && quern_request_wants_vectors(&request) ? fake_job(&request) : NULL;
    try_index_job(&request, job);
    while (quern_respond_write(&request, job, &answer, flags & SLICES ? 1 : SIZE_MAX) == 0)
        continue;
    expect(!answer.body.failed, "there is an answer");
    if (quern_is_refused(&request))
        check_refusal(&request, &answer);
    else
        check_answer(&request, job != NULL, &answer);
    quern_job_free(job);
    free(request.body);
    quern_request_free(&request);
    expect(service.load.bytes == 0, "all memory that was counted is given back");
    quern_answer_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (model == NULL)
        open_service();
    if (size == 0)
        return 0;
    const unsigned flags = data[0], more = flags >> 4 == 15 && size > 1;
    if (flags & IS_HTTP)
        try_http(data + 1, size - 1);
    else
        try_body(data + 1 + more, size - 1 - more, flags, (flags >> 4) + (more ? data[1] : 0u));
    return 0;
}
