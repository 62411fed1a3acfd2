/* Compiles a part of a source file for instructions that the rest of the program must not use:
 *
 *     #define TARGET "avx2,fma"
 *     #include "kernels/x86/target.h"
 *     TARGET_BEGIN
 *     ...
 *     TARGET_END
 *
 * No compiler flags are needed, so any build compiles every table. */
#ifndef TARGET
#error "define TARGET first"
#endif

#define TARGET_PRAGMA(x) _Pragma(#x)
#ifdef __clang__
#define TARGET_PUSH(x) TARGET_PRAGMA(clang attribute push(__attribute__((target(x))), apply_to = function))
#define TARGET_BEGIN TARGET_PUSH(TARGET)
#define TARGET_END _Pragma("clang attribute pop")
#else
#define TARGET_PUSH(x) TARGET_PRAGMA(GCC target(x))
#define TARGET_BEGIN _Pragma("GCC push_options") TARGET_PUSH(TARGET)
#define TARGET_END _Pragma("GCC pop_options")
#endif
