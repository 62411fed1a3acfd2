/* A bounded reader of GGUF files, versions 2 and 3.
 *
 * Everything is checked when the file is opened. Afterwards every key, string, array and tensor lies inside the
 * mapping, the product of a shape does not overflow, and offsets are those that the format requires. Values point
 * into the mapping; only the lists of keys and tensors and their index are allocated. An open file does not change
 * and may be used by any thread. The file may be truncated by others while it is mapped: code that has read large
 * parts of it must then call quern_map_check for gguf->map. */
#ifndef QUERN_GGUF_GGUF_H
#define QUERN_GGUF_GGUF_H

#include "base/map.h"
#include "formats/formats.h"
#include "quern.h"

#include <stdbool.h>

enum quern_gguf_kind { /* value types, as numbered in the file */
    QUERN_GGUF_U8 = 0, QUERN_GGUF_I8, QUERN_GGUF_U16, QUERN_GGUF_I16, QUERN_GGUF_U32, QUERN_GGUF_I32, QUERN_GGUF_F32,
    QUERN_GGUF_BOOL, QUERN_GGUF_STRING, QUERN_GGUF_ARRAY, QUERN_GGUF_U64, QUERN_GGUF_I64, QUERN_GGUF_F64
};

struct quern_gguf_value {
    quern_text key;
    uint32_t kind;             /* enum quern_gguf_kind */
    uint32_t element;          /* kind of an array's elements */
    uint64_t count;            /* elements of an array */
    const unsigned char *data; /* first byte of a scalar, of a string's bytes, or of an array's first element */
    size_t bytes;              /* bytes from data on that belong to the value */
};

struct quern_gguf_tensor {
    quern_text name;
    uint32_t type;     /* enum quern_type: a known type, but perhaps one that the library does not compute with */
    int dimensions;    /* 1 to 4 */
    uint64_t shape[4]; /* shape[0] is the fastest: the length of a row; unused ones are 1 */
    uint64_t elements;
    const unsigned char *data;
    size_t bytes;
};

struct quern_gguf {
    struct quern_map map;
    uint32_t version;
    size_t value_count, tensor_count;
    struct quern_gguf_value *values;   /* in file order */
    struct quern_gguf_tensor *tensors; /* in file order */
    struct quern_gguf_index *index;    /* of both, by name: gguf/name_index.h */
};

/* Errors: QUERN_EIO; QUERN_EFORMAT, with the key, the tensor or the offset in the message; QUERN_EUNSUPPORTED for a
 * version, a byte order or a tensor type that is not known; QUERN_ENOMEM. On failure gguf is closed. */
int quern_gguf_open(struct quern_gguf *gguf, const char *path, quern_error *error);
void quern_gguf_close(struct quern_gguf *gguf); /* a zeroed one is allowed */

/* The same for a file in memory. The memory must stay until gguf is closed. */
int quern_gguf_parse(struct quern_gguf *gguf, const void *data, size_t size, quern_error *error);

/* Find an entry by its name. NULL: there is none. */
const struct quern_gguf_value *quern_gguf_find(const struct quern_gguf *gguf, const char *key);
const struct quern_gguf_tensor *quern_gguf_tensor_find(const struct quern_gguf *gguf, const char *name);

/* Typed access. An absent key leaves *value unchanged and succeeds, so set *value to the default before. A value of
 * another type, or outside [low, high], is QUERN_EFORMAT. Integers may have any integer type, floats F32 or F64. */
int quern_gguf_integer(const struct quern_gguf *gguf, const char *key, int64_t low, int64_t high, int64_t *value,
                       quern_error *error);
int quern_gguf_float(const struct quern_gguf *gguf, const char *key, double low, double high, double *value,
                     quern_error *error);
int quern_gguf_bool(const struct quern_gguf *gguf, const char *key, bool *value, quern_error *error);
int quern_gguf_string(const struct quern_gguf *gguf, const char *key, quern_text *value, quern_error *error);

/* values[count] = the first elements of an array, which must have so many. QUERN_EFORMAT for fewer, for another value,
 * and for an element outside [low, high]. The elements are integers of any type; with low 0 and high 1 they may be
 * bools. An absent key leaves values as they are. */
int quern_gguf_integers(const struct quern_gguf *gguf, const char *key, int64_t low, int64_t high, int64_t *values,
                        size_t count, quern_error *error);

/* Bytes of a value, or of an array's element, whose kind has a fixed size. 0: another kind, or no kind. */
size_t quern_gguf_kind_size(uint32_t kind);

/* Returns the strings of an array one after the other: start with *cursor = 0, and call it exactly count times. */
quern_text quern_gguf_next_string(const struct quern_gguf_value *array, size_t *cursor);

#endif
