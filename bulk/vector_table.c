#include "vector_table.h"

#include "array_count.h"
#include "jobs_error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".vectors"
enum { BUCKET = 8, FIRST_BUCKETS = 4096, SUM = sizeof(uint64_t), MOST_PATH = 4096 };

/* ---------------------------------------------------------------- places */

static size_t place_bytes(const struct quern_vector_table *table)
{
    return SUM + table->width * sizeof(float);
}

/* Where the bucket of a key begins in a file: its keys stand there, and behind them the places. */
static off_t bucket_offset(const struct quern_vector_table *table, int file, const unsigned char *key)
{
    uint64_t words[QUERN_TABLE_KEY / sizeof(uint64_t)];
    memcpy(words, key, sizeof words);
    const uint64_t bits = words[(size_t)file % QUERN_COUNT(words)] >> file; /* other ones for each file */
    const uint64_t bucket = bits & (((uint64_t)FIRST_BUCKETS << file) - 1);
    return (off_t)(bucket * BUCKET * (QUERN_TABLE_KEY + place_bytes(table)));
}

static off_t place_offset(const struct quern_vector_table *table, off_t bucket, int i)
{
    return bucket + BUCKET * QUERN_TABLE_KEY + (off_t)((size_t)i * place_bytes(table));
}

/* Reads the keys of a bucket; those behind the end of the file are zeros. */
static void read_keys(int file, off_t bucket, unsigned char keys[BUCKET][QUERN_TABLE_KEY])
{
    memset(keys, 0, BUCKET * QUERN_TABLE_KEY);
    if (pread(file, keys, BUCKET * QUERN_TABLE_KEY, bucket) < 0)
        memset(keys, 0, BUCKET * QUERN_TABLE_KEY);
}

/* Adds numbers of 32 bits to a checksum. Each step is one to one in the number and in the sum before it. So one number
 * that has changed is always found, and any other damage but with a chance of 2^-64. A digest would cost more time than
 * all else that is done for a vector. */
static uint64_t add(uint64_t sum, const unsigned char *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t number;
        memcpy(&number, data + i * sizeof number, sizeof number);
        sum = (sum ^ number) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 32;
    }
    return sum;
}

/* The checksum of a key, and of the vector in table->place. */
static uint64_t sum_place(const struct quern_vector_table *table, const unsigned char *key)
{
    return add(add(0, key, QUERN_TABLE_KEY / sizeof(uint32_t)), table->place + SUM, table->width);
}

/* ---------------------------------------------------------------- files */

static int open_file(const struct quern_vector_table *table, int number, int flags)
{
    char path[MOST_PATH];
    if (snprintf(path, sizeof path, "%s-%d" ENDING, table->path, number) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDWR | O_CLOEXEC | flags, 0666);
}

int quern_vector_table_open(struct quern_vector_table *table, const char *folder, const char *name, size_t width,
                            quern_error *error)
{
    *table = (struct quern_vector_table){.width = width};
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return quern_jobs_fail(error, QUERN_EIO, "cannot make the folder %s: %s", folder, strerror(errno));
    table->place = malloc(place_bytes(table));
    if (asprintf(&table->path, "%s/%s", folder, name) < 0)
        table->path = NULL;
    if (table->place == NULL || table->path == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the vectors in %s", folder);
    for (int flags = O_CREAT; table->count < QUERN_TABLE_FILES; flags = 0) { /* the first one is made */
        const int file = open_file(table, table->count, flags);
        if (file < 0 && errno == ENOENT && flags == 0)
            break;
        if (file < 0)
            return quern_jobs_fail(error, QUERN_EIO, "cannot write to %s-%d" ENDING ": %s", table->path, table->count,
                                   strerror(errno));
        table->files[table->count++] = file;
    }
    return QUERN_OK;
}

void quern_vector_table_close(struct quern_vector_table *table)
{
    for (int i = 0; i < table->count; i++)
        close(table->files[i]);
    free(table->path);
    free(table->place);
    *table = (struct quern_vector_table){.count = 0};
}

void quern_vector_table_remove(const char *folder)
{
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const size_t length = strlen(entry->d_name), ending = strlen(ENDING);
        char *path = NULL;
        if (length > ending && strcmp(entry->d_name + length - ending, ENDING) == 0 &&
            asprintf(&path, "%s/%s", folder, entry->d_name) >= 0) {
            unlink(path);
            free(path);
        }
    }
    closedir(directory);
    rmdir(folder);
}

/* ---------------------------------------------------------------- finding and keeping */

bool quern_vector_table_find(struct quern_vector_table *table, const unsigned char key[QUERN_TABLE_KEY], float *vector)
{
    unsigned char keys[BUCKET][QUERN_TABLE_KEY];
    const size_t bytes = place_bytes(table);
    for (int f = 0; f < table->count; f++) {
        const off_t bucket = bucket_offset(table, f, key);
        read_keys(table->files[f], bucket, keys);
        for (int i = 0; i < BUCKET; i++) {
            if (memcmp(keys[i], key, QUERN_TABLE_KEY) != 0 ||
                pread(table->files[f], table->place, bytes, place_offset(table, bucket, i)) != (ssize_t)bytes)
                continue;
            const uint64_t sum = sum_place(table, key);
            if (memcmp(table->place, &sum, SUM) != 0)
                continue;
            memcpy(vector, table->place + SUM, table->width * sizeof *vector);
            return true;
        }
    }
    return false;
}

/* The first place of a bucket that is empty, or has a damaged vector of this key; -1: there is none. */
static int free_place(unsigned char keys[BUCKET][QUERN_TABLE_KEY], const unsigned char *key)
{
    static const unsigned char empty[QUERN_TABLE_KEY];
    for (int i = 0; i < BUCKET; i++)
        if (memcmp(keys[i], empty, sizeof empty) == 0 || memcmp(keys[i], key, QUERN_TABLE_KEY) == 0)
            return i;
    return -1;
}

static bool write_all(int file, const void *data, size_t length, off_t offset)
{
    const ssize_t written = pwrite(file, data, length, offset);
    if (written >= 0 && (size_t)written < length)
        errno = ENOSPC;
    return written == (ssize_t)length;
}

bool quern_vector_table_put(struct quern_vector_table *table, const unsigned char key[QUERN_TABLE_KEY],
                            const float *vector)
{
    unsigned char keys[BUCKET][QUERN_TABLE_KEY];
    memcpy(table->place + SUM, vector, table->width * sizeof *vector);
    const uint64_t sum = sum_place(table, key);
    memcpy(table->place, &sum, SUM);
    for (int f = 0; f < QUERN_TABLE_FILES; f++) {
        const off_t bucket = bucket_offset(table, f, key);
        if (f == table->count) {
            const int file = open_file(table, f, O_CREAT);
            if (file < 0)
                return false;
            table->files[table->count++] = file;
        }
        read_keys(table->files[f], bucket, keys);
        const int i = free_place(keys, key);
        if (i < 0)
            continue;
        /* The key comes last: without it the place is empty. */
        return write_all(table->files[f], table->place, place_bytes(table), place_offset(table, bucket, i)) &&
               write_all(table->files[f], key, QUERN_TABLE_KEY, bucket + i * QUERN_TABLE_KEY);
    }
    return true; /* there are more vectors than anyone has: this one is not kept */
}
