/* Reads any bytes as a cache file. The vectors that are read must be finite, and must be the same after they are
 * written and read again. */
#include "fuzz.h"
#include "../server/steps/cache_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 2 };

static void see(void *owner, const quern_tokens *text, const float *vector)
{
    for (size_t i = 0; i < WIDTH; i++)
        if (!isfinite(vector[i]) || text->count == 0)
            abort();
    ++*(long *)owner;
}

/* Corrects the length and the checksum. Without this, almost every input would be refused at once. */
static void mend(uint8_t *data, size_t size)
{
    struct quern_cache_head head;
    memcpy(&head, data, sizeof head);
    head.bytes = size - sizeof head;
    head.checksum = quern_cache_sum(QUERN_CACHE_SUM, data + sizeof head, size - sizeof head);
    memcpy(data, &head, sizeof head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quern_cache cache, again;
    long seen = 0, kept = 0;
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL || quern_cache_init(&cache, 1 << 20, WIDTH) != QUERN_OK ||
        quern_cache_init(&again, 1 << 20, WIDTH) != QUERN_OK)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    if (size > sizeof(struct quern_cache_head) && size % 2 == 0)
        mend(copy, size);
    FILE *file = tmpfile();
    if (file == NULL || fwrite(copy, 1, size, file) != size)
        abort();
    const long read = quern_cache_file_read(&cache, file, "k");
    quern_cache_each(&cache, see, &seen);
    if (seen > (read < 0 ? 0 : read))
        abort();
    if (!quern_cache_file_write(&cache, file, "k") || quern_cache_file_read(&again, file, "k") != seen)
        abort();
    quern_cache_each(&again, see, &kept);
    if (kept != seen)
        abort();
    fclose(file);
    quern_cache_free(&cache);
    quern_cache_free(&again);
    free(copy);
    return 0;
}
