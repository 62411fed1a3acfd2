/* Names of files: renaming, removing, making new ones. */
#include "base/system/windows/windows_paths.h"

#include <windows.h>

/* Calls a function of Windows with one or two paths. */
static int with_paths(const char *first, const char *second, BOOL (*call)(const wchar_t *first, const wchar_t *second))
{
    wchar_t *a = quern_windows_path(first), *b = a != NULL ? quern_windows_path(second) : NULL;
    const int code = a != NULL && b != NULL ? call(a, b) ? 0 : quern_windows_fail() : -1;
    const int reason = errno;
    free(a);
    free(b);
    errno = reason;
    return code;
}

/* Puts a file in the place of one that is open, as POSIX does: whoever has the old one open keeps it. Windows can do
 * this since version 1709 of Windows 10, on NTFS. */
static bool replace_open(const wchar_t *from, const wchar_t *to)
{
    enum { RENAME_INFO_EX = 22, REPLACE = 1, POSIX_SEMANTICS = 2 };
    struct { /* FILE_RENAME_INFO, whose flags MinGW-w64 lacks */
        DWORD flags;
        HANDLE folder;
        DWORD bytes;
        wchar_t name[];
    } *order;
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    const size_t bytes = wcslen(to) * sizeof *to, size = sizeof *order + bytes + sizeof *to;
    order = calloc(1, size);
    HANDLE file = order != NULL ? CreateFileW(from, DELETE | SYNCHRONIZE, share, NULL, OPEN_EXISTING, 0, NULL)
                                : INVALID_HANDLE_VALUE;
    bool done = false;
    if (file != INVALID_HANDLE_VALUE) {
        order->flags = REPLACE | POSIX_SEMANTICS;
        order->bytes = (DWORD)bytes;
        memcpy(order->name, to, bytes);
        done = SetFileInformationByHandle(file, (FILE_INFO_BY_HANDLE_CLASS)RENAME_INFO_EX, order, (DWORD)size);
        CloseHandle(file);
    }
    free(order);
    return done;
}

/* Whether a file can be removed, which one that is mapped cannot. */
static bool can_be_removed(const wchar_t *path)
{
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    FILE_DISPOSITION_INFO order = {.DeleteFile = TRUE};
    HANDLE file = CreateFileW(path, DELETE | SYNCHRONIZE, share, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    const bool answer = SetFileInformationByHandle(file, FileDispositionInfo, &order, sizeof order);
    order.DeleteFile = FALSE; /* it is only a question */
    SetFileInformationByHandle(file, FileDispositionInfo, &order, sizeof order);
    CloseHandle(file);
    return answer;
}

/* The same in two steps, where the system cannot do it in one: the open file gets another name, and is removed. */
static bool replace_in_steps(const wchar_t *from, const wchar_t *to)
{
    unsigned number = 0;
    const size_t units = wcslen(to) + 16;
    wchar_t *aside = can_be_removed(to) ? malloc(units * sizeof *aside) : NULL;
    if (aside == NULL || rand_s(&number) != 0) {
        free(aside);
        return false;
    }
    swprintf(aside, units, L"%ls.%08x.old", to, number);
    bool done = MoveFileExW(to, aside, 0);
    if (done && !MoveFileExW(from, to, MOVEFILE_WRITE_THROUGH)) {
        MoveFileExW(aside, to, 0);
        done = false;
    } else if (done) {
        DeleteFileW(aside); /* it goes when the last who has it open closes it */
    }
    free(aside);
    return done;
}

static BOOL move(const wchar_t *from, const wchar_t *to)
{
    const DWORD attributes = GetFileAttributesW(to);
    const bool exists = attributes != INVALID_FILE_ATTRIBUTES;
    const bool is_kept = exists && (attributes & (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_DIRECTORY)) != 0;
    if (!is_kept && MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        return true;
    const DWORD reason = is_kept ? ERROR_ACCESS_DENIED : GetLastError();
    const bool is_open = !is_kept && exists && (reason == ERROR_ACCESS_DENIED || reason == ERROR_SHARING_VIOLATION);
    if (is_open && (replace_open(from, to) || replace_in_steps(from, to)))
        return true;
    SetLastError(reason);
    return false;
}

int quern_windows_rename(const char *from, const char *to)
{
    return with_paths(from, to, move);
}

static BOOL add_name(const wchar_t *from, const wchar_t *to)
{
    return CreateHardLinkW(to, from, NULL);
}

int quern_windows_link(const char *from, const char *to)
{
    return with_paths(from, to, add_name);
}

static BOOL delete(const wchar_t *path, const wchar_t *same)
{
    (void)same;
    return DeleteFileW(path);
}

int quern_windows_unlink(const char *path)
{
    struct stat status;
    if (with_paths(path, path, delete) == 0)
        return 0;
    const int reason = errno;
    errno = reason == EACCES && stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? EISDIR : reason;
    return -1;
}

int quern_windows_remove(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path);
}

int quern_windows_fchmod(int file, mode_t mode)
{
    (void)file;
    (void)mode;
    return 0;
}

mode_t quern_windows_umask(mode_t mask)
{
    (void)mask;
    return 022;
}

/* ---------------------------------------------------------------- temporary files */

/* Puts letters in place of the six X at the end of a path. */
static void fill_name(char *path)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    char *end = path + strlen(path);
    for (int i = 1; i <= 6; i++) {
        unsigned number = 0;
        rand_s(&number);
        end[-i] = letters[number % (sizeof letters - 1)];
    }
}

int quern_windows_mkstemp(char *path)
{
    int file;
    do {
        fill_name(path);
        file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    } while (file < 0 && errno == EEXIST);
    return file;
}

char *quern_windows_mkdtemp(char *path)
{
    do
        fill_name(path);
    while (mkdir(path, 0700) != 0 && errno == EEXIST);
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? path : NULL;
}
