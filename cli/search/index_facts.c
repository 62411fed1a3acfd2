/* quern index info, check and compact. */
#include "search.h"

#include "json_text.h"
#include "passage.h"
#include "source_table.h"

#include <string.h>

struct source_counts {
    uint64_t files, not_text, bad_records;
};

static void tally_sources(const struct quern_source_table *table, struct source_counts *counts)
{
    for (size_t i = 0; i < table->count; i++) {
        const bool is_text = table->sources[i].state != QUERN_SOURCE_NOT_TEXT;
        counts->files += is_text;
        counts->not_text += !is_text;
        counts->bad_records += table->sources[i].bad_records;
    }
}

static void put_string(const char *key, const char *string)
{
    printf(",\"%s\":", key);
    quern_json_put_string(stdout, (quern_text){string, strlen(string)});
}

static void print_json(const quern_index_info *info, const struct quern_source_table *table,
                       const struct source_counts *counts)
{
    printf("{\"vectors\":%llu,\"dimensions\":%d,\"dtype\":\"%s\",\"bits\":%s,\"ids\":\"%s\",\"removed\":%llu,"
           "\"blocks\":%llu,\"bytes\":%llu",
           (unsigned long long)info->count, info->dimensions, quern_dtype_name(info->rows),
           info->bits ? "true" : "false", info->ids == QUERN_INDEX_NAMES ? "names" : "numbers",
           (unsigned long long)(info->places - info->count), (unsigned long long)info->blocks,
           (unsigned long long)info->bytes);
    put_string("space", info->space);
    if (table != NULL) {
        put_string("model", table->model);
        printf(",\"files\":%llu,\"not_text\":%llu,\"bad_records\":%llu,\"chunk\":%llu,\"overlap\":%llu,"
               "\"exact\":%s,\"no_ignore\":%s,\"from\":[", (unsigned long long)counts->files,
               (unsigned long long)counts->not_text, (unsigned long long)counts->bad_records,
               (unsigned long long)table->tokens, (unsigned long long)table->overlap, table->exact ? "true" : "false",
               table->takes_ignored ? "true" : "false");
        for (size_t i = 0; i < table->root_count; i++) {
            fputs(i > 0 ? "," : "", stdout);
            quern_json_put_string(stdout, (quern_text){table->roots[i], strlen(table->roots[i])});
        }
        putchar(']');
    }
    puts("}");
}

static void print_text(const quern_index_info *info, const struct quern_source_table *table,
                       const struct source_counts *counts)
{
    printf("vectors     %llu of %d dimensions, %s%s\n", (unsigned long long)info->count, info->dimensions,
           quern_dtype_name(info->rows), info->bits ? ", with bits" : "");
    printf("ids         %s\n", info->ids == QUERN_INDEX_NAMES ? "names" : "numbers");
    printf("space       %s\n", info->space[0] != '\0' ? info->space : "not known");
    printf("file        %.1f MB in %llu block%s; it still has %llu removed row%s\n", (double)info->bytes * 1e-6,
           (unsigned long long)info->blocks, quern_cli_plural(info->blocks),
           (unsigned long long)(info->places - info->count), quern_cli_plural(info->places - info->count));
    if (table == NULL)
        return;
    printf("model       %s\n", table->model);
    printf("files       %llu, and %llu without text", (unsigned long long)counts->files,
           (unsigned long long)counts->not_text);
    if (counts->bad_records > 0)
        printf("; %llu record%s without text", (unsigned long long)counts->bad_records,
               quern_cli_plural(counts->bad_records));
    putchar('\n');
    printf("passages    of at most %llu token%s\n", (unsigned long long)table->tokens,
           quern_cli_plural(table->tokens));
    for (size_t i = 0; i < table->root_count; i++)
        printf("from        %s\n", table->roots[i]);
}

int quern_cli_index_info(const struct quern_cli_index_options *given, const char *path)
{
    struct quern_source_table table;
    quern_index *index = NULL;
    quern_index_info info;
    struct source_counts counts = {0};
    const int code = quern_cli_index_open(&index, &info, path);
    if (code == QUERN_CLI_DONE) {
        const bool is_told = quern_source_table_read(&table, info.note, NULL) == QUERN_OK;
        tally_sources(&table, &counts);
        (given->json ? print_json : print_text)(&info, is_told ? &table : NULL, &counts);
        quern_source_table_free(&table);
    }
    quern_index_close(index);
    return code;
}

int quern_cli_index_check(const char *path)
{
    quern_index *index = NULL;
    quern_index_info info;
    quern_error error;
    int code = quern_cli_index_open(&index, &info, path);
    if (code == QUERN_CLI_DONE && quern_index_check(index, &error) != QUERN_OK)
        code = quern_cli_fail(NULL, &error);
    if (code == QUERN_CLI_DONE)
        printf("%s is whole: %llu vector%s as written\n", path, (unsigned long long)info.count,
               quern_cli_plural(info.count));
    quern_index_close(index);
    return code;
}

int quern_cli_index_compact(const char *path)
{
    quern_error error;
    return quern_index_compact(path, &error) == QUERN_OK ? QUERN_CLI_DONE : quern_cli_fail(NULL, &error);
}
