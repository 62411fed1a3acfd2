/* Sends requests that the server must refuse, and checks the answers: a status 4xx, 501 (an unknown coding), 505 (an
 * unknown version) or a close; never another status 5xx, no answer, or two answers. Afterwards the server must still
 * give the same vector as before. */
#include "client.h"
#include "mutations.h"
#include "wire.h"

#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

#define PATIENCE_MS 300   /* then the client closes its side: what was sent may look like a part of a request */
#define ANSWER_MS 60000
#define MOST_COMPLAINTS 20 /* that are printed */

struct siege {
    const char *address;
    uint64_t seed;
    long count;
    bool show;
    atomic_long next, refused, closed, passed, wrong;
    pthread_mutex_t lock; /* of standard output */
};

static const char probe[] = "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            "Content-Length: 27\r\n\r\n{\"model\":\"one\",\"input\":\"a\"}";

/* The answer to a good request, or NULL. */
static char *ask_good(const char *address)
{
    struct quern_wire wire;
    struct quern_wire_answer answer = {0};
    char *body = NULL;
    if (quern_wire_open(&wire, address) && quern_wire_send(&wire, probe, sizeof probe - 1, ANSWER_MS) &&
        quern_wire_receive(&wire, &answer, false, ANSWER_MS) == QUERN_ANSWERED && answer.status == 200)
        body = strdup(answer.body);
    quern_wire_answer_free(&answer);
    quern_wire_close(&wire);
    return body;
}

static void show_request(const struct quern_mutation *mutation)
{
    for (size_t i = 0; i < mutation->length && i < 600; i++) {
        unsigned char byte = (unsigned char)mutation->data[i];
        if (byte == '\r' || byte == '\n')
            fputs(byte == '\r' ? "\\r" : "\\n", stdout);
        else
            printf(byte >= ' ' && byte < 127 ? "%c" : "\\x%02x", byte);
    }
    puts("");
}

static void blame(struct siege *siege, long number, const struct quern_mutation *mutation, const char *what,
                  const struct quern_wire_answer *answer)
{
    const char *body = answer->body ? answer->body : "";
    if (siege->wrong++ >= MOST_COMPLAINTS)
        return;
    pthread_mutex_lock(&siege->lock);
    printf("request %ld (%s): %s", number, mutation->kind, what);
    if (answer->status)
        printf(" %d %.*s", answer->status, (int)strcspn(body, "\n"), body);
    puts("");
    if (siege->show)
        show_request(mutation);
    pthread_mutex_unlock(&siege->lock);
}

/* Reads one answer to a mutation. NULL: it was correct, and *goes_on says whether another answer may follow. */
static const char *judge(struct siege *siege, struct quern_wire *wire, const struct quern_mutation *mutation, int at,
                         struct quern_wire_answer *answer, bool *goes_on)
{
    enum quern_outcome outcome = quern_wire_receive(wire, answer, false, ANSWER_MS);
    bool before = at < mutation->good_before;
    *goes_on = outcome == QUERN_ANSWERED && before;
    if (outcome == QUERN_SILENT)
        return "no answer";
    if (outcome == QUERN_GARBAGE)
        return "an answer that is none:";
    if (outcome == QUERN_CLOSED) {
        if (before)
            return "a good request in front was not answered";
        siege->closed++;
        return NULL;
    }
    if (answer->status >= 500 && answer->status != 501 && answer->status != 505)
        return "answered";
    if (before)
        return answer->status == 200 ? NULL : "a good request in front was refused:";
    if (answer->status < 400 && !mutation->may_pass)
        return "accepted:";
    *(answer->status < 400 ? &siege->passed : &siege->refused) += 1;
    return NULL;
}

static void attack(struct siege *siege, long number)
{
    struct quern_mutation mutation;
    struct quern_wire_answer answer = {0};
    struct quern_wire wire;
    const char *wrong = NULL;
    bool goes_on = true;
    if (!quern_mutation_make(&mutation, siege->seed * 1000003 + (uint64_t)number))
        exit(1);
    if (!quern_wire_open(&wire, siege->address)) {
        blame(siege, number, &mutation, "nobody listens", &answer);
        free(mutation.data);
        return;
    }
    quern_wire_send(&wire, mutation.data, mutation.length, ANSWER_MS); /* refused before its end, perhaps */
    struct pollfd readable = {wire.fd, POLLIN, 0};
    for (int at = 0; goes_on && !wrong; at++) {
        /* Not earlier: the server would think that the client has left, and drop its work. */
        if (at == mutation.good_before && (mutation.breaks_off || poll(&readable, 1, PATIENCE_MS) == 0))
            shutdown(wire.fd, SHUT_WR);
        quern_wire_answer_free(&answer);
        wrong = judge(siege, &wire, &mutation, at, &answer, &goes_on);
    }
    if (!wrong && answer.status && !mutation.may_pass) { /* a second answer: a hidden request was accepted */
        shutdown(wire.fd, SHUT_WR);
        quern_wire_answer_free(&answer);
        if (quern_wire_receive(&wire, &answer, false, ANSWER_MS) != QUERN_CLOSED)
            wrong = "another answer, or none and no close:";
    }
    if (wrong)
        blame(siege, number, &mutation, wrong, &answer);
    quern_wire_answer_free(&answer);
    quern_wire_close(&wire);
    free(mutation.data);
}

static void *besiege(void *pointer)
{
    struct siege *siege = pointer;
    for (long number; (number = siege->next++) < siege->count;)
        attack(siege, number);
    return NULL;
}

static bool read_options(struct siege *siege, int *jobs, int argc, char **argv)
{
    static const struct option options[] = {
        {"count", required_argument, NULL, 'c'}, {"seed", required_argument, NULL, 's'},
        {"jobs", required_argument, NULL, 'j'},  {"show", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'c': siege->count = atol(optarg); break;
        case 's': siege->seed = strtoull(optarg, NULL, 10); break;
        case 'j': *jobs = atoi(optarg); break;
        case 'v': siege->show = true; break;
        default: return false;
        }
    siege->address = argv[optind];
    return optind == argc - 1 && *jobs > 0 && *jobs <= 256;
}

int quern_wire_hostile(int argc, char **argv)
{
    struct siege siege = {.seed = 1, .count = 10000, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[256];
    int jobs = 16, started = 0;
    if (!read_options(&siege, &jobs, argc, argv))
        return 2;
    char *before = ask_good(siege.address);
    while (before && started < jobs && pthread_create(&threads[started], NULL, besiege, &siege) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    char *after = ask_good(siege.address);
    bool stands = before && after && strcmp(before, after) == 0;
    printf("%ld requests: %ld refused, %ld closed, %ld still good, %ld wrong; %s\n", siege.count, siege.refused,
           siege.closed, siege.passed, siege.wrong,
           !before  ? "the server did not answer a good one"
           : stands ? "the server still gives the same vector"
                    : "the server does not give the same vector any more");
    free(before);
    free(after);
    return stands && started && !siege.wrong ? 0 : 1;
}
