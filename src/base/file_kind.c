#include "base/file_kind.h"

#include "base/count.h"

#include <string.h>
#include <strings.h>

/* Kinds with a mark at their beginning. Letters of the mark may be upper or lower case. */
static const struct {
    const char *mark;
    size_t length, place; /* of the mark in the file */
    const char *what;
} kinds[] = {
#define KIND(mark, place, what) {mark, sizeof(mark) - 1, place, what}
    KIND("version https://git-lfs", 0, "a pointer of Git LFS: the file itself was not downloaded (git lfs pull)"),
    KIND("<!doctype", 0, "a web page: download the file behind it"),
    KIND("<html", 0, "a web page: download the file behind it"),
    KIND("<?xml", 0, "an XML document, perhaps an error of a server: download the file again"),
    KIND("PK\x03\x04", 0, "a ZIP archive, perhaps of PyTorch: take the safetensors or the GGUF file of the model"),
    KIND("\x80\x02", 0, "a pickle of Python: take the safetensors or the GGUF file of the model"),
    KIND("\x1f\x8b", 0, "compressed by gzip: unpack it first (gunzip)"),
    KIND("\x28\xb5\x2f\xfd", 0, "compressed by Zstandard: unpack it first (unzstd)"),
    KIND("\xfd" "7zXZ", 0, "compressed by xz: unpack it first (unxz)"),
    KIND("ustar", 257, "a tar archive: unpack it first (tar xf)"),
    KIND("GGUF", 0, "a GGUF file"),
    KIND("ggjt", 0, "a model file of a format before GGUF: take the GGUF file of the model"),
    KIND("ggml", 0, "a model file of a format before GGUF: take the GGUF file of the model"),
    KIND("lmgg", 0, "a model file of a format before GGUF: take the GGUF file of the model"),
    KIND("{\"", 8, "a safetensors file: 'quern convert' makes a model file of its folder"),
    KIND("\x08\x07\x12", 0, "an ONNX model: take the GGUF file of the model"),
    KIND("\x08\x08\x12", 0, "an ONNX model: take the GGUF file of the model"),
    KIND("{", 0, "JSON, perhaps an error of a server: download the file again"),
#undef KIND
};

const char *quern_file_kind(const void *data, size_t size)
{
    const char *bytes = data;
    if (size == 0)
        return "empty: download the file again";
    for (size_t i = 0; i < QUERN_COUNT(kinds); i++)
        if (size >= kinds[i].place + kinds[i].length &&
            strncasecmp(bytes + kinds[i].place, kinds[i].mark, kinds[i].length) == 0)
            return kinds[i].what;
    return NULL;
}
