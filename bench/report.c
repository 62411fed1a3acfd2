/* The tables of a report, and the two formats in which they are printed. */
#include "bench.h"

#include "json_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct quern_bench_cell {
    char *text;    /* of a text column */
    double number; /* of the others */
};

struct quern_bench_table *quern_bench_table_add(struct quern_bench_report *report, const char *key, const char *title,
                                                const char *note, const struct quern_bench_column *columns)
{
    struct quern_bench_table *table = &report->tables[report->count++];
    *table = (struct quern_bench_table){.key = key, .title = title, .note = note, .columns = columns};
    while (columns[table->column_count].key != NULL)
        table->column_count++;
    return table;
}

void quern_bench_put(struct quern_bench_report *report, struct quern_bench_table *table, ...)
{
    const size_t columns = (size_t)table->column_count;
    struct quern_bench_cell *cells = realloc(table->cells, (table->rows + 1) * columns * sizeof *cells);
    va_list arguments;
    if (cells == NULL) {
        report->failed = true;
        return;
    }
    table->cells = cells;
    cells += table->rows++ * columns;
    va_start(arguments, table);
    for (size_t i = 0; i < columns; i++) {
        cells[i] = (struct quern_bench_cell){0};
        if (table->columns[i].decimals != QUERN_BENCH_TEXT) {
            cells[i].number = va_arg(arguments, double);
        } else {
            cells[i].text = strdup(va_arg(arguments, const char *));
            report->failed = report->failed || cells[i].text == NULL;
        }
    }
    va_end(arguments);
}

void quern_bench_report_free(struct quern_bench_report *report)
{
    for (int t = 0; t < report->count; t++) {
        struct quern_bench_table *table = &report->tables[t];
        for (size_t i = 0; i < table->rows * (size_t)table->column_count; i++)
            free(table->cells[i].text);
        free(table->cells);
    }
    report->count = 0;
}

/* ---------------------------------------------------------------- Markdown */

static const char *spell(char out[32], const struct quern_bench_cell *cell, int decimals)
{
    if (decimals == QUERN_BENCH_TEXT)
        return cell->text;
    if (isnan(cell->number))
        return "";
    snprintf(out, 32, "%.*f", decimals, cell->number);
    return out;
}

static void print_table(const struct quern_bench_table *table, FILE *file)
{
    int widths[16] = {0};
    char number[32];
    for (int c = 0; c < table->column_count; c++) {
        widths[c] = (int)strlen(table->columns[c].heading);
        for (size_t r = 0; r < table->rows; r++) {
            const struct quern_bench_cell *cell = &table->cells[r * (size_t)table->column_count + (size_t)c];
            const int width = (int)strlen(spell(number, cell, table->columns[c].decimals));
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (int c = 0; c < table->column_count; c++)
        fprintf(file, "| %-*s ", widths[c], table->columns[c].heading);
    fputs("|\n", file);
    for (int c = 0; c < table->column_count; c++) {
        fputs("|", file);
        for (int i = 0; i < widths[c] + 1; i++)
            putc('-', file);
        putc(table->columns[c].decimals == QUERN_BENCH_TEXT ? '-' : ':', file);
    }
    fputs("|\n", file);
    for (size_t r = 0; r < table->rows; r++) {
        for (int c = 0; c < table->column_count; c++) {
            const struct quern_bench_cell *cell = &table->cells[r * (size_t)table->column_count + (size_t)c];
            const bool text = table->columns[c].decimals == QUERN_BENCH_TEXT;
            fprintf(file, text ? "| %-*s " : "| %*s ", widths[c], spell(number, cell, table->columns[c].decimals));
        }
        fputs("|\n", file);
    }
}

void quern_bench_print_markdown(const struct quern_bench_report *report, FILE *file)
{
    fprintf(file, "# quern %s: benchmark\n", quern_version());
    for (int t = 0; t < report->count; t++) {
        const struct quern_bench_table *table = &report->tables[t];
        fprintf(file, "\n## %s\n\n", table->title);
        if (table->note != NULL)
            fprintf(file, "%s\n\n", table->note);
        print_table(table, file);
    }
}

/* ---------------------------------------------------------------- JSON */

static void print_value(const struct quern_bench_cell *cell, int decimals, FILE *file)
{
    if (decimals == QUERN_BENCH_TEXT)
        quern_json_put_string(file, (quern_text){cell->text, strlen(cell->text)});
    else if (isfinite(cell->number))
        fprintf(file, "%.*f", decimals, cell->number);
    else
        fputs("null", file);
}

/* In JSON a table is an array, and each row is an object with the keys of the columns. */
void quern_bench_print_json(const struct quern_bench_report *report, FILE *file)
{
    fprintf(file, "{\"quern\":\"%s\"", quern_version());
    for (int t = 0; t < report->count; t++) {
        const struct quern_bench_table *table = &report->tables[t];
        fprintf(file, ",\n\"%s\":[", table->key);
        for (size_t i = 0; i < table->rows * (size_t)table->column_count; i++) {
            const int c = (int)(i % (size_t)table->column_count);
            fprintf(file, "%s\"%s\":", c > 0 ? "," : i > 0 ? ",\n  {" : "\n  {", table->columns[c].key);
            print_value(&table->cells[i], table->columns[c].decimals, file);
            if (c + 1 == table->column_count)
                putc('}', file);
        }
        putc(']', file);
    }
    fputs("}\n", file);
}
