/* Timing, and what this CPU can do at most. */
#include "base/count.h"
#include "kcheck.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

double kcheck_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The least time of a call, in seconds: runs of about a millisecond, for a fifth of a second. */
static double least_time(void (*call)(void *), void *user)
{
    double best = 1e9, begin = kcheck_seconds();
    int calls = 1;
    for (double now = begin; now - begin < 0.2 || best == 1e9;) {
        for (int i = 0; i < calls; i++)
            call(user);
        const double then = now;
        now = kcheck_seconds();
        if (now - then < 1e-3)
            calls *= 2;
        else if ((now - then) / calls < best)
            best = (now - then) / calls;
    }
    return best;
}

void kcheck_time(struct kcheck *k, const char *shape, double macs, double bytes, enum kcheck_peak peak,
                 void (*call)(void *), void *user)
{
    const double seconds = least_time(call, user);
    printf("%-11s %-15s %-20s %12.0f ns", k->table->name, k->kernel, shape, seconds * 1e9);
    if (macs > 0)
        printf(" %8.1f GMAC/s %5.2f of peak", macs / seconds * 1e-9, macs / seconds / kcheck_measure_peak(peak));
    if (bytes > 0)
        printf(" %8.2f GB/s", bytes / seconds * 1e-9);
    putchar('\n');
}

/* ---------------------------------------------------------------- peaks */

enum { CHAINS = 12, STEPS = 100000 };

#if defined(__x86_64__)
#include <immintrin.h>
#define KEEP(v) __asm__ volatile("" : "+v"(v))
#define FEATURES(list) __attribute__((target(list)))
#elif defined(__aarch64__)
#include <arm_neon.h>
#define KEEP(v) __asm__ volatile("" : "+w"(v))
#ifdef __clang__ /* needs flags for whole files instead */
#define FEATURES(list)
#else
#define FEATURES(list) __attribute__((target("arch=armv8.2-a" list)))
#endif
#endif

/* A function that runs STEPS times CHAINS independent multiply-adds: sum = step, with constants x and y that the
 * compiler does not know. */
#define PEAK(name, features, type, step)                                                                               \
    FEATURES(features) static void name(void *user)                                                                    \
    {                                                                                                                  \
        type sums[CHAINS], x, y;                                                                                       \
        memset(&x, 0, sizeof x);                                                                                       \
        memset(&y, 0, sizeof y);                                                                                       \
        memset(sums, 0, sizeof sums);                                                                                  \
        KEEP(x);                                                                                                       \
        KEEP(y);                                                                                                       \
        for (int n = 0; n < *(const int *)user; n++)                                                                   \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++)                                                  \
            {                                                                                                          \
                type sum = sums[i];                                                                                    \
                sum = step;                                                                                            \
                KEEP(sum);                                                                                             \
                sums[i] = sum;                                                                                         \
            }                                                                                                          \
    }

struct peak {
    void (*run)(void *user);
    uint32_t features;
    int macs; /* of a step of one chain */
};

/* Best last */
#if defined(__x86_64__)
PEAK(int8_avx2, "avx2", __m256i,
     _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), _mm256_set1_epi16(1))))
PEAK(int8_avxvnni, "avx2,avxvnni", __m256i, _mm256_dpbusd_avx_epi32(sum, x, y))
PEAK(int8_avx512vnni, "avx512f,avx512vnni", __m512i, _mm512_dpbusd_epi32(sum, x, y))
PEAK(float_sse, "sse2", __m128, _mm_add_ps(sum, _mm_mul_ps(x, y)))
PEAK(float_fma, "avx2,fma", __m256, _mm256_fmadd_ps(x, y, sum))
PEAK(float_avx512, "avx512f", __m512, _mm512_fmadd_ps(x, y, sum))

/* Four tiles of sums += tile 4 * tile 6. Tiles of this thread that are configured already stay so. */
#define TILE_PEAK(name, feature, multiply)                                                                             \
    FEATURES("amx-tile," feature) static void name(void *user)                                                         \
    {                                                                                                                  \
        struct {                                                                                                       \
            uint8_t palette, start_row, reserved[14];                                                                  \
            uint16_t line_bytes[16];                                                                                   \
            uint8_t lines[16];                                                                                         \
        } before, tiles = {.palette = 1};                                                                              \
        for (int i = 0; i < 8; i++) {                                                                                  \
            tiles.line_bytes[i] = 64;                                                                                  \
            tiles.lines[i] = 16;                                                                                       \
        }                                                                                                              \
        __asm__ volatile("sttilecfg %0" : "=m"(before));                                                               \
        __asm__ volatile("ldtilecfg %0" : : "m"(tiles));                                                               \
        for (int n = 0; n < *(const int *)user; n++)                                                                   \
            for (int i = 0; i < CHAINS; i += 4) {                                                                      \
                multiply(0, 4, 6);                                                                                     \
                multiply(1, 4, 6);                                                                                     \
                multiply(2, 4, 6);                                                                                     \
                multiply(3, 4, 6);                                                                                     \
            }                                                                                                          \
        __asm__ volatile("ldtilecfg %0" : : "m"(before));                                                              \
    }
TILE_PEAK(int8_tiles, "amx-int8", _tile_dpbsud)
TILE_PEAK(bfloat16_tiles, "amx-bf16", _tile_dpbf16ps)

static const struct peak int8_peaks[] = {{int8_avx2, QUERN_CPU_AVX2, 32},
                                         {int8_avxvnni, QUERN_CPU_AVXVNNI, 32},
                                         {int8_avx512vnni, QUERN_CPU_AVX512VNNI, 64},
                                         {int8_tiles, QUERN_CPU_AMX, 16 * 16 * 64}};
#define FLOAT_PEAKS {float_sse, 0, 4}, {float_fma, QUERN_CPU_AVX2, 8}, {float_avx512, QUERN_CPU_AVX512VNNI, 16}
static const struct peak float_peaks[] = {FLOAT_PEAKS};
static const struct peak bfloat16_peaks[] = {FLOAT_PEAKS, {bfloat16_tiles, QUERN_CPU_AMX, 16 * 16 * 32}};
#elif defined(__aarch64__)
PEAK(float_neon, "", float32x4_t, vfmaq_f32(sum, x, y))
static const struct peak float_peaks[] = {{float_neon, QUERN_CPU_NEON, 4}};
#define bfloat16_peaks float_peaks
#ifndef __clang__
PEAK(int8_dotprod, "+dotprod", int32x4_t, vdotq_s32(sum, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(y)))
PEAK(int8_i8mm, "+i8mm", int32x4_t, vmmlaq_s32(sum, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(y)))
static const struct peak int8_peaks[] = {{int8_dotprod, QUERN_CPU_DOTPROD, 16}, {int8_i8mm, QUERN_CPU_I8MM, 32}};
#else
#define int8_peaks float_peaks
#endif
#endif

static double measure(const struct peak *peaks, size_t count)
{
    int steps = STEPS;
    for (; count > 0; count--)
        if ((peaks[count - 1].features & quern_cpu_features()) == peaks[count - 1].features)
            return (double)STEPS * CHAINS * peaks[count - 1].macs / least_time(peaks[count - 1].run, &steps);
    return 0;
}

double kcheck_measure_peak(enum kcheck_peak peak)
{
    static double known[KCHECK_PEAK_FLOAT + 1];
#if defined(__x86_64__) || defined(__aarch64__)
    if (known[peak] == 0)
        switch (peak) {
        case KCHECK_PEAK_NONE: break;
        case KCHECK_PEAK_INT8: known[peak] = measure(int8_peaks, QUERN_COUNT(int8_peaks)); break;
        case KCHECK_PEAK_BFLOAT16: known[peak] = measure(bfloat16_peaks, QUERN_COUNT(bfloat16_peaks)); break;
        case KCHECK_PEAK_FLOAT: known[peak] = measure(float_peaks, QUERN_COUNT(float_peaks)); break;
        }
#endif
    return known[peak];
}

enum kcheck_peak kcheck_peak_of(const struct quern_activation *activation)
{
    static const struct { const char *name; enum kcheck_peak peak; } formats[] = {
        {"int8", KCHECK_PEAK_INT8}, {"bfloat16", KCHECK_PEAK_BFLOAT16}, {"float32", KCHECK_PEAK_FLOAT}};
    for (size_t i = 0; i < QUERN_COUNT(formats); i++)
        if (strcmp(formats[i].name, activation->name) == 0)
            return formats[i].peak;
    return KCHECK_PEAK_NONE;
}
