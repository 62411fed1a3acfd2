/* Any header of an array of NumPy, with any data. What is accepted has the rows that it says, each can be read, and
 * nothing behind them.
 *
 * Input: the version of the format as a digit, then the header up to a line end, as text. Then the data. */
#include "fuzz.h"
#include "npy_file.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Writes the file that an input describes. */
static void put_file(int file, const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data + 1, '\n', size - 1);
    const size_t length = end != NULL ? (size_t)(end - data) : size - 1;
    const unsigned char begin[] = {0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)(data[0] - '0'), 0,
                                   (unsigned char)length, (unsigned char)(length >> 8),
                                   (unsigned char)(length >> 16), (unsigned char)(length >> 24)};
    const size_t bytes = data[0] > '1' ? sizeof begin : sizeof begin - 2;
    REQUIRE(write(file, begin, bytes) == (ssize_t)bytes);
    REQUIRE(write(file, data + 1, size - 1) == (ssize_t)(size - 1));
}

static void read_rows(struct quern_npy_file *npy, size_t size)
{
    quern_error error;
    const size_t row = (size_t)npy->columns * (npy->dtype == QUERN_DTYPE_F32 ? 4 : 2);
    REQUIRE(npy->columns > 0 && npy->rows <= size / row);
    float *numbers = malloc((size_t)npy->columns * sizeof *numbers); /* so that a sanitizer sees what is beyond it */
    REQUIRE(numbers != NULL);
    while (npy->read < npy->rows)
        REQUIRE(quern_npy_file_read(npy, 1, numbers, &error) == QUERN_OK);
    REQUIRE(quern_npy_file_read(npy, 1, numbers, &error) == QUERN_EIO);
    free(numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    quern_error error;
    struct quern_npy_file npy;
    if (size < 1)
        return 0;
    const int file = memfd_create("array", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    put_file(file, data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const int code = quern_npy_file_open(&npy, path, &error);
    if (code == QUERN_OK)
        read_rows(&npy, size);
    else
        REQUIRE(code == QUERN_EFORMAT && error.text[0] != '\0');
    quern_npy_file_close(&npy);
    close(file);
    return 0;
}
