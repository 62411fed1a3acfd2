/* Reads any bytes as a GGUF file. Everything that the reader accepts must be readable, and be found by its name. */
#include "fuzz.h"
#include "formats/conversion.h"
#include "gguf/gguf.h"

#include <string.h>

static volatile unsigned sum; /* so that reading is not optimised away */

static void touch(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
}

/* A name as a string; NULL if it contains a NUL byte. */
static const char *terminated(quern_text text, char out[128])
{
    if (text.length >= 128 || memchr(text.data, '\0', text.length))
        return NULL;
    memcpy(out, text.data, text.length);
    out[text.length] = '\0';
    return out;
}

static void read_value(const struct quern_gguf *gguf, const struct quern_gguf_value *value)
{
    char name[128];
    const char *key = terminated(value->key, name);
    touch(value->data, value->bytes);
    if (value->kind == QUERN_GGUF_ARRAY && value->element == QUERN_GGUF_STRING) {
        size_t cursor = 0;
        for (uint64_t i = 0; i < value->count; i++) {
            quern_text text = quern_gguf_next_string(value, &cursor);
            touch((const unsigned char *)text.data, text.length);
        }
        expect(cursor == value->bytes, "strings do not fill their array");
    }
    if (!key)
        return;
    int64_t integer;
    double number;
    bool flag;
    quern_text text;
    expect(quern_gguf_find(gguf, key) == value, "a key is not found");
    quern_gguf_integer(gguf, key, 0, 1000, &integer, NULL);
    quern_gguf_float(gguf, key, 0, 1, &number, NULL);
    quern_gguf_bool(gguf, key, &flag, NULL);
    quern_gguf_string(gguf, key, &text, NULL);
}

static void read_tensor(const struct quern_gguf *gguf, const struct quern_gguf_tensor *tensor)
{
    char name[128];
    const struct quern_type_info *info = quern_type_info(tensor->type);
    touch(tensor->data, tensor->bytes);
    expect(quern_gguf_tensor_find(gguf, terminated(tensor->name, name)) == tensor, "a tensor is not found");
    if (!info->supported)
        return;
    float values[256];
    size_t count = (size_t)info->block_elements;
    quern_blocks_finite(tensor->type, tensor->data, (size_t)tensor->elements);
    quern_dequantize(tensor->type, values, tensor->data + tensor->bytes - info->block_bytes, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quern_gguf gguf;
    quern_error error = {0};
    int code = quern_gguf_parse(&gguf, data, size, &error);
    if (code == QUERN_OK) {
        for (size_t i = 0; i < gguf.value_count; i++)
            read_value(&gguf, &gguf.values[i]);
        for (size_t i = 0; i < gguf.tensor_count; i++)
            read_tensor(&gguf, &gguf.tensors[i]);
        quern_gguf_close(&gguf);
    } else {
        expect(error.code == code && error.text[0], "a failure says nothing");
    }
    return 0;
}
