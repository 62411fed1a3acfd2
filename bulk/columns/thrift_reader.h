/* Reads the compact protocol of Thrift (see thrift_writer.h) that is not trusted. After the first fault everything
 * reads as nothing, and structures and lists end. */
#ifndef QUERN_BULK_THRIFT_READER_H
#define QUERN_BULK_THRIFT_READER_H

#include "thrift_writer.h"

struct quern_thrift_reader {
    const unsigned char *data; /* [length] */
    size_t length, at;
    bool is_damaged;
};

/* The fields of a structure. Begin with zeros. */
struct quern_thrift_fields {
    int field;                   /* the number of the one at hand */
    enum quern_thrift_type type; /* its type; the value must be read or skipped */
};

/* Goes to the next field. Returns false at the end of the structure. */
bool quern_thrift_next(struct quern_thrift_reader *reader, struct quern_thrift_fields *fields);

/* The value of the field at hand. One of another type than is asked for is skipped, and reads as 0 or no text. */
int64_t quern_thrift_integer(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields);
bool quern_thrift_bool(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields);
quern_text quern_thrift_text(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields);

/* Begins a structure, or a list of structures, that is the field at hand. The number of items is at most that of
 * the bytes that are left. False, or 0 items: it is of another type, and is skipped. */
bool quern_thrift_is_struct(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields);
size_t quern_thrift_list(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields);

/* Skips the value of the field at hand, or an item of a list that is a structure. */
void quern_thrift_skip(struct quern_thrift_reader *reader, const struct quern_thrift_fields *fields);
void quern_thrift_skip_struct(struct quern_thrift_reader *reader);

#endif
