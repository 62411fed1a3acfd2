/* Any bytes as a bucket of a table of vectors. A vector that is found is the one that was kept, and one that is put
 * there is found. The key is another one each time: a fuzzer sees the checksums that bytes are compared with, and would
 * write them into the next input, but they find damage, not forgery.
 *
 * Input: the beginning of the table's first file. */
#include "fuzz.h"
#include "vector_table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 2 };

/* Whether the vector is found; then it must be the right one. */
static bool has(struct quern_vector_table *table, const unsigned char *key, const float *wanted)
{
    float vector[WIDTH];
    if (!quern_vector_table_find(table, key, vector))
        return false;
    expect(memcmp(vector, wanted, sizeof vector) == 0, "no wrong vector is found");
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t inputs;
    unsigned char key[QUERN_TABLE_KEY] = {[7] = 'k'};
    static const float vector[WIDTH] = {0.5f, -1};
    char folder[] = "/tmp/quern-fuzz-XXXXXX", path[64];
    struct quern_vector_table table;
    quern_error error;
    inputs++;
    memcpy(key + QUERN_TABLE_KEY - sizeof inputs, &inputs, sizeof inputs);
    expect(mkdtemp(folder) != NULL, "there is a folder for files");
    snprintf(path, sizeof path, "%s/f-0.vectors", folder);
    const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    expect(file >= 0 && write(file, data, size) == (ssize_t)size, "there is room for a file");
    close(file);
    expect(quern_vector_table_open(&table, folder, "f", WIDTH, &error) == QUERN_OK, "any file can be opened");
    has(&table, key, vector);
    expect(quern_vector_table_put(&table, key, vector), "a vector can be kept");
    expect(has(&table, key, vector), "a vector that was kept is found");
    quern_vector_table_close(&table);
    quern_vector_table_remove(folder);
    return 0;
}
