#include "parquet_schema.h"

#include "jobs_error.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 32, NONE = -1 };

/* An element of the schema. */
struct element {
    int64_t type, bytes, repetition, children, converted, logical; /* NONE: not said */
    bool is_unsigned;
    quern_text name;
};

static void read_logical(struct quern_thrift_reader *thrift, struct element *element)
{
    struct quern_thrift_fields fields = {.field = 0}, inner = {.field = 0};
    while (quern_thrift_next(thrift, &fields)) {
        element->logical = fields.field;
        if (fields.field != QUERN_PARQUET_LOGICAL_INTEGER || !quern_thrift_is_struct(thrift, &fields)) {
            if (fields.field != QUERN_PARQUET_LOGICAL_INTEGER)
                quern_thrift_skip(thrift, &fields);
            continue;
        }
        while (quern_thrift_next(thrift, &inner))
            if (inner.field == QUERN_PARQUET_INTEGER_SIGNED)
                element->is_unsigned = !quern_thrift_bool(thrift, &inner);
            else
                quern_thrift_skip(thrift, &inner);
    }
}

static struct element read_element(struct quern_thrift_reader *thrift)
{
    struct element element = {NONE, 0, QUERN_PARQUET_REQUIRED, 0, NONE, NONE, false, {"", 0}};
    struct quern_thrift_fields fields = {.field = 0};
    while (quern_thrift_next(thrift, &fields))
        switch (fields.field) {
        case QUERN_PARQUET_ELEMENT_TYPE: element.type = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_ELEMENT_BYTES: element.bytes = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_ELEMENT_REPETITION: element.repetition = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_ELEMENT_NAME: element.name = quern_thrift_text(thrift, &fields); break;
        case QUERN_PARQUET_ELEMENT_CHILDREN: element.children = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_ELEMENT_CONVERTED: element.converted = quern_thrift_integer(thrift, &fields); break;
        case QUERN_PARQUET_ELEMENT_LOGICAL:
            if (quern_thrift_is_struct(thrift, &fields))
                read_logical(thrift, &element);
            break;
        default: quern_thrift_skip(thrift, &fields);
        }
    if (element.converted >= QUERN_PARQUET_CONVERTED_UINT8 && element.converted <= QUERN_PARQUET_CONVERTED_UINT64)
        element.is_unsigned = true;
    return element;
}

/* Skips the children of an element, and counts those that have values. */
static void pass_children(struct quern_thrift_reader *thrift, int64_t count, size_t *leaves, size_t *left, int depth)
{
    if (depth == MOST_DEPTH)
        thrift->is_damaged = true;
    for (; count > 0 && !thrift->is_damaged; count--) {
        if ((*left)-- == 0) {
            thrift->is_damaged = true;
            return;
        }
        const struct element child = read_element(thrift);
        if (child.children > 0)
            pass_children(thrift, child.children, leaves, left, depth + 1);
        else
            ++*leaves;
    }
}

static bool is_text(const struct element *element)
{
    return element->type == QUERN_PARQUET_BYTES &&
           (element->converted == QUERN_PARQUET_CONVERTED_UTF8 || element->converted == QUERN_PARQUET_CONVERTED_ENUM ||
            element->converted == QUERN_PARQUET_CONVERTED_JSON || element->logical == QUERN_PARQUET_LOGICAL_STRING ||
            element->logical == QUERN_PARQUET_LOGICAL_ENUM || element->logical == QUERN_PARQUET_LOGICAL_JSON);
}

/* Whether whole numbers are just these, and no dates or decimals. */
static bool is_plain_integer(const struct element *element)
{
    const bool converted = element->converted == NONE || (element->converted >= QUERN_PARQUET_CONVERTED_UINT8 &&
                                                          element->converted <= QUERN_PARQUET_CONVERTED_INT64);
    return converted && (element->logical == NONE || element->logical == QUERN_PARQUET_LOGICAL_INTEGER);
}

/* Describes a column of values. Returns what it holds that is not read; NULL: it is read. */
static const char *describe(struct quern_parquet_column *column, const struct element *element)
{
    const bool is_wide = element->type == QUERN_PARQUET_INT64 || element->type == QUERN_PARQUET_DOUBLE;
    column->type = (enum quern_parquet_type)element->type;
    column->is_optional = element->repetition == QUERN_PARQUET_OPTIONAL;
    column->width = is_wide ? 8 : 4;
    if (element->repetition != QUERN_PARQUET_REQUIRED && !column->is_optional)
        return "lists";
    switch (element->type) {
    case QUERN_PARQUET_BOOLEAN:
        column->kind = QUERN_CELL_BOOLEAN;
        column->width = 0;
        return NULL;
    case QUERN_PARQUET_INT32:
    case QUERN_PARQUET_INT64:
        column->kind = element->is_unsigned ? QUERN_CELL_UNSIGNED : QUERN_CELL_INTEGER;
        return is_plain_integer(element) ? NULL : "dates, times or decimal numbers";
    case QUERN_PARQUET_FLOAT: column->kind = QUERN_CELL_SINGLE; return NULL;
    case QUERN_PARQUET_DOUBLE: column->kind = QUERN_CELL_DOUBLE; return NULL;
    case QUERN_PARQUET_BYTES:
        column->kind = QUERN_CELL_TEXT;
        column->width = 0;
        return is_text(element) ? NULL : "bytes";
    default: return "bytes or times";
    }
}

/* Describes a list whose numbers are all there. Returns false when it is none that is read. */
static bool describe_list(struct quern_parquet_column *column, const struct element *number)
{
    const bool is_half = number->type == QUERN_PARQUET_FIXED_BYTES && number->bytes == 2;
    const bool is_byte = number->type == QUERN_PARQUET_INT32 &&
                         (number->converted == QUERN_PARQUET_CONVERTED_INT8 ||
                          number->converted == QUERN_PARQUET_CONVERTED_UINT8);
    column->type = (enum quern_parquet_type)number->type;
    column->kind = QUERN_CELL_VECTOR;
    column->width = is_half ? 2 : 4;
    column->kept = is_byte ? 1 : column->width;
    column->is_list = true;
    return number->children == 0 && number->repetition == QUERN_PARQUET_REQUIRED &&
           (is_half || is_byte || number->type == QUERN_PARQUET_FLOAT);
}

/* Reads the element of a column with those in it. */
static const char *read_column(struct quern_thrift_reader *thrift, const struct element *element,
                               struct quern_parquet_column *column, size_t *leaves, size_t *left)
{
    if (element->children <= 0) {
        ++*leaves;
        return describe(column, element);
    }
    struct quern_thrift_reader ahead = *thrift;
    const struct element list = read_element(&ahead), number = read_element(&ahead);
    const bool is_list = element->children == 1 && element->repetition == QUERN_PARQUET_REQUIRED &&
                         element->converted == QUERN_PARQUET_CONVERTED_LIST && list.children == 1 &&
                         list.repetition == QUERN_PARQUET_REPEATED && !ahead.is_damaged;
    pass_children(thrift, element->children, leaves, left, 0);
    return is_list && describe_list(column, &number) ? NULL : "lists or structures";
}

static int read_schema(struct quern_parquet_metadata *metadata, struct quern_thrift_reader *thrift, size_t left,
                       const char *path, quern_error *error)
{
    const struct element root = read_element(thrift);
    size_t leaves = 0;
    if (metadata->columns != NULL || left == 0 || root.children < 1 || root.children > QUERN_FILE_COLUMNS_MOST)
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s has no columns, or more than %d", path,
                               QUERN_FILE_COLUMNS_MOST);
    left--;
    metadata->columns = calloc((size_t)root.children, sizeof *metadata->columns);
    metadata->readable = calloc((size_t)root.children, sizeof *metadata->readable);
    if (metadata->columns == NULL || metadata->readable == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the columns of %s", path);
    for (; metadata->count < root.children && left > 0 && !thrift->is_damaged; metadata->count++) {
        struct quern_file_column *column = &metadata->columns[metadata->count];
        const struct element element = read_element(thrift);
        left--;
        metadata->readable[metadata->count].leaf = leaves;
        column->name = strndup(element.name.data != NULL ? element.name.data : "", element.name.length);
        column->unreadable = read_column(thrift, &element, &metadata->readable[metadata->count], &leaves, &left);
        column->kind = metadata->readable[metadata->count].kind;
        if (column->name == NULL)
            return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the columns of %s", path);
    }
    if (left > 0 || metadata->count < root.children)
        thrift->is_damaged = true;
    return QUERN_OK;
}

int quern_parquet_metadata_read(struct quern_parquet_metadata *metadata, const unsigned char *data, size_t length,
                                const char *path, quern_error *error)
{
    struct quern_thrift_reader thrift = {.data = data, .length = length};
    struct quern_thrift_fields fields = {.field = 0};
    int code = QUERN_OK;
    *metadata = (struct quern_parquet_metadata){.count = 0};
    while (code == QUERN_OK && quern_thrift_next(&thrift, &fields)) {
        if (fields.field == QUERN_PARQUET_FILE_SCHEMA) {
            const size_t elements = quern_thrift_list(&thrift, &fields);
            code = read_schema(metadata, &thrift, elements, path, error);
        } else if (fields.field == QUERN_PARQUET_FILE_GROUPS) {
            metadata->group_count = quern_thrift_list(&thrift, &fields);
            metadata->groups = thrift;
            for (size_t i = 0; i < metadata->group_count && !thrift.is_damaged; i++)
                quern_thrift_skip_struct(&thrift);
        } else {
            quern_thrift_skip(&thrift, &fields);
        }
    }
    if (code == QUERN_OK && (thrift.is_damaged || metadata->columns == NULL))
        code = quern_jobs_fail(error, QUERN_EFORMAT, "%s is damaged: its metadata cannot be read", path);
    return code;
}
