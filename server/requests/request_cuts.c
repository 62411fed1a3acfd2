#include "request_cuts.h"

#include "body.h"

#include <stdlib.h>

/* Makes room for the passages of a text: it has no more of them than bytes. False: refused. */
static bool make_room(struct quern_request *request, struct quern_text_cut *cut)
{
    const size_t left = QUERN_MOST_INPUTS - request->input_count;
    cut->capacity = cut->text.length < left ? cut->text.length : left;
    cut->passages = quern_request_claim(request, cut->capacity * sizeof *cut->passages)
                        ? calloc(cut->capacity + 1, sizeof *cut->passages)
                        : NULL;
    return cut->passages != NULL || quern_refuse_memory(request);
}

/* Gives back what was not needed. */
static void trim(struct quern_request *request, struct quern_text_cut *cut)
{
    struct quern_passage *passages = realloc(cut->passages, (cut->count + 1) * sizeof *passages);
    if (passages == NULL)
        return;
    quern_request_release(request, (cut->capacity - cut->count) * sizeof *passages);
    cut->passages = passages;
    cut->capacity = cut->count;
}

/* The passages of a text become inputs, with their titles, which only the prompt of a document has. False: refused. */
static bool add_passages(struct quern_request *request, struct quern_text_cut *cut)
{
    const bool has_titles = request->options.task == QUERN_TASK_DOCUMENT;
    for (size_t i = 0; i < cut->count; i++)
        if (!quern_body_add_text(request, cut->is_passage ? "passages" : "texts", cut->passages[i].text,
                                 has_titles ? cut->passages[i].title : (quern_text){0}))
            return false;
    return true;
}

/* Has a text cut by the thread. Returns as quern_request_cut does. */
static int cut_text(struct quern_request *request, struct quern_text_cut *cut)
{
    struct quern_text_job *job = &request->text_job;
    if (!job->is_done) {
        if (!make_room(request, cut))
            return -1;
        *job = (struct quern_text_job){.work = QUERN_TEXT_CUT, .cut = cut};
        return QUERN_TOKENS_AWAY;
    }
    job->is_done = false;
    if (job->code == QUERN_ETOOLONG)
        quern_refuse(request, QUERN_FAULT_MANY, "texts", "the texts have more than %d passages: send fewer at once",
                     QUERN_MOST_INPUTS);
    else if (job->code != QUERN_OK)
        quern_refuse_failure(request, job->code, request->cuts_done);
    if (job->code != QUERN_OK)
        return -1;
    trim(request, cut);
    return 1;
}

int quern_request_cut(struct quern_request *request)
{
    for (; request->cuts_done < request->cut_count; request->cuts_done++) {
        struct quern_text_cut *cut = &request->cuts[request->cuts_done];
        const int code = cut->is_passage ? 1 : cut_text(request, cut);
        if (code != 1)
            return code;
        if (!add_passages(request, cut))
            return -1;
    }
    return 1;
}
