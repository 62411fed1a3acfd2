/* What this CPU can do, and which table is the best one for it. */
#include "base/count.h"
#include "base/system/system.h"
#include "kernels/tables.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

uint32_t quern_cpu_features(void)
{
    enum { OSXSAVE = 1 << 27, FMA = 1 << 12, F16C = 1 << 29, AVX = 1 << 28 };          /* leaf 1 ecx */
    enum { AVX2 = 1 << 5, AVX512 = 1 << 16 | 1 << 17 | 1 << 30 | (int)(1u << 31) };    /* leaf 7.0 ebx: F DQ BW VL */
    enum { VNNI512 = 1 << 11 };                                                        /* leaf 7.0 ecx */
    enum { AMX = 1 << 22 | 1 << 24 | 1 << 25 };                                  /* leaf 7.0 edx: BF16 TILE INT8 */
    enum { VNNI = 1 << 4 };                                                            /* leaf 7.1 eax */
    enum { STATE_AVX = 6, STATE_AVX512 = 0xe6, STATE_TILES = 1 << 17 | 1 << 18 };
    const uint32_t basic = OSXSAVE | FMA | F16C | AVX;
    uint32_t a, b, c, d, features = 0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & basic) != basic)
        return 0;
    const uint32_t state = quern_system_saved_registers();
    if ((state & STATE_AVX) != STATE_AVX || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & AVX2))
        return 0;
    features |= QUERN_CPU_AVX2;
    if ((b & (uint32_t)AVX512) == (uint32_t)AVX512 && (c & VNNI512) && (state & STATE_AVX512) == STATE_AVX512)
        features |= QUERN_CPU_AVX512VNNI;
    if ((d & AMX) == AMX && (state & STATE_TILES) == STATE_TILES && quern_system_grants_tiles())
        features |= QUERN_CPU_AMX;
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & VNNI))
        features |= QUERN_CPU_AVXVNNI;
    return features;
}

static const struct quern_kernels *const all[] = {&quern_kernels_portable, &quern_kernels_avx2, &quern_kernels_avxvnni,
                                                  &quern_kernels_avx512vnni, &quern_kernels_amx};

#elif defined(__aarch64__)

uint32_t quern_cpu_features(void)
{
    return QUERN_CPU_NEON | (quern_system_has_dotprod() ? QUERN_CPU_DOTPROD : 0u) |
           (quern_system_has_i8mm() ? QUERN_CPU_I8MM : 0u);
}

static const struct quern_kernels *const all[] = {&quern_kernels_portable, &quern_kernels_neon, &quern_kernels_dotprod,
                                                  &quern_kernels_i8mm};

#else

uint32_t quern_cpu_features(void)
{
    return 0;
}

static const struct quern_kernels *const all[] = {&quern_kernels_portable};

#endif

const struct quern_kernels *const *quern_kernels_all(int *count)
{
    *count = (int)QUERN_COUNT(all);
    return all;
}

const struct quern_kernels *quern_kernels_select(uint32_t features, const char *limit)
{
    const struct quern_kernels *best = NULL;
    for (size_t i = 0; i < QUERN_COUNT(all); i++) {
        if ((all[i]->features & features) == all[i]->features)
            best = all[i];
        if (limit != NULL && strcmp(all[i]->name, limit) == 0)
            return best;
    }
    return limit == NULL || *limit == '\0' ? best : NULL;
}
