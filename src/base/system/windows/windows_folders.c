/* Folders: their entries, and paths. */
#include "base/system/windows/windows_paths.h"

#include "sys/statvfs.h"

#include <windows.h>

/* The path that an open file has. */
static char *path_of(HANDLE handle)
{
    const DWORD units = GetFinalPathNameByHandleW(handle, NULL, 0, FILE_NAME_NORMALIZED);
    wchar_t *wide = units > 0 ? malloc((units + 1) * sizeof *wide) : NULL;
    char *path = NULL;
    if (wide != NULL && GetFinalPathNameByHandleW(handle, wide, units + 1, FILE_NAME_NORMALIZED) > 0)
        path = quern_windows_plain(wide);
    else
        quern_windows_fail();
    free(wide);
    return path;
}

/* ---------------------------------------------------------------- entries */

struct quern_windows_folder {
    HANDLE search;
    WIN32_FIND_DATAW found;
    bool has_found; /* what was found is not given yet */
    struct dirent entry;
};

DIR *quern_windows_opendir(const char *path)
{
    wchar_t *wide = quern_windows_path(path), *all = NULL;
    DIR *folder = wide != NULL ? calloc(1, sizeof *folder) : NULL;
    const DWORD attributes = wide != NULL ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
    if (wide != NULL && attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY))
        SetLastError(ERROR_DIRECTORY);
    else if (folder != NULL)
        all = malloc((wcslen(wide) + 3) * sizeof *all);
    if (all != NULL) {
        wcscpy(all, wide);
        wcscat(all, L"\\*");
        folder->search = FindFirstFileW(all, &folder->found);
        folder->has_found = folder->search != INVALID_HANDLE_VALUE;
    }
    if (folder == NULL || !folder->has_found) {
        if (wide != NULL)
            quern_windows_fail();
        free(folder);
        folder = NULL;
    }
    const int reason = errno;
    free(all);
    free(wide);
    errno = reason;
    return folder;
}

DIR *quern_windows_fdopendir(int file)
{
    char *path = path_of((HANDLE)_get_osfhandle(file));
    DIR *folder = path != NULL ? opendir(path) : NULL;
    free(path);
    if (folder != NULL)
        _close(file);
    return folder;
}

struct dirent *quern_windows_readdir(DIR *folder)
{
    if (!folder->has_found && !FindNextFileW(folder->search, &folder->found))
        return NULL;
    folder->has_found = false;
    struct dirent *entry = &folder->entry;
    WideCharToMultiByte(CP_UTF8, 0, folder->found.cFileName, -1, entry->d_name, sizeof entry->d_name, NULL, NULL);
    return entry;
}

int quern_windows_closedir(DIR *folder)
{
    FindClose(folder->search);
    free(folder);
    return 0;
}

static bool add_entry(struct dirent ***entries, int *count, const struct dirent *entry)
{
    struct dirent **longer = reallocarray(*entries, (size_t)*count + 1, sizeof *longer);
    if (longer == NULL)
        return false;
    *entries = longer;
    longer[*count] = malloc(sizeof *entry);
    if (longer[*count] == NULL)
        return false;
    *longer[(*count)++] = *entry;
    return true;
}

int quern_windows_scandir(const char *path, struct dirent ***entries, int (*wanted)(const struct dirent *entry),
                          int (*compare)(const struct dirent **a, const struct dirent **b))
{
    DIR *folder = opendir(path);
    int count = 0;
    bool is_full = true;
    *entries = NULL;
    if (folder == NULL)
        return -1;
    for (const struct dirent *entry; is_full && (entry = readdir(folder)) != NULL;)
        if (wanted(entry))
            is_full = add_entry(entries, &count, entry);
    closedir(folder);
    if (!is_full) {
        while (count > 0)
            free((*entries)[--count]);
        free(*entries);
        errno = ENOMEM;
        return -1;
    }
    if (count > 0)
        qsort(*entries, (size_t)count, sizeof **entries, (int (*)(const void *, const void *))(void (*)(void))compare);
    return count;
}

/* ---------------------------------------------------------------- paths */

int quern_windows_mkdir(const char *path)
{
    wchar_t *wide = quern_windows_path(path);
    if (wide == NULL)
        return -1;
    const int code = CreateDirectoryW(wide, NULL) ? 0 : quern_windows_fail();
    struct stat status;
    if (code != 0 && errno == EACCES && stat(path, &status) == 0) /* the root of a drive */
        errno = EEXIST;
    free(wide);
    return code;
}

int quern_windows_rmdir(const char *path)
{
    wchar_t *wide = quern_windows_path(path);
    if (wide == NULL)
        return -1;
    const int code = RemoveDirectoryW(wide) ? 0 : quern_windows_fail();
    free(wide);
    return code;
}

char *quern_windows_getcwd(char *path, size_t size)
{
    const DWORD units = GetCurrentDirectoryW(0, NULL);
    wchar_t *wide = malloc(units * sizeof *wide);
    char *narrow = wide != NULL && GetCurrentDirectoryW(units, wide) > 0 ? quern_windows_plain(wide) : NULL;
    free(wide);
    if (path == NULL || narrow == NULL)
        return narrow;
    const bool fits = strlen(narrow) < size;
    if (fits)
        strcpy(path, narrow);
    free(narrow);
    errno = ERANGE;
    return fits ? path : NULL;
}

/* Copies a path to memory of the caller and frees it; NULL: the caller has none, and gets the path. */
static char *hand_over(char *path, char *memory)
{
    if (path == NULL || memory == NULL)
        return path;
    const bool fits = strlen(path) < PATH_MAX;
    if (fits)
        strcpy(memory, path);
    free(path);
    errno = ENAMETOOLONG;
    return fits ? memory : NULL;
}

char *quern_windows_realpath(const char *path, char *resolved)
{
    wchar_t *wide = quern_windows_path(path);
    if (wide == NULL)
        return NULL;
    HANDLE handle = CreateFileW(wide, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    char *real = NULL;
    if (handle != INVALID_HANDLE_VALUE) {
        real = path_of(handle);
        if (real == NULL) /* Wine cannot tell paths that are longer than 260 characters */
            real = quern_windows_plain(wide);
        CloseHandle(handle);
    } else {
        quern_windows_fail();
    }
    free(wide);
    return hand_over(real, resolved);
}

ssize_t quern_windows_readlink(const char *path, char *target, size_t size)
{
    (void)path;
    (void)target;
    (void)size;
    errno = EINVAL;
    return -1;
}

int quern_windows_statvfs(const char *path, struct statvfs *disk)
{
    ULARGE_INTEGER left = {.QuadPart = 0};
    wchar_t *wide = quern_windows_path(path);
    if (wide == NULL)
        return -1;
    const int code = GetDiskFreeSpaceExW(wide, &left, NULL, NULL) ? 0 : quern_windows_fail();
    free(wide);
    *disk = (struct statvfs){left.QuadPart, 1};
    return code;
}

int quern_windows_fstatvfs(int file, struct statvfs *disk)
{
    char *path = path_of((HANDLE)_get_osfhandle(file));
    char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash != NULL)
        slash[1] = '\0';
    const int code = path != NULL ? statvfs(path, disk) : -1;
    free(path);
    return code;
}
