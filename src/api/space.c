/* The name of the space that vectors belong to. */
#include "api/handles.h"
#include "base/fold.h"
#include "base/error.h"
#include "base/view.h"

#include <inttypes.h>
#include <stdio.h>

/* Writes a dot and a digest of the prompt, if this is not that of the architecture for the task. */
static void name_prompt(char out[16], const quern_model *model, int task, quern_text prompt)
{
    const char *usual = model->network.arch->prompts[task];
    out[0] = '\0';
    if (prompt.length > 0 && (usual == NULL || !quern_text_is(prompt, usual)))
        snprintf(out, 16, ".%08" PRIx32, (uint32_t)quern_digest_bytes(0, prompt.data, prompt.length));
}

int quern_space(const quern_model *model, const quern_embed_options *options, char out[QUERN_SPACE_SIZE],
                quern_error *error)
{
    quern_embed_options o;
    char prompt[16];
    if (model == NULL || out == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_space: model or out is NULL");
    if (model->look_only)
        return quern_fail(error, QUERN_EINVAL, "the model was opened with look_only, so its space is not known");
    QUERN_TRY(quern_embed_options_read(model, options, &o, error));
    const quern_text text = quern_prompts_of(&model->prompts, &o);
    if (text.length == 0)
        o.task = QUERN_TASK_NONE; /* the text is embedded as it is */
    name_prompt(prompt, model, o.task, text);
    snprintf(out, QUERN_SPACE_SIZE, "%d%c%s-%016" PRIx64 "-%s%s", o.dimensions,
             o.flags & QUERN_NO_NORMALIZE ? 'u' : 'n', quern_model_centres(model, o.dimensions) ? "c" : "",
             model->digest, quern_task_name((quern_task)o.task), prompt);
    return QUERN_OK;
}
