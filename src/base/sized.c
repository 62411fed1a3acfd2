#include "base/sized.h"

#include "base/error.h"

#include <string.h>

int quern_options_read(void *dst, size_t dst_size, const void *src, quern_error *error)
{
    size_t size;
    if (src == NULL)
        return QUERN_OK;
    memcpy(&size, src, sizeof size);
    if (size < sizeof size || size > 4096)
        return quern_fail(error, QUERN_EINVAL, "options: the field size is %zu; set it to sizeof the structure", size);
    for (size_t i = dst_size; i < size; i++)
        if (((const unsigned char *)src)[i] != 0)
            return quern_fail(error, QUERN_EINVAL, "options: a field is set that this version (%s) does not know",
                              quern_version());
    memcpy(dst, src, size < dst_size ? size : dst_size);
    return QUERN_OK;
}

int quern_info_write(void *dst, const void *src, size_t src_size, quern_error *error)
{
    size_t size;
    if (dst == NULL)
        return quern_fail(error, QUERN_EINVAL, "info is NULL");
    memcpy(&size, dst, sizeof size);
    if (size < sizeof size || size > 4096)
        return quern_fail(error, QUERN_EINVAL, "info: the field size is %zu; set it to sizeof the structure", size);
    memset((unsigned char *)dst + sizeof size, 0, size - sizeof size);
    memcpy((unsigned char *)dst + sizeof size, (const unsigned char *)src + sizeof size,
           (size < src_size ? size : src_size) - sizeof size);
    return QUERN_OK;
}
