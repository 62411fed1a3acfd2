/* Writes GGUF v3 files: keys first, then tensor descriptions, then tensor data in the same order.
 *
 * Errors stick: every call after a failed one does nothing, and quern_gguf_writer_finish reports the first. The file
 * is written as PATH.part beside the target and renamed over it by finish, so nobody opens half a file. While it is
 * written it is locked, and a second writer of the same path is refused; one that a killed process left is written
 * over. */
#ifndef QUERN_GGUF_WRITER_H
#define QUERN_GGUF_WRITER_H

#include "gguf/gguf.h"

struct quern_gguf_writer;

int quern_gguf_writer_new(struct quern_gguf_writer **writer, const char *path, quern_error *error);

void quern_gguf_put_u32(struct quern_gguf_writer *writer, const char *key, uint32_t value);
void quern_gguf_put_f32(struct quern_gguf_writer *writer, const char *key, float value);
void quern_gguf_put_bool(struct quern_gguf_writer *writer, const char *key, bool value);
void quern_gguf_put_string(struct quern_gguf_writer *writer, const char *key, quern_text value);
void quern_gguf_put_strings(struct quern_gguf_writer *writer, const char *key, const quern_text *values, size_t count);
void quern_gguf_put_array(struct quern_gguf_writer *writer, const char *key, uint32_t element, const void *values,
                          size_t count);
/* A value out of another file, as it is; but for general.alignment, which is left out: ours is the default. */
void quern_gguf_put_value(struct quern_gguf_writer *writer, const struct quern_gguf_value *value);

/* Describes the next tensor. shape[0] is the row. */
void quern_gguf_put_tensor(struct quern_gguf_writer *writer, const char *name, uint32_t type, const uint64_t *shape,
                           int dimensions);

/* The next bytes of tensor data, tensors in the order described, in pieces of any size; padding is ours. */
void quern_gguf_put_data(struct quern_gguf_writer *writer, const void *data, size_t bytes);

/* Completes, syncs, renames and frees. On failure the target is untouched. */
int quern_gguf_writer_finish(struct quern_gguf_writer *writer, quern_error *error);
void quern_gguf_writer_abandon(struct quern_gguf_writer *writer); /* NULL is allowed */

#endif
