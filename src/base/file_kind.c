#include "base/file_kind.h"

#include "base/count.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define ONNX "an ONNX model: take the GGUF file of the model"
#define OLD_GGML "a model file of a format before GGUF: take the GGUF file of the model"
#define PICKLE "a pickle of Python: take the safetensors or the GGUF file of the model"
#define ZIP "a ZIP archive, perhaps of PyTorch: take the safetensors or the GGUF file of the model"
#define KERAS "an HDF5 file, perhaps of Keras: take the safetensors or the GGUF file of the model"

/* Kinds with a mark, which has no NUL. Letters of the mark may be upper or lower case. */
static const struct {
    const char *mark;
    size_t length, place; /* of the mark in the file */
    const char *what;
} kinds[] = {
#define KIND(mark, place, what) {mark, sizeof(mark) - 1, place, what}
    KIND("version https://git-lfs", 0, "a pointer of Git LFS: the file itself was not downloaded (git lfs pull)"),
    KIND("<!doctype", 0, "a web page: download the file behind it"),
    KIND("<html", 0, "a web page: download the file behind it"),
    KIND("<head", 0, "a web page: download the file behind it"),
    KIND("<!--", 0, "a web page: download the file behind it"),
    KIND("<?xml", 0, "an XML document, perhaps an error of a server: download the file again"),
    KIND("PK\x03\x04", 0, ZIP),
    KIND("PK\x05\x06", 0, ZIP),
    KIND("PK\x07\x08", 0, ZIP),
    KIND("(dp", 0, PICKLE),
    KIND("(lp", 0, PICKLE),
    KIND("ccopy_reg\n", 0, PICKLE),
    KIND("ccollections\n", 0, PICKLE),
    KIND("cnumpy", 0, PICKLE),
    KIND("\x1f\x8b", 0, "compressed by gzip: unpack it first (gunzip)"),
    KIND("\x28\xb5\x2f\xfd", 0, "compressed by Zstandard: unpack it first (unzstd)"),
    KIND("\xfd" "7zXZ", 0, "compressed by xz: unpack it first (unxz)"),
    KIND("BZh", 0, "compressed by bzip2: unpack it first (bunzip2)"),
    KIND("\x04\x22\x4d\x18", 0, "compressed by LZ4: unpack it first (unlz4)"),
    KIND("7z\xbc\xaf\x27\x1c", 0, "a 7z archive: unpack it first (7z x)"),
    KIND("Rar!\x1a", 0, "a RAR archive: unpack it first (unrar x)"),
    KIND("ustar", 257, "a tar archive: unpack it first (tar xf)"),
    KIND("\x93NUMPY", 0, "a NumPy array: take the GGUF file of the model"),
    KIND("\x89HDF\r\n\x1a\n", 0, KERAS),
    KIND("TFL3", 4, "a model of TensorFlow Lite: take the GGUF file of the model"),
    KIND("GGUF", 0, "a GGUF file"),
    KIND("ggjt", 0, OLD_GGML),
    KIND("ggml", 0, OLD_GGML),
    KIND("lmgg", 0, OLD_GGML),
    KIND("tjgg", 0, OLD_GGML),
    KIND("fmgg", 0, OLD_GGML),
    KIND("{", 0, "JSON, perhaps an error of a server: download the file again"),
#undef KIND
};

/* The length of the header, with 64 bits, and the header, which is JSON. */
static bool is_safetensors(const unsigned char *bytes, size_t size)
{
    return size > 8 && memcmp(bytes + 4, "\0\0\0\0{", 5) == 0;
}

/* Protocols 2 to 5 begin with their number; protocol 1 with a list or a dictionary that is put into place 0. */
static bool is_pickle(const unsigned char *bytes, size_t size)
{
    return (size > 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5) ||
           (size > 2 && (bytes[0] == '}' || bytes[0] == ']') && bytes[1] == 'q' && bytes[2] == 0);
}

/* Field 1 of protocol buffers, a small version; then one of the strings and messages that follow it in ONNX. */
static bool is_onnx(const unsigned char *bytes, size_t size)
{
    static const unsigned char next[] = {0x12, 0x1a, 0x22, 0x28, 0x3a, 0x42};
    return size > 2 && bytes[0] == 0x08 && bytes[1] >= 1 && bytes[1] <= 31 &&
           memchr(next, bytes[2], sizeof next) != NULL;
}

static bool has_mark(const char *text, size_t size, size_t kind)
{
    return size >= kinds[kind].place + kinds[kind].length &&
           strncasecmp(text + kinds[kind].place, kinds[kind].mark, kinds[kind].length) == 0;
}

/* The kind of a text that begins with space or with a byte order mark; NULL: it has none of these. */
static const char *kind_behind_space(const char *text, size_t size)
{
    size_t at = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < size && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r')))
        at++;
    for (size_t i = 0; i < QUERN_COUNT(kinds) && at > 0; i++)
        if ((kinds[i].mark[0] == '<' || kinds[i].mark[0] == '{') && has_mark(text + at, size - at, i))
            return kinds[i].what;
    return NULL;
}

const char *quern_file_kind(const void *data, size_t size)
{
    if (size == 0)
        return "empty: download the file again";
    for (size_t i = 0; i < QUERN_COUNT(kinds); i++)
        if (has_mark(data, size, i))
            return kinds[i].what;
    if (is_safetensors(data, size))
        return "a safetensors file: 'quern convert' makes a model file of its folder";
    if (is_pickle(data, size))
        return PICKLE;
    return is_onnx(data, size) ? ONNX : kind_behind_space(data, size);
}
