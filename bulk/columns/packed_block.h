/* Blocks of bytes that are packed as a whole, of a known size. */
#ifndef QUERN_BULK_PACKED_BLOCK_H
#define QUERN_BULK_PACKED_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Each writes exactly out[size]. Returns whether the block was good and of this size. */
bool quern_unpack_snappy(const unsigned char *data, size_t length, unsigned char *out, size_t size);
bool quern_unpack_gzip(const unsigned char *data, size_t length, unsigned char *out, size_t size);
bool quern_unpack_lz4(const unsigned char *data, size_t length, unsigned char *out, size_t size);
bool quern_unpack_lz4_frame(const unsigned char *data, size_t length, unsigned char *out, size_t size);
bool quern_unpack_zstd(const unsigned char *data, size_t length, unsigned char *out, size_t size);

#endif
