/* Reads JSON files of bounded size. Every error message names the file. */
#ifndef QUERN_CONVERT_JSON_FILE_H
#define QUERN_CONVERT_JSON_FILE_H

#include "quern.h"

#include <jansson.h>
#include <stdbool.h>

struct quern_json {
    char *path;   /* for messages */
    json_t *root; /* an object, or an array if that was asked for; NULL: the file is not there */
};

/* Reads a file of at most this many bytes. type: JSON_OBJECT or JSON_ARRAY. optional: a missing file is not an error.
 * An object that has a key twice is refused. */
int quern_json_open(struct quern_json *json, const char *folder, const char *name, json_type type, size_t most,
                    bool optional, quern_error *error);

/* The same for bytes in memory. path: their name in messages. */
int quern_json_parse(struct quern_json *json, const void *data, size_t size, const char *path, json_type type,
                     quern_error *error);
void quern_json_close(struct quern_json *json); /* a zeroed one is allowed */

/* Read members of an object by their keys. A member that is absent or null leaves *value as it is. Another type, or a
 * number outside [low, high], is QUERN_EFORMAT. */
int quern_json_get_integer(const struct quern_json *json, const json_t *object, const char *key, int low, int high,
                       int *value, quern_error *error);
int quern_json_get_number(const struct quern_json *json, const json_t *object, const char *key, double low, double high,
                      double *value, quern_error *error);
int quern_json_get_bool(const struct quern_json *json, const json_t *object, const char *key, bool *value,
                    quern_error *error);
int quern_json_get_object(const struct quern_json *json, const json_t *object, const char *key, const json_t **value,
                          quern_error *error);
int quern_json_get_string(const struct quern_json *json, const json_t *object, const char *key, quern_text *value,
                      quern_error *error);

/* Makes "FOLDER/NAME", which the caller frees. NULL: no memory, and error says so. */
char *quern_path_join(const char *folder, const char *name, quern_error *error);

/* Whether something stands at a path, and be it a link that leads nowhere: then the file is not missing, but lost. */
bool quern_path_exists(const char *path);

#endif
