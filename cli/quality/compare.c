/* Comparing what two model files, or two numeric paths, make of the same texts. */
#include "verify.h"

#include "eval.h"

#include <stdlib.h>
#include <string.h>

#define MOST_TEXTS 10000  /* compared; the time for neighbours grows with their number */
#define MOST_QUERIES 1000 /* texts whose neighbours are looked for, spread over all */
#define NEIGHBOURS 10

struct texts {
    const char *name; /* where they are from */
    char *bytes; /* of all, one after the other */
    size_t length, capacity;
    size_t *ends; /* [count] in bytes */
    size_t count, room;
    bool more; /* than are compared */
    quern_text *views; /* [count] */
};

struct side {
    const char *path;
    char numeric_path[16];
    int dimensions;
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

static int keep(struct texts *texts, quern_text text)
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

static int view(struct texts *texts)
{
    size_t begin = 0;
    texts->views = calloc(texts->count + 1, sizeof *texts->views);
    if (texts->views == NULL)
        return no_memory(texts->count);
    for (size_t i = 0; i < texts->count; begin = texts->ends[i++])
        texts->views[i] = (quern_text){texts->bytes + begin, texts->ends[i] - begin};
    return QUERN_CLI_DONE;
}

static int read_texts(struct texts *texts, const struct quern_cli_options *options)
{
    struct quern_cli_reader reader;
    quern_text batch[QUERN_CLI_BATCH];
    size_t count;
    int code = quern_cli_reader_open(&reader, options);
    texts->name = reader.name;
    while (code == QUERN_CLI_DONE && !texts->more &&
           (code = quern_cli_reader_next(&reader, batch, &count)) == QUERN_CLI_DONE && count > 0)
        for (size_t i = 0; i < count && code == QUERN_CLI_DONE && !texts->more; i++) {
            texts->more = texts->count == MOST_TEXTS;
            if (!texts->more)
                code = keep(texts, batch[i]);
        }
    if (code == QUERN_CLI_DONE && texts->count == 0) {
        quern_cli_say("%s holds no texts", texts->name);
        code = QUERN_CLI_FAILED;
    }
    quern_cli_reader_close(&reader);
    return code == QUERN_CLI_DONE ? view(texts) : code;
}

/* ---------------------------------------------------------------- vectors */

/* One side after the other, so that only one model takes memory at a time. task is set by the first side. */
static int embed_side(struct side *side, struct quern_cli_options *options, const struct texts *texts, int *task)
{
    struct quern_cli_session session;
    int code = quern_cli_session_open(&session, options);
    if (code != QUERN_CLI_DONE)
        return code;
    if (*task < 0)
        *task = quern_cli_task(&session, options, QUERN_TASK_DOCUMENT);
    quern_embed_options how = quern_cli_embed_options(options, *task);
    struct quern_cli_rows rows = {.session = &session, .file = texts->name, .total = texts->count};
    how.flags |= QUERN_TRUNCATE;
    side->path = session.path;
    side->dimensions = options->dimensions > 0 ? options->dimensions : session.info.dimensions;
    snprintf(side->numeric_path, sizeof side->numeric_path, "%s", session.context_info.path);
    side->vectors = calloc(texts->count * (size_t)side->dimensions, sizeof *side->vectors);
    quern_cli_progress_start(&rows.progress, false);
    code = side->vectors != NULL ? quern_cli_rows_embed(&rows, texts->views, texts->count, &how, side->vectors)
                                 : no_memory(texts->count);
    quern_cli_progress_clear(&rows.progress);
    if (code == QUERN_CLI_DONE && rows.cut > 0)
        quern_cli_say("%s: %zu texts were cut to %d tokens", side->path, rows.cut, session.info.context_length);
    quern_cli_session_close(&session);
    return code;
}

/* ---------------------------------------------------------------- measures */

/* Of vectors of length 1; in four sums, since one would wait for itself. */
static double dot(const float *a, const float *b, int dimensions)
{
    double sums[4] = {0};
    int i = 0;
    for (; i + 4 <= dimensions; i += 4)
        for (int k = 0; k < 4; k++)
            sums[k] += (double)a[i + k] * b[i + k];
    for (; i < dimensions; i++)
        sums[0] += (double)a[i] * b[i];
    return sums[0] + sums[1] + (sums[2] + sums[3]);
}

static void find_neighbours(const struct side *side, size_t text, size_t count, struct quern_eval_top *top)
{
    const size_t width = (size_t)side->dimensions;
    *top = (struct quern_eval_top){0};
    for (size_t i = 0; i < count; i++)
        if (i != text)
            quern_eval_top_add(top, i, dot(side->vectors + text * width, side->vectors + i * width, side->dimensions));
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
        const double cosine = quern_cli_cosine(a->vectors + at, b->vectors + at, a->dimensions);
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

static void print_json(const struct comparison *result, const struct side sides[2], size_t count, int task)
{
    static const char *const names[] = {"{\"model\":", ",\"against\":"};
    for (int i = 0; i < 2; i++) {
        fputs(names[i], stdout);
        fputs("{\"file\":", stdout);
        quern_cli_put_string(stdout, (quern_text){sides[i].path, strlen(sides[i].path)});
        printf(",\"path\":\"%s\"}", sides[i].numeric_path);
    }
    printf(",\"task\":\"%s\",\"dimensions\":%d,\"texts\":%zu,\"mean_cosine\":%.9f,\"worst_cosine\":%.9f,"
           "\"worst_text\":%zu,\"neighbours\":%d,\"neighbours_of\":%zu,\"neighbour_overlap\":",
           quern_task_name((quern_task)task), sides[0].dimensions, count, result->mean, result->worst,
           result->worst_text + 1, result->neighbours, result->queries);
    if (result->neighbours > 0)
        printf("%.6f}\n", result->overlap);
    else
        puts("null}");
}

static void print_report(const struct comparison *result, const struct side sides[2], size_t count, int task)
{
    printf("%s, %s path, against %s, %s path\n%zu texts, task %s, %d dimensions\n\n", sides[0].path,
           sides[0].numeric_path, sides[1].path, sides[1].numeric_path, count, quern_task_name((quern_task)task),
           sides[0].dimensions);
    printf("mean cosine        %.7f\nworst cosine       %.7f  text %zu\n", result->mean, result->worst,
           result->worst_text + 1);
    if (result->neighbours > 0)
        printf("neighbours shared  %.4f     of the %d nearest, mean over %zu texts\n", result->overlap,
               result->neighbours, result->queries);
}

int quern_cli_compare(const struct quern_cli_options *options)
{
    struct texts texts = {0};
    struct side sides[2] = {{0}};
    struct quern_cli_options how = *options;
    int task = options->task, code = read_texts(&texts, options);
    if (code == QUERN_CLI_DONE)
        code = embed_side(&sides[0], &how, &texts, &task);
    how.exact = true;
    how.model = strcmp(options->against, "exact") == 0 ? sides[0].path : options->against;
    if (code == QUERN_CLI_DONE)
        code = embed_side(&sides[1], &how, &texts, &task);
    if (code == QUERN_CLI_DONE && sides[0].dimensions != sides[1].dimensions) {
        quern_cli_say("%s gives %d dimensions, %s gives %d: they cannot be compared", sides[0].path,
                      sides[0].dimensions, sides[1].path, sides[1].dimensions);
        code = QUERN_CLI_FAILED;
    }
    if (code == QUERN_CLI_DONE) {
        struct comparison result;
        compare(&result, &sides[0], &sides[1], texts.count);
        (options->json ? print_json : print_report)(&result, sides, texts.count, task);
        if (texts.more)
            quern_cli_say("only the first %d texts were compared", MOST_TEXTS);
    }
    for (int i = 0; i < 2; i++)
        free(sides[i].vectors);
    free(texts.bytes);
    free(texts.ends);
    free(texts.views);
    return code;
}
