/* The header of a NumPy array. */
#ifndef QUERN_JOBS_NPY_HEADER_H
#define QUERN_JOBS_NPY_HEADER_H

#include <stdint.h>

enum { QUERN_NPY_HEADER = 128 }; /* bytes; a multiple of 64, so that the data behind it is aligned */

/* Writes the header of an array of `rows` times `columns` numbers, in NumPy's format 1.0. type: NumPy's name of their
 * type, such as "<f4". */
void quern_npy_header(char header[QUERN_NPY_HEADER], const char *type, uint64_t rows, int columns);

#endif
