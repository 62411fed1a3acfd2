/* Runs many clients at once for some seconds. Counts and times the answers, and checks that each is correct. */
#include "load.h"
#include "wire.h"

#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct figures {
    double seconds, p50, p99, most; /* of times, in ms */
    long good, refused, tokens, broken_off, lost, away, retried, wrong_status, wrong_vector, twice;
    long before_kb, after_kb; /* anonymous memory of the server */
    char complaint[256];
};

/* Anonymous memory of a process in kB, swapped memory included; 0: unknown. */
static long anonymous_kb(long pid)
{
    char path[64], line[256];
    long sum = 0, value;
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    FILE *in = pid ? fopen(path, "r") : NULL;
    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "RssAnon: %ld", &value) == 1 || sscanf(line, "VmSwap: %ld", &value) == 1)
            sum += value;
    if (in)
        fclose(in);
    return sum;
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void sum_up(struct figures *figures, struct quern_load_client *clients, int count)
{
    float *all = NULL;
    for (int i = 0; i < count; i++) {
        struct quern_load_client *client = &clients[i];
        float *grown = realloc(all, ((size_t)(figures->good + client->good) + 1) * sizeof *all);
        if (!grown)
            break;
        all = grown;
        if (client->good)
            memcpy(all + figures->good, client->times, (size_t)client->good * sizeof *all);
        figures->good += client->good;
        figures->refused += client->refused;
        figures->tokens += client->tokens;
        figures->broken_off += client->broken_off;
        figures->lost += client->lost;
        figures->away += client->away;
        figures->retried += client->retried;
        figures->wrong_status += client->wrong_status;
        figures->wrong_vector += client->wrong_vector;
        figures->twice += client->twice;
        if (client->complaint[0] && !figures->complaint[0])
            memcpy(figures->complaint, client->complaint, sizeof figures->complaint);
    }
    if (figures->good) {
        qsort(all, (size_t)figures->good, sizeof *all, by_size);
        figures->p50 = (double)all[(figures->good - 1) / 2];
        figures->p99 = (double)all[(figures->good - 1) * 99 / 100];
        figures->most = (double)all[figures->good - 1];
    }
    free(all);
}

static void print_json(const struct quern_load_plan *load, const struct figures *figures)
{
    json_t *object = json_pack(
        "{s:i, s:i, s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
        "clients", load->clients, "texts", load->texts, "seconds", figures->seconds,
        "requests", (json_int_t)figures->good,
        "requests_per_s", (double)figures->good / figures->seconds,
        "texts_per_s", (double)figures->good * load->texts / figures->seconds,
        "tokens_per_s", (double)figures->tokens / figures->seconds,
        "p50_ms", figures->p50, "p99_ms", figures->p99, "max_ms", figures->most,
        "refused", (json_int_t)figures->refused, "broken_off", (json_int_t)figures->broken_off,
        "lost", (json_int_t)figures->lost, "away", (json_int_t)figures->away,
        "retried", (json_int_t)figures->retried,
        "wrong_status", (json_int_t)figures->wrong_status, "wrong_vector", (json_int_t)figures->wrong_vector,
        "answered_twice", (json_int_t)figures->twice, "anonymous_kb_before", (json_int_t)figures->before_kb,
        "anonymous_kb_after", (json_int_t)figures->after_kb, "complaint", figures->complaint);
    json_dumpf(object, stdout, JSON_INDENT(2));
    puts("");
    json_decref(object);
}

static void print_text(const struct quern_load_plan *load, const struct figures *figures)
{
    printf("%d clients, %d texts a request, %.1f s\n", load->clients, load->texts, figures->seconds);
    printf("requests/s   %10.1f\n", (double)figures->good / figures->seconds);
    printf("texts/s      %10.1f\n", (double)figures->good * load->texts / figures->seconds);
    printf("tokens/s     %10.1f\n", (double)figures->tokens / figures->seconds);
    printf("p50, p99, max %9.2f %9.2f %9.2f ms\n", figures->p50, figures->p99, figures->most);
    printf("%ld good, %ld refused by a server that is full, %ld broken off by clients\n", figures->good,
           figures->refused, figures->broken_off);
    printf("%ld lost when sent, %ld not sent as nobody listened, %ld sent again\n", figures->lost, figures->away,
           figures->retried);
    printf("wrong: %ld by status, %ld by vector, %ld answered twice\n", figures->wrong_status, figures->wrong_vector,
           figures->twice);
    if (load->pid)
        printf("anonymous memory %ld kB before, %ld kB after\n", figures->before_kb, figures->after_kb);
    if (figures->complaint[0])
        printf("the first that was wrong: %s\n", figures->complaint);
}

static void let_live(struct quern_load_plan *load, struct quern_load_client *clients, struct figures *figures)
{
    pthread_t *threads = calloc((size_t)load->clients, sizeof *threads);
    int started = 0;
    int64_t begin = quern_wire_now_ms();
    while (threads && started < load->clients) {
        clients[started] = (struct quern_load_client){
            .load = load, .wire.fd = -1, .random = load->seed * 7919 + (uint64_t)started + 1};
        if (pthread_create(&threads[started], NULL, quern_load_live, &clients[started]) != 0)
            break;
        started++;
    }
    nanosleep(&(struct timespec){(time_t)load->seconds, (long)(load->seconds * 1e9) % 1000000000}, NULL);
    load->ending = true;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    figures->seconds = (double)(quern_wire_now_ms() - begin) / 1000;
    sum_up(figures, clients, started);
    for (int i = 0; i < started; i++)
        free(clients[i].times);
    free(threads);
}

static bool read_options(struct quern_load_plan *load, int argc, char **argv)
{
    static const struct option options[] = {
        {"clients", required_argument, NULL, 'c'},  {"seconds", required_argument, NULL, 's'},
        {"texts", required_argument, NULL, 't'},    {"words", required_argument, NULL, 'w'},
        {"requests", required_argument, NULL, 'r'}, {"faults", required_argument, NULL, 'f'},
        {"retry", required_argument, NULL, 'y'},    {"pid", required_argument, NULL, 'p'},
        {"model", required_argument, NULL, 'm'},    {"key", required_argument, NULL, 'k'},
        {"path", required_argument, NULL, 'a'},     {"seed", required_argument, NULL, 'd'},
        {"no-check", no_argument, NULL, 'n'},       {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'c': load->clients = atoi(optarg); break;
        case 's': load->seconds = atof(optarg); break;
        case 't': load->texts = atoi(optarg); break;
        case 'w': load->words = atoi(optarg); break;
        case 'r': load->requests = atoi(optarg); break;
        case 'f': load->fault_percent = atoi(optarg); break;
        case 'y': load->retry_seconds = atoi(optarg); break;
        case 'p': load->pid = atol(optarg); break;
        case 'm': load->model = optarg; break;
        case 'k': load->key = optarg; break;
        case 'a': load->path = optarg; break;
        case 'd': load->seed = strtoull(optarg, NULL, 10); break;
        case 'n': load->check = false; break;
        case 'j': load->json = true; break;
        default: return false;
        }
    load->address = argv[optind];
    return optind == argc - 1 && load->clients > 0 && load->texts > 0 && load->words > 0 && load->requests > 0;
}

int quern_wire_load(int argc, char **argv)
{
    struct quern_load_plan load = {.path = "/v1/embeddings", .model = "m", .clients = 8, .texts = 1, .words = 10,
                              .requests = 32, .seconds = 5, .seed = 1, .check = true};
    struct figures figures = {0};
    if (!read_options(&load, argc, argv))
        return 2;
    struct quern_load_client *clients = calloc((size_t)load.clients, sizeof *clients);
    bool good = clients && quern_load_learn(&load);
    if (good) {
        figures.before_kb = anonymous_kb(load.pid);
        let_live(&load, clients, &figures);
        figures.after_kb = anonymous_kb(load.pid);
        (load.json ? print_json : print_text)(&load, &figures);
        good = figures.good && !figures.wrong_status && !figures.wrong_vector && !figures.twice &&
               ((!figures.lost && !figures.away) || load.retry_seconds);
    }
    quern_load_forget(&load);
    free(clients);
    return good ? 0 : 1;
}
