/* Windows on x86-64. What Windows lacks of POSIX is in the folder windows/. */
#include "base/system/budget.h"
#include "base/system/system.h"
#include "base/system/windows/windows_paths.h"

#include <errno.h>
#include <io.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After the headers above, whose names it would change. */
#include <windows.h>

/* ---------------------------------------------------------------- the CPU */

uint32_t quern_system_saved_registers(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* Windows 11 and Windows Server 2022 give tile registers to a process that asks: to all its threads, those that begin
 * later included. Older ones lack the function that asks. */
bool quern_system_grants_tiles(void)
{
    enum { TILE_DATA = 1 << 18, TILES = 1 << 17 | TILE_DATA };
    typedef BOOL WINAPI enable(DWORD64 features);
    const FARPROC found = GetProcAddress(GetModuleHandleW(L"kernel32.dll"), "EnableProcessOptionalXStateFeatures");
    enable *ask = (enable *)(void (*)(void))found;
    return ask != NULL && (GetEnabledXStateFeatures() & TILES) == TILES && ask(TILE_DATA);
}

/* The share of all CPUs that the job of this process may use, in CPUs; infinite when there is no limit. */
static double job_quota(int cpus)
{
    enum { MIN_MAX_RATE = 0x10 }; /* which MinGW-w64 lacks: CpuRate is the least rate and, above it, the most */
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION rate;
    if (!QueryInformationJobObject(NULL, JobObjectCpuRateControlInformation, &rate, sizeof rate, NULL))
        return INFINITY;
    if ((rate.ControlFlags & JOB_OBJECT_CPU_RATE_CONTROL_ENABLE) == 0)
        return INFINITY;
    if (rate.ControlFlags & MIN_MAX_RATE)
        return (rate.CpuRate >> 16) / 10000.0 * cpus;
    return rate.ControlFlags & JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP ? rate.CpuRate / 10000.0 * cpus : INFINITY;
}

int quern_cpu_budget(char *reason, size_t reason_size)
{
    DWORD_PTR own = 0, all = 0;
    SYSTEM_INFO system;
    GetSystemInfo(&system);
    int affinity = (int)system.dwNumberOfProcessors;
    if (GetProcessAffinityMask(GetCurrentProcess(), &own, &all) && own != 0) /* 0: CPUs of several groups */
        affinity = __builtin_popcountll(own);
    const double quota = job_quota((int)system.dwNumberOfProcessors);
    char by_quota[48] = "no limit of the job";
    if (isfinite(quota))
        snprintf(by_quota, sizeof by_quota, "limit of the job %.2f", quota);
    snprintf(reason, reason_size, "%d CPU%s by affinity; %s", affinity, affinity == 1 ? "" : "s", by_quota);
    const double budget = floor(fmin((double)affinity, quota));
    return budget < 1 ? 1 : (int)budget;
}

/* ---------------------------------------------------------------- memory */

size_t quern_system_page_size(void)
{
    SYSTEM_INFO system;
    GetSystemInfo(&system);
    return system.dwPageSize;
}

void *quern_system_take(size_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

/* Large pages need a right that few users have. */
void *quern_system_take_large(size_t bytes)
{
    return quern_system_take(bytes);
}

void quern_system_release(void *memory, size_t bytes)
{
    (void)bytes;
    VirtualFree(memory, 0, MEM_RELEASE);
}

/* ---------------------------------------------------------------- mapped files */

/* While a file is mapped, Windows lets nobody make it shorter, so only a disk or a network that fails takes pages
 * away. */
void *quern_system_map(int file, size_t bytes)
{
    HANDLE handle = (HANDLE)_get_osfhandle(file), mapping = NULL;
    void *map = NULL;
    if (handle != INVALID_HANDLE_VALUE)
        mapping = CreateFileMappingW(handle, NULL, PAGE_READONLY, 0, 0, NULL);
    if (mapping != NULL) {
        map = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, bytes);
        CloseHandle(mapping); /* the view keeps it */
    }
    if (map == NULL)
        errno = GetLastError() == ERROR_NOT_ENOUGH_MEMORY || GetLastError() == ERROR_COMMITMENT_LIMIT ? ENOMEM : EACCES;
    return map;
}

void quern_system_unmap(void *map, size_t bytes)
{
    (void)bytes;
    if (!UnmapViewOfFile(map))
        VirtualFree(map, 0, MEM_RELEASE); /* it was blanked */
}

/* This takes the pages out of the working set: VirtualUnlock of pages that are not locked does so. */
void quern_system_forget(void *begin, size_t bytes)
{
    VirtualUnlock(begin, bytes);
}

static bool (*_Atomic on_fault)(uintptr_t address);
static void *vectored; /* the handler; NULL: none */
static atomic_flag is_blanking = ATOMIC_FLAG_INIT;

static void begin_blanking(void)
{
    while (atomic_flag_test_and_set(&is_blanking))
        Sleep(1);
}

static void end_blanking(void)
{
    atomic_flag_clear(&is_blanking);
}

/* Whether zeros lie at an address in place of a map. */
static bool is_blank(uintptr_t address)
{
    MEMORY_BASIC_INFORMATION there;
    return VirtualQuery((void *)address, &there, sizeof there) > 0 && there.State == MEM_COMMIT &&
           there.Type == MEM_PRIVATE && there.Protect == PAGE_READONLY;
}

/* A part of a view cannot be replaced. Several threads may fail in one map at a time: the first puts zeros there. */
bool quern_system_blank(uintptr_t address, uintptr_t begin, uintptr_t end, uintptr_t *from)
{
    *from = begin;
    begin_blanking();
    const bool done = is_blank(address) ||
                      (UnmapViewOfFile((void *)begin) &&
                       VirtualAlloc((void *)begin, end - begin, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY) != NULL);
    end_blanking();
    return done;
}

/* Whether the read failed because the map was away while another thread blanked it. */
static bool was_away(uintptr_t address)
{
    begin_blanking();
    const bool answer = is_blank(address);
    end_blanking();
    return answer;
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception)
{
    const EXCEPTION_RECORD *record = exception->ExceptionRecord;
    if (record->NumberParameters < 2 || record->ExceptionInformation[0] != EXCEPTION_READ_FAULT)
        return EXCEPTION_CONTINUE_SEARCH;
    const uintptr_t address = record->ExceptionInformation[1];
    const bool reads_again =
        record->ExceptionCode == (DWORD)EXCEPTION_IN_PAGE_ERROR      ? atomic_load(&on_fault)(address)
        : record->ExceptionCode == (DWORD)EXCEPTION_ACCESS_VIOLATION ? was_away(address)
                                                                     : false;
    return reads_again ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

void quern_system_catch_faults(bool (*handler)(uintptr_t address))
{
    if (vectored != NULL)
        return;
    atomic_store(&on_fault, handler);
    vectored = AddVectoredExceptionHandler(1, on_exception);
}

void quern_system_leave_faults(void)
{
    if (vectored != NULL)
        RemoveVectoredExceptionHandler(vectored);
    vectored = NULL;
}

/* ---------------------------------------------------------------- files and threads */

/* fstat asks for the number of the volume too, which takes much longer. */
int quern_system_look_at_file(int file, uint64_t *bytes, struct timespec *modified)
{
    HANDLE handle = (HANDLE)_get_osfhandle(file);
    LARGE_INTEGER size;
    FILETIME written;
    if (!GetFileSizeEx(handle, &size) || !GetFileTime(handle, NULL, NULL, &written))
        return quern_windows_fail();
    *bytes = (uint64_t)size.QuadPart;
    *modified = quern_windows_time((uint64_t)written.dwHighDateTime << 32 | written.dwLowDateTime);
    return 0;
}

int quern_system_sync(int file)
{
    return _commit(file);
}

/* A folder's entry is written by renaming, see rename in windows/. */
void quern_system_sync_folder(const char *path)
{
    (void)path;
}

int quern_system_start_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
    return pthread_create(thread, NULL, run, argument);
}

static bool is_slash(char character)
{
    return character == '/' || character == '\\';
}

static bool has_drive(const char *path)
{
    const bool is_letter = (path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z');
    return is_letter && path[1] == ':';
}

/* "C:name" is in the current folder of the drive. */
const char *quern_system_file_name(const char *path)
{
    const char *name = has_drive(path) ? path + 2 : path;
    for (; *path != '\0'; path++)
        if (is_slash(*path))
            name = path + 1;
    return name;
}

/* "C:/" and "//server", and "/" of the current drive. */
bool quern_system_is_absolute(const char *path)
{
    return is_slash(path[0]) || (has_drive(path) && is_slash(path[2]));
}

char *quern_system_absolute_path(const char *path)
{
    wchar_t *wide = quern_windows_path(path);
    char *absolute = wide != NULL ? quern_windows_plain(wide) : NULL;
    free(wide);
    return absolute;
}

bool quern_system_program(char *path, size_t size)
{
    wchar_t wide[32768]; /* the longest path of Windows */
    const DWORD units = GetModuleFileNameW(NULL, wide, 32768);
    char *narrow = units > 0 && units < 32768 ? quern_windows_narrow(wide) : NULL;
    const bool fits = narrow != NULL && strlen(narrow) < size;
    if (fits) {
        strcpy(path, narrow);
        quern_windows_slashes(path);
    }
    free(narrow);
    return fits;
}
