#include "eval_lines.h"
#include "eval_table.h"
#include "grow.h"
#include "lexical.h"
#include "metrics.h"

#include <stdlib.h>
#include <string.h>

/* Pairs of texts with scores. Text 2 i and 2 i + 1 belong to score i. */
struct pairs {
    quern_text *texts;
    double *scores;
    size_t count, text_room, score_room;
};

static void free_pairs(struct pairs *pairs)
{
    for (size_t i = 0; i < 2 * pairs->count; i++)
        free((void *)pairs->texts[i].data);
    free(pairs->texts);
    free(pairs->scores);
}

/* Adds a pair, which owns both texts from now on. */
static int add_pair(struct pairs *pairs, const struct quern_eval_lines *lines, char *a, char *b, double score)
{
    quern_text *texts = quern_eval_grow(pairs->texts, 2 * pairs->count + 1, &pairs->text_room, sizeof *texts);
    pairs->texts = texts != NULL ? texts : pairs->texts;
    double *scores = quern_eval_grow(pairs->scores, pairs->count, &pairs->score_room, sizeof *scores);
    pairs->scores = scores != NULL ? scores : pairs->scores;
    if (texts == NULL || scores == NULL || a == NULL || b == NULL) {
        free(a);
        free(b);
        return quern_eval_lines_fail(lines, "no memory for the line");
    }
    texts[2 * pairs->count] = (quern_text){a, strlen(a)};
    texts[2 * pairs->count + 1] = (quern_text){b, strlen(b)};
    scores[pairs->count++] = score;
    return QUERN_CLI_DONE;
}

static int read_object(struct pairs *pairs, const struct quern_eval_lines *lines)
{
    static const char *const a_keys[] = {"a", "sentence1", NULL}, *const b_keys[] = {"b", "sentence2", NULL};
    static const char *const score_keys[] = {"score", NULL};
    json_t *object = quern_eval_lines_object(lines);
    if (object == NULL)
        return QUERN_CLI_FAILED;
    const json_t *a = quern_eval_value(object, a_keys), *b = quern_eval_value(object, b_keys);
    const json_t *score = quern_eval_value(object, score_keys);
    int code;
    if (!json_is_string(a) || !json_is_string(b))
        code = quern_eval_lines_fail(lines, "it lacks strings \"a\" and \"b\"");
    else if (!json_is_number(score))
        code = quern_eval_lines_fail(lines, "it lacks a number \"score\"");
    else
        code = add_pair(pairs, lines, strdup(json_string_value(a)), strdup(json_string_value(b)),
                        json_number_value(score));
    json_decref(object);
    return code;
}

/* The first line may be a header. */
static int read_fields(struct pairs *pairs, struct quern_eval_lines *lines)
{
    char *fields[3];
    double score;
    const size_t count = quern_eval_lines_split(lines, false, fields, 3);
    if (count != 3)
        return quern_eval_lines_fail(lines, "it has %zu fields between tabs, not 3: text, text, score", count);
    if (quern_eval_number(fields[2], &score))
        return add_pair(pairs, lines, strdup(fields[0]), strdup(fields[1]), score);
    return quern_eval_is_header(lines, fields[2])
               ? QUERN_CLI_DONE
               : quern_eval_lines_fail(lines, "the score '%.60s' is not a number", fields[2]);
}

static int read_pairs(struct pairs *pairs, const char *path)
{
    struct quern_eval_lines lines;
    int code = quern_eval_lines_open(&lines, path, false), got = 0;
    bool objects = false;
    while (code == QUERN_CLI_DONE && (got = quern_eval_lines_next(&lines)) == 1) {
        objects = lines.given == 1 ? lines.line[0] == '{' : objects;
        code = objects ? read_object(pairs, &lines) : read_fields(pairs, &lines);
    }
    quern_eval_lines_close(&lines);
    if (code != QUERN_CLI_DONE || got < 0)
        return QUERN_CLI_FAILED;
    for (size_t i = 1; i < pairs->count; i++)
        if (pairs->scores[i] != pairs->scores[0])
            return QUERN_CLI_DONE;
    quern_cli_say("%s: at least two pairs with different scores are needed", path);
    return QUERN_CLI_FAILED;
}

/* ---------------------------------------------------------------- measuring */

static const struct quern_eval_figure figures[] = {{"Spearman", "spearman", 4}, {"Pearson", "pearson", 4}};

static void correlate(const double *cosines, const struct pairs *pairs, double out[QUERN_EVAL_FIGURES])
{
    out[0] = quern_eval_spearman(cosines, pairs->scores, pairs->count);
    out[1] = quern_eval_pearson(cosines, pairs->scores, pairs->count);
}

/* The correlations of the leading dimensions. rows: whole vectors [2 pairs][width]. */
static void measure_dims(const struct pairs *pairs, const float *rows, int width, int dims, double *cosines,
                         double out[QUERN_EVAL_FIGURES])
{
    for (size_t i = 0; i < pairs->count; i++) {
        const float *row = rows + 2 * i * (size_t)width;
        cosines[i] = quern_cosine(row, row + width, dims);
    }
    correlate(cosines, pairs, out);
}

/* Embeds the texts with the session's model and fills a column. cosines: room for [pairs] */
static int measure(const struct quern_eval_options *options, const struct quern_cli_session *session, const char *file,
                   const struct pairs *pairs, double *cosines, struct quern_eval_column *column)
{
    const size_t count = 2 * pairs->count;
    quern_embed_options embed = options->embed;
    struct quern_cli_rows job = {.session = session, .place = file, .total = count};
    struct quern_jobs_array array;
    quern_cli_set_task(session, &embed, QUERN_TASK_SIMILARITY);
    embed.flags = QUERN_TRUNCATE;
    snprintf(column->task, sizeof column->task, "task %s", quern_task_name((quern_task)embed.task));
    snprintf(column->task_json, sizeof column->task_json, "\"task\":\"%s\"", quern_task_name((quern_task)embed.task));
    float *rows = calloc(count, (size_t)column->width * sizeof *rows);
    if (rows == NULL) {
        quern_cli_say("no memory for %zu vectors", count);
        return QUERN_CLI_FAILED;
    }
    quern_jobs_array_open(&array, pairs->texts, count);
    quern_cli_progress_start(&job.progress, false);
    const int code = quern_cli_rows_embed(&job, &array, &embed, rows);
    quern_cli_progress_clear(&job.progress);
    quern_eval_column_take(column, &job);
    if (code == QUERN_CLI_DONE) {
        measure_dims(pairs, rows, column->width, column->width, cosines, column->whole.figures[0]);
        quern_eval_centre(session, rows, count);
    }
    for (int d = 0; code == QUERN_CLI_DONE && d < column->dims.count; d++) {
        if (column->dims.values[d] < column->width)
            measure_dims(pairs, rows, column->width, column->dims.values[d], cosines,
                         column->leading[d].figures[0]);
        else
            column->leading[d] = column->whole;
    }
    free(rows);
    return code;
}

static int measure_words(const struct pairs *pairs, double *cosines, struct quern_eval_baseline *baseline)
{
    struct quern_eval_bags bags = {0};
    if (quern_eval_bags_make(&bags, pairs->texts, 2 * pairs->count, 2 * pairs->count) != 0)
        return QUERN_CLI_FAILED;
    for (size_t i = 0; i < pairs->count; i++)
        cosines[i] = quern_eval_tfidf_cosine(&bags, 2 * i, 2 * i + 1);
    baseline->name = "tf-idf";
    correlate(cosines, pairs, baseline->figures);
    quern_eval_bags_free(&bags);
    return QUERN_CLI_DONE;
}

/* Fills the table, one model after the other. */
static int measure_all(const struct quern_eval_options *options, const struct pairs *pairs, double *cosines,
                       struct quern_eval_table *table)
{
    int code = QUERN_CLI_DONE;
    for (int m = 0; code == QUERN_CLI_DONE && m < table->column_count; m++) {
        struct quern_cli_session session = {0};
        code = quern_eval_column_open(&table->columns[m], options, m, &session);
        if (code == QUERN_CLI_DONE)
            code = measure(options, &session, table->source, pairs, cosines, &table->columns[m]);
        quern_cli_session_close(&session);
    }
    return code == QUERN_CLI_DONE ? measure_words(pairs, cosines, &table->baselines[0]) : code;
}

int quern_eval_sts(const struct quern_eval_options *options, const char *file)
{
    struct pairs pairs = {0};
    struct quern_eval_table table;
    int code = read_pairs(&pairs, file);
    double *cosines = calloc(pairs.count + 1, sizeof *cosines);
    if (code == QUERN_CLI_DONE && cosines == NULL) {
        quern_cli_say("no memory for %zu cosines", pairs.count);
        code = QUERN_CLI_FAILED;
    }
    quern_eval_table_start(&table, options, figures, QUERN_COUNT(figures));
    table.source_key = "file";
    table.source = file;
    table.baseline_count = 1;
    snprintf(table.size, sizeof table.size, "%zu pairs", pairs.count);
    snprintf(table.size_json, sizeof table.size_json, "\"pairs\":%zu", pairs.count);
    if (code == QUERN_CLI_DONE)
        code = measure_all(options, &pairs, cosines, &table);
    if (code == QUERN_CLI_DONE)
        quern_eval_table_print(&table);
    free(cosines);
    free_pairs(&pairs);
    return code;
}
