#include "arrow_schema.h"

#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 32, MOST_INNER = 1 << 16 };

/* What types are in words, and how many buffers their columns have, without those of their children. */
static const struct {
    const char *name;
    size_t buffers;
} types[QUERN_ARROW_TYPE_COUNT] = {
    [QUERN_ARROW_NULL] = {"nothing but nulls", 0}, [QUERN_ARROW_INT] = {"integers", 2},
    [QUERN_ARROW_FLOAT] = {"numbers of 16 bits", 2}, [QUERN_ARROW_BINARY] = {"bytes", 3},
    [QUERN_ARROW_UTF8] = {"texts", 3}, [QUERN_ARROW_BOOL] = {"truth values", 2},
    [QUERN_ARROW_DECIMAL] = {"decimal numbers", 2}, [QUERN_ARROW_DATE] = {"dates", 2},
    [QUERN_ARROW_TIME] = {"times", 2}, [QUERN_ARROW_TIMESTAMP] = {"times", 2},
    [QUERN_ARROW_INTERVAL] = {"intervals", 2}, [QUERN_ARROW_LIST] = {"lists", 2},
    [QUERN_ARROW_STRUCT] = {"structures", 1}, [QUERN_ARROW_UNION] = {"unions", 1},
    [QUERN_ARROW_FIXED_BINARY] = {"bytes", 2}, [QUERN_ARROW_FIXED_LIST] = {"lists", 1},
    [QUERN_ARROW_MAP] = {"maps", 2}, [QUERN_ARROW_DURATION] = {"durations", 2},
    [QUERN_ARROW_LARGE_BINARY] = {"bytes", 3}, [QUERN_ARROW_LARGE_UTF8] = {"texts", 3},
    [QUERN_ARROW_LARGE_LIST] = {"lists", 2}, [QUERN_ARROW_RUN_ENDS] = {"runs of values", 0},
    [QUERN_ARROW_BINARY_VIEW] = {"bytes", 2}, [QUERN_ARROW_UTF8_VIEW] = {"texts", 2},
    [QUERN_ARROW_LIST_VIEW] = {"lists", 3}, [QUERN_ARROW_LARGE_LIST_VIEW] = {"lists", 3},
};

/* Where the next field stands in a batch. */
struct walk {
    size_t nodes, buffers, views, fields;
};

/* Skips a field and its children. Returns false when there is no such type, or too many are nested. */
static bool pass_field(struct walk *walk, const struct quern_flat_table *field, int depth)
{
    const int64_t type = quern_flat_number(field, QUERN_ARROW_FIELD_KIND, 1, 0);
    if (type < 1 || type >= QUERN_ARROW_TYPE_COUNT || depth == MOST_DEPTH || ++walk->fields > MOST_INNER)
        return false;
    walk->nodes++;
    if (quern_flat_inner(field, QUERN_ARROW_FIELD_DICTIONARY).buffer != NULL) {
        walk->buffers += types[QUERN_ARROW_INT].buffers;
        return true;
    }
    const struct quern_flat_table details = quern_flat_inner(field, QUERN_ARROW_FIELD_TYPE);
    walk->buffers += types[type].buffers;
    walk->buffers += type == QUERN_ARROW_UNION && quern_flat_number(&details, QUERN_ARROW_UNION_MODE, 2, 0) != 0;
    walk->views += type == QUERN_ARROW_UTF8_VIEW || type == QUERN_ARROW_BINARY_VIEW;
    const struct quern_flat_vector children = quern_flat_vector(field, QUERN_ARROW_FIELD_CHILDREN, 4);
    for (size_t i = 0; i < children.count; i++) {
        const struct quern_flat_table child = quern_flat_item(&children, i);
        if (!pass_field(walk, &child, depth + 1))
            return false;
    }
    return true;
}

/* Bytes of a number; 0: it is none that is read. */
static unsigned number_width(int64_t type, const struct quern_flat_table *details, bool *is_signed)
{
    const int64_t bits = quern_flat_number(details, QUERN_ARROW_INT_BITS, 4, 0);
    *is_signed = true;
    if (type == QUERN_ARROW_FLOAT)
        return 2u << (quern_flat_number(details, QUERN_ARROW_FLOAT_PRECISION, 2, 0) & 3);
    *is_signed = quern_flat_number(details, QUERN_ARROW_INT_SIGNED, 1, 0) != 0;
    return bits == 8 || bits == 16 || bits == 32 || bits == 64 ? (unsigned)bits / 8 : 0;
}

static bool is_texts(int64_t type)
{
    return type == QUERN_ARROW_UTF8 || type == QUERN_ARROW_LARGE_UTF8;
}

/* Describes a list of a fixed number of numbers. Returns whether it is one that is read. */
static bool read_vector(struct quern_arrow_column *column, const struct quern_flat_table *field,
                        const struct quern_flat_table *details)
{
    const struct quern_flat_vector children = quern_flat_vector(field, QUERN_ARROW_FIELD_CHILDREN, 4);
    const struct quern_flat_table child = quern_flat_item(&children, 0);
    const struct quern_flat_table inner = quern_flat_inner(&child, QUERN_ARROW_FIELD_TYPE);
    const int64_t type = quern_flat_number(&child, QUERN_ARROW_FIELD_KIND, 1, 0);
    const int64_t numbers = quern_flat_number(details, QUERN_ARROW_FIXED_LIST_SIZE, 4, 0);
    column->numbers = numbers > 0 ? (uint32_t)numbers : 0;
    if (type == QUERN_ARROW_FLOAT || type == QUERN_ARROW_INT)
        column->width = number_width(type, &inner, &column->is_signed);
    return numbers > 0 && children.count == 1 && column->width > 0 && column->width <= 8 &&
           quern_flat_inner(&child, QUERN_ARROW_FIELD_DICTIONARY).buffer == NULL;
}

/* Describes a field's column. Returns whether it is read. */
static bool read_field(struct quern_arrow_column *column, const struct quern_flat_table *field)
{
    const struct quern_flat_table details = quern_flat_inner(field, QUERN_ARROW_FIELD_TYPE);
    const struct quern_flat_table dictionary = quern_flat_inner(field, QUERN_ARROW_FIELD_DICTIONARY);
    const int64_t type = quern_flat_number(field, QUERN_ARROW_FIELD_KIND, 1, 0);
    column->type = (enum quern_arrow_type)type;
    column->text_width = type == QUERN_ARROW_UTF8 ? 4 : 8;
    if (dictionary.buffer != NULL) {
        const struct quern_flat_table index = quern_flat_inner(&dictionary, QUERN_ARROW_ENCODING_INDEX);
        column->has_dictionary = true;
        column->dictionary = quern_flat_number(&dictionary, QUERN_ARROW_ENCODING_ID, 8, 0);
        column->width = 4; /* if nothing else is said */
        column->is_signed = true;
        if (index.buffer != NULL)
            column->width = number_width(QUERN_ARROW_INT, &index, &column->is_signed);
        return is_texts(type) && column->width > 0;
    }
    if (type == QUERN_ARROW_INT || type == QUERN_ARROW_FLOAT) {
        column->width = number_width(type, &details, &column->is_signed);
        return column->width > 0 && (type == QUERN_ARROW_INT || column->width == 4 || column->width == 8);
    }
    if (type == QUERN_ARROW_FIXED_LIST)
        return read_vector(column, field, &details);
    column->width = is_texts(type) ? column->text_width : type == QUERN_ARROW_UTF8_VIEW ? 16 : 0;
    return is_texts(type) || type == QUERN_ARROW_BOOL || type == QUERN_ARROW_UTF8_VIEW;
}

static enum quern_cell_kind kind_of(const struct quern_arrow_column *column)
{
    switch ((int)column->type) {
    case QUERN_ARROW_BOOL: return QUERN_CELL_BOOLEAN;
    case QUERN_ARROW_INT: return column->is_signed ? QUERN_CELL_INTEGER : QUERN_CELL_UNSIGNED;
    case QUERN_ARROW_FLOAT: return column->width == sizeof(float) ? QUERN_CELL_SINGLE : QUERN_CELL_DOUBLE;
    case QUERN_ARROW_FIXED_LIST: return QUERN_CELL_VECTOR;
    default: return QUERN_CELL_TEXT;
    }
}

static int read_fields(const struct quern_flat_vector *fields, const char *path, struct quern_file_column *columns,
                       struct quern_arrow_column *readable, quern_error *error)
{
    struct walk walk = {.nodes = 0};
    for (size_t i = 0; i < fields->count; i++) {
        const struct quern_flat_table field = quern_flat_item(fields, i);
        const quern_text name = quern_flat_string(&field, QUERN_ARROW_FIELD_NAME);
        columns[i].name = strndup(name.data != NULL ? name.data : "", name.length);
        if (columns[i].name == NULL)
            return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the columns of %s", path);
        readable[i] = (struct quern_arrow_column){.node = walk.nodes, .buffer = walk.buffers,
                                                  .views_before = walk.views};
        if (!pass_field(&walk, &field, 0))
            return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s: the type of column %zu is not known: write the file "
                                   "with other types, or as JSON lines", path, i + 1);
        const int64_t type = quern_flat_number(&field, QUERN_ARROW_FIELD_KIND, 1, 0);
        if (!read_field(&readable[i], &field))
            columns[i].unreadable = readable[i].has_dictionary ? "a dictionary of no texts" : types[type].name;
        columns[i].kind = kind_of(&readable[i]);
    }
    return QUERN_OK;
}

int quern_arrow_schema_read(const struct quern_flat_table *schema, const char *path, struct quern_file_column **columns,
                            struct quern_arrow_column **readable, int *count, quern_error *error)
{
    const struct quern_flat_vector fields = quern_flat_vector(schema, QUERN_ARROW_SCHEMA_FIELDS, 4);
    if (quern_flat_number(schema, QUERN_ARROW_SCHEMA_ENDIANNESS, 2, 0) != 0)
        return quern_jobs_fail(error, QUERN_EUNSUPPORTED, "%s has its numbers in big-endian order: write it on another "
                               "machine", path);
    if (fields.count == 0 || fields.count > QUERN_FILE_COLUMNS_MOST)
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s has %zu columns, and 1 to %d are read", path, fields.count,
                               QUERN_FILE_COLUMNS_MOST);
    *columns = calloc(fields.count, sizeof **columns);
    *readable = calloc(fields.count, sizeof **readable);
    if (*columns == NULL || *readable == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the columns of %s", path);
    *count = (int)fields.count;
    return read_fields(&fields, path, *columns, *readable, error);
}
