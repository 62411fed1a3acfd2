/* Files: opening, locks, reading and writing at a place, what is known of them. */
#include "base/system/windows/windows_paths.h"

#include <windows.h>

#define LOCK_PLACE 0x3fffffff /* upper half of the place of the byte that a lock covers: no file reaches it */

static DWORD access_of(int flags)
{
    const int kind = flags & O_ACCMODE;
    const DWORD writing = flags & O_APPEND ? FILE_APPEND_DATA | FILE_WRITE_ATTRIBUTES : GENERIC_WRITE;
    return kind == O_RDONLY ? GENERIC_READ : kind == O_WRONLY ? writing : GENERIC_READ | writing;
}

static DWORD creation_of(int flags)
{
    if (flags & O_CREAT)
        return flags & O_EXCL ? CREATE_NEW : flags & O_TRUNC ? CREATE_ALWAYS : OPEN_ALWAYS;
    return flags & O_TRUNC ? TRUNCATE_EXISTING : OPEN_EXISTING;
}

static bool is_folder(const wchar_t *path)
{
    const DWORD attributes = GetFileAttributesW(path);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/* A folder can be opened to be examined. */
static int open_wide(const wchar_t *path, int flags, DWORD more)
{
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    const bool folder = is_folder(path);
    if (folder && (flags & O_ACCMODE) != O_RDONLY) {
        errno = EISDIR;
        return -1;
    }
    HANDLE handle = CreateFileW(path, folder ? FILE_READ_ATTRIBUTES : access_of(flags), share, NULL, creation_of(flags),
                                FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS | more, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return quern_windows_fail();
    if ((flags & O_DIRECTORY) && !folder) {
        CloseHandle(handle);
        errno = ENOTDIR;
        return -1;
    }
    const int file = _open_osfhandle((intptr_t)handle, _O_BINARY | _O_NOINHERIT | (flags & (O_APPEND | O_ACCMODE)));
    if (file < 0)
        CloseHandle(handle);
    return file;
}

int quern_windows_open(const char *path, int flags, ...)
{
    wchar_t *wide = quern_windows_path(path);
    const int file = wide != NULL ? open_wide(wide, flags, 0) : -1;
    const int reason = errno;
    free(wide);
    errno = reason;
    return file;
}

int quern_windows_truncate(const char *path, off_t bytes)
{
    FILE_END_OF_FILE_INFO end = {.EndOfFile.QuadPart = bytes};
    const int file = open(path, O_RDWR);
    if (file < 0)
        return -1;
    HANDLE handle = (HANDLE)_get_osfhandle(file);
    const int code = SetFileInformationByHandle(handle, FileEndOfFileInfo, &end, sizeof end) ? 0 : quern_windows_fail();
    const int reason = errno;
    _close(file);
    errno = reason;
    return code;
}

/* The mode of a stream that is always binary, without the letters that the C library of Windows does not know. */
static void mode_of(const char *mode, char out[4])
{
    char *end = out;
    *end++ = mode[0];
    *end++ = 'b';
    if (strchr(mode, '+') != NULL)
        *end++ = '+';
    *end = '\0';
}

FILE *quern_windows_fdopen(int file, const char *mode)
{
    char plain[4];
    mode_of(mode, plain);
    return _fdopen(file, plain);
}

FILE *quern_windows_fopen(const char *path, const char *mode)
{
    const int kind = strchr(mode, '+') != NULL ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY;
    const int more = mode[0] == 'w' ? O_CREAT | O_TRUNC : mode[0] == 'a' ? O_CREAT | O_APPEND : 0;
    const int file = open(path, kind | more | (strchr(mode, 'x') != NULL ? O_EXCL : 0), 0666);
    FILE *stream = file >= 0 ? fdopen(file, mode) : NULL;
    if (stream == NULL && file >= 0)
        _close(file);
    return stream;
}

int quern_windows_fcntl(int file, int what, ...)
{
    if (what == F_DUPFD_CLOEXEC)
        return _dup(file);
    return _get_osfhandle(file) == (intptr_t)INVALID_HANDLE_VALUE || _get_osfhandle(file) == -2 ? -1 : 0;
}

int quern_windows_flock(int file, int how)
{
    OVERLAPPED place = {.OffsetHigh = LOCK_PLACE};
    const DWORD flags = LOCKFILE_EXCLUSIVE_LOCK | (how & LOCK_NB ? LOCKFILE_FAIL_IMMEDIATELY : 0);
    return LockFileEx((HANDLE)_get_osfhandle(file), flags, 0, 1, 0, &place) ? 0 : quern_windows_fail();
}

int quern_windows_fsync(int file)
{
    struct stat status;
    if (fstat(file, &status) == 0 && S_ISDIR(status.st_mode))
        return 0;
    return _commit(file);
}

static OVERLAPPED place_of(off_t offset)
{
    return (OVERLAPPED){.Offset = (DWORD)(uint64_t)offset, .OffsetHigh = (DWORD)((uint64_t)offset >> 32)};
}

static DWORD at_most(size_t bytes)
{
    return bytes < 1u << 30 ? (DWORD)bytes : 1u << 30;
}

ssize_t quern_windows_pread(int file, void *buffer, size_t bytes, off_t offset)
{
    OVERLAPPED place = place_of(offset);
    DWORD done;
    if (ReadFile((HANDLE)_get_osfhandle(file), buffer, at_most(bytes), &done, &place))
        return (ssize_t)done;
    return GetLastError() == ERROR_HANDLE_EOF ? 0 : quern_windows_fail();
}

ssize_t quern_windows_pwrite(int file, const void *buffer, size_t bytes, off_t offset)
{
    OVERLAPPED place = place_of(offset);
    DWORD done;
    return WriteFile((HANDLE)_get_osfhandle(file), buffer, at_most(bytes), &done, &place) ? (ssize_t)done
                                                                                          : quern_windows_fail();
}

/* ---------------------------------------------------------------- what is known of a file */

#define TICKS_TO_1970 116444736000000000 /* FILETIME counts 100 ns since 1601 */

struct timespec quern_windows_time(uint64_t filetime)
{
    const int64_t ticks = (int64_t)filetime - TICKS_TO_1970;
    return (struct timespec){.tv_sec = ticks / 10000000, .tv_nsec = (long)(ticks % 10000000 * 100)};
}

int quern_windows_futimens(int file, const struct timespec times[2])
{
    const uint64_t ticks = (uint64_t)(times[1].tv_sec * 10000000 + times[1].tv_nsec / 100 + TICKS_TO_1970);
    const FILETIME changed = {(DWORD)ticks, (DWORD)(ticks >> 32)};
    return SetFileTime((HANDLE)_get_osfhandle(file), NULL, NULL, &changed) ? 0 : quern_windows_fail();
}

static int examine(HANDLE handle, struct stat *status)
{
    BY_HANDLE_FILE_INFORMATION found;
    const DWORD type = GetFileType(handle);
    *status = (struct stat){.st_nlink = 1, .st_mode = type == FILE_TYPE_PIPE ? S_IFIFO | 0600 : S_IFCHR | 0600};
    if (type != FILE_TYPE_DISK)
        return type == FILE_TYPE_UNKNOWN && GetLastError() != NO_ERROR ? quern_windows_fail() : 0;
    if (!GetFileInformationByHandle(handle, &found))
        return quern_windows_fail();
    const unsigned rights = found.dwFileAttributes & FILE_ATTRIBUTE_READONLY ? 0444 : 0644;
    status->st_dev = found.dwVolumeSerialNumber;
    status->st_ino = (uint64_t)found.nFileIndexHigh << 32 | found.nFileIndexLow;
    status->st_mode = found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? S_IFDIR | 0755u : S_IFREG | rights;
    status->st_nlink = found.nNumberOfLinks;
    status->st_size = (off_t)((uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow);
    const FILETIME *written = &found.ftLastWriteTime;
    status->st_mtim = status->st_ctim =
        quern_windows_time((uint64_t)written->dwHighDateTime << 32 | written->dwLowDateTime);
    return 0;
}

int quern_windows_fstat(int file, struct stat *status)
{
    return examine((HANDLE)_get_osfhandle(file), status);
}

int quern_windows_stat(const char *path, struct stat *status)
{
    wchar_t *wide = quern_windows_path(path);
    if (wide == NULL)
        return -1;
    HANDLE handle = CreateFileW(wide, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    int code = handle != INVALID_HANDLE_VALUE ? examine(handle, status) : quern_windows_fail();
    if (handle != INVALID_HANDLE_VALUE)
        CloseHandle(handle);
    free(wide);
    return code;
}

int quern_windows_access(const char *path, int mode)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return -1;
    if ((mode & W_OK) == 0 || (status.st_mode & 0200) != 0)
        return 0;
    errno = EACCES;
    return -1;
}

FILE *quern_windows_tmpfile(void)
{
    wchar_t folder[MAX_PATH + 1], name[MAX_PATH + 1];
    if (GetTempPathW(MAX_PATH + 1, folder) == 0 || GetTempFileNameW(folder, L"qrn", 0, name) == 0) {
        quern_windows_fail();
        return NULL;
    }
    const int file = open_wide(name, O_RDWR | O_CREAT | O_TRUNC, FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE);
    FILE *stream = file >= 0 ? fdopen(file, "w+") : NULL;
    if (stream == NULL && file >= 0)
        _close(file);
    return stream;
}
