/* Embeds texts in several threads of the program: one model, and a context for each thread.
 *
 * usage: threads MODEL THREADS TEXT...
 *
 * A model never changes, so all threads share it. A context belongs to one thread at a time, so each thread makes its
 * own. Here each context computes with one thread: several contexts with worker threads of their own would compete for
 * the same CPUs. (To compute one batch as fast as possible, use one context with many threads instead.) */
#include <quern.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 64 };

/* What a thread works on: every step-th text, from first on. Threads write to different vectors, so no lock is
 * needed. */
struct share {
    pthread_t thread;
    quern_model *model;
    char **texts;
    int first, step, count;
    float *vectors; /* [count][dimensions], shared */
    int dimensions, task;
    int code;
    quern_error error;
};

static void *embed_share(void *argument)
{
    struct share *s = argument;
    const quern_context_options context_options = {.size = sizeof context_options, .threads = 1};
    const quern_embed_options options = {.size = sizeof options, .task = s->task, .flags = QUERN_TRUNCATE};
    const size_t width = (size_t)s->dimensions;
    quern_context *context = NULL;
    s->code = quern_context_new(&context, s->model, &context_options, &s->error);
    for (int i = s->first; i < s->count && s->code == QUERN_OK; i += s->step) {
        const quern_text text = {s->texts[i], strlen(s->texts[i])};
        s->code = quern_embed(context, &text, 1, &options, s->vectors + (size_t)i * width, width, NULL, &s->error);
    }
    quern_context_free(context);
    return NULL;
}

/* Starts the threads, waits for them, and says whether all succeeded. */
static int run(struct share *shares, int threads)
{
    int started = 0, failed = 0;
    while (started < threads) {
        struct share *s = &shares[started];
        if (pthread_create(&s->thread, NULL, embed_share, s) != 0) {
            fprintf(stderr, "threads: cannot start thread %d\n", started);
            failed = 1;
            break;
        }
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(shares[i].thread, NULL);
        if (shares[i].code != QUERN_OK) {
            fprintf(stderr, "threads: %s\n", shares[i].error.text);
            failed = 1;
        }
    }
    return failed;
}

/* Embeds the texts in several threads and prints how close each is to the first one. */
static int compare(quern_model *model, int threads, char **texts, int count)
{
    static struct share shares[MOST_THREADS];
    quern_error error;
    quern_model_info info = {.size = sizeof info};
    if (quern_model_describe(model, &info, &error) != QUERN_OK) {
        fprintf(stderr, "threads: %s\n", error.text);
        return 1;
    }
    float *vectors = malloc((size_t)count * (size_t)info.dimensions * sizeof *vectors);
    if (vectors == NULL) {
        fprintf(stderr, "threads: no memory\n");
        return 1;
    }
    for (int i = 0; i < threads; i++)
        shares[i] = (struct share){.model = model, .texts = texts, .first = i, .step = threads, .count = count,
                                   .vectors = vectors, .dimensions = info.dimensions,
                                   .task = info.has_prompts ? QUERN_TASK_SIMILARITY : QUERN_TASK_NONE};
    const int failed = run(shares, threads);
    for (int i = 0; i < count && !failed; i++)
        printf("%.2f  %s\n", quern_cosine(vectors, vectors + (size_t)i * (size_t)info.dimensions, info.dimensions),
               texts[i]);
    free(vectors);
    return failed;
}

int main(int argc, char **argv)
{
    quern_error error;
    quern_model *model;
    const int threads = argc > 2 ? atoi(argv[2]) : 0;
    if (argc < 4 || threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "usage: threads MODEL THREADS TEXT...   (at most %d threads)\n", MOST_THREADS);
        return 2;
    }
    if (quern_model_open(&model, argv[1], NULL, &error) != QUERN_OK) {
        fprintf(stderr, "threads: %s\n", error.text);
        return 1;
    }
    const int failed = compare(model, threads, argv + 3, argc - 3);
    quern_model_close(model);
    return failed;
}
