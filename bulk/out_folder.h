/* What is in OUT, the folder of a run. */
#ifndef QUERN_BULK_OUT_FOLDER_H
#define QUERN_BULK_OUT_FOLDER_H

#include "quern.h"

#include <stdbool.h>

/* A part that is there in some form. */
struct quern_out_part {
    uint64_t number;
    bool is_done; /* else it has a journal */
};

/* Lists the parts in the order of their numbers; the caller frees *parts. QUERN_EIO, QUERN_ENOMEM. */
int quern_out_list(const char *folder, struct quern_out_part **parts, size_t *count, quern_error *error);

/* Removes everything that a run has made there. QUERN_EIO. */
int quern_out_clear(const char *folder, quern_error *error);

#endif
