/* The small JSON files that say how far a part is: .done and the checkpoint. */
#ifndef QUERN_BULK_PART_RECORD_H
#define QUERN_BULK_PART_RECORD_H

#include "part.h"

/* Writes a file whole. checkpoint: without the fields that only .done has. */
int quern_part_record_write(const char *path, const struct quern_part_done *done, bool checkpoint, quern_error *error);

/* Returns 1, 0 when the file is not there, QUERN_EIO, or QUERN_EFORMAT when it does not say what it should. */
int quern_part_record_read(const char *path, struct quern_part_done *done, bool checkpoint, quern_error *error);

#endif
