#include "json_file.h"

#include "base/error.h"
#include "base/file_kind.h"
#include "base/map.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

char *quern_path_join(const char *folder, const char *name, quern_error *error)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        quern_fail(error, QUERN_ENOMEM, "no memory for the path of %s", name);
        return NULL;
    }
    return path;
}

bool quern_path_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 || errno != ENOENT;
}

int quern_json_parse(struct quern_json *json, const void *data, size_t size, const char *path, json_type type,
                     quern_error *error)
{
    json_error_t where;
    *json = (struct quern_json){.path = strdup(path)};
    if (json->path == NULL)
        return quern_fail(error, QUERN_ENOMEM, "no memory to read %s", path);
    json->root = json_loadb(data, size, FLAGS, &where);
    if (json->root == NULL && json_error_code(&where) == json_error_numeric_overflow)
        json->root = json_loadb(data, size, FLAGS | JSON_DECODE_INT_AS_REAL, &where); /* published limits may be 1e30 */
    int code = QUERN_OK;
    const bool other = json->root == NULL && size > 0 && *(const char *)data != '{';
    const char *kind = other ? quern_file_kind(data, size) : NULL;
    if (kind != NULL)
        code = quern_fail(error, QUERN_EFORMAT, "%s is not JSON, but %s", path, kind);
    else if (json->root == NULL)
        code = quern_fail(error, QUERN_EFORMAT, "%s, line %d: %s", path, where.line, where.text);
    else if (json_typeof(json->root) != type)
        code = quern_fail(error, QUERN_EFORMAT, "%s is not a JSON %s", path, type == JSON_OBJECT ? "object" : "array");
    if (code != QUERN_OK)
        quern_json_close(json);
    return code;
}

int quern_json_open(struct quern_json *json, const char *folder, const char *name, json_type type, size_t most,
                    bool optional, quern_error *error)
{
    struct quern_map map = {.slot = -1};
    *json = (struct quern_json){0};
    char *path = quern_path_join(folder, name, error);
    if (path == NULL)
        return QUERN_ENOMEM;
    int code = QUERN_OK;
    if (optional && !quern_path_exists(path))
        goto out;
    code = quern_map_open(&map, path, error);
    if (code == QUERN_OK && map.size > most)
        code = quern_fail(error, QUERN_EFORMAT, "%s has %zu bytes, more than the %zu allowed", path, map.size, most);
    if (code == QUERN_OK)
        code = quern_json_parse(json, map.data, map.size, path, type, error);
    int lost = quern_map_check(&map, error); /* a lost file causes other errors */
    if (lost != QUERN_OK) {
        code = lost;
        quern_json_close(json);
    }
out:
    quern_map_close(&map);
    free(path);
    return code;
}

void quern_json_close(struct quern_json *json)
{
    json_decref(json->root);
    free(json->path);
    *json = (struct quern_json){0};
}

#define KIND(type) (1u << (type))

/* Finds a member that has one of these kinds, or else is an error: it "is" what is_other says. *found: NULL when it is
 * absent or null. */
static int find(const struct quern_json *json, const json_t *object, const char *key, unsigned kinds,
                const char *is_other, const json_t **found, quern_error *error)
{
    const json_t *value = json_object_get(object, key);
    *found = value == NULL || json_is_null(value) ? NULL : value;
    if (*found == NULL || (KIND(json_typeof(value)) & kinds) != 0)
        return QUERN_OK;
    return quern_fail(error, QUERN_EFORMAT, "%s: %s is %s", json->path, key, is_other);
}

int quern_json_get_integer(const struct quern_json *json, const json_t *object, const char *key, int low, int high,
                       int *value, quern_error *error)
{
    const json_t *found;
    QUERN_TRY(find(json, object, key, KIND(JSON_INTEGER) | KIND(JSON_REAL), "not an integer", &found, error));
    if (found == NULL)
        return QUERN_OK;
    const double number = json_number_value(found);
    if (number != floor(number))
        return quern_fail(error, QUERN_EFORMAT, "%s: %s is not an integer", json->path, key);
    if (number < low || number > high)
        return quern_fail(error, QUERN_EFORMAT, "%s: %s is %.17g, but must be from %d to %d", json->path, key, number,
                          low, high);
    *value = (int)number;
    return QUERN_OK;
}

int quern_json_get_number(const struct quern_json *json, const json_t *object, const char *key, double low, double high,
                      double *value, quern_error *error)
{
    const json_t *found;
    QUERN_TRY(find(json, object, key, KIND(JSON_INTEGER) | KIND(JSON_REAL), "not a number", &found, error));
    if (found == NULL)
        return QUERN_OK;
    const double number = json_number_value(found);
    if (!(number >= low && number <= high))
        return quern_fail(error, QUERN_EFORMAT, "%s: %s is %g, but must be from %g to %g", json->path, key, number, low,
                          high);
    *value = number;
    return QUERN_OK;
}

int quern_json_get_bool(const struct quern_json *json, const json_t *object, const char *key, bool *value,
                    quern_error *error)
{
    const json_t *found;
    QUERN_TRY(find(json, object, key, KIND(JSON_TRUE) | KIND(JSON_FALSE), "neither true nor false", &found, error));
    *value = found != NULL ? json_is_true(found) : *value;
    return QUERN_OK;
}

int quern_json_get_object(const struct quern_json *json, const json_t *object, const char *key, const json_t **value,
                          quern_error *error)
{
    const json_t *found;
    QUERN_TRY(find(json, object, key, KIND(JSON_OBJECT), "not an object", &found, error));
    *value = found != NULL ? found : *value;
    return QUERN_OK;
}

int quern_json_get_string(const struct quern_json *json, const json_t *object, const char *key, quern_text *value,
                      quern_error *error)
{
    const json_t *found;
    QUERN_TRY(find(json, object, key, KIND(JSON_STRING), "not a string", &found, error));
    if (found != NULL)
        *value = (quern_text){json_string_value(found), json_string_length(found)};
    return QUERN_OK;
}
