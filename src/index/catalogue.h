/* The catalogue of an index file: what the index is, and where its blocks are. It is small, and always read whole. */
#ifndef QUERN_INDEX_CATALOGUE_H
#define QUERN_INDEX_CATALOGUE_H

#include "index/block_layout.h"

struct quern_catalogue {
    struct quern_index_shape shape;
    char space[QUERN_SPACE_SIZE];
    struct quern_index_slot slot;     /* that names it; zeros: none does yet */
    bool in_doubt;                    /* a slot names a catalogue that is not whole, or lies behind the file's end */
    size_t count;                     /* of blocks */
    struct quern_index_block *blocks; /* [count] */
    uint64_t *first;                  /* [count + 1] the place of each block's first row */
    uint64_t **removed;               /* [count] a bitmap of each block's rows; NULL where none was removed */
    unsigned char *note;
    size_t note_bytes;
};

/* The words of a bitmap of so many rows. */
static inline size_t quern_bitmap_words(uint64_t rows)
{
    return (size_t)((rows + 63) / 64);
}

/* Rows that are there. */
uint64_t quern_catalogue_rows(const struct quern_catalogue *catalogue);

/* Where a catalogue that was read ends, with all that it names. Nothing behind that belongs to the index, unless the
 * catalogue is in doubt. */
uint64_t quern_catalogue_end(const struct quern_catalogue *catalogue);

/* The block of a place: first[b] <= place < first[b + 1]. place is less than first[count]. */
size_t quern_catalogue_block(const struct quern_catalogue *catalogue, uint64_t place);

/* Whether the row of a block was removed. */
static inline bool quern_catalogue_removed(const struct quern_catalogue *catalogue, size_t block, uint32_t row)
{
    const uint64_t *bitmap = catalogue->removed[block];
    return bitmap != NULL && (bitmap[row / 64] >> row % 64 & 1) != 0;
}

/* Reads the catalogue of the file data[size], and checks that all that it names lies in the file. The catalogue is
 * copied. The caller frees it in any case. QUERN_EFORMAT, QUERN_EUNSUPPORTED, QUERN_ENOMEM; messages do not name the
 * file. */
int quern_catalogue_read(struct quern_catalogue *catalogue, const unsigned char *data, size_t size,
                         quern_error *error);

/* Makes the bytes of a catalogue: *bytes of them at *out, which the caller frees. first is not part of it.
 * QUERN_ENOMEM. */
int quern_catalogue_encode(const struct quern_catalogue *catalogue, unsigned char **out, size_t *bytes,
                           quern_error *error);

/* Makes a header whose slot of that generation names a catalogue. The other slot is zeros. */
void quern_index_header(unsigned char header[QUERN_INDEX_HEADER], const struct quern_index_slot *slot);

/* Fills a slot, with its digest. */
struct quern_index_slot quern_index_slot_for(uint64_t generation, uint64_t offset, const unsigned char *catalogue,
                                             size_t bytes);

/* Where the slot of a generation lies in the file. */
size_t quern_index_slot_at(uint64_t generation);

/* Whether a header still has a slot, and none that is newer. */
bool quern_index_slot_is_newest(const unsigned char header[QUERN_INDEX_HEADER], const struct quern_index_slot *slot);

/* Appends an empty place for a block, whose fields the caller fills. QUERN_ENOMEM. */
int quern_catalogue_grow(struct quern_catalogue *catalogue, quern_error *error);

/* Makes the bitmap of a block if there is none yet. QUERN_ENOMEM. */
int quern_catalogue_bitmap(struct quern_catalogue *catalogue, size_t block, quern_error *error);

void quern_catalogue_free(struct quern_catalogue *catalogue); /* one of zeros is allowed */

#endif
