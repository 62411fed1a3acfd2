#include "base/pages.h"

#include "base/error.h"

#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20) /* bytes, on x86-64, and on AArch64 with pages of 4 KiB */

void *quern_pages_take(size_t bytes, quern_error *error)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t spare = bytes >= HUGE_PAGE ? HUGE_PAGE : 0; /* room to align the start to a huge page */
    unsigned char *base = MAP_FAILED;
    if (bytes <= SIZE_MAX - spare - page)
        base = mmap(NULL, bytes + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        quern_fail(error, QUERN_ENOMEM, "no memory: %zu bytes are needed", bytes);
        return NULL;
    }
    if (spare == 0)
        return base;

    size_t head = -(uintptr_t)base % HUGE_PAGE;
    size_t used = (bytes + page - 1) / page * page;
    size_t mapped = (bytes + spare + page - 1) / page * page;
    if (head > 0)
        munmap(base, head);
    if (head + used < mapped)
        munmap(base + head + used, mapped - head - used);
    madvise(base + head, used, MADV_HUGEPAGE); /* its result does not matter: small pages work too */
    return base + head;
}

void quern_pages_release(void *pages, size_t bytes)
{
    if (pages != NULL)
        munmap(pages, bytes);
}
