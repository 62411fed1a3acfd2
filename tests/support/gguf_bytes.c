#include "gguf_bytes.h"

#include "gguf/gguf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void trial_put(struct trial_bytes *out, const void *data, size_t size)
{
    assert_true(out->size + size <= sizeof out->data);
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

void trial_put_u32(struct trial_bytes *out, uint32_t value)
{
    trial_put(out, &value, sizeof value);
}

void trial_put_u64(struct trial_bytes *out, uint64_t value)
{
    trial_put(out, &value, sizeof value);
}

void trial_put_text(struct trial_bytes *out, const char *text)
{
    trial_put_u64(out, strlen(text));
    trial_put(out, text, strlen(text));
}

void trial_put_header(struct trial_bytes *out, uint64_t tensors, uint64_t keys)
{
    trial_put(out, "GGUF", 4);
    trial_put_u32(out, 3);
    trial_put_u64(out, tensors);
    trial_put_u64(out, keys);
}

void trial_put_key(struct trial_bytes *out, const char *key, uint32_t kind)
{
    trial_put_text(out, key);
    trial_put_u32(out, kind);
}

void trial_put_tensor(struct trial_bytes *out, const char *name, uint32_t type, uint32_t dimensions,
                      const uint64_t *shape, uint64_t offset)
{
    trial_put_text(out, name);
    trial_put_u32(out, dimensions);
    trial_put(out, shape, (dimensions < 8 ? dimensions : 8) * sizeof *shape);
    trial_put_u32(out, type);
    trial_put_u64(out, offset);
}

void trial_put_padding(struct trial_bytes *out, size_t alignment)
{
    while (out->size % alignment)
        trial_put(out, "", 1);
}

void trial_put_zeros(struct trial_bytes *out, size_t size)
{
    while (size--)
        trial_put(out, "", 1);
}

int trial_parse(const unsigned char *data, size_t size, quern_error *error)
{
    struct quern_gguf gguf;
    unsigned char *block = malloc(size ? size : 1);
    memcpy(block, data, size);
    int code = quern_gguf_parse(&gguf, block, size, error);
    if (code == QUERN_OK)
        quern_gguf_close(&gguf);
    else
        assert_null(gguf.index);
    free(block);
    return code;
}
