/* The forms in which vectors leave an index. */
#ifndef QUERN_CLI_EXPORT_FORMAT_H
#define QUERN_CLI_EXPORT_FORMAT_H

#include "cli.h"
#include "quern_index.h"

/* By their places in QUERN_EXPORT_FORMATS. */
#define QUERN_EXPORT_FORMATS "npy|fvecs|sqlite-vec|pgvector"

/* A form. A failure to write is left to the file. row->payload is the text, without the line that passages have. */
struct quern_export_format {
    bool has_ids; /* else they go into a file of their own */
    void (*begin)(FILE *file, const quern_index_info *info);
    void (*row)(FILE *file, const quern_index_info *info, const quern_index_row *row, const float *vector);
    void (*end)(FILE *file);
};

extern const struct quern_export_format quern_export_formats[];

#endif
