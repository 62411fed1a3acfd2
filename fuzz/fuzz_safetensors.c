/* Reads any bytes as a safetensors file. They must give tensors that lie inside the file, one after the other, or one
 * clear error. */
#include "fuzz.h"
#include "safetensors.h"
#include "formats/conversion.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quern_safetensors file;
    quern_error error = {0};
    int code = quern_safetensors_parse(&file, data, size, "input", &error);
    if (code != QUERN_OK) {
        expect(error.code == code && error.text[0] != '\0', "a failure says nothing");
        expect(strchr(error.text, '\n') == NULL, "a failure has two lines");
        return 0;
    }
    const unsigned char *end = data + size;
    for (size_t i = file.count; i-- > 0;) {
        const struct quern_safetensor *tensor = &file.tensors[i];
        uint64_t elements = tensor->shape[0] * tensor->shape[1] * tensor->shape[2] * tensor->shape[3];
        expect(tensor->data >= data + 8 && tensor->bytes > 0 && tensor->data + tensor->bytes == end, "a gap");
        expect(elements == tensor->elements, "a shape that is not its elements");
        const uint64_t each = tensor->type == QUERN_TYPE_F32 ? 4 : tensor->type == QUERN_SAFETENSORS_I64 ? 8 : 2;
        expect(elements * each == tensor->bytes, "a size that is not its shape");
        expect(quern_safetensors_find(&file, tensor->name) == tensor, "a tensor is not found");
        quern_blocks_finite(tensor->type, tensor->data, (size_t)elements);
        end = tensor->data;
    }
    quern_safetensors_close(&file);
    return 0;
}
