/* The verb eval: what its files share. */
#ifndef QUERN_CLI_EVAL_H
#define QUERN_CLI_EVAL_H

#include "arguments.h"
#include "store/session.h"

#define QUERN_EVAL_MODELS QUERN_CLI_TEXTS /* most that are compared */
#define QUERN_EVAL_HITS 10                /* that are judged of a search in an index */

struct quern_eval_options {
    struct quern_cli_texts models;            /* to compare; count 0: the usual one */
    struct quern_cli_session_options session; /* without a model */
    quern_embed_options embed;     /* the task */
    struct quern_cli_numbers dims; /* dimensions to measure */
    bool stored;                   /* measure each form in which an index has vectors; of retrieval only */
    int oversampling;              /* of searches by bits; 0: not given */
    bool json;
};

/* eval_dims.c: fills dims with what to measure: what was asked for, or all dimensions and halves of them. Reports
 * failures itself; returns an exit code. */
int quern_eval_dims(const struct quern_eval_options *options, const struct quern_cli_session *session,
                    struct quern_cli_numbers *dims);

/* eval_dims.c: prepares whole vectors, rows[count][dimensions of the model], for being cut, as the model wants it. */
void quern_eval_centre(const struct quern_cli_session *session, float *rows, size_t count);

/* eval_sts.c: measures with pairs of texts that have scores. Reports failures itself; returns an exit code. */
int quern_eval_sts(const struct quern_eval_options *options, const char *file);

/* eval_retrieval.c: measures with searches that have known answers. Reports failures itself; returns an exit code. */
int quern_eval_retrieval(const struct quern_eval_options *options, const char *place);

#endif
