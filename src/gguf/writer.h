/* Writes GGUF v3 files: keys first, then tensor descriptions, then tensor data in the same order.
 *
 * After a call has failed, all further calls do nothing, and quern_gguf_writer_finish reports the first error. The
 * file is written as PATH.part beside the target, and finish renames it, so nobody opens an incomplete file. While
 * it is written it is locked, and a second writer of the same path is refused. A PATH.part that a killed process has
 * left is overwritten. */
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
/* Writes a value of another file as it is, except general.alignment, which is left out because ours is the default. */
void quern_gguf_put_value(struct quern_gguf_writer *writer, const struct quern_gguf_value *value);

/* Describes the next tensor. shape[0] is the length of a row. */
void quern_gguf_put_tensor(struct quern_gguf_writer *writer, const char *name, uint32_t type, const uint64_t *shape,
                           int dimensions);

/* Writes the next bytes of tensor data, in pieces of any size. Tensors come in the order of their descriptions. The
 * writer adds the padding. */
void quern_gguf_put_data(struct quern_gguf_writer *writer, const void *data, size_t bytes);

/* Completes the file, writes it to the disk, renames it, and frees the writer. On failure the target is untouched. */
int quern_gguf_writer_finish(struct quern_gguf_writer *writer, quern_error *error);
void quern_gguf_writer_abandon(struct quern_gguf_writer *writer); /* NULL is allowed */

#endif
