/* The tensors of a file that will be written: where each comes from, and its type. */
#ifndef QUERN_CONVERT_WEIGHTS_H
#define QUERN_CONVERT_WEIGHTS_H

#include "base/map.h"
#include "convert.h"
#include "gguf/writer.h"

struct quern_weight {
    char name[64]; /* in the GGUF file */
    uint32_t type; /* in the new file */
    int dimensions;
    uint64_t shape[4], elements;
    uint32_t source_type;
    const unsigned char *data; /* [elements] of the source's type */
    const struct quern_map *map; /* the mapping that data points into */
    bool add_one;                /* a norm of a checkpoint, which stores the weight minus 1 */
};

struct quern_weights {
    struct quern_weight *list; /* in the order they are written */
    size_t count, room;
};

/* Appends a tensor. The caller calls quern_weights_free at the end, also after a failure. */
int quern_weights_add(struct quern_weights *weights, const struct quern_weight *weight, quern_error *error);
void quern_weights_free(struct quern_weights *weights);

/* Finds the type of a name. QUERN_EINVAL: it is not one of QUERN_CONVERT_TYPES. */
int quern_weight_type_find(const char *name, uint32_t *type, quern_error *error);

/* The type of a tensor in a file of this type, as in published files. Norms stay F32. The head and the token
 * embeddings, which are read once for each text or token, get at least 8 bits, and the matrix of the inputs of layers
 * gets 16. */
uint32_t quern_weight_type(const char *name, int dimensions, uint32_t type);

/* Describes and writes all tensors, and fills result except its bytes. Refuses weights that are not finite before or
 * after rounding. */
int quern_weights_write(const struct quern_weights *weights, struct quern_gguf_writer *writer,
                        const struct quern_convert_job *job, struct quern_convert_result *result, quern_error *error);

/* Completes the file and sets result->bytes, or abandons the file if code says that something has failed. Returns the
 * first failure. */
int quern_weights_finish(struct quern_gguf_writer *writer, int code, const char *path,
                         struct quern_convert_result *result, quern_error *error);

#endif
