#include "text_job.h"

#include <stddef.h>

void quern_text_job_run(struct quern_text_job *job, quern_context *context)
{
    size_t count = 0;
    switch (job->work) {
    case QUERN_TEXT_PREPARE:
        job->code = quern_prepare(context, job->text, &job->options, job->ids, job->capacity, &job->result, NULL);
        break;
    case QUERN_TEXT_TOKENIZE:
        job->code = quern_tokenize(context, job->text, &job->options, job->ids, job->capacity, &count, NULL);
        job->result = (quern_result){.tokens = (uint32_t)count};
        break;
    case QUERN_TEXT_PLACES:
        job->code = quern_token_spans(context, job->text, &job->options, job->ids, job->capacity, job->places, NULL);
        break;
    case QUERN_TEXT_CUT: job->code = quern_text_cut_run(job->cut, context); break;
    }
    job->is_done = true;
}

static void run_in_background(struct quern_background_job *background)
{
    struct quern_text_job *job =
        (struct quern_text_job *)(void *)((char *)background - offsetof(struct quern_text_job, background));
    quern_text_job_run(job, job->context);
}

void quern_text_job_submit(struct quern_text_job *job, struct quern_background *background, quern_context *context,
                           void *owner)
{
    job->is_done = false;
    job->context = context;
    job->background = (struct quern_background_job){.run = run_in_background, .owner = owner};
    quern_background_submit(background, &job->background);
}
