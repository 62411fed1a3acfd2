/* The name of the space that vectors belong to. */
#include "api/handles.h"
#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>

int quern_space(const quern_model *model, const quern_embed_options *options, char out[QUERN_SPACE_SIZE],
                quern_error *error)
{
    quern_embed_options o;
    if (model == NULL || out == NULL)
        return quern_fail(error, QUERN_EINVAL, "quern_space: model or out is NULL");
    QUERN_TRY(quern_embed_options_read(model, options, &o, error));
    snprintf(out, QUERN_SPACE_SIZE, "%d%c-%016" PRIx64 "-%s", o.dimensions, o.flags & QUERN_NO_NORMALIZE ? 'u' : 'n',
             model->network.digest, quern_task_name((quern_task)o.task));
    return QUERN_OK;
}
