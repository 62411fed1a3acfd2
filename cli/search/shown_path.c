#include "search.h"

#include <string.h>
#include <unistd.h>

quern_text quern_cli_shown_path(quern_text path)
{
    static char folder[4096];
    static size_t length; /* of the current folder with a slash behind it; 0: not known yet */
    if (length == 0 && getcwd(folder, sizeof folder - 1) != NULL) {
        length = strlen(folder);
        if (length == 0 || folder[length - 1] != '/')
            folder[length++] = '/';
    }
    if (length > 0 && path.length > length && memcmp(path.data, folder, length) == 0)
        return (quern_text){path.data + length, path.length - length};
    return path;
}
