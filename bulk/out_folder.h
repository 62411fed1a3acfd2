/* What is in OUT, the folder of a run. */
#ifndef QUERN_BULK_OUT_FOLDER_H
#define QUERN_BULK_OUT_FOLDER_H

#include "parts/part.h"

/* A part that is there in some form. */
struct quern_out_part {
    uint64_t number;
    bool is_done; /* else it has a journal */
};

/* Lists the parts in the order of their numbers; the caller frees *parts. QUERN_EIO, QUERN_ENOMEM. */
int quern_out_list(const char *folder, struct quern_out_part **parts, size_t *count, quern_error *error);

/* Writes the path of the folder where a run keeps vectors for texts that come again (vector_table.h). */
void quern_out_seen(char path[QUERN_PART_PATH], const char *folder);

/* Removes this folder if no part is missing any more. QUERN_EIO, QUERN_ENOMEM, QUERN_EFORMAT. */
int quern_out_forget_seen(const char *folder, quern_error *error);

/* Removes everything that a run has made there. QUERN_EIO, also when another process makes a part there now. */
int quern_out_clear(const char *folder, quern_error *error);

/* The same, but leaves everything when there are parts that are done: they are of others. */
void quern_out_withdraw(const char *folder);

#endif
