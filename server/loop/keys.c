#include "keys.h"

#include "steps/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_KEYS_BYTES 1048576 /* of a file */
#define SEPARATORS " \t\r\n"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static int add(struct quern_keys *keys, const char *key, const char *source, quern_error *error)
{
    const size_t length = strlen(key);
    if (length >= QUERN_KEY_BYTES)
        return quern_server_fail(error, QUERN_EINVAL, "%s: a key must have at most 255 bytes", source);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)key[i] <= ' ' || (unsigned char)key[i] > '~')
            return quern_server_fail(error, QUERN_EINVAL, "%s: a key has a character that headers cannot have", source);
    void *grown = realloc(keys->keys, (keys->count + 1) * sizeof *keys->keys);
    if (grown == NULL)
        return quern_server_fail(error, QUERN_ENOMEM, "%s: there is no memory for the keys", source);
    keys->keys = grown;
    memset(keys->keys[keys->count], 0, QUERN_KEY_BYTES);
    memcpy(keys->keys[keys->count++], key, length);
    return QUERN_OK;
}

/* Opens a file of keys. It is read in the loop on SIGHUP, so it is one that has an end and that nobody waits for. NULL:
 * *error says why not. */
static FILE *open_file(const char *path, quern_error *error)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status = {0};
    FILE *file = descriptor >= 0 && fstat(descriptor, &status) == 0 ? fdopen(descriptor, "r") : NULL;
    const char *reason = file == NULL                       ? strerror(errno)
                         : S_ISDIR(status.st_mode)          ? "it is a folder; name a file in it"
                         : !S_ISREG(status.st_mode)         ? "it is not a regular file, which can be read again"
                         : status.st_size > MOST_KEYS_BYTES ? "it has more than 1048576 bytes"
                                                            : NULL;
    if (reason == NULL)
        return file;
    quern_server_fail(error, QUERN_EIO, "cannot read the keys of %s: %s", path, reason);
    if (file != NULL)
        fclose(file);
    else if (descriptor >= 0)
        close(descriptor);
    return NULL;
}

static int add_file(struct quern_keys *keys, const char *path, quern_error *error)
{
    char *line = NULL, *rest;
    size_t capacity = 0;
    int code = QUERN_OK;
    FILE *file = open_file(path, error);
    if (file == NULL)
        return QUERN_EIO;
    for (ssize_t length; code == QUERN_OK && (length = getline(&line, &capacity, file)) >= 0;) {
        char *start = strncmp(line, BYTE_ORDER_MARK, 3) == 0 ? line + 3 : line;
        if (memchr(line, '\0', (size_t)length) != NULL) {
            code = quern_server_fail(error, QUERN_EINVAL, "%s is no text: a line has a NUL byte; "
                                     "write it as UTF-8", path);
            break;
        }
        const char *key = strtok_r(start, SEPARATORS, &rest);
        if (key == NULL || key[0] == '#')
            continue;
        code = strtok_r(NULL, SEPARATORS, &rest) == NULL
                   ? add(keys, key, path, error)
                   : quern_server_fail(error, QUERN_EINVAL, "%s: a line has more than one key", path);
    }
    if (code == QUERN_OK && ferror(file))
        code = quern_server_fail(error, QUERN_EIO, "cannot read the keys of %s: %s", path, strerror(errno));
    free(line);
    fclose(file);
    return code;
}

static int add_environment(struct quern_keys *keys, quern_error *error)
{
    const char *value = getenv("QUERN_API_KEY");
    const size_t before = keys->count;
    char *copy = strdup(value != NULL ? value : ""), *rest;
    int code = copy != NULL ? QUERN_OK : quern_server_fail(error, QUERN_ENOMEM, "there is no memory for the keys");
    for (char *key = copy != NULL ? strtok_r(copy, "," SEPARATORS, &rest) : NULL; code == QUERN_OK && key != NULL;
         key = strtok_r(NULL, "," SEPARATORS, &rest))
        code = add(keys, key, "QUERN_API_KEY", error);
    if (code == QUERN_OK && keys->count == before && copy[0] != '\0')
        code = quern_server_fail(error, QUERN_EINVAL, "QUERN_API_KEY has no keys");
    free(copy);
    return code;
}

int quern_keys_load(struct quern_keys *keys, const char *path, quern_error *error)
{
    struct quern_keys fresh = {0};
    int code = path != NULL ? add_file(&fresh, path, error) : QUERN_OK;
    if (code == QUERN_OK)
        code = add_environment(&fresh, error);
    if (code == QUERN_OK && path != NULL && fresh.count == 0)
        code = quern_server_fail(error, QUERN_EINVAL, "%s has no keys", path);
    if (code != QUERN_OK) {
        quern_keys_free(&fresh);
        return code;
    }
    quern_keys_free(keys);
    *keys = fresh;
    return QUERN_OK;
}

void quern_keys_free(struct quern_keys *keys)
{
    if (keys->keys != NULL)
        explicit_bzero(keys->keys, keys->count * sizeof *keys->keys);
    free(keys->keys);
    *keys = (struct quern_keys){0};
}

bool quern_keys_have(const struct quern_keys *keys, const char *key)
{
    char padded[QUERN_KEY_BYTES] = {0};
    const size_t length = key != NULL ? strlen(key) : 0;
    bool found = false;
    if (length == 0 || length >= QUERN_KEY_BYTES)
        return false;
    memcpy(padded, key, length);
    for (size_t k = 0; k < keys->count; k++) {
        volatile unsigned char difference = 0; /* all bytes are compared, so that time tells nothing */
        for (size_t i = 0; i < QUERN_KEY_BYTES; i++)
            difference |= (unsigned char)(padded[i] ^ keys->keys[k][i]);
        found |= difference == 0;
    }
    return found;
}
