/* Signals and facts of the machine. */
#include "base/count.h"

#include "sys/utsname.h"

#include <windows.h>

#undef signal

static bool comes(int number)
{
    return number == SIGINT || number == SIGTERM || number == SIGABRT || number == SIGSEGV || number == SIGILL ||
           number == SIGFPE;
}

static quern_windows_on_signal *handlers[NSIG + 1]; /* those that stay after a signal */

/* The C library of Windows forgets a handler when the signal comes. */
static void again(int number)
{
    signal(number, again);
    handlers[number](number);
}

quern_windows_on_signal *quern_windows_signal(int number, quern_windows_on_signal *handler)
{
    if (!comes(number))
        return SIG_ERR;
    const bool is_own = handler != SIG_DFL && handler != SIG_IGN;
    if (is_own)
        handlers[number] = handler;
    return signal(number, is_own ? again : handler);
}

int quern_windows_sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    if (before != NULL)
        *before = (struct sigaction){.sa_handler = SIG_DFL};
    if (action == NULL || !comes(number))
        return 0;
    if (action->sa_flags & SA_RESETHAND)
        signal(number, action->sa_handler);
    else
        quern_windows_signal(number, action->sa_handler);
    return 0;
}

const char *quern_windows_sigabbrev(int number)
{
    return number == SIGINT ? "INT" : number == SIGTERM ? "TERM" : "?";
}

long quern_windows_sysconf(int what)
{
    SYSTEM_INFO system;
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    GetSystemInfo(&system);
    if (what == _SC_PAGESIZE)
        return (long)system.dwPageSize;
    if (what == _SC_NPROCESSORS_ONLN)
        return (long)system.dwNumberOfProcessors;
    return GlobalMemoryStatusEx(&memory) ? (long)(memory.ullTotalPhys / system.dwPageSize) : -1;
}

int quern_windows_uname(struct utsname *name)
{
    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};
    *name = (struct utsname){"Windows", "", "x86_64"};
    if (GetVersionExW(&version))
        snprintf(name->release, sizeof name->release, "%lu.%lu.%lu", version.dwMajorVersion, version.dwMinorVersion,
                 version.dwBuildNumber);
    return 0;
}
