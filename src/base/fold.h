/* A digest of 64 bits. It tells data apart. It does not protect against forgery. Names of spaces hold it, and are
 * stored with vectors, so it must never change. It is the same on every machine: bytes are read as little-endian
 * numbers. */
#ifndef QUERN_BASE_FOLD_H
#define QUERN_BASE_FOLD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Continues a digest over a number. */
static inline uint64_t quern_digest_number(uint64_t digest, uint64_t number)
{
    digest = (digest ^ number) * 0x9e3779b97f4a7c15u;
    return digest ^ digest >> 32;
}

static inline uint64_t quern_digest_double(uint64_t digest, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return quern_digest_number(digest, bits);
}

/* Continues a digest over bytes. Their number is not part of it. */
uint64_t quern_digest_bytes(uint64_t digest, const void *data, size_t bytes);

#endif
