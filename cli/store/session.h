/* The model that a verb works with, and embedding texts with it. */
#ifndef QUERN_CLI_SESSION_H
#define QUERN_CLI_SESSION_H

#include "cli.h"

struct quern_cli_session_options {
    const char *model; /* NULL: not given */
    const char *as;    /* the published model that it is, or "none"; NULL: its file tells */
    int threads;       /* 0: not given */
    bool exact;
    int context_length; /* most tokens of a text; 0: not given */
};

struct quern_cli_session {
    const char *path; /* of the model's file; lives as long as the process */
    quern_model *model;
    quern_context *context;
    quern_model_info info;
    quern_context_info context_info;
};

/* Whether a path names a place on the network: hf:OWNER/REPOSITORY or a URL. */
bool quern_cli_is_remote(const char *path);

/* The path of the model that is used when this one is given; NULL: none is given. Notes that the file is read, so that
 * no output replaces it. Reports failures itself; NULL then. */
const char *quern_cli_session_find(const char *given);

/* Finds and opens the model, and says its notice. Reports failures itself; returns an exit code. */
int quern_cli_session_load(struct quern_cli_session *session, const struct quern_cli_session_options *options);

/* The same, and makes a context. */
int quern_cli_session_open(struct quern_cli_session *session, const struct quern_cli_session_options *options);
void quern_cli_session_close(struct quern_cli_session *session); /* a session of zeros is allowed */

/* ---------------------------------------------------------------- options of texts */

#define QUERN_CLI_EMBED_DEFAULTS {.size = sizeof(quern_embed_options), .task = -1} /* task -1: not given */

/* A title goes with the task document only. Reports wrong usage; returns an exit code. */
int quern_cli_check_title(const char *verb, const quern_embed_options *embed);

/* Sets the task that was not given: document if a title was, else the usual one. A model that has no prompts gets none
 * and no title, as at the server, and the first time that one of them was given, a notice says so. So does one when
 * vectors are cut to fewer dimensions than the known model was trained for. */
void quern_cli_set_task(const struct quern_cli_session *session, quern_embed_options *embed, int usual);

/* Says, before texts to be found are embedded, that the model has prompts and no task was given. */
void quern_cli_say_unprompted(const struct quern_cli_session *session, const quern_embed_options *given);

/* Dimensions of a vector with these options. */
int quern_cli_dimensions(const struct quern_cli_session *session, const quern_embed_options *embed);

/* ---------------------------------------------------------------- many texts */

/* Embedding arrays of texts, in one or more calls, with progress, which the caller starts and clears. */
struct quern_cli_rows {
    const struct quern_cli_session *session;
    const char *place;   /* where the texts are from, for messages; NULL: the command line */
    uint64_t total;      /* texts of all calls */
    uint64_t texts, tokens, cut; /* so far; cut: texts that were cut */
    int64_t ns;                  /* time that this took */
    struct quern_cli_progress progress;
};

/* Writes the vectors of array to rows[array][dimensions of options]. Reports failures itself; returns an exit code. */
int quern_cli_rows_embed(struct quern_cli_rows *job, struct quern_jobs_array *array, const quern_embed_options *options,
                         float *rows);

/* Says how many texts were cut, if any were. */
void quern_cli_say_cut(const struct quern_cli_session *session, uint64_t cut, uint64_t texts);

#endif
