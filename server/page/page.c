#include "page_files.h"

#include <string.h>

const struct quern_page_file *quern_page_find(const char *path)
{
    for (const struct quern_page_file *file = quern_page_files; file->path != NULL; file++)
        if (strcmp(file->path, path) == 0)
            return file;
    return NULL;
}
