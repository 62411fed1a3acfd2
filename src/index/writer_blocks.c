#include "index/index_writer.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int quern_writer_fail_io(const struct quern_index_writer *writer, quern_error *error)
{
    return quern_fail(error, QUERN_EIO, "cannot write %s: %s", writer->path, strerror(errno));
}

int quern_writer_write_at(const struct quern_index_writer *writer, const void *data, size_t bytes, uint64_t offset,
                          quern_error *error)
{
    for (const unsigned char *at = data; bytes > 0;) {
        const ssize_t done = pwrite(writer->file, at, bytes < (1u << 30) ? bytes : 1u << 30, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return quern_writer_fail_io(writer, error);
        at += done;
        offset += (uint64_t)done;
        bytes -= (size_t)done;
    }
    return QUERN_OK;
}

int quern_writer_read_at(const struct quern_index_writer *writer, void *data, size_t bytes, uint64_t offset,
                         quern_error *error)
{
    for (unsigned char *at = data; bytes > 0;) {
        const ssize_t done = pread(writer->file, at, bytes, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return quern_fail(error, QUERN_EIO, "cannot read %s: %s", writer->path,
                              done < 0 ? strerror(errno) : "it was cut off while it was changed; make the index again");
        at += done;
        offset += (uint64_t)done;
        bytes -= (size_t)done;
    }
    return QUERN_OK;
}

uint64_t quern_writer_next_page(const struct quern_index_writer *writer)
{
    return (writer->end + QUERN_INDEX_ALIGNMENT - 1) / QUERN_INDEX_ALIGNMENT * QUERN_INDEX_ALIGNMENT;
}

struct quern_index_block *quern_writer_block(const struct quern_index_writer *writer)
{
    const struct quern_catalogue *catalogue = &writer->catalogue;
    struct quern_index_block *last = catalogue->count > 0 ? &catalogue->blocks[catalogue->count - 1] : NULL;
    return last != NULL && last->offset == 0 ? last : NULL;
}

int quern_writer_flush(struct quern_index_writer *writer, quern_error *error)
{
    struct quern_index_block *block = quern_writer_block(writer);
    size_t bytes;
    if (block == NULL)
        return QUERN_OK;
    QUERN_TRY(quern_block_finish(&writer->builder, block, &bytes, error));
    block->offset = quern_writer_next_page(writer);
    QUERN_TRY(quern_writer_write_at(writer, writer->builder.data, bytes, block->offset, error));
    writer->end = block->offset + bytes;
    return QUERN_OK;
}

int quern_writer_make_room(struct quern_index_writer *writer, const quern_index_row *row, quern_error *error)
{
    struct quern_catalogue *catalogue = &writer->catalogue;
    const struct quern_index_block *block = quern_writer_block(writer);
    if (block != NULL && !quern_block_is_full(&writer->builder, block, row))
        return QUERN_OK;
    QUERN_TRY(quern_writer_flush(writer, error));
    if (catalogue->count >= QUERN_INDEX_MOST_BLOCKS)
        return quern_fail(error, QUERN_EINVAL, "%s has too many blocks: compact it (quern_index_compact)",
                          writer->path);
    if (catalogue->count > 0 &&
        catalogue->first[catalogue->count] + catalogue->shape.block_rows > QUERN_INDEX_MOST_ROWS)
        return quern_fail(error, QUERN_EINVAL, "%s is full: an index has at most 2^32 rows, removed ones too",
                          writer->path);
    return quern_catalogue_grow(catalogue, error);
}
