/* The encoding RLE of Parquet: https://parquet.apache.org/docs/file-format/data-pages/encodings/ */
#include "parquet_pages.h"

void quern_parquet_runs_begin(struct quern_parquet_runs *runs, const unsigned char *data, size_t length, unsigned bits)
{
    *runs = (struct quern_parquet_runs){.data = data, .end = data + length, .bits = bits};
}

/* Reads the head of a run. Returns false when there is none. */
static bool begin_run(struct quern_parquet_runs *runs)
{
    uint64_t head = 0;
    unsigned byte = 128;
    if (runs->is_packed && runs->at > 0) { /* a packed run ends with a whole byte */
        runs->data++;
        runs->at = 0;
    }
    for (unsigned shift = 0; byte >= 128; shift += 7) {
        if (shift > 56 || runs->data == runs->end)
            return false;
        byte = *runs->data++;
        head |= (uint64_t)(byte & 127) << shift;
    }
    runs->is_packed = head & 1;
    runs->left = runs->is_packed ? (head >> 1) * 8 : head >> 1;
    runs->number = 0;
    for (unsigned i = 0; !runs->is_packed && 8 * i < runs->bits; i++) {
        if (runs->data == runs->end)
            return false;
        runs->number |= (uint32_t)*runs->data++ << 8 * i;
    }
    return true;
}

static bool take_packed(struct quern_parquet_runs *runs, uint32_t *number)
{
    *number = 0;
    for (unsigned have = 0; have < runs->bits;) {
        if (runs->data == runs->end)
            return false;
        const unsigned here = 8 - runs->at, wanted = runs->bits - have, some = here < wanted ? here : wanted;
        *number |= (uint32_t)(*runs->data >> runs->at & ((1u << some) - 1)) << have;
        have += some;
        runs->at += some;
        if (runs->at == 8) {
            runs->at = 0;
            runs->data++;
        }
    }
    return true;
}

bool quern_parquet_runs_next(struct quern_parquet_runs *runs, uint32_t *number)
{
    while (runs->left == 0)
        if (!begin_run(runs))
            return false;
    runs->left--;
    *number = runs->number;
    return !runs->is_packed || take_packed(runs, number);
}
