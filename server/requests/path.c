#include "path.h"

#include "array_count.h"

#include <stdbool.h>
#include <string.h>

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)((at - digits) % 16) : -1;
}

/* The byte that stands at *sent, which is moved behind it. */
static char take(const char **sent)
{
    const char *at = *sent;
    const int high = at[0] == '%' ? digit(at[1]) : -1, low = high >= 0 ? digit(at[2]) : -1;
    const bool is_escape = low >= 0 && 16 * high + low > 0; /* a NUL stays as it was sent */
    *sent += is_escape ? 3 : 1;
    return is_escape ? (char)(16 * high + low) : at[0];
}

static bool begins(const char *path, const char *start)
{
    return strncmp(path, start, strlen(start)) == 0;
}

/* Replaces what a path should not begin with. */
static void repair(char path[QUERN_PATH_BYTES])
{
    static const struct {
        const char *wrong, *right; /* never longer */
    } table[] = {{"/api/v1/", "/v1/"}, {"/v1/v1/", "/v1/"}, {"/v1/api/", "/api/"}, {"/api/api/", "/api/"}};
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        if (begins(path, table[i].wrong)) {
            const size_t cut = strlen(table[i].wrong) - strlen(table[i].right);
            memmove(path, path + cut, strlen(path + cut) + 1);
            memcpy(path, table[i].right, strlen(table[i].right));
        }
    const size_t length = strlen(path);
    if ((strcmp(path, "/models") == 0 || begins(path, "/models/")) && length + 3 < QUERN_PATH_BYTES) {
        memmove(path + 3, path, length + 1);
        memcpy(path, "/v1", 3);
    }
}

void quern_path_read(char path[QUERN_PATH_BYTES], const char *sent)
{
    size_t length = 0;
    while (*sent != '\0' && length < QUERN_PATH_BYTES - 1) {
        const bool is_slash = *sent == '/';
        const char c = take(&sent);
        if (!is_slash || length == 0 || path[length - 1] != '/')
            path[length++] = c;
    }
    if (length > 1 && path[length - 1] == '/')
        length--;
    path[length] = '\0';
    repair(path);
}
