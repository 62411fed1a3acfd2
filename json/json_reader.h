/* Reads JSON that lies whole in memory, in slices, and keeps only what somebody will look at.
 *
 * Texts stay where they are: escapes are replaced in place, as the result is never longer, and a NUL takes the place of
 * the closing quote. So a text takes no further memory. Members of objects are kept if their name is on the caller's
 * list; everything else is checked and skipped. What is kept takes 24 bytes a value, in blocks that the caller allows
 * one by one.
 *
 * What the standard (RFC 8259) leaves open: of members with the same name the last one counts. Half a surrogate pair
 * becomes U+FFFD. Numbers may have any size. A byte order mark at the beginning is skipped. */
#ifndef QUERN_JSON_READER_H
#define QUERN_JSON_READER_H

#include "json_value.h"

#define QUERN_JSON_DEPTH 64         /* of nested arrays and objects at most */
#define QUERN_JSON_VALUES (1 << 20) /* that are kept at most */

struct quern_json_options {
    const char *const *names; /* of the members to keep; NULL at the end */
    bool replaces;            /* a byte that is not UTF-8 becomes U+FFFD; else it is a fault */
    bool (*hold)(void *owner, size_t bytes); /* whether so many bytes more may be taken; NULL: always */
    void *owner;
};

enum quern_json_fault {
    QUERN_JSON_GOOD,
    QUERN_JSON_WRONG,  /* it is not JSON */
    QUERN_JSON_BYTES,  /* a text is not UTF-8 */
    QUERN_JSON_LIMIT,  /* QUERN_JSON_DEPTH or QUERN_JSON_VALUES */
    QUERN_JSON_MEMORY  /* none was allowed, or there is none */
};

/* An array or object that is being read. */
struct quern_json_level {
    bool is_object;
    struct quern_value *value;  /* NULL: it is skipped */
    struct quern_value **end;   /* where its next child is linked */
    struct quern_value **place; /* where the value that is being read is linked; NULL: it is skipped */
    const char *name;           /* of the member that is being read, from the list; NULL: it is not there */
    size_t item;                /* number of the item that is being read */
};

struct quern_json_reader {
    struct quern_json_options options;
    char *data;
    size_t length, at;
    size_t limit;            /* where the slice ends */
    size_t line, line_start; /* lines before this one, and where this one begins */
    int state, number_state;
    struct quern_value *root;
    struct quern_json_level levels[QUERN_JSON_DEPTH + 1]; /* the first one holds the root */
    int depth;
    size_t values;           /* that are kept */
    char *text;              /* the text that is being read */
    size_t text_length, text_start;
    size_t text_bad;         /* its bytes that are not UTF-8 */
    size_t text_end, replaced_end; /* while these are replaced: the end of the text with its escapes, and without */
    bool text_is_name;
    int64_t integer;         /* the number that is being read, negative; 1: it does not fit */
    bool is_negative, is_whole;
    size_t number_start;
    struct quern_json_block *blocks; /* the memory of all values */
    size_t block_bytes;      /* theirs, as options.hold was told */

    enum quern_json_fault fault;
    const char *problem;     /* in words; static */
    size_t problem_at;       /* offset */
};

/* Begins to read data[length], which is changed, and must live as long as the values. */
void quern_json_reader_begin(struct quern_json_reader *reader, const struct quern_json_options *options, char *data,
                             size_t length);

/* Reads on, about so many bytes. 0: there is more to read; 1: reader->root is the whole value; -1: reader->fault. */
int quern_json_reader_go_on(struct quern_json_reader *reader, size_t slice);

/* Begins, and reads all of it, for callers that have no other work. Returns the value, or NULL: reader->fault. In both
 * cases the reader is to be freed. */
const struct quern_value *quern_json_read_whole(struct quern_json_reader *reader, const char *const *names, char *data,
                                                size_t length);

/* Where a fault is: its line and column (in bytes), both from 1, and the field and item that it is in. *field: a name
 * of the list; NULL: none. *item: from 0; SIZE_MAX: the field's value is no array. */
void quern_json_reader_locate(const struct quern_json_reader *reader, size_t *line, size_t *column, const char **field,
                              size_t *item);

/* Frees the values. A reader of zeros is good, too. */
void quern_json_reader_free(struct quern_json_reader *reader);

/* Frees blocks until it has freed so many bytes, which it returns, or all. *blocks: those that are left; NULL: none. */
size_t quern_json_blocks_free(struct quern_json_block **blocks, size_t most);

#endif
