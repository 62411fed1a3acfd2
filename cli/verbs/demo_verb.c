#include "arguments.h"
#include "store/session.h"

#include <stdlib.h>
#include <string.h>

#define MEASURED_SECONDS 0.5 /* for which the speed is measured, at least */

struct demo_options {
    struct quern_cli_session_options session;
};

static const char *const sentences[] = {
    "The cat sleeps on the sofa.",
    "A kitten is napping on the couch.",
    "Two dogs are playing in the park.",
    "Share prices fell sharply this morning.",
    "The stock market dropped today.",
    "The central bank raised interest rates.",
    "Boil the pasta for ten minutes in salted water.",
    "Fry the onions in butter until they are soft.",
    "This soup is made with beans and tomatoes.",
    "The telescope shows the moons of Jupiter.",
    "A rocket carried the astronauts into space.",
    "The Earth moves around the Sun once a year.",
};
enum { COUNT = QUERN_COUNT(sentences) };

/* What the demonstration works with. The query comes after the sentences. */
struct demo {
    struct quern_cli_session session;
    quern_text texts[COUNT + 1];
    float *rows; /* [COUNT + 1][dimensions] */
};

/* Embeds texts [first, first + count) for a task; for none if the model takes no prompts. results may be NULL. */
static int embed(struct demo *demo, size_t first, size_t count, int task, quern_result *results)
{
    const size_t width = (size_t)demo->session.info.dimensions;
    quern_embed_options options = QUERN_CLI_EMBED_DEFAULTS;
    quern_error error;
    quern_cli_set_task(&demo->session, &options, task);
    if (quern_embed(demo->session.context, demo->texts + first, count, &options, demo->rows + first * width,
                    count * width, results, &error) == QUERN_OK)
        return QUERN_CLI_DONE;
    return quern_cli_fail(NULL, &error);
}

/* Prints the sentences, the one that is closest to the query first. */
static int rank(struct demo *demo)
{
    const int width = demo->session.info.dimensions;
    double closeness[COUNT];
    if (embed(demo, 0, COUNT, QUERN_TASK_DOCUMENT, NULL) != QUERN_CLI_DONE ||
        embed(demo, COUNT, 1, QUERN_TASK_QUERY, NULL) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    for (int i = 0; i < COUNT; i++)
        closeness[i] = quern_cosine(demo->rows + (size_t)i * (size_t)width,
                                    demo->rows + (size_t)COUNT * (size_t)width, width);
    fputs("query: ", stdout);
    quern_cli_put_clean(demo->texts[COUNT].data);
    fputs("\n\n", stdout);
    for (int place = 0; place < COUNT; place++) {
        int best = 0;
        for (int i = 1; i < COUNT; i++)
            best = closeness[i] > closeness[best] ? i : best;
        printf("%4d  %6.3f  %s\n", best + 1, closeness[best], sentences[best]);
        closeness[best] = -2; /* below every cosine */
    }
    return QUERN_CLI_DONE;
}

static int show_matrix(struct demo *demo)
{
    if (embed(demo, 0, COUNT, QUERN_TASK_SIMILARITY, NULL) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    puts("\nhow close the sentences are to each other:\n");
    quern_cli_print_matrix(demo->rows, NULL, COUNT, demo->session.info.dimensions, 2);
    return QUERN_CLI_DONE;
}

static int show_speed(struct demo *demo)
{
    quern_result results[COUNT];
    double texts = 0, tokens = 0, seconds = 0;
    const int64_t start = quern_cli_now_ns();
    for (; seconds < MEASURED_SECONDS; seconds = (double)(quern_cli_now_ns() - start) * 1e-9) {
        if (embed(demo, 0, COUNT, QUERN_TASK_SIMILARITY, results) != QUERN_CLI_DONE)
            return QUERN_CLI_FAILED;
        for (int i = 0; i < COUNT; i++)
            tokens += results[i].tokens;
        texts += COUNT;
    }
    printf("\n%.0f tokens per second, %.0f sentences per second (%s, %d threads, %s)\n", tokens / seconds,
           texts / seconds, demo->session.info.name, demo->session.context_info.threads,
           demo->session.info.kernels);
    return QUERN_CLI_DONE;
}

static int demo(const void *given, struct quern_cli_arguments arguments)
{
    const struct demo_options *options = given;
    struct demo demo;
    if (arguments.count > 1)
        return quern_cli_misuse("demo", "give one query, in quotes");
    quern_cli_notice_arguments(arguments, false);
    const int code = quern_cli_session_open(&demo.session, &options->session);
    if (code != QUERN_CLI_DONE)
        return code;
    for (int i = 0; i <= COUNT; i++) {
        const char *query = arguments.count == 1 ? arguments.texts[0] : "how to cook a meal";
        const char *text = i < COUNT ? sentences[i] : query;
        demo.texts[i] = (quern_text){text, strlen(text)};
    }
    demo.rows = calloc(COUNT + 1, (size_t)demo.session.info.dimensions * sizeof *demo.rows);
    if (demo.rows == NULL)
        quern_cli_say("no memory for the vectors");
    const bool done = demo.rows != NULL && rank(&demo) == QUERN_CLI_DONE && show_matrix(&demo) == QUERN_CLI_DONE &&
                      show_speed(&demo) == QUERN_CLI_DONE;
    free(demo.rows);
    quern_cli_session_close(&demo.session);
    return done ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}

static struct demo_options defaults;

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct demo_options),
    QUERN_CLI_AS_OPTION(struct demo_options),
    QUERN_CLI_THREADS_OPTION(struct demo_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct demo_options),
    {0},
};

const struct quern_cli_verb quern_cli_demo = {
    .name = "demo",
    .arguments = "[QUERY]",
    .summary = "Shows what vectors are good for: ranks and compares a dozen sentences, and measures the speed.",
    .table = table,
    .more = "Uses the starter model when there is no other. Needs no network.\n\n"
            "example:\n"
            "  quern demo 'something to eat'\n",
    .options = &defaults,
    .run = demo,
};
