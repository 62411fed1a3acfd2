/* The tables of RoPE: cosine and sine of position * base^(-2 i / head) for all positions that a text may have. */
#include "network/binder.h"

#include <math.h>

/* Rotates from each position to the next in double precision. n rotations lose about n * 2^-53. */
static void fill(float *cosine, float *sine, size_t positions, int head, double base)
{
    const int half = head / 2;
    for (int i = 0; i < half; i++) {
        const double angle = pow(base, -(double)i / half), c1 = cos(angle), s1 = sin(angle);
        double c = 1, d = 0;
        for (size_t p = 0; p < positions; p++) {
            cosine[p * (size_t)half + (size_t)i] = (float)c;
            sine[p * (size_t)half + (size_t)i] = (float)d;
            const double next = c * c1 - d * s1;
            d = d * c1 + c * s1;
            c = next;
        }
    }
}

static struct quern_rotation bind_rotation(struct quern_binder *binder, const struct quern_arch_geometry *geometry)
{
    const int head = quern_binder_size(binder, geometry->head);
    const size_t positions = (size_t)binder->limit, count = positions * (size_t)(head / 2);
    float *cosine = quern_arena_take(&binder->tables, count, sizeof *cosine);
    float *sine = quern_arena_take(&binder->tables, count, sizeof *sine);
    if (cosine != NULL)
        fill(cosine, sine, positions, head, binder->values[geometry->rope_base]);
    return (struct quern_rotation){cosine, sine};
}

/* Whether two kinds of layers rotate by the same angles. */
static bool same(const struct quern_binder *binder, const struct quern_arch_geometry *a,
                 const struct quern_arch_geometry *b)
{
    return binder->values[a->rope_base] == binder->values[b->rope_base] &&
           binder->values[a->head] == binder->values[b->head];
}

/* Whether layers of a kind rotate, and there are some. */
static bool rotates(const struct quern_binder *binder, int kind)
{
    const int layers = quern_binder_size(binder, QUERN_P_LAYERS);
    for (int l = 0; l < layers && binder->arch->geometry[kind].rope_base != QUERN_P_NONE; l++)
        if ((int)binder->layers[l].kind == kind)
            return true;
    return false;
}

void quern_binder_bind_rotations(struct quern_binder *binder)
{
    const struct quern_arch_geometry *geometry = binder->arch->geometry;
    for (int kind = 0; kind < QUERN_LAYER_KINDS; kind++) {
        binder->rotations[kind] = (struct quern_rotation){NULL, NULL};
        if (!rotates(binder, kind))
            continue;
        binder->rotations[kind] = kind > 0 && rotates(binder, 0) && same(binder, &geometry[0], &geometry[kind])
                                      ? binder->rotations[0]
                                      : bind_rotation(binder, &geometry[kind]);
    }
}
