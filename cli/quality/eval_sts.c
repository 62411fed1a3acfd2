#include "eval.h"

#include "eval_lines.h"
#include "grow.h"
#include "json_text.h"
#include "lexical.h"
#include "metrics.h"

#include <math.h>
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
    return lines->number == 1 ? QUERN_CLI_DONE
                              : quern_eval_lines_fail(lines, "the score '%.60s' is not a number", fields[2]);
}

static int read_pairs(struct pairs *pairs, const char *path)
{
    struct quern_eval_lines lines;
    int code = quern_eval_lines_open(&lines, path, false), got = 0;
    bool objects = false;
    while (code == QUERN_CLI_DONE && (got = quern_eval_lines_next(&lines)) == 1) {
        objects = lines.number == 1 ? lines.line[0] == '{' : objects;
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

struct sts_report {
    const struct quern_eval_options *options;
    const struct quern_cli_session *session;
    const char *file;
    int task;
    uint64_t cut; /* texts that were cut */
    int printed;  /* rows */
};

static void put_head(const struct sts_report *report, const struct pairs *pairs)
{
    const quern_model_info *info = &report->session->info;
    const char *path = report->session->context_info.path, *task = quern_task_name(report->task);
    if (!report->options->json) {
        printf("%s: %zu pairs\n%s, %s path, task %s\n\n", report->file, pairs->count, info->name, path, task);
        printf("%-10s %9s %9s\n", "dims", "Spearman", "Pearson");
        return;
    }
    fputs("{\"file\":", stdout);
    quern_json_put_string(stdout, (quern_text){report->file, strlen(report->file)});
    fputs(",\"model\":", stdout);
    quern_json_put_string(stdout, (quern_text){info->name, strlen(info->name)});
    printf(",\"path\":\"%s\",\"task\":\"%s\",\"pairs\":%zu,\"truncated\":%llu,\"results\":[", path, task, pairs->count,
           (unsigned long long)report->cut);
}

/* A coefficient that is not defined, because all cosines are equal, is printed as null, or as a dash. */
static void put_figure(bool json, double value)
{
    if (json)
        printf(isnan(value) ? "null" : "%.6f", value);
    else
        printf(isnan(value) ? "         -" : " %9.4f", value);
}

/* name: "tf-idf", or NULL for a number of dimensions. */
static void put_row(struct sts_report *report, const char *name, int dimensions, const double *cosines,
                    const struct pairs *pairs)
{
    const bool json = report->options->json;
    char label[32];
    snprintf(label, sizeof label, "%d", dimensions);
    if (json)
        printf("%s\n{\"%s\":%s%s%s,\"spearman\":", report->printed > 0 ? "," : "", name != NULL ? "baseline" : "dims",
               name != NULL ? "\"" : "", name != NULL ? name : label, name != NULL ? "\"" : "");
    else
        printf("%-10s", name != NULL ? name : label);
    put_figure(json, quern_eval_spearman(cosines, pairs->scores, pairs->count));
    fputs(json ? ",\"pearson\":" : "", stdout);
    put_figure(json, quern_eval_pearson(cosines, pairs->scores, pairs->count));
    fputs(json ? "}" : "\n", stdout);
    report->printed++;
}

static int print_report(struct sts_report *report, const struct pairs *pairs, const float *rows,
                        const struct quern_cli_numbers *dims)
{
    const size_t width = (size_t)report->session->info.dimensions;
    struct quern_eval_bags bags = {0};
    double *cosines = calloc(pairs->count, sizeof *cosines);
    if (cosines == NULL || quern_eval_bags_make(&bags, pairs->texts, 2 * pairs->count, 2 * pairs->count) != 0) {
        free(cosines);
        return QUERN_CLI_FAILED;
    }
    put_head(report, pairs);
    for (int d = 0; d < dims->count; d++) {
        for (size_t i = 0; i < pairs->count; i++)
            cosines[i] = quern_cosine(rows + 2 * i * width, rows + (2 * i + 1) * width, dims->values[d]);
        put_row(report, NULL, dims->values[d], cosines, pairs);
    }
    for (size_t i = 0; i < pairs->count; i++)
        cosines[i] = quern_eval_tfidf_cosine(&bags, 2 * i, 2 * i + 1);
    put_row(report, "tf-idf", 0, cosines, pairs);
    if (report->options->json)
        puts("]}");
    quern_eval_bags_free(&bags);
    free(cosines);
    return QUERN_CLI_DONE;
}

static int measure(struct sts_report *report, const struct pairs *pairs)
{
    const struct quern_cli_session *session = report->session;
    const size_t count = 2 * pairs->count;
    quern_embed_options embed = report->options->embed;
    struct quern_cli_rows job = {.session = session, .place = report->file, .total = count};
    struct quern_cli_numbers dims;
    struct quern_jobs_array array;
    if (quern_eval_dims(report->options, session, &dims) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    report->task = embed.task = quern_cli_task(session, &report->options->embed, QUERN_TASK_SIMILARITY);
    embed.flags = QUERN_TRUNCATE;
    float *rows = calloc(count, (size_t)session->info.dimensions * sizeof *rows);
    if (rows == NULL) {
        quern_cli_say("no memory for %zu vectors", count);
        return QUERN_CLI_FAILED;
    }
    quern_jobs_array_open(&array, pairs->texts, count);
    quern_cli_progress_start(&job.progress, false);
    int code = quern_cli_rows_embed(&job, &array, &embed, rows);
    quern_cli_progress_clear(&job.progress);
    report->cut = job.cut;
    if (code == QUERN_CLI_DONE)
        code = print_report(report, pairs, rows, &dims);
    quern_cli_say_cut(session, job.cut, job.texts);
    free(rows);
    return code;
}

int quern_eval_sts(const struct quern_eval_options *options, const char *file)
{
    struct quern_cli_session session = {0};
    struct pairs pairs = {0};
    struct sts_report report = {.options = options, .session = &session, .file = file};
    int code = read_pairs(&pairs, file);
    if (code == QUERN_CLI_DONE)
        code = quern_cli_session_open(&session, &options->session);
    if (code == QUERN_CLI_DONE)
        code = measure(&report, &pairs);
    quern_cli_session_close(&session);
    free_pairs(&pairs);
    return code;
}
