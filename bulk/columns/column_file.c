#include "column_file.h"

#include "arrow_format.h"
#include "jobs_error.h"
#include "parquet_format.h"

#include <string.h>

int quern_column_file_find(const struct quern_column_file *reader, const char *name)
{
    int found = -1;
    for (int i = 0; i < reader->count; i++)
        if (strcmp(reader->columns[i].name, name) == 0)
            found = found == -1 ? i : -2;
    return found;
}

typedef int opener(struct quern_column_file **reader, const char *path, quern_error *error);

/* Finds out by the first bytes what opens a file. *open: NULL for another file. An Arrow stream has no magic, but
 * begins with a message. */
static int recognise(const char *path, opener **open, quern_error *error)
{
    enum { ENOUGH = 8 };
    static const unsigned char message[] = {255, 255, 255, 255};
    struct quern_seen_file file;
    struct quern_file_window window = {.data = NULL};
    const unsigned char *bytes;
    *open = NULL;
    int code = quern_seen_file_open(&file, path, error);
    if (code == QUERN_OK && file.size >= ENOUGH) {
        code = quern_file_window_get(&window, &file, 0, ENOUGH, &bytes, error);
        if (code == QUERN_OK && memcmp(bytes, QUERN_PARQUET_MAGIC, QUERN_PARQUET_MAGIC_BYTES) == 0)
            *open = quern_parquet_open;
        else if (code == QUERN_OK && (memcmp(bytes, QUERN_ARROW_MAGIC, QUERN_ARROW_MAGIC_BYTES) == 0 ||
                                      memcmp(bytes, message, sizeof message) == 0))
            *open = quern_arrow_open;
    }
    quern_file_window_free(&window);
    quern_seen_file_close(&file);
    return code;
}

bool quern_column_file_is(const char *path)
{
    opener *open;
    return recognise(path, &open, NULL) == QUERN_OK && open != NULL;
}

int quern_column_file_open(struct quern_column_file **reader, const char *path, quern_error *error)
{
    opener *open;
    *reader = NULL;
    const int code = recognise(path, &open, error);
    if (code == QUERN_OK && open == NULL)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s is neither a Parquet file nor an Arrow file of version 1.0 or "
                               "later; a packed one is unpacked first", path);
    return code == QUERN_OK ? open(reader, path, error) : code;
}
