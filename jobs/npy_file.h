/* Reads a NumPy array of vectors. */
#ifndef QUERN_JOBS_NPY_FILE_H
#define QUERN_JOBS_NPY_FILE_H

#include "quern.h"

#include <stdbool.h>
#include <stdio.h>

struct quern_npy_file {
    const char *path;
    FILE *file;
    quern_dtype dtype; /* QUERN_DTYPE_F32 or QUERN_DTYPE_F16 */
    uint64_t rows, read;
    int columns;
};

/* Opens a file that holds a matrix of float32 or float16, little-endian, row after row; an array of one dimension is
 * one row. path must outlive the file. QUERN_EIO; QUERN_EFORMAT for what is no such array, or is cut off. */
int quern_npy_file_open(struct quern_npy_file *npy, const char *path, quern_error *error);

/* Reads the next `count` rows, as float32, to rows[count][columns]. There must be so many. QUERN_EIO. */
int quern_npy_file_read(struct quern_npy_file *npy, size_t count, float *rows, quern_error *error);

void quern_npy_file_close(struct quern_npy_file *npy); /* zeros are allowed */

#endif
