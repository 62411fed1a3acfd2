/* The table amx in plain C (support/tiles_in_c.c) computes what this CPU's tiles compute, bit for bit. Skipped on a CPU
 * without AMX. */
#include "base/count.h"
#include "block_maker.h"
#include "formats/conversion.h"
#include "formats/half.h"
#include "kernels/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct quern_kernels quern_tiles_in_c;

enum { ROWS = 67, LENGTH = 2048, COLUMNS = QUERN_PANEL_COLUMNS };

static uint64_t state = 1;

static uint64_t draw(void)
{
    return quern_mix(state++);
}

/* Floats of any fraction and sign, and of magnitudes from 2^lowest to 2^highest. */
static void draw_floats(float *x, size_t count, int lowest, int highest)
{
    for (size_t i = 0; i < count; i++) {
        const uint32_t exponent = (uint32_t)(127 + lowest + (int)(draw() % (uint64_t)(highest - lowest)));
        x[i] = quern_bits_to_float(((uint32_t)draw() & 0x807fffffu) | exponent << 23);
    }
}

/* What one table makes of the operands. */
struct results {
    void *activations, *panel;
    float *products; /* [ROWS][COLUMNS] */
};

static struct results compute(const struct quern_kernels *table, uint32_t type, const float *x,
                              const unsigned char *weights, size_t row_bytes, int count)
{
    const struct quern_activation *format = table->activation[QUERN_PATH_FAST];
    const struct quern_gemm *gemm = table->gemm[type];
    struct results r = {
        calloc(quern_activation_rows(format, ROWS), quern_activation_row_bytes(format, LENGTH)),
        aligned_alloc(64, gemm->block_bytes * (LENGTH / QUERN_BLOCK_ELEMENTS)),
        calloc(ROWS * COLUMNS, sizeof(float)),
    };
    table->thread_begin();
    for (int i = 0; i < count; i++)
        format->write(r.activations, i, LENGTH, 0, x + (size_t)i * LENGTH, LENGTH);
    gemm->pack(r.panel, weights, row_bytes, LENGTH);
    gemm->run[QUERN_PATH_FAST](r.products, COLUMNS, r.activations, 0, count, r.panel, LENGTH, NULL);
    table->thread_end();
    return r;
}

static void free_results(struct results *r)
{
    free(r->activations);
    free(r->panel);
    free(r->products);
}

/* Products of rows and weights whose exponents are in this range. */
static void check_type(uint32_t type, int lowest, int highest)
{
    static const int counts[] = {1, 16, 17, ROWS};
    const int most = type == QUERN_TYPE_F32 || type == QUERN_TYPE_BF16 ? 127 : 15; /* scales are half floats */
    static float x[ROWS * LENGTH], w[COLUMNS * LENGTH];
    static unsigned char weights[sizeof w];
    const struct quern_type_info *info = quern_type_info(type);
    const size_t row_bytes = (size_t)(LENGTH / info->block_elements) * (size_t)info->block_bytes;
    draw_floats(x, ROWS * LENGTH, lowest, highest);
    draw_floats(w, COLUMNS * LENGTH, lowest, highest > most ? most : highest);
    if (quern_blocks_makeable(type))
        quern_blocks_make(type, weights, COLUMNS * LENGTH, 0.02f, draw(), 0);
    else
        quern_quantize(type, weights, w, COLUMNS * LENGTH);
    for (size_t i = 0; i < QUERN_COUNT(counts); i++) {
        struct results of_cpu = compute(&quern_kernels_amx, type, x, weights, row_bytes, counts[i]);
        struct results in_c = compute(&quern_tiles_in_c, type, x, weights, row_bytes, counts[i]);
        for (int k = 0; k < counts[i] * COLUMNS; k++)
            if (quern_float_to_bits(of_cpu.products[k]) != quern_float_to_bits(in_c.products[k]))
                fail_msg("%s, exponents from %d to %d, %d rows, result %d: %a from the CPU, %a in C", info->name,
                         lowest, highest, counts[i], k, (double)of_cpu.products[k], (double)in_c.products[k]);
        free_results(&of_cpu);
        free_results(&in_c);
    }
}

static void check_types(int lowest, int highest)
{
    if ((quern_cpu_features() & quern_kernels_amx.features) != quern_kernels_amx.features)
        skip();
    for (uint32_t type = 0; type < QUERN_TYPES; type++)
        if (quern_kernels_amx.gemm[type] != NULL)
            check_type(type, lowest, highest);
}

static void test_usual_numbers(void **unused)
{
    (void)unused;
    check_types(-8, 1);
}

static void test_subnormal_products(void **unused)
{
    (void)unused;
    check_types(-70, -60);
    check_types(-126, -40);
}

static void test_infinite_sums(void **unused)
{
    (void)unused;
    check_types(-10, 62);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_numbers),
        cmocka_unit_test(test_subnormal_products),
        cmocka_unit_test(test_infinite_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
