/* Options of verbs. Every verb has one table of its options. Each entry says how its argument is read and into which
 * field of the verb's own structure the value goes. Parsing, --help and the environment follow the table. */
#ifndef QUERN_CLI_ARGUMENTS_H
#define QUERN_CLI_ARGUMENTS_H

#include "cli.h"

#include <stddef.h>

/* What an option's argument is, and the type of its field. */
enum quern_cli_kind {
    QUERN_CLI_KIND_TEXT,    /* const char *: any text that is not empty */
    QUERN_CLI_KIND_TEXTS,   /* struct quern_cli_texts: the same, and the option may be given several times */
    QUERN_CLI_KIND_TITLE,   /* quern_text: any text */
    QUERN_CLI_KIND_SWITCH,  /* bool: becomes true; there is no argument */
    QUERN_CLI_KIND_FLAG,    /* unsigned: gets the bit `most`; there is no argument */
    QUERN_CLI_KIND_NUMBER,  /* int: `least` to `most` */
    QUERN_CLI_KIND_NUMBERS, /* struct quern_cli_numbers: each `least` to `most`, with commas between them */
    QUERN_CLI_KIND_SECONDS, /* double: 0 to `most` */
    QUERN_CLI_KIND_SCORE,   /* double: any number */
    QUERN_CLI_KIND_BYTES,   /* size_t: a million or more; K, M or G may stand behind the number */
    QUERN_CLI_KIND_TASK,    /* int: a quern_task */
    QUERN_CLI_KIND_WORD,    /* int: the place of the word in `words` */
    QUERN_CLI_KIND_QUIET    /* no field: quern_cli_quiet becomes true */
};

struct quern_cli_option {
    const char *name;     /* NULL ends a table */
    char letter;          /* of the short form; '\0': there is none */
    const char *argument; /* as --help names it; NULL: the option takes none */
    const char *help;     /* one line; NULL: the words, or the names of all tasks */
    const char *words;    /* with '|' between them */
    enum quern_cli_kind kind;
    int least, most;
    size_t offset; /* of the field in the verb's structure */
};

#define QUERN_CLI_MOST_OPTIONS 64 /* of a verb, the common ones and an empty one included */

/* Options of every verb, beside its own: --quiet, and --help, which is for the command line alone. */
extern const struct quern_cli_option quern_cli_common_options[];

#define QUERN_CLI_TEXTS 8
struct quern_cli_texts {
    int count; /* 0: not given */
    const char *values[QUERN_CLI_TEXTS];
};

#define QUERN_CLI_NUMBERS 16
struct quern_cli_numbers {
    int count; /* 0: not given */
    int values[QUERN_CLI_NUMBERS];
};

/* The part of an entry that says where the value goes. The compiler checks the type of the field. */
#define QUERN_CLI_FIELD(kind_, type, structure, field) \
    .kind = (kind_), .offset = offsetof(structure, field) + 0 * sizeof(_Generic(((structure *)0)->field, type: 1))
#define QUERN_CLI_TEXT(structure, field) QUERN_CLI_FIELD(QUERN_CLI_KIND_TEXT, const char *, structure, field)
#define QUERN_CLI_SEVERAL(structure, field) \
    QUERN_CLI_FIELD(QUERN_CLI_KIND_TEXTS, struct quern_cli_texts, structure, field)
#define QUERN_CLI_TITLE(structure, field) QUERN_CLI_FIELD(QUERN_CLI_KIND_TITLE, quern_text, structure, field)
#define QUERN_CLI_SWITCH(structure, field) QUERN_CLI_FIELD(QUERN_CLI_KIND_SWITCH, bool, structure, field)
#define QUERN_CLI_SECONDS(structure, field, most_) \
    QUERN_CLI_FIELD(QUERN_CLI_KIND_SECONDS, double, structure, field), .most = (most_)
#define QUERN_CLI_SCORE(structure, field) QUERN_CLI_FIELD(QUERN_CLI_KIND_SCORE, double, structure, field)
#define QUERN_CLI_BYTES(structure, field) QUERN_CLI_FIELD(QUERN_CLI_KIND_BYTES, size_t, structure, field)
#define QUERN_CLI_TASK(structure, field) QUERN_CLI_FIELD(QUERN_CLI_KIND_TASK, int, structure, field)
#define QUERN_CLI_FLAG(structure, field, bit) \
    QUERN_CLI_FIELD(QUERN_CLI_KIND_FLAG, unsigned, structure, field), .most = (bit)
#define QUERN_CLI_NUMBER(structure, field, least_, most_) \
    QUERN_CLI_FIELD(QUERN_CLI_KIND_NUMBER, int, structure, field), .least = (least_), .most = (most_)
#define QUERN_CLI_LIST(structure, field, most_) \
    QUERN_CLI_FIELD(QUERN_CLI_KIND_NUMBERS, struct quern_cli_numbers, structure, field), .least = 1, .most = (most_)
#define QUERN_CLI_WORD(structure, field, words_) \
    QUERN_CLI_FIELD(QUERN_CLI_KIND_WORD, int, structure, field), .words = (words_)

/* Entries that several verbs share. The verb's structure has a field of the type that is named here. */
#define QUERN_CLI_MODEL_OPTION(structure) /* struct quern_cli_session_options session; */ \
    {"model", 'm', "FILE", "a GGUF file or a published name; else $QUERN_MODEL, the cache folder, the starter", \
     QUERN_CLI_TEXT(structure, session.model)}
#define QUERN_CLI_AS_OPTION(structure) \
    {"as", '\0', "NAME", "the published model that the file is, if it does not tell ('quern models known'); or none", \
     QUERN_CLI_TEXT(structure, session.as)}
#define QUERN_CLI_OVERSAMPLING 50 /* finds 99 of 100 hits of real texts; see bench/RESULTS.md */
#define QUERN_CLI_OVERSAMPLING_OPTION(structure, most) \
    {"oversampling", '\0', "N", "of searches by bits: how many times as many rows as hits to score (50)", \
     QUERN_CLI_NUMBER(structure, oversampling, 1, most)}
#define QUERN_CLI_THREADS_OPTION(structure, field) \
    {"threads", '\0', "N", "threads that compute; default: the CPUs that this process may use", \
     QUERN_CLI_NUMBER(structure, field, 1, QUERN_MOST_THREADS)}
#define QUERN_CLI_EXACT_OPTION(structure) \
    {"exact", '\0', NULL, "compute with float32 activations: slower, within 1e-6 of the exact vector", \
     QUERN_CLI_SWITCH(structure, session.exact)}
#define QUERN_CLI_CONTEXT_OPTION(structure) \
    {"context-length", '\0', "N", "most tokens of a text, where the model can take more, or should take fewer", \
     QUERN_CLI_NUMBER(structure, session.context_length, 1, 1 << 20)}
#define QUERN_CLI_TASK_OPTION(structure, field) \
    {"task", 't', "TASK", NULL, QUERN_CLI_TASK(structure, field)}
#define QUERN_CLI_TITLE_OPTION(structure) /* quern_embed_options embed; */ \
    {"title", '\0', "TITLE", "the title of the document, for the task document", \
     QUERN_CLI_TITLE(structure, embed.title)}
#define QUERN_CLI_PROMPT_OPTION(structure) \
    {"prompt", '\0', "PROMPT", "what is put before every text, instead of the prompt of the task", \
     QUERN_CLI_TITLE(structure, embed.prompt)}
#define QUERN_CLI_DIMENSIONS_OPTION(structure) \
    {"dims", 'd', "DIMS", "leading dimensions to keep (768, 512, 256, 128); default: all", \
     QUERN_CLI_NUMBER(structure, embed.dimensions, 1, 65536)}
#define QUERN_CLI_TRUNCATE_OPTION(structure) \
    {"truncate", '\0', NULL, "cut texts that are longer than the model takes, instead of failing", \
     QUERN_CLI_FLAG(structure, embed.flags, QUERN_TRUNCATE)}
#define QUERN_CLI_PARSE_SPECIAL_OPTION(structure) \
    {"parse-special", '\0', NULL, "special tokens spelled in a text become those tokens; for trusted text only", \
     QUERN_CLI_FLAG(structure, embed.flags, QUERN_PARSE_SPECIAL)}
#define QUERN_CLI_INPUT_OPTION(structure) /* struct quern_cli_input_options input; */ \
    {"input", 'i', "FILE", "read texts from FILE, one a line", QUERN_CLI_TEXT(structure, input.path)}
#define QUERN_CLI_NULL_OPTION(structure) \
    {"null", '\0', NULL, "texts in the input end with NUL bytes instead of newlines", \
     QUERN_CLI_SWITCH(structure, input.null)}
#define QUERN_CLI_OUTPUT_OPTION(structure) /* const char *output; */ \
    {"output", 'o', "FILE", "write to FILE, which appears when it is complete", QUERN_CLI_TEXT(structure, output)}
#define QUERN_CLI_JSON_OPTION(structure) /* bool json; */ \
    {"json", '\0', NULL, "print JSON", QUERN_CLI_SWITCH(structure, json)}

/* option_value.c: takes an option with its argument, which may be NULL when it has none. label: what a message calls
 * the option, such as "--port" or "$QUERN_PORT". Returns -1, or an exit code after a message. */
int quern_cli_take(const struct quern_cli_verb *verb, const struct quern_cli_option *option, const char *label,
                   const char *argument);

/* The same file: the place of a word in a list with '|' between the words; -1: it is not there. */
int quern_cli_find_word(const char *words, const char *word);

/* The same file: reads "TOKENS" or "TOKENS:OVERLAP", the argument of --chunk; NULL: not given, and nothing is set.
 * Reports wrong usage; returns an exit code. */
int quern_cli_read_chunk(const char *verb, const char *text, quern_chunk_options *chunk);

/* Parses the arguments of a verb, its name first, into verb->options and *arguments. An option that is given twice is
 * wrong usage, unless it is of the kind TEXTS: nobody could tell which one counts. Returns -1 when the verb should run,
 * or an exit code: after --help, or after a message. */
int quern_cli_parse(const struct quern_cli_verb *verb, int argc, char **argv, struct quern_cli_arguments *arguments);

/* Refuses an option of the verb that was given, but is not among `names`, which have '|' between them: wrong usage.
 * use: what it does not go with, as the message names it. Returns an exit code. */
int quern_cli_allow(const struct quern_cli_verb *verb, struct quern_cli_arguments arguments, const char *names,
                    const char *use);

/* verbs/complete.c: prints what may stand in the place of the last of the words behind "quern", for the completion of
 * shells: in each line a candidate, a tab, and what it is. Prints nothing where a file or any text may stand. */
void quern_cli_complete(const struct quern_cli_verb *const *verbs, size_t verb_count, char **words, int count);

#endif
