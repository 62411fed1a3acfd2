/* What Parquet files have of Arrow. */
#ifndef QUERN_BULK_ARROW_WRITER_H
#define QUERN_BULK_ARROW_WRITER_H

#include "column_group.h"

/* The message of the schema of a group. The caller frees *message. QUERN_ENOMEM. */
int quern_arrow_schema_message(const struct quern_column_group *group, unsigned char **message, size_t *length,
                               quern_error *error);

#endif
