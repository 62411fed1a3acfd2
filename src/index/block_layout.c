#include "index/block_layout.h"

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t quern_index_padded(uint32_t dimensions)
{
    return aligned(dimensions);
}

size_t quern_index_words(uint32_t dimensions)
{
    return quern_index_padded(dimensions) / 64;
}

size_t quern_index_groups(uint32_t rows)
{
    return ((size_t)rows + QUERN_SCAN_ROWS - 1) / QUERN_SCAN_ROWS;
}

uint32_t quern_index_block_rows(uint32_t dimensions)
{
    const size_t rows = ((size_t)16 << 20) / (quern_index_padded(dimensions) * 5) / 64 * 64;
    return rows > QUERN_INDEX_BLOCK_ROWS ? QUERN_INDEX_BLOCK_ROWS : rows < 64 ? 64 : (uint32_t)rows;
}

struct quern_block_parts quern_index_parts(const struct quern_index_shape *shape,
                                           const struct quern_index_block *block)
{
    const size_t rows = block->rows, padded_rows = quern_index_groups(block->rows) * QUERN_SCAN_ROWS;
    const size_t number = shape->half ? sizeof(uint16_t) : sizeof(float);
    struct quern_block_parts parts = {0};
    parts.scales = padded_rows * quern_index_padded(shape->dimensions);
    parts.rests = aligned(parts.scales + padded_rows * sizeof(float));
    parts.bits = aligned(parts.rests + padded_rows * sizeof(float));
    parts.vectors = parts.bits;
    if (shape->has_bits)
        parts.vectors += padded_rows * quern_index_words(shape->dimensions) * sizeof(uint64_t);
    parts.ids = aligned(parts.vectors + rows * shape->dimensions * number);
    const size_t ids = shape->named ? rows * sizeof(uint32_t) + block->id_bytes : rows * sizeof(uint64_t);
    parts.payloads = aligned(parts.ids + ids);
    parts.end = aligned(parts.payloads + rows * sizeof(uint32_t) + block->payload_bytes);
    return parts;
}
