/* Flags, and the options of embedding. */
#include "api/handles.h"
#include "base/error.h"
#include "base/sized.h"

#include <string.h>

int quern_flags_check(unsigned flags, unsigned known, quern_error *error)
{
    if ((flags & ~known) != 0)
        return quern_fail(error, QUERN_EINVAL, "options: this function does not take the flags 0x%x", flags & ~known);
    return QUERN_OK;
}

int quern_embed_options_read(const quern_model *model, const quern_embed_options *options, quern_embed_options *out,
                             quern_error *error)
{
    const int most = model->network.shape.dimensions;
    *out = (quern_embed_options){0};
    QUERN_TRY(quern_options_read(out, sizeof *out, options, error));
    if (quern_task_name((quern_task)out->task) == NULL)
        return quern_fail(error, QUERN_EINVAL, "there is no task %d", out->task);
    if (out->title.length != 0 && (out->title.data == NULL || out->task != QUERN_TASK_DOCUMENT))
        return quern_fail(error, QUERN_EINVAL, "only a text of the task \"document\" can have a title");
    if (out->prompt.data == NULL ? out->prompt.length != 0 : out->prompt.length > QUERN_PROMPT_BYTES)
        return quern_fail(error, QUERN_EINVAL, "a prompt must have data and at most %d bytes, not %zu",
                          QUERN_PROMPT_BYTES, out->prompt.length);
    if (out->prompt.data != NULL && out->title.length != 0)
        return quern_fail(error, QUERN_EINVAL, "a text with a prompt of your own cannot have a title: put it into the "
                          "prompt");
    if (out->dimensions < 0 || out->dimensions > most)
        return quern_fail(error, QUERN_EINVAL, "%d dimensions asked for; the model's vectors have 1 to %d",
                          out->dimensions, most);
    if (out->dimensions == 0)
        out->dimensions = most;
    return QUERN_OK;
}
