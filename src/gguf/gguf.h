/* A bounded reader of GGUF files, versions 2 and 3.
 *
 * Everything is checked when the file is opened: afterwards every key, string, array and tensor lies inside the
 * mapping, shapes multiply without overflow and offsets are those of the format. Values are views into the mapping;
 * only one index of keys and tensors is allocated. It never changes, so any thread may use it. Code that reads large
 * parts calls quern_map_check on gguf->map at its end, because the file may be lost while it reads. */
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
    uint32_t type;     /* enum quern_type; known, but perhaps not supported */
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
    struct quern_gguf_index *index;    /* of both, by name */
};

/* Opens and checks a file. Errors: QUERN_EIO; QUERN_EFORMAT, whose message names the key, tensor or offset;
 * QUERN_EUNSUPPORTED (version, big-endian, unknown tensor type); QUERN_ENOMEM. On failure gguf is closed. */
int quern_gguf_open(struct quern_gguf *gguf, const char *path, quern_error *error);
void quern_gguf_close(struct quern_gguf *gguf); /* a zeroed one is allowed */

/* The same for a file in memory, which must stay until gguf is closed. */
int quern_gguf_parse(struct quern_gguf *gguf, const void *data, size_t size, quern_error *error);

/* Find a key or a tensor by its name. NULL: there is none. */
const struct quern_gguf_value *quern_gguf_find(const struct quern_gguf *gguf, const char *key);
const struct quern_gguf_tensor *quern_gguf_tensor_find(const struct quern_gguf *gguf, const char *name);

/* Read the value of a key. An absent key leaves *value as it is and succeeds, so set *value to the default before. A
 * value of another type, or outside [low, high], is QUERN_EFORMAT. Any integer type is an integer; F32 and F64 are
 * floats. */
int quern_gguf_integer(const struct quern_gguf *gguf, const char *key, int64_t low, int64_t high, int64_t *value,
                       quern_error *error);
int quern_gguf_float(const struct quern_gguf *gguf, const char *key, double low, double high, double *value,
                     quern_error *error);
int quern_gguf_bool(const struct quern_gguf *gguf, const char *key, bool *value, quern_error *error);
int quern_gguf_string(const struct quern_gguf *gguf, const char *key, quern_text *value, quern_error *error);

/* Bytes of a value, or of an array's element, of a kind of fixed size; 0 for any other kind. */
size_t quern_gguf_kind_size(uint32_t kind);

/* Reads the next element of an array of strings. *cursor is 0 before the first call. Must be called at most count
 * times. */
quern_text quern_gguf_next_string(const struct quern_gguf_value *array, size_t *cursor);

#endif
