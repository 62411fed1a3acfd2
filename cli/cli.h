/* What the files of the command share. Everything about texts and vectors comes from quern.h. */
#ifndef QUERN_CLI_H
#define QUERN_CLI_H

#include "quern.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { QUERN_CLI_DONE = 0, QUERN_CLI_FAILED = 1, QUERN_CLI_USAGE = 2 }; /* exit codes */

/* ---------------------------------------------------------------- messages.c */

/* Writes a line "quern: ..." to standard error. */
void quern_cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What to add to the library's message: the option that does what it advises, or nothing. */
const char *quern_cli_option_for(int code);

/* Says so, with what to do, and returns QUERN_CLI_USAGE. */
int quern_cli_misuse(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---------------------------------------------------------------- arguments.c */

#define QUERN_CLI_DIMS 16 /* numbers of dimensions measured at most */

struct quern_cli_serve { /* of serve; texts not given are NULL, step_tokens 0 */
    const char *host, *model_name, *default_task, *api_key_file, *cors_origin, *allowed_hosts, *log_format, *cache_file;
    int port, step_tokens, max_connections, max_body, queue_tokens, queue_bytes;
    size_t cache; /* bytes */
    double timeout, read_timeout, idle_timeout, drain_timeout;
    bool allow_token_ids, strict_model, insecure, no_sandbox;
};
extern const struct quern_cli_serve quern_cli_serve_defaults; /* serve_verb.c */

struct quern_cli_options {
    const char *model, *title, *format, *input, *output; /* NULL: not given */
    int task;                                            /* -1: not given */
    int dimensions, threads;                             /* 0: not given */
    int dims[QUERN_CLI_DIMS], dims_count;                /* of eval */
    const char *tokens, *batches, *only, *report, *texts_folder; /* of bench; NULL: not given */
    const char *type, *dense[2], *against; /* of making and comparing model files; NULL: not given */
    double seconds;                                              /* of bench; 0: not given */
    struct quern_cli_serve serve;
    const char *sha256;                                          /* of pull; NULL: not given */
    int retries, stall;                                          /* of pull; 0: not given */
    bool list;                                                   /* of pull */
    bool exact, no_normalize, truncate, parse_special, no_special, null, json;
    char **texts; /* the arguments that are no options */
    int text_count;
};

struct quern_cli_verb {
    const char *name;
    const char *arguments; /* "TEXT..."; NULL: none */
    const char *summary;   /* one line */
    const char *options;   /* keys of the options it takes */
    const char *formats;   /* of -f, separated by '|', the default first; NULL: none */
    const char *types;     /* help of --type; NULL: none */
    const char *more;      /* rest of the help, example included */
    bool environment;      /* what is not on the command line may be in $QUERN_..., as QUERN_STEP_TOKENS */
    int (*run)(const struct quern_cli_options *options);
};

extern const struct quern_cli_verb quern_cli_embed, quern_cli_similarity, quern_cli_tokenize, quern_cli_info,
    quern_cli_verify, quern_cli_bench, quern_cli_eval, quern_cli_demo, quern_cli_convert, quern_cli_quantize,
    quern_cli_attach_head, quern_cli_server, quern_cli_pull, quern_cli_models;

/* Parses the arguments of a verb, its name first. Returns -1 when the verb is to run, or an exit code: after --help,
 * or after a complaint. */
int quern_cli_parse(const struct quern_cli_verb *verb, int argc, char **argv, struct quern_cli_options *options);

/* ---------------------------------------------------------------- reader.c */

#define QUERN_CLI_BATCH 256                  /* texts at most in one batch */
#define QUERN_CLI_LONGEST (64u * 1024 * 1024) /* bytes of the longest text read from a file */

/* The texts to work on: arguments, or the lines (or parts between NUL bytes) of a file. */
struct quern_cli_reader {
    char **arguments;    /* NULL: a file is read */
    const char *name;    /* of the file, for messages */
    int descriptor, separator;
    char *buffer;        /* [capacity]; [begin, end) is read and not yet given out */
    size_t capacity, begin, end;
    bool at_end;
    uint64_t total;      /* texts, or bytes of a regular file; 0: unknown */
    uint64_t given;      /* texts, or bytes, given out so far */
};

/* Complains itself; an exit code. */
int quern_cli_reader_open(struct quern_cli_reader *reader, const struct quern_cli_options *options);

/* The next texts, in order, at least one; *count 0 at the end. Waits for the first only: when no more input is there,
 * what has come is given out. They live until the next call. Complains itself; an exit code. */
int quern_cli_reader_next(struct quern_cli_reader *reader, quern_text texts[QUERN_CLI_BATCH], size_t *count);
void quern_cli_reader_close(struct quern_cli_reader *reader);

/* ---------------------------------------------------------------- output.c */

/* Where data goes: standard output, or a file that gets its name when it is complete. */
struct quern_cli_output {
    FILE *file;
    const char *path; /* NULL: standard output */
    char *target;     /* the same, or the file that it is a link to; NULL as the next one */
    char *temporary;  /* name while it is written; NULL: path is written directly, being a device or a pipe */
    bool spooled;     /* file is a temporary one, to be copied to standard output at the end */
};

/* Whether both paths lead to one regular file. */
bool quern_cli_same_file(const char *a, const char *b);

/* path: NULL, "-" or the file that it goes to anyway stand for standard output. rewritten: the beginning will be
 * written again at the end, so the file must allow that. */
int quern_cli_output_open(struct quern_cli_output *output, const char *path, bool rewritten);
int quern_cli_output_flush(struct quern_cli_output *output);
int quern_cli_output_finish(struct quern_cli_output *output);   /* flushes, checks, copies, renames and closes */
void quern_cli_output_discard(struct quern_cli_output *output); /* after a failure; a finished one is allowed */

/* Ends the command's standard output. Returns code; when something was not written, complains unless that was done. */
int quern_cli_output_end(int code);

/* Writes a number, and bytes as a string with its quotes, as json_text.h describes. */
void quern_cli_put_float(FILE *file, float value);
void quern_cli_put_string(FILE *file, quern_text text);

/* Writes "key": "value", a member of a JSON object. The key may begin with ", ", which then comes first. */
void quern_cli_put_member(FILE *file, const char *key, const char *value);

/* ---------------------------------------------------------------- vectors.c */

struct quern_cli_vectors {
    struct quern_cli_output output;
    const struct quern_cli_format *format;
    const char *space, *path; /* told by formats that can */
    int dimensions;
    uint64_t written;
};

/* format: a name out of "jsonl|json|npy|f32|text". Each complains itself; an exit code. */
int quern_cli_vectors_open(struct quern_cli_vectors *vectors, const char *format, const char *path);
int quern_cli_vectors_put(struct quern_cli_vectors *vectors, const float *rows, const quern_result *results,
                          size_t count);
int quern_cli_vectors_finish(struct quern_cli_vectors *vectors);

/* ---------------------------------------------------------------- progress.c */

int64_t quern_cli_now_ns(void); /* monotonic */

struct quern_cli_progress {
    bool shown;
    int64_t start_ns, last_ns;
    uint64_t texts, tokens;
    uint64_t skipped; /* bytes that were done before the start */
};

/* Shown when standard error is a terminal and standard output, if it gets the data, is none. */
void quern_cli_progress_start(struct quern_cli_progress *progress, bool data_on_stdout);

/* given of total texts, or bytes, are done; total 0: unknown. */
void quern_cli_progress_update(struct quern_cli_progress *progress, uint64_t given, uint64_t total);

/* done of total bytes are done. */
void quern_cli_progress_bytes(struct quern_cli_progress *progress, uint64_t done, uint64_t total);
void quern_cli_progress_clear(struct quern_cli_progress *progress);

/* ---------------------------------------------------------------- matrix.c */

double quern_cli_cosine(const float *a, const float *b, int dimensions); /* 0 when one of them is zero */

/* Whether to colour what goes to standard output: a terminal, and $NO_COLOR is unset or empty. */
bool quern_cli_colours(void);

/* Prints the cosines of all pairs of rows[count][dimensions], numbered from 1; beside them the texts, unless NULL. */
void quern_cli_put_matrix(const float *rows, char *const *texts, int count, int dimensions, int decimals);

#endif
