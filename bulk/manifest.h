/* OUT/manifest.json: what a run was asked to do, so that the next one does the same or refuses. */
#ifndef QUERN_BULK_MANIFEST_H
#define QUERN_BULK_MANIFEST_H

#include "bulk.h"
#include "records/records.h"

#include <jansson.h>

/* Makes the manifest of a run; the caller frees it with json_decref. Reads a part of every input file. QUERN_EIO,
 * QUERN_ENOMEM. */
int quern_manifest_make(json_t **manifest, const struct quern_bulk_job *job, const struct quern_record_files *files,
                        quern_error *error);

enum quern_agreement {
    QUERN_AGREEMENT_NONE,    /* nothing was compared yet, or it is not the same */
    QUERN_AGREEMENT_NEW,     /* it was written */
    QUERN_AGREEMENT_SAME,    /* the one that is there says the same */
    QUERN_AGREEMENT_DOUBTFUL /* the same; but the times of an input differ, or it is a pipe. Of a large file, only
                                samples were compared */
};

/* Writes it to OUT if there is none; else compares it with the one that is there. QUERN_EINVAL with the first
 * difference. */
int quern_manifest_agree(const char *folder, const json_t *manifest, enum quern_agreement *agreement,
                         quern_error *error);

bool quern_manifest_is_there(const char *folder);

/* Reads the manifest of OUT; the caller frees it. QUERN_EIO, QUERN_EFORMAT. */
int quern_manifest_read(json_t **manifest, const char *folder, quern_error *error);

/* OUT/end.json: how many records the input has. read returns 1 when it is there, 0 when not, or a code. */
int quern_end_remove(const char *folder, quern_error *error);
int quern_end_write(const char *folder, uint64_t records, uint64_t parts, quern_error *error);
int quern_end_read(const char *folder, uint64_t *records, uint64_t *parts, quern_error *error);

#endif
