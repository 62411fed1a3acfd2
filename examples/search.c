/* Finds the lines of a file that are closest in meaning to a query.
 *
 * usage: search MODEL FILE QUERY
 *
 * The whole search is here: embed every line once, embed the query, compare by cosine. Long lines are first cut into
 * chunks that fit the model, so that nothing of them is lost. */
#include <quern.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 3, MOST_CHUNKS = 1024 };

struct passages {
    char **lines; /* [line_count], each allocated */
    size_t line_count;
    quern_text *texts; /* [count]: parts of the lines, each short enough for the model */
    size_t count;
    float *vectors; /* [count][dimensions] */
};

struct match {
    double cosine;
    size_t passage;
};

static int out_of_memory(quern_error *error)
{
    *error = (quern_error){.code = QUERN_ENOMEM, .text = "no memory", .index = -1};
    return QUERN_ENOMEM;
}

/* ---------------------------------------------------------------- reading */

/* Keeps a copy of a line, and the chunks it is cut into. */
static int add_line(struct passages *p, quern_context *context, const quern_embed_options *options, const char *line,
                    size_t length, quern_error *error)
{
    static quern_chunk chunks[MOST_CHUNKS];
    char **lines = realloc(p->lines, (p->line_count + 1) * sizeof *lines);
    if (lines == NULL)
        return out_of_memory(error);
    p->lines = lines;
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return out_of_memory(error);
    memcpy(copy, line, length);
    p->lines[p->line_count++] = copy;

    size_t count;
    const int code =
        quern_chunk_text(context, (quern_text){copy, length}, options, NULL, chunks, MOST_CHUNKS, &count, error);
    if (code != QUERN_OK)
        return code;
    if (count == 0) /* an empty line */
        return QUERN_OK;
    quern_text *texts = realloc(p->texts, (p->count + count) * sizeof *texts);
    if (texts == NULL)
        return out_of_memory(error);
    p->texts = texts;
    for (size_t i = 0; i < count; i++)
        p->texts[p->count++] = (quern_text){copy + chunks[i].begin, chunks[i].end - chunks[i].begin};
    return QUERN_OK;
}

static int read_passages(struct passages *p, quern_context *context, const quern_embed_options *options,
                         const char *path, quern_error *error)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        snprintf(error->text, sizeof error->text, "cannot open %s: %s", path, strerror(errno));
        return QUERN_EIO;
    }
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int code = QUERN_OK;
    while (code == QUERN_OK && (length = getline(&line, &size, file)) >= 0) {
        if (length > 0 && line[length - 1] == '\n')
            length--;
        code = add_line(p, context, options, line, (size_t)length, error);
    }
    free(line);
    fclose(file);
    return code;
}

static void free_passages(struct passages *p)
{
    for (size_t i = 0; i < p->line_count; i++)
        free(p->lines[i]);
    free(p->lines);
    free(p->texts);
    free(p->vectors);
}

/* ---------------------------------------------------------------- searching */

static int by_cosine(const void *a, const void *b)
{
    const struct match *x = a, *y = b;
    return (x->cosine < y->cosine) - (x->cosine > y->cosine); /* the largest first */
}

/* Compares the query's vector with all others and prints the best. */
static int print_best(const struct passages *p, const float *query, int dimensions, quern_error *error)
{
    struct match *matches = malloc((p->count + 1) * sizeof *matches);
    if (matches == NULL)
        return out_of_memory(error);
    for (size_t i = 0; i < p->count; i++)
        matches[i] = (struct match){quern_cosine(query, p->vectors + i * (size_t)dimensions, dimensions), i};
    qsort(matches, p->count, sizeof *matches, by_cosine);
    for (size_t i = 0; i < p->count && i < SHOWN; i++) {
        const quern_text *text = &p->texts[matches[i].passage];
        printf("%.2f  %.*s\n", matches[i].cosine, (int)text->length, text->data);
    }
    free(matches);
    return QUERN_OK;
}

static int search(quern_model *model, const char *path, const char *query, quern_error *error)
{
    quern_model_info info = {.size = sizeof info};
    int code = quern_model_describe(model, &info, error);
    if (code != QUERN_OK)
        return code;

    /* Queries and documents have different prompts, if the model has prompts at all. */
    const quern_embed_options documents = {.size = sizeof documents,
                                           .task = info.has_prompts ? QUERN_TASK_DOCUMENT : QUERN_TASK_NONE};
    const quern_embed_options queries = {.size = sizeof queries,
                                         .task = info.has_prompts ? QUERN_TASK_QUERY : QUERN_TASK_NONE,
                                         .flags = QUERN_TRUNCATE};
    const size_t width = (size_t)info.dimensions;
    const quern_text query_text = {query, strlen(query)};
    struct passages p = {0};
    quern_context *context = NULL;
    float *query_vector = malloc(width * sizeof *query_vector);

    code = query_vector != NULL ? quern_context_new(&context, model, NULL, error) : out_of_memory(error);
    if (code == QUERN_OK)
        code = read_passages(&p, context, &documents, path, error);
    if (code == QUERN_OK) {
        p.vectors = malloc((p.count + 1) * width * sizeof *p.vectors);
        if (p.vectors == NULL)
            code = out_of_memory(error);
    }
    /* All texts in one call: the library makes full steps of them. */
    if (code == QUERN_OK)
        code = quern_embed(context, p.texts, p.count, &documents, p.vectors, p.count * width, NULL, error);
    if (code == QUERN_OK)
        code = quern_embed(context, &query_text, 1, &queries, query_vector, width, NULL, error);
    if (code == QUERN_OK)
        code = print_best(&p, query_vector, info.dimensions, error);
    free_passages(&p);
    free(query_vector);
    quern_context_free(context);
    return code;
}

int main(int argc, char **argv)
{
    quern_error error;
    quern_model *model;
    if (argc != 4) {
        fprintf(stderr, "usage: search MODEL FILE QUERY\n");
        return 2;
    }
    if (quern_model_open(&model, argv[1], NULL, &error) != QUERN_OK) {
        fprintf(stderr, "search: %s\n", error.text);
        return 1;
    }
    const int code = search(model, argv[2], argv[3], &error);
    if (code != QUERN_OK)
        fprintf(stderr, "search: %s\n", error.text);
    quern_model_close(model);
    return code == QUERN_OK ? 0 : 1;
}
