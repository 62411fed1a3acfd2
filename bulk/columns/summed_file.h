/* A file that is written from its beginning to its end, with its length and its checksum. */
#ifndef QUERN_BULK_SUMMED_FILE_H
#define QUERN_BULK_SUMMED_FILE_H

#include <stdint.h>
#include <stdio.h>

struct quern_summed_file {
    FILE *file;     /* the caller's, empty */
    uint64_t bytes; /* that were written */
    uint64_t crc;   /* of all bytes, CRC-32 as zlib computes it; of none 0 */
};

/* Appends bytes. Failures are left to ferror. */
void quern_summed_put(struct quern_summed_file *file, const void *data, size_t length);

/* Appends zeros up to a multiple of `multiple`, which is at most 64. */
void quern_summed_align(struct quern_summed_file *file, size_t multiple);

#endif
