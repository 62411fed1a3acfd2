/* How an index file is laid out. All numbers are little-endian.
 *
 *     header    magic, version, and two slots, each of which names a catalogue
 *     blocks    rows, up to block_rows in each; a block never changes once a catalogue names it
 *     catalogue what the index is, and where its blocks are
 *
 * A commit appends blocks and a catalogue, and then writes the slot that is not in use. So the file is whole at any
 * moment: a reader takes the valid slot with the greater generation.
 *
 * A block holds these parts, in this order, each aligned to 64 bytes. Rows are padded to whole groups of
 * QUERN_SCAN_ROWS, and dimensions to a multiple of 64 with zeros:
 *
 *     bytes     the vectors rounded to bytes, as struct quern_scan reads them
 *     scales    float32 for each row: a byte b stands for (b - 128) * scale
 *     rests     float32 for each row: the length of what rounding left over, rounded up
 *     bits      one bit for each number, as struct quern_scan reads them; only if the index has bits
 *     vectors   float32 or half floats, one row after another
 *     ids       uint64 for each row; or, for names, uint32 ends[rows], then their bytes
 *     payloads  uint32 ends[rows], then their bytes */
#ifndef QUERN_INDEX_BLOCK_LAYOUT_H
#define QUERN_INDEX_BLOCK_LAYOUT_H

#include "kernels/kernels.h"
#include "quern_index.h"

#include <stdbool.h>

#define QUERN_INDEX_MAGIC "quernidx"
#define QUERN_INDEX_VERSION 1
#define QUERN_INDEX_SLOT_AT 64      /* the first slot; the second one is as far behind it */
#define QUERN_INDEX_HEADER 4096     /* bytes; the first block begins here */
#define QUERN_INDEX_ALIGNMENT 4096  /* of blocks and catalogues */
#define QUERN_INDEX_BLOCK_ROWS 4096 /* most rows of a block */
#define QUERN_INDEX_MOST_BLOCKS (1 << 20)

/* A slot of the header. */
struct quern_index_slot {
    uint64_t generation; /* 1, 2, ...; 0: not used */
    uint64_t offset, bytes; /* of the catalogue */
    uint64_t catalogue_digest;
    uint64_t digest; /* of the four numbers before */
};

/* What all blocks of a file have in common. */
struct quern_index_shape {
    uint32_t dimensions;
    uint32_t block_rows; /* most rows of a block: a multiple of 64 */
    bool named;          /* ids are names */
    bool half;           /* vectors are half floats */
    bool has_bits;
};

/* Where a block is, and what the sizes of its parts follow from. */
struct quern_index_block {
    uint64_t offset;        /* in the file */
    uint64_t digest;        /* of its bytes */
    uint64_t id_bytes;      /* of the ids that are names */
    uint64_t payload_bytes; /* of the payloads */
    uint32_t rows;
    uint32_t removed;       /* rows that are not there any more */
    float longest;          /* at least the length of every rounded vector */
    float unused;
};

/* Offsets of the parts in a block, in bytes. */
struct quern_block_parts {
    size_t bytes, scales, rests, bits, vectors, ids, payloads, end;
};

/* Numbers of a row of bytes, and words of a row of bits. */
size_t quern_index_padded(uint32_t dimensions);
size_t quern_index_words(uint32_t dimensions);

/* The groups that so many rows lie in. */
size_t quern_index_groups(uint32_t rows);

/* The most rows of a block for vectors of so many dimensions: some 16 MB. */
uint32_t quern_index_block_rows(uint32_t dimensions);

/* Where the parts are. quern_catalogue_read has checked the shape and the block, so nothing wraps. */
struct quern_block_parts quern_index_parts(const struct quern_index_shape *shape,
                                           const struct quern_index_block *block);

#endif
