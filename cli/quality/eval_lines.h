/* Lines of text files, and what they hold: JSON objects, fields, numbers. */
#ifndef QUERN_EVAL_LINES_H
#define QUERN_EVAL_LINES_H

#include "cli.h"

#include <jansson.h>

/* The lines of a file, which may be gzip-compressed. */
struct quern_eval_lines {
    char *path;
    void *stream; /* gzFile */
    char *line;   /* the current one, terminated, without its newline; [capacity] */
    size_t length, capacity;
    size_t number; /* of the current line, from 1; 0 before the first */
    size_t given;  /* lines that were not empty, the current one included */
};

/* Opens path or, if there is none, path.gz; if there is neither and optional is set, leaves stream NULL. */
int quern_eval_lines_open(struct quern_eval_lines *lines, const char *path, bool optional);

/* Reads the next line that is not empty. Returns 1 when there is one, 0 at the end, -1 after a message. */
int quern_eval_lines_next(struct quern_eval_lines *lines);
void quern_eval_lines_close(struct quern_eval_lines *lines);

/* Says what is wrong with the current line. Returns QUERN_CLI_FAILED. */
int quern_eval_lines_fail(const struct quern_eval_lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns the current line as a JSON object, which the caller frees with json_decref; NULL after a message. */
json_t *quern_eval_lines_object(const struct quern_eval_lines *lines);

/* Splits the current line at tabs, or with `spaces` at white space. Writes at most count fields; returns how many there
 * are. */
size_t quern_eval_lines_split(struct quern_eval_lines *lines, bool spaces, char **fields, size_t count);

/* The value of the first key of a NULL-terminated list that the object has, or NULL. */
const json_t *quern_eval_value(const json_t *object, const char *const *keys);

/* Returns a copy of a value as a string, which the caller frees. An integer becomes its digits. NULL: it is something
 * else, or there is no memory. */
char *quern_eval_string(const json_t *value);

/* Whether all of text is a finite number. */
bool quern_eval_number(const char *text, double *number);

/* Whether the current line is a header: the first one, with a word in place of the number that its last field, which
 * is given, would be. */
bool quern_eval_is_header(const struct quern_eval_lines *lines, const char *field);

#endif
