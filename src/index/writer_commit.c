/* What a writer commits: its note and its catalogue; and how it rests between commits. */
#include "index/index_writer.h"

#include "base/error.h"
#include "base/system/system.h"
#include "index/index_lock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int quern_index_set_note(quern_index_writer *writer, quern_text note, quern_error *error)
{
    QUERN_TRY(quern_writer_check(writer, error));
    if (note.length > QUERN_INDEX_MOST_PAYLOAD || (note.data == NULL && note.length > 0))
        return quern_fail(error, QUERN_EINVAL, "the note of an index has at most %u bytes, not %zu",
                          QUERN_INDEX_MOST_PAYLOAD, note.length);
    unsigned char *copy = malloc(note.length + 1);
    if (copy == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory for the note of an index");
    if (note.length > 0)
        memcpy(copy, note.data, note.length);
    free(writer->catalogue.note);
    writer->catalogue.note = copy;
    writer->catalogue.note_bytes = note.length;
    writer->changed = true;
    return QUERN_OK;
}

/* Writes the header of a new file, or the slot of one that is there. All else is on the disk before. */
static int publish(struct quern_index_writer *writer, const struct quern_index_slot *slot, quern_error *error)
{
    unsigned char header[QUERN_INDEX_HEADER];
    if (writer->is_new) {
        quern_index_header(header, slot);
        QUERN_TRY(quern_writer_write_at(writer, header, sizeof header, 0, error));
    } else {
        if (quern_system_sync(writer->file) != 0)
            return quern_writer_fail_io(writer, error);
        QUERN_TRY(quern_writer_write_at(writer, slot, sizeof *slot, quern_index_slot_at(slot->generation), error));
    }
    if (quern_system_sync(writer->file) != 0)
        return quern_writer_fail_io(writer, error);
    if (writer->is_new)
        QUERN_TRY(quern_new_file_complete(&writer->fresh, error));
    writer->is_new = false;
    return QUERN_OK;
}

static int commit(struct quern_index_writer *writer, quern_error *error)
{
    struct quern_catalogue *catalogue = &writer->catalogue;
    unsigned char *encoded = NULL;
    size_t bytes;
    QUERN_TRY(quern_writer_flush(writer, error));
    QUERN_TRY(quern_catalogue_encode(catalogue, &encoded, &bytes, error));
    const uint64_t offset = quern_writer_next_page(writer);
    const struct quern_index_slot slot = quern_index_slot_for(catalogue->slot.generation + 1, offset, encoded, bytes);
    const int code = quern_writer_write_at(writer, encoded, bytes, offset, error);
    free(encoded);
    QUERN_TRY(code);
    writer->committed = offset + bytes; /* even if it fails: then nobody knows whether it is on the disk */
    QUERN_TRY(publish(writer, &slot, error));
    writer->end = offset + bytes;
    catalogue->slot = slot;
    writer->changed = false;
    return QUERN_OK;
}

int quern_index_commit(quern_index_writer *writer, quern_error *error)
{
    QUERN_TRY(quern_writer_check(writer, error));
    if (writer->changed)
        writer->broken = commit(writer, error);
    return writer->broken;
}

/* ---------------------------------------------------------------- rest */

int quern_index_rest(quern_index_writer *writer, quern_error *error)
{
    QUERN_TRY(quern_writer_check(writer, error));
    if (writer->changed)
        return quern_fail(error, QUERN_EINVAL, "what was changed must be committed before the writer rests");
    quern_writer_close_file(writer);
    writer->rests = true;
    return QUERN_OK;
}

int quern_index_resume(quern_index_writer *writer, quern_error *error)
{
    unsigned char header[QUERN_INDEX_HEADER];
    int file;
    if (writer == NULL)
        return quern_fail(error, QUERN_EINVAL, "writer is NULL");
    if (!writer->rests)
        return QUERN_OK;
    QUERN_TRY(quern_index_lock(&file, writer->path, error));
    if (pread(file, header, sizeof header, 0) != (ssize_t)sizeof header ||
        !quern_index_slot_is_newest(header, &writer->catalogue.slot)) {
        close(file);
        return quern_fail(error, QUERN_EIO, "%s was changed since this writer rests: make another one", writer->path);
    }
    writer->file = file;
    writer->owns_file = true;
    writer->rests = false;
    return QUERN_OK;
}
