/* The model that a verb works with. */
#ifndef QUERN_CLI_SESSION_H
#define QUERN_CLI_SESSION_H

#include "cli.h"

struct quern_cli_session {
    const char *path; /* of the model's file; lives as long as the process */
    quern_model *model;
    quern_context *context;
    quern_model_info info;
    quern_context_info context_info;
};

/* Finds and opens the model, and says its notice. Complains itself; an exit code. */
int quern_cli_session_load(struct quern_cli_session *session, const struct quern_cli_options *options);

/* The same, and makes a context. */
int quern_cli_session_open(struct quern_cli_session *session, const struct quern_cli_options *options);
void quern_cli_session_close(struct quern_cli_session *session);

/* The library's options for texts of a task, as the command line asks. */
quern_embed_options quern_cli_embed_options(const struct quern_cli_options *options, int task);

/* The task that was asked for, if only by a title; else the usual one, or none for a model that takes no prompts. */
int quern_cli_task(const struct quern_cli_session *session, const struct quern_cli_options *options, int usual);

#endif
