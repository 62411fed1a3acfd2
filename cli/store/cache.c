#include "store.h"

#include "base/system/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The longest name in the cache is a record's: NAME.gguf.part.json. */
bool quern_cli_cache_folder(char folder[QUERN_CLI_PATH])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = 0;
    if (cache != NULL && quern_system_is_absolute(cache))
        length = snprintf(folder, QUERN_CLI_PATH, "%s/quern", cache);
    else if (home != NULL && home[0] != '\0')
        length = snprintf(folder, QUERN_CLI_PATH, "%s/.cache/quern", home);
    return length > 0 && length + 1 + QUERN_CLI_FILE + (int)sizeof ".part.json" < QUERN_CLI_PATH;
}

bool quern_cli_make_folder(const char *folder)
{
    char path[QUERN_CLI_PATH];
    if (snprintf(path, sizeof path, "%s", folder) >= (int)sizeof path)
        return false;
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST && errno != EROFS)
            return false;
        *slash = '/';
    }
    return mkdir(path, 0777) == 0 || errno == EEXIST;
}

int quern_cli_open_own(const char *path, int flags)
{
    struct stat status;
    const int descriptor = open(path, (flags & ~O_TRUNC) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return -1;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
        errno = ENXIO;
    else if ((flags & O_ACCMODE) != O_RDONLY && status.st_nlink > 1)
        errno = EMLINK;
    else if ((flags & O_TRUNC) == 0 || ftruncate(descriptor, 0) == 0)
        return descriptor;
    const int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
}

const char *quern_cli_own_reason(void)
{
    return errno == ELOOP                       ? "it is a symbolic link; remove it"
           : errno == EMLINK                    ? "it is a file that has another name too; remove this one"
           : errno == ENXIO || errno == EISDIR ? "it is no regular file; remove it"
                                                : strerror(errno);
}

bool quern_cli_is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Whether a path leads to a regular file that begins as a GGUF file does. */
static bool is_model(const char *path)
{
    char magic[4];
    const int fd = quern_cli_is_file(path) ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    const bool is_gguf = fd >= 0 && read(fd, magic, sizeof magic) == 4 && memcmp(magic, "GGUF", sizeof magic) == 0;
    if (fd >= 0)
        close(fd);
    return is_gguf;
}

bool quern_cli_cache_path(char path[QUERN_CLI_PATH], const char *file)
{
    char folder[QUERN_CLI_PATH];
    const struct quern_cli_published *published = quern_cli_published_find(file);
    if (published != NULL)
        file = quern_cli_published_file(published);
    return strlen(file) < QUERN_CLI_FILE && quern_cli_cache_folder(folder) &&
           snprintf(path, QUERN_CLI_PATH, "%s/%s", folder, file) < QUERN_CLI_PATH;
}

static const char *wanted_ending; /* global, because scandir has no argument for its filter */

static int has_ending(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), ending = strlen(wanted_ending);
    return length > ending && length < QUERN_CLI_FILE && strcmp(entry->d_name + length - ending, wanted_ending) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

char **quern_cli_cache_list(const char *folder, const char *ending, int *count)
{
    struct dirent **entries;
    wanted_ending = ending;
    *count = scandir(folder, &entries, has_ending, by_name);
    if (*count < 0)
        *count = 0;
    else if (*count == 0)
        free(entries);
    if (*count == 0)
        return NULL;
    char **names = malloc((size_t)*count * sizeof *names);
    int copied = 0;
    for (int i = 0; i < *count; i++) {
        if (names != NULL && (names[copied] = strdup(entries[i]->d_name)) != NULL)
            copied++;
        free(entries[i]);
    }
    free(entries);
    *count = copied;
    return names;
}

bool quern_cli_cache_default(char path[QUERN_CLI_PATH])
{
    char folder[QUERN_CLI_PATH];
    int count;
    if (quern_cli_cache_path(path, quern_cli_catalog[0].name) && quern_cli_is_file(path))
        return true;
    if (!quern_cli_cache_folder(folder))
        return false;
    char **names = quern_cli_cache_list(folder, ".gguf", &count);
    bool found = false;
    for (int i = 0; i < count; i++) {
        found = found || (quern_cli_cache_path(path, names[i]) && is_model(path));
        free(names[i]);
    }
    free(names);
    return found;
}
