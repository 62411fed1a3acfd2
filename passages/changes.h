/* What has changed in the files of an index since it was written. */
#ifndef QUERN_CHANGES_H
#define QUERN_CHANGES_H

#include "indexing.h"
#include "source_table.h"
#include "source_walk.h"

/* A file whose passages must be made. */
struct quern_change {
    size_t source; /* its number in the table */
    bool is_new;   /* the index does not have it yet */
    uint64_t size; /* as it is now */
    int64_t mtime;
    unsigned char digest[QUERN_SOURCE_DIGEST];
};

struct quern_changes {
    quern_index *index; /* as it was found; NULL: there was none */
    bool is_new;        /* a new index is written */
    bool keeps_vectors; /* its vectors are still those that its passages have */
    bool is_other_model; /* another model is named: its vectors must be of the same space */
    bool has_changed;   /* there is something to write */
    int dimensions;     /* of the vectors; 0: those of the model */
    quern_dtype dtype;  /* of an index that is there; and whether it has bits */
    bool bits;
    char space[QUERN_SPACE_SIZE]; /* of the index; "": of a new one */
    struct quern_source_table table;  /* as it will be: sources that change are as they were, new ones unfinished */
    struct quern_change *changes;     /* [count], in the order of the table */
    size_t count;
    uint64_t bytes;                   /* of these files */
    struct quern_source *gone;        /* [gone_count]: sources that are removed; not in the table any more */
    size_t gone_count;
    struct quern_found found;
};

/* Compares an index with its files. QUERN_EINVAL when it was made otherwise; other failures are those of the index. The
 * caller frees *changes, also after a failure. */
int quern_changes_find(struct quern_changes *changes, const struct quern_indexing_job *job, quern_error *error);

/* Checks that the file is still the one that was compared: QUERN_EIO. */
int quern_changes_check(const struct quern_changes *changes, const char *path, quern_error *error);

void quern_changes_free(struct quern_changes *changes); /* zeros are allowed */

#endif
