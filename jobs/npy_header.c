#include "npy_header.h"

#include <stdio.h>
#include <string.h>

/* Magic, the length of the rest, a Python dictionary padded with spaces. */
void quern_npy_header(char header[QUERN_NPY_HEADER], const char *type, uint64_t rows, int columns)
{
    static const char magic[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, QUERN_NPY_HEADER - 10, 0};
    memset(header, ' ', QUERN_NPY_HEADER);
    memcpy(header, magic, sizeof magic);
    const int length = snprintf(header + sizeof magic, QUERN_NPY_HEADER - sizeof magic,
                                "{'descr': '%s', 'fortran_order': False, 'shape': (%llu, %d), }", type,
                                (unsigned long long)rows, columns);
    header[sizeof magic + (size_t)length] = ' '; /* in place of the terminator */
    header[QUERN_NPY_HEADER - 1] = '\n';
}
