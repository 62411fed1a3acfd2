/* One client of a load. It sends good requests, and sometimes behaves like a faulty client. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <sys/socket.h>

#define ANSWER_MS 120000

enum fault {
    LEAVES_EARLY,
    HALF_A_HEAD,
    HALF_A_BODY,
    LEAVES_AMID_ANSWER,
    WRITES_SLOWLY,
    READS_SLOWLY,
    FAULTS,
    NO_FAULT
};

static uint64_t below(struct quern_load_client *client, uint64_t bound)
{
    client->random = client->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (client->random >> 33) % bound;
}

static void note_time(struct quern_load_client *client, double milliseconds)
{
    if ((size_t)client->good == client->capacity) {
        size_t capacity = client->capacity ? 2 * client->capacity : 4096;
        float *times = realloc(client->times, capacity * sizeof *times);
        if (!times)
            return;
        client->times = times;
        client->capacity = capacity;
    }
    client->times[client->good++] = (float)milliseconds;
}

static void reset(struct quern_load_client *client)
{
    setsockopt(client->wire.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    quern_wire_close(&client->wire);
}

/* Sends a request in the way of a fault. False: the client has left, or the server has closed the connection. */
static bool send_with(struct quern_load_client *client, enum fault fault, const char *message, size_t length)
{
    size_t head = (size_t)(strstr(message, "\r\n\r\n") - message) + 4, part = length;
    if (fault == HALF_A_HEAD)
        part = 1 + below(client, head - 2);
    else if (fault == HALF_A_BODY)
        part = head + below(client, length - head);
    if (fault == WRITES_SLOWLY)
        for (size_t step = length / 20 + 1; part > step; part -= step, message += step) {
            if (!quern_wire_send(&client->wire, message, step, ANSWER_MS))
                return false;
            usleep((useconds_t)(1000 * below(client, 20)));
        }
    if (!quern_wire_send(&client->wire, message, part, ANSWER_MS))
        return false;
    if (fault == LEAVES_EARLY || fault == LEAVES_AMID_ANSWER || fault == HALF_A_HEAD || fault == HALF_A_BODY) {
        usleep((useconds_t)(1000 * below(client, 30)));
        if (fault == LEAVES_AMID_ANSWER) { /* after some bytes of the answer, or before any */
            char bytes[16];
            recv(client->wire.fd, bytes, sizeof bytes, MSG_DONTWAIT);
        }
        if (below(client, 2))
            reset(client);
        quern_wire_close(&client->wire);
        client->broken_off++;
        return false;
    }
    if (fault == READS_SLOWLY)
        usleep((useconds_t)(1000 * below(client, 300)));
    return true;
}

static void blame(struct quern_load_client *client, long *count, const char *what,
                  const struct quern_wire_answer *answer)
{
    if (!client->complaint[0])
        snprintf(client->complaint, sizeof client->complaint, "%s %d %.180s", what, answer->status,
                 answer->body ? answer->body : "");
    ++*count;
}

/* Sends one request. True: it is finished, well or not; false: it may be sent again. */
static bool ask(struct quern_load_client *client, const struct quern_load_request *request, enum fault fault)
{
    struct quern_load_plan *load = client->load;
    struct quern_wire_answer answer = {0};
    long id = ++load->ids, broken_off = client->broken_off;
    size_t length;
    char *message = quern_load_message(load, request, id, &length);
    int64_t begin = quern_wire_now_ns();
    bool over = true;
    if (!message || (client->wire.fd < 0 && !quern_wire_open(&client->wire, load->address))) {
        client->away++;
        free(message);
        return false;
    }
    if (!send_with(client, fault, message, length)) {
        over = client->broken_off > broken_off;
        client->lost += !over;
        quern_wire_close(&client->wire);
        free(message);
        return over;
    }
    enum quern_outcome outcome = quern_wire_receive(&client->wire, &answer, false, ANSWER_MS);
    int64_t end = quern_wire_now_ns();
    if (outcome != QUERN_ANSWERED) {
        client->lost++;
        over = false;
    } else if (answer.status == 429 || answer.status == 503) {
        client->refused++;
        over = false;
    } else if (answer.status != 200) {
        blame(client, &client->wrong_status, "answered", &answer);
    } else if (quern_load_is_right(load, request, id, &answer, client->complaint)) {
        client->tokens += request->tokens;
        note_time(client, (double)(end - begin) * 1e-6);
    } else {
        client->wrong_vector++;
    }
    if (outcome == QUERN_ANSWERED && quern_wire_has_surplus(&client->wire))
        blame(client, &client->twice, "more came after", &answer);
    if (outcome != QUERN_ANSWERED || answer.closes)
        quern_wire_close(&client->wire);
    quern_wire_answer_free(&answer);
    free(message);
    return over;
}

void *quern_load_live(void *pointer)
{
    struct quern_load_client *client = pointer;
    struct quern_load_plan *load = client->load;
    while (!load->ending) {
        const struct quern_load_request *request = &load->list[below(client, (uint64_t)load->requests)];
        bool faulty = below(client, 100) < (uint64_t)load->fault_percent;
        enum fault fault = faulty ? (enum fault)below(client, FAULTS) : NO_FAULT;
        int64_t deadline = quern_wire_now_ms() + 1000 * load->retry_seconds;
        useconds_t pause = 10000;
        while (!ask(client, request, fault) && quern_wire_now_ms() < deadline) {
            client->retried++;
            usleep(pause);
            pause = pause < 500000 ? 2 * pause : pause;
            fault = NO_FAULT;
        }
    }
    quern_wire_close(&client->wire);
    return NULL;
}
