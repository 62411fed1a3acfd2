#include "arrow_buffer.h"

#include "arrow_format.h"
#include "jobs_error.h"
#include "packed_block.h"

#include <stdlib.h>
#include <string.h>

int quern_arrow_damaged(const struct quern_seen_file *file, const char *what, quern_error *error)
{
    return quern_jobs_fail(error, QUERN_EFORMAT, "%s is damaged, or not what Arrow writes: %s", file->path, what);
}

void quern_arrow_buffer_release(struct quern_arrow_buffer *buffer)
{
    free(buffer->unpacked);
    *buffer = (struct quern_arrow_buffer){.unpacked = NULL};
}

int quern_arrow_buffer_unpack(struct quern_arrow_buffer *buffer, struct quern_seen_file *file, int64_t codec,
                              struct quern_file_window *window, quern_error *error)
{
    enum { MOST = 1 << 28, PREFIX = 8 };
    const unsigned char *bytes;
    int64_t size = 0;
    const int code = quern_file_window_get(window, file, buffer->offset, buffer->length, &bytes, error);
    if (code != QUERN_OK)
        return code;
    if (buffer->length >= PREFIX)
        memcpy(&size, bytes, sizeof size);
    if (buffer->length < PREFIX || size < -1 || size > MOST)
        return quern_arrow_damaged(file, "a packed buffer has a wrong size, or it is of more than 256 MiB", error);
    const size_t packed = (size_t)buffer->length - PREFIX;
    if (size == -1) {
        *buffer = (struct quern_arrow_buffer){.offset = buffer->offset + PREFIX, .length = packed};
        return QUERN_OK;
    }
    *buffer = (struct quern_arrow_buffer){.length = (uint64_t)size, .unpacked = malloc((size_t)size + 1)};
    if (buffer->unpacked == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a buffer of %lld bytes", (long long)size);
    const bool is_good = codec == QUERN_ARROW_ZSTD
                             ? quern_unpack_zstd(bytes + PREFIX, packed, buffer->unpacked, (size_t)size)
                             : quern_unpack_lz4_frame(bytes + PREFIX, packed, buffer->unpacked, (size_t)size);
    return is_good ? QUERN_OK : quern_arrow_damaged(file, "a buffer cannot be unpacked", error);
}

int quern_arrow_buffer_get(const struct quern_arrow_buffer *buffer, struct quern_seen_file *file,
                           struct quern_file_window *window, uint64_t offset, uint64_t length,
                           const unsigned char **bytes, quern_error *error)
{
    if (offset > buffer->length || length > buffer->length - offset)
        return quern_arrow_damaged(file, "a value lies outside of its record batch", error);
    if (buffer->unpacked == NULL)
        return quern_file_window_get(window, file, buffer->offset + offset, length, bytes, error);
    *bytes = buffer->unpacked + offset;
    return QUERN_OK;
}
