/* Reads any bytes as an index file, and uses all of what it holds. Of an input of even length, the first two bytes say
 * how many of the others are the catalogue; the rest is the block, and the header is right. Else the input is the
 * file. */
#include "fuzz.h"
#include "index/catalogue.h"
#include "quern_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_PLACES = 200, HITS = 5 };

static void put(int file, const void *data, size_t size, size_t at)
{
    if (pwrite(file, data, size, (off_t)at) != (ssize_t)size)
        abort();
}

/* Puts a catalogue behind a block, under a header that names it. */
static void make_file(int file, const uint8_t *data, size_t size)
{
    const size_t given = data[0] + 256u * data[1], bytes = given < size - 2 ? given : size - 2;
    const uint8_t *block = data + 2 + bytes;
    const size_t block_bytes = size - 2 - bytes;
    const size_t offset = QUERN_INDEX_HEADER + (block_bytes / QUERN_INDEX_ALIGNMENT + 1) * QUERN_INDEX_ALIGNMENT;
    const struct quern_index_slot slot = quern_index_slot_for(1, offset, data + 2, bytes);
    unsigned char header[QUERN_INDEX_HEADER];
    quern_index_header(header, &slot);
    put(file, header, sizeof header, 0);
    put(file, block, block_bytes, QUERN_INDEX_HEADER);
    put(file, data + 2, bytes, offset);
}

/* Searches; hits are rows of the index, the best first. */
static void search(const quern_index *index, const quern_index_info *info)
{
    quern_searcher *searcher = NULL;
    const quern_searcher_options made = {.size = sizeof made, .threads = 1, .most_hits = HITS, .most_queries = 1};
    quern_search_options asked = {.size = sizeof asked, .hits = HITS};
    quern_hit hits[HITS];
    quern_search_result result;
    float *query = calloc((size_t)info->dimensions, sizeof *query);
    if (query == NULL || quern_searcher_new(&searcher, index, &made, NULL) != QUERN_OK)
        abort();
    for (int k = 0; k < info->dimensions; k++)
        query[k] = (float)(k % 5 - 2);
    for (int bits = 0; bits <= info->bits; bits++) {
        asked.oversampling = bits;
        const int code = quern_search(searcher, query, 1, &asked, hits, &result, NULL);
        if (code == QUERN_EFORMAT)
            continue;
        if (code != QUERN_OK || result.hits > HITS)
            abort();
        for (size_t i = 0; i < result.hits; i++)
            if (hits[i].place >= info->places || (i > 0 && hits[i].score > hits[i - 1].score))
                abort();
    }
    quern_searcher_free(searcher);
    free(query);
}

/* Changes the file: a row is added, and one is removed. */
static void change(const char *path, const quern_index_info *info)
{
    quern_index_writer *writer = NULL;
    const quern_index_row row = {.number = 3, .name = {"three", 5}, .payload = {"x", 1}};
    float *vector = calloc((size_t)info->dimensions, sizeof *vector);
    if (vector == NULL)
        abort();
    if (quern_index_change(&writer, path, NULL, NULL) == QUERN_OK &&
        quern_index_add(writer, &row, vector, 1, NULL) == QUERN_OK)
        quern_index_remove(writer, &row, 1, NULL, NULL);
    quern_index_writer_free(writer);
    free(vector);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int file = memfd_create("index", MFD_CLOEXEC);
    quern_index *index = NULL;
    char path[64];
    if (file < 0 || size < 2)
        return 0;
    if (size % 2 == 0)
        make_file(file, data, size);
    else
        put(file, data, size, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (quern_index_open(&index, path, NULL) == QUERN_OK) {
        quern_index_info info = {.size = sizeof info};
        if (quern_index_describe(index, &info, NULL) != QUERN_OK || info.count > info.places)
            abort();
        float *vector = calloc((size_t)info.dimensions, sizeof *vector);
        for (uint64_t place = 0; place < info.places && place < MOST_PLACES; place++) {
            quern_index_row row;
            quern_index_get(index, place, &row, NULL);
            quern_index_vector(index, place, vector, NULL);
        }
        free(vector);
        search(index, &info);
        quern_index_check(index, NULL);
        if (info.places <= MOST_PLACES)
            change(path, &info);
        quern_index_close(index);
    }
    close(file);
    return 0;
}
