/* quern index: makes index files, and works on them. */
#include "search.h"

#include "arguments.h"
#include "export_format.h"

#include <string.h>

static int check_index(const struct quern_cli_index_options *given, const char *path)
{
    (void)given;
    return quern_cli_index_check(path);
}

static int compact_index(const struct quern_cli_index_options *given, const char *path)
{
    (void)given;
    return quern_cli_index_compact(path);
}

/* The other uses of the verb, with the options that they have. */
static const struct {
    const char *word, *options, *name;
    int (*run)(const struct quern_cli_index_options *given, const char *path);
} uses[] = {
    {"info", "json", "'quern index info'", quern_cli_index_info},
    {"check", "", "'quern index check'", check_index},
    {"compact", "", "'quern index compact'", compact_index},
    {"import", "output|ids|payloads|null|space|dtype|bits|threads", "'quern index import'", quern_cli_index_import},
    {"export", "output|format|null", "'quern index export'", quern_cli_index_export},
};

static int index_run(const void *options, struct quern_cli_arguments arguments)
{
    const struct quern_cli_index_options *given = options;
    const char *word = arguments.count == 2 ? arguments.texts[0] : "";
    int code;
    for (size_t i = 0; i < QUERN_COUNT(uses); i++)
        if (strcmp(word, uses[i].word) == 0) {
            code = quern_cli_allow(&quern_cli_index, arguments, uses[i].options, uses[i].name);
            return code == QUERN_CLI_DONE ? uses[i].run(given, arguments.texts[1]) : code;
        }
    code = given->remove
               ? quern_cli_allow(&quern_cli_index, arguments,
                                 "output|remove|watch|commit|json|model|as|threads|context-length", "--remove")
               : quern_cli_allow(&quern_cli_index, arguments,
                                 "output|model|as|chunk|text|title|dims|dtype|bits|watch|no-ignore|force|commit|"
                                 "threads|exact|context-length|json", "files to index, but with import or export");
    return code == QUERN_CLI_DONE ? quern_cli_index_files(given, arguments) : code;
}

static struct quern_cli_index_options defaults = {.embed = QUERN_CLI_EMBED_DEFAULTS, .commit = 20};

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct quern_cli_index_options),
    QUERN_CLI_AS_OPTION(struct quern_cli_index_options),
    {"output", 'o', "FILE", "the index; of export: the file of vectors",
     QUERN_CLI_TEXT(struct quern_cli_index_options, output)},
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
    {"ids", '\0', "FILE", "of import: the ids, one a line; default: numbers from 0",
     QUERN_CLI_TEXT(struct quern_cli_index_options, ids)},
    {"payloads", '\0', "FILE", "of import: what search shows of each vector, one a line",
     QUERN_CLI_TEXT(struct quern_cli_index_options, payloads)},
    {"space", '\0', "SPACE", "of import: the space of the vectors, as 'quern info' names it",
     QUERN_CLI_TEXT(struct quern_cli_index_options, space)},
    {"format", 'f', "FORMAT", NULL,
     QUERN_CLI_WORD(struct quern_cli_index_options, format, QUERN_EXPORT_FORMATS)},
    {"null", '\0', NULL, "ids and payloads end with NUL bytes instead of newlines",
     QUERN_CLI_SWITCH(struct quern_cli_index_options, null)},
    {"remove", '\0', NULL, "take the files and folders out of the index",
     QUERN_CLI_SWITCH(struct quern_cli_index_options, remove)},
    {"watch", '\0', NULL, "stay, and follow the files and folders as they change",
     QUERN_CLI_SWITCH(struct quern_cli_index_options, watch)},
    {"no-ignore", '\0', NULL, "take files that a .gitignore leaves out, too",
     QUERN_CLI_SWITCH(struct quern_cli_index_options, no_ignore)},
    {"force", '\0', NULL, "make the index anew, also with another model",
     QUERN_CLI_SWITCH(struct quern_cli_index_options, force)},
    {"commit", '\0', "SECONDS", "seconds until searches see what is done so far (20)",
     QUERN_CLI_SECONDS(struct quern_cli_index_options, commit, 86400)},
    QUERN_CLI_THREADS_OPTION(struct quern_cli_index_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct quern_cli_index_options),
    QUERN_CLI_CONTEXT_OPTION(struct quern_cli_index_options),
    QUERN_CLI_JSON_OPTION(struct quern_cli_index_options),
    {0},
};

const struct quern_cli_verb quern_cli_index = {
    .name = "index",
    .arguments = "[FILE | FOLDER]... | info F | check F | compact F | import NPY | export F",
    .summary = "Makes an index of files, to be searched with 'quern search', or brings it up to date.",
    .table = table,
    .more = "Each file is cut into passages, at headings, paragraphs and sentences. JSON lines, CSV, TSV, Arrow and\n"
            "Parquet have a text in each record; without a column of texts, JSON lines, CSV and TSV are read as\n"
            "plain text. Left out are hidden files and folders, links to folders, files that are not text, and what\n"
            "a .gitignore names. A file or folder that you name is always taken.\n"
            "A later run embeds only what has changed, and removes what is gone. Without arguments it looks at all\n"
            "files and folders that were named before. The index keeps the model, --chunk, --text, --title and\n"
            "--no-ignore for later runs.\n"
            "The exit code is 1 as long as a file cannot be read, and 75 when a signal stopped the run. Files and\n"
            "records without text are skipped, and told.\n\n"
            "info tells what is in an index. check compares it with its checksums. compact makes the file smaller\n"
            "after rows were removed. import makes an index of a NumPy array. export writes vectors, ids and texts:\n"
            "as npy or fvecs with the ids in a second file, as SQL for sqlite-vec, or for COPY BINARY of pgvector.\n\n"
            "example:\n"
            "  quern index notes/ -o notes.qidx\n"
            "  quern search notes.qidx 'how do plants drink'\n"
            "  quern index notes/ -o notes.qidx --watch\n"
            "  quern index import vectors.npy --ids ids.txt -o vectors.qidx\n"
            "  quern index export vectors.qidx -f sqlite-vec -o vectors.sql\n",
    .takes_names = true,
    .options = &defaults,
    .run = index_run,
};
