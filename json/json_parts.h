/* The parts of a reader: json_keep.c keeps what is read, json_read_text.c reads texts, json_reader.c all else. A
 * function that returns bool returns false when the reader has failed. */
#ifndef QUERN_JSON_PARTS_H
#define QUERN_JSON_PARTS_H

#include "json_reader.h"

/* What the reader stands at. */
enum quern_json_state {
    QUERN_JSON_AT_VALUE,      /* a value must follow */
    QUERN_JSON_AT_FIRST_ITEM, /* a value, or the end of an empty array */
    QUERN_JSON_AT_NAME,       /* a name must follow */
    QUERN_JSON_AT_FIRST_NAME, /* a name, or the end of an empty object */
    QUERN_JSON_AT_COLON,
    QUERN_JSON_AT_AFTER,      /* behind a value: a comma, or the end of what it stands in */
    QUERN_JSON_AT_TEXT,
    QUERN_JSON_AT_REPLACING,  /* a text that was read is copied, with U+FFFD for each byte that is not UTF-8 */
    QUERN_JSON_AT_NUMBER
};

/* Notes a fault, at the reader's place or another. Returns false, for the caller to return. */
bool quern_json_fail_at(struct quern_json_reader *reader, enum quern_json_fault fault, size_t at, const char *problem);
bool quern_json_fail(struct quern_json_reader *reader, const char *problem);

/* Takes memory that lives as long as the values. NULL: there is none, and the reader has failed. */
void *quern_json_take(struct quern_json_reader *reader, size_t size);

/* The innermost array or object. */
struct quern_json_level *quern_json_top(struct quern_json_reader *reader);

/* Keeps a value where the innermost array or object wants it. *kept: NULL if it is skipped. */
bool quern_json_keep(struct quern_json_reader *reader, struct quern_value value, struct quern_value **kept);

/* Finds the name of a member that begins, and sets where its value goes. */
bool quern_json_begin_member(struct quern_json_reader *reader, quern_text name);

/* Begins a text at its quote. The others read on in it, up to the end of the slice. */
bool quern_json_begin_text(struct quern_json_reader *reader, bool is_name);
bool quern_json_read_text(struct quern_json_reader *reader);
bool quern_json_read_replaced(struct quern_json_reader *reader);

#endif
