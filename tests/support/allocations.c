#include "allocations.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

size_t quern_allocations;
size_t quern_allocation_failed;
size_t quern_system_calls;
size_t quern_system_call_failed;
size_t quern_memory_held;

/* Whether this request must fail. Then errno is set. */
static bool refuse(size_t *count, size_t failed, int code)
{
    if (++*count != failed)
        return false;
    errno = code;
    return true;
}

#define REFUSE_MEMORY refuse(&quern_allocations, quern_allocation_failed, ENOMEM)
#define REFUSE_CALL(code) refuse(&quern_system_calls, quern_system_call_failed, code)

static void *hold(void *memory)
{
    quern_memory_held += memory != NULL;
    return memory;
}

/* ---------------------------------------------------------------- blocks */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *memory);

void *__wrap_malloc(size_t size)
{
    return REFUSE_MEMORY ? NULL : hold(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return REFUSE_MEMORY ? NULL : hold(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (REFUSE_MEMORY)
        return NULL;
    return memory != NULL ? __real_realloc(memory, size) : hold(__real_malloc(size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return REFUSE_MEMORY ? NULL : hold(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *memory)
{
    quern_memory_held -= memory != NULL;
    __real_free(memory);
}

/* ---------------------------------------------------------------- pages */

/* The C library calls open, fopen, fstat and mmap by these names when files may be large. */
void *__real_mmap64(void *address, size_t length, int protection, int flags, int file, off_t offset);
void *__wrap_mmap64(void *address, size_t length, int protection, int flags, int file, off_t offset);
int __real_munmap(void *address, size_t length);
int __wrap_munmap(void *address, size_t length);

static size_t pages(size_t length)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (length + page - 1) / page;
}

void *__wrap_mmap64(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    if (file < 0 ? REFUSE_MEMORY : REFUSE_CALL(ENODEV))
        return MAP_FAILED;
    void *memory = __real_mmap64(address, length, protection, flags, file, offset);
    quern_memory_held += memory != MAP_FAILED ? pages(length) : 0;
    return memory;
}

int __wrap_munmap(void *address, size_t length)
{
    quern_memory_held -= pages(length);
    return __real_munmap(address, length);
}

/* ---------------------------------------------------------------- files and threads */

int __real_open64(const char *path, int flags, int mode);
int __wrap_open64(const char *path, int flags, ...);
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
int __real_fstat64(int file, struct stat *status);
int __wrap_fstat64(int file, struct stat *status);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

int __wrap_open64(const char *path, int flags, ...)
{
    int mode = 0;
    if (flags & O_CREAT) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, int);
        va_end(arguments);
    }
    return REFUSE_CALL(EMFILE) ? -1 : __real_open64(path, flags, mode);
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
    return REFUSE_CALL(EMFILE) ? NULL : __real_fopen64(path, mode);
}

int __wrap_fstat64(int file, struct stat *status)
{
    return REFUSE_CALL(EIO) ? -1 : __real_fstat64(file, status);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    return REFUSE_CALL(EAGAIN) ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}
