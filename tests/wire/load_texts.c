/* Makes the requests of a load, and checks the answers. */
#include "base/count.h"
#include "load.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 120000

static char *make_body(const struct quern_load_plan *load, uint64_t random)
{
    static const char *const words[] = {"river",  "stone", "bread", "window", "letter",  "garden", "winter", "music",
                                        "before", "cloud", "the",   "of",     "harbour", "market", "under",  "every"};
    json_t *texts = json_array();
    char text[16384];
    for (int i = 0; i < load->texts; i++) {
        size_t length = 0;
        for (int j = 0; j < load->words && length < sizeof text - 16; j++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", j ? " " : "",
                                       words[(random >> 33) % QUERN_COUNT(words)]);
        }
        json_array_append_new(texts, json_stringn(text, length));
    }
    json_t *object = json_pack("{s:s, s:s, s:o}", "model", load->model, "encoding_format", "base64", "input", texts);
    char *body = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return body;
}

char *quern_load_message(struct quern_load_plan *load, const struct quern_load_request *request, long id,
                         size_t *length)
{
    char *message = malloc(request->length + 1024);
    if (!message)
        return NULL;
    int head = snprintf(message, 1024, "POST %.128s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\nX-Request-Id: load-%ld\r\n%s%.512s%s\r\n",
                        load->path, request->length, id, load->key ? "Authorization: Bearer " : "",
                        load->key ? load->key : "", load->key ? "\r\n" : "");
    memcpy(message + head, request->body, request->length);
    *length = (size_t)head + request->length;
    return message;
}

/* Finds the vectors of an answer, [texts], which stay the answer's. False: their number or order is wrong. */
static bool vectors_of(const json_t *answer, int texts, const char **vectors)
{
    const json_t *data = json_object_get(answer, "data");
    if ((int)json_array_size(data) != texts)
        return false;
    for (int i = 0; i < texts; i++) {
        const json_t *item = json_array_get(data, (size_t)i);
        vectors[i] = json_string_value(json_object_get(item, "embedding"));
        if (json_integer_value(json_object_get(item, "index")) != i || !vectors[i])
            return false;
    }
    return true;
}

static bool learn_one(struct quern_load_plan *load, struct quern_load_request *request, struct quern_wire *wire)
{
    struct quern_wire_answer answer = {0};
    size_t length;
    char *message = quern_load_message(load, request, 0, &length);
    const char **vectors = calloc((size_t)load->texts, sizeof *vectors);
    request->expected = calloc((size_t)load->texts, sizeof *request->expected);
    bool good = message && vectors && request->expected && quern_wire_send(wire, message, length, ANSWER_MS) &&
                quern_wire_receive(wire, &answer, false, ANSWER_MS) == QUERN_ANSWERED && answer.status == 200;
    json_t *json = good ? json_loadb(answer.body, answer.body_length, 0, NULL) : NULL;
    good = json && vectors_of(json, load->texts, vectors);
    for (int i = 0; good && i < load->texts; i++)
        good = (request->expected[i] = strdup(vectors[i])) != NULL;
    if (good)
        request->tokens = (long)json_integer_value(json_object_get(json_object_get(json, "usage"), "prompt_tokens"));
    else
        fprintf(stderr, "wire: the quiet pass got %d: %.300s\n", answer.status,
                answer.body ? answer.body : "no answer");
    json_decref(json);
    quern_wire_answer_free(&answer);
    free(vectors);
    free(message);
    return good;
}

bool quern_load_learn(struct quern_load_plan *load)
{
    struct quern_wire wire;
    load->list = calloc((size_t)load->requests, sizeof *load->list);
    bool good = load->list && quern_wire_open(&wire, load->address);
    if (!good)
        fprintf(stderr, "wire: nobody listens at %s\n", load->address);
    for (int i = 0; good && i < load->requests; i++) {
        load->list[i].body = make_body(load, load->seed * 1000 + (uint64_t)i);
        load->list[i].length = strlen(load->list[i].body);
        good = learn_one(load, &load->list[i], &wire);
    }
    if (load->list)
        quern_wire_close(&wire);
    return good;
}

void quern_load_forget(struct quern_load_plan *load)
{
    for (int i = 0; load->list && i < load->requests; i++) {
        for (int j = 0; load->list[i].expected && j < load->texts; j++)
            free(load->list[i].expected[j]);
        free(load->list[i].expected);
        free(load->list[i].body);
    }
    free(load->list);
}

bool quern_load_is_right(const struct quern_load_plan *load, const struct quern_load_request *request, long id,
                         const struct quern_wire_answer *answer, char complaint[256])
{
    char field[64], wanted[64];
    if (!load->check)
        return true;
    snprintf(wanted, sizeof wanted, "load-%ld", id);
    if (!quern_answer_field(answer, "x-request-id", field, sizeof field) || strcmp(field, wanted) != 0) {
        snprintf(complaint, 256, "the answer to %s has another id", wanted);
        return false;
    }
    json_t *json = json_loadb(answer->body, answer->body_length, 0, NULL);
    const char **vectors = calloc((size_t)load->texts, sizeof *vectors);
    bool good = vectors && vectors_of(json, load->texts, vectors);
    if (!good)
        snprintf(complaint, 256, "the answer to %s has not %d vectors in order", wanted, load->texts);
    for (int i = 0; good && i < load->texts; i++) {
        good = strcmp(vectors[i], request->expected[i]) == 0;
        if (!good)
            snprintf(complaint, 256, "vector %d of the answer to %s is another one than in the quiet pass", i, wanted);
    }
    free(vectors);
    json_decref(json);
    return good;
}
