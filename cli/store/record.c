#include "store.h"

#include "json_text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_RECORD 65536 /* bytes of a record */

/* Copies a string, unless it is missing. False when it does not fit or is not a string. */
static bool take_string(char *out, size_t size, const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    if (value == NULL)
        return true;
    if (!json_is_string(value) || json_string_length(value) >= size)
        return false;
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return strlen(out) == json_string_length(value);
}

static bool take_number(int64_t *out, const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= 0;
}

bool quern_cli_record_parse(struct quern_cli_record *record, const char *text, size_t length)
{
    int64_t size;
    char digest[QUERN_CLI_DIGEST] = "";
    *record = (struct quern_cli_record){0};
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    bool good = take_string(record->origin, sizeof record->origin, root, "origin") &&
                take_string(record->etag, sizeof record->etag, root, "etag") &&
                take_string(digest, sizeof digest, root, "sha256") &&
                quern_cli_digest_read(record->sha256, digest, strlen(digest)) && take_number(&size, root, "size") &&
                take_number(&record->modified_ns, root, "modified_ns");
    if (good)
        record->size = (uint64_t)size;
    json_decref(root);
    return good;
}

bool quern_cli_record_read(struct quern_cli_record *record, const char *path)
{
    const int descriptor = quern_cli_open_own(path, O_RDONLY);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "r") : NULL;
    char *text = file != NULL ? malloc(LONGEST_RECORD) : NULL;
    bool good = false;
    if (text != NULL) {
        size_t length = fread(text, 1, LONGEST_RECORD, file);
        good = length < LONGEST_RECORD && quern_cli_record_parse(record, text, length);
    }
    free(text);
    if (file != NULL)
        fclose(file);
    return good;
}

static bool write_record(const struct quern_cli_record *record, const char *path)
{
    const int descriptor = quern_cli_open_own(path, O_WRONLY | O_CREAT | O_TRUNC);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    if (file == NULL)
        return false;
    putc('{', file);
    quern_json_put_member(file, "origin", record->origin);
    quern_json_put_member(file, ", sha256", record->sha256);
    quern_json_put_member(file, ", etag", record->etag);
    fprintf(file, ", \"size\": %llu, \"modified_ns\": %lld}\n", (unsigned long long)record->size,
            (long long)record->modified_ns);
    bool written = !ferror(file);
    return fclose(file) == 0 && written;
}

int quern_cli_record_write(const struct quern_cli_record *record, const char *path)
{
    if (write_record(record, path))
        return QUERN_CLI_DONE;
    quern_cli_say("cannot write to %s: %s", path, quern_cli_own_reason());
    return QUERN_CLI_FAILED;
}

int64_t quern_cli_modified_ns(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

/* Computes the record of an open file. */
static bool compute(struct quern_cli_record *record, int descriptor)
{
    struct stat status;
    SHA2_CTX digest;
    *record = (struct quern_cli_record){0};
    if (fstat(descriptor, &status) != 0)
        return false;
    SHA256Init(&digest);
    if (!quern_cli_digest_file(&digest, descriptor, &record->size, (uint64_t)status.st_size))
        return false;
    quern_cli_digest_end(&digest, record->sha256);
    record->modified_ns = quern_cli_modified_ns(&status);
    return true;
}

int quern_cli_record_of(struct quern_cli_record *record, const char *path, bool wants_digest)
{
    char beside[QUERN_CLI_PATH + 8];
    struct stat status;
    snprintf(beside, sizeof beside, "%s.json", path);
    bool exists = stat(path, &status) == 0;
    if (exists && !S_ISREG(status.st_mode)) {
        quern_cli_say("%s is not a regular file", path);
        return QUERN_CLI_FAILED;
    }
    if (exists && quern_cli_record_read(record, beside) && record->size == (uint64_t)status.st_size &&
        record->modified_ns == quern_cli_modified_ns(&status))
        return QUERN_CLI_DONE;
    if (!wants_digest && exists && access(path, R_OK) == 0) {
        *record = (struct quern_cli_record){.size = (uint64_t)status.st_size};
        return QUERN_CLI_DONE;
    }
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    bool computed = descriptor >= 0 && compute(record, descriptor);
    if (!computed)
        quern_cli_say("cannot read %s: %s", path, strerror(errno));
    else
        write_record(record, beside);
    if (descriptor >= 0)
        close(descriptor);
    return computed ? QUERN_CLI_DONE : QUERN_CLI_FAILED;
}
