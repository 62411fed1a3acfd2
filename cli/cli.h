/* What the files of the command share. Everything about texts and vectors comes from quern.h and jobs.h. */
#ifndef QUERN_CLI_H
#define QUERN_CLI_H

#include "array_count.h"
#include "base/nearest.h"
#include "jobs.h"
#include "quern.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes. The last one is EX_TEMPFAIL of sysexits.h: the same command goes on where it was stopped, and schedulers
 * start it again. */
enum { QUERN_CLI_DONE = 0, QUERN_CLI_FAILED = 1, QUERN_CLI_USAGE = 2, QUERN_CLI_TRY_AGAIN = 75 };

/* ---------------------------------------------------------------- verbs */

struct quern_cli_arguments { /* that are not options */
    char **texts;
    int count;
    uint64_t given; /* the options that the command line has: bit i is entry i of the verb's table */
};

struct quern_cli_verb {
    const char *name;
    const char *arguments;                /* "TEXT..."; NULL: none */
    const char *summary;                  /* one line */
    const struct quern_cli_option *table; /* its options; see arguments.h */
    const char *more;                     /* rest of the help, with an example */
    bool takes_names;                     /* arguments are names and words, not texts: none of them may be empty */
    bool environment;                     /* an option may also come from $QUERN_..., for example QUERN_STEP_TOKENS */
    void *options; /* the verb's own structure, with its defaults; parsing writes to it */
    int (*run)(const void *options, struct quern_cli_arguments arguments); /* returns an exit code */
};

extern const struct quern_cli_verb quern_cli_embed, quern_cli_similarity, quern_cli_tokenize, quern_cli_info,
    quern_cli_verify, quern_cli_bench, quern_cli_eval, quern_cli_demo, quern_cli_convert, quern_cli_quantize,
    quern_cli_attach_head, quern_cli_serve, quern_cli_pull, quern_cli_models, quern_cli_run,
    quern_cli_pipe, quern_cli_index, quern_cli_search, quern_cli_similar,
    quern_cli_cluster, quern_cli_mcp, quern_cli_pg_worker;

/* ---------------------------------------------------------------- messages.c */

/* Writes a line "quern: ..." to standard error. */
void quern_cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for what is no error: what the command has decided, or what the user may want to change. --quiet silences
 * it. */
void quern_cli_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern bool quern_cli_quiet; /* --quiet was given */

/* The end of a noun behind a number: "" behind 1, else "s". */
const char *quern_cli_plural(uint64_t count);

/* Replaces control characters in a text that a message repeats. The functions above do it themselves. */
void quern_cli_clean(char *text);

/* Writes a text to standard output for people to read, in one line: a newline becomes \n, any other control character,
 * which may do something to their terminal, a '?'. */
void quern_cli_put_clean(const char *text);

/* Whether a standard stream (by its number) is a terminal that takes colours and moves of the cursor. */
bool quern_cli_is_terminal(int descriptor);

/* Whether standard output gets colours: it is such a terminal, and $NO_COLOR is unset or empty. */
bool quern_cli_wants_colours(void);

/* What a message about a text that is too long adds: " (--truncate)" if the verb has this option, else "". */
extern const char *quern_cli_too_long_hint;

/* Says what went wrong: "PLACE, text NUMBER: what" when a text is at fault, counted from 1, and names the option that
 * helps when it is too long. place: a file, or NULL. Returns QUERN_CLI_FAILED. */
int quern_cli_fail(const char *place, const quern_error *error);

/* Says how a verb was used wrongly, and points to --help. verb: NULL for the command itself. Returns
 * QUERN_CLI_USAGE. */
int quern_cli_misuse(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---------------------------------------------------------------- input.c */

struct quern_cli_input_options {
    const char *path; /* NULL: not given */
    bool null;
};

/* The texts to work on: the arguments, or the parts of a file. */
struct quern_cli_input {
    struct quern_jobs_source *source; /* one of the two */
    struct quern_jobs_array array;
    struct quern_jobs_stream stream;
    const char *name;  /* of the file, for messages; NULL: arguments */
    quern_text *texts; /* of the arguments */
};

/* Opens the input of a verb. Without arguments and without a path it is standard input. Reports failures itself;
 * returns an exit code. */
int quern_cli_input_open(struct quern_cli_input *input, const char *verb, const struct quern_cli_input_options *options,
                         struct quern_cli_arguments arguments);

/* Says how many texts of the input were not UTF-8, if any were, and closes it. An input of zeros is allowed. */
void quern_cli_input_close(struct quern_cli_input *input);

/* Says what went wrong with the input, or with a text of it: "FILE:LINE: what" when the texts are lines. Returns
 * QUERN_CLI_FAILED. */
int quern_cli_input_fail(const struct quern_cli_input *input, const quern_error *error);

/* Notices texts that name a file, are not UTF-8 or end with a carriage return, as they are taken as they stand. */
void quern_cli_notice_arguments(struct quern_cli_arguments arguments, bool has_input);

/* The arguments as texts, to be freed; NULL after a message. */
quern_text *quern_cli_texts(struct quern_cli_arguments arguments);

/* ---------------------------------------------------------------- output.c */

/* Where data goes: standard output, or a file that gets its name when it is complete. */
struct quern_cli_output {
    FILE *file;
    const char *path; /* NULL: standard output */
    char *target;     /* see quern_cli_output_target; NULL if `temporary` is NULL */
    char *temporary;  /* name while it is written; NULL: a device or a pipe is written directly */
    bool spooled;     /* file is a temporary one, to be copied to its place at the end */
};

/* The path of the file that is written for a path: the path itself or, when it is a link, where the link leads, also
 * when no file is there yet. The caller frees it. NULL with errno: links in a circle, or no memory. */
char *quern_cli_output_target(const char *path);

/* Whether what is written to this path, as quern_cli_output_open understands it, would appear on a terminal. */
bool quern_cli_output_is_terminal(const char *path);

/* Notes that a file is read, so that no output replaces it, by whatever name. path: NULL is standard input. what: for
 * the message, such as "the texts are". */
void quern_cli_reads(const char *path, const char *what);

/* What is read from a file, if that was noted; else NULL. path: NULL is standard output. */
const char *quern_cli_read_from(const char *path);

/* Says that an output is a file that is read, if it is; wrong usage. path: NULL is standard output. An exit code. */
int quern_cli_check_unread(const char *path);

/* path: NULL, "-", or the file that standard output is written to, stand for standard output. rewinds: the beginning
 * will be written again at the end, so the file must allow that. Files that were noted as read are refused. Each
 * reports failures itself and returns an exit code. */
int quern_cli_output_open(struct quern_cli_output *output, const char *path, bool rewinds);
int quern_cli_output_flush(struct quern_cli_output *output);
int quern_cli_output_finish(struct quern_cli_output *output); /* flushes, checks, copies, renames and closes */

/* After a failure that the user knows of; a finished output is allowed. */
void quern_cli_output_discard(struct quern_cli_output *output);

/* The name of an output for messages. */
const char *quern_cli_output_name(const struct quern_cli_output *output);

/* Ends the command's standard output. Returns code; if something was not written, says so unless that was done. */
int quern_cli_output_end(int code);

/* A file or an empty folder that a signal which ends the process removes, what was named last first, until it is kept.
 * The path must live so long, and is found again by its address. */
void quern_cli_remove_on_signal(const char *path);
void quern_cli_keep_on_signal(const char *path);

/* From now on, a signal that ends the process says how many vectors were written, and the process still ends by it.
 * After each batch, the count is set. */
void quern_cli_interrupt_says(const struct quern_cli_output *output);
void quern_cli_interrupt_count(uint64_t written);

/* ---------------------------------------------------------------- stop_signal.c */

/* From now on, SIGINT, SIGTERM and SIGUSR1 are noted, so that a long task can end cleanly. A second one of them ends
 * the process. */
void quern_cli_stop_on_signals(void);

/* The number of the signal that came; 0: none. */
int quern_cli_stop_signal(void);

/* ---------------------------------------------------------------- progress.c */

int64_t quern_cli_now_ns(void); /* monotonic */

/* A line on standard error that shows how far a long task is. */
struct quern_cli_progress {
    bool shown;
    int64_t start_ns, last_ns;
    uint64_t skipped; /* bytes that were done before the start */
};

/* Shown when standard error is a terminal and the data does not go to a terminal too. */
void quern_cli_progress_start(struct quern_cli_progress *progress, bool data_on_stdout);

/* Shows what a job has done. */
void quern_cli_progress_texts(struct quern_cli_progress *progress, const struct quern_jobs_progress *job);

/* Shows that done of total bytes are done. */
void quern_cli_progress_bytes(struct quern_cli_progress *progress, uint64_t done, uint64_t total);

/* Shows that done of total rows of an index are done. */
void quern_cli_progress_rows(struct quern_cli_progress *progress, uint64_t done, uint64_t total);
void quern_cli_progress_clear(struct quern_cli_progress *progress);

/* ---------------------------------------------------------------- matrix.c */

/* Prints the cosines of all pairs of rows[count][dimensions], numbered from 1, with the texts beside them unless NULL.
 * With colours on a terminal, unless $NO_COLOR is set. */
void quern_cli_print_matrix(const float *rows, char *const *texts, int count, int dimensions, int decimals);

#endif
