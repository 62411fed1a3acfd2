/* macOS, on Apple's processors and on x86-64. */
#include "base/system/budget.h"
#include "base/system/system.h"

#include <mach-o/dyld.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>

/* A number that the system knows by this name; 0: it does not. */
static int number_of(const char *name)
{
    int number = 0;
    size_t size = sizeof number;
    return sysctlbyname(name, &number, &size, NULL, 0) == 0 && size == sizeof number ? number : 0;
}

/* ---------------------------------------------------------------- the CPU */

#if defined(__x86_64__)

/* The system saves the registers of AVX-512 for threads that have used them once, and XCR0 lacks their bits until
 * then. */
uint32_t quern_system_saved_registers(void)
{
    enum { AVX512 = 0xe6 };
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return number_of("hw.optional.avx512f") != 0 ? low | AVX512 : low;
}

bool quern_system_grants_tiles(void)
{
    return false; /* no Mac has them */
}

#else

bool quern_system_has_dotprod(void)
{
    return number_of("hw.optional.arm.FEAT_DotProd") != 0;
}

bool quern_system_has_i8mm(void)
{
    return number_of("hw.optional.arm.FEAT_I8MM") != 0;
}

#endif

/* Threads share out work in equal parts, so the slower cores are left to other programs. */
int quern_cpu_budget(char *reason, size_t reason_size)
{
    const int fast = number_of("hw.perflevel0.physicalcpu"), slow = number_of("hw.perflevel1.physicalcpu");
    const int all = number_of("hw.physicalcpu");
    const int budget = fast > 0 ? fast : all > 0 ? all : 1;
    if (fast > 0 && slow > 0)
        snprintf(reason, reason_size, "%d performance core%s; %d efficiency core%s left to others", fast,
                 fast == 1 ? "" : "s", slow, slow == 1 ? "" : "s");
    else
        snprintf(reason, reason_size, "%d core%s", budget, budget == 1 ? "" : "s");
    return budget;
}

/* ---------------------------------------------------------------- memory and files */

/* The system chooses the size of pages. */
void *quern_system_take_large(size_t bytes)
{
    return quern_system_take(bytes);
}

bool quern_system_program(char *path, size_t size)
{
    uint32_t room = size <= UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    char *real = _NSGetExecutablePath(path, &room) == 0 ? realpath(path, NULL) : NULL;
    const bool fits = real != NULL && strlen(real) < size;
    if (fits)
        strcpy(path, real);
    free(real);
    return fits;
}
