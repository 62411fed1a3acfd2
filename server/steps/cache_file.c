#include "cache_file.h"

#include "failure.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_IDS 65536 /* of a text */
#define FNV_PRIME UINT64_C(0x100000001b3)

static const char magic[8] = {'q', 'u', 'e', 'r', 'n', 'v', 'c', '1'};

uint64_t quern_cache_sum(uint64_t sum, const void *data, size_t length)
{
    for (const unsigned char *byte = data, *end = byte + length; byte < end; byte++)
        sum = (sum ^ *byte) * FNV_PRIME;
    return sum;
}

static FILE *refuse(quern_error *error, int descriptor, const char *path, const char *reason)
{
    quern_server_fail(error, QUERN_EIO, "cannot use '%s' to keep the cache: %s", path, reason);
    if (descriptor >= 0)
        close(descriptor);
    return NULL;
}

/* Whether a file may be overwritten: it is a cache of any version, or empty, or a cache that was not written to its end
 * the first time, so that it has zeros in the place of the head. */
static bool is_cache(int descriptor)
{
    static const char zeros[sizeof magic];
    char start[sizeof magic];
    const ssize_t got = pread(descriptor, start, sizeof start, 0);
    return got == 0 || (got == sizeof start && (memcmp(start, magic, sizeof magic - 1) == 0 ||
                                                memcmp(start, zeros, sizeof zeros) == 0));
}

FILE *quern_cache_file_open(const char *path, quern_error *error)
{
    struct stat status;
    const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (descriptor < 0 && errno == EISDIR)
        return refuse(error, descriptor, path, "it is a folder; name a file in it");
    if (descriptor < 0 || fstat(descriptor, &status) != 0)
        return refuse(error, descriptor, path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(error, descriptor, path, "it is not a regular file");
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
        return refuse(error, descriptor, path, errno == EWOULDBLOCK ? "another server uses it" : strerror(errno));
    if (!is_cache(descriptor))
        return refuse(error, descriptor, path, "it holds something else, which would be lost");
    if (fchmod(descriptor, 0600) != 0) /* vectors tell of their texts, and the file may be an older, public one */
        return refuse(error, descriptor, path, strerror(errno));
    FILE *file = fdopen(descriptor, "r+");
    return file != NULL ? file : refuse(error, descriptor, path, strerror(errno));
}

/* ---------------------------------------------------------------- reading */

struct reader {
    FILE *file;
    uint64_t left, sum;
};

static bool take(struct reader *reader, void *to, size_t length)
{
    if (length > reader->left || fread(to, 1, length, reader->file) != length)
        return false;
    reader->left -= length;
    reader->sum = quern_cache_sum(reader->sum, to, length);
    return true;
}

/* The next text and its vector. */
static bool take_text(struct reader *reader, int32_t *ids, float *vector, size_t width, uint32_t *count)
{
    if (!take(reader, count, sizeof *count) || *count == 0 || *count > MOST_IDS ||
        !take(reader, ids, *count * sizeof *ids) || !take(reader, vector, width * sizeof *vector))
        return false;
    for (uint32_t i = 0; i < *count; i++)
        if (ids[i] < 0)
            return false;
    for (size_t i = 0; i < width; i++)
        if (!isfinite(vector[i]))
            return false;
    return true;
}

/* Puts the texts behind a head into the cache. */
static long read_texts(struct quern_cache *cache, FILE *file, const struct quern_cache_head *head)
{
    struct reader reader = {.file = file, .left = head->bytes, .sum = QUERN_CACHE_SUM};
    int32_t *ids = malloc(MOST_IDS * sizeof *ids);
    float *vector = malloc(cache->width * sizeof *vector);
    long texts = 0;
    uint32_t count;
    bool good = ids != NULL && vector != NULL;
    for (; good && reader.left > 0; texts++) {
        good = take_text(&reader, ids, vector, cache->width, &count);
        if (good)
            quern_cache_put(cache, &(quern_tokens){ids, count}, vector);
    }
    free(ids);
    free(vector);
    return good && reader.sum == head->checksum ? texts : -1;
}

long quern_cache_file_read(struct quern_cache *cache, FILE *file, const char *key)
{
    struct quern_cache_head head;
    rewind(file);
    const size_t length = fread(&head, 1, sizeof head, file);
    if (length == 0 && feof(file))
        return 0;
    if (length != sizeof head || memcmp(head.magic, magic, sizeof magic) != 0 ||
        strncmp(head.key, key, sizeof head.key) != 0)
        return -1;
    const long texts = read_texts(cache, file, &head);
    if (texts < 0) /* known at the end only, when the checksum is compared */
        quern_cache_clear(cache);
    return texts;
}

/* ---------------------------------------------------------------- writing */

struct writer {
    FILE *file;
    size_t width;
    uint64_t bytes, sum;
    bool good;
};

static void put(struct writer *writer, const void *from, size_t length)
{
    writer->good = writer->good && fwrite(from, 1, length, writer->file) == length;
    writer->bytes += length;
    writer->sum = quern_cache_sum(writer->sum, from, length);
}

static void put_text(void *owner, const quern_tokens *text, const float *vector)
{
    const uint32_t count = (uint32_t)text->count;
    if (text->count > MOST_IDS)
        return;
    put(owner, &count, sizeof count);
    put(owner, text->ids, count * sizeof *text->ids);
    put(owner, vector, ((struct writer *)owner)->width * sizeof *vector);
}

bool quern_cache_file_write(const struct quern_cache *cache, FILE *file, const char *key)
{
    struct quern_cache_head head = {0};
    struct writer writer = {.file = file, .width = cache->width, .sum = QUERN_CACHE_SUM};
    writer.good = fseek(file, sizeof head, SEEK_SET) == 0;
    quern_cache_each(cache, put_text, &writer);
    memcpy(head.magic, magic, sizeof magic);
    snprintf(head.key, sizeof head.key, "%s", key);
    head.bytes = writer.bytes;
    head.checksum = writer.sum;
    return writer.good && fflush(file) == 0 && fdatasync(fileno(file)) == 0 && fseek(file, 0, SEEK_SET) == 0 &&
           fwrite(&head, sizeof head, 1, file) == 1 && fflush(file) == 0;
}
