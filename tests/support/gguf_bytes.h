/* GGUF files made by hand in memory, byte by byte, so that they may be damaged. For tests of cmocka: one fails when its
 * bytes have no room. */
#ifndef QUERN_TESTS_GGUF_BYTES_H
#define QUERN_TESTS_GGUF_BYTES_H

#include "quern.h"

#include <stdint.h>

struct trial_bytes {
    unsigned char data[1 << 18];
    size_t size;
};

void trial_put(struct trial_bytes *out, const void *data, size_t size);
void trial_put_u32(struct trial_bytes *out, uint32_t value);
void trial_put_u64(struct trial_bytes *out, uint64_t value);
void trial_put_text(struct trial_bytes *out, const char *text); /* behind its length */
void trial_put_zeros(struct trial_bytes *out, size_t size);
void trial_put_padding(struct trial_bytes *out, size_t alignment);

/* The parts of a file: its beginning, the beginning of a key, the description of a tensor. */
void trial_put_header(struct trial_bytes *out, uint64_t tensors, uint64_t keys);
void trial_put_key(struct trial_bytes *out, const char *key, uint32_t kind);
void trial_put_tensor(struct trial_bytes *out, const char *name, uint32_t type, uint32_t dimensions,
                      const uint64_t *shape, uint64_t offset);

/* Parses a copy in memory of exactly this size, so that a sanitizer sees a read beyond it. */
int trial_parse(const unsigned char *data, size_t size, quern_error *error);

#endif
