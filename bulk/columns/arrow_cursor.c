#include "arrow_cursor.h"

#include <string.h>

/* Reads whole number `at` of a buffer. */
static int read_integer(struct quern_seen_file *file, struct quern_file_window *window,
                        const struct quern_arrow_buffer *span, uint64_t at, unsigned width, bool is_signed,
                        int64_t *value, quern_error *error)
{
    const unsigned char *bytes;
    uint64_t number = 0;
    const int code = quern_arrow_buffer_get(span, file, window, at * width, width, &bytes, error);
    if (code != QUERN_OK)
        return code;
    memcpy(&number, bytes, width);
    const uint64_t sign = is_signed ? (uint64_t)1 << (8 * width - 1) : 0;
    *value = (int64_t)((number ^ sign) - sign);
    return QUERN_OK;
}

static int read_bit(struct quern_seen_file *file, struct quern_file_window *window,
                    const struct quern_arrow_buffer *span, uint64_t row, bool *bit, quern_error *error)
{
    const unsigned char *byte;
    const int code = quern_arrow_buffer_get(span, file, window, row / 8, 1, &byte, error);
    *bit = code == QUERN_OK && (*byte >> row % 8 & 1);
    return code;
}

static int read_bytes(struct quern_seen_file *file, struct quern_file_window *window,
                      const struct quern_arrow_buffer *within, uint64_t offset, uint64_t length, quern_text *text,
                      quern_error *error)
{
    const unsigned char *bytes;
    const int code = quern_arrow_buffer_get(within, file, window, offset, length, &bytes, error);
    if (code == QUERN_OK)
        *text = (quern_text){(const char *)bytes, (size_t)length};
    return code;
}

static int read_text(struct quern_seen_file *file, struct quern_arrow_texts *texts, uint64_t number, quern_text *text,
                     quern_error *error)
{
    int64_t begin, end;
    if (number >= texts->count)
        return quern_arrow_damaged(file, "an index lies outside of its dictionary", error);
    int code = read_integer(file, &texts->offset_window, &texts->offsets, number, texts->width, true, &begin, error);
    if (code == QUERN_OK)
        code = read_integer(file, &texts->offset_window, &texts->offsets, number + 1, texts->width, true, &end, error);
    if (code != QUERN_OK)
        return code;
    if (begin < 0 || end < begin)
        return quern_arrow_damaged(file, "a text ends before its beginning", error);
    return read_bytes(file, &texts->byte_window, &texts->bytes, (uint64_t)begin, (uint64_t)(end - begin), text, error);
}

/* A view has the length of a text, and the text itself if that is short; else its first bytes, the number of a buffer
 * and an offset. */
static int read_view(struct quern_arrow_cursor *cursor, uint64_t row, quern_text *text, quern_error *error)
{
    enum { VIEW = 16, SHORT = 12 };
    const unsigned char *bytes;
    uint32_t view[4]; /* length, first bytes, buffer, offset */
    const int code = quern_arrow_buffer_get(&cursor->values, cursor->file, &cursor->value_window, row * VIEW, VIEW,
                                            &bytes, error);
    if (code != QUERN_OK)
        return code;
    memcpy(view, bytes, sizeof view);
    if (view[0] <= SHORT) {
        *text = (quern_text){(const char *)bytes + 4, view[0]};
        return QUERN_OK;
    }
    if (view[2] >= cursor->view_count)
        return quern_arrow_damaged(cursor->file, "a text lies outside of its record batch", error);
    return read_bytes(cursor->file, &cursor->texts.byte_window, &cursor->view_buffers[view[2]], view[3], view[0], text,
                      error);
}

static int read_number(struct quern_arrow_cursor *cursor, uint64_t row, struct quern_cell *cell, quern_error *error)
{
    const struct quern_arrow_column *column = cursor->column;
    const int code = read_integer(cursor->file, &cursor->value_window, &cursor->values, row, column->width,
                                  column->is_signed, &cell->integer, error);
    if (code != QUERN_OK || column->has_dictionary)
        return code;
    cell->kind = column->is_signed ? QUERN_CELL_INTEGER : QUERN_CELL_UNSIGNED;
    if (column->type == QUERN_ARROW_FLOAT && column->width == 4) {
        float number;
        memcpy(&number, &cell->integer, sizeof number);
        cell->kind = QUERN_CELL_SINGLE;
        cell->number = (double)number;
    } else if (column->type == QUERN_ARROW_FLOAT) {
        cell->kind = QUERN_CELL_DOUBLE;
        memcpy(&cell->number, &cell->integer, sizeof cell->number);
    }
    return QUERN_OK;
}

/* Reads the text that an index names, or null. */
static int read_entry(struct quern_arrow_cursor *cursor, uint64_t row, struct quern_cell *cell, quern_error *error)
{
    struct quern_arrow_texts *texts = &cursor->texts;
    bool is_there = true;
    int code = read_number(cursor, row, cell, error);
    const uint64_t number = (uint64_t)cell->integer;
    if (code == QUERN_OK && texts->validity.length > 0 && number < texts->count)
        code = read_bit(cursor->file, &texts->validity_window, &texts->validity, number, &is_there, error);
    if (code != QUERN_OK || !is_there)
        return code;
    cell->kind = QUERN_CELL_TEXT;
    return read_text(cursor->file, texts, number, &cell->text, error);
}

static int read_value(struct quern_arrow_cursor *cursor, uint64_t row, struct quern_cell *cell, quern_error *error)
{
    const struct quern_arrow_column *column = cursor->column;
    const uint64_t bytes = (uint64_t)column->width * column->numbers;
    bool bit;
    int code;
    if (column->has_dictionary)
        return read_entry(cursor, row, cell, error);
    switch ((int)column->type) {
    case QUERN_ARROW_BOOL:
        cell->kind = QUERN_CELL_BOOLEAN;
        code = read_bit(cursor->file, &cursor->value_window, &cursor->values, row, &bit, error);
        cell->integer = bit;
        return code;
    case QUERN_ARROW_FIXED_LIST:
        cell->kind = QUERN_CELL_VECTOR;
        return read_bytes(cursor->file, &cursor->value_window, &cursor->values, row * bytes, bytes, &cell->text, error);
    case QUERN_ARROW_UTF8_VIEW:
        cell->kind = QUERN_CELL_TEXT;
        return read_view(cursor, row, &cell->text, error);
    case QUERN_ARROW_INT:
    case QUERN_ARROW_FLOAT: return read_number(cursor, row, cell, error);
    default:
        cell->kind = QUERN_CELL_TEXT;
        return read_text(cursor->file, &cursor->texts, row, &cell->text, error);
    }
}

int quern_arrow_cursor_read(struct quern_arrow_cursor *cursor, uint64_t row, struct quern_cell *cell,
                            quern_error *error)
{
    bool is_there = true;
    *cell = (struct quern_cell){.kind = QUERN_CELL_NULL};
    if (cursor->validity.length > 0) {
        const int code = read_bit(cursor->file, &cursor->validity_window, &cursor->validity, row, &is_there, error);
        if (code != QUERN_OK)
            return code;
    }
    return is_there ? read_value(cursor, row, cell, error) : QUERN_OK;
}
