/* quern index: makes index files, and works on them. */
#include "search.h"

#include "arguments.h"

#include <string.h>

static int index_run(const void *options, struct quern_cli_arguments arguments)
{
    return quern_cli_index_files(options, arguments);
}

static struct quern_cli_index_options defaults = {.embed = QUERN_CLI_EMBED_DEFAULTS, .commit = 20};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct quern_cli_index_options),
    QUERN_CLI_AS_OPTION(struct quern_cli_index_options),
    {"output", 'o', "FILE", "the index", QUERN_CLI_TEXT(struct quern_cli_index_options, output)},
    {"chunk", '\0', "TOKENS[:OVERLAP]", "most tokens of a passage (256), and tokens that the next one repeats (0)",
     QUERN_CLI_TEXT(struct quern_cli_index_options, chunk)},
    {"text", '\0', "COL", "the column of the text in files of records; default: text, or the only one",
     QUERN_CLI_TEXT(struct quern_cli_index_options, text)},
    {"title", '\0', "COL", "the column of the title in files of records",
     QUERN_CLI_TEXT(struct quern_cli_index_options, title_column)},
    QUERN_CLI_DIMENSIONS_OPTION(struct quern_cli_index_options),
    {"dtype", '\0', "DTYPE", NULL, QUERN_CLI_WORD(struct quern_cli_index_options, dtype, "f32|f16")},
    {"bits", '\0', NULL, "store bits too, for 'quern search --fast'",
     QUERN_CLI_SWITCH(struct quern_cli_index_options, bits)},
    {"remove", '\0', NULL, "take the files and folders out of the index",
     QUERN_CLI_SWITCH(struct quern_cli_index_options, remove)},
    {"force", '\0', NULL, "make the index anew, also with another model",
     QUERN_CLI_SWITCH(struct quern_cli_index_options, force)},
    {"commit", '\0', "SECONDS", "make what is done visible so often (20)",
     QUERN_CLI_SECONDS(struct quern_cli_index_options, commit, 86400)},
    QUERN_CLI_THREADS_OPTION(struct quern_cli_index_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct quern_cli_index_options),
    QUERN_CLI_CONTEXT_OPTION(struct quern_cli_index_options),
    QUERN_CLI_JSON_OPTION(struct quern_cli_index_options),
    {0},
};

const struct quern_cli_verb quern_cli_index = {
    .name = "index",
    .arguments = "[FILE | FOLDER]...",
    .summary = "Makes an index of files, to be searched with 'quern search', or brings it up to date.",
    .table = table,
    .more = "Each file is cut into passages, at headings, paragraphs and sentences. JSON lines, CSV, TSV, Arrow and\n"
            "Parquet have a text in each record; without a column of texts, JSON lines, CSV and TSV are read as\n"
            "plain text. Hidden files and folders, links to folders and files that are no text are left out.\n"
            "A later run embeds only what has changed and removes what is gone; without arguments it looks at all\n"
            "files and folders that were named before. What it was told, it keeps: model, --chunk, --text, --title.\n"
            "The exit code is 1 when a file could not be read, and 75 when a signal stopped the run.\n\n"
            "example:\n"
            "  quern index notes/ -o notes.qidx\n"
            "  quern search notes.qidx 'how do plants drink'\n",
    .options = &defaults,
    .run = index_run,
};
