#include "column_file.h"

#include <string.h>

int quern_column_file_find(const struct quern_column_file *reader, const char *name)
{
    int found = -1;
    for (int i = 0; i < reader->count; i++)
        if (strcmp(reader->columns[i].name, name) == 0)
            found = found == -1 ? i : -2;
    return found;
}

int quern_column_file_open(struct quern_column_file **reader, const char *path, quern_error *error)
{
    return quern_arrow_open(reader, path, error);
}
