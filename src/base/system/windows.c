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

/* Windows gives tile registers to a thread that asks; we do not, so the table amx is not used. */
bool quern_system_grants_tiles(void)
{
    return false;
}

/* The share of all CPUs that the job of this process may use, in CPUs; infinite when there is no limit. */
static double job_quota(int cpus)
{
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION rate;
    if (!QueryInformationJobObject(NULL, JobObjectCpuRateControlInformation, &rate, sizeof rate, NULL))
        return INFINITY;
    const DWORD hard = JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP;
    return (rate.ControlFlags & hard) == hard ? rate.CpuRate / 10000.0 * cpus : INFINITY;
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
static _Atomic uintptr_t blank_begin, blank_end; /* a map that is being blanked */

/* A part of a view cannot be replaced. Other threads that read the map meanwhile wait in the handler. */
bool quern_system_blank(uintptr_t address, uintptr_t begin, uintptr_t end, uintptr_t *from)
{
    (void)address;
    *from = begin;
    atomic_store(&blank_begin, begin);
    atomic_store(&blank_end, end);
    const bool done = UnmapViewOfFile((void *)begin) &&
                      VirtualAlloc((void *)begin, end - begin, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY) != NULL;
    atomic_store(&blank_end, 0);
    return done;
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception)
{
    const EXCEPTION_RECORD *record = exception->ExceptionRecord;
    if (record->NumberParameters < 2 || record->ExceptionInformation[0] != EXCEPTION_READ_FAULT)
        return EXCEPTION_CONTINUE_SEARCH;
    const uintptr_t address = record->ExceptionInformation[1];
    if (record->ExceptionCode == (DWORD)EXCEPTION_ACCESS_VIOLATION && atomic_load(&blank_begin) <= address &&
        address < atomic_load(&blank_end)) {
        Sleep(1);
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    return record->ExceptionCode == (DWORD)EXCEPTION_IN_PAGE_ERROR && atomic_load(&on_fault)(address)
               ? EXCEPTION_CONTINUE_EXECUTION
               : EXCEPTION_CONTINUE_SEARCH;
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

/* The larger of two places in one path; NULL is smaller than any. */
static char *later(char *a, char *b)
{
    return (uintptr_t)a > (uintptr_t)b ? a : b;
}

char *quern_system_last_slash(const char *path)
{
    return later(strrchr(path, '/'), strrchr(path, '\\'));
}

/* "C:/" and "//server", and "/" of the current drive. */
bool quern_system_is_absolute(const char *path)
{
    if (path[0] == '/' || path[0] == '\\')
        return true;
    const bool has_drive = (path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z');
    return has_drive && path[1] == ':' && (path[2] == '/' || path[2] == '\\');
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
