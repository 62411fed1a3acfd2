/* JSON files of bounded size. Every failure names the file. */
#ifndef QUERN_CONVERT_JSON_FILE_H
#define QUERN_CONVERT_JSON_FILE_H

#include "quern.h"

#include <jansson.h>
#include <stdbool.h>

struct quern_json {
    char *path;   /* for messages */
    json_t *root; /* an object, or an array if that was asked for; NULL: the file is not there */
};

/* Reads a file of at most this many bytes. type: JSON_OBJECT or JSON_ARRAY. optional: a missing file is no failure.
 * Objects with a key twice are refused. */
int quern_json_open(struct quern_json *json, const char *folder, const char *name, json_type type, size_t most,
                    bool optional, quern_error *error);

/* The same for bytes; path is what messages call them. */
int quern_json_parse(struct quern_json *json, const void *data, size_t size, const char *path, json_type type,
                     quern_error *error);
void quern_json_close(struct quern_json *json); /* a zeroed one is allowed */

/* Members of an object, by key. Absent or null leaves *value as it is; another type, or a number outside [low,
 * high], is QUERN_EFORMAT. */
int quern_json_get_integer(const struct quern_json *json, const json_t *object, const char *key, int low, int high,
                       int *value, quern_error *error);
int quern_json_get_number(const struct quern_json *json, const json_t *object, const char *key, double low, double high,
                      double *value, quern_error *error);
int quern_json_get_bool(const struct quern_json *json, const json_t *object, const char *key, bool *value,
                    quern_error *error);
int quern_json_get_string(const struct quern_json *json, const json_t *object, const char *key, quern_text *value,
                      quern_error *error);

/* "FOLDER/NAME", to be freed; NULL with QUERN_ENOMEM in error. */
char *quern_path_join(const char *folder, const char *name, quern_error *error);

#endif
