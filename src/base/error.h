/* Filling the caller's quern_error. Every fallible function of the library ends in one of these. */
#ifndef QUERN_BASE_ERROR_H
#define QUERN_BASE_ERROR_H

#include "quern.h"

/* Writes code and the formatted line to error (which may be NULL), cutting it at a character's edge and replacing
 * control bytes and invalid UTF-8, so that names out of hostile files can be quoted. Returns code. */
int quern_fail(quern_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts the file that was read before the line that error has. Returns code. */
int quern_fail_in(quern_error *error, int code, const char *path);

/* Copies what fits of a text that comes from a file, whole characters only: a '?' stands for each control byte and each
 * one that is not UTF-8. */
void quern_copy_clean(char *out, size_t size, const char *text);

/* Returns from the calling function when expr fails. */
#define QUERN_TRY(expr)                                                                                                \
    do {                                                                                                               \
        int quern_try_code = (expr);                                                                                   \
        if (quern_try_code != QUERN_OK)                                                                                \
            return quern_try_code;                                                                                     \
    } while (0)

#endif
