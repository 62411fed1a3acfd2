#include "base/system/windows/windows_paths.h"

#include "base/count.h"

#include <windows.h>

#define LONGEST_PLAIN 247 /* units of UTF-16: longer paths need a prefix, and a new folder has room for 12 more */

wchar_t *quern_windows_wide(const char *text)
{
    const int units = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    wchar_t *wide = units > 0 ? malloc((size_t)units * sizeof *wide) : NULL;
    if (wide == NULL)
        errno = units > 0 ? ENOMEM : EILSEQ;
    else
        MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, units);
    return wide;
}

char *quern_windows_narrow(const wchar_t *text)
{
    const int bytes = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *narrow = bytes > 0 ? malloc((size_t)bytes) : NULL;
    if (narrow == NULL)
        errno = ENOMEM;
    else
        WideCharToMultiByte(CP_UTF8, 0, text, -1, narrow, bytes, NULL, NULL);
    return narrow;
}

/* The absolute form of a path, behind room for a prefix. */
static wchar_t *absolute(const wchar_t *path, size_t room)
{
    const DWORD size = GetFullPathNameW(path, 0, NULL, NULL); /* with the terminator */
    wchar_t *full = size > 0 ? malloc((room + size) * sizeof *full) : NULL;
    if (full != NULL && GetFullPathNameW(path, size, full + room, NULL) < size)
        return full;
    free(full);
    errno = size > 0 && full == NULL ? ENOMEM : ENOENT;
    return NULL;
}

/* "\\?\C:\..." and "\\?\UNC\server\..." have no limit. They must be absolute, and are taken as they are. */
static wchar_t *prefixed(const wchar_t *path)
{
    static const wchar_t drive[] = L"\\\\?\\", share[] = L"\\\\?\\UNC\\";
    const size_t room = QUERN_COUNT(share);
    wchar_t *full = absolute(path, room);
    if (full == NULL)
        return NULL;
    const wchar_t *rest = full + room;
    const bool is_share = rest[0] == L'\\' && rest[1] == L'\\';
    const bool is_device = is_share && (rest[2] == L'.' || rest[2] == L'?');
    if (is_device || wcslen(rest) <= LONGEST_PLAIN) {
        memmove(full, rest, (wcslen(rest) + 1) * sizeof *full);
        return full;
    }
    rest += is_share ? 2 : 0;
    const size_t length = wcslen(is_share ? share : drive);
    memmove(full + length, rest, (wcslen(rest) + 1) * sizeof *full);
    memcpy(full, is_share ? share : drive, length * sizeof *full);
    return full;
}

/* Names such as CON, and in older systems aux.txt, are devices in every folder. NUL is of use. The others would lose
 * what is written to them, or wait for ever, so they must be asked for: "\\.\COM1". */
static bool is_unasked_device(const wchar_t *path, const wchar_t *full)
{
    const bool is_asked_for = (path[0] == L'\\' || path[0] == L'/') && (path[1] == L'\\' || path[1] == L'/');
    return wcsncmp(full, L"\\\\.\\", 4) == 0 && !is_asked_for && _wcsicmp(full + 4, L"NUL") != 0;
}

/* "12:30.npy" would be a stream of the file 12, which nothing shows. A path that is absolute has the ':' of a drive. */
static bool is_stream(const wchar_t *full)
{
    return full[0] != L'\\' && full[0] != L'\0' && full[1] != L'\0' && wcschr(full + 2, L':') != NULL;
}

wchar_t *quern_windows_path(const char *path)
{
    if (path[0] == '\0') {
        errno = ENOENT;
        return NULL;
    }
    wchar_t *wide = quern_windows_wide(strcmp(path, "/dev/null") == 0 ? "NUL" : path);
    wchar_t *full = wide != NULL ? prefixed(wide) : NULL;
    if (full != NULL && (is_unasked_device(wide, full) || is_stream(full))) {
        errno = is_stream(full) ? EINVAL : ENODEV;
        free(full);
        full = NULL;
    }
    free(wide);
    return full;
}

char *quern_windows_plain(wchar_t *path)
{
    if (wcsncmp(path, L"\\\\?\\UNC\\", 8) == 0) {
        path += 6;
        path[0] = L'\\';
    } else if (wcsncmp(path, L"\\\\?\\", 4) == 0) {
        path += 4;
    }
    char *narrow = quern_windows_narrow(path);
    if (narrow != NULL)
        quern_windows_slashes(narrow);
    return narrow;
}

int quern_windows_fail(void)
{
    static const struct {
        DWORD error;
        int number;
    } known[] = {
        {ERROR_FILE_NOT_FOUND, ENOENT}, {ERROR_PATH_NOT_FOUND, ENOENT}, {ERROR_INVALID_NAME, ENOENT},
        {ERROR_BAD_PATHNAME, ENOENT}, {ERROR_BAD_NETPATH, ENOENT}, {ERROR_INVALID_DRIVE, ENOENT},
        {ERROR_DIRECTORY, ENOTDIR}, {ERROR_FILE_EXISTS, EEXIST}, {ERROR_ALREADY_EXISTS, EEXIST},
        {ERROR_DIR_NOT_EMPTY, ENOTEMPTY}, {ERROR_DISK_FULL, ENOSPC}, {ERROR_HANDLE_DISK_FULL, ENOSPC},
        {ERROR_NOT_ENOUGH_MEMORY, ENOMEM}, {ERROR_TOO_MANY_OPEN_FILES, EMFILE}, {ERROR_INVALID_HANDLE, EBADF},
        {ERROR_NOT_SAME_DEVICE, EXDEV}, {ERROR_LOCK_VIOLATION, EWOULDBLOCK}, {ERROR_BROKEN_PIPE, EPIPE},
        {ERROR_NO_DATA, EPIPE}, {ERROR_WRITE_PROTECT, EROFS}, {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
        {ERROR_ACCESS_DENIED, EACCES}, {ERROR_SHARING_VIOLATION, EACCES},
        {ERROR_USER_MAPPED_FILE, EACCES}, {ERROR_CRC, EIO},
    };
    const DWORD error = GetLastError();
    errno = EIO;
    for (size_t i = 0; i < QUERN_COUNT(known); i++)
        if (known[i].error == error)
            errno = known[i].number;
    return -1;
}

void quern_windows_slashes(char *path)
{
    for (; *path != '\0'; path++)
        if (*path == '\\')
            *path = '/';
}
