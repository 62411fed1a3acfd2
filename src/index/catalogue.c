#include "index/catalogue.h"

#include "base/error.h"
#include "base/fold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CATALOGUE_SEED UINT64_C(0x71756572)

/* The first bytes of a catalogue. Blocks, bitmaps and the note follow. */
struct head {
    uint32_t dimensions, block_rows;
    uint32_t named, half, bits, unused;
    uint64_t blocks, note_bytes;
    char space[QUERN_SPACE_SIZE];
};

/* ---------------------------------------------------------------- slots and header */

static uint64_t slot_digest(const struct quern_index_slot *slot)
{
    return quern_digest_bytes(CATALOGUE_SEED, slot, offsetof(struct quern_index_slot, digest));
}

struct quern_index_slot quern_index_slot_for(uint64_t generation, uint64_t offset, const unsigned char *catalogue,
                                             size_t bytes)
{
    struct quern_index_slot slot = {.generation = generation, .offset = offset, .bytes = bytes,
                                    .catalogue_digest = quern_digest_bytes(CATALOGUE_SEED, catalogue, bytes)};
    slot.digest = slot_digest(&slot);
    return slot;
}

size_t quern_index_slot_at(uint64_t generation)
{
    return QUERN_INDEX_SLOT_AT * (1 + (size_t)(generation % 2));
}

void quern_index_header(unsigned char header[QUERN_INDEX_HEADER], const struct quern_index_slot *slot)
{
    const uint32_t version = QUERN_INDEX_VERSION;
    memset(header, 0, QUERN_INDEX_HEADER);
    memcpy(header, QUERN_INDEX_MAGIC, strlen(QUERN_INDEX_MAGIC));
    memcpy(header + strlen(QUERN_INDEX_MAGIC), &version, sizeof version);
    memcpy(header + quern_index_slot_at(slot->generation), slot, sizeof *slot);
}

bool quern_index_slot_is_newest(const unsigned char header[QUERN_INDEX_HEADER], const struct quern_index_slot *slot)
{
    struct quern_index_slot other;
    memcpy(&other, header + quern_index_slot_at(slot->generation + 1), sizeof other);
    return memcmp(header + quern_index_slot_at(slot->generation), slot, sizeof *slot) == 0 &&
           other.generation <= slot->generation;
}

/* Whether a slot is one that was written whole, and names a catalogue that is. */
static bool valid(const struct quern_index_slot *slot, const unsigned char *data, size_t size)
{
    return slot->digest == slot_digest(slot) && slot->offset >= QUERN_INDEX_HEADER &&
           slot->offset % QUERN_INDEX_ALIGNMENT == 0 && slot->offset <= size && slot->bytes <= size - slot->offset &&
           quern_digest_bytes(CATALOGUE_SEED, data + slot->offset, (size_t)slot->bytes) == slot->catalogue_digest;
}

/* Finds the newest catalogue. *in_doubt: a slot names one that is not whole. */
static int find(const unsigned char *data, size_t size, struct quern_index_slot *newest, bool *in_doubt,
                quern_error *error)
{
    uint32_t version;
    if (size < QUERN_INDEX_HEADER || memcmp(data, QUERN_INDEX_MAGIC, strlen(QUERN_INDEX_MAGIC)) != 0)
        return quern_fail(error, QUERN_EFORMAT, "it is not an index file of quern");
    memcpy(&version, data + strlen(QUERN_INDEX_MAGIC), sizeof version);
    if (version != QUERN_INDEX_VERSION)
        return quern_fail(error, QUERN_EUNSUPPORTED, "it is an index of version %u; this quern reads version %d: use a "
                          "newer quern", version, QUERN_INDEX_VERSION);
    *newest = (struct quern_index_slot){0};
    for (uint64_t parity = 0; parity < 2; parity++) {
        struct quern_index_slot slot;
        memcpy(&slot, data + quern_index_slot_at(parity), sizeof slot);
        if (slot.generation == 0) /* not used yet */
            continue;
        if (slot.generation % 2 != parity || !valid(&slot, data, size))
            *in_doubt = true;
        else if (slot.generation > newest->generation)
            *newest = slot;
    }
    if (newest->generation == 0)
        return quern_fail(error, QUERN_EFORMAT, "the index is damaged: neither of its catalogues is whole");
    return QUERN_OK;
}

/* ---------------------------------------------------------------- memory */

uint64_t quern_catalogue_rows(const struct quern_catalogue *catalogue)
{
    uint64_t rows = 0;
    for (size_t b = 0; b < catalogue->count; b++)
        rows += catalogue->blocks[b].rows - catalogue->blocks[b].removed;
    return rows;
}

uint64_t quern_catalogue_end(const struct quern_catalogue *catalogue)
{
    uint64_t end = catalogue->slot.offset + catalogue->slot.bytes;
    for (size_t b = 0; b < catalogue->count; b++) {
        const struct quern_index_block *block = &catalogue->blocks[b];
        const uint64_t block_end = block->offset + quern_index_parts(&catalogue->shape, block).end;
        end = block_end > end ? block_end : end;
    }
    return end;
}

size_t quern_catalogue_block(const struct quern_catalogue *catalogue, uint64_t place)
{
    size_t low = 0, high = catalogue->count; /* first[low] <= place < first[high] */
    const size_t guess = (size_t)(place / catalogue->shape.block_rows); /* right where all before it are full */
    if (guess < high && catalogue->first[guess] <= place && place < catalogue->first[guess + 1])
        return guess;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        *(catalogue->first[middle] <= place ? &low : &high) = middle;
    }
    return low;
}

static int no_memory(quern_error *error)
{
    return quern_fail(error, QUERN_ENOMEM, "no memory for the catalogue of an index");
}

/* Makes room for so many blocks. */
static int reserve(struct quern_catalogue *catalogue, size_t blocks, quern_error *error)
{
    struct quern_index_block *more_blocks = realloc(catalogue->blocks, blocks * sizeof *more_blocks);
    if (more_blocks != NULL)
        catalogue->blocks = more_blocks;
    uint64_t *more_first = realloc(catalogue->first, (blocks + 1) * sizeof *more_first);
    if (more_first != NULL)
        catalogue->first = more_first;
    uint64_t **more_removed = realloc(catalogue->removed, blocks * sizeof *more_removed);
    if (more_removed != NULL)
        catalogue->removed = more_removed;
    return more_blocks != NULL && more_first != NULL && more_removed != NULL ? QUERN_OK : no_memory(error);
}

int quern_catalogue_grow(struct quern_catalogue *catalogue, quern_error *error)
{
    const size_t count = catalogue->count;
    if ((count & (count - 1)) == 0) /* the room doubles at powers of two */
        QUERN_TRY(reserve(catalogue, count == 0 ? 1 : 2 * count, error));
    catalogue->blocks[count] = (struct quern_index_block){0};
    catalogue->removed[count] = NULL;
    if (count == 0)
        catalogue->first[0] = 0;
    catalogue->first[count + 1] = catalogue->first[count];
    catalogue->count++;
    return QUERN_OK;
}

int quern_catalogue_bitmap(struct quern_catalogue *catalogue, size_t block, quern_error *error)
{
    if (catalogue->removed[block] != NULL)
        return QUERN_OK;
    catalogue->removed[block] = calloc(quern_bitmap_words(catalogue->shape.block_rows), sizeof(uint64_t));
    return catalogue->removed[block] != NULL ? QUERN_OK : no_memory(error);
}

void quern_catalogue_free(struct quern_catalogue *catalogue)
{
    for (size_t b = 0; b < catalogue->count; b++)
        free(catalogue->removed[b]);
    free(catalogue->blocks);
    free(catalogue->first);
    free(catalogue->removed);
    free(catalogue->note);
    *catalogue = (struct quern_catalogue){0};
}

/* ---------------------------------------------------------------- reading */

struct cursor {
    const unsigned char *at;
    size_t left;
};

static int take(struct cursor *cursor, void *out, size_t bytes, quern_error *error)
{
    if (bytes > cursor->left)
        return quern_fail(error, QUERN_EFORMAT, "the index is damaged: its catalogue ends too early");
    memcpy(out, cursor->at, bytes);
    cursor->at += bytes;
    cursor->left -= bytes;
    return QUERN_OK;
}

static int check_head(const struct head *head, size_t left, quern_error *error)
{
    if (head->dimensions < 1 || head->dimensions > QUERN_INDEX_MOST_DIMENSIONS || head->named > 1 || head->half > 1 ||
        head->bits > 1 || head->block_rows < 64 || head->block_rows > QUERN_INDEX_BLOCK_ROWS ||
        head->block_rows % 64 != 0 || memchr(head->space, 0, QUERN_SPACE_SIZE) == NULL ||
        head->blocks > QUERN_INDEX_MOST_BLOCKS || head->blocks > left / sizeof(struct quern_index_block) ||
        head->note_bytes > left)
        return quern_fail(error, QUERN_EFORMAT, "the index is damaged: its catalogue contradicts itself");
    return QUERN_OK;
}

/* Checks a block whose first row is at this place of the index, in a file of so many bytes. */
static int check_block(const struct quern_index_shape *shape, const struct quern_index_block *block, uint64_t place,
                       size_t size, quern_error *error)
{
    const bool fine = block->rows >= 1 && block->rows <= shape->block_rows && block->removed <= block->rows &&
                      block->id_bytes <= UINT32_MAX && block->payload_bytes <= UINT32_MAX &&
                      (shape->named || block->id_bytes == 0) && isfinite(block->longest) && block->longest >= 0 &&
                      block->offset >= QUERN_INDEX_HEADER && block->offset % QUERN_INDEX_ALIGNMENT == 0 &&
                      block->offset <= size && quern_index_parts(shape, block).end <= size - block->offset;
    if (!fine || place + block->rows > QUERN_INDEX_MOST_ROWS)
        return quern_fail(error, QUERN_EFORMAT, "the index is damaged: its catalogue names a block that cannot be, the "
                          "one with row %llu", (unsigned long long)place);
    return QUERN_OK;
}

/* Reads the bitmap of a block that has removed rows. */
static int read_bitmap(struct quern_catalogue *catalogue, size_t b, struct cursor *cursor, quern_error *error)
{
    const struct quern_index_block *block = &catalogue->blocks[b];
    uint32_t removed = 0;
    QUERN_TRY(quern_catalogue_bitmap(catalogue, b, error));
    QUERN_TRY(take(cursor, catalogue->removed[b], quern_bitmap_words(block->rows) * sizeof(uint64_t), error));
    for (uint32_t row = 0; row < block->rows; row++)
        removed += quern_catalogue_removed(catalogue, b, row);
    if (removed != block->removed)
        return quern_fail(error, QUERN_EFORMAT, "the index is damaged: its catalogue contradicts itself about removed "
                          "rows");
    return QUERN_OK;
}

static int read_blocks(struct quern_catalogue *catalogue, uint64_t count, struct cursor *cursor, size_t size,
                       quern_error *error)
{
    for (uint64_t b = 0; b < count; b++) {
        struct quern_index_block block;
        QUERN_TRY(take(cursor, &block, sizeof block, error));
        QUERN_TRY(quern_catalogue_grow(catalogue, error));
        QUERN_TRY(check_block(&catalogue->shape, &block, catalogue->first[b], size, error));
        catalogue->blocks[b] = block;
        catalogue->first[b + 1] = catalogue->first[b] + block.rows;
    }
    for (size_t b = 0; b < catalogue->count; b++)
        if (catalogue->blocks[b].removed > 0)
            QUERN_TRY(read_bitmap(catalogue, b, cursor, error));
    return QUERN_OK;
}

int quern_catalogue_read(struct quern_catalogue *catalogue, const unsigned char *data, size_t size, quern_error *error)
{
    struct quern_index_slot slot = {0};
    struct head head;
    *catalogue = (struct quern_catalogue){0};
    QUERN_TRY(find(data, size, &slot, &catalogue->in_doubt, error));
    struct cursor cursor = {data + slot.offset, (size_t)slot.bytes};
    QUERN_TRY(take(&cursor, &head, sizeof head, error));
    QUERN_TRY(check_head(&head, cursor.left, error));
    catalogue->slot = slot;
    catalogue->shape = (struct quern_index_shape){head.dimensions, head.block_rows, head.named != 0, head.half != 0,
                                                  head.bits != 0};
    memcpy(catalogue->space, head.space, sizeof catalogue->space);
    QUERN_TRY(read_blocks(catalogue, head.blocks, &cursor, size, error));
    if (head.note_bytes != cursor.left)
        return quern_fail(error, QUERN_EFORMAT, "the index is damaged: its note has another size than it says");
    catalogue->note = malloc(cursor.left + 1);
    if (catalogue->note == NULL)
        return no_memory(error);
    catalogue->note_bytes = cursor.left;
    return take(&cursor, catalogue->note, cursor.left, error);
}

/* ---------------------------------------------------------------- writing */

int quern_catalogue_encode(const struct quern_catalogue *catalogue, unsigned char **out, size_t *bytes,
                           quern_error *error)
{
    const struct quern_index_shape *shape = &catalogue->shape;
    struct head head = {.dimensions = shape->dimensions, .block_rows = shape->block_rows, .named = shape->named,
                        .half = shape->half, .bits = shape->has_bits, .blocks = catalogue->count,
                        .note_bytes = catalogue->note_bytes};
    memcpy(head.space, catalogue->space, sizeof head.space);
    size_t total = sizeof head + catalogue->count * sizeof *catalogue->blocks + catalogue->note_bytes;
    for (size_t b = 0; b < catalogue->count; b++)
        if (catalogue->blocks[b].removed > 0)
            total += quern_bitmap_words(catalogue->blocks[b].rows) * sizeof(uint64_t);
    unsigned char *at = malloc(total);
    if (at == NULL)
        return no_memory(error);
    *out = at;
    *bytes = total;
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    if (catalogue->count > 0)
        memcpy(at, catalogue->blocks, catalogue->count * sizeof *catalogue->blocks);
    at += catalogue->count * sizeof *catalogue->blocks;
    for (size_t b = 0; b < catalogue->count; b++) {
        const size_t words = quern_bitmap_words(catalogue->blocks[b].rows);
        if (catalogue->blocks[b].removed == 0)
            continue;
        memcpy(at, catalogue->removed[b], words * sizeof(uint64_t));
        at += words * sizeof(uint64_t);
    }
    if (catalogue->note_bytes > 0)
        memcpy(at, catalogue->note, catalogue->note_bytes);
    return QUERN_OK;
}
