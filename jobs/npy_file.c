#include "npy_file.h"

#include "jobs_error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_ARRAY_HEADER = 1 << 16, MOST_ARRAY_COLUMNS = 1 << 20 };

static int refuse(const struct quern_npy_file *npy, const char *what, quern_error *error)
{
    return quern_jobs_fail(error, QUERN_EFORMAT, "%s: %s", npy->path, what);
}

/* What stands behind a key of the header, a Python dictionary: "'key': ". NULL: the key is not there. */
static const char *find_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (at == NULL)
        return NULL;
    at += strlen(key);
    while (*at == ' ' || *at == ':')
        at++;
    return at;
}

/* Reads "(ROWS, COLUMNS)", or "(COLUMNS,)" as one row. */
static bool read_shape(struct quern_npy_file *npy, const char *at)
{
    unsigned long long numbers[2];
    int count = 0;
    if (*at++ != '(')
        return false;
    while (count < 2 && *at >= '0' && *at <= '9') {
        char *end;
        errno = 0;
        numbers[count++] = strtoull(at, &end, 10);
        if (errno != 0)
            return false;
        for (at = end; *at == ',' || *at == ' '; at++)
            ;
    }
    if (*at != ')' || count == 0 || numbers[count - 1] < 1 || numbers[count - 1] > MOST_ARRAY_COLUMNS)
        return false;
    npy->rows = count == 2 ? numbers[0] : 1;
    npy->columns = (int)numbers[count - 1];
    return npy->rows <= UINT64_MAX / 8 / MOST_ARRAY_COLUMNS;
}

static int read_header(struct quern_npy_file *npy, char *header, quern_error *error)
{
    const char *type = find_value(header, "'descr'"), *order = find_value(header, "'fortran_order'");
    const char *shape = find_value(header, "'shape'");
    if (type == NULL || order == NULL || shape == NULL)
        return refuse(npy, "its header is damaged", error);
    if (strncmp(type, "'<f4'", 5) == 0)
        npy->dtype = QUERN_DTYPE_F32;
    else if (strncmp(type, "'<f2'", 5) == 0)
        npy->dtype = QUERN_DTYPE_F16;
    else
        return refuse(npy, "it must hold float32 or float16, little-endian: save array.astype('<f4')", error);
    if (strncmp(order, "False", 5) != 0)
        return refuse(npy, "it is stored column by column: save numpy.ascontiguousarray(array)", error);
    if (!read_shape(npy, shape))
        return refuse(npy, "it must have the shape (rows, dimensions)", error);
    return QUERN_OK;
}

/* Checks that all rows are there, behind `begin` bytes. */
static int check_size(const struct quern_npy_file *npy, uint64_t begin, quern_error *error)
{
    struct stat status;
    const uint64_t row = (uint64_t)npy->columns * (npy->dtype == QUERN_DTYPE_F32 ? 4 : 2);
    if (fstat(fileno(npy->file), &status) != 0)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", npy->path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(npy, "it is no regular file", error);
    if ((uint64_t)status.st_size < begin || ((uint64_t)status.st_size - begin) / row < npy->rows)
        return refuse(npy, "it is shorter than its header says", error);
    return QUERN_OK;
}

int quern_npy_file_open(struct quern_npy_file *npy, const char *path, quern_error *error)
{
    unsigned char begin[12];
    *npy = (struct quern_npy_file){.path = path, .file = fopen(path, "rbe")};
    if (npy->file == NULL)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", path, strerror(errno));
    if (fread(begin, 1, 10, npy->file) != 10 || memcmp(begin, "\x93NUMPY", 6) != 0)
        return refuse(npy, "it is no array of NumPy (.npy)", error);
    const bool is_long = begin[6] >= 2;
    if (begin[6] < 1 || begin[6] > 3 || (is_long && fread(begin + 10, 1, 2, npy->file) != 2))
        return refuse(npy, "it has an unknown version of NumPy's format", error);
    const size_t length = begin[8] | (size_t)begin[9] << 8 |
                          (is_long ? (size_t)begin[10] << 16 | (size_t)begin[11] << 24 : 0);
    if (length > MOST_ARRAY_HEADER)
        return refuse(npy, "its header is damaged", error);
    char *header = calloc(length + 1, 1);
    if (header == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory to read %s", path);
    int code = fread(header, 1, length, npy->file) == length ? read_header(npy, header, error)
                                                             : refuse(npy, "its header is cut off", error);
    free(header);
    return code == QUERN_OK ? check_size(npy, (is_long ? 12 : 10) + length, error) : code;
}

int quern_npy_file_read(struct quern_npy_file *npy, size_t count, float *rows, quern_error *error)
{
    const size_t numbers = count * (size_t)npy->columns;
    /* Half floats are read to the end of the room, and become floats from its beginning on. */
    const size_t size = npy->dtype == QUERN_DTYPE_F32 ? 4 : 2;
    unsigned char *room = (unsigned char *)rows + numbers * (sizeof *rows - size);
    if (count > npy->rows - npy->read || fread(room, size, numbers, npy->file) != numbers)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: it ends before row %llu", npy->path,
                               (unsigned long long)(npy->read + count));
    npy->read += count;
    if (npy->dtype == QUERN_DTYPE_F32)
        return QUERN_OK;
    for (size_t i = 0; i < numbers; i += 64) { /* a part at a time, as what is read and written must not overlap */
        unsigned char halves[128];
        const size_t some = numbers - i < 64 ? numbers - i : 64;
        memcpy(halves, room + 2 * i, 2 * some);
        quern_decode(QUERN_DTYPE_F16, halves, 1, (int)some, rows + i, some, NULL);
    }
    return QUERN_OK;
}

void quern_npy_file_close(struct quern_npy_file *npy)
{
    if (npy->file != NULL)
        fclose(npy->file);
    npy->file = NULL;
}
