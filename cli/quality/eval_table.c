#include "eval_table.h"

#include "json_text.h"

#include <math.h>
#include <string.h>

#define WHOLE 0 /* in a list of dimensions: all that a model has */

static void put_json_string(const char *text)
{
    quern_json_put_string(stdout, (quern_text){text, strlen(text)});
}

void quern_eval_table_start(struct quern_eval_table *table, const struct quern_eval_options *options,
                            const struct quern_eval_figure *figures, int figure_count)
{
    *table = (struct quern_eval_table){.figures = figures,
                                       .figure_count = figure_count,
                                       .form_count = 1,
                                       .json = options->json,
                                       .chosen = options->dims.count > 0,
                                       .column_count = options->models.count > 0 ? options->models.count : 1};
}

int quern_eval_column_open(struct quern_eval_column *column, const struct quern_eval_options *options, int i,
                           struct quern_cli_session *session)
{
    struct quern_cli_session_options one = options->session;
    one.model = options->models.count > 0 ? options->models.values[i] : NULL;
    if (quern_cli_session_open(session, &one) != QUERN_CLI_DONE)
        return QUERN_CLI_FAILED;
    snprintf(column->name, sizeof column->name, "%s", session->info.name);
    column->file = options->models.count > 0 ? options->models.values[i] : session->path;
    column->path = options->session.exact ? "exact" : "fast";
    column->width = session->info.dimensions;
    column->memory_bytes = session->info.packed_bytes + session->info.vocabulary_bytes +
                           session->context_info.arena_bytes;
    return quern_eval_dims(options, session, &column->dims);
}

void quern_eval_column_take(struct quern_eval_column *column, const struct quern_cli_rows *job)
{
    const double texts = job->texts > 0 ? (double)job->texts : 1;
    column->cut = job->cut;
    column->ms_text = (double)job->ns * 1e-6 / texts;
    column->tokens_text = (double)job->tokens / texts;
    quern_cli_say_cut(job->session, job->cut, job->texts);
}

/* A line about what was read. */
static void put_source(const struct quern_eval_table *table)
{
    quern_cli_put_clean(table->source);
    printf(": %s\n", table->size);
}

/* Members of JSON about the model. size: those about what was read; "" where they stand elsewhere. */
static void put_members(const struct quern_eval_column *column, const char *size)
{
    printf("\"path\":\"%s\",%s%s%s,\"truncated\":%llu,\"ms_per_text\":%.3f,\"tokens_per_text\":%.1f,"
           "\"memory_bytes\":%llu,\"results\":[",
           column->path, column->task_json, size[0] != '\0' ? "," : "", size, (unsigned long long)column->cut,
           column->ms_text, column->tokens_text, (unsigned long long)column->memory_bytes);
}

/* A line about what the model takes. */
static void put_cost(const struct quern_eval_column *column, const char *indent)
{
    printf("%sa text has %.1f tokens and takes %.3g ms, the model %.0f MiB of memory\n", indent, column->tokens_text,
           column->ms_text, (double)column->memory_bytes / 1048576);
}

/* ---------------------------------------------------------------- rows */

/* A figure that is not defined is null in JSON and a dash in a table. */
static void put_figure(const struct quern_eval_table *table, int figure, double value)
{
    if (table->json)
        printf(isnan(value) ? ",\"%s\":null" : ",\"%s\":%.6f", table->figures[figure].key, value);
    else if (isnan(value))
        printf("         -");
    else
        printf(" %9.*f", table->figures[figure].digits, value);
}

/* What stands before the figures of a row: dimensions or a name, and a form, "" for none. */
static void put_label(const struct quern_eval_table *table, const char *label, const char *form)
{
    if (table->json)
        fputs(label, stdout);
    else
        printf("%-10s", label);
    if (table->json && form[0] != '\0')
        printf(",\"stored\":\"%s\"", form);
    else if (!table->json && table->forms != NULL)
        printf(" %-6s", form);
}

/* label: in JSON with its key, as in "dims":64. */
static void put_row(const struct quern_eval_table *table, const char *label, const char *form, const double *figures,
                    bool first)
{
    if (table->json)
        fputs(first ? "\n{" : ",\n{", stdout);
    put_label(table, label, form);
    for (int f = 0; f < table->figure_count; f++)
        put_figure(table, f, figures[f]);
    fputs(table->json ? "}" : "\n", stdout);
}

static const char *form_name(const struct quern_eval_table *table, int form)
{
    return table->forms != NULL ? table->forms[form] : "";
}

/* Writes dimensions as they stand in a label. */
static void name_dims(const struct quern_eval_table *table, int dims, char label[32])
{
    if (dims == WHOLE)
        snprintf(label, 32, table->json ? "\"dims\":\"all\"" : "all");
    else
        snprintf(label, 32, table->json ? "\"dims\":%d" : "%d", dims);
}

static void put_column(const struct quern_eval_table *table, const struct quern_eval_column *column)
{
    for (int d = 0; d < column->dims.count; d++) {
        char label[32];
        name_dims(table, column->dims.values[d], label);
        for (int form = 0; form < table->form_count; form++)
            put_row(table, label, form_name(table, form), column->leading[d].figures[form], d + form == 0);
    }
}

static void put_baselines(const struct quern_eval_table *table, bool first)
{
    for (int b = 0; b < table->baseline_count; b++) {
        char label[48];
        snprintf(label, sizeof label, table->json ? "\"baseline\":\"%s\"" : "%s", table->baselines[b].name);
        put_row(table, label, "", table->baselines[b].figures, first && b == 0);
    }
}

/* The titles of the columns before the figures. */
static void put_label_titles(const struct quern_eval_table *table)
{
    putchar('\n');
    put_label(table, "dims", "stored");
}

/* ---------------------------------------------------------------- one model */

static void print_one(const struct quern_eval_table *table)
{
    const struct quern_eval_column *column = &table->columns[0];
    if (table->json) {
        printf("{\"%s\":", table->source_key);
        put_json_string(table->source);
        fputs(",\"model\":", stdout);
        put_json_string(column->name);
        putchar(',');
        put_members(column, table->size_json);
    } else {
        put_source(table);
        printf("%s, %s path, %s\n", column->name, column->path, column->task);
        put_cost(column, "");
        put_label_titles(table);
        for (int f = 0; f < table->figure_count; f++)
            printf(" %9s", table->figures[f].title);
        putchar('\n');
    }
    put_column(table, column);
    put_baselines(table, false);
    if (table->json)
        puts("]}");
}

/* ---------------------------------------------------------------- several models */

/* What was measured of a model with a number of dimensions, or NULL. */
static const struct quern_eval_measured *find_measured(const struct quern_eval_column *column, int dims)
{
    if (dims == WHOLE)
        return &column->whole;
    for (int d = 0; d < column->dims.count; d++)
        if (column->dims.values[d] == dims)
            return &column->leading[d];
    return NULL;
}

/* Lists the dimensions of all models: first all that each has, if they do not have equally many, and then those that at
 * least two models have, or that the user has named. */
static int list_dims(const struct quern_eval_table *table, int dims[QUERN_CLI_NUMBERS + 1])
{
    int count = 0;
    bool differ = false;
    for (int c = 1; c < table->column_count; c++)
        differ = differ || table->columns[c].width != table->columns[0].width;
    if (differ && !table->chosen)
        dims[count++] = WHOLE;
    for (int c = 0; c < table->column_count; c++)
        for (int d = 0; d < table->columns[c].dims.count; d++) {
            const int value = table->columns[c].dims.values[d];
            int models = 0, at = 0;
            for (int other = 0; other < table->column_count; other++)
                models += find_measured(&table->columns[other], value) != NULL;
            while (at < count && dims[at] != value)
                at++;
            if (at == count && models > 1 && count <= QUERN_CLI_NUMBERS)
                dims[count++] = value;
        }
    return count;
}

/* A row of one figure of all models, and its differences to that of the first. */
static void put_wide_row(const struct quern_eval_table *table, const char *label, int dims, int form, int f)
{
    const struct quern_eval_measured *first = find_measured(&table->columns[0], dims);
    put_label(table, label, f == 0 ? form_name(table, form) : "");
    printf(" %-10s", table->figures[f].title);
    for (int c = 0; c < table->column_count; c++) {
        const struct quern_eval_measured *own = find_measured(&table->columns[c], dims);
        const double value = own != NULL ? own->figures[form][f] : NAN;
        put_figure(table, f, value);
        if (c == 0)
            continue;
        const double difference = first != NULL ? value - first->figures[form][f] : NAN;
        if (isnan(difference))
            printf("         -");
        else
            printf(" %+9.*f", table->figures[f].digits, difference);
    }
    putchar('\n');
}

static void print_title(const struct quern_eval_column *column, int letter)
{
    printf("%c  ", letter);
    quern_cli_put_clean(column->file);
    printf(": %s, %s path, %s, %d dimensions\n", column->name, column->path, column->task,
           column->width);
    put_cost(column, "   ");
}

static void print_wide(const struct quern_eval_table *table, const int *dims, int count)
{
    put_source(table);
    for (int c = 0; c < table->column_count; c++)
        print_title(&table->columns[c], 'A' + c);
    put_label_titles(table);
    printf(" %-10s %9s", "figure", "A");
    for (int c = 1; c < table->column_count; c++)
        printf(" %9c     %c - A", 'A' + c, 'A' + c);
    putchar('\n');
    for (int d = 0; d < count; d++) {
        char label[32];
        name_dims(table, dims[d], label);
        for (int row = 0; row < table->form_count * table->figure_count; row++)
            put_wide_row(table, row == 0 ? label : "", dims[d], row / table->figure_count, row % table->figure_count);
    }
    for (int b = 0; b < table->baseline_count; b++)
        for (int f = 0; f < table->figure_count; f++) {
            put_label(table, f == 0 ? table->baselines[b].name : "", "");
            printf(" %-10s", table->figures[f].title);
            put_figure(table, f, table->baselines[b].figures[f]);
            putchar('\n');
        }
}

/* How far the figures of model c are above those of the first model. */
static void put_differences(const struct quern_eval_table *table, int c, const int *dims, int count)
{
    bool any = false;
    for (int d = 0; d < count; d++) {
        const struct quern_eval_measured *first = find_measured(&table->columns[0], dims[d]);
        const struct quern_eval_measured *own = find_measured(&table->columns[c], dims[d]);
        char label[32];
        name_dims(table, dims[d], label);
        for (int form = 0; form < table->form_count && first != NULL && own != NULL; form++) {
            double differences[QUERN_EVAL_FIGURES];
            for (int f = 0; f < table->figure_count; f++)
                differences[f] = own->figures[form][f] - first->figures[form][f];
            put_row(table, label, form_name(table, form), differences, !any);
            any = true;
        }
    }
}

static void print_several_json(const struct quern_eval_table *table, const int *dims, int count)
{
    printf("{\"%s\":", table->source_key);
    put_json_string(table->source);
    printf(",%s,\"models\":[", table->size_json);
    for (int c = 0; c < table->column_count; c++) {
        const struct quern_eval_column *column = &table->columns[c];
        fputs(c > 0 ? ",\n{\"file\":" : "\n{\"file\":", stdout);
        put_json_string(column->file);
        fputs(",\"model\":", stdout);
        put_json_string(column->name);
        putchar(',');
        put_members(column, "");
        put_column(table, column);
        fputs("],\"differences\":[", stdout);
        if (c > 0)
            put_differences(table, c, dims, count);
        fputs("]}", stdout);
    }
    fputs("],\"baselines\":[", stdout);
    put_baselines(table, true);
    puts("]}");
}

void quern_eval_table_print(const struct quern_eval_table *table)
{
    int dims[QUERN_CLI_NUMBERS + 1];
    if (table->column_count == 1) {
        print_one(table);
        return;
    }
    const int count = list_dims(table, dims);
    if (table->json)
        print_several_json(table, dims, count);
    else
        print_wide(table, dims, count);
}
