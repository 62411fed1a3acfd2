#include "manifest.h"

#include "array_count.h"
#include "jobs_error.h"
#include "json_text.h"
#include "parts/safe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANIFEST_VERSION = 1, MOST_PATH = 4096 };

static void path_of(char path[MOST_PATH], const char *folder, const char *name)
{
    snprintf(path, MOST_PATH, "%s/%s", folder, name);
}

/* ---------------------------------------------------------------- digests of inputs */

/* A file of up to WHOLE bytes is read whole; of a larger one, this many samples, which stand at even distances. */
enum { WHOLE = 8 << 20, SAMPLES = 64, SAMPLE = WHOLE / SAMPLES };

static bool add_bytes(SHA2_CTX *context, int descriptor, uint64_t offset, size_t length)
{
    unsigned char buffer[1 << 14];
    while (length > 0) {
        const size_t wanted = length < sizeof buffer ? length : sizeof buffer;
        const ssize_t got = pread(descriptor, buffer, wanted, (off_t)offset);
        if (got <= 0) {
            errno = got == 0 ? 0 : errno; /* 0: the file became shorter */
            return false;
        }
        SHA256Update(context, buffer, (size_t)got);
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return true;
}

/* Writes "whole:..." or "samples:..." to digest. */
static int digest_file(const struct quern_record_file *file, char digest[SHA256_DIGEST_STRING_LENGTH + 16],
                       quern_error *error)
{
    SHA2_CTX context;
    const int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
    bool good = descriptor >= 0;
    SHA256Init(&context);
    if (file->size <= WHOLE)
        good = good && add_bytes(&context, descriptor, 0, (size_t)file->size);
    for (uint64_t i = 0; file->size > WHOLE && i < SAMPLES; i++)
        good = good && add_bytes(&context, descriptor, (file->size - SAMPLE) / (SAMPLES - 1) * i, SAMPLE);
    const int code = good ? QUERN_OK : quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", file->path,
                                                       errno != 0 ? strerror(errno) : "it became shorter");
    if (descriptor >= 0)
        close(descriptor);
    const int length = sprintf(digest, "%s:", file->size <= WHOLE ? "whole" : "samples");
    SHA256End(&context, digest + length);
    return code;
}

/* The path of a file as a JSON string, which must be UTF-8: other bytes are written as \x and two digits. NULL: no
 * memory. */
static json_t *json_of_path(const char *path)
{
    const size_t length = strlen(path);
    char *text = malloc(4 * length + 1);
    size_t used = 0;
    for (size_t i = 0; text != NULL && i < length;) {
        const size_t size = quern_json_character(path + i, length - i);
        if (size == 0) {
            used += (size_t)sprintf(text + used, "\\x%02x", (unsigned char)path[i++]);
            continue;
        }
        memcpy(text + used, path + i, size);
        used += size;
        i += size;
    }
    json_t *string = text != NULL ? json_stringn(text, used) : NULL;
    free(text);
    return string;
}

static int describe_inputs(json_t *list, const struct quern_record_files *files, quern_error *error)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct quern_record_file *file = &files->files[i];
        char digest[SHA256_DIGEST_STRING_LENGTH + 16] = "";
        const quern_text kind = quern_record_kind_name(file->kind);
        if (file->is_regular) { /* of a pipe, nothing may be read twice */
            const int code = digest_file(file, digest, error);
            if (code != QUERN_OK)
                return code;
        }
        json_t *input = json_pack("{s:o, s:s%, s:I, s:I, s:I, s:s}", "path", json_of_path(file->path), "kind",
                                  kind.data, kind.length, "size", (json_int_t)file->size, "mtime_ns",
                                  (json_int_t)file->mtime, "ctime_ns", (json_int_t)file->ctime, "digest", digest);
        if (json_array_append_new(list, input) != 0)
            return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the manifest");
    }
    return QUERN_OK;
}

/* ---------------------------------------------------------------- making */

/* The name of a column; NULL: none is named. *is_odd: set when it is not UTF-8. */
static json_t *json_of_column(const char *name, bool *is_odd)
{
    *is_odd |= name != NULL && !quern_json_is_utf8((quern_text){name, strlen(name)});
    return name != NULL ? json_string(name) : json_null();
}

static int describe_columns(json_t *manifest, const struct quern_record_columns *columns, quern_error *error)
{
    json_t *keep = json_array();
    bool is_odd = false;
    for (int i = 0; i < columns->keep_count; i++)
        json_array_append_new(keep, json_of_column(columns->keep[i], &is_odd));
    json_object_set_new(manifest, "text", json_of_column(columns->text, &is_odd));
    json_object_set_new(manifest, "id", json_of_column(columns->id, &is_odd));
    json_object_set_new(manifest, "title", json_of_column(columns->title, &is_odd));
    json_object_set_new(manifest, "keep", keep);
    if (!is_odd)
        return QUERN_OK;
    return quern_jobs_fail(error, QUERN_EINVAL, "the name of a column is not UTF-8: convert the file, and name the "
                           "column as it is then");
}

static int describe_vectors(json_t *manifest, const struct quern_bulk_job *job, quern_error *error)
{
    const struct quern_bulk_options *options = job->options;
    const quern_embed_options *embed = &options->embed;
    char space[QUERN_SPACE_SIZE];
    quern_model_info model = {.size = sizeof model};
    quern_context_info context = {.size = sizeof context};
    int code = quern_space(job->model, embed, space, error);
    if (code == QUERN_OK)
        code = quern_model_describe(job->model, &model, error);
    if (code == QUERN_OK)
        code = quern_context_describe(job->context, &context, error);
    if (code != QUERN_OK)
        return code;
    json_object_set_new(manifest, "space", json_string(space));
    json_object_set_new(manifest, "model", json_string(model.name));
    json_object_set_new(manifest, "architecture", json_string(model.architecture));
    json_object_set_new(manifest, "task", json_string(quern_task_name((quern_task)embed->task)));
    if (embed->prompt.data != NULL)
        json_object_set_new(manifest, "prompt", json_stringn(embed->prompt.data, embed->prompt.length));
    else
        json_object_set_new(manifest, "prompt", json_string(quern_model_prompt(job->model, (quern_task)embed->task)));
    json_object_set_new(manifest, "dims",
                        json_integer(embed->dimensions > 0 ? embed->dimensions : model.dimensions));
    json_object_set_new(manifest, "dtype", json_string(quern_dtype_name(options->dtype)));
    json_object_set_new(manifest, "path", json_string(context.path));
    json_object_set_new(manifest, "context_length", json_integer(model.context_length));
    json_object_set_new(manifest, "truncate", json_boolean(embed->flags & QUERN_TRUNCATE));
    json_object_set_new(manifest, "parse_special", json_boolean(embed->flags & QUERN_PARSE_SPECIAL));
    return QUERN_OK;
}

int quern_manifest_make(json_t **manifest, const struct quern_bulk_job *job, const struct quern_record_files *files,
                        quern_error *error)
{
    const struct quern_bulk_options *options = job->options;
    json_t *inputs = json_array(), *root = *manifest = json_object();
    json_object_set_new(root, "manifest", json_integer(MANIFEST_VERSION));
    json_object_set_new(root, "quern", json_string(quern_version()));
    int code = describe_vectors(root, job, error);
    json_object_set_new(root, "format", json_string(quern_vector_format_name(options->format)));
    json_object_set_new(root, "chunk_tokens", json_integer((json_int_t)options->chunk.tokens));
    json_object_set_new(root, "chunk_overlap", json_integer((json_int_t)options->chunk.overlap));
    json_object_set_new(root, "chunked", json_boolean(options->is_chunked));
    if (code == QUERN_OK)
        code = describe_columns(root, &options->columns, error);
    json_object_set_new(root, "part_rows", json_integer((json_int_t)options->part_records));
    json_object_set_new(root, "plan", json_string("part K holds the input's rows from K * part_rows on; shard I of N "
                                                  "makes the parts with K mod N = I"));
    if (code == QUERN_OK)
        code = describe_inputs(inputs, files, error);
    json_object_set_new(root, "inputs", inputs);
    if (code == QUERN_OK && json_object_get(root, "inputs") == NULL)
        code = quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the manifest");
    return code;
}

/* ---------------------------------------------------------------- comparing */

/* What a value is, in few words. */
static void show(const json_t *value, char out[64])
{
    char *text = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(out, 64, "%s", text != NULL ? text : "nothing");
    free(text);
}

/* Compares the list of inputs; the time of a file may change if its bytes did not. */
static int compare_inputs(const json_t *there, const json_t *wanted, const char *folder, quern_error *error)
{
    size_t i;
    json_t *now;
    if (json_array_size(there) != json_array_size(wanted))
        return quern_jobs_fail(error, QUERN_EINVAL, "%s was made from %zu files, and now there are %zu: use another "
                               "folder, or --force to begin again", folder, json_array_size(there),
                               json_array_size(wanted));
    json_array_foreach(wanted, i, now)
    {
        static const char *const keys[] = {"path", "kind", "size", "digest"};
        const json_t *then = json_array_get(there, i);
        for (size_t k = 0; k < QUERN_COUNT(keys); k++)
            if (!json_equal(json_object_get(then, keys[k]), json_object_get(now, keys[k])))
                return quern_jobs_fail(error, QUERN_EINVAL, "%s was made from another %s than it is now (its %s has "
                                       "changed): use another folder, or --force to begin again", folder,
                                       json_string_value(json_object_get(now, "path")), keys[k]);
    }
    return QUERN_OK;
}

static int compare(const json_t *there, const json_t *wanted, const char *folder, quern_error *error)
{
    const char *key;
    json_t *value;
    char old[64], new[64];
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        if (strcmp(key, "quern") == 0 || strcmp(key, "inputs") == 0 || json_equal(json_object_get(there, key), value))
            continue;
        show(json_object_get(there, key), old);
        show(value, new);
        return quern_jobs_fail(error, QUERN_EINVAL, "%s was made with %s %s, and this run has %s: use another folder, "
                               "or --force to begin again", folder, key, old, new);
    }
    return compare_inputs(json_object_get(there, "inputs"), json_object_get(wanted, "inputs"), folder, error);
}

/* Whether an input may have other bytes than when the manifest was made, although nothing tells it does. */
static bool is_doubtful(const json_t *there, const json_t *wanted)
{
    const json_t *inputs = json_object_get(there, "inputs"), *now = json_object_get(wanted, "inputs");
    for (size_t i = 0; i < json_array_size(now); i++) {
        const json_t *one = json_array_get(inputs, i), *other = json_array_get(now, i);
        const char *digest = json_string_value(json_object_get(one, "digest"));
        if (digest == NULL || *digest == '\0' || /* it is a pipe */
            !json_equal(json_object_get(one, "mtime_ns"), json_object_get(other, "mtime_ns")) ||
            !json_equal(json_object_get(one, "ctime_ns"), json_object_get(other, "ctime_ns")))
            return true;
    }
    return false;
}

int quern_manifest_read(json_t **manifest, const char *folder, quern_error *error)
{
    char path[MOST_PATH];
    json_error_t problem;
    path_of(path, folder, "manifest.json");
    *manifest = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s%s", path, strerror(errno),
                               errno == ENOENT ? "; no run was made in this folder" : "");
    *manifest = json_loadf(file, 0, &problem);
    fclose(file);
    if (json_is_object(*manifest))
        return QUERN_OK;
    json_decref(*manifest);
    *manifest = NULL;
    return quern_jobs_fail(error, QUERN_EFORMAT, "%s is not what quern wrote there", path);
}

bool quern_manifest_is_there(const char *folder)
{
    char path[MOST_PATH];
    path_of(path, folder, "manifest.json");
    return access(path, F_OK) == 0;
}

int quern_manifest_agree(const char *folder, const json_t *manifest, enum quern_agreement *agreement,
                         quern_error *error)
{
    char path[MOST_PATH];
    struct quern_safe_file file;
    json_t *there;
    bool was_there = false;
    *agreement = QUERN_AGREEMENT_NONE;
    path_of(path, folder, "manifest.json");
    int code = QUERN_OK;
    if (!quern_manifest_is_there(folder)) {
        code = quern_safe_file_open(&file, path, true, error);
        if (code != QUERN_OK) {
            quern_safe_file_discard(&file);
            return code;
        }
        json_dumpf(manifest, file.file, JSON_INDENT(2));
        putc('\n', file.file);
        code = quern_safe_file_finish_first(&file, &was_there, error);
        if (code == QUERN_OK && !was_there)
            *agreement = QUERN_AGREEMENT_NEW;
        if (code != QUERN_OK || !was_there)
            return code;
    }
    code = quern_manifest_read(&there, folder, error);
    if (code == QUERN_OK)
        code = compare(there, manifest, folder, error);
    if (code == QUERN_OK)
        *agreement = is_doubtful(there, manifest) ? QUERN_AGREEMENT_DOUBTFUL : QUERN_AGREEMENT_SAME;
    json_decref(there);
    return code;
}

/* ---------------------------------------------------------------- the end */

int quern_end_write(const char *folder, uint64_t records, uint64_t parts, quern_error *error)
{
    char path[MOST_PATH];
    struct quern_safe_file file;
    path_of(path, folder, "end.json");
    const int code = quern_safe_file_open(&file, path, true, error);
    if (code != QUERN_OK) {
        quern_safe_file_discard(&file);
        return code;
    }
    fprintf(file.file, "{\"records\": %llu, \"parts\": %llu}\n", (unsigned long long)records,
            (unsigned long long)parts);
    return quern_safe_file_finish(&file, error);
}

int quern_end_remove(const char *folder, quern_error *error)
{
    char path[MOST_PATH];
    path_of(path, folder, "end.json");
    return unlink(path) == 0 || errno == ENOENT ? QUERN_OK : quern_jobs_fail(error, QUERN_EIO, "cannot remove %s: %s",
                                                                             path, strerror(errno));
}

int quern_end_read(const char *folder, uint64_t *records, uint64_t *parts, quern_error *error)
{
    char path[MOST_PATH];
    json_error_t problem;
    json_int_t numbers[2];
    path_of(path, folder, "end.json");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? 0 : quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", path, strerror(errno));
    json_t *root = json_loadf(file, 0, &problem);
    fclose(file);
    const bool good = json_unpack(root, "{s:I, s:I}", "records", &numbers[0], "parts", &numbers[1]) == 0;
    json_decref(root);
    if (!good)
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s is not what quern wrote there: remove it", path);
    *records = (uint64_t)numbers[0];
    *parts = (uint64_t)numbers[1];
    return 1;
}
