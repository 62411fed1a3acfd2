/* Compares the vectors that two model files, or two numeric paths, give for the same texts. */
#include "verify.h"

#include "grow.h"
#include "json_text.h"
#include "metrics.h"

#include <stdlib.h>
#include <string.h>

#define MOST_COMPARED 10000 /* texts that are compared; the time for neighbours grows with their number */
#define MOST_QUERIES 1000   /* texts whose neighbours are looked for, spread over all */
#define NEIGHBOURS 10

/* The texts of the input, kept in memory because they are embedded twice. */
struct compared_texts {
    const char *name; /* of the input */
    char *bytes;      /* of all texts, one after the other */
    size_t length, capacity;
    size_t *ends;     /* [count] in bytes */
    size_t count, room;
    bool more;        /* the input has more texts than are compared */
    quern_text *views; /* [count] */
};

struct side {
    const char *path;
    char numeric_path[32];
    int dimensions, task;
    float *vectors; /* [texts][dimensions] */
};

struct comparison {
    double mean, worst; /* cosines of the two vectors of a text */
    size_t worst_text;  /* from 0 */
    double overlap;     /* of nearest neighbours, 0 to 1 */
    int neighbours;     /* so many of each text; 0: there is no other text */
    size_t queries;     /* texts whose neighbours were looked for */
};

/* ---------------------------------------------------------------- texts */

static int no_memory(size_t count)
{
    quern_cli_say("no memory for %zu texts", count);
    return QUERN_CLI_FAILED;
}

/* Adds a copy of a text. */
static int keep(struct compared_texts *texts, quern_text text)
{
    if (texts->capacity - texts->length <= text.length) {
        size_t capacity = 2 * (texts->capacity + text.length + 64);
        char *bytes = realloc(texts->bytes, capacity);
        if (bytes == NULL)
            return no_memory(texts->count + 1);
        texts->bytes = bytes;
        texts->capacity = capacity;
    }
    size_t *ends = quern_eval_grow(texts->ends, texts->count, &texts->room, sizeof *ends);
    if (ends == NULL)
        return no_memory(texts->count + 1);
    texts->ends = ends;
    if (text.length > 0)
        memcpy(texts->bytes + texts->length, text.data, text.length);
    texts->length += text.length;
    texts->ends[texts->count++] = texts->length;
    return QUERN_CLI_DONE;
}

/* Makes the views, once all texts are there. */
static int view(struct compared_texts *texts)
{
    size_t begin = 0;
    texts->views = calloc(texts->count + 1, sizeof *texts->views);
    if (texts->views == NULL)
        return no_memory(texts->count);
    for (size_t i = 0; i < texts->count; begin = texts->ends[i++])
        texts->views[i] = (quern_text){texts->bytes + begin, texts->ends[i] - begin};
    return QUERN_CLI_DONE;
}

/* Adds a batch, up to the most texts that are compared. */
static int keep_batch(struct compared_texts *texts, const struct quern_jobs_texts *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        texts->more = texts->count == MOST_COMPARED;
        if (texts->more)
            return QUERN_CLI_DONE;
        if (keep(texts, batch->texts[i]) != QUERN_CLI_DONE)
            return QUERN_CLI_FAILED;
    }
    return QUERN_CLI_DONE;
}

static int read_texts(struct compared_texts *texts, const struct quern_cli_verify_options *options,
                      struct quern_cli_arguments arguments)
{
    struct quern_cli_input input;
    struct quern_jobs_texts batch = {.count = 1};
    quern_error error;
    int code = quern_cli_input_open(&input, "verify", &options->input, arguments);
    texts->name = input.name;
    while (code == QUERN_CLI_DONE && batch.count > 0 && !texts->more) {
        code = input.source->next(input.source, &batch, &error) == QUERN_OK ? QUERN_CLI_DONE
                                                                            : quern_cli_input_fail(&input, &error);
        if (code == QUERN_CLI_DONE)
            code = keep_batch(texts, &batch);
    }
    if (code == QUERN_CLI_DONE && texts->count == 0) {
        quern_cli_say("%s holds no texts", texts->name);
        code = QUERN_CLI_FAILED;
    }
    quern_cli_input_close(&input);
    return code == QUERN_CLI_DONE ? view(texts) : code;
}

/* ---------------------------------------------------------------- vectors */

/* Embeds all texts with the model of an open session. */
static int embed_texts(struct side *side, const struct quern_cli_session *session, const struct compared_texts *texts,
                       const quern_embed_options *embed)
{
    struct quern_cli_rows rows = {.session = session, .place = texts->name, .total = texts->count};
    struct quern_jobs_array array;
    side->path = session->path;
    side->dimensions = quern_cli_dimensions(session, embed);
    snprintf(side->numeric_path, sizeof side->numeric_path, "%s", session->context_info.path);
    side->vectors = calloc(texts->count * (size_t)side->dimensions, sizeof *side->vectors);
    if (side->vectors == NULL)
        return no_memory(texts->count);
    quern_jobs_array_open(&array, texts->views, texts->count);
    quern_cli_progress_start(&rows.progress, false);
    const int code = quern_cli_rows_embed(&rows, &array, embed, side->vectors);
    quern_cli_progress_clear(&rows.progress);
    quern_cli_say_cut(session, rows.cut, rows.texts);
    return code;
}

/* Embeds one side after the other, so that only one model takes memory at a time. A task of -1 becomes the usual task
 * of the first side, and any task becomes none at a model without prompts. */
static int embed_side(struct side *side, const struct quern_cli_session_options *options,
                      const struct compared_texts *texts, quern_embed_options *embed)
{
    struct quern_cli_session session;
    int code = quern_cli_session_open(&session, options);
    if (code != QUERN_CLI_DONE)
        return code;
    quern_cli_set_task(&session, embed, QUERN_TASK_DOCUMENT);
    side->task = embed->task;
    code = embed_texts(side, &session, texts, embed);
    quern_cli_session_close(&session);
    return code;
}

/* ---------------------------------------------------------------- measures */

/* The nearest neighbours of a text among the others. The vectors have length 1. */
static void find_neighbours(const struct side *side, size_t text, size_t count, struct quern_eval_top *top)
{
    const size_t width = (size_t)side->dimensions;
    *top = (struct quern_eval_top){0};
    for (size_t i = 0; i < count; i++)
        if (i != text)
            quern_eval_top_add(top, i, quern_dot(side->vectors + text * width, side->vectors + i * width,
                                                 side->dimensions));
}

static int count_shared(const struct quern_eval_top *a, const struct quern_eval_top *b, int neighbours)
{
    int shared = 0;
    for (int i = 0; i < neighbours; i++)
        for (int j = 0; j < neighbours; j++)
            shared += a->best[i].document == b->best[j].document;
    return shared;
}

static void compare_neighbours(struct comparison *result, const struct side *a, const struct side *b, size_t count)
{
    struct quern_eval_top first, second;
    uint64_t shared = 0;
    result->neighbours = count > NEIGHBOURS ? NEIGHBOURS : (int)count - 1;
    result->queries = count < MOST_QUERIES ? count : MOST_QUERIES;
    for (size_t q = 0; q < result->queries && result->neighbours > 0; q++) {
        const size_t text = q * count / result->queries;
        find_neighbours(a, text, count, &first);
        find_neighbours(b, text, count, &second);
        shared += (uint64_t)count_shared(&first, &second, result->neighbours);
    }
    if (result->neighbours > 0)
        result->overlap = (double)shared / ((double)result->queries * result->neighbours);
}

static void compare(struct comparison *result, const struct side *a, const struct side *b, size_t count)
{
    double sum = 0;
    *result = (struct comparison){.worst = 2};
    for (size_t i = 0; i < count; i++) {
        const size_t at = i * (size_t)a->dimensions;
        const double cosine = quern_cosine(a->vectors + at, b->vectors + at, a->dimensions);
        sum += cosine;
        if (cosine < result->worst) {
            result->worst = cosine;
            result->worst_text = i;
        }
    }
    result->mean = sum / (double)count;
    compare_neighbours(result, a, b, count);
}

/* ---------------------------------------------------------------- report */

static void print_json(const struct comparison *result, const struct side sides[2], size_t count)
{
    static const char *const names[] = {"{\"model\":", ",\"against\":"};
    for (int i = 0; i < 2; i++) {
        fputs(names[i], stdout);
        fputs("{\"file\":", stdout);
        quern_json_put_string(stdout, (quern_text){sides[i].path, strlen(sides[i].path)});
        printf(",\"path\":\"%s\",\"task\":\"%s\"}", sides[i].numeric_path,
               quern_task_name((quern_task)sides[i].task));
    }
    printf(",\"task\":\"%s\",\"dimensions\":%d,\"texts\":%zu,\"mean_cosine\":%.9f,\"worst_cosine\":%.9f,"
           "\"worst_text\":%zu,\"neighbours\":%d,\"neighbours_of\":%zu,\"neighbour_overlap\":",
           quern_task_name((quern_task)sides[0].task), sides[0].dimensions, count, result->mean, result->worst,
           result->worst_text + 1, result->neighbours, result->queries);
    if (result->neighbours > 0)
        printf("%.6f}\n", result->overlap);
    else
        puts("null}");
}

static void print_report(const struct comparison *result, const struct side sides[2], size_t count)
{
    const bool is_one = sides[0].task == sides[1].task;
    quern_cli_put_clean(sides[0].path);
    printf(", %s path, against ", sides[0].numeric_path);
    quern_cli_put_clean(sides[1].path);
    printf(", %s path\n%zu texts, task %s%s%s, %d dimensions\n\n", sides[1].numeric_path, count,
           quern_task_name((quern_task)sides[0].task), is_one ? "" : " against ",
           is_one ? "" : quern_task_name((quern_task)sides[1].task), sides[0].dimensions);
    printf("mean cosine        %.7f\nworst cosine       %.7f  text %zu\n", result->mean, result->worst,
           result->worst_text + 1);
    if (result->neighbours > 0)
        printf("neighbours shared  %.4f     of the %d nearest, mean over %zu texts\n", result->overlap,
               result->neighbours, result->queries);
}

/* Prints how far two sides are from each other. */
static int report(const struct quern_cli_verify_options *options, const struct side sides[2],
                  const struct compared_texts *texts)
{
    struct comparison result;
    if (sides[0].dimensions != sides[1].dimensions) {
        quern_cli_say("%s gives %d dimensions, %s gives %d: they cannot be compared", sides[0].path,
                      sides[0].dimensions, sides[1].path, sides[1].dimensions);
        return QUERN_CLI_FAILED;
    }
    compare(&result, &sides[0], &sides[1], texts->count);
    (options->json ? print_json : print_report)(&result, sides, texts->count);
    if (texts->more)
        quern_cli_notice("only the first %d texts were compared", MOST_COMPARED);
    return QUERN_CLI_DONE;
}

/* Finds the models of both sides before any text is read, so that a wrong name is told at once. The caller frees the
 * paths. An exit code. */
static int find_models(const struct quern_cli_verify_options *options, char *paths[2])
{
    const bool is_exact = strcmp(options->against, "exact") == 0;
    const char *names[] = {options->session.model, options->against};
    for (int i = 0; i < 2; i++) {
        const char *path = i == 1 && is_exact ? paths[0] : quern_cli_session_find(names[i]);
        if (path == NULL)
            return QUERN_CLI_FAILED;
        paths[i] = strdup(path); /* the next model that is found may lie in the same place */
        if (paths[i] == NULL) {
            quern_cli_say("no memory for a path");
            return QUERN_CLI_FAILED;
        }
    }
    return QUERN_CLI_DONE;
}

int quern_cli_compare(const struct quern_cli_verify_options *options, struct quern_cli_arguments arguments)
{
    struct compared_texts texts = {0};
    struct side sides[2] = {{0}};
    char *paths[2] = {NULL, NULL};
    struct quern_cli_session_options session = options->session;
    quern_embed_options embed = options->embed;
    embed.flags = QUERN_TRUNCATE;
    int code = find_models(options, paths);
    if (code == QUERN_CLI_DONE)
        code = read_texts(&texts, options, arguments);
    for (int i = 0; i < 2 && code == QUERN_CLI_DONE; i++) {
        session.model = paths[i];
        session.exact = options->session.exact || i == 1;
        code = embed_side(&sides[i], &session, &texts, &embed);
    }
    if (code == QUERN_CLI_DONE)
        code = report(options, sides, &texts);
    for (int i = 0; i < 2; i++) {
        free(sides[i].vectors);
        free(paths[i]);
    }
    free(texts.bytes);
    free(texts.ends);
    free(texts.views);
    return code;
}
