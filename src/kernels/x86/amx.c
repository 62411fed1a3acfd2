/* AMX: an instruction multiplies 16 x 32 by 32 x 16 numbers in bfloat16, or 16 x 64 by 64 x 16 bytes. All else is
 * AVX-512. */
#include "kernels/panels.h"
#include "kernels/tables.h"

#include <immintrin.h>

#define TARGET "amx-tile,amx-bf16,amx-int8,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"
#include "kernels/x86/target.h"
TARGET_BEGIN

#include "kernels/x86/lanes16.inc.h"

/* One instruction moves the upper half of every lane of low into the lower half of a lane of high. */
static inline __attribute__((always_inline)) vu join_upper_halves(__m512i low, __m512i high)
{
    const __m128i upper = _mm_set_epi8(15, 14, 15, 14, 11, 10, 11, 10, 7, 6, 7, 6, 3, 2, 3, 2);
    return (vu)_mm512_mask_shuffle_epi8(high, 0x3333333333333333, low, _mm512_broadcast_i32x4(upper));
}

#define TILE_ZERO(t) _tile_zero(t)
#if __SIZEOF_LONG__ == 8
#define TILE_LOAD(t, p, stride) _tile_loadd(t, p, stride)
#define TILE_STORE(t, p, stride) _tile_stored(t, p, stride)
#else /* gcc hands the stride over as a long, which is too short here */
#define TILE_MOVE(operation, p, stride) \
    __asm__ volatile(operation : : "r"((const void *)(p)), "r"((size_t)(stride)) : "memory")
#define TILE_LOAD(t, p, stride) TILE_MOVE("tileloadd\t(%0,%1,1), %%tmm" QUOTED(t), p, stride)
#define TILE_STORE(t, p, stride) TILE_MOVE("tilestored\t%%tmm" QUOTED(t) ", (%0,%1,1)", p, stride)
#define QUOTED(t) QUOTED_AS_IT_IS(t)
#define QUOTED_AS_IT_IS(t) #t
#endif
#define TILE_DOT(t, a, b) _tile_dpbf16ps(t, a, b)
#define TILE_DOT_BYTES(t, a, b) _tile_dpbsud(t, a, b)
#define JOIN_UPPER_HALVES(low, high) join_upper_halves((__m512i)(low), (__m512i)(high))
#define DOT4(sum, w, a) ((vi)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(w), (__m512i)(a)))
#define PREFETCH(p) _mm_prefetch((const char *)(p), _MM_HINT_T1)
#include "kernels/x86/templates_tiles.inc.h"

/* Eight tiles of 16 lines of 64 bytes. */
static void begin_tiles(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t line_bytes[16];
        uint8_t lines[16];
    } tiles = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        tiles.line_bytes[i] = TILE_LINE_BYTES;
        tiles.lines[i] = TILE_LINES;
    }
    /* gcc 12 believes that the instruction reads eight bytes, and would drop the stores of the others. */
    __asm__ volatile("" : : "r"(&tiles) : "memory");
    _tile_loadconfig(&tiles);
}

static void end_tiles(void)
{
    _tile_release();
}

TARGET_END

const struct quern_kernels quern_kernels_amx =
    QUERN_TABLE("amx", QUERN_CPU_AVX2 | QUERN_CPU_AVX512VNNI | QUERN_CPU_AMX, attention_bfloat16);
