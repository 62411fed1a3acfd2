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

/* Gives a path that ends in this rest of it a /v1 at its beginning. */
static void move_to_v1(char path[QUERN_PATH_BYTES], const char *rest)
{
    memmove(path + 3, rest, strlen(rest) + 1);
    memcpy(path, "/v1", 3);
}

/* Takes out the name of a deployment (Azure) or an engine (OpenAI, Docker), behind which the path goes on. */
static void remove_name(char path[QUERN_PATH_BYTES])
{
    static const char *const starts[] = {"/openai/deployments/", "/v1/engines/", "/engines/", "/engine/"};
    for (size_t i = 0; i < QUERN_COUNT(starts); i++) {
        const char *rest = begins(path, starts[i]) ? strchr(path + strlen(starts[i]), '/') : NULL;
        if (rest == NULL)
            continue;
        if (begins(rest, "/v1/"))
            memmove(path, rest, strlen(rest) + 1);
        else
            move_to_v1(path, rest);
        return;
    }
}

/* Replaces what a path should not begin with. */
static void repair(char path[QUERN_PATH_BYTES])
{
    static const struct {
        const char *wrong, *right; /* never longer */
    } table[] = {{"/openai/", "/v1/"},
                 {"/v1beta/openai/", "/v1/"},
                 {"/ollama/", "/"},
                 {"/api/v1/", "/v1/"},
                 {"/v1/v1/", "/v1/"},
                 {"/v1/api/", "/api/"},
                 {"/api/api/", "/api/"}};
    remove_name(path);
    for (size_t i = 0; i < QUERN_COUNT(table); i++)
        if (begins(path, table[i].wrong)) {
            const size_t cut = strlen(table[i].wrong) - strlen(table[i].right);
            memmove(path, path + cut, strlen(path + cut) + 1);
            memcpy(path, table[i].right, strlen(table[i].right));
        }
    if ((strcmp(path, "/models") == 0 || begins(path, "/models/")) && strlen(path) + 3 < QUERN_PATH_BYTES)
        move_to_v1(path, path);
}

/* Removes a segment "." from the end of a path, and a segment ".." with the one before it (RFC 3986, 5.2.4). Returns
 * the length that is left. */
static size_t remove_dots(const char *path, size_t length, size_t begin)
{
    const size_t dots = length - begin;
    if (dots > 2 || path[begin] != '.' || path[length - 1] != '.')
        return length;
    length = begin - 1;
    while (dots == 2 && length > 0 && path[--length] != '/')
        continue;
    return length;
}

void quern_path_read(char path[QUERN_PATH_BYTES], const char *sent)
{
    size_t length = 0;
    while (*(sent += strspn(sent, "/")) != '\0' && length < QUERN_PATH_BYTES - 2) {
        path[length++] = '/';
        const size_t begin = length;
        while (*sent != '\0' && *sent != '/' && length < QUERN_PATH_BYTES - 1)
            path[length++] = take(&sent);
        length = remove_dots(path, length, begin);
    }
    if (length > 1 && path[length - 1] == '/') /* one that was written %2F */
        length--;
    if (length == 0)
        path[length++] = '/';
    path[length] = '\0';
    repair(path);
}
