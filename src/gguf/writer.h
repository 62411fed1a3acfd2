/* Writes GGUF v3 files: keys first, then tensor descriptions, then tensor data in the same order.
 *
 * The first error is kept: every call after it does nothing, and quern_gguf_writer_finish returns it. The file is
 * written as PATH.part beside the target, and finish renames it to PATH, so nobody opens an incomplete file. PATH.part
 * is locked while it is written, and a second writer of the same path is refused. A PATH.part that a killed process
 * left is overwritten; a link, a pipe or a file with a second name is left alone. One thread at a time may use a
 * writer. */
#ifndef QUERN_GGUF_WRITER_H
#define QUERN_GGUF_WRITER_H

#include "gguf/gguf.h"

struct quern_gguf_writer;

/* name: what messages call the file; NULL: path. */
int quern_gguf_writer_new(struct quern_gguf_writer **writer, const char *path, const char *name, quern_error *error);

void quern_gguf_put_u32(struct quern_gguf_writer *writer, const char *key, uint32_t value);
void quern_gguf_put_f32(struct quern_gguf_writer *writer, const char *key, float value);
void quern_gguf_put_bool(struct quern_gguf_writer *writer, const char *key, bool value);
void quern_gguf_put_string(struct quern_gguf_writer *writer, const char *key, quern_text value);
void quern_gguf_put_strings(struct quern_gguf_writer *writer, const char *key, const quern_text *values, size_t count);
void quern_gguf_put_array(struct quern_gguf_writer *writer, const char *key, uint32_t element, const void *values,
                          size_t count);
/* Copies a value of another file. general.alignment is left out, because this writer uses the default. */
void quern_gguf_put_value(struct quern_gguf_writer *writer, const struct quern_gguf_value *value);

/* Describes the next tensor. shape[0] is the length of a row. */
void quern_gguf_put_tensor(struct quern_gguf_writer *writer, const char *name, uint32_t type, const uint64_t *shape,
                           int dimensions);

/* Writes the next bytes of tensor data, in pieces of any size. The tensors come in the order of their descriptions,
 * without padding between them: the writer adds it. */
void quern_gguf_put_data(struct quern_gguf_writer *writer, const void *data, size_t bytes);

/* Completes the file, writes it to disk, renames it to its path, and frees the writer. On failure the target is
 * unchanged. Errors: QUERN_EIO, QUERN_ENOMEM, QUERN_EINVAL for calls in a wrong order or an invalid tensor. */
int quern_gguf_writer_finish(struct quern_gguf_writer *writer, quern_error *error);

/* Removes the incomplete file and frees the writer. NULL is allowed. */
void quern_gguf_writer_abandon(struct quern_gguf_writer *writer);

#endif
