#include "summed_file.h"

#include <zlib.h>

void quern_summed_put(struct quern_summed_file *file, const void *data, size_t length)
{
    if (length == 0)
        return;
    fwrite(data, 1, length, file->file);
    file->crc = crc32_z((uLong)file->crc, data, length);
    file->bytes += length;
}

void quern_summed_align(struct quern_summed_file *file, size_t multiple)
{
    static const char zeros[64];
    quern_summed_put(file, zeros, (size_t)((multiple - file->bytes % multiple) % multiple));
}
