/* Linux. */
#include "base/system/system.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)

uint32_t quern_system_saved_registers(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* The permission is for the whole process. */
bool quern_system_grants_tiles(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

bool quern_system_has_dotprod(void)
{
    return (getauxval(AT_HWCAP) & 1 << 20) != 0;
}

bool quern_system_has_i8mm(void)
{
    return (getauxval(AT_HWCAP2) & 1 << 13) != 0;
}

#endif

#define HUGE_PAGE ((size_t)2 << 20) /* bytes, on x86-64, and on AArch64 with pages of 4 KiB */

void *quern_system_take_large(size_t bytes)
{
    const size_t page = quern_system_page_size();
    const size_t spare = bytes >= HUGE_PAGE ? HUGE_PAGE : 0; /* room to align the start to a huge page */
    unsigned char *base = bytes <= SIZE_MAX - spare - page ? quern_system_take(bytes + spare) : NULL;
    if (base == NULL || spare == 0)
        return base;

    const size_t head = -(uintptr_t)base % HUGE_PAGE;
    const size_t used = (bytes + page - 1) / page * page;
    const size_t mapped = (bytes + spare + page - 1) / page * page;
    if (head > 0)
        munmap(base, head);
    if (head + used < mapped)
        munmap(base + head + used, mapped - head - used);
    madvise(base + head, used, MADV_HUGEPAGE); /* its result does not matter: small pages work too */
    return base + head;
}

bool quern_system_program(char *path, size_t size)
{
    const ssize_t length = readlink("/proc/self/exe", path, size);
    if (length <= 0 || (size_t)length == size)
        return false;
    path[length] = '\0';
    return true;
}
