/* A bounded reader of safetensors files: a length of 8 bytes, a JSON object that describes the tensors, their data.
 *
 * Everything is checked when the file is opened: types are float types, shapes multiply without overflow, and the
 * tensors fill the data one after the other, as the format demands. Data are views into the mapping. */
#ifndef QUERN_CONVERT_SAFETENSORS_H
#define QUERN_CONVERT_SAFETENSORS_H

#include "base/map.h"
#include "formats/formats.h"

/* The type of whole numbers of 64 bits, as numbered in GGUF files. Folders have numbers of positions in it, which no
 * model file gets. */
enum { QUERN_SAFETENSORS_I64 = 27 };

struct quern_safetensor {
    const char *name;  /* terminated */
    uint32_t type;     /* enum quern_type: F32, F16, BF16, or I64, which is never a weight */
    int dimensions;    /* 1 to 4 */
    uint64_t shape[4]; /* as in GGUF files: shape[0] is the length of a row, last in this format; unused ones are 1 */
    uint64_t elements;
    const unsigned char *data;
    size_t bytes;
};

struct quern_safetensors {
    struct quern_map map;
    char *path; /* for messages */
    size_t count;
    struct quern_safetensor *tensors; /* in the order of their data in the file */
    char *names;                      /* the memory of their names */
};

/* Errors: QUERN_EIO, QUERN_EFORMAT, QUERN_EUNSUPPORTED (a type that is not a float type), QUERN_ENOMEM. All messages
 * name the file. */
int quern_safetensors_open(struct quern_safetensors *file, const char *path, quern_error *error);

/* The same for a file in memory, which must stay. path: its name in messages. */
int quern_safetensors_parse(struct quern_safetensors *file, const void *data, size_t size, const char *path,
                            quern_error *error);
void quern_safetensors_close(struct quern_safetensors *file); /* a zeroed one is allowed */

/* Finds a tensor by its name. NULL: there is no such tensor. */
const struct quern_safetensor *quern_safetensors_find(const struct quern_safetensors *file, const char *name);

/* The tensor linear.weight of a file that holds nothing else, such as the files of the dense head. */
int quern_safetensors_linear(const struct quern_safetensors *file, const struct quern_safetensor **tensor,
                             quern_error *error);

#endif
