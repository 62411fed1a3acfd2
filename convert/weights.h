/* The tensors of a file to be written: where each comes from and what type it gets. */
#ifndef QUERN_CONVERT_WEIGHTS_H
#define QUERN_CONVERT_WEIGHTS_H

#include "base/map.h"
#include "convert.h"
#include "gguf/writer.h"

struct quern_weight {
    char name[64]; /* in the GGUF file */
    uint32_t type; /* it gets */
    int dimensions;
    uint64_t shape[4], elements;
    uint32_t source_type;
    const unsigned char *data; /* [elements] of the source's type */
    const struct quern_map *map; /* that data lies in */
    bool add_one;                /* a norm of a checkpoint, which stores the weight less 1 */
};

struct quern_weights {
    struct quern_weight *list; /* in the order they are written */
    size_t count, room;
};

/* Appends one. quern_weights_free when done, also after a failure. */
int quern_weights_add(struct quern_weights *weights, const struct quern_weight *weight, quern_error *error);
void quern_weights_free(struct quern_weights *weights);

/* The type of a name, or QUERN_EINVAL when it is not one of QUERN_CONVERT_TYPES. */
int quern_weight_type_find(const char *name, uint32_t *type, quern_error *error);

/* The type a tensor gets in a file of this type, as published files have it: norms stay F32; what is read once for a
 * text or a token, the head and the token embeddings, is not cut to 4 bits. */
uint32_t quern_weight_type(const char *name, int dimensions, uint32_t type);

/* Describes and writes all tensors; fills result but for its bytes. Refuses weights that are not finite, or not once
 * they are rounded. */
int quern_weights_write(const struct quern_weights *weights, struct quern_gguf_writer *writer,
                        const struct quern_convert_job *job, struct quern_convert_result *result, quern_error *error);

/* Completes the file, or abandons it when code says that something failed before; fills result->bytes. Returns the
 * first failure. */
int quern_weights_finish(struct quern_gguf_writer *writer, int code, const char *path,
                         struct quern_convert_result *result, quern_error *error);

#endif
