/* The tables of this library, each defined in a source file of its own. */
#ifndef QUERN_KERNELS_TABLES_H
#define QUERN_KERNELS_TABLES_H

#include "kernels/kernels.h"

extern const struct quern_kernels quern_kernels_portable;
#if defined(__x86_64__)
extern const struct quern_kernels quern_kernels_avx2, quern_kernels_avxvnni, quern_kernels_avx512vnni,
    quern_kernels_amx;
#elif defined(__aarch64__)
extern const struct quern_kernels quern_kernels_neon, quern_kernels_dotprod, quern_kernels_i8mm;
#endif

#endif
