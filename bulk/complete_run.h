/* The parts of an OUT that is complete, one behind the other. */
#ifndef QUERN_BULK_COMPLETE_RUN_H
#define QUERN_BULK_COMPLETE_RUN_H

#include "bulk.h"
#include "parts/part.h"

#include <jansson.h>

struct quern_complete {
    const char *folder;
    json_t *manifest; /* has the strings of the shape */
    enum quern_vector_format format;
    struct quern_vector_shape shape; /* rows: of all parts */
    struct quern_part_done *done;    /* [parts] */
    uint64_t parts, part_records, records;
};

/* Reads what OUT is. QUERN_EINVAL when a part is missing: the first that is. It may be closed even after a failure. */
int quern_complete_open(struct quern_complete *complete, const char *folder, quern_error *error);
void quern_complete_close(struct quern_complete *complete);

#endif
