/* What Linux and macOS answer alike. */
#include "base/system/system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

size_t quern_system_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *quern_system_take(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void quern_system_release(void *memory, size_t bytes)
{
    munmap(memory, bytes);
}

void *quern_system_map(int file, size_t bytes)
{
    void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    return map == MAP_FAILED ? NULL : map;
}

void quern_system_unmap(void *map, size_t bytes)
{
    munmap(map, bytes);
}

void quern_system_forget(void *begin, size_t bytes)
{
    madvise(begin, bytes, MADV_DONTNEED);
}

static bool (*_Atomic on_fault)(uintptr_t address);
static atomic_size_t page_size;
static bool is_installed;
static struct sigaction previous; /* read by the handler; changes only while ours is not in place */

/* mmap is a bare system call. */
bool quern_system_blank(uintptr_t address, uintptr_t begin, uintptr_t end, uintptr_t *from)
{
    (void)begin;
    (void)end;
    size_t size = atomic_load(&page_size);
    *from = address / size * size;
    return mmap((void *)*from, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    bool sent = info->si_code <= 0; /* by kill and the like; else by a fault, which comes again when we return */
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else if (!sent || previous.sa_handler == SIG_DFL) { /* the kernel does not let a fault be ignored either */
        signal(number, SIG_DFL);
        if (sent)
            raise(number);
    }
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code <= 0 || !atomic_load(&on_fault)((uintptr_t)info->si_addr))
        pass_on(number, info, context);
    errno = saved;
}

/* Another library may put its own handler over ours. It must pass on other faults, so ours is installed only once. */
void quern_system_catch_faults(bool (*handler)(uintptr_t address))
{
    if (is_installed)
        return;
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&action.sa_mask);
    atomic_store(&page_size, quern_system_page_size());
    atomic_store(&on_fault, handler);
    sigaction(SIGBUS, NULL, &previous);
    sigaction(SIGBUS, &action, NULL);
    is_installed = true;
}

/* If another handler was put over ours, both stay: the other one may call ours. */
void quern_system_leave_faults(void)
{
    struct sigaction current;
    sigaction(SIGBUS, NULL, &current);
    if (!(current.sa_flags & SA_SIGINFO) || current.sa_sigaction != on_bus_error)
        return;
    sigaction(SIGBUS, &previous, NULL);
    is_installed = false;
}

int quern_system_start_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
    static const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, 0};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (const int *fault = faults; *fault != 0; fault++)
        sigdelset(&blocked, *fault);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int code = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

int quern_system_look_at_file(int file, uint64_t *bytes, struct timespec *modified)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return -1;
    *bytes = (uint64_t)status.st_size;
    *modified = status.st_mtim;
    return 0;
}

int quern_system_sync(int file)
{
    return fsync(file);
}

/* A failure is no error: not every file system can do this. */
void quern_system_sync_folder(const char *path)
{
    const int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return;
    fsync(file);
    close(file);
}

const char *quern_system_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

bool quern_system_is_absolute(const char *path)
{
    return path[0] == '/';
}

char *quern_system_absolute_path(const char *path)
{
    char *folder = path[0] != '/' ? getcwd(NULL, 0) : strdup(""), *absolute = NULL;
    const char *slash = path[0] != '/' && folder != NULL && folder[strlen(folder) - 1] != '/' ? "/" : "";
    if (folder != NULL && asprintf(&absolute, "%s%s%s", folder, slash, path) < 0)
        absolute = NULL;
    free(folder);
    return absolute;
}
