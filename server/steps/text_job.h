/* Tokenising one text, or cutting it. The loop tokenises short texts itself, and leaves what would hold it for too long
 * to a thread in the background; both by the same function. */
#ifndef QUERN_SERVER_TEXT_JOB_H
#define QUERN_SERVER_TEXT_JOB_H

#include "background.h"
#include "quern.h"
#include "text_cut.h"

enum quern_text_work {
    QUERN_TEXT_PREPARE,  /* quern_prepare */
    QUERN_TEXT_TOKENIZE, /* quern_tokenize */
    QUERN_TEXT_PLACES,   /* quern_token_spans */
    QUERN_TEXT_CUT       /* quern_text_cut_run */
};

/* What is to be done with one text. */
struct quern_text_job {
    enum quern_text_work work;
    quern_text text;
    quern_embed_options options;
    int32_t *ids;             /* [capacity]: written, or read for the places */
    size_t capacity;
    quern_token_span *places; /* [capacity], for the places */
    struct quern_text_cut *cut; /* to be cut; all of the above is not used then */

    /* Set when it is done. */
    bool is_done;
    int code;            /* of quern.h */
    quern_result result; /* of quern_prepare; of quern_tokenize: how many tokens the text has */

    struct quern_background_job background;
    quern_context *context; /* that the thread uses, and nobody else */
};

/* Does a job, in the caller's thread. */
void quern_text_job_run(struct quern_text_job *job, quern_context *context);

/* Has a job done by a thread, with a context that nobody else uses meanwhile. It comes back with this owner. */
void quern_text_job_submit(struct quern_text_job *job, struct quern_background *background, quern_context *context,
                           void *owner);

#endif
