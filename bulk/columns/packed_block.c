#include "packed_block.h"

#include <limits.h>
#include <lz4.h>
#include <lz4frame.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* ---------------------------------------------------------------- Snappy */

/* Its format is https://github.com/google/snappy/blob/main/format_description.txt: the size of the whole as a varint,
 * then elements, each with a kind in the low two bits of its first byte: bytes as they are, or a copy of bytes that
 * stand some way back in the output. */
struct snappy {
    const unsigned char *in, *in_end;
    unsigned char *out;
    size_t made, size;
};

/* Takes a number of 1 to 4 bytes. */
static bool take_number(struct snappy *snappy, size_t bytes, size_t *number)
{
    *number = 0;
    if (bytes > (size_t)(snappy->in_end - snappy->in))
        return false;
    for (size_t i = 0; i < bytes; i++)
        *number |= (size_t)*snappy->in++ << 8 * i;
    return true;
}

static bool take_literal(struct snappy *snappy, unsigned tag)
{
    enum { LONG = 60 }; /* from here on, the length stands in the next bytes */
    size_t length = tag >> 2;
    if (length >= LONG && !take_number(snappy, length - LONG + 1, &length))
        return false;
    length++;
    if (length > (size_t)(snappy->in_end - snappy->in) || length > snappy->size - snappy->made)
        return false;
    memcpy(snappy->out + snappy->made, snappy->in, length);
    snappy->in += length;
    snappy->made += length;
    return true;
}

static bool take_copy(struct snappy *snappy, unsigned tag)
{
    size_t length = (tag >> 2) + 1, back;
    if ((tag & 3) == 1) {
        length = (tag >> 2 & 7) + 4;
        if (!take_number(snappy, 1, &back))
            return false;
        back |= (size_t)(tag >> 5) << 8;
    } else if (!take_number(snappy, (tag & 3) == 2 ? 2 : 4, &back)) {
        return false;
    }
    if (back == 0 || back > snappy->made || length > snappy->size - snappy->made)
        return false;
    for (; length > 0; length--, snappy->made++) /* the copy may overlap what it makes */
        snappy->out[snappy->made] = snappy->out[snappy->made - back];
    return true;
}

bool quern_unpack_snappy(const unsigned char *data, size_t length, unsigned char *out, size_t size)
{
    struct snappy snappy = {data, data + length, out, 0, size};
    uint64_t whole = 0;
    size_t byte = 128;
    for (unsigned shift = 0; byte >= 128; shift += 7) {
        if (shift > 28 || !take_number(&snappy, 1, &byte))
            return false;
        whole |= (uint64_t)(byte & 127) << shift;
    }
    if (whole != size)
        return false;
    while (snappy.in < snappy.in_end) {
        const unsigned tag = *snappy.in++;
        if (!((tag & 3) == 0 ? take_literal(&snappy, tag) : take_copy(&snappy, tag)))
            return false;
    }
    return snappy.made == size;
}

/* ---------------------------------------------------------------- others */

/* There may be several members, one behind the other. */
bool quern_unpack_gzip(const unsigned char *data, size_t length, unsigned char *out, size_t size)
{
    enum { GZIP_ALONE = 15 + 16 };
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)data, .avail_in = (uInt)length, .next_out = out,
                       .avail_out = (uInt)size};
    if (length > UINT_MAX || size > UINT_MAX || inflateInit2(&stream, GZIP_ALONE) != Z_OK)
        return false;
    int code = inflate(&stream, Z_FINISH);
    while (code == Z_STREAM_END && stream.avail_in > 0 && stream.avail_out > 0 && inflateReset(&stream) == Z_OK)
        code = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return code == Z_STREAM_END && stream.avail_out == 0;
}

bool quern_unpack_lz4(const unsigned char *data, size_t length, unsigned char *out, size_t size)
{
    return length <= INT_MAX && size <= INT_MAX &&
           LZ4_decompress_safe((const char *)data, (char *)out, (int)length, (int)size) == (int)size;
}

bool quern_unpack_lz4_frame(const unsigned char *data, size_t length, unsigned char *out, size_t size)
{
    LZ4F_dctx *context;
    size_t taken = 0, made = 0, code = 1; /* code: 0 behind the end of the frame */
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return false;
    while (code != 0 && taken < length) {
        size_t in = length - taken, room = size - made;
        code = LZ4F_decompress(context, out + made, &room, data + taken, &in, NULL);
        taken += in;
        made += room;
        if (LZ4F_isError(code) || in + room == 0) /* it is damaged, or longer than `size` */
            break;
    }
    LZ4F_freeDecompressionContext(context);
    return code == 0 && made == size;
}

bool quern_unpack_zstd(const unsigned char *data, size_t length, unsigned char *out, size_t size)
{
    const size_t got = ZSTD_decompress(out, size, data, length);
    return !ZSTD_isError(got) && got == size;
}
