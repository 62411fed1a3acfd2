/* Encodings of Parquet that are expanded to the encoding PLAIN, a page at a time: DELTA_BINARY_PACKED,
 * DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY and BYTE_STREAM_SPLIT. */
#ifndef QUERN_BULK_PARQUET_EXPAND_H
#define QUERN_BULK_PARQUET_EXPAND_H

#include "parquet_format.h"
#include "quern.h"

#include <stdbool.h>

/* A page of values as PLAIN has them. Begin with zeros; free data. */
struct quern_parquet_expanded {
    unsigned char *data;
    size_t length, capacity;
};

/* Whether this file expands an encoding. */
bool quern_parquet_expands(int64_t encoding);

/* Expands data[length], which has at most `most` values. width: bytes of a value; 0: texts. QUERN_EFORMAT: the bytes
 * are not what the encoding says, there are more than 16 million values, or more than QUERN_PARQUET_MOST_PAGE bytes
 * come out; QUERN_ENOMEM. Sets no message. out->data is not NULL after success. */
#define QUERN_PARQUET_MOST_PAGE ((size_t)1 << 28)
int quern_parquet_expand(struct quern_parquet_expanded *out, int64_t encoding, unsigned width,
                         const unsigned char *data, size_t length, uint64_t most);

#endif
