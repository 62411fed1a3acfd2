#include "eval.h"

#define LEAST_DIMENSIONS 64 /* of those that are measured without being asked for */

int quern_eval_dims(const struct quern_eval_options *options, const struct quern_cli_session *session,
                    struct quern_cli_numbers *dims)
{
    const int full = session->info.dimensions;
    *dims = options->dims;
    if (dims->count == 0) {
        dims->values[dims->count++] = full;
        for (int size = full / 2; size >= LEAST_DIMENSIONS && dims->count < QUERN_CLI_NUMBERS; size /= 2)
            dims->values[dims->count++] = size;
    }
    for (int i = 0; i < dims->count; i++)
        if (dims->values[i] > full) {
            quern_cli_say("--dims: %d is more than the model's %d dimensions", dims->values[i], full);
            return QUERN_CLI_FAILED;
        }
    return QUERN_CLI_DONE;
}

void quern_eval_centre(const struct quern_cli_session *session, float *rows, size_t count)
{
    const int width = session->info.dimensions;
    for (size_t i = 0; i < count && session->info.centred_cut; i++)
        quern_centre(rows + i * (size_t)width, width, rows + i * (size_t)width);
}
